"""The wheels of what is locked, for the Python that runs them, which need not be ours."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

WHEEL_OPTIONS = (
    *("--python-version", "3.11", "--implementation", "cp"),
    *("--abi", "cp311", "--abi", "abi3", "--abi", "none"),
    *(
        option
        for kind in ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
        for option in ("--platform", f"{kind}_{platform.machine()}")
    ),
    *("--platform", "any"),
)


def download(lock: Path, target: Path, pip: Callable[..., object]) -> None:
    """Fill *target* with wheels of what *lock* names, each checked against its hash there.

    What has no wheel is built with what is installed; *pip* runs pip with the arguments it gets.
    """
    pip(
        *("download", "--no-deps", "--require-hashes", "--no-build-isolation", *WHEEL_OPTIONS),
        *(f"--dest={target}", f"--requirement={lock}"),
    )
    for archive in [*target.glob("*.tar.gz"), *target.glob("*.zip")]:
        pip(
            *("wheel", "--no-deps", "--no-index", "--no-build-isolation"),
            *("--wheel-dir", target, archive),
        )
        archive.unlink()
