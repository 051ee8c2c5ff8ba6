"""A daemon that cannot see says so, once, and says when it can again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.unit.clock import FakeClock
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.sight import BLIND_AFTER, Sight

UNKNOWN = Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd: the bus is gone; trying again")
SEEN = Observation(Verdict.FAIL, "unit", "api.service was killed")
AGAIN = "every service can be judged again"


@dataclass
class Bench:
    sight: Sight = field(default_factory=Sight)
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[str] = field(default_factory=list)
    data: list[Circumstance] = field(default_factory=list)

    def look(self, seen: Observation, *services: str) -> None:
        for service in services or ("api",):
            self.sight.take(service, seen, self.clock.mono)

    async def tell(self, notice: Notice) -> None:
        self.told.append(notice.text)
        self.data.append(notice.circumstance)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.sight.watch(self.clock, self.tell))
        await self.clock.settle()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_service_that_cannot_be_judged_for_five_minutes_is_told_once() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(UNKNOWN)
        await bench.clock.advance(BLIND_AFTER - 1)
        assert bench.told == []
        bench.look(UNKNOWN)
        await bench.clock.advance(2000)
        [notice] = bench.told
        assert notice.startswith(f"cannot judge api for 5 min: {UNKNOWN.reason}; until")
        bench.look(SEEN)
        await bench.clock.settle()
        assert bench.told[1:] == [AGAIN]
    assert bench.data == [
        Circumstance(CircumstanceKind.BLIND, UNKNOWN.reason, "api", lasted=BLIND_AFTER),
        Circumstance(CircumstanceKind.SEES_AGAIN),
    ]


async def test_a_short_loss_of_sight_is_told_to_nobody() -> None:
    bench = Bench()
    async with bench.watching():
        for _ in range(5):
            bench.look(UNKNOWN)
            await bench.clock.advance(BLIND_AFTER - 1)
            bench.look(SEEN)
            await bench.clock.advance(2)
        assert bench.told == []


async def test_services_that_cannot_be_judged_in_turns_are_not_one_long_loss() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(UNKNOWN, "api")
        await bench.clock.advance(BLIND_AFTER - 1)
        bench.look(UNKNOWN, "web")
        bench.look(SEEN, "api")
        await bench.clock.advance(2)
        assert bench.told == []
        await bench.clock.advance(BLIND_AFTER)
        assert [notice.split(" for ")[0] for notice in bench.told] == ["cannot judge web"]


async def test_many_services_are_told_in_one_notice() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(UNKNOWN, *(f"s{number}" for number in range(200)))
        await bench.clock.advance(BLIND_AFTER)
        assert [notice.split(" for ")[0] for notice in bench.told] == [
            "cannot judge s0, s1, s2 and 197 more services"
        ]
        for number in range(200):
            assert bench.told[1:] == []
            bench.sight.forget(f"s{number}")
        await bench.clock.settle()
        assert bench.told[1:] == [AGAIN]


async def test_a_service_that_stays_unknown_does_not_hide_the_blindness_of_others() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(UNKNOWN, "broken")
        await bench.clock.advance(BLIND_AFTER)
        bench.look(UNKNOWN, "api", "web")
        await bench.clock.advance(2 * BLIND_AFTER)
        assert [notice.split(" for ")[0] for notice in bench.told] == [
            "cannot judge broken",
            "cannot judge api, web",
        ]


def cut(why: str = "eth0 has no carrier") -> Observation:
    told = Circumstance(CircumstanceKind.NETWORK_DOWN, why)
    return Observation(
        Verdict.UNKNOWN, "http", f"this host's own network is down: {why}", circumstance=told
    )


def network_down(subject: str, count: int = 0) -> Circumstance:
    kind = CircumstanceKind.NETWORK_DOWN
    return Circumstance(kind, "eth0 has no carrier", subject, count, lasted=BLIND_AFTER)


async def test_an_outage_of_this_hosts_own_network_is_told_once_and_its_end_as_well() -> None:
    bench = Bench()
    async with bench.watching():
        for number in range(30):  # their rounds are spread over half a minute
            bench.look(cut(), f"s{number:02}")
            await bench.clock.advance(1)
        await bench.clock.advance(BLIND_AFTER)
        bench.look(cut(), "s30")
        await bench.clock.advance(2 * BLIND_AFTER)
        assert bench.told == [
            "this host's own network has been down for 5 min: eth0 has no carrier"
        ]
        assert bench.data == [network_down("s00, s01, s02", count=27)]
        for number in range(30):
            bench.look(SEEN, f"s{number:02}")
            await bench.clock.settle()
            assert bench.told[1:] == []
        bench.sight.forget("s30")
        await bench.clock.settle()
        lasted = 30 + 3 * BLIND_AFTER
    assert bench.data[1:] == [
        Circumstance(
            CircumstanceKind.NETWORK_BACK,
            "eth0 has no carrier",
            "s00, s01, s02",
            count=28,
            lasted=lasted,
        )
    ]


async def test_a_short_outage_of_the_network_is_told_to_nobody() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(cut())
        await bench.clock.advance(BLIND_AFTER - 1)
        bench.look(SEEN)
        await bench.clock.advance(BLIND_AFTER)
    assert bench.told == []


async def test_what_was_first_only_suspected_of_the_network_is_told_by_its_last_name() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(UNKNOWN)
        await bench.clock.advance(60)
        bench.look(cut("gateway 10.0.0.1 of eth0 does not answer"))
        bench.look(cut())
        await bench.clock.advance(BLIND_AFTER - 60)
    assert bench.data == [network_down("api")]


async def test_the_outage_of_the_network_and_another_blindness_are_two_things() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(UNKNOWN, "api")
        bench.look(cut(), "web")
        await bench.clock.advance(BLIND_AFTER)
        bench.look(SEEN, "web")
        await bench.clock.settle()
        bench.look(SEEN, "api")
        await bench.clock.settle()
    assert [told.kind for told in bench.data] == [
        CircumstanceKind.NETWORK_DOWN,
        CircumstanceKind.BLIND,
        CircumstanceKind.NETWORK_BACK,
        CircumstanceKind.SEES_AGAIN,
    ]


async def test_an_outage_lasts_until_something_is_judged_whatever_else_comes_between() -> None:
    bench = Bench()
    async with bench.watching():
        bench.look(cut())
        await bench.clock.advance(BLIND_AFTER)
        bench.look(UNKNOWN)
        bench.look(cut())
        await bench.clock.advance(BLIND_AFTER)
        assert bench.data == [network_down("api")]
        bench.look(SEEN)
        await bench.clock.settle()
    assert [told.kind for told in bench.data[1:]] == [CircumstanceKind.NETWORK_BACK]
