"""Time up, time down, and what restarts were good for, from what is on record."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.core.life import (
    ASKED,
    BEGAN,
    DEAD,
    DONE,
    FAILED,
    HOLD,
    HTTP,
    PASS,
    UNKNOWN,
    YIELDED,
)
from watchdog.core.availability import Account, Chapter, Day, account
from watchdog.core.history import Again, Ended, Record, Turn, Watching, Withdrawn
from watchdog.core.model import Judged, NoteKind, Now, Observation, Phase, State

WALL = 1_000_000.0


def now(mono: float, ahead: float = 0.0) -> Now:
    return Now(mono, WALL + mono + ahead)


def turn(
    mono: float,
    event: Judged,
    phase: Phase | None = None,
    *notes: NoteKind,
    restart: str | None = None,
    ahead: float = 0.0,
) -> Turn:
    began = mono if isinstance(event, Observation) else 0.0
    return Turn(now(mono, ahead), event, began, phase=phase, notes=notes, restart=restart)


def of(*records: Record, alive: float = 0.0, since: float = 0.0) -> Account:
    last = max(alive, records[-1].now.mono)
    return account([Chapter(1, now(last), records)], since)


UP: Sequence[Record] = (Watching(now(0), None), turn(0, PASS, Phase.HEALTHY))


def test_a_service_that_is_well_is_up_until_the_daemon_was_last_known_to_watch() -> None:
    found = of(*UP, alive=600)
    assert (found.up, found.down, found.availability) == (600, 0, 1)
    assert found.since == WALL


def test_nothing_on_record_is_neither_up_nor_down() -> None:
    found = account([], 0)
    assert (found.since, found.watched, found.availability) == (None, 0, None)
    assert (found.recovery, found.longest) == (None, 0)


def test_down_is_from_the_first_failure_counted_to_health_proven() -> None:
    found = of(
        *UP,
        turn(100, HTTP, Phase.SUSPECT),
        turn(104, HTTP, Phase.RESTARTING, NoteKind.OPENED, restart=""),
        turn(110, DONE, Phase.RECOVERING),
        turn(111, PASS),
        turn(112, PASS, Phase.HEALTHY, NoteKind.CLOSED),
        alive=1000,
    )
    assert (found.up, found.down, found.incidents) == (988, 12, 1)
    assert (found.recovery, found.longest) == (12, 12)
    [outage] = found.outages
    assert (outage.began, outage.ended, outage.recovered) == (WALL + 100, WALL + 112, True)


@pytest.mark.parametrize("phase", [Phase.MAINTENANCE, Phase.HELD, Phase.PENDING])
def test_what_is_not_judged_is_neither_up_nor_down(phase: Phase) -> None:
    found = of(*UP, turn(100, HOLD, phase), turn(200, PASS, Phase.HEALTHY), alive=300)
    assert (found.up, found.down) == (200, 0)


def test_what_cannot_be_judged_is_neither_up_nor_down() -> None:
    found = of(*UP, turn(100, UNKNOWN), Again(now(190), 190.0, 3), turn(200, PASS), alive=300)
    assert (found.up, found.down) == (200, 0)


def test_a_service_held_in_its_trouble_is_in_one_outage() -> None:
    found = of(
        *UP,
        turn(100, HTTP, Phase.SUSPECT),
        turn(110, HOLD, Phase.HELD),
        turn(150, HTTP, Phase.SUSPECT),
        turn(170, PASS, Phase.HEALTHY),
    )
    assert [(outage.down, outage.recovered) for outage in found.outages] == [(30, True)]


def test_an_outage_that_maintenance_ends_has_not_recovered() -> None:
    found = of(*UP, turn(100, HTTP, Phase.FAILING), turn(160, ASKED, Phase.MAINTENANCE))
    assert [(outage.down, outage.recovered) for outage in found.outages] == [(60, False)]
    assert found.recovery is None


def test_an_outage_that_lasts_has_no_end() -> None:
    found = of(*UP, turn(100, HTTP, Phase.FAILING), alive=400)
    [outage] = found.outages
    assert (outage.ended, outage.down, found.longest) == (None, 300, 300)


def test_an_outage_that_the_configuration_ends_has_not_recovered() -> None:
    found = of(*UP, turn(100, HTTP, Phase.FAILING), Ended(now(150)), Withdrawn(now(151)))
    assert [(outage.down, outage.recovered) for outage in found.outages] == [(50, False)]
    assert of(*UP, Ended(now(150)), Withdrawn(now(151))).outages == []


def test_a_restart_that_a_person_asked_for_is_no_outage() -> None:
    found = of(
        *UP,
        turn(100, ASKED, Phase.RESTARTING, restart="kim"),
        turn(110, DONE, Phase.RECOVERING),
        turn(112, PASS, Phase.HEALTHY),
        alive=200,
    )
    assert (found.up, found.down, found.outages) == (188, 0, [])
    assert (found.asked, found.restarts) == (1, 0)


def test_one_that_does_not_bring_it_back_is() -> None:
    found = of(
        *UP,
        turn(100, ASKED, Phase.RESTARTING, restart="kim"),
        turn(110, DONE, Phase.RECOVERING),
        turn(120, HTTP, Phase.SUSPECT),
        alive=200,
    )
    assert found.down == 80


def test_one_that_fails_and_is_made_again_at_once_is_an_outage_from_there() -> None:
    found = of(
        *UP,
        turn(100, ASKED, Phase.RESTARTING, restart="kim"),
        turn(110, FAILED, None, restart=""),
        turn(130, PASS, Phase.HEALTHY),
    )
    assert (found.down, found.restarts, found.healed) == (20, 1, 1)


def test_one_that_mends_an_outage_is_part_of_it() -> None:
    found = of(
        *UP,
        turn(100, HTTP, Phase.FAILING),
        turn(150, ASKED, Phase.RESTARTING, restart="kim"),
        turn(160, PASS, Phase.HEALTHY),
    )
    assert [outage.down for outage in found.outages] == [60]


# --- what restarts were good for ------------------------------------------------------------------


def restarted(mono: float, *, healed: bool = True) -> list[Record]:
    """Return a restart at *mono*, a second after the failure, and what became of it."""
    end = turn(mono + 2, PASS, Phase.HEALTHY) if healed else turn(mono + 2, HTTP, Phase.WAITING)
    return [
        turn(mono - 1, HTTP, Phase.SUSPECT),
        turn(mono, DEAD, Phase.RESTARTING, restart=""),
        turn(mono + 1, DONE, Phase.RECOVERING),
        end,
    ]


def numbers(*records: Record, since: float = 0.0) -> tuple[int, int, int, int]:
    found = of(*records, since=since)
    return found.restarts, found.healed, found.relapsed, found.failed


def test_a_restart_after_which_health_lasts_has_healed() -> None:
    stable = turn(400, PASS, None, NoteKind.REARMED)
    assert numbers(*UP, *restarted(100), stable, turn(500, HTTP, Phase.SUSPECT)) == (1, 1, 0, 0)
    assert numbers(*UP, *restarted(100)) == (1, 1, 0, 0), "so far"


def test_a_restart_after_which_health_does_not_last_has_relapsed() -> None:
    assert numbers(*UP, *restarted(100), turn(200, HTTP, Phase.SUSPECT)) == (1, 0, 1, 0)
    dead = turn(200, DEAD, Phase.RESTARTING, restart="")
    assert numbers(*UP, *restarted(100), dead, turn(201, PASS, Phase.HEALTHY)) == (2, 1, 1, 0)


def test_a_restart_without_health_after_it_has_failed() -> None:
    assert numbers(*UP, *restarted(100, healed=False)) == (1, 0, 0, 1)
    again = [
        turn(100, DEAD, Phase.RESTARTING, restart=""),
        turn(101, FAILED, None, NoteKind.RESTART, restart=""),
        turn(102, DONE, Phase.RECOVERING),
        turn(103, PASS, Phase.HEALTHY),
    ]
    assert numbers(*UP, *again) == (2, 1, 0, 1)


def test_a_restart_that_gave_way_or_was_cut_short_is_neither() -> None:
    begun = turn(100, DEAD, Phase.RESTARTING, restart="")
    gave_way = turn(101, YIELDED, Phase.HELD)
    assert numbers(*UP, begun, gave_way, turn(110, HTTP, Phase.SUSPECT)) == (1, 0, 0, 0)
    assert numbers(*UP, begun, turn(101, ASKED, Phase.MAINTENANCE)) == (1, 0, 0, 0)


def test_a_person_who_takes_over_ends_what_is_told_of_a_restart() -> None:
    paused = turn(200, ASKED, Phase.MAINTENANCE)
    assert numbers(*UP, *restarted(100), paused, turn(300, HTTP, Phase.SUSPECT)) == (1, 1, 0, 0)
    asked = turn(200, ASKED, Phase.RESTARTING, restart="kim")
    assert numbers(*UP, *restarted(100), asked, turn(300, HTTP, Phase.SUSPECT)) == (1, 1, 0, 0)


# --- time -----------------------------------------------------------------------------------------


def test_only_the_time_asked_for_counts() -> None:
    records = [*UP, *restarted(100), turn(400, PASS, None, NoteKind.REARMED), *restarted(1000)]
    found = of(*records, alive=1102, since=WALL + 500)
    assert (found.up, found.down, found.restarts, len(found.outages)) == (599, 3, 1, 1)
    assert found.since == WALL


def test_durations_are_of_the_monotonic_clock_though_the_wall_clock_is_set() -> None:
    ahead = 86400.0
    records = [
        *UP,
        turn(100, HTTP, Phase.FAILING, ahead=ahead),
        turn(160, PASS, Phase.HEALTHY, ahead=ahead),
    ]
    found = of(*records, alive=200)
    assert (found.up, found.down) == (140, 60)


def test_the_time_between_two_runs_of_the_daemon_is_not_watched() -> None:
    first = Chapter(1, now(500), [*UP, Ended(now(300))])
    second = Chapter(
        2,
        now(1100),
        [Watching(now(1000), State("api", Phase.HEALTHY)), turn(1000, BEGAN), turn(1001, PASS)],
    )
    found = account([first, second], 0)
    assert found.up == 300 + 99


def test_a_daemon_that_was_killed_is_known_to_have_watched_until_its_last_sign_of_life() -> None:
    first = Chapter(1, now(500), UP)
    second = Chapter(2, now(2010), [Watching(now(2000), None), turn(2000, PASS, Phase.HEALTHY)])
    assert account([first, second], 0).up == 510


def test_an_outage_goes_on_over_a_restart_of_the_daemon() -> None:
    first = Chapter(1, now(200), [*UP, turn(100, HTTP, Phase.FAILING), Ended(now(200))])
    failing = State("api", Phase.FAILING)
    second = Chapter(
        1,
        now(300),
        [Watching(now(250), failing), turn(250, HTTP), turn(300, PASS, Phase.HEALTHY)],
    )
    found = account([first, second], 0)
    assert [(outage.began, outage.down) for outage in found.outages] == [(WALL + 100, 150)]


def test_time_is_counted_for_the_day_it_was_in() -> None:
    midnight = 12 * 86400.0
    ahead = midnight - 100 - WALL
    records: Sequence[Record] = [
        Watching(now(0, ahead), None),
        turn(0, PASS, Phase.HEALTHY, ahead=ahead),
        turn(90, HTTP, Phase.FAILING, ahead=ahead),
        turn(130, PASS, Phase.HEALTHY, ahead=ahead),
    ]
    found = account([Chapter(1, now(200, ahead), records)], 0)
    assert found.days == {11: Day(up=90, down=10), 12: Day(up=70, down=30)}
    east = account([Chapter(1, now(200, ahead), records)], 0, zone=9 * 3600.0)
    assert east.days == {12: Day(up=160, down=40)}


def test_a_long_time_is_spread_over_its_days() -> None:
    records: Sequence[Record] = [
        Watching(Now(0, 0), None),
        Turn(Now(0, 0), PASS, 0, phase=Phase.HEALTHY),
    ]
    found = account([Chapter(1, Now(2.5 * 86400, 2.5 * 86400), records)], 86400.0)
    assert found.days == {1: Day(up=86400), 2: Day(up=43200)}
