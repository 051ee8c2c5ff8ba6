"""The Debian package: its control files round the tree, and `dpkg-deb`."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

from scripts.debian.tree import NAME, lay_out

SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
STEPS = '# shellcheck source=systemd/steps.sh\n. "$STEPS"\n'
"""Where a maintainer script says what all have in common: it may read no other file."""


def build_deb(
    source: Path, wheels: Path, python: Path, epoch: int, building: Path, compression: str
) -> Path:
    """Return the package of the one project wheel in *wheels*, below the empty *building*."""
    found = list(wheels.glob("service_watchdog-*.whl"))
    if len(found) != 1:
        raise SystemExit(f"cannot package: {wheels} has {len(found)} wheels of the project, not 1")
    (own,) = found
    version = own.name.split("-")[1]
    debian = debian_version(version)
    root = building / "root"
    root.mkdir()
    lay_out(source, wheels, version, python, root)
    _document(source, debian, epoch, root)
    _control(source / "systemd/debian", debian, python, source / "systemd/steps.sh", root)
    _settle(root, epoch)
    package = building / f"{NAME}_{debian}_{architecture()}.deb"
    subprocess.run(
        [
            *("dpkg-deb", "--root-owner-group", "--threads-max=1", f"-Z{compression}"),
            *("--build", root, package),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"},
    )
    return package


def debian_version(version: str) -> str:
    """Return *version* such that what comes before a release also sorts before it."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)", r"~\1\2", version)


def architecture() -> str:
    """Return Debian's name of this machine's architecture."""
    return subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()


def _document(source: Path, version: str, epoch: int, root: Path) -> None:
    place = root / "usr/share/doc" / NAME
    indented = textwrap.indent((source / "LICENSE").read_text("utf-8"), " ", lambda _: True)
    licence = re.sub(r"(?m)^ *$", " .", indented.rstrip())
    copyrights = (source / "systemd/debian/copyright").read_text("utf-8")
    (place / "copyright").write_text(copyrights.replace("@LICENSE@", licence), "utf-8")
    entry = (
        f"{NAME} ({version}) stable; urgency=medium\n\n"
        f"  * What has changed is in CHANGELOG.md.gz.\n\n"
        f" -- {_maintainer()}  {formatdate(epoch)}\n"
    )
    (place / "changelog.gz").write_bytes(gzip.compress(entry.encode(), mtime=0))


def _control(templates: Path, version: str, python: Path, steps: Path, root: Path) -> None:
    major, minor = map(int, python.name.removeprefix("python").split("."))
    directory = root / "DEBIAN"
    directory.mkdir()
    words = {
        "VERSION": version,
        "ARCHITECTURE": architecture(),
        "MAINTAINER": _maintainer(),
        "SIZE": str(sum(_kilobytes(path) for path in root.rglob("*"))),
        "PYTHON": f"{major}.{minor}",
        "NEXT_PYTHON": f"{major}.{minor + 1}",
    }
    for name in ("control", *SCRIPTS):
        text = (templates / name).read_text("utf-8").replace(STEPS, steps.read_text("utf-8"))
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        (directory / name).write_text(text, "utf-8")
    (directory / "md5sums").write_text("".join(_md5sums(root)), "utf-8")


def _md5sums(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and not path.is_symlink() and name.parts[0] != "DEBIAN":
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            yield f"{digest}  {name}\n"


def _settle(root: Path, epoch: int) -> None:
    """Give all files the modes and times that they have wherever they are built."""
    for path in [root, *root.rglob("*")]:
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.parent.name == "bin" or path.name in SCRIPTS
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch))


def _kilobytes(path: Path) -> int:
    return 1 if path.is_symlink() or path.is_dir() else -(-path.stat().st_size // 1024)


def _maintainer() -> str:
    name = os.environ.get("DEBFULLNAME", "service-watchdog developers")
    return f"{name} <{os.environ.get('DEBEMAIL', 'service-watchdog@localhost')}>"
