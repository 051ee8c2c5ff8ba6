"""What a destination does not take is told elsewhere: once, with its end, and after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from tests.unit.clock import FakeClock
from watchdog.addressing import AddressBook
from watchdog.core.model import Alert, AlertKind, Now
from watchdog.core.routing import Subscription
from watchdog.core.telling import Circumstance, CircumstanceKind, Diversion
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Delivery, Receipt
from watchdog.relay import Elsewhere, Overdue
from watchdog.relay.overdue import GRACE, STUMBLE

REFUSED = "cannot reach Slack: cannot connect: Connection refused"


@dataclass
class Outbox:
    """An outbox that remembers names as the real one does."""

    rows: list[Delivery] = field(default_factory=list)
    posted: list[tuple[str, Alert]] = field(default_factory=list)  # destination, alert
    names: set[tuple[str, str]] = field(default_factory=set)
    direct: set[str] = field(default_factory=set)  # where the alerts went by themselves
    broken: int = 0

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        if self.broken:
            self.broken -= 1
            raise StoreError("cannot read: the disk is away")
        return [row for row in self.rows if row.destination == destination][:limit]

    async def addressed(self, delivery: Delivery) -> Collection[str]:
        return self.direct

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        return {
            name: Addressed(
                each.alert, [to for to in each.destinations if (name, to) not in self.names]
            )
            for name, each in named.items()
        }

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        for name, each in named.items():
            for destination in each.destinations:
                self.names.add((name, destination))
                self.posted.append((destination, each.alert))


@dataclass
class Slack:
    """How the destination stands."""

    trouble: str = ""
    needs_repair: bool = False


@dataclass
class Bench:
    clock: FakeClock = field(default_factory=FakeClock)
    outbox: Outbox = field(default_factory=Outbox)
    slack: Slack = field(default_factory=Slack)
    book: AddressBook = field(
        default_factory=lambda: AddressBook(
            [Subscription("slack"), Subscription("sms", frozenset())]
        )
    )
    elsewhere: Elsewhere = field(default_factory=lambda: Elsewhere(("sms",), ("sms", "email")))

    def add(self, kind: AlertKind = AlertKind.FIRING, incident: str = "k3f9qa") -> Delivery:
        wall = self.clock.wall
        return self.put(Alert(kind, "api", wall, "it broke", incident=incident, opened=wall))

    def put(self, alert: Alert) -> Delivery:
        number = len(self.outbox.rows) + 1
        created = self.clock.wall
        row = Delivery(number, "slack", alert, f"key-{number}", created=created)
        self.outbox.rows.append(row)
        return row

    @property
    def told(self) -> list[tuple[str, AlertKind]]:
        return [(destination, alert.kind) for destination, alert in self.outbox.posted]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Overdue]:
        overdue = Overdue(
            "slack", self.slack, self.outbox, self.book, self.clock, lambda: self.elsewhere, 300.0
        )
        task = asyncio.create_task(overdue.run())
        try:
            await self.clock.settle()
            yield overdue
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_critical_alert_that_waits_for_long_is_told_at_the_fallback_and_says_why(
    bench: Bench,
) -> None:
    bench.slack.trouble = REFUSED
    row = bench.add()
    async with bench.running():
        await bench.clock.advance(299)
        assert bench.told == []
        await bench.clock.advance(1)
        assert bench.told == [("sms", AlertKind.FIRING)]
        await bench.clock.advance(86400)
    assert bench.told == [("sms", AlertKind.FIRING)], "once"
    assert bench.outbox.posted[0][1].diversion == Diversion("slack", row.created, REFUSED)
    assert bench.outbox.rows == [row], "it stays due where it was"


async def test_nobody_wakes_up_while_nothing_waits(bench: Bench) -> None:
    async with bench.running():
        assert [at for at in bench.clock.sleepers if at < float("inf")] == []


async def test_what_is_taken_in_time_is_told_nowhere_else(bench: Bench) -> None:
    bench.add()
    async with bench.running() as overdue:
        await bench.clock.advance(10)
        bench.outbox.rows.clear()
        overdue.wake()
        await bench.clock.advance(86400)
    assert bench.told == []


@pytest.mark.parametrize("kind", [AlertKind.NOTICE, AlertKind.TEST])
async def test_what_is_not_critical_waits_where_it_is(bench: Bench, kind: AlertKind) -> None:
    bench.slack.trouble = REFUSED
    bench.add(kind, incident="")
    async with bench.running():
        await bench.clock.advance(86400)
    assert bench.told == []


async def test_without_a_fallback_nothing_is_told_elsewhere(bench: Bench) -> None:
    bench.elsewhere = Elsewhere(others=("email",))
    bench.slack.trouble = REFUSED
    bench.add()
    async with bench.running():
        await bench.clock.advance(86400)
    assert bench.told == []


async def test_what_people_know_of_and_what_concerns_a_conversation_alone_is_not_told_elsewhere(
    bench: Bench,
) -> None:
    """A message is posted, and its evidence refused; its edit waits for hours."""
    bench.slack.trouble = REFUSED
    row = bench.add()
    bench.outbox.rows[0] = replace(row, receipt=Receipt({"ts": "1"}))
    bench.add(AlertKind.UPDATE, "other")
    async with bench.running() as overdue:
        await bench.clock.advance(86400)
        await overdue.refused(bench.outbox.rows[0], REFUSED)
    assert bench.told == []


async def test_what_waits_of_one_incident_goes_together(bench: Bench) -> None:
    """Or the fallback would hear of an incident that is over as if it had just begun."""
    bench.slack.trouble = REFUSED
    async with bench.running() as overdue:
        bench.add()
        await bench.clock.advance(200)
        bench.add(AlertKind.RESOLVED)
        bench.add(incident="other1")
        overdue.wake()
        await bench.clock.advance(100)
        assert bench.told == [("sms", AlertKind.FIRING), ("sms", AlertKind.RESOLVED)]
        await bench.clock.advance(200)
    assert bench.told[2:] == [("sms", AlertKind.FIRING)]


async def test_what_follows_of_an_incident_that_is_told_elsewhere_follows_it_at_once(
    bench: Bench,
) -> None:
    bench.slack.trouble = REFUSED
    async with bench.running() as overdue:
        bench.add()
        await bench.clock.advance(300)
        bench.add(AlertKind.GAVE_UP)
        overdue.wake()
        await bench.clock.settle()
    assert bench.told == [("sms", AlertKind.FIRING), ("sms", AlertKind.GAVE_UP)]


async def test_the_fallback_is_told_of_the_end_by_itself(bench: Bench) -> None:
    bench.slack.trouble = REFUSED
    row = bench.add()
    bench.book.address([row.alert])
    async with bench.running():
        await bench.clock.advance(300)
    end = Alert(AlertKind.RESOLVED, "api", bench.clock.wall, "", incident="k3f9qa")
    assert bench.book.destinations_of(end) == ("slack", "sms")


async def test_a_fallback_that_has_the_alert_itself_is_not_told_again(bench: Bench) -> None:
    bench.slack.trouble = REFUSED
    bench.outbox.direct = {"slack", "sms"}
    bench.add()
    async with bench.running():
        await bench.clock.advance(400)
    assert bench.told == []


async def test_a_restart_counts_on_from_the_outbox_and_tells_nothing_twice(bench: Bench) -> None:
    bench.slack.trouble = REFUSED
    bench.add()
    async with bench.running():
        await bench.clock.advance(200)
    async with bench.running():
        await bench.clock.advance(100)
        assert bench.told == [("sms", AlertKind.FIRING)]
    async with bench.running():
        await bench.clock.advance(1000)
    assert bench.told == [("sms", AlertKind.FIRING)]


async def test_after_a_long_stop_the_destination_has_the_first_word(bench: Bench) -> None:
    """It may take at once what nobody has offered it for an hour."""
    bench.add()
    await bench.clock.advance(3600)
    async with bench.running() as overdue:
        await bench.clock.advance(GRACE - 1)
        assert bench.told == []
        bench.slack.trouble = REFUSED
        overdue.wake()
        await bench.clock.settle()
    assert bench.told == [("sms", AlertKind.FIRING)]


async def test_a_destination_that_does_not_even_fail_is_not_waited_for(bench: Bench) -> None:
    bench.add()
    await bench.clock.advance(3600)
    async with bench.running():
        await bench.clock.advance(GRACE)
    assert bench.told == [("sms", AlertKind.FIRING)]
    diversion = bench.outbox.posted[0][1].diversion
    assert diversion is not None
    assert diversion.reason == "no answer yet"


async def test_what_a_person_must_repair_is_told_at_once(bench: Bench) -> None:
    async with bench.running() as overdue:
        bench.add()
        bench.slack.trouble, bench.slack.needs_repair = "token_revoked", True
        overdue.wake()
        await bench.clock.settle()
    assert bench.told == [("sms", AlertKind.FIRING)]


@pytest.mark.parametrize("moved", [-86400.0, 86400.0])
async def test_a_clock_that_is_set_holds_nothing_up(bench: Bench, moved: float) -> None:
    bench.slack.trouble = REFUSED
    bench.add()
    async with bench.running():
        await bench.clock.advance(10)
        bench.clock.wall += moved
        await bench.clock.advance(290)
    assert bench.told == [("sms", AlertKind.FIRING)]


@pytest.mark.parametrize("kind", [AlertKind.FIRING, AlertKind.NOTICE])
async def test_what_is_refused_for_good_is_told_at_the_fallback_whatever_it_is(
    bench: Bench, kind: AlertKind
) -> None:
    row = bench.add(kind)
    async with bench.running() as overdue:
        await overdue.refused(row, "invalid_blocks")
    assert bench.told == [("sms", kind)]
    assert bench.outbox.posted[0][1].diversion == Diversion(
        "slack", row.created, "invalid_blocks", refused=True
    )


async def test_with_what_is_refused_goes_what_waits_of_the_same_incident(bench: Bench) -> None:
    """The end of it may be taken here: at the fallback it would look open for ever."""
    async with bench.running() as overdue:
        firing, _, resolved = (
            bench.add(),
            bench.add(incident="other1"),
            bench.add(AlertKind.RESOLVED),
        )
        await overdue.refused(firing, "invalid_blocks")
        assert bench.told == [("sms", AlertKind.FIRING), ("sms", AlertKind.RESOLVED)]
        await overdue.refused(resolved, "invalid_blocks")
    assert bench.told == [("sms", AlertKind.FIRING), ("sms", AlertKind.RESOLVED)], "once"
    assert bench.outbox.posted[1][1].diversion == Diversion(
        "slack", resolved.created, "invalid_blocks"
    )


async def test_a_refused_test_is_its_own_answer(bench: Bench) -> None:
    async with bench.running() as overdue:
        await overdue.refused(bench.add(AlertKind.TEST, incident=""), "invalid_blocks")
    assert bench.told == []


async def test_a_canary_that_does_not_arrive_is_told_on_all_the_other_channels(
    bench: Bench,
) -> None:
    bench.slack.trouble = "invalid_auth"
    bench.outbox.direct = {"slack", "sms", "email"}  # a canary of their own each
    canary = Circumstance(CircumstanceKind.CANARY)
    bench.put(Alert(AlertKind.TEST, "", bench.clock.wall, "daily test", circumstance=canary))
    async with bench.running():
        await bench.clock.advance(300)
    async with bench.running():
        await bench.clock.advance(3600)
    assert bench.told == [("sms", AlertKind.NOTICE), ("email", AlertKind.NOTICE)]
    notice = bench.outbox.posted[0][1]
    assert notice.reason == "slack does not take alerts: invalid_auth"
    assert notice.circumstance == Circumstance(
        CircumstanceKind.UNDELIVERED, "invalid_auth", "slack", lasted=300.0
    )


async def test_a_store_that_fails_is_asked_again(bench: Bench) -> None:
    bench.slack.trouble = REFUSED
    bench.add()
    await bench.clock.advance(400)
    bench.outbox.broken = 2
    with capture_logs() as logs:
        async with bench.running():
            await bench.clock.advance(2 * STUMBLE)
    assert bench.told == [("sms", AlertKind.FIRING)]
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        "fallback stumbled"
    ] * 2


async def test_a_storm_is_told_in_one_go(bench: Bench) -> None:
    bench.slack.trouble = REFUSED
    for number in range(600):
        bench.add(incident=f"inc{number}")
    async with bench.running():
        await bench.clock.advance(300)
    assert len(bench.told) == 600


async def test_a_warning_that_is_refused_is_told_elsewhere_and_its_end_follows_it(
    bench: Bench,
) -> None:
    bench.book.subscriptions = [
        Subscription("slack"),
        Subscription("sms", frozenset(), (), closes=True),
    ]
    row = bench.add(AlertKind.WARNING)
    bench.book.address([row.alert])
    async with bench.running() as overdue:
        await overdue.refused(row, REFUSED)
    assert bench.told == [("sms", AlertKind.WARNING)]
    end = replace(row.alert, kind=AlertKind.WARNING_OVER)
    assert bench.book.destinations_of(end) == ("sms",)


async def test_a_warning_that_is_over_by_now_is_told_nowhere_else_nor_is_its_end(
    bench: Bench,
) -> None:
    bench.book.subscriptions = [Subscription("slack", closes=True)]
    rows = [bench.add(kind) for kind in (AlertKind.WARNING, AlertKind.WARNING_OVER)]
    bench.book.address([row.alert for row in rows])
    async with bench.running() as overdue:
        for row in rows:
            await overdue.refused(row, REFUSED)
        await bench.clock.advance(86400)
    assert bench.told == []
