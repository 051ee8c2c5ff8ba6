"""A unit of a real systemd is watched: each way in which it can end, and what is said of it."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.host.conftest import HostFactory
from tests.host.host import Host
from tests.host.watching import SLEEPER, install, watched
from watchdog.control.systemd_names import PEER
from watchdog.core.model import (
    RestartOutcome,
    Verdict,
)
from watchdog.ports import Listener

FAIL, HOLD, PASS = Verdict.FAIL, Verdict.HOLD, Verdict.PASS
WEB = "web.service"


async def test_kill_9_is_a_death_at_once_and_a_restart_heals_it(host: Host) -> None:
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        assert (await web.look()).verdict is PASS
        run, pid = web.identity, web.main_pid
        host.kill(WEB)
        seen = await web.until_verdict(FAIL)
        assert (seen.dead, seen.curable) == (True, True)
        assert seen.reason == "web.service killed by SIGKILL"
        assert (web.main_pid, web.started, web.identity) == (None, None, run)

        finished = await web.restart()
        assert finished.outcome is RestartOutcome.DONE
        assert (await web.look()).verdict is PASS
        assert web.identity != run
        assert web.main_pid not in {None, pid}
        assert web.crashes == []


async def test_with_restart_always_systemd_has_its_turn_and_the_crash_is_told(host: Host) -> None:
    install(host, WEB, "Restart=always", "RestartSec=0")
    async with watched(host, WEB) as (web,):
        for count in (1, 2):
            run = web.identity
            host.kill(WEB)
            await web.until_new_run(run)
            assert len(web.crashes) == count
        assert not web.has_failed()
        assert {(crash.count, crash.reason) for crash in web.crashes} == {
            (1, "web.service killed by SIGKILL")
        }


async def test_systemctl_stop_is_an_operators_stop_for_as_long_as_the_grace_lasts(
    host: Host,
) -> None:
    install(host, WEB, "Restart=always")
    async with watched(host, WEB) as (web,):
        host.systemctl("stop", WEB)
        seen = await web.until_verdict(HOLD, "brought back in")
        assert "stopped by an operator (systemctl stop); brought back in 2 min" in seen.reason
        assert (await web.look(later=119)).verdict is HOLD
        later = await web.look(later=121)
        assert (later.verdict, later.dead) == (FAIL, True)
        assert not web.has_failed()

        host.systemctl("start", WEB)
        await web.until_verdict(PASS)


async def test_systemctl_restart_is_nobodys_business(host: Host) -> None:
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        run = web.identity
        host.systemctl("restart", WEB)
        await web.until_new_run(run)
        assert not web.has_failed()
        assert web.crashes == []


async def test_sigterm_without_a_job_is_a_failure(host: Host) -> None:
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        host.kill(WEB, signal.SIGTERM)
        seen = await web.until_verdict(FAIL)
        assert (seen.dead, seen.reason) == (True, "web.service killed by SIGTERM")


async def test_a_crash_loop_that_reaches_the_start_limit_ends_dead_and_is_healed(
    host: Host,
) -> None:
    install(
        host,
        WEB,
        "Restart=always",
        "RestartSec=0",
        head="StartLimitBurst=3\nStartLimitIntervalSec=1h",
    )
    async with watched(host, WEB) as (web,):
        for _ in range(2):
            run = web.identity
            host.kill(WEB)
            await web.until_new_run(run)
        host.kill(WEB)
        seen = await web.until_verdict(FAIL)
        assert seen.dead
        assert "killed by SIGKILL; systemd refuses to start it again" in seen.reason
        assert len(web.crashes) in {2, 3}
        assert (await web.restart()).outcome is RestartOutcome.DONE
        assert (await web.look()).verdict is PASS


async def test_a_unit_masked_while_it_runs_is_up_and_when_dead_not_to_be_cured(host: Host) -> None:
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        host.sh(f"cp /etc/systemd/system/{WEB} /root && rm /etc/systemd/system/{WEB}")
        host.systemctl("mask", "--now", "--runtime", "nonexistent.service", check=False)
        host.systemctl("mask", WEB)
        host.systemctl("daemon-reload")
        await web.until(lambda seen: web._unit.state.load_state == "masked")
        assert (await web.look()).verdict is PASS

        host.kill(WEB)
        seen = await web.until_verdict(FAIL)
        assert (seen.dead, seen.curable) == (True, False)
        assert "is masked; to run it: systemctl unmask web.service" in seen.reason
        finished = await web.restart()
        assert finished.outcome is RestartOutcome.IMPOSSIBLE
        assert "is masked" in finished.reason

        host.systemctl("unmask", WEB)
        host.sh(f"mv /root/{WEB} /etc/systemd/system/")
        host.systemctl("daemon-reload")
        await web.until(lambda seen: seen.verdict is FAIL and seen.curable)
        assert (await web.restart()).outcome is RestartOutcome.DONE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.service", "has no unit file"),
        ("bad.service", "has a unit file that systemd refuses"),
        ("template@.service", "is missing the instance name"),
    ],
)
async def test_what_cannot_be_loaded_is_named_and_not_restarted(
    host: Host, name: str, words: str
) -> None:
    host.write_unit("bad.service", "[Service]\nType=simple\n")
    install(host, "template@.service", start=False)
    async with watched(host, name) as (unit,):
        seen = await unit.look()
        assert (seen.verdict, seen.curable) == (FAIL, False)
        assert words in seen.reason
        assert (await unit.restart()).outcome is RestartOutcome.IMPOSSIBLE


async def test_a_unit_file_that_appears_is_noticed(host: Host) -> None:
    async with watched(host, WEB) as (web,):
        assert not (await web.look()).curable
        install(host, WEB)
        await web.until_verdict(PASS)


async def test_a_slow_start_is_held_and_its_timeout_is_a_failure(host: Host) -> None:
    install(host, WEB, "Type=notify", "TimeoutStartSec=1", start=False)
    async with watched(host, WEB) as (web,):
        host.systemctl("start", "--no-block", WEB)
        seen = await web.until_verdict(HOLD, "is starting")
        assert seen.until is not None
        assert web.started is not None
        seen = await web.until_verdict(FAIL, "timed out")
        assert seen.reason == "web.service timed out: killed by SIGTERM"
        assert seen.dead


async def test_a_oneshot_has_nothing_to_do_and_an_idle_service_waits_for_its_socket(
    host: Host,
) -> None:
    install(host, "job.service", "Type=oneshot", "ExecStart=/bin/true")
    host.write_unit("web.socket", "[Socket]\nListenStream=8000\nSlice=shop-front.slice\n")
    install(host, WEB, start=False)
    host.systemctl("start", "web.socket")
    async with watched(host, "job.service", WEB) as (job, web):
        assert (await job.look()).verdict is PASS
        assert "web.socket starts it on demand" in (await web.look()).reason


async def test_the_socket_that_systemd_made_for_a_service_is_its_own(host: Host) -> None:
    host.write_unit("web.socket", "[Socket]\nListenStream=8000\nSlice=shop-front.slice\n")
    install(host, WEB, start=False)
    install(host, "other.service")
    host.systemctl("start", "web.socket")
    shown = host.run("ss", "-ltneH", "--cgroup", "sport = 8000").stdout
    group = next(w for w in shown.split() if w.startswith("cgroup:")).removeprefix("cgroup:")
    inode = int(host.run("stat", "-c", "%i", f"/sys/fs/cgroup{group}").stdout)
    listener = Listener("0.0.0.0", 8000, 1, inode)
    async with watched(host, WEB, "other.service") as (web, other):
        await web.settled()
        assert web.owns(listener)
        assert not other.owns(listener)
        assert (await web.restart()).outcome is RestartOutcome.DONE
        assert web.owns(listener)


async def test_a_socket_that_was_down_at_first_is_known_once_it_is_up(host: Host) -> None:
    host.write_unit("web.socket", "[Socket]\nListenStream=8000\nSlice=shop-front.slice\n")
    install(host, WEB, head="Requires=web.socket\nAfter=web.socket", start=False)
    async with watched(host, WEB) as (web,):
        await web.settled()
        assert (await web.restart()).outcome is RestartOutcome.DONE
        await web.settled()
        group = host.unit("web.socket", "ControlGroup")["ControlGroup"]
        inode = int(host.run("stat", "-c", "%i", f"/sys/fs/cgroup{group}").stdout)
        assert web.owns(Listener("0.0.0.0", 8000, 1, inode))


async def test_a_socket_belongs_to_the_unit_whose_cgroup_made_it_in_every_run(host: Host) -> None:
    install(host, WEB, "Slice=shop-front.slice", start=False)
    install(host, "other.service")

    def listener(unit: str) -> Listener:
        group = host.unit(unit, "ControlGroup")["ControlGroup"]
        inode = host.run("stat", "-c", "%i", f"/sys/fs/cgroup{group}").stdout
        return Listener("127.0.0.1", 80, 1, int(inode))

    async with watched(host, WEB) as (web,):
        for _ in range(2):
            assert (await web.restart()).outcome is RestartOutcome.DONE
            assert web.owns(listener(WEB))
            assert not web.owns(listener("other.service"))


async def test_a_stop_while_nobody_watched_is_found_in_the_journal(host: Host) -> None:
    for name in ("stopped.service", "ended.service"):
        install(host, name)
    host.systemctl("stop", "stopped.service")
    host.kill("ended.service", signal.SIGTERM)
    host.wait_for_unit_state("ended.service", "inactive")
    host.run("journalctl", "--sync")
    names = ("stopped.service", "ended.service", "never.service")
    install(host, "never.service", start=False)
    async with watched(host, *names) as (stopped, ended, never):
        assert "stopped by an operator" in (await stopped.look()).reason
        assert (await stopped.look()).verdict is HOLD
        assert (await ended.look()).verdict is FAIL
        words = "never.service is not running; systemd knows of no start since boot"
        assert (await never.look()).reason == words


async def test_a_stopped_unit_that_systemd_forgets_is_still_known(
    host_factory: HostFactory,
) -> None:
    """Without the permission to reference it, its data are gone from systemd at once."""
    host = host_factory()
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        web._unit._is_held = True  # as if systemd had refused the reference
        run = web.identity
        host.systemctl("stop", WEB)
        await web.until_verdict(HOLD, "stopped by an operator")
        host.systemctl("daemon-reload")
        assert (await web.look()).verdict is HOLD
        assert web.identity == run
        host.systemctl("start", WEB)
        await web.until_new_run(run)


async def test_a_signal_that_somebody_else_sends_changes_nothing(host: Host) -> None:
    """Any user of the host can send us a signal that claims a death."""
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        assert web._bus._connection is not None
        ours = web._bus._connection._bus
        assert ours is not None
        host.run(
            *("busctl", "emit", f"--destination={ours.unique_name}"),
            "/org/freedesktop/systemd1/unit/web_2eservice",
            *("org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as"),
            *("org.freedesktop.systemd1.Unit", "1", "ActiveState", "s", "failed", "0"),
            user="nobody",
        )
        await web._bus.call("Ping", to=PEER)  # whose answer comes after the forged signal
        assert (await web.look()).verdict is PASS
        assert not web.has_failed()


async def test_two_may_watch_the_same_unit_and_one_may_leave(host: Host) -> None:
    install(host, WEB, f"ExecStart={SLEEPER}")
    async with watched(host, WEB) as (one,):
        two = type(one)(host, one._bus, WEB)
        async with two:
            host.kill(WEB)
            await asyncio.gather(one.until_verdict(FAIL), two.until_verdict(FAIL))
        assert (await one.restart()).outcome is RestartOutcome.DONE
        assert len(two.seen) < len(one.seen)
