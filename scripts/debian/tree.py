"""The files of the Debian package, laid out below a directory as they will be below /."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

NAME = "service-watchdog"
HOME = f"/opt/{NAME}"
WRITTEN_BY_INSTALL_SH = "Written by systemd/install.sh"
OF_THE_PACKAGE = "Part of the Debian package"

UNITS = (f"{NAME}.service", f"{NAME}-nginx-test.service", f"{NAME}-firewall.service")
COPIES = {
    "systemd/sysusers.conf": f"usr/lib/sysusers.d/{NAME}.conf",
    f"systemd/{NAME}-jobs.rules": f"usr/share/polkit-1/rules.d/49-{NAME}-jobs.rules",
    **{f"systemd/{unit}": f"lib/systemd/system/{unit}" for unit in UNITS},
    "config.example.toml": f"usr/share/{NAME}/config.example.toml",
    f"completion/{NAME}.bash": f"usr/share/bash-completion/completions/{NAME}",
    f"completion/_{NAME}": f"usr/share/zsh/vendor-completions/_{NAME}",
    f"completion/{NAME}.fish": f"usr/share/fish/vendor_completions.d/{NAME}.fish",
    f"systemd/debian/{NAME}.lintian-overrides": f"usr/share/lintian/overrides/{NAME}",
}
COMPRESSED = {
    f"manual/{NAME}.1": f"usr/share/man/man1/{NAME}.1.gz",
    f"manual/{NAME}.toml.5": f"usr/share/man/man5/{NAME}.toml.5.gz",
    "CHANGELOG.md": f"usr/share/doc/{NAME}/CHANGELOG.md.gz",
}
"""From the source to the place on a host. Units come before what permits to start them: dpkg
unpacks in the order of names, and removes in the reverse."""


def lay_out(source: Path, wheels: Path, version: str, python: Path, root: Path) -> None:
    """Fill *root* from the project in *source* and from *wheels*, all of which are installed."""
    for origin, place in COPIES.items():
        text = (source / origin).read_text("utf-8")
        _write(root / place, text.replace(WRITTEN_BY_INSTALL_SH, OF_THE_PACKAGE).encode())
    for origin, place in COMPRESSED.items():
        _write(root / place, gzip.compress((source / origin).read_bytes(), mtime=0))
    _make_environment(root, wheels, f"{HOME}/venv-{version}", python)
    (root / HOME[1:] / "bin").symlink_to(f"venv-{version}/bin")
    command = root / "usr/bin" / NAME
    command.parent.mkdir(parents=True)
    command.symlink_to(f"{HOME}/bin/{NAME}")


def _make_environment(root: Path, wheels: Path, venv: str, python: Path) -> None:
    """Make the virtual environment *venv* (PEP 405) with all of *wheels*, and compile it."""
    here = root / venv[1:]
    python_dir = f"lib/{python.name}"
    (here / "bin").mkdir(parents=True)
    (here / "bin/python").symlink_to(python)
    _write(
        here / "pyvenv.cfg",
        f"home = {python.parent}\ninclude-system-site-packages = false\n".encode(),
    )
    modules = f"{venv}/{python_dir}/site-packages"
    destination = SchemeDictionaryDestination(
        {
            "purelib": modules,
            "platlib": modules,
            "headers": f"{venv}/include",
            "scripts": f"{venv}/bin",
            "data": venv,
        },
        interpreter=f"{venv}/bin/python",
        script_kind="posix",
        destdir=os.fspath(root),
    )
    for wheel in sorted(wheels.glob("*.whl")):
        with WheelFile.open(wheel) as opened:
            install(opened, destination, {"INSTALLER": b"dpkg\n"})
    # Compiled here, as the daemon's user may not; trusted without a look at the source, whose time
    # on the host is another. One process, one order, one seed: the same bytes.
    subprocess.run(
        [
            *(
                _compiler(python),
                "-I",
                "-m",
                "compileall",
                "-q",
                "-f",
                "--invalidation-mode=unchecked-hash",
            ),
            *("-s", root, "-p", "/", root / modules[1:]),
        ],
        check=True,
        env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": os.defpath},
    )


def _compiler(python: Path) -> str:
    """Return what compiles for *python*: itself, or ours if its bytecode is the same."""
    if python.exists():
        return os.fspath(python)
    if python.name == f"python{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    raise SystemExit(f"cannot compile for {python}: it is not here, nor is {python.name} us")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
