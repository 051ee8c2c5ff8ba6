"""What Prometheus is told: names, labels and values, in both of its formats."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from tests.unit.web.test_live import page
from watchdog.web.metrics import ChannelReading, CheckReading, Metrics, Readings, ServiceReading

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import web

pytestmark = pytest.mark.adapter

API = ServiceReading(
    "api",
    "failing",
    failures=2,
    budget_left=4,
    incident=True,
    silenced=False,
    warnings=1,
    judged=1_700_000_000.0,
    checks=[CheckReading("port", 1.0, 0.001), CheckReading("http", 0.0, 5.0)],
    usage=lambda: {"memory": 1024.0, "cpu": 1.5},
)
READINGS = Readings(
    "0.1.0",
    [API],
    [ChannelReading("slack", 3, 12.5, 0, failing=True)],
    {("api", "opened"): 1, ("gone", "opened"): 5},
    {("api", "done"): 2},
    {("slack", "failed"): 7},
    {"p50": 1.0, "p99": 20.0, "max": 30.0},
    reloaded=False,
    troubles=1,
)


class Told:
    """What serves metrics: one page of them, fetched."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def routes(self) -> list[web.RouteDef]:
        return Metrics(self._read).routes()

    async def _read(self) -> Readings:
        return self._readings


async def scraped(readings: Readings, accept: str = "") -> tuple[str, str]:
    async with (
        page(Told(readings)) as client,
        client.get("/metrics", headers={"Accept": accept} if accept else {}) as response,
    ):
        assert response.status == 200
        return response.headers["Content-Type"], await response.text()


async def values(readings: Readings = READINGS) -> Mapping[tuple[str, str], float]:
    """Return each value by its name and labels."""
    _, text = await scraped(readings)
    return {
        (sample.name.removeprefix("service_watchdog_"), _labels(sample.labels)): sample.value
        for family in families(text)
        for sample in family.samples
    }


def _labels(labels: Mapping[str, str]) -> str:
    """Return the values of *labels*, of what it is first."""
    whose = sorted(labels, key=lambda name: (name not in {"service", "channel"}, name))
    return " ".join(labels[name] for name in whose)


async def test_how_a_service_stands_is_told() -> None:
    found = await values()
    assert found["service_phase", "api failing"] == 1
    assert found["service_healthy", "api"] == 0
    assert found["service_failures", "api"] == 2
    assert found["service_restart_budget_left", "api"] == 4
    assert found["service_incident_open", "api"] == 1
    assert found["service_warnings", "api"] == 1
    assert found["service_last_round_timestamp_seconds", "api"] == 1_700_000_000
    assert found["check_success", "api port"] == 1
    assert found["check_success", "api http"] == 0
    assert found["check_duration_seconds", "api http"] == 5
    assert found["service_memory_bytes", "api"] == 1024
    assert found["service_cpu_seconds_total", "api"] == 1.5


async def test_what_cannot_be_judged_or_measured_is_absent_and_not_zero() -> None:
    dark = replace(API, judged=None, checks=[CheckReading("http", None, 0.1)], usage=dict)
    found = await values(replace(READINGS, services=[dark]))
    assert ("check_success", "api http") not in found
    assert ("service_memory_bytes", "api") not in found
    assert ("service_cpu_seconds_total", "api") not in found
    assert ("service_last_round_timestamp_seconds", "api") not in found


async def test_counters_begin_at_zero_so_that_the_first_event_is_an_increase() -> None:
    found = await values()
    assert found["events_total", "api opened"] == 1
    assert found["events_total", "api gave-up"] == 0
    assert found["restarts_total", "api done"] == 2
    assert found["restarts_total", "api failed"] == 0
    assert found["notifications_total", "slack failed"] == 7
    assert found["notifications_total", "slack delivered"] == 0


async def test_a_service_that_is_not_configured_any_more_is_not_told_of() -> None:
    assert not [labels for _, labels in await values() if labels.startswith("gone")]


async def test_channels_and_the_daemon_itself_are_told() -> None:
    found = await values()
    assert found["outbox_alerts", "slack"] == 3
    assert found["outbox_oldest_age_seconds", "slack"] == 12.5
    assert found["channel_failing", "slack"] == 1
    assert found["build_info", "0.1.0"] == 1
    assert found["config_reload_success", ""] == 0
    assert found["troubles", ""] == 1
    assert found["round_lateness_seconds", "p99"] == 0.02
    assert found["process_resident_memory_bytes", ""] > 1_000_000


async def test_both_formats_are_spoken() -> None:
    kind, text = await scraped(READINGS)
    assert kind.startswith("text/plain")
    assert "_created" not in text
    accept = "application/openmetrics-text; version=1.0.0"
    kind, text = await scraped(READINGS, accept)
    assert kind.startswith("application/openmetrics-text")
    assert "service_watchdog_check_success" in {
        family.name
        for family in open_families(text)  # type: ignore[no-untyped-call]
    }


async def test_a_name_that_is_hostile_stays_a_label() -> None:
    name = 'a"} 1\nevil{x="\\'
    found = await values(replace(READINGS, services=[replace(API, name=name)]))
    assert found["service_healthy", name] == 0


async def test_a_scrape_of_a_thousand_services_leaves_the_loop_its_turns() -> None:
    many = replace(READINGS, services=[replace(API, name=f"s{n}") for n in range(1000)])
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with page(Told(many)) as client:
        turning = asyncio.create_task(turn())
        try:
            text = await _fetched(client)
        finally:
            turning.cancel()
    assert text.count("\n") > 20_000
    assert turns > 20


async def _fetched(client: aiohttp.ClientSession) -> str:
    async with client.get("/metrics") as response:
        return await response.text()
