"""Write a Debian package from wheels: `python -m scripts.debian --wheels DIR OUTPUT_DIR`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.debian.deb import build_deb
from scripts.debian.wheels import download


def main() -> int:
    """Build the package and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m scripts.debian", description=__doc__)
    parser.add_argument(
        "--source",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="the project (default: where you are)",
    )
    parser.add_argument(
        "--wheels",
        metavar="DIR",
        type=Path,
        required=True,
        help="the project's wheel and those of its dependencies, and no others",
    )
    parser.add_argument(
        "--download",
        action="store_true",
        help="first put the locked dependencies there",
    )
    parser.add_argument(
        "--python",
        metavar="FILE",
        type=Path,
        default=Path("/usr/bin/python3.11"),
        help="the interpreter on the host, and here, which compiles (default: %(default)s)",
    )
    parser.add_argument("--compression", default="xz", help="default: %(default)s")
    parser.add_argument("output", metavar="OUTPUT_DIR", type=Path)
    options = parser.parse_args()
    if options.download:
        download(options.source / "requirements/run.lock", options.wheels, _pip)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as building:
        package = build_deb(
            *(options.source, options.wheels, options.python, epoch, Path(building)),
            options.compression,
        )
        shutil.move(package, options.output)
    print(options.output / package.name)
    return 0


def _pip(*arguments: str | Path) -> None:
    quiet = ("--disable-pip-version-check", "-qq")
    subprocess.run([sys.executable, "-m", "pip", *quiet, *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
