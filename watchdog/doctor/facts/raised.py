"""Whether an exception in a log is what ended a service: many are logged and survived."""

from __future__ import annotations

import re

from watchdog.control.exits import CLD_EXITED
from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import log_lines
from watchdog.doctor.facts.unit import is_down, last_exit, restarts, shown

TRACEBACK = "Traceback (most recent call last):"

_OF_PYTHON = 1
"""Python's own exit status after an exception that nobody caught."""

_OF_SERVERS = re.compile(
    r"Worker failed to boot|App failed to load|Application startup failed|Error loading ASGI app"
)
"""Servers that catch it, say so, and end with a status of their own."""


async def may_have_raised(case: Case) -> bool:
    """Tell whether the last run can have ended by an exception of Python's."""
    properties, lines = await shown(case), await log_lines(case)
    if not is_down(properties) and not restarts(properties):
        return True  # it has not ended
    ended = last_exit(properties, lines)
    if not ended.code:
        return True  # nobody knows how it ended
    if ended.code == CLD_EXITED and ended.status == _OF_PYTHON:
        return True
    return any(_OF_SERVERS.search(line) for line in lines)
