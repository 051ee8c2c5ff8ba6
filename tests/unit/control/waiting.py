"""Waiting for what tells nobody that it has happened: a line written, a process gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from watchdog.control import proc

_T = TypeVar("_T")


async def until(found: Callable[[], _T]) -> _T:
    """Return what *found* returns as soon as it is true; the test's timeout is the deadline."""
    while True:
        answer = found()
        if answer:
            return answer
        await asyncio.sleep(0.005)


async def gone(pid: int) -> None:
    """Return when process *pid* has ended."""
    await until(lambda: not is_alive(pid))


def is_alive(pid: int) -> bool:
    found = proc.process(pid)
    return found is not None and not found.ended


async def line_of(path: Path) -> str:
    """Return the first line of the file as soon as it is written."""
    text = await until(lambda: path.exists() and "\n" in (text := path.read_text()) and text)
    return str(text).partition("\n")[0]
