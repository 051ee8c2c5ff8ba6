"""A program on the host that never ends by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.host.machine import Process


@contextmanager
def ended(process: Process) -> Iterator[Process]:
    """End *process* in any case: leaving it waits for its end, a failed test for ever."""
    with process:
        try:
            yield process
        finally:
            process.kill()
