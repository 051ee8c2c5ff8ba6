"""What is measured beside rounds: seldom, only at passing ones, and never at their cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from structlog.testing import capture_logs

from tests.unit.clock import FakeClock
from tests.unit.doubles import DEAD, UP, ScriptedControl
from watchdog.core.model import Event, State
from watchdog.core.standing import Measured, Reading, Started
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.gauging import Gauge, Gauging

READING = Reading(Circumstance(CircumstanceKind.MEMORY), 50.0)
STATE = State("api")


def gauge(_wall: float) -> Iterator[Reading]:
    yield READING


def broken(_wall: float) -> Iterator[Reading]:
    yield READING
    raise ValueError("the kernel speaks in tongues")


class Lab:
    def __init__(self, *gauges: Gauge) -> None:
        self.clock = FakeClock()
        self.control = ScriptedControl()
        self.gauging = Gauging(gauges, self.control, self.clock, 300.0)

    async def rounds(self, seconds: float, state: State = STATE) -> list[Event]:
        """Return what rounds 30 s apart bring about."""
        events: list[Event] = []
        for _ in range(round(seconds / 30)):
            await self.clock.advance(30)
            events += self.gauging.after_round(UP, state)
        return events


async def test_rounds_are_measured_every_five_minutes_and_not_at_the_start() -> None:
    lab = Lab(gauge)
    assert await lab.rounds(270) == []
    assert await lab.rounds(630) == [Measured((READING,))] * 3


async def test_a_failing_round_is_no_occasion() -> None:
    lab = Lab(gauge)
    await lab.clock.advance(1000)
    assert list(lab.gauging.after_round(DEAD, STATE)) == []


async def test_where_nothing_is_measured_nothing_is_said_unless_something_stands() -> None:
    lab = Lab()
    assert await lab.rounds(600) == []
    assert await lab.rounds(300, replace(STATE, healings=(1.0,))) == [Measured()]


async def test_a_run_that_began_while_we_watched_tells_how_long_its_start_took() -> None:
    lab = Lab()
    await lab.rounds(60)
    lab.control.identity, lab.control.started = "run 2", lab.clock.mono - 4.2
    assert list(lab.gauging.after_round(UP, STATE)) == []
    await lab.clock.advance(9)
    assert list(lab.gauging.after_round(UP, STATE)) == [], "other services may still be restarted"
    assert await lab.rounds(60) == [Started(4.2)]


async def test_a_run_that_did_not_last_tells_nothing_of_its_start() -> None:
    lab = Lab()
    await lab.rounds(60)
    lab.control.identity, lab.control.started = "run 2", lab.clock.mono - 4.2
    assert list(lab.gauging.after_round(UP, STATE)) == []
    lab.control.identity, lab.control.started = "run 3", lab.clock.mono - 1.5
    assert list(lab.gauging.after_round(UP, STATE)) == []
    assert await lab.rounds(60) == [Started(1.5)]


async def test_a_run_older_than_our_watch_tells_nothing() -> None:
    lab = Lab()
    lab.control.started = lab.clock.mono - 86400
    assert await lab.rounds(60) == []


async def test_a_broken_gauge_is_logged_and_spoils_no_other() -> None:
    lab = Lab(broken, gauge)
    with capture_logs() as logs:
        assert await lab.rounds(300) == [Measured((READING, READING))]
    assert [line["event"] for line in logs] == ["cannot measure"]
