"""The daemon's figures, served to Prometheus."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from watchdog.core.model import Phase
from watchdog.lateness import BOUNDS
from watchdog.web import families as has
from watchdog.web.exposition import Exposition, Run, ending, pairs
from watchdog.web.families import Family
from watchdog.web.http_api import refused

SCRAPES = 4
"""Answers under way at once; of a thousand services each is 3 MB until it is taken."""

STUCK = 30.0
"""Seconds in which an answer must have been taken."""

GIVE_WAY = 0.0005
"""Seconds that the thread which writes may keep the event loop from its work (default: 5 ms)."""

PHASES = tuple(phase.value for phase in Phase)

UNIT_STATES = ("active", "activating", "deactivating", "failed", "inactive", "reloading")
"""ActiveState of a unit, but for those that hardly ever are."""

EVENTS = ("failed", "opened", "closed", "healed", "restart", "restart-failed", "gave-up", "crashed")
"""Kinds of notes that are counted from the start, so that the first one is an increase."""

OUTCOMES = ("done", "failed", "yielded", "impossible")
RESULTS = ("delivered", "failed", "rejected")

_Counts = Mapping[tuple[str, str], int]


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
    budget: int
    budget_left: int
    incident: bool
    silenced: bool
    warnings: int
    judged: float | None  # wall: the last round
    due: float | None = None  # wall: the next one
    unit: str = ""  # empty: it is none
    unit_state: str = ""  # empty: not known
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
    host: str = ""
    services: Sequence[ServiceReading] = ()
    channels: Sequence[ChannelReading] = ()
    events: _Counts = field(default_factory=dict)
    restarts: _Counts = field(default_factory=dict)
    tries: _Counts = field(default_factory=dict)
    lag: Sequence[int] = (0,) * (len(BOUNDS) + 1)  # rounds, by lateness
    lag_total: float = 0.0  # seconds
    configured: float = 0.0  # wall: when the configuration in force was taken
    reloaded: bool = True  # the last reload, if there was one, was taken
    troubles: int = 0


class Metrics:
    """Answers scrapes with what *read* returns."""

    def __init__(self, read: Callable[[], Awaitable[Readings]]) -> None:
        self._read = read
        self._under_way = 0
        # One: two at a time would each find the other's interval, and leave it so for good.
        self._writer = ThreadPoolExecutor(1, "metrics")

    def routes(self) -> list[web.RouteDef]:
        """Return where they are."""
        return [web.get("/metrics", self._scrape)]

    async def _scrape(self, request: web.Request) -> web.Response:
        if self._under_way >= SCRAPES:
            return refused(503, f"{SCRAPES} scrapes are under way already; come again")
        self._under_way += 1
        try:
            response = await self._response(request)
            await _send(response, request)
        finally:
            self._under_way -= 1
        return response

    async def _response(self, request: web.Request) -> web.Response:
        readings = await self._read()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        is_open = content_type.startswith("application/openmetrics-text")
        write = partial(_written, readings, encode, is_open=is_open)
        body = await asyncio.get_running_loop().run_in_executor(self._writer, write)
        return web.Response(body=body, headers={"Content-Type": content_type})


async def _send(response: web.Response, request: web.Request) -> None:
    try:
        async with asyncio.timeout(STUCK):
            await response.prepare(request)
            await response.write_eof()
    except ConnectionResetError:
        pass  # closed by who asked
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # or what waits in it would be waited for


def _written(
    readings: Readings, encode: Callable[[CollectorRegistry], bytes], *, is_open: bool
) -> bytes:
    """Return *readings* in one of the formats; in a thread, giving way to the event loop."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(GIVE_WAY)
    try:
        page = Exposition(is_open=is_open)
        _add_daemon(page, readings)
        _add_services(page, readings)
        _add_channels(page, readings)
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        return page.encoded() + encode(registry)
    finally:
        sys.setswitchinterval(interval)


def _add_daemon(page: Exposition, readings: Readings) -> None:
    page.add(has.BUILD, [(pairs(has.BUILD.labels, [readings.version]), 1)])
    page.add(has.HOST, [(pairs(has.HOST.labels, [readings.host]), 1)])
    page.add(has.RELOADED, [("", int(readings.reloaded))])
    page.add(has.CONFIGURED, [("", readings.configured)])
    page.add(has.TROUBLES, [("", readings.troubles)])
    page.add_histogram(has.LAG, BOUNDS, readings.lag, readings.lag_total)


def _add_services(page: Exposition, readings: Readings) -> None:
    services = readings.services
    labels = [pairs(has.HEALTHY.labels, [service.name]) for service in services]
    known = list(zip(labels, services, strict=True))

    def add(family: Family, value: Callable[[ServiceReading], float | None]) -> None:
        page.add(family, [(label, value(service)) for label, service in known])

    add(has.HEALTHY, lambda it: int(it.phase == Phase.HEALTHY))
    page.add_runs(has.PHASE, _states("phase", [(lab, it.phase) for lab, it in known], PHASES))
    units = [
        (f"{label},{pairs(['unit'], [it.unit])}", it.unit_state)
        for label, it in known
        if it.unit and it.unit_state
    ]
    page.add_runs(has.UNIT_STATE, _states("state", units, UNIT_STATES))
    add(has.FAILURES, lambda it: it.failures)
    add(has.BUDGET, lambda it: it.budget)
    add(has.BUDGET_LEFT, lambda it: it.budget_left)
    add(has.INCIDENT, lambda it: int(it.incident))
    add(has.SILENCED, lambda it: int(it.silenced))
    add(has.WARNINGS, lambda it: it.warnings)
    add(has.LAST_ROUND, lambda it: it.judged)
    add(has.NEXT_ROUND, lambda it: it.due)
    checks = [
        (f"{label},{pairs(['check'], [check.name])}", check)
        for label, service in known
        for check in service.checks
    ]
    page.add(has.CHECK_SUCCESS, [(label, check.success) for label, check in checks])
    page.add(has.CHECK_DURATION, [(label, check.seconds) for label, check in checks])
    usage = [(label, service.usage()) for label, service in known]
    page.add(has.MEMORY, [(label, used.get("memory")) for label, used in usage])
    page.add(has.CPU, [(label, used.get("cpu")) for label, used in usage])
    names = [service.name for service in services]
    page.add_runs(has.EVENTS, _counts(has.EVENTS, readings.events, names, EVENTS))
    page.add_runs(has.RESTARTS, _counts(has.RESTARTS, readings.restarts, names, OUTCOMES))


def _add_channels(page: Exposition, readings: Readings) -> None:
    def add(family: Family, value: Callable[[ChannelReading], float]) -> None:
        each = readings.channels
        page.add(family, [(pairs(family.labels, [it.name]), value(it)) for it in each])

    add(has.WAITING, lambda it: it.waiting)
    add(has.OLDEST, lambda it: it.oldest or 0)
    add(has.DEAD, lambda it: it.dead)
    add(has.FAILING, lambda it: int(it.failing))
    names = [channel.name for channel in readings.channels]
    page.add_runs(has.NOTIFICATIONS, _counts(has.NOTIFICATIONS, readings.tries, names, RESULTS))


def _states(label: str, found: Iterable[tuple[str, str]], known: Sequence[str]) -> Iterator[Run]:
    """Yield 1 for the state that each is in, and 0 for all others that are *known*."""

    def endings(state: str) -> Sequence[str]:
        all_of_them = known if state in known else (*known, state)
        return [ending(label, each, int(each == state)) for each in all_of_them]

    written = {state: endings(state) for state in known}
    for labels, state in found:
        yield labels, written.get(state) or endings(state)


def _counts(
    family: Family, counts: _Counts, names: Sequence[str], kinds: Sequence[str]
) -> Iterator[Run]:
    """Yield the counts of *names*, from 0 on for each of *kinds*."""
    first, second = family.labels
    zeros = dict.fromkeys(kinds, 0)
    written = [ending(second, kind, 0) for kind in kinds]
    counted: dict[str, dict[str, int]] = {}
    for (name, kind), count in counts.items():
        counted.setdefault(name, dict(zeros))[kind] = count
    for name in names:
        own = counted.get(name)
        endings = written if own is None else [ending(second, *each) for each in own.items()]
        yield pairs([first], [name]), endings
