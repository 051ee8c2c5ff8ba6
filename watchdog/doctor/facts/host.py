"""The file systems and processes of this host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from watchdog.doctor.case import Case, read
from watchdog.doctor.facts.unit import shown
from watchdog.thread import in_thread

_WITHIN = 1.0  # seconds; a file system that does not answer is not waited for


@dataclass(frozen=True, slots=True)
class Space:
    """A file system."""

    mount: str
    free: int  # bytes that somebody without privileges may still write
    size: int
    inodes: int  # still free
    all_inodes: int  # 0 where they are not counted
    read_only: bool


async def spaces(case: Case) -> Sequence[Space]:
    """Return the file systems that the service writes to, each once."""
    properties = await shown(case)
    places = [properties.get("WorkingDirectory", "").lstrip("!-") or "/", "/var", "/var/log"]
    places += ["/tmp", "/run", *(str(Path(path).parent) for path in case.logs)]  # noqa: S108
    places += [f"/var/lib/{name}" for name in properties.get("StateDirectory", "").split()]
    found = [await case.once(("space", each), partial(_space_in_time, each)) for each in places]
    return list({each.mount: each for each in found if each is not None}.values())


async def _space_in_time(path: str) -> Space | None:
    try:
        async with asyncio.timeout(_WITHIN):
            return await in_thread(partial(space, path))
    except (OSError, TimeoutError):
        return None


def space(path: str) -> Space:
    """Return the file system that *path* lies on, or would. Blocks; raises OSError."""
    place = Path(path).resolve()
    while not place.exists():
        place = place.parent
    said = os.statvfs(place)
    while not place.is_mount():
        place = place.parent
    return Space(
        str(place),
        said.f_bavail * said.f_frsize,
        said.f_blocks * said.f_frsize,
        said.f_favail,
        said.f_files,
        bool(said.f_flag & os.ST_RDONLY),
    )


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the service."""

    pid: int
    name: str
    state: str  # one letter: proc(5)
    traced: bool


async def processes(case: Case) -> Sequence[Process]:
    """Return the processes of the unit, its main one first."""
    properties = await shown(case)
    cgroup = properties.get("ControlGroup", "")
    main = int(properties.get("MainPID") or 0)
    if not cgroup or not main:
        return ()
    from watchdog.evidence.cgroup import pids_in, unit_cgroup  # noqa: PLC0415 - seldom needed

    place = unit_cgroup(main)
    pids = pids_in(place) if place is not None else ()
    others = sorted(pid for pid in pids if pid != main)
    return [found for pid in (main, *others) if (found := _process(pid)) is not None]


def _process(pid: int) -> Process | None:
    text = read(f"/proc/{pid}/status")
    if text is None:
        return None
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    traced = fields.get("TracerPid", "0").strip() != "0"
    return Process(pid, fields.get("Name", "?"), fields.get("State", "?")[0], traced)


def there(path: str | Path) -> bool | None:
    """Tell whether *path* leads to something; None if we may not look."""
    try:
        Path(path).stat()
    except PermissionError:
        return None
    except OSError:
        return False
    return True
