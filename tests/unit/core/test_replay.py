"""What a policy would have done with a recorded life, by examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.unit.core.life import BEGAN, CRASH, DEAD, DONE, FAILED, HTTP, PASS, UNKNOWN
from watchdog.core.comparing import Act, Difference, count, differences, of_deeds, of_records
from watchdog.core.history import Again, Ended, Record, Turn, Watching, Withdrawn
from watchdog.core.model import (
    Acknowledged,
    Alert,
    AlertKind,
    Began,
    Judged,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    State,
    Unsilenced,
)
from watchdog.core.replay import Deed, replayed
from watchdog.core.service import Policy

WALL = 1_763_777_580.0


def now(mono: float) -> Now:
    return Now(mono, WALL + mono)


def seen(mono: float, event: Observation, *, early: bool = False, took: float = 0.0) -> Turn:
    return Turn(now(mono + took), event, mono, early=early)


def told(mono: float, event: Judged) -> Turn:
    return Turn(now(mono), event)


def restarts(mono: float, event: Observation, by: str = "") -> Turn:
    """Return a round that in fact led to a restart."""
    return Turn(now(mono), event, mono, restart=by)


def done(records: Sequence[Record], policy: Policy | None = None) -> list[tuple[float, str]]:
    """Return when restarts and alerts would have come."""
    found = []
    for deed in replayed("api", records, policy or Policy()):
        match deed.effect:
            case Restart():
                found.append((deed.now.mono, "restart"))
            case Alert(kind=kind) if kind is not AlertKind.UPDATE:
                found.append((deed.now.mono, kind.value))
    return found


START: list[Record] = [Watching(now(0.0), None), seen(0.0, PASS, early=True)]

# /health fails at 30; in fact it is restarted at 34, which takes 4 s, and heals.
HUNG: list[Record] = [
    *START,
    seen(30.0, HTTP),
    seen(32.0, HTTP),
    restarts(34.0, HTTP),
    told(38.0, RestartFinished(RestartOutcome.DONE, "done", 4.0)),
    seen(38.0, PASS),
    Again(now(300.0), 300.0, 10),
]


def test_the_same_policy_makes_the_same_restart() -> None:
    assert done(HUNG) == [(34.0, "firing"), (34.0, "restart"), (38.5, "resolved")]
    assert of_records(HUNG, 0) == [Act(WALL + 34, "restart")]


def test_a_restart_that_comes_sooner_is_the_same_one_and_ends_when_that_did() -> None:
    policy = Policy(restart_after={"http": 1})
    assert done(HUNG, policy) == [(30.0, "restart")]


def test_without_a_restart_the_trouble_lasts_until_health_was_seen() -> None:
    policy = Policy(restart_after={"http": 0})
    assert done(HUNG, policy) == [(34.0, "firing"), (40.0, "resolved")]


def test_a_restart_that_begins_while_the_real_one_is_under_way_shares_its_end() -> None:
    policy = Policy(restart_after={"http": 4}, max_failures=9)
    assert done(HUNG, policy) == [(36.0, "restart")]


def test_a_restart_that_was_not_made_changes_nothing_of_what_was_seen() -> None:
    records = [*START, seen(30.0, HTTP), Again(now(60.0), 60.0, 15)]
    policy = Policy(restart_after={"http": 1}, backoff_first=20.0, max_failures=3)
    assert done(records, policy) == [
        (30.0, "restart"),
        (51.0, "restart"),
        (52.0, "firing"),
    ]


def test_a_restart_after_which_health_was_seen_first_is_another_one() -> None:
    records = [
        *START,
        seen(30.0, HTTP),
        seen(32.0, PASS),
        restarts(60.0, DEAD),
        told(61.0, DONE),
        seen(61.0, PASS),
        Again(now(90.0), 90.0, 3),
    ]
    policy = Policy(restart_after={"http": 1, "unit": 1}, recover_after=1, stable_after=0.0)
    assert done(records, policy) == [(30.0, "restart"), (60.0, "restart")]


def test_a_restart_much_later_is_another_one() -> None:
    records = [
        *START,
        seen(30.0, HTTP),
        restarts(120.0, HTTP),
        told(121.0, FAILED),
        Again(now(122.0), 122.0, 1),
    ]
    policy = Policy(restart_after={"http": 1}, backoff_first=300.0)
    # The first one is over at once and has not helped; so the third failure comes soon.
    assert done(records, policy) == [(30.0, "restart"), (61.0, "firing")]


def test_rounds_come_at_the_pace_of_the_policy_that_is_tried() -> None:
    records = [*START, Again(now(60.0), 60.0, 2), seen(90.0, HTTP), Again(now(200.0), 200.0, 50)]
    slow = Policy(interval=60.0, restart_after={"http": 0})
    assert done(records, slow) == [(124.0, "firing")]


def test_a_real_round_that_was_a_little_late_is_the_one_that_is_played() -> None:
    records = [*START, Again(now(30.01), 30.01, 1), seen(60.02, DEAD), told(99.0, CRASH)]
    assert done(records)[0] == (60.0, "restart")


def test_the_round_that_news_has_caused_finds_what_that_round_found() -> None:
    records = [
        *START,
        seen(30.0, HTTP),
        told(30.5, Paused(60.5, "kim", "")),
        told(40.0, Resumed("kim")),
        seen(40.003, PASS),
        Again(now(50.0), 50.0, 1),
    ]
    assert done(records, Policy(restart_after={"http": 1}, max_failures=1)) == [
        (30.0, "firing"),
        (30.0, "restart"),
        (42.0, "resolved"),
    ]


def test_what_was_seen_before_a_restart_says_nothing_of_the_time_after_it() -> None:
    """A real round begins a little after the restart has ended, one that is played at once."""
    records = [
        *START,
        restarts(30.0, DEAD),
        told(31.0, DONE),
        seen(31.002, PASS),
        seen(31.503, PASS),
        told(40.0, CRASH),
    ]
    assert done(records) == [(30.0, "restart")]


def test_a_signal_wakes_any_policy() -> None:
    records = [*START, seen(47.0, DEAD, early=True), told(50.0, CRASH)]
    assert done(records, Policy(interval=300.0)) == [(47.0, "restart")]


def test_a_signal_during_a_restart_wakes_nobody() -> None:
    records = [
        *START,
        restarts(30.0, DEAD),
        seen(31.0, DEAD, early=True),
        told(35.0, DONE),
        seen(35.0, PASS),
        Again(now(60.0), 60.0, 3),
    ]
    assert done(records) == [(30.0, "restart")]


def test_a_round_that_was_given_up_for_a_signal_is_not_played() -> None:
    slow = seen(30.0, HTTP, took=5.0)
    records = [*START, slow, seen(39.0, PASS, early=True), Again(now(90.0), 90.0, 2)]
    assert done(records, Policy(max_failures=2, restart_after={"http": 0})) == []


def test_a_round_that_the_end_of_the_watch_has_cut_short_is_not_played() -> None:
    slow = seen(30.0, HTTP, took=5.0)
    records: list[Record] = [*START, slow, Ended(now(38.0)), Withdrawn(now(39.0))]
    assert done(records, Policy(max_failures=2, restart_after={"http": 0})) == []
    records = [*START, slow, Ended(now(45.0))]
    policy = Policy(max_failures=2, restart_after={"http": 0})
    assert done(records, policy) == [(40.0, "firing")]


def test_a_service_that_is_taken_out_is_told_to_be_over() -> None:
    records = [*HUNG[:4], Ended(now(35.0)), Withdrawn(now(36.0), (AlertKind.RESOLVED,))]
    assert done(records, Policy(restart_after={"http": 0}))[-1] == (36.0, "resolved")


def test_what_was_not_recorded_before_a_kill_was_not_done() -> None:
    records = [
        *START,
        seen(30.0, HTTP),
        Watching(now(900.0), State("api")),
        told(900.0, BEGAN),
        seen(900.0, PASS, early=True),
    ]
    assert done(records) == []


def test_a_restart_that_the_end_of_the_daemon_cut_short_goes_on_as_it_did() -> None:
    records = [
        *START,
        restarts(30.0, DEAD),
        Watching(now(40.0), State("api", Phase.RESTARTING)),
        told(40.0, Began(restarted=False)),
        seen(40.0, DEAD, early=True),
        told(41.0, CRASH),
    ]
    assert done(records) == [(30.0, "restart"), (40.0, "restart")]


def test_a_restart_that_was_not_made_in_fact_is_over_when_the_daemon_is_back() -> None:
    records = [
        *START,
        seen(30.0, HTTP),
        Watching(now(30.5), State("api")),
        told(30.5, Began(restarted=False)),
        seen(30.5, PASS, early=True),
        Again(now(90.0), 90.0, 3),
    ]
    assert done(records, Policy(restart_after={"http": 1})) == [(30.0, "restart")]


def test_a_service_of_which_nothing_was_known_begins_anew() -> None:
    records = [
        *START,
        seen(30.0, HTTP),
        seen(32.0, HTTP),
        Watching(now(60.0), None),
        seen(60.0, HTTP, early=True),
    ]
    assert done(records) == []


def test_what_was_known_at_the_beginning_counts() -> None:
    records: list[Record] = [
        Watching(now(0.0), State("api", Phase.SUSPECT, failures=2, cause=HTTP)),
        told(0.0, BEGAN),
        seen(0.0, HTTP, early=True),
    ]
    assert done(records) == [(0.0, "firing"), (0.0, "restart")]


def test_without_a_first_round_nothing_is_known() -> None:
    records: list[Record] = [
        Watching(now(0.0), None),
        told(1.0, Paused(5.0, "kim", "")),
        told(9.0, CRASH),
    ]
    assert done(records) == []


def test_the_end_of_a_restart_that_is_not_played_is_nobodys() -> None:
    assert done([*HUNG[:2], restarts(30.0, UNKNOWN), told(31.0, DONE)]) == []


def test_a_person_has_the_same_restart_made() -> None:
    asked = Turn(now(10.0), RestartRequested("kim"), restart="kim")  # not the daemon's own
    records = [*START, asked, told(12.0, DONE), seen(12.0, PASS), Again(now(60.0), 60.0, 2)]
    assert done(records) == [(10.0, "restart")]
    assert of_deeds(replayed("api", records, Policy()), 0) == of_records(records, 0) == []


def test_what_was_said_of_an_incident_is_said_of_the_one_that_takes_its_place() -> None:
    seen_by_kim = Turn(
        now(60.0),
        Acknowledged("kim", incident="infact"),
        notes=(NoteKind.ACKNOWLEDGED,),
    )
    records = [*START, seen(30.0, HTTP), seen_by_kim, Again(now(4000.0), 4000.0, 9)]
    policy = Policy(restart_after={"http": 0}, max_failures=2, remind_after=1000.0)
    assert done(records, policy) == [(32.0, "firing")], "nobody is reminded of what is seen"
    too_late = Turn(now(60.0), Acknowledged("kim", incident="infact"))
    records = [*START, seen(30.0, HTTP), too_late, Again(now(2000.0), 2000.0, 9)]
    assert done(records, policy) == [(32.0, "firing"), (1032.0, "reminder")]
    before_it = replace(seen_by_kim, now=now(31.0))
    records = [*START, seen(30.0, HTTP), before_it, Again(now(40.0), 40.0, 9)]
    assert done(records, policy) == [(32.0, "firing")]


def test_a_restart_that_is_still_under_way_has_no_end() -> None:
    assert done([*START, restarts(30.0, DEAD)]) == [(30.0, "restart")]


def test_a_long_calm_is_not_played_round_by_round() -> None:
    year = 365 * 86400.0
    records = [*START, Again(now(year), year, 1_000_000), seen(year + 18.0, DEAD)]
    assert done(records, Policy(interval=1.0)) == [(year + 18.0, "restart")]


def test_a_slow_round_after_the_last_record_is_played_to_its_end() -> None:
    slow = seen(30.0, HTTP, took=5.0)
    records = [*START, slow, told(36.0, Unsilenced("kim"))]
    policy = Policy(max_failures=2, restart_after={"http": 0})
    assert done(records, policy) == [(40.0, "firing")]
    records = [*START, slow, told(36.0, Unsilenced("kim")), told(37.0, Unsilenced("kim"))]
    assert done(records, policy) == [(40.0, "firing")]


# --- beside what was done in fact -----------------------------------------------------------------


def test_acts_are_counted_from_when_on_they_are_asked_for() -> None:
    deeds = [
        Deed(Now(1, 1), Restart("dead", 1)),
        Deed(Now(5, 5), Restart("dead", 2)),
        Deed(Now(5, 5), Restart("asked", 0, "kim")),
        Deed(Now(6, 6), Alert(AlertKind.FIRING, "api", 6, "dead")),
        Deed(Now(7, 7), Alert(AlertKind.UPDATE, "api", 7, "dead")),  # nobody is called for it
    ]
    acts = of_deeds(deeds, since=2)
    assert acts == [Act(5, "restart"), Act(6, "firing")]
    assert count(acts, "restart", "resolved") == 1


def test_what_was_told_of_a_service_taken_out_was_told_in_fact() -> None:
    records: list[Record] = [Withdrawn(now(5.0), (AlertKind.RESOLVED,)), Ended(now(6.0))]
    assert of_records(records, 0) == [Act(WALL + 5, "resolved")]


def test_what_only_one_of_two_has_done_is_the_difference() -> None:
    tried = [Act(100, "restart"), Act(500, "restart"), Act(900, "firing")]
    in_fact = [Act(10, "restart"), Act(130, "restart"), Act(900, "resolved"), Act(980, "restart")]
    assert differences(tried, in_fact) == [
        Difference(Act(10, "restart"), in_fact=True),
        Difference(Act(500, "restart"), in_fact=False),
        Difference(Act(900, "firing"), in_fact=False),
        Difference(Act(900, "resolved"), in_fact=True),
        Difference(Act(980, "restart"), in_fact=True),
    ]
