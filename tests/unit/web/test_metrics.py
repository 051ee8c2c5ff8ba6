"""What Prometheus is told: names, labels and values, in both of its formats."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from tests.markdown import ROOT
from tests.unit.web.test_live import page
from watchdog.core.model import Phase
from watchdog.web.families import PREFIX, SECTIONS
from watchdog.web.metrics import ChannelReading, CheckReading, Metrics, Readings, ServiceReading
from watchdog.web.metrics_reference import reference

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import web

pytestmark = pytest.mark.adapter

OPEN = "application/openmetrics-text; version=1.0.0"

API = ServiceReading(
    "api",
    "failing",
    failures=2,
    budget=5,
    budget_left=4,
    incident=True,
    silenced=False,
    warnings=1,
    judged=1_700_000_000.0,
    due=1_700_000_030.0,
    unit="api.service",
    unit_state="active",
    checks=[CheckReading("port", 1.0, 0.001), CheckReading("http", 0.0, 5.0)],
    usage=lambda: {"memory": 1024.0, "cpu": 1.5},
)
READINGS = Readings(
    "0.1.0",
    "web-1",
    [API],
    [ChannelReading("slack", 3, 12.5, 0, failing=True)],
    {("api", "opened"): 1, ("gone", "opened"): 5},
    {("api", "done"): 2},
    {("slack", "failed"): 7},
    lag=(10, 5, 0, 2, 0, 0, 1),
    lag_total=4.5,
    configured=1_699_999_000.0,
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
    assert found["service_next_round_timestamp_seconds", "api"] == 1_700_000_030
    assert found["service_restart_budget", "api"] == 5
    assert found["check_success", "api port"] == 1
    assert found["check_success", "api http"] == 0
    assert found["check_duration_seconds", "api http"] == 5
    assert found["service_memory_bytes", "api"] == 1024
    assert found["service_cpu_seconds_total", "api"] == 1.5


async def test_of_all_states_there_can_be_one_is_1() -> None:
    found = await values()
    phases = {labels: value for (name, labels), value in found.items() if name == "service_phase"}
    assert len(phases) == len(Phase)
    assert [labels for labels, value in phases.items() if value] == ["api failing"]
    units = {labels: value for (name, labels), value in found.items() if name == "unit_state"}
    assert units == {
        "api active api.service": 1,
        "api activating api.service": 0,
        "api deactivating api.service": 0,
        "api failed api.service": 0,
        "api inactive api.service": 0,
        "api reloading api.service": 0,
    }


async def test_a_rare_state_is_there_while_it_lasts() -> None:
    cleaned = replace(API, unit_state="maintenance")
    found = await values(replace(READINGS, services=[cleaned]))
    assert found["unit_state", "api maintenance api.service"] == 1
    assert found["unit_state", "api active api.service"] == 0


async def test_the_state_of_what_is_no_unit_or_cannot_be_heard_is_absent() -> None:
    process, unheard = replace(API, unit="", unit_state=""), replace(API, unit_state="")
    for service in (process, unheard):
        found = await values(replace(READINGS, services=[service]))
        assert not [name for name, _ in found if name == "unit_state"]


async def test_how_late_rounds_began_is_a_histogram() -> None:
    found = await values()
    assert found["loop_lag_seconds_bucket", "0.001"] == 10
    assert found["loop_lag_seconds_bucket", "0.005"] == 15
    assert found["loop_lag_seconds_bucket", "0.1"] == 17
    assert found["loop_lag_seconds_bucket", "+Inf"] == 18
    assert found["loop_lag_seconds_count", ""] == 18
    assert found["loop_lag_seconds_sum", ""] == 4.5


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
    assert found["host_info", "web-1"] == 1
    assert found["config_last_reload_successful", ""] == 0
    assert found["config_last_reload_success_timestamp_seconds", ""] == 1_699_999_000
    assert found["troubles", ""] == 1
    assert found["process_resident_memory_bytes", ""] > 1_000_000


@pytest.mark.parametrize(("accept", "kind"), [("", "text/plain"), (OPEN, OPEN.partition(";")[0])])
async def test_both_formats_tell_every_metric_as_the_reference_has_it(
    accept: str, kind: str
) -> None:
    sent, text = await scraped(READINGS, accept)
    assert sent.startswith(kind)
    assert "_created" not in text
    parse = open_families if accept else families
    told = {
        (family.name, family.type, family.documentation)
        for family in parse(text)
        if family.name.startswith(PREFIX)
    }
    documented = [family for section in SECTIONS.values() for family in section]
    assert told == {(family.name, family.kind.value, family.text) for family in documented}


def test_the_reference_is_made_of_the_code() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    fix = "python -m watchdog.web.metrics_reference > docs/reference/metrics.md"
    assert page == reference(), fix


async def test_numbers_that_are_none_are_written_as_prometheus_reads_them() -> None:
    odd = replace(API, checks=[CheckReading("http", 1.0, inf)], usage=lambda: {"cpu": 1e-07})
    found = await values(replace(READINGS, services=[odd]))
    assert found["check_duration_seconds", "api http"] == inf
    assert found["service_cpu_seconds_total", "api"] == 1e-07


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
