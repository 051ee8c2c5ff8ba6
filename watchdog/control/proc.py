"""Processes as the kernel shows them: proc(5), pidfd_open(2)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")

ENDING = 0.02
"""Seconds. A process that is killed closes its sockets first and has ended 0.02 to 3 ms later."""

_ENDED = {"Z", "X", "x"}  # zombies, and what is about to be none
_STATE, _GROUP, _SESSION, _START = 0, 2, 3, 19  # fields of stat after the name
_SOCKET = "socket:["


class Process(NamedTuple):
    """A process, told from a later one of the same pid by its start in ticks since the boot."""

    pid: int
    ticks: int
    group: int
    session: int
    ended: bool  # only its exit status is left


def process(pid: int) -> Process | None:
    """Return what /proc says of *pid*; None if there is no such process."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return Process(
        pid,
        int(fields[_START]),
        int(fields[_GROUP]),
        int(fields[_SESSION]),
        fields[_STATE] in _ENDED,
    )


async def ended(pid: int, within: float | None = None) -> bool:
    """Tell whether process *pid* has ended, or does *within* seconds; None: wait until it has.

    Whether or not its parent has noticed. Raises OSError if nobody can tell: before Linux 5.3, or
    in a sandbox that forbids it.
    """
    loop = asyncio.get_running_loop()
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    end: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_reader(pidfd, resolve, end)
        # Unlike a deadline this does not lose an end that is noticed with it, by a loop that is
        # late: as where a thousand die at once.
        await asyncio.wait([end], timeout=within)
        return end.done()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def resolve(future: asyncio.Future[None]) -> None:
    """Resolve *future*, if that has not been done."""
    if not future.done():
        future.set_result(None)


def session(leader: int) -> list[Process]:
    """Return what is alive of the session that process *leader* began."""
    return _alive(pid for pid in _pids() if _session_of(pid) == leader)


def socket_inodes(pids: Iterable[int]) -> set[int]:
    """Return the inodes of the sockets that *pids* have open, as far as we may look."""
    return {
        int(link[len(_SOCKET) : -1])
        for pid in pids
        for link in _descriptors(pid)
        if link.startswith(_SOCKET)
    }


def writers(path: Path) -> list[Process]:
    """Return the processes whose standard output or error is the file *path*."""
    return _alive(
        pid
        for pid in _pids()
        if str(path) in {_link(f"{PROC}/{pid}/fd/1"), _link(f"{PROC}/{pid}/fd/2")}
    )


def mono_of_ticks(ticks: int) -> float:
    """Return the moment *ticks* after the boot on the monotonic clock, which stops in suspend."""
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return ticks / os.sysconf("SC_CLK_TCK") - asleep


def _pids() -> Iterator[int]:
    for name in os.listdir(PROC):  # noqa: PTH208 - names; a Path each is not needed
        if name.isdecimal():
            yield int(name)


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)  # a twentieth of the cost of reading stat
    except OSError:
        return 0


def _alive(pids: Iterable[int]) -> list[Process]:
    found = [process(pid) for pid in pids]
    return [each for each in found if each is not None and not each.ended]


def _descriptors(pid: int) -> Iterator[str]:
    directory = f"{PROC}/{pid}/fd"
    try:
        numbers = os.listdir(directory)  # noqa: PTH208 - names; a Path each is not needed
    except OSError:
        return  # gone, or not ours to see
    for number in numbers:
        yield _link(f"{directory}/{number}")


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - a name, not a path
    except OSError:
        return ""
