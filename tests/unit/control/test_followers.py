"""Many units at once: first snapshots take turns, and a systemd that is silent is asked by few."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from watchdog.control.followers import FIRST_AT_ONCE, UPDATES_AT_ONCE, Followers
from watchdog.control.systemd_names import NO_REPLY
from watchdog.errors import BusError

if TYPE_CHECKING:
    from dbus_fast import Variant


class Systemd:
    """Answers when it is told to; counts who waits."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.fails = False
        self.asking = self.most = self.asked = 0


class Unit:
    def __init__(self, systemd: Systemd) -> None:
        self._systemd = systemd

    async def sync(self) -> None:
        systemd = self._systemd
        systemd.asked += 1
        systemd.asking += 1
        systemd.most = max(systemd.most, systemd.asking)
        await systemd.answers.wait()
        systemd.asking -= 1
        if systemd.fails:
            raise BusError("no answer", NO_REPLY)

    async def refresh(self) -> None: ...

    async def settle(self) -> None: ...

    def take_properties(self, changed: Mapping[str, Variant]) -> None: ...

    def take_job_removed(self, job: int, result: str) -> None: ...

    def take_loss(self) -> None: ...


async def add_many(followers: Followers, systemd: Systemd, count: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(followers.add(Unit(systemd)))
        await asyncio.sleep(0)
        systemd.answers.set()


async def test_first_snapshots_take_turns_before_their_calls_are_on_the_clock() -> None:
    systemd, followers = Systemd(), Followers(lambda: None)
    await add_many(followers, systemd, 10 * FIRST_AT_ONCE)
    assert systemd.asked == 10 * FIRST_AT_ONCE
    assert systemd.most == FIRST_AT_ONCE
    assert not followers.has_work


async def test_of_a_silent_systemd_not_everybody_waits_for_an_answer() -> None:
    systemd, followers = Systemd(), Followers(lambda: None)
    systemd.fails = True
    await add_many(followers, systemd, 10 * FIRST_AT_ONCE)
    assert systemd.asked == FIRST_AT_ONCE
    assert followers.has_work  # all of them, as soon as it answers


async def test_while_systemd_is_silent_nobody_else_is_brought_up_to_date() -> None:
    """The bus has to ask whether it lives at all, and does so between two updates."""
    systemd, followers = Systemd(), Followers(lambda: None)
    await add_many(followers, systemd, 10 * FIRST_AT_ONCE)
    followers.take_loss()
    systemd.fails, systemd.asked = True, 0
    await followers.update(lambda: True, lambda: None)
    assert 0 < systemd.asked <= UPDATES_AT_ONCE
    systemd.fails, systemd.asked = False, 0
    await followers.update(lambda: True, lambda: None)
    assert systemd.asked == 10 * FIRST_AT_ONCE
    assert not followers.has_work
