"""What is told of the daemon itself: to systemd's watchdog, and to somebody elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.clock import FakeClock
from tests.unit.probes.servers import free_port
from watchdog.app.assemble import Assembly
from watchdog.app.engine import Engine
from watchdog.app.health import unwell
from watchdog.clock import HostClock
from watchdog.config import Config, DaemonSettings, DeliverySettings, Secret, WebhookSettings
from watchdog.core.model import Alert, AlertKind, Observation, Verdict
from watchdog.core.routing import Subscription
from watchdog.core.thresholds import HostWarnings
from watchdog.sight import BLIND_AFTER
from watchdog.store import DurableStore, SqliteStore

UNKNOWN = Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd: the bus is gone")


@pytest.fixture
def clock() -> FakeClock:
    """A clock for the report alone, before all that the host's own has ever shown."""
    return FakeClock(mono=-1e6)


@pytest.fixture
async def engine(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Engine]:
    """An engine without services, and with one channel that cannot be reached."""
    daemon = DaemonSettings(str(tmp_path), str(tmp_path), "json", "web-1", "UTC")
    hook = WebhookSettings(Secret(f"http://127.0.0.1:{free_port()}/hook/secret-of-the-hook"))
    config = Config(
        "config.toml",
        daemon,
        (),
        webhook=(hook,),
        subscriptions=(Subscription("webhook"),),
        delivery=DeliverySettings(fallback_after=120.0),
        warnings=HostWarnings(disk_used=(), inodes_used=()),
    )
    async with DurableStore(SqliteStore(tmp_path / "state.db")) as store:
        host_clock = HostClock()
        assembly = Assembly(daemon, host_clock)
        async with asyncio.TaskGroup() as tasks:
            engine = Engine(assembly, store, host_clock, tasks)
            await engine.apply(config)
            engine.clock = clock
            yield engine
            await engine.apply(replace(config, webhook=(), subscriptions=()))


@pytest.mark.parametrize(
    ("lag", "stuck", "reason"),
    [
        (0.0, (), ""),
        (1.0, (), ""),
        (1.1, (), "the event loop is 1.1 s late"),
        (0.0, ("api", "relay slack"), "does not move: api, relay slack"),
        (9.0, ("api",), "the event loop is 9.0 s late; does not move: api"),
    ],
)
def test_who_is_late_or_stuck_is_not_alive(lag: float, stuck: tuple[str, ...], reason: str) -> None:
    assert unwell(lag, stuck) == reason


def test_a_daemon_that_moves_sees_and_can_tell_is_well(engine: Engine) -> None:
    report = engine.health.report(0.0)
    assert report.is_well
    assert report.text.startswith("service-watchdog ")
    assert " on web-1" in report.text


def test_a_late_loop_is_not_well(engine: Engine) -> None:
    report = engine.health.report(3.0)
    assert not report.is_well
    assert report.text.startswith("not well: the event loop is 3.0 s late\n")


def test_a_blind_daemon_is_not_well_once_people_would_be_told(
    engine: Engine, clock: FakeClock
) -> None:
    engine.sight.take("api", UNKNOWN, clock.mono)
    clock.mono += BLIND_AFTER - 1
    assert engine.health.report(0.0).is_well
    clock.mono += 1
    report = engine.health.report(0.0)
    assert not report.is_well
    assert report.text.splitlines()[0] == (
        "not well: cannot judge api for 5 min: cannot ask systemd: the bus is gone"
    )
    engine.sight.forget("api")
    assert engine.health.report(0.0).is_well


async def test_a_daemon_that_can_tell_nobody_is_not_well_once_that_has_lasted(
    engine: Engine, clock: FakeClock
) -> None:
    [outcome] = await engine.channels.send(Alert(AlertKind.TEST, "", clock.wall, "t"), ["webhook"])
    assert not outcome["delivered"]
    assert engine.health.report(0.0).is_well
    clock.mono += 120
    report = engine.health.report(0.0)
    assert report.text.splitlines()[0] == "not well: no channel has taken an alert for 2 min"
    assert "! webhook: cannot reach webhook webhook" in report.text
    assert "secret-of-the-hook" not in report.text
