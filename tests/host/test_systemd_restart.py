"""A unit of a real systemd is restarted: every end that a restart can have, and what is said."""

from __future__ import annotations

import asyncio
import json
import sysconfig
from pathlib import Path

import pytest

from tests.host.conftest import HostFactory
from tests.host.host import Host
from tests.host.polkit import without_polkit
from tests.host.watching import install, watched
from watchdog.control.grant import polkit_rule
from watchdog.core.model import (
    RestartOutcome,
    Verdict,
)

WEB = "web.service"
DONE, FAILED = RestartOutcome.DONE, RestartOutcome.FAILED
IMPOSSIBLE, YIELDED = RestartOutcome.IMPOSSIBLE, RestartOutcome.YIELDED


@pytest.mark.parametrize("kind", ["simple", "exec"])
async def test_a_missing_executable_is_no_success_even_if_systemd_says_done(
    host: Host, kind: str
) -> None:
    install(host, WEB, f"Type={kind}", "ExecStart=/nonexistent", start=False)
    async with watched(host, WEB) as (web,):
        finished = await web.restart()
        assert finished.outcome is FAILED
        assert "203/EXEC (executable not found or not runnable)" in finished.reason
        assert (await web.look()).verdict is Verdict.FAIL


async def test_an_unmet_condition_is_named_and_no_operators_stop(host: Host) -> None:
    install(host, WEB, head="ConditionPathExists=/run/ready", start=False)
    host.sh("touch /run/ready")
    host.systemctl("start", WEB)
    async with watched(host, WEB) as (web,):
        host.sh("rm /run/ready")
        finished = await web.restart()
        assert finished.outcome is FAILED
        assert "ConditionPathExists=/run/ready was not met" in finished.reason
        seen = await web.look()
        assert (seen.verdict, seen.dead) == (Verdict.FAIL, True)
        assert "a Condition…= of its unit file was not met" in seen.reason
        host.sh("touch /run/ready")
        assert (await web.restart()).outcome is DONE


async def test_a_failing_requirement_is_told(host: Host) -> None:
    install(host, "database.service", "Type=oneshot", "ExecStart=/bin/false", start=False)
    head = "Requires=database.service\nAfter=database.service"
    install(host, WEB, head=head, start=False)
    async with watched(host, WEB) as (web,):
        finished = await web.restart()
        assert finished.outcome is FAILED
        assert "systemctl list-dependencies web.service" in finished.reason


async def test_a_start_timeout_fails_the_restart(host: Host) -> None:
    install(host, WEB, "Type=notify", "TimeoutStartSec=1", start=False)
    async with watched(host, WEB) as (web,):
        finished = await web.restart()
        assert finished.outcome is FAILED
        assert finished.reason == "web.service did not start: timed out: killed by SIGTERM"
        assert finished.duration >= 1.0


async def test_a_start_that_its_unit_allows_to_be_slow_is_waited_for(host: Host) -> None:
    """systemd times each ExecStartPre= on its own."""
    lines = ("TimeoutStartSec=2", *["ExecStartPre=/bin/sleep 1.1"] * 2)
    install(host, WEB, *lines, start=False)
    async with watched(host, WEB) as (web,):
        web.seen.clear()
        finished = await web.restart()
        assert finished.outcome is DONE
        assert finished.duration >= 2.2
        verdicts = [seen.verdict for seen in web.seen]
        assert Verdict.HOLD in verdicts
        assert Verdict.FAIL not in verdicts


async def test_our_own_restarts_never_end_at_the_start_limit(host: Host) -> None:
    install(host, WEB, head="StartLimitBurst=2\nStartLimitIntervalSec=1h")
    async with watched(host, WEB) as (web,):
        for _ in range(4):
            run = web.identity
            assert (await web.restart()).outcome is DONE
            assert web.identity != run


async def test_an_operators_stop_during_our_restart_is_yielded_to(host: Host) -> None:
    install(host, WEB, "ExecStartPre=/bin/sleep 30", start=False)
    async with watched(host, WEB) as (web,):
        restart = asyncio.create_task(web.restart())
        await web.until_verdict(Verdict.HOLD, "is starting (start-pre)")
        host.systemctl("stop", WEB)
        finished = await restart
        assert finished.outcome is YIELDED
        assert finished.reason == "another job for web.service replaced the restart"
        seen = await web.until_verdict(Verdict.HOLD, "brought back in")
        assert "stopped by an operator" in seen.reason


async def test_a_stop_that_is_pending_is_not_replaced(host: Host) -> None:
    install(host, WEB, "ExecStop=/bin/sleep 30")
    async with watched(host, WEB) as (web,):
        host.systemctl("stop", "--no-block", WEB)
        await web.until_verdict(Verdict.HOLD, "is stopping")
        finished = await web.restart()
        assert finished.outcome is YIELDED
        assert "another job is pending" in finished.reason


async def test_an_operators_restart_under_way_is_joined(host: Host) -> None:
    install(host, WEB, "ExecStop=/bin/sleep 1")
    async with watched(host, WEB) as (web,):
        before = web.identity
        host.systemctl("restart", "--no-block", WEB)
        await web.until_verdict(Verdict.HOLD, "is stopping")
        assert (await web.restart()).outcome is DONE
        assert web.identity != before
        assert host.unit(WEB, "NRestarts") == {"NRestarts": "0"}
        assert len(host.journal(WEB, grep="Started")) == 2


async def test_a_start_that_asks_for_more_time_is_told_of_and_never_killed(host: Host) -> None:
    """Nothing on the bus tells of EXTEND_TIMEOUT_USEC; systemd alone knows when to give up."""
    more = "systemd-notify EXTEND_TIMEOUT_USEC=60000000; exec sleep infinity"
    install(
        host,
        WEB,
        *("Type=notify", "NotifyAccess=all", "TimeoutStartSec=1", "TimeoutStopSec=1"),
        f"ExecStart=/bin/sh -c '{more}'",
        start=False,
    )
    async with watched(host, WEB) as (web,):
        finished = await web.restart()
        assert finished.outcome is FAILED
        assert "is not over after 7 s: it is activating (start)" in finished.reason
        seen = await web.look()
        assert (seen.verdict, seen.curable, seen.dead) == (Verdict.FAIL, False, False)
        assert "is starting (start) for " in seen.reason
        assert "longer than its timeout allows" in seen.reason
        assert web.main_pid is not None


# --- as the daemon's own user --------------------------------------------------------------------

SITE = Path(sysconfig.get_path("purelib"))
USER = "nobody"


ENV = {"PYTHONPATH": "/src:/site", "PYTHONDONTWRITEBYTECODE": "1"}


def as_user(host: Host, action: str) -> tuple[str, str]:
    """Let an unprivileged user of the host watch and act; return its outcome and its reason."""
    command = ("python3", "-m", "tests.host.as_user", action, WEB)
    with host.popen(*command, user=USER, env=ENV) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        if line == "watching\n":
            host.systemctl("stop", WEB)
            line = process.stdout.readline()
        assert line, process.stderr.read()
        outcome, reason = json.loads(line)
    return outcome, reason


@pytest.fixture
def users_host(host_factory: HostFactory) -> Host:
    host = host_factory(binds={"/site": SITE})
    install(host, WEB)
    return host


def test_without_the_grant_a_restart_is_impossible_and_the_way_out_is_named(
    users_host: Host,
) -> None:
    outcome, reason = as_user(users_host, "restart")
    assert outcome == "impossible"
    assert "no permission; run: sudo service-watchdog grant" in reason
    assert as_user(users_host, "look")[0] == "pass"


def test_with_the_grant_an_unprivileged_user_restarts_the_unit_and_no_other(
    users_host: Host,
) -> None:
    install(users_host, "other.service")
    rule = polkit_rule([WEB], USER)
    users_host.write("/etc/polkit-1/rules.d/50-service-watchdog.rules", rule)
    users_host.systemctl("restart", "polkit.service")
    assert as_user(users_host, "restart") == ("done", "systemd restarted web.service")
    stop = users_host.run("systemctl", "stop", "other.service", user=USER, check=False)
    assert stop.returncode != 0


def test_a_polkit_that_does_not_run_is_named_and_asked_again_one_that_is_not_there_is_not(
    users_host: Host,
) -> None:
    """Its error is UnitMasked, just as if our own unit were masked."""
    users_host.systemctl("mask", "--runtime", "--now", "polkit.service")
    outcome, reason = as_user(users_host, "restart")
    assert outcome == "failed"
    assert "polkit, which systemd asks, does not run" in reason
    with without_polkit(users_host):  # not even a unit of that name
        outcome, reason = as_user(users_host, "restart")
    assert outcome == "impossible"
    assert reason.startswith("cannot restart web.service: polkit is not installed, ")
    assert "install it (Debian: polkitd), then run: sudo systemctl reload" in reason


def test_a_unit_that_systemd_may_forget_is_watched_without_permission(users_host: Host) -> None:
    assert as_user(users_host, "stop") == (
        "hold",
        "web.service was stopped by an operator (systemctl stop); brought back in 2 min",
    )
