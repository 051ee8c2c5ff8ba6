"""A warning is ended where it was told: once, never before, never without; whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.life import Life, memory
from tests.unit.store.conftest import SHARED_MEMORY
from tests.unit.store.place import query
from tests.unit.store.values import BOOT
from watchdog.addressing import AddressBook
from watchdog.core.model import Alert, AlertKind, Effect, Note, Silenced, State, Unsilenced
from watchdog.core.routing import Subscription
from watchdog.core.service import Policy
from watchdog.core.severity import Severity
from watchdog.core.thresholds import Warnings
from watchdog.core.warning import CALM
from watchdog.core.withdrawal import withdrawn
from watchdog.ports import Change, Receipt
from watchdog.store import SqliteStore

pytestmark = pytest.mark.adapter

STEPS = Policy(warnings=Warnings(memory=(80, 90, 95)))
CRITICAL = frozenset({Severity.CRITICAL})
PEOPLE = Subscription("people")
TICKETS, PAGER = Subscription("tickets", closes=True), Subscription("pager", closes=True)

happenings = st.sampled_from(
    ["over", "over", "worse", "bad", "better", "silence", "speak", "killed", "delivered", "route"]
)


class Daemon:
    """What warns, on a real database: one that is killed leaves nothing but that."""

    def __init__(self, path: Path, life: Life) -> None:
        self.store = SqliteStore(path, boot_id=BOOT, ballast_size=4096)
        self.book = AddressBook()
        self.life = life
        self.takes = True  # the pager takes warnings, so far

    async def start(self) -> None:
        async with self.store:
            left = (await self.store.load(self.life.now)).get("api")
            self.life.state = left.state if left is not None else State("api")
            self.book.recall(await self.store.told())
        self.subscribe()

    def subscribe(self) -> None:
        pager = PAGER if self.takes else Subscription("pager", CRITICAL, closes=True)
        self.book.subscriptions = [PEOPLE, TICKETS, pager]

    async def on(self, what: str) -> None:
        match what:
            case "route":
                self.takes = not self.takes
                self.subscribe()
            case "delivered":
                async with self.store:
                    for delivery in await self.store.due("tickets", 2):
                        await self.store.delivered([delivery], Receipt(), 0.0)
            case "killed":
                self.book = AddressBook()
                await self.start()
            case _:
                before = len(self.life.effects)
                self.live(what)
                await self.commit(self.life.effects[before:])

    def live(self, what: str) -> None:
        match what:
            case "silence":
                self.life.on(Silenced(self.life.now.mono + 1e9, "kim", "known"))
            case "speak":
                self.life.on(Unsilenced("kim"))
            case "over":
                self.life.on(memory(10)).wait(CALM).on(memory(10))
            case _:
                self.life.on(memory({"worse": 96, "bad": 91, "better": 50}[what]), every=60)

    async def commit(self, effects: Sequence[Effect]) -> None:
        notes = [effect for effect in effects if isinstance(effect, Note)]
        alerts = [effect for effect in effects if isinstance(effect, Alert)]
        change = Change(self.life.state, self.life.now, notes, self.book.address(alerts))
        async with self.store:
            await self.store.commit(change)


@settings(max_examples=60, deadline=None)
@given(st.lists(happenings, max_size=25))
def test_every_warning_is_closed_once_where_it_was_told_and_nowhere_else(
    course: Sequence[str],
) -> None:
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with TemporaryDirectory(dir=place) as directory:
        path = Path(directory) / "state.db"
        asyncio.run(live_through(path, course))
        told: dict[tuple[str, str], list[str]] = {}
        for to, incident, kind in query(
            path, "SELECT destination, incident, kind FROM outbox ORDER BY id"
        ):
            told.setdefault((to, incident), []).append(kind)
    for (to, _), kinds in told.items():
        begun = [kind for kind in kinds if kind == AlertKind.WARNING]
        assert begun, kinds
        assert kinds == begun + ([] if to == "people" else [AlertKind.WARNING_OVER]), to


async def live_through(path: Path, course: Sequence[str]) -> None:
    daemon = Daemon(path, Life(STEPS))
    await daemon.start()
    for what in course:
        await daemon.on(what)
    end = withdrawn(daemon.life.state, STEPS, daemon.life.now)
    daemon.life.state = end.state
    await daemon.commit(end.effects)
