"""How the daemon's children are waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from watchdog.app.children import follow_children_without_threads


@pytest.fixture
def _policy() -> Iterator[None]:
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(before)


@pytest.mark.usefixtures("_policy")
def test_a_child_costs_no_thread() -> None:
    follow_children_without_threads()

    async def threads_beside_a_child() -> int:
        before = threading.active_count()
        child = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
        beside = threading.active_count() - before
        await child.communicate(b"")
        assert child.returncode == 0
        return beside

    assert asyncio.run(threads_beside_a_child()) == 0
