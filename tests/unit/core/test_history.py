"""What is taken down of a worker's turns, and how chapters of it are put on one clock."""

from __future__ import annotations

from tests.unit.core.life import ASKED, BEGAN, CRASH, DEAD, DONE, HOLD, HTTP, PASS, UNKNOWN, Life
from watchdog.core.history import (
    MOST,
    Again,
    Ended,
    Record,
    Recorder,
    Turn,
    Watching,
    Withdrawn,
    aligned,
    passes,
)
from watchdog.core.machine import step
from watchdog.core.model import (
    AlertKind,
    Event,
    Judged,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    State,
    Unsilenced,
    Verdict,
)
from watchdog.core.standing import Measured, Started


class Recorded(Life):
    """A life that is taken down."""

    def __init__(self) -> None:
        super().__init__()
        self.recorder = Recorder()
        self.recorder.begin(self.now, None, 0.25)

    def take(self, event: Event, *, early: bool = False, took: float = 0.0) -> None:
        before, began = self.state, self.now.mono
        self.wait(took)
        taken = step(before, event, self.policy, self.now)
        self.state = taken.state
        self.recorder.take(event, before, taken, self.now, began, early=early)

    def rounds(self, *answers: Observation, every: float = 30.0) -> Recorded:
        for answer in answers:
            self.wait(every).on()
            self.take(answer)
        return self


def kinds(records: tuple[Record, ...]) -> list[str]:
    return [type(record).__name__ for record in records]


def test_rounds_that_change_nothing_are_counted() -> None:
    life = Recorded().rounds(PASS, PASS, PASS, PASS)
    watching, first, again = life.recorder.drained()
    assert watching == Watching(Now(1000.0, life.now.wall - 120), None, 0.25)
    assert isinstance(first, Turn)
    assert (first.phase, first.began) == (Phase.HEALTHY, 1030.0)
    assert again == Again(life.now, 1120.0, 3)
    assert life.recorder.drained() == ()


def test_what_came_of_a_turn_is_taken_down_with_it() -> None:
    life = Recorded().rounds(PASS, PASS, DEAD)
    life.take(DONE)
    life.rounds(PASS, PASS, every=0.5)
    *_, died, done, proof, proven = life.recorder.drained()
    assert isinstance(died, Turn)
    assert (died.phase, died.restart) == (Phase.RESTARTING, "")
    assert died.notes == (NoteKind.FAILED, NoteKind.RESTART)
    assert isinstance(done, Turn)
    assert (done.event, done.phase, done.began) == (DONE, Phase.RECOVERING, 0.0)
    assert isinstance(proof, Turn)
    assert isinstance(proven, Turn)
    assert (proof.phase, proven.phase) == (None, Phase.HEALTHY)


def test_alerts_and_who_wanted_a_restart_are_taken_down() -> None:
    life = Recorded().rounds(PASS, HTTP, HTTP, HTTP)
    life.take(DONE)
    life.take(ASKED)
    turns = [record for record in life.recorder.drained() if isinstance(record, Turn)]
    assert [turn.alerts for turn in turns if turn.alerts] == [(AlertKind.FIRING,)]
    assert turns[-1].restart == "kim"


def test_an_answer_that_changes_is_taken_down_though_nothing_comes_of_it() -> None:
    life = Recorded().rounds(PASS, PASS, UNKNOWN, UNKNOWN, PASS)
    assert kinds(life.recorder.drained()) == ["Watching", "Turn", "Again", "Turn", "Again", "Turn"]


def test_an_event_is_taken_down_after_the_rounds_before_it() -> None:
    life = Recorded().rounds(PASS, PASS)
    life.take(Unsilenced("kim"))
    life.rounds(PASS)
    assert kinds(life.recorder.drained()) == ["Watching", "Turn", "Again", "Turn", "Again"]


def test_the_first_round_after_a_restart_is_taken_down_whatever_it_finds() -> None:
    life = Recorded().rounds(UNKNOWN)
    life.take(DONE)
    life.rounds(UNKNOWN, UNKNOWN)
    assert kinds(life.recorder.drained()) == ["Watching", "Turn", "Turn", "Turn", "Again"]


def test_an_early_round_of_a_calm_service_is_one_of_many() -> None:
    life = Recorded().rounds(PASS, PASS)
    life.take(PASS, early=True)
    assert kinds(life.recorder.drained()) == ["Watching", "Turn", "Again"]


def test_an_early_round_in_trouble_is_told_for_the_next_one_is_counted_from_it() -> None:
    life = Recorded().rounds(PASS, UNKNOWN, HOLD, HOLD)
    life.recorder.drained()
    life.take(HOLD, early=True)
    [early] = life.recorder.drained()
    assert isinstance(early, Turn)
    assert early.early


def test_a_round_that_hangs_differs_from_one_that_is_refused_at_once() -> None:
    life = Recorded().rounds(PASS, HTTP)
    life.wait(2).on()
    life.take(HTTP, took=5.0)
    *_, slow = life.recorder.drained()
    assert isinstance(slow, Turn)
    assert slow.now.mono - slow.began == 5.0


def test_the_first_judgement_and_a_long_wait_are_worth_a_commit() -> None:
    life = Recorded()
    due = [life.recorder.is_due]
    life.rounds(PASS)
    due.append(life.recorder.is_due)
    life.recorder.drained()
    life.rounds(*[UNKNOWN, PASS] * (MOST // 2 - 1))
    due.append(life.recorder.is_due)
    life.rounds(UNKNOWN, PASS)
    due.append(life.recorder.is_due)
    assert due == [False, True, False, True]


def test_what_is_measured_for_warnings_is_not_taken_down() -> None:
    life = Recorded().rounds(PASS)
    life.recorder.drained()
    life.take(Measured(()))
    life.take(Started(2.5))
    assert life.recorder.drained() == ()


def test_the_end_of_a_watch_counts_the_last_rounds() -> None:
    life = Recorded().rounds(PASS, PASS)
    life.recorder.end(life.wait(5).now)
    assert life.recorder.drained()[-2:] == (
        Again(Now(1060.0, life.now.wall - 5), 1060.0, 1),
        Ended(life.now),
    )


# --- one clock ------------------------------------------------------------------------------------


def turn(mono: float, wall: float, event: Judged) -> Turn:
    return Turn(Now(mono, wall), event, mono if isinstance(event, Observation) else 0.0)


def test_chapters_of_one_life_of_the_host_are_as_they_were() -> None:
    chapter: list[Record] = [Watching(Now(5, 105), None), turn(6, 106, PASS), Ended(Now(9, 109))]
    assert aligned([("a", chapter[:2]), ("a", chapter[2:])]) == chapter


def test_over_a_reboot_the_wall_clock_tells_how_much_time_has_passed() -> None:
    until = Paused(700.0, "kim", "deploy")
    there = aligned(
        [
            ("a", [Watching(Now(5000, 100), None)]),
            (
                "b",
                [
                    Watching(Now(20, 160), State("api"), 0.5),
                    turn(21, 161, HOLD),
                    Again(Now(22, 162), 22.0, 1),
                    Turn(Now(23, 163), until),
                    Turn(Now(24, 164), CRASH),
                    Withdrawn(Now(25, 165)),
                ],
            ),
        ]
    )
    assert HOLD.until is not None
    assert there[1:] == [
        Watching(Now(5060, 160), State("api"), 5040.5),
        Turn(
            Now(5061, 161),
            Observation(HOLD.verdict, HOLD.check, HOLD.reason, until=HOLD.until + 5040),
            5061.0,
        ),
        Again(Now(5062, 162), 5062.0, 1),
        Turn(Now(5063, 163), Paused(5740.0, "kim", "deploy")),
        Turn(Now(5064, 164), CRASH),
        Withdrawn(Now(5065, 165)),
    ]


def test_a_wall_clock_that_went_backwards_over_a_reboot_stands_still() -> None:
    there = aligned(
        [("a", [Watching(Now(5000, 1000), None)]), ("b", [Watching(Now(20, 160), None)])]
    )
    assert there[1].now == Now(5000, 160)


def test_where_the_kernel_gives_no_boot_id_a_lower_clock_tells_of_a_reboot() -> None:
    there = aligned([("", [Watching(Now(5000, 100), None)]), ("", [Watching(Now(20, 160), None)])])
    assert there[1].now == Now(5060, 160)


def test_a_round_that_passed_is_told_from_all_else() -> None:
    assert passes(turn(1, 1, PASS))
    assert not passes(turn(1, 1, Observation(Verdict.FAIL, "unit", "")))
    assert not passes(turn(1, 1, BEGAN))
    assert not passes(Ended(Now(1, 1)))
