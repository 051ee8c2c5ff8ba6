"""The steps at nginx: its configuration tested, then reloaded; if it is down, the unit started."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from watchdog.deploy.looking import NotAsItShouldBeError
from watchdog.deploy.plan import NGINX
from watchdog.root_job import RootJob, ask_root
from watchdog.tool import Ran, run

TAKEN = 10.0
"""Seconds in which new workers must have taken over."""

_PAUSE = 0.05
_LINES = 5  # of what a tool complained about that are shown


async def nginx_is_valid() -> str:
    """Return that nginx's configuration is valid. Raises NotAsItShouldBeError with its words."""
    ran = await ask_root(RootJob.NGINX_TEST)
    if ran.code != 0:
        raise NotAsItShouldBeError(f"nginx -t: {_complaint(ran)}", 1 if ran.code else 3)
    return "the configuration is valid"


async def nginx_reloaded(unit: str) -> str:
    """Have nginx read its configuration anew; one that does not run is started.

    A reload is a signal, and over before anything has happened: until its old workers have
    stopped accepting, they answer by the old configuration.
    """
    is_up = (await run("systemctl", "is-active", "--quiet", "--", unit)).code == 0
    before = await _workers(unit) if is_up else set()
    deed = "reload" if is_up else "restart"
    ran = await run("systemctl", deed, "--no-ask-password", "--", unit, patience=NGINX)
    if ran.code != 0:
        raise NotAsItShouldBeError(f"systemctl {deed} {unit}: {_complaint(ran)}")
    until = time.monotonic() + TAKEN
    while before & await _workers(unit):
        if time.monotonic() >= until:
            raise NotAsItShouldBeError(
                f"{unit} has not taken its configuration within {TAKEN:g} s; its error log says why"
            )
        await asyncio.sleep(_PAUSE)
    return f"{unit} was reloaded" if is_up else f"{unit} did not run, and was started"


async def _workers(unit: str) -> set[int]:
    """Return the processes that take requests; none where that cannot be seen."""
    shown = await run("systemctl", "show", "--property=MainPID", "--value", "--", unit)
    return {int(child) for child in _children(shown.out.strip()) if _accepts(child)}


def _children(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def _accepts(pid: str) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"worker process" in title and b"shutting down" not in title


def _complaint(ran: Ran) -> str:
    """Return why a tool failed, in its own last words."""
    lines = [line.strip() for line in ran.err.splitlines() if line.strip()]
    return ran.trouble or "; ".join(lines[-_LINES:]) or f"exit status {ran.code}"
