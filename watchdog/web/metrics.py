"""The daemon's figures in the formats of Prometheus.

Names and units by https://prometheus.io/docs/practices/naming/. Labels are names out of the
configuration and words out of fixed lists: never a URL, never what an answer said.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "service_watchdog_"

GIVE_WAY = 0.0005
"""Seconds that the thread which writes may keep the event loop from its work (default: 5 ms)."""

EVENTS = ("failed", "opened", "closed", "healed", "restart", "restart-failed", "gave-up", "crashed")
"""Kinds of notes that are counted from the start, so that the first one is an increase."""

OUTCOMES = ("done", "failed", "yielded", "impossible")
RESULTS = ("delivered", "failed", "rejected")


@dataclass(frozen=True, slots=True)
class CheckReading:
    """The last answer of a check."""

    name: str
    success: float | None  # 1 or 0; None: not judged
    seconds: float


@dataclass(frozen=True, slots=True)
class ServiceReading:
    """How a service stands."""

    name: str
    phase: str
    failures: int
    budget_left: int
    incident: bool
    silenced: bool
    warnings: int
    judged: float | None  # wall: the last round
    checks: Sequence[CheckReading] = ()
    usage: Callable[[], Mapping[str, float]] = dict  # memory, cpu; reads files, so in the thread


@dataclass(frozen=True, slots=True)
class ChannelReading:
    """How a destination stands."""

    name: str
    waiting: int
    oldest: float | None  # seconds that the oldest alert has waited
    dead: int
    failing: bool


@dataclass(frozen=True, slots=True)
class Readings:
    """All that is told at one time."""

    version: str
    services: Sequence[ServiceReading] = ()
    channels: Sequence[ChannelReading] = ()
    events: Mapping[tuple[str, str], int] = field(default_factory=dict)
    restarts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    tries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lateness: Mapping[str, float] = field(default_factory=dict)  # milliseconds, by quantile
    reloaded: bool = True  # the last reload, if there was one, was taken
    troubles: int = 0


class Metrics:
    """Answers scrapes with what *read* returns."""

    def __init__(self, read: Callable[[], Awaitable[Readings]]) -> None:
        self._read = read
        disable_created_metrics()  # type: ignore[no-untyped-call]

    def routes(self) -> list[web.RouteDef]:
        """Return where they are."""
        return [web.get("/metrics", self._scrape)]

    async def _scrape(self, request: web.Request) -> web.Response:
        readings = await self._read()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        body = await asyncio.to_thread(_written, readings, encode)
        return web.Response(body=body, headers={"Content-Type": content_type})


def _written(readings: Readings, encode: Callable[[CollectorRegistry], bytes]) -> bytes:
    """Return *readings* in one of the formats; in a thread, giving way to the event loop."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(GIVE_WAY)
    try:
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(_Collector(readings))
        return encode(registry)
    finally:
        sys.setswitchinterval(interval)


class _Collector(Collector):
    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        readings = self._readings
        yield from _daemon(readings)
        yield from _services(readings.services)
        yield from _usage(readings.services)
        yield from _channels(readings.channels)
        names = [service.name for service in readings.services]
        yield _counter(
            "events",
            "What happened, by kind.",
            ("service", "event"),
            readings.events,
            names,
            EVENTS,
        )
        yield _counter(
            "restarts",
            "Restarts by the daemon that are over, by how they ended.",
            ("service", "result"),
            *(readings.restarts, names, OUTCOMES),
        )
        yield _counter(
            "notifications",
            "Alerts that were sent, by what came of it.",
            ("channel", "result"),
            *(readings.tries, [channel.name for channel in readings.channels], RESULTS),
        )


def _daemon(readings: Readings) -> Iterable[Metric]:
    yield _gauge("build_info", "The version that runs.", ("version",), [((readings.version,), 1)])
    yield _gauge(
        "config_reload_success",
        "Whether the configuration in force is that of the last reload.",
        (),
        [((), readings.reloaded)],
    )
    yield _gauge("troubles", "Sentences in the daemon's own status.", (), [((), readings.troubles)])
    yield _gauge(
        "round_lateness_seconds",
        "How late recent rounds began.",
        ("of",),
        [((name,), late / 1000) for name, late in readings.lateness.items()],
    )


def _services(services: Sequence[ServiceReading]) -> Iterable[Metric]:
    def each(name: str, text: str, value: Callable[[ServiceReading], float | None]) -> Metric:
        found = (((service.name,), value(service)) for service in services)
        return _gauge(name, text, ("service",), found)

    yield _gauge(
        "service_phase",
        "1 for the phase that the service is in.",
        ("service", "phase"),
        [((service.name, service.phase), 1) for service in services],
    )
    yield each("service_healthy", "Whether all checks pass.", lambda it: it.phase == "healthy")
    yield each("service_failures", "Failures in a row.", lambda it: it.failures)
    yield each("service_restart_budget_left", "Restarts left.", lambda it: it.budget_left)
    yield each("service_incident_open", "Whether an incident is open.", lambda it: it.incident)
    yield each("service_silenced", "Whether alerts are kept back.", lambda it: it.silenced)
    yield each("service_warnings", "Warnings that stand.", lambda it: it.warnings)
    yield each("service_last_round_timestamp_seconds", "The last round.", lambda it: it.judged)
    checks = [(service.name, check) for service in services for check in service.checks]
    yield _gauge(
        "check_success",
        "Whether the check passed in the last round; absent while it cannot be judged.",
        ("service", "check"),
        [((name, check.name), check.success) for name, check in checks],
    )
    yield _gauge(
        "check_duration_seconds",
        "How long the check took in the last round.",
        ("service", "check"),
        [((name, check.name), check.seconds) for name, check in checks],
    )


def _usage(services: Sequence[ServiceReading]) -> Iterable[Metric]:
    found = [(service.name, service.usage()) for service in services]
    yield _gauge(
        "service_memory_bytes",
        "Memory of all processes of the service, without what the kernel can take back.",
        ("service",),
        [((name,), usage.get("memory")) for name, usage in found],
    )
    cpu = CounterMetricFamily(
        f"{PREFIX}service_cpu_seconds", "CPU of the service's processes.", labels=("service",)
    )
    for name, usage in found:
        if "cpu" in usage:
            cpu.add_metric((name,), usage["cpu"])
    yield cpu


def _channels(channels: Sequence[ChannelReading]) -> Iterable[Metric]:
    def each(name: str, text: str, value: Callable[[ChannelReading], float | None]) -> Metric:
        found = (((channel.name,), value(channel)) for channel in channels)
        return _gauge(name, text, ("channel",), found)

    yield each("outbox_alerts", "Alerts that wait.", lambda it: it.waiting)
    yield each("outbox_oldest_age_seconds", "How long the oldest waits.", lambda it: it.oldest or 0)
    yield each("dead_letters", "Alerts that were refused for good.", lambda it: it.dead)
    yield each("channel_failing", "Whether the last alert was not taken.", lambda it: it.failing)


def _gauge(
    name: str,
    text: str,
    labels: Sequence[str],
    found: Iterable[tuple[Sequence[str], float | None]],
) -> Metric:
    """Return a gauge; what is None is left out."""
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for values, value in found:
        if value is not None:
            family.add_metric(values, float(value))
    return family


def _counter(
    name: str,
    text: str,
    labels: Sequence[str],
    counts: Mapping[tuple[str, str], int],
    names: Sequence[str],
    kinds: Sequence[str],
) -> Metric:
    """Return a counter, at 0 from the start for each of *names* and *kinds*."""
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    known = {(each, kind): 0 for each in names for kind in kinds}
    for values, count in (
        known | {pair: n for pair, n in counts.items() if pair[0] in names}
    ).items():
        family.add_metric(values, count)
    return family
