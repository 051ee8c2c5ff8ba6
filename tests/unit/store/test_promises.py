"""Whatever the disk does: no accepted alert is lost, none recorded is repeated, order is kept."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.unit.store.conftest import SHARED_MEMORY
from tests.unit.store.faults import Disk, failing
from tests.unit.store.outbox import oldest
from tests.unit.store.place import delete, query
from tests.unit.store.values import BOOT, WALL, alert, change
from watchdog.ports import Delivery, Receipt
from watchdog.store import DurableStore, SqliteStore

pytestmark = pytest.mark.adapter

T = TypeVar("T")

DESTINATIONS = ("slack", "email")


class Promises(RuleBasedStateMachine):
    """Drives a store on a disk that fails, beside lists of what it has promised."""

    def __init__(self) -> None:
        super().__init__()
        place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
        self.directory = Path(tempfile.mkdtemp(dir=place))
        self.runner = asyncio.Runner()
        self.disk = Disk()
        self.readable = self.working = True
        self.lives = self.count = 0
        self.accepted: dict[str, list[str]] = {name: [] for name in DESTINATIONS}
        self.ended: set[tuple[str, str]] = set()  # recorded as delivered or refused
        self.safe: tuple[dict[str, list[str]], set[tuple[str, str]]] = ({}, set())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def start(self) -> None:
        path = self.directory / str(self.lives) / "state.db"
        path.parent.mkdir(exist_ok=True)
        factory = self.disk.connection()
        self.sqlite = SqliteStore(path, boot_id=BOOT, ballast_size=4096, factory=factory)
        self.store = DurableStore(self.sqlite, patience=30)
        self.run(self.store.__aenter__())

    def due(self, destination: str) -> list[str]:
        return [
            reason
            for reason in self.accepted[destination]
            if (destination, reason) not in self.ended
        ]

    # --- what the daemon does -------------------------------------------------------------------

    @rule(
        number=st.integers(0, 3),
        to=st.lists(st.sampled_from(DESTINATIONS), unique=True),
        service=st.sampled_from(("api", "web")),
    )
    def commit(self, number: int, to: Sequence[str], service: str) -> None:
        reasons = [f"{self.count + n}" for n in range(number)]
        self.count += number
        for destination in to:
            self.accepted[destination] += reasons
        alerts = [alert(reason) for reason in reasons]
        self.run(self.store.commit(change(alerts, to=to, service=service)))

    def next(self, destination: str) -> Delivery | None:
        delivery = self.run(oldest(self.store, destination))
        due = self.due(destination)
        if self.readable:
            assert (delivery and delivery.alert.reason) == (due[0] if due else None)
        elif delivery is not None:
            assert delivery.alert.reason in due
        return delivery

    @rule(destination=st.sampled_from(DESTINATIONS), refused=st.booleans())
    def deliver(self, destination: str, refused: bool) -> None:
        delivery = self.next(destination)
        if delivery is not None:
            self.ended.add((destination, delivery.alert.reason))
            if refused:
                self.run(self.store.rejected(delivery, "refused", WALL))
            else:
                self.run(self.store.delivered([delivery], Receipt(), WALL))

    @rule(destination=st.sampled_from(DESTINATIONS))
    def fail_to_deliver(self, destination: str) -> None:
        delivery = self.next(destination)
        if delivery is not None:
            self.run(self.store.attempt_failed([delivery], "timeout", WALL))
            again = self.next(destination)
            if self.readable:
                assert again is not None
                assert again.key == delivery.key
                assert again.attempts == delivery.attempts + 1

    @rule()
    def retry(self) -> None:
        self.run(self.store.retry())

    # --- what the disk does ---------------------------------------------------------------------

    @rule()
    def recover(self) -> None:
        self.disk.recover()
        self.readable = self.working = True

    @rule()
    def break_down(self) -> None:
        self.disk.recover()
        self.disk.break_down()
        self.readable = self.working = False

    @rule()
    def fill_up(self) -> None:
        self.disk.recover()
        self.disk.fill_up()
        self.readable, self.working = True, False

    @rule(count=st.integers(1, 30), after=st.booleans(), full=st.booleans(), once=st.booleans())
    def fail_soon(self, count: int, after: bool, full: bool, once: bool) -> None:
        """Let a statement fail, before it is done or though it is done, and all others or none."""
        self.disk.recover()
        self.readable = self.working = False
        left = count

        def step(sql: str) -> None:
            nonlocal left
            left -= 1
            if left == 0 or (left < 0 and not once):
                if full:
                    raise failing(sqlite3.SQLITE_FULL, "database or disk is full")
                raise failing(sqlite3.SQLITE_IOERR, "disk I/O error")

        if after:
            self.disk.after = step
        else:
            self.disk.before = step

    @rule()
    def commit_in_doubt(self) -> None:
        """Let every COMMIT be done and yet reported as failed."""
        self.disk.recover()
        self.readable, self.working = True, False

        def doubt(sql: str) -> None:
            if sql == "COMMIT":
                raise failing(sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error")

        self.disk.after = doubt

    @precondition(lambda self: self.working)
    @rule()
    def delete_files(self) -> None:
        self.retry()  # after an I/O error it is closed, and nothing holds what is deleted then
        delete(self.sqlite.path)
        self.retry()

    # --- ends -----------------------------------------------------------------------------------

    @rule()
    def stop_and_start(self) -> None:
        self.recover()
        self.run(self.store.__aexit__())
        self.start()

    @rule()
    def die_and_start(self) -> None:
        """Go on with what the files hold, as after kill -9; memory is gone."""
        before, path = self.directory / str(self.lives), self.sqlite.path
        self.lives += 1
        shutil.copytree(before, self.directory / str(self.lives))
        self.disk.before = self.disk.after = lambda _: None
        self.run(self.sqlite.close())
        self.recover()
        self.start()
        path = self.sqlite.path
        rows = query(path, "SELECT destination, alert ->> 'reason', status FROM outbox ORDER BY id")
        accepted, ended = self.safe
        kept = {name: [row[1] for row in rows if row[0] == name] for name in DESTINATIONS}
        for name in DESTINATIONS:
            assert [reason for reason in self.accepted[name] if reason in kept[name]] == kept[name]
            assert set(accepted.get(name, ())) <= set(kept[name])
        done = {(row[0], row[1]) for row in rows if row[2] != "pending"}
        assert ended <= done <= self.ended
        self.accepted, self.ended = kept, done

    @invariant()
    def remember_what_is_safe(self) -> None:
        if not self.store._memory:
            accepted = {name: list(reasons) for name, reasons in self.accepted.items()}
            self.safe = accepted, set(self.ended)

    def teardown(self) -> None:
        try:
            self.recover()
            self.retry()
            assert self.store.trouble == ""
            assert not self.store._memory
            for destination in DESTINATIONS:
                while self.due(destination):
                    self.deliver(destination, refused=False)
                assert self.next(destination) is None
            self.run(self.store.__aexit__())
        finally:
            self.runner.close()
            shutil.rmtree(self.directory)


def test_promises_are_kept_on_a_disk_that_fails() -> None:
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
