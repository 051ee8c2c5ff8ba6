"""What root file systems are made of: packages, wheels, and the commands that fetch them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.debian.wheels import download
from tests.host.machine import ENVIRONMENT, HostError

SUITE = "bookworm"
CHROOT_SCRIPT = Path(__file__).with_name("chroot.sh")

CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child", "--"),
)
"""Before a command: it ends with us, however we end, and takes its processes and mounts along."""


def apt_sources() -> list[Path]:
    """Return this machine's own Debian sources, if they serve the suite: its mirror is nearest."""
    release = Path("/etc/os-release").read_text()
    if f"VERSION_CODENAME={SUITE}\n" not in release:
        return []
    candidates = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [next(path for path in candidates if path.exists())]


def apt_settings() -> str:
    """Return this machine's APT settings about reaching its sources: proxies, certificates."""
    dumped = subprocess.run(
        ["apt-config", "dump"], check=True, capture_output=True, text=True
    ).stdout
    wanted = re.compile(r"Acquire::(https?|Check-|Retries|ForceIP|Proxy)", re.IGNORECASE)
    return "".join(f"{line}\n" for line in dumped.splitlines() if wanted.match(line))


def download_wheels(lock: Path, target: Path) -> None:
    """Fill *target* with wheels of what *lock* names, each checked against its hash there."""
    download(lock, target, pip)


def run_in_chroot(lower: Sequence[Path], building: Path, script: str) -> None:
    """Run *script* with a network on top of *lower*; what it writes is in `building/root`."""
    environment = {
        **ENVIRONMENT,
        "APT_CONFIG": "/run/inputs/apt.conf",
        "DEBIAN_FRONTEND": "noninteractive",
        **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")},
    }
    run(
        *CONTAINED,
        *(CHROOT_SCRIPT, ":".join(os.fspath(layer) for layer in reversed(lower)), building),
        stdin=script,
        env=environment,
    )
    for leftover in ("inputs", "work", "merged"):
        shutil.rmtree(building / leftover)


def pip(*arguments: str | Path) -> None:
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments)


def run(*argv: str | Path, stdin: str | None = None, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        argv,
        input=stdin,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = "".join(done.stdout.splitlines(keepends=True)[-30:])
        raise HostError(
            f"cannot build the test host: {Path(argv[0]).name} failed with {done.returncode}; "
            f"nothing is kept, the next run tries again; it said:\n{said}"
        )
