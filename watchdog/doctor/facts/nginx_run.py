"""nginx as it runs: since when, with which configuration, and what it logs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from watchdog.control.ownership import CGROUP_ROOT
from watchdog.doctor.case import Case
from watchdog.doctor.facts.web import configuration
from watchdog.nginx.syntax import Directive, files_of
from watchdog.root_job import RootJob

_CGROUPS = Path(CGROUP_ROOT)
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_STARTED = 21 - 2  # field 22 of proc(5), counted after the name
DEFAULT_LOG = "/var/log/nginx/error.log"
_TAIL = 64 << 10  # bytes


async def changed_since_load(case: Case) -> str:
    """Return a file of the configuration that is newer than what nginx runs with; empty if none.

    Workers begin when the configuration is loaded. A directory changes when a site is enabled.
    """
    loaded = await _loaded(case)
    ran = await case.root(RootJob.NGINX_TEST)
    if loaded is None or ran.code != 0:
        return ""
    newest, when = "", loaded
    files = files_of(ran.out)
    for place in (*files, *sorted({str(PurePosixPath(file).parent) for file in files})):
        with suppress(OSError):
            changed = max(os.lstat(place).st_ctime, os.stat(place).st_ctime)  # noqa: PTH116
            if changed > when:
                newest, when = place, changed
    return newest


async def _loaded(case: Case) -> float | None:
    """Return when (UNIX seconds) the youngest of nginx's processes began; None if not known."""
    cgroup = (await case.shown(case.deployment.nginx)).get("ControlGroup", "")
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    began = []
    with suppress(OSError, ValueError):
        for pid in (_CGROUPS / cgroup.lstrip("/") / "cgroup.procs").read_text().split():
            stat = (_PROC / pid / "stat").read_text().rpartition(")")[2].split()
            began.append(int(stat[_STARTED]) / _TICKS)
    return booted + max(began) if began else None


async def error_logs(case: Case, server: Directive | None) -> Sequence[str]:
    """Return the files that nginx logs errors to, those of *server* first."""
    tree = await configuration(case)
    if tree is None:
        return (DEFAULT_LOG,)
    places = [server] if server else []
    places += [*tree.all("http"), tree]
    found = [
        line.arguments[0]
        for place in places
        for line in place.all("error_log")
        if line.arguments and line.arguments[0].startswith("/") and "off" not in line.arguments
    ]
    return tuple(dict.fromkeys(found)) or (DEFAULT_LOG,)


def size(path: str) -> int | None:
    """Return how long a log is; None if it is not there or may not be read."""
    try:
        with Path(path).open("rb") as file:
            return file.seek(0, os.SEEK_END)
    except OSError:
        return None


def lines_since(path: str, offset: int) -> Sequence[str]:
    """Return what was logged beyond *offset*, as far as it may be read."""
    try:
        with Path(path).open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(offset if offset <= end else 0, end - _TAIL))
            return file.read(_TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
