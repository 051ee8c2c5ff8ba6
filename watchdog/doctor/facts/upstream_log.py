"""What nginx logs of the service behind it, when the check through nginx fails."""

from __future__ import annotations

import time
from collections.abc import Sequence

from watchdog.doctor.case import Case
from watchdog.doctor.facts.failing import failing
from watchdog.doctor.facts.nginx_run import changed_since_load, error_logs, lines_since, size
from watchdog.doctor.facts.reached import fetch
from watchdog.doctor.facts.web import configuration, request_of, server_for
from watchdog.nginx.error_log import Trouble, troubles
from watchdog.nginx.passing import backends
from watchdog.nginx.servers import Request, answering, location

_RECENT = 600  # seconds that a line of the log may be old, if there is none of our own


async def logged(case: Case, *kinds: str) -> Trouble | None:
    """Return what nginx logs of the check that fails, if it is one of *kinds*."""
    trouble = await case.once("nginx error log", lambda: _trouble(case))
    return trouble if trouble is not None and trouble.kind in kinds else None


async def _trouble(case: Case) -> Trouble | None:
    check = await failing(case)
    request = await request_of(case, check) if check else None
    if check is None or request is None:
        return None  # the log is of this host
    logs = await error_logs(case, await server_for(case, check))
    before = {path: size(path) for path in logs}
    asked = await fetch(check, check.url)
    found = _of([line for path in logs for line in lines_since(path, before[path] or 0)], request)
    if found is None and asked.timed_out:
        # nginx waits longer than we did; it has said so of those who waited before us.
        earlier = _of(_recent(logs), request)
        found = earlier if earlier and earlier.kind.startswith("timeout") else None
    if found is None or await _is_of_the_past(case, found):
        return None
    return found


def _of(lines: Sequence[str], request: Request) -> Trouble | None:
    """Return the last of *lines* that is about *request*."""
    asked = f"GET {request.path}"
    about = [each for each in troubles(lines) if _path(each.request) == asked]
    return about[-1] if about else None


def _path(request: str) -> str:
    return request.rpartition(" HTTP/")[0].partition("?")[0]


def _recent(logs: Sequence[str]) -> Sequence[str]:
    since = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - _RECENT))
    return [line for path in logs for line in lines_since(path, 0) if line[:19] >= since]


async def _is_of_the_past(case: Case, trouble: Trouble) -> bool:
    """Tell whether nginx tried an upstream that the configuration no longer has."""
    check, tree = await failing(case), await configuration(case)
    request = await request_of(case, check) if check else None
    server = answering(tree, request) if tree and request else None
    if tree is None or request is None or server is None or not trouble.upstream:
        return False
    if not await changed_since_load(case):
        return False
    known = backends(tree, location(server, request.path))
    ports = {str(each.port) for each in known} | {f"unix:{each.path}" for each in known}
    now = trouble.upstream if trouble.upstream.startswith("unix:") else ""
    return bool(known) and (now or trouble.upstream.rpartition(":")[2]) not in ports
