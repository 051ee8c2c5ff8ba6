"""One round: order, deadlines, guards, and the time that a start is given."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.unit.clock import FakeClock
from tests.unit.doubles import DEAD, ScriptedControl
from watchdog.core.model import (
    Now,
    Observation,
    Verdict,
)
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.evidence.redact import Redactor
from watchdog.ports import Excuse, OwnTrouble, Probe
from watchdog.rounds import Question, Round, RoundAbandoned

BAD = Observation(Verdict.FAIL, "http", "/health answered 500")
GOOD = Observation(Verdict.PASS, "http", "200")


class Asked:
    """A probe that gives one answer, counts how often, and can be made to hang."""

    def __init__(self, answer: Observation) -> None:
        self.answer = answer
        self.count = 0
        self.hangs = False

    async def __call__(self) -> Observation:
        self.count += 1
        if self.hangs:
            await asyncio.Event().wait()
        return self.answer


def make(clock: FakeClock, control: ScriptedControl, *probes: Asked) -> Round:
    questions = [Question(probe.answer.check, probe, 5.0) for probe in probes]
    return Round(control, questions, 30.0, clock, hears=True)


async def test_a_round_stops_at_the_first_check_that_does_not_pass() -> None:
    port, http = Asked(Observation(Verdict.FAIL, "port", "nothing listens")), Asked(GOOD)
    rounds = make(FakeClock(), ScriptedControl(), port, http)
    assert (await rounds.run()).check == "port"
    assert http.count == 0
    assert [answer.check for answer in rounds.results] == ["unit", "port"]


async def test_a_dead_unit_is_not_asked_anything_else() -> None:
    http = Asked(GOOD)
    rounds = make(FakeClock(), ScriptedControl(answer=DEAD), http)
    assert (await rounds.run()).dead
    assert http.count == 0


async def test_what_an_answer_quotes_is_redacted_before_anybody_knows_of_it() -> None:
    talkative = Observation(Verdict.FAIL, "http", 'answered 500: "password=canary-4711"')
    http, clock = Asked(talkative), FakeClock()
    question = Question("http", http, 5.0)
    rounds = Round(ScriptedControl(), [question], 30.0, clock, Redactor().event)
    seen = await rounds.run()
    assert seen.reason == 'answered 500: "password=[redacted]"'
    assert "canary" not in repr(rounds.results)


async def test_a_hung_probe_fails_at_its_deadline() -> None:
    clock, http = FakeClock(), Asked(GOOD)
    http.hangs = True
    asking = asyncio.ensure_future(make(clock, ScriptedControl(), http).run())
    await clock.advance(4.9)
    assert not asking.done()
    await clock.advance(0.2)
    seen = await asking
    assert (seen.verdict, seen.reason) == (Verdict.FAIL, "no answer within 5 s")
    assert seen.duration == pytest.approx(5.0)


async def test_a_deadline_noticed_too_late_is_our_own_stall_and_no_evidence() -> None:
    clock, http = FakeClock(), Asked(GOOD)
    http.hangs = True
    asking = asyncio.ensure_future(make(clock, ScriptedControl(), http).run())
    await clock.settle()
    clock.mono += 7.0  # the loop stood still; the alarm rings two seconds late
    await clock.advance(0)
    seen = await asking
    assert seen.verdict is Verdict.UNKNOWN
    assert "this daemon itself stalled for 2.0 s" in seen.reason


async def test_a_failure_measured_across_a_suspend_is_void() -> None:
    clock, http = FakeClock(), Asked(BAD)

    async def suspend() -> Observation:
        clock.suspended += 3600
        return BAD

    rounds = Round(ScriptedControl(), [Question("http", suspend, 5.0)], 30.0, clock)
    assert (await rounds.run()).verdict is Verdict.UNKNOWN
    assert http.count == 0


async def test_a_probe_that_raises_is_unknown_and_not_a_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> Observation:
        raise RuntimeError("bug")

    rounds = Round(ScriptedControl(), [Question("http", broken, 5.0)], 30.0, FakeClock())
    seen = await rounds.run()
    assert seen.verdict is Verdict.UNKNOWN
    assert "bug" in seen.reason


async def test_a_round_given_up_for_a_newer_one_says_so() -> None:
    clock, http = FakeClock(), Asked(GOOD)
    http.hangs = True
    rounds = make(clock, ScriptedControl(), http)
    asking = asyncio.ensure_future(rounds.run())
    await clock.settle()
    rounds.abandon()
    with pytest.raises(RoundAbandoned):
        await asking


async def test_what_breaks_with_the_process_waits_for_the_word_of_its_end() -> None:
    clock, http = FakeClock(), Asked(BAD)
    rounds = make(clock, ScriptedControl(ending=True), http)
    asking = asyncio.ensure_future(rounds.run())
    await clock.advance(4.9)
    assert not asking.done()
    rounds.abandon()  # as the worker does when the control has news
    with pytest.raises(RoundAbandoned):
        await asking


async def test_a_word_that_does_not_come_leaves_the_failure_as_it_was() -> None:
    clock = FakeClock()
    rounds = make(clock, ScriptedControl(ending=True), Asked(BAD))
    asking = asyncio.ensure_future(rounds.run())
    await clock.advance(5.1)
    assert await asking == replace(BAD, duration=0.0)


async def test_a_word_that_never_comes_is_waited_for_once_in_a_run() -> None:
    """As where the process is none of systemd's children, or in another namespace."""
    clock, control = FakeClock(), ScriptedControl(ending=True)
    rounds = make(clock, control, Asked(BAD))
    asking = asyncio.ensure_future(rounds.run())
    await clock.advance(5.1)
    await asking
    assert (await rounds.run()).verdict is Verdict.FAIL
    control.identity = "run 2"
    asking = asyncio.ensure_future(rounds.run())
    await clock.advance(4.9)
    assert not asking.done()
    await clock.advance(0.2)
    await asking


async def test_whom_nobody_tells_does_not_wait_for_a_word() -> None:
    """As a person's command: it looks again at once."""
    clock = FakeClock()
    rounds = Round(ScriptedControl(ending=True), [Question("http", Asked(BAD), 5.0)], 30.0, clock)
    assert (await rounds.run()).verdict is Verdict.FAIL


@pytest.mark.parametrize("fails", [False, True])
async def test_a_round_is_given_up_also_in_the_moment_in_which_its_answer_comes(
    fails: bool,
) -> None:
    async def told_meanwhile() -> Observation:
        rounds.abandon()
        if fails:
            raise RuntimeError("bug")
        return BAD

    control = ScriptedControl(ending=True)
    rounds = Round(control, [Question("http", told_meanwhile, 5.0)], 30.0, FakeClock(), hears=True)
    with pytest.raises(RoundAbandoned):
        await rounds.run()


async def test_an_answer_is_good_even_if_its_process_has_ended_since() -> None:
    """The control's word is to come, and has a round of its own."""
    rounds = make(FakeClock(), ScriptedControl(ending=True), Asked(GOOD))
    assert (await rounds.run()).verdict is Verdict.PASS


async def test_a_fresh_process_is_held_until_its_start_timeout_and_then_fails() -> None:
    clock, http = FakeClock(mono=1000), Asked(BAD)
    control = ScriptedControl(started=1000.0)
    rounds = make(clock, control, http)
    seen = await rounds.run()
    assert (seen.verdict, seen.until) == (Verdict.HOLD, 1030.0)
    assert seen.reason == "starting: /health answered 500"
    await clock.advance(30)
    assert (await rounds.run()).verdict is Verdict.FAIL


async def test_a_young_process_that_has_passed_once_is_past_its_start() -> None:
    clock, http = FakeClock(mono=1000), Asked(GOOD)
    rounds = make(clock, ScriptedControl(started=999.0), http)
    assert (await rounds.run()).verdict is Verdict.PASS
    http.answer = BAD
    assert (await rounds.run()).verdict is Verdict.FAIL


async def test_a_stranger_on_the_port_is_no_part_of_a_start() -> None:
    stranger = Asked(Observation(Verdict.FAIL, "port", "held by nginx", curable=False))
    rounds = make(FakeClock(mono=1000), ScriptedControl(started=1000.0), stranger)
    assert (await rounds.run()).verdict is Verdict.FAIL


DOWN = OwnTrouble(
    "this host's own network is down: eth0 has no carrier",
    Circumstance(CircumstanceKind.NETWORK_DOWN, "eth0 has no carrier"),
)
PERHAPS = OwnTrouble("gateway 10.0.0.1 of eth0 has not answered yet")
UNRESOLVED = Observation(Verdict.UNKNOWN, "http", "cannot resolve api.example: try again")


class Excusing:
    """Tells of trouble of this host's own, and counts how often it was asked."""

    def __init__(self, own: OwnTrouble | None) -> None:
        self.own = own
        self.count = 0

    async def __call__(self) -> OwnTrouble | None:
        self.count += 1
        return self.own


def excused(
    clock: FakeClock, probe: Probe, excuse: Excuse, *, started: float | None = None
) -> Round:
    question = Question("http", probe, 5.0, excuse=excuse)
    return Round(ScriptedControl(started=started), [question], 30.0, clock)


@pytest.mark.parametrize("answer", [BAD, UNRESOLVED])
async def test_a_failure_that_is_this_hosts_own_trouble_is_no_evidence(answer: Observation) -> None:
    seen = await excused(FakeClock(), Asked(answer), Excusing(DOWN)).run()
    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, DOWN.reason)
    assert seen.circumstance == DOWN.circumstance
    assert seen.until is None


async def test_a_failure_that_may_be_this_hosts_own_trouble_is_looked_at_again_soon() -> None:
    seen = await excused(FakeClock(mono=1000), Asked(BAD), Excusing(PERHAPS)).run()
    assert (seen.verdict, seen.until) == (Verdict.UNKNOWN, 1002.0)
    assert seen.reason == (
        "/health answered 500; this host's own network may be down:"
        " gateway 10.0.0.1 of eth0 has not answered yet"
    )
    assert seen.circumstance is None


@pytest.mark.parametrize(
    ("answer", "own"), [(BAD, None), (UNRESOLVED, None), (UNRESOLVED, PERHAPS)]
)
async def test_an_answer_without_an_excuse_stays_as_it_is(
    answer: Observation, own: OwnTrouble | None
) -> None:
    assert await excused(FakeClock(), Asked(answer), Excusing(own)).run() == answer


async def test_nobody_asks_for_an_excuse_of_what_passes_or_still_starts() -> None:
    excuse = Excusing(DOWN)
    assert (await excused(FakeClock(), Asked(GOOD), excuse).run()).verdict is Verdict.PASS
    starting = excused(FakeClock(mono=1000), Asked(BAD), excuse, started=1000.0)
    assert (await starting.run()).verdict is Verdict.HOLD
    assert excuse.count == 0


async def test_a_check_at_its_deadline_is_excused_as_well() -> None:
    clock, http = FakeClock(), Asked(GOOD)
    http.hangs = True
    asking = asyncio.ensure_future(excused(clock, http, Excusing(DOWN)).run())
    await clock.advance(5.1)
    assert (await asking).verdict is Verdict.UNKNOWN


async def test_an_excuse_that_breaks_or_hangs_excuses_nothing() -> None:
    clock = FakeClock()

    async def broken() -> OwnTrouble | None:
        raise RuntimeError("bug")

    async def hangs() -> OwnTrouble | None:
        await asyncio.Event().wait()
        raise AssertionError

    assert await excused(clock, Asked(BAD), broken).run() == BAD
    asking = asyncio.ensure_future(excused(clock, Asked(BAD), hangs).run())
    await clock.advance(1.9)
    assert not asking.done()
    await clock.advance(0.2)
    assert await asking == BAD


async def test_a_round_is_given_up_while_an_excuse_is_looked_for() -> None:
    clock = FakeClock()

    async def hangs() -> OwnTrouble | None:
        await asyncio.Event().wait()
        raise AssertionError

    rounds = excused(clock, Asked(BAD), hangs)
    asking = asyncio.ensure_future(rounds.run())
    await clock.settle()
    rounds.abandon()
    with pytest.raises(RoundAbandoned):
        await asking


async def test_a_control_that_breaks_is_not_judged_and_ends_no_watch() -> None:
    class Broken(ScriptedControl):
        async def observe(self, now: Now) -> Observation:
            raise OSError(28, "No space left on device")

    http = Asked(GOOD)
    seen = await make(FakeClock(), Broken(), http).run()
    assert seen.verdict is Verdict.UNKNOWN
    assert "No space left" in seen.reason
    assert http.count == 0


async def test_what_is_not_vital_may_be_unknown_and_the_service_is_judged() -> None:
    clock, limits = FakeClock(), Asked(Observation(Verdict.UNKNOWN, "limits", "no permission"))
    http = Asked(GOOD)
    questions = [Question("http", http, 5.0), Question("limits", limits, 5.0, vital=False)]
    rounds = Round(ScriptedControl(), questions, 30.0, clock)
    assert (await rounds.run()).verdict is Verdict.PASS
    assert [answer.verdict for answer in rounds.results][-1] is Verdict.UNKNOWN
    limits.answer = Observation(Verdict.FAIL, "limits", "memory is at 1 GiB")
    assert (await rounds.run()).check == "limits"


async def test_an_answer_goes_by_the_name_of_its_question() -> None:
    async def http() -> Observation:
        return Observation(Verdict.PASS, "http", "200")

    rounds = Round(ScriptedControl(), [Question("proxied", http, 5.0)], 30.0, FakeClock())
    await rounds.run()
    assert [answer.check for answer in rounds.results] == ["unit", "proxied"]
