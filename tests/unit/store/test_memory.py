"""What waits for the disk is written in an order that no kill between two parts can harm."""

from __future__ import annotations

from tests.unit.store.values import NOW, WALL, alert, change
from watchdog.ports import Addressed, Delivery, Receipt
from watchdog.store.entry import Register, Result
from watchdog.store.memory import BATCH, Memory


def on_disk(key: str) -> Delivery:
    return Delivery(1, "gone", alert(), key, created=WALL)


def test_that_a_letter_was_set_aside_is_written_after_what_passes_it_on() -> None:
    memory, register = Memory(), Register()
    for _ in range(BATCH):
        memory.add(register.enter(change()))
    memory.add(register.address([Addressed(alert(), ("email",))], NOW))
    memory.record(Result.delivered(on_disk("sent"), Receipt(), WALL))
    memory.record(Result.rejected(on_disk("passed on"), "no such channel", WALL))
    first = memory.batch()
    memory.written(first)
    last = memory.batch()
    assert [result.key for result in first.results] == ["sent"]
    assert first.destinations == set()
    assert [result.key for result in last.results] == ["passed on"]
    assert last.destinations == {"email"}
