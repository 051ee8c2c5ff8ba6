"""The connection to a real systemd is kept, and nothing is missed while it is not."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.host.host import Host
from tests.host.watching import DEADLINE, Watched, install, watched
from watchdog.control.bus import SystemBus
from watchdog.core.model import (
    RestartOutcome,
    Verdict,
)
from watchdog.errors import BusError

WEB = "web.service"
SYSTEMD = "org.freedesktop.systemd1"
MANAGER = (SYSTEMD, "/org/freedesktop/systemd1", f"{SYSTEMD}.Manager")
FAIL, HOLD, PASS = Verdict.FAIL, Verdict.HOLD, Verdict.PASS
DONE = RestartOutcome.DONE
UNKNOWN = Verdict.UNKNOWN


def install_many(host: Host, count: int) -> list[str]:
    install(host, "many@.service", start=False)
    names = [f"many@{number}.service" for number in range(count)]
    host.systemctl("start", *names)
    return names


def kill_all(host: Host) -> None:
    (host.cgroup / "system.slice/system-many.slice/cgroup.kill").write_text("1")


async def heal(unit: Watched) -> RestartOutcome:
    """See the death of *unit* and restart it, as the daemon does."""
    await unit.until_verdict(FAIL, "killed by SIGKILL")
    return (await unit.restart()).outcome


async def test_two_hundred_units_killed_at_once_are_all_restarted(host: Host) -> None:
    """dbus-daemon allows 128 pending replies per connection."""
    names = install_many(host, 200)
    async with watched(host, *names) as units:
        runs = [unit.identity for unit in units]
        kill_all(host)
        assert set(await asyncio.gather(*map(heal, units))) == {DONE}
        assert [(await unit.look()).verdict for unit in units] == [PASS] * len(units)
        assert not set(runs) & {unit.identity for unit in units}


async def test_hundreds_of_units_do_not_drive_systemd_off_the_bus(host: Host) -> None:
    """Each reference costs systemd a match rule, of which dbus-daemon allows 512."""
    names = install_many(host, 600)
    async with watched(host, *names) as units:
        await asyncio.gather(*(unit.settled() for unit in units))
        host.run("busctl", "--timeout=5", "call", *MANAGER, "ListJobs")


async def test_nothing_is_missed_while_systemd_reloads_and_reexecutes(host: Host) -> None:
    names = install_many(host, 100)
    async with watched(host, *names) as units:
        for command in ("daemon-reload", "daemon-reexec"):
            healing = [asyncio.create_task(heal(unit)) for unit in units]
            reloading = asyncio.create_task(asyncio.to_thread(host.systemctl, command))
            kill_all(host)
            await reloading
            outcomes = await asyncio.gather(*healing)
            again = [unit for unit, each in zip(units, outcomes, strict=True) if each is not DONE]
            # What was under way while systemd was gone may be reported as failed; the worker
            # would try again. Nothing is left dead, and nothing is unseen.
            for unit in again:
                seen = await unit.until(lambda seen: seen.verdict in {FAIL, PASS})
                if seen.verdict is FAIL:
                    assert (await unit.restart()).outcome is DONE
            if command == "daemon-reload":
                assert again == []
            for unit in units:
                await unit.until_verdict(PASS)


async def test_a_new_setting_is_known_after_a_daemon_reload(host: Host) -> None:
    install(host, WEB)
    async with watched(host, WEB) as (web,):
        install(host, WEB, "TimeoutStartSec=7", start=False)
        async with asyncio.timeout(DEADLINE):
            await web._unit.reach(lambda: web._unit.state.start_timeout == 7.0)
        assert {seen.verdict for seen in web.seen} == {PASS}


async def test_a_restart_of_dbus_is_survived(host: Host) -> None:
    install(host, WEB)
    install(host, "other.service")
    async with watched(host, WEB, "other.service") as (web, other):
        for _ in range(2):
            run = web.identity
            host.systemctl("restart", "dbus.service")
            seen = await web.until_verdict(UNKNOWN)
            assert seen.reason.startswith("cannot ask systemd: ")
            # A death that sends no signal, because there is no bus.
            host.kill(WEB)
            await web.until_verdict(FAIL, "killed by SIGKILL")
            await other.until_verdict(PASS)
            assert web._bus.trouble == ""
            assert (await web.restart()).outcome is DONE
            assert web.identity != run


@contextmanager
def without_dbus(host: Host) -> Iterator[None]:
    host.systemctl("stop", "dbus.socket", "dbus.service")
    yield
    host.systemctl("start", "dbus.socket", "dbus.service")


async def test_what_happened_without_a_bus_is_seen_when_it_is_back(host: Host) -> None:
    install(host, "crashing.service", "Restart=always", "RestartSec=0")
    install(host, "stopped.service")
    names = ("crashing.service", "stopped.service")
    async with watched(host, *names) as (crashing, stopped):
        run = crashing.identity
        with without_dbus(host):
            await stopped.until_verdict(UNKNOWN)
            assert not stopped._bus.is_stuck(time.monotonic())
            host.kill("crashing.service")
            host.wait_for_unit_state("crashing.service", "active")
            host.systemctl("stop", "stopped.service")
            host.run("journalctl", "--sync")
        await crashing.until_new_run(run)
        assert [crash.count for crash in crashing.crashes] == [1]
        await stopped.until_verdict(HOLD, "stopped by an operator")
        assert not stopped.has_failed()


async def test_a_restart_under_way_when_the_bus_is_lost_is_followed_to_its_end(host: Host) -> None:
    install(host, WEB, "ExecStartPre=/bin/sleep 1", start=False)
    async with watched(host, WEB) as (web,):
        restart = asyncio.create_task(web.restart())
        await web.until_verdict(HOLD, "is starting")
        host.systemctl("restart", "dbus.service")
        finished = await restart
        assert finished.outcome is DONE
        assert (await web.look()).verdict is PASS


async def test_a_systemd_that_hangs_is_as_good_as_none(host: Host) -> None:
    install(host, WEB)
    bus = SystemBus(host.bus_address, ping_every=0.2, call_timeout=0.5)
    async with watched(host, WEB, bus=bus) as (web,):
        os.kill(host.pid, signal.SIGSTOP)
        # As restarts that are due: 48 at a time would be given up for twenty seconds.
        calls = [asyncio.ensure_future(bus.call("GetDefaultTarget")) for _ in range(2000)]
        try:
            seen = await web.until_verdict(UNKNOWN)
            assert "no answer to Ping in 0.5 s" in seen.reason
            assert not bus.is_stuck(time.monotonic())
            assert bus.is_stuck(time.monotonic() + DEADLINE)
            failed = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(error) for error in failed} == {BusError}
        finally:
            os.kill(host.pid, signal.SIGCONT)
        await web.until_verdict(PASS)


async def test_a_bus_that_comes_late_is_found(host: Host) -> None:
    install(host, WEB)
    bus = SystemBus(host.bus_address)
    with without_dbus(host):
        await bus.__aenter__()
        assert not bus.connected
        assert bus.trouble.startswith("cannot ask systemd: ")
    try:
        async with Watched(host, bus, WEB) as web:
            await web.until_verdict(PASS)
    finally:
        await bus.__aexit__()
