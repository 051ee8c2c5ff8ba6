"""What an installation consists of, as scripts/sbom writes it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing

import watchdog
from tests.markdown import ROOT

pytestmark = pytest.mark.adapter

ASSETS = ROOT / "watchdog/web/assets"
SCHEMAS = ROOT / ".venv-audit/lib"


@pytest.fixture(scope="module")
def sbom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    at = {**os.environ, "SOURCE_DATE_EPOCH": "1767323045"}
    subprocess.run([ROOT / "scripts/sbom", path], check=True, env=at)
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def component(sbom: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [each for each in sbom["components"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def test_it_is_valid_by_the_schema_that_cyclonedx_publishes(sbom: dict[str, Any]) -> None:
    [place] = SCHEMAS.glob("python*/site-packages/cyclonedx/schema/_res")
    known = [
        (f"http://cyclonedx.org/schema/{path.name}", schema_at(path))
        for path in place.glob("*.SNAPSHOT.schema.json")
    ]
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        (uri, referencing.Resource.from_contents(schema)) for uri, schema in known
    )
    schema = schema_at(place / "bom-1.6.SNAPSHOT.schema.json")
    jsonschema.Draft7Validator(schema, registry=registry).validate(sbom)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema, registry=registry).validate({**sbom, "version": "one"})


def schema_at(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_has_all_that_is_locked_and_says_what_is_optional(sbom: dict[str, Any]) -> None:
    locked = (ROOT / "requirements/run.lock").read_text(encoding="utf-8")
    wanted = set(re.findall(r"^([a-z0-9][a-z0-9._-]*==[^\s;]+)", locked, re.MULTILINE))
    required = {
        f"{each['name']}=={each['version']}"
        for each in sbom["components"]
        if each["scope"] == "required"
    }
    uplot = component(sbom, "uplot")
    assert required == wanted | {f"uplot=={uplot['version']}"}
    assert component(sbom, "boto3")["scope"] == "optional"
    ours = sbom["metadata"]["component"]
    assert (ours["name"], ours["version"]) == ("service-watchdog", watchdog.__version__)


def test_each_has_its_licence_and_the_hashes_that_pip_checks(sbom: dict[str, Any]) -> None:
    assert all(each["licenses"] for each in sbom["components"])
    locked = (ROOT / "requirements/run.lock").read_text(encoding="utf-8")
    [files] = component(sbom, "msgspec")["externalReferences"]
    of_msgspec = locked.partition("\nmsgspec==")[2].partition("\n\n")[0].partition("\nm")[0]
    hashes = [each["content"] for each in files["hashes"]]
    assert hashes
    assert all(f"sha256:{each}" in of_msgspec for each in hashes)


def test_the_pages_library_is_in_it_as_it_lies_in_the_tree(sbom: dict[str, Any]) -> None:
    uplot = component(sbom, "uplot")
    assert uplot["purl"] == f"pkg:npm/uplot@{uplot['version']}"
    assert f"(v{uplot['version']})" in (ASSETS / "uplot.min.js").read_text(encoding="utf-8")
    [script] = [each for each in uplot["externalReferences"] if each["url"].endswith(".js")]
    assert (
        script["hashes"][0]["content"]
        == hashlib.sha256((ASSETS / "uplot.min.js").read_bytes()).hexdigest()
    )


def test_nothing_in_it_is_of_chance_or_of_the_day_it_was_written(sbom: dict[str, Any]) -> None:
    assert sbom["metadata"]["timestamp"] == "2026-01-02T03:04:05+00:00"
    assert uuid.UUID(sbom["serialNumber"]).version == 5


def test_a_wrong_use_is_refused() -> None:
    done = subprocess.run([ROOT / "scripts/sbom"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cannot write an SBOM: expected one argument")
