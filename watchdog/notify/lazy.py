"""Imports that cost tens of megabytes, made when they are needed and beside the event loop."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import TypeVar

Result = TypeVar("Result")


async def beside_loop(function: Callable[[], Result]) -> Result:
    """Call *function* in a thread of its own.

    Not in the loop's default executor: its few threads may all be waiting for a DNS server that
    is down, at the very moment an alert is due.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="notify")
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, function)
    finally:
        thread.shutdown(wait=False)


async def import_beside_loop(name: str) -> ModuleType:
    """Import the module *name* and return it."""
    return await beside_loop(lambda: importlib.import_module(name))
