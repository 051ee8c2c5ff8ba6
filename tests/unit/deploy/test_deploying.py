"""A deploy from its first step to its last, or to the way back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.unit.deploy.bench import BAD, GOOD, NAME, Bench, ScriptedLease
from tests.unit.doubles import DEAD, ScriptedControl
from watchdog.config import Deployment
from watchdog.core.model import Crashed, Observation, RestartOutcome, Verdict
from watchdog.core.service import HttpCheck
from watchdog.deploy.telling import Explained, Outcome, Printed, Report
from watchdog.doctor.finding import Finding, Remedy

STARTING = Observation(Verdict.HOLD, "http", "starting")
UNDO = Deployment(rollback=(("true",),))


def failed(report: Report) -> tuple[str, str]:
    assert report.failed is not None
    return report.failed.step.kind.value, report.failed.text


async def test_the_steps_are_done_in_order_and_the_lease_ends_with_proof_of_health() -> None:
    bench = Bench(Deployment(before=(("echo", "new"),), after=(("true",),)))
    report = await bench.deployed()
    assert (report.outcome, report.code) == (Outcome.DEPLOYED, 0)
    assert bench.begun == [
        *("lease", "before", "restart", "unit", "port", "health", "after", "proof", "release"),
    ]
    assert bench.lease.ended == ["done, health is proven"]
    assert bench.control.restarts == 1
    assert Printed("new") in bench.told


async def test_what_is_on_its_way_is_waited_for_and_what_fails_is_tried_five_times() -> None:
    bench = Bench(answers=[STARTING] * 40 + [BAD] * 4 + [GOOD])
    assert (await bench.deployed()).outcome is Outcome.DEPLOYED
    bench = Bench(answers=[BAD] * 5 + [GOOD])
    assert failed(await bench.deployed()) == ("health", "/health answered 500 (5 tries)")


async def test_a_process_that_dies_is_not_waited_for() -> None:
    bench = Bench(control=ScriptedControl(answer=DEAD, heals=False))
    report = await bench.deployed()
    assert failed(report) == ("unit", "killed by SIGKILL")
    assert bench.clock.mono == 1000.0


async def test_a_process_that_its_keeper_brings_back_has_crashed_all_the_same() -> None:
    bench = Bench(answers=[STARTING])
    running = asyncio.ensure_future(bench.deploying().run())
    await bench.until("health")
    bench.control.crashed(Crashed(1, "api.service exited with status 1"))
    reason = "api.service exited with status 1, and was started again by its keeper"
    assert failed(await running) == ("health", reason)


async def test_a_run_that_is_not_the_one_that_was_started_proves_nothing() -> None:
    bench = Bench(answers=[GOOD, GOOD, STARTING])
    running = asyncio.ensure_future(bench.deploying().run())
    await bench.until("proof")
    bench.control.identity = "run of somebody else"
    bench.answers = [GOOD]
    await bench.clock.advance(5)
    assert failed(await running)[0] == "proof"


async def test_a_failed_step_is_explained_and_rolled_back_with_a_restart_and_verified() -> None:
    bench = Bench(UNDO, answers=[BAD] * 5 + [GOOD])
    report = await bench.deployed()
    assert (report.outcome, report.code) == (Outcome.ROLLED_BACK, 1)
    assert [done.step.kind.value for done in report.rollback] == [
        *("rollback", "restart", "unit", "port", "health", "proof"),
    ]
    assert report.cause.evidence == ["the last words of run 2"]
    assert bench.control.restarts == 2
    assert bench.lease.ended == ["health failed, rolled-back"]


async def test_a_command_that_fails_before_the_restart_leaves_the_process_alone() -> None:
    bench = Bench(replace(UNDO, before=(("false",),)))
    report = await bench.deployed()
    assert failed(report) == ("before", "exited with status 1")
    assert report.outcome is Outcome.ROLLED_BACK
    assert [done.step.kind.value for done in report.rollback][:2] == ["rollback", "unit"]
    assert not report.cause.evidence  # of a process that has nothing to do with it
    assert bench.control.restarts == 0


async def test_a_rollback_that_fails_is_the_last_word() -> None:
    bench = Bench(UNDO, answers=[BAD])
    report = await bench.deployed()
    assert (report.outcome, report.code) == (Outcome.NOT_ROLLED_BACK, 1)
    assert report.rollback_cause.evidence == ["the last words of run 3"]
    assert [event.stays for event in bench.told if isinstance(event, Explained)] == [False, True]


async def test_without_a_rollback_the_deploy_stops_and_the_daemon_judges() -> None:
    bench = Bench(answers=[BAD])
    report = await bench.deployed()
    assert (report.outcome, report.code) == (Outcome.FAILED, 1)
    assert bench.lease.ended == ["health failed, failed"]


async def test_a_refused_lease_is_a_deploy_that_was_not_begun() -> None:
    bench = Bench(UNDO, lease=ScriptedLease(refusal="a deploy by ann is under way"))
    report = await bench.deployed()
    assert (report.outcome, report.code) == (Outcome.REFUSED, 4)
    assert bench.begun == ["lease"]
    assert bench.control.restarts == 0


async def test_without_a_daemon_only_one_deploy_goes_on_at_a_time() -> None:
    first = Bench(Deployment(before=(("sleep", "600"),)), lease=ScriptedLease(is_there=False))
    running = asyncio.ensure_future(first.deploying().run())
    await first.until("before")
    report = await Bench(lease=ScriptedLease(is_there=False)).deployed()
    assert (report.outcome, report.code) == (Outcome.REFUSED, 4)
    assert failed(report)[1].startswith(f"cannot deploy {NAME}: a deploy by ")
    running.cancel()
    await asyncio.wait({running})
    assert (await Bench(lease=ScriptedLease(is_there=False)).deployed()).code == 0


async def test_a_daemon_that_goes_meanwhile_lets_no_second_deploy_begin() -> None:
    first = Bench(Deployment(before=(("sleep", "600"),)))
    running = asyncio.ensure_future(first.deploying().run())
    await first.until("before")
    report = await Bench(lease=ScriptedLease(is_there=False)).deployed()
    assert (report.outcome, report.code) == (Outcome.REFUSED, 4)
    running.cancel()
    await asyncio.wait({running})


async def test_a_daemon_that_does_not_say_how_it_finds_it_is_not_taken_for_absent() -> None:
    bench = Bench()
    bench.lease.judged = {}
    report = await bench.deployed()
    assert report.outcome is Outcome.DEPLOYED
    assert report.steps[-1].text == "given back; the daemon has not said how it finds it"


async def test_a_restart_that_nobody_may_make_could_not_be_asked() -> None:
    bench = Bench(control=ScriptedControl(outcome=RestartOutcome.IMPOSSIBLE))
    report = await bench.deployed()
    assert (report.outcome, report.code) == (Outcome.FAILED, 3)


async def test_a_daemon_that_finds_it_broken_in_the_end_is_believed() -> None:
    bench = Bench(UNDO)
    bench.lease.judged = {"phase": "failing", "code": 1, "reason": "limits: 2 GB"}
    report = await bench.deployed()
    assert failed(report)[0] == "release"
    assert (report.outcome, report.code, report.rollback) == (Outcome.FAILED, 1, [])


async def test_the_way_from_outside_is_tried_five_times_however_young_the_process_is() -> None:
    outside = Deployment(external=HttpCheck("https://api.example.com/health"))
    bench = Bench(outside, answers=[GOOD, BAD])
    report = await bench.deployed()
    assert failed(report) == ("external", "/health answered 500 (5 tries)")


async def test_a_finding_is_shown_and_one_that_cannot_be_had_keeps_nothing() -> None:
    finding = Finding("x", "the port is closed", "nobody answers", Remedy(("open it",)))

    async def diagnose(_service: str) -> Finding | None:
        return finding

    async def stumble(_service: str) -> Finding | None:
        raise KeyError("oops")

    bench = Bench(answers=[BAD], diagnose=diagnose)
    report = await bench.deployed()
    assert report.cause.finding is finding
    assert any(isinstance(event, Explained) for event in bench.told)
    report = await Bench(UNDO, answers=[BAD] * 5 + [GOOD], diagnose=stumble).deployed()
    assert (report.cause.finding, report.outcome) == (None, Outcome.ROLLED_BACK)


async def test_a_deploy_cut_short_says_how_far_it_came_and_gives_its_lease_back() -> None:
    bench = Bench(Deployment(before=(("sleep", "600"),)))
    deploying = bench.deploying()
    running = asyncio.ensure_future(deploying.run())
    await bench.until("before")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert deploying.report.outcome is Outcome.INTERRUPTED
    assert bench.lease.ended == ["interrupted"]
