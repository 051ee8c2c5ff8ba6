"""Writes what an installation consists of, with versions, hashes and licences: CycloneDX 1.6, JSON.

What every installation has is required, what the extras add is optional. The licences and who needs
whom are taken from the development environment, where the same versions are installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from itertools import chain
from pathlib import Path

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "watchdog/web/assets"
EXTRAS = ("apprise", "aws")

# "NAME==VERSION ; MARKER \\" and a line for each hash.
LOCKED = re.compile(r"^([a-z0-9]\S*==[^\\\n]+)\\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)
SHA256 = re.compile(r"--hash=sha256:([0-9a-f]{64})")
OURS = {"python_full_version": "3.11.0", "python_version": "3.11", "sys_platform": "linux"}
"""What markers are asked about: the lowest Python, which needs most."""

Locked = Mapping[str, tuple[str, list[str]]]


def locked(name: str) -> Locked:
    """Return what requirements/NAME.lock has: name -> version and the hashes of its files."""
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    found = [(Requirement(line), SHA256.findall(hashes)) for line, hashes in LOCKED.findall(text)]
    return {
        each.name: (str(each.specifier).removeprefix("=="), hashes)
        for each, hashes in found
        if each.marker is None or each.marker.evaluate(OURS)
    }


def installed() -> Mapping[str, Distribution]:
    """Return what the development environment has, by normal name."""
    [place] = ROOT.glob(".venv/lib/python*/site-packages")
    return {canonicalize_name(each.name): each for each in distributions(path=[str(place)])}


def licence(distribution: Distribution | None) -> str:
    """Return what the distribution says of its licence: an SPDX expression, or words."""
    if distribution is None:
        return ""
    told = distribution.metadata
    classified = [
        text.rpartition(" :: ")[2]
        for text in told.get_all("Classifier", [])
        if text.startswith("License :: ") and text != "License :: OSI Approved"
    ]
    words = str(told.get("License") or "").partition("\n")[0]
    return str(told.get("License-Expression") or "") or words or " AND ".join(classified)


def sha256(digest: str) -> HashType:
    """Return a hash as the document has it."""
    return HashTypeFactory().from_composite_str(f"sha256:{digest}")


def python_component(
    name: str, version: str, hashes: Iterable[str], *, of: Distribution | None, optional: bool
) -> Component:
    """Return a package of PyPI; its hashes are those of all its files there."""
    if of is not None and of.version != version:
        sys.exit(f"cannot write an SBOM: .venv has {name} {of.version}, the lock {version}")
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{name}/{version}/#files"),
        hashes=[sha256(each) for each in hashes],
    )
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.OPTIONAL if optional else ComponentScope.REQUIRED,
        purl=(purl := PackageURL("pypi", name=name, version=version)),
        bom_ref=str(purl),
        description=of.metadata["Summary"] if of else None,
        licenses=[LicenseFactory().make_from_string(text)] if (text := licence(of)) else (),
        external_references=[files],
    )


def plot_component() -> Component:
    """Return the one library of the status page, which lies in our own tree."""
    about = (ASSETS / "uplot-LICENSE.txt").read_text(encoding="utf-8")
    version = about.removeprefix("uPlot ").partition(",")[0]
    files = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(path.relative_to(ROOT).as_posix()),
            hashes=[sha256(hashlib.sha256(path.read_bytes()).hexdigest())],
        )
        for path in sorted(ASSETS.glob("uplot.min.*"))
    ]
    return Component(
        name="uplot",
        version=version,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        purl=(purl := PackageURL("npm", name="uplot", version=version)),
        bom_ref=str(purl),
        description="A library that draws plots in a browser",
        licenses=[LicenseFactory().make_from_string("MIT")],
        external_references=files,
    )


def needs(distribution: Distribution, known: Mapping[str, Component]) -> list[Component]:
    """Return what the distribution requires of *known*, its own extras left out."""
    required = [Requirement(text) for text in distribution.requires or ()]
    names = [
        canonicalize_name(each.name)
        for each in required
        if each.marker is None or each.marker.evaluate({**OURS, "extra": ""})
    ]
    return [known[name] for name in names if name in known]


def bom() -> Bom:
    """Return the document."""
    base, present = locked("run"), installed()
    everything = dict(base)
    for extra in EXTRAS:
        everything |= locked(extra)
    known = {
        name: python_component(
            name, version, hashes, of=present.get(name), optional=name not in base
        )
        for name, (version, hashes) in sorted(everything.items())
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = re.search(
        r'__version__ = "(.+)"', (ROOT / "watchdog/__init__.py").read_text(encoding="utf-8")
    )
    ours = Component(
        name=project["name"],
        version=version[1] if version else "",
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        description=project["description"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
    )
    plot = plot_component()
    made = Bom(components=[*known.values(), plot])
    made.metadata.component = ours
    stamp = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    made.metadata.timestamp = datetime.fromtimestamp(stamp, UTC)
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    direct = [known[canonicalize_name(Requirement(each).name)] for each in wanted]
    made.register_dependency(ours, [*direct, plot])
    for name, component in known.items():
        made.register_dependency(component, needs(present[name], known) if name in present else ())
    what = "\n".join(str(each.purl) for each in made.components)
    made.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{ours.name} {ours.version}\n{what}")
    return made


def main(output: Path) -> None:
    """Write the document to *output*, once it is known to be valid."""
    text = JsonV1Dot6(bom()).output_as_string(indent=2)
    if (wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        sys.exit(f"cannot write an SBOM: it is not valid: {wrong}")
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        sys.exit(f"cannot write {output}: {error.strerror}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
