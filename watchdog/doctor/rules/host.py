"""What this host has not enough of: disk, inodes, memory; and disks that take nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.host import Space, spaces
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.unit import Shown, again, drop_in, last_exit, shown
from watchdog.doctor.finding import Finding, Remedy
from watchdog.evidence.oom import kernel_oom_lines

_FULL = 1 << 20
"""Bytes. A file system with less is full: a log line still fits, a database's page may not."""

_FEW_INODES = 4

_NO_SPACE = re.compile(r"(?i)no space left|errno 28\b|ENOSPC|quota exceeded|disk (?:is|are) full")
_READ_ONLY = re.compile(r"(?i)read-only file ?system|errno 30\b|EROFS|readonly database")
_PATH = re.compile(r"'(?P<path>/[^']+)'")
_NO_MEMORY = re.compile(r"\bMemoryError\b|(?i:cannot allocate memory|errno 12\b|out of memory)")


async def disk_full(case: Case) -> Finding | None:
    """A file system that the service writes to is full.

    What is largest on it is shown by the command; what may go is yours to say.
    """
    full = [each for each in await spaces(case) if each.size and each.free < _FULL]
    full = [each for each in full if not each.read_only]
    if not full:
        return None
    return await _no_room(case, "disk-full", full[0], "has no space left")


async def inodes_full(case: Case) -> Finding | None:
    """A file system has no inodes left: there is space, and no file can be made.

    Look for a directory with very many small files: sessions, caches, mail.
    """
    full = [each for each in await spaces(case) if each.all_inodes and each.inodes < _FEW_INODES]
    full = [each for each in full if not each.read_only]
    if not full:
        return None
    return await _no_room(case, "inodes-full", full[0], "has no inodes left: too many files")


async def disk_read_only(case: Case) -> Finding | None:
    """A file system is mounted read-only, and the service says that it cannot write.

    The kernel does that after errors of the disk: look at its log before mounting it again.
    """
    lines = await log_lines(case)
    said = next((line for line in reversed(lines) if _READ_ONLY.search(line)), None)
    properties = await shown(case)
    bound = [each for each in await spaces(case) if each.read_only and each.mount != "/usr"]
    if said is None:
        return None
    where = next((each.mount for each in bound if each.mount in said), "")
    where = where or (bound[0].mount if bound else "")
    named = _PATH.search(said)
    if not bound and named and properties.get("ProtectSystem", "no") != "no":
        return _sandboxed(case, properties, str(Path(named["path"]).parent), said)
    mount = where or "MOUNT_POINT"
    sandbox = "" if where else "; or ProtectSystem=, ReadOnlyPaths= of the unit forbid it"
    return Finding(
        "disk-read-only",
        f"{where} is mounted read-only" if where else f"it writes where it may not: {_one(said)}",
        f"the service cannot write; the kernel does so after errors of the disk{sandbox}",
        Remedy(
            (
                "journalctl --dmesg --priority=err",
                f"mount -o remount,rw {shlex.quote(mount)}",
                *again(case, properties),
            )
        ),
        last([said]),
    )


def _sandboxed(case: Case, properties: Shown, directory: str, said: str) -> Finding:
    allow = drop_in(case, "50-writes", f"ReadWritePaths={directory}")
    return Finding(
        "disk-read-only",
        f"{case.unit} may not write in {directory}: ProtectSystem={properties['ProtectSystem']}",
        "its unit makes the file system read-only for it; the disk itself is not",
        Remedy((*allow, *again(case, properties))),
        last([said]),
    )


async def memory_out(case: Case) -> Finding | None:
    """The kernel killed the service for want of memory, its own limit's or the host's.

    A unit's limit (`MemoryMax=`) can be doubled; a host needs less on it, or more memory.
    """
    properties, lines = await shown(case), await log_lines(case)
    killed = last_exit(properties, lines).result == "oom-kill"
    says = next((line for line in reversed(lines) if _NO_MEMORY.search(line)), "")
    killed = killed or any("oom-kill" in line or "OOM killer" in line for line in lines)
    if not killed and not says:
        return None
    words = await _kernel_says(case) if case.unit else ()
    limit = properties.get("MemoryMax", "infinity")
    if limit.isdecimal():
        size = int(limit)
        mend = drop_in(case, "50-memory", f"MemoryMax={2 * size}")
        why = f"its limit is {size >> 20} MiB (MemoryMax=)"
    else:
        mend, why = ("ps aux --sort=-rss",), "the host had none left"
    return Finding(
        "memory-out",
        f"{case.unit or case.service.name} ran out of memory: {why}",
        "it is killed again as soon as it needs as much",
        Remedy((*mend, *again(case, properties))),
        (*words, *last([says] if says else lines)),
    )


async def _kernel_says(case: Case) -> Sequence[str]:
    try:
        return last(await kernel_oom_lines(case.unit), 1)
    except OSError:
        return ()


async def _no_room(case: Case, rule: str, full: Space, words: str) -> Finding:
    said = [line for line in await log_lines(case) if _NO_SPACE.search(line)]
    inodes = "--inodes " if rule == "inodes-full" else ""
    look = f"du -xh {inodes}--max-depth=2 {shlex.quote(full.mount)}"
    return Finding(
        rule,
        f"the file system {full.mount} {words}",
        "nothing that has to write a file works: logs, databases, uploads",
        Remedy((look, "rm FILES", *again(case, await shown(case)))),
        last(said, 2),
    )


def _one(line: str) -> str:
    return last([line])[0]


RULES = (disk_full, inodes_full, disk_read_only, memory_out)
