"""The condition of the host: is it the service, or everything?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

PRESSURE = Path("/proc/pressure")
"""Stall times of CPU, memory and I/O; Linux 4.20 and newer, unless switched off."""


def host_lines() -> Sequence[str]:
    """Describe load, memory, swap, disk, pressure and age of the host; what cannot be had is left.

    Blocks. psutil is imported here because only failures need it.
    """
    lines: list[str] = []
    for look in (_load, _memory, _disk, _pressure, _age):
        try:
            lines += look()
        except (OSError, ValueError):
            continue
    return lines


def _load() -> Iterator[str]:
    one, five, fifteen = os.getloadavg()
    cpus = os.cpu_count() or 1
    yield f"load {one:.2f}, {five:.2f}, {fifteen:.2f} (1, 5, 15 min) on {cpus} CPUs"


def _memory() -> Iterator[str]:
    import psutil  # noqa: PLC0415

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    used = f"swap {_size(swap.used)} of {_size(swap.total)} used" if swap.total else "no swap"
    yield f"memory {_size(memory.available)} of {_size(memory.total)} available, {used}"


def _disk() -> Iterator[str]:
    root = os.statvfs("/")
    size, free = root.f_blocks * root.f_frsize, root.f_bavail * root.f_frsize
    inodes = f", {root.f_favail / root.f_files:.0%} of inodes free" if root.f_files else ""
    yield f"disk / {_size(free)} of {_size(size)} free{inodes}"


def _pressure() -> Iterator[str]:
    """Yield how much of the last 10 s something waited for CPU, memory, I/O: "some avg10"."""
    kinds: dict[str, Callable[[str], str]] = {
        "cpu": str.upper,
        "memory": str,
        "io": lambda _: "I/O",
    }
    shares = []
    for kind, name in kinds.items():
        some = (PRESSURE / kind).read_text().split("\n", 1)[0]
        share = dict(field.split("=") for field in some.split()[1:])["avg10"]
        shares.append(f"{name(kind)} {float(share):.0f} %")
    yield f"waiting in the last 10 s: {', '.join(shares)} of the time"


def _age() -> Iterator[str]:
    hours = time.clock_gettime(time.CLOCK_BOOTTIME) / 3600
    booted = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - hours * 3600))
    yield f"booted {booted}, {hours:.1f} hours ago"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"  # noqa: PLR2004
