"""Alertmanager: what each member is told over real HTTP, and what its answers mean."""

from __future__ import annotations

import subprocess
import sys
import traceback
from dataclasses import replace

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.unit.notify.alerts import HOST, OPENED, message
from tests.unit.notify.cluster import Member, members, moment, serving_at
from watchdog.core.model import Alert
from watchdog.errors import DeliveryError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.notify.alertmanager import Alertmanager, Cluster
from watchdog.notify.route import Route
from watchdog.ports import Message, Receipt

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
PATIENT = Route(timeout=5.0)  # what is tested here never comes to that
CANARY = "Bearer canary-4711"
NOWHERE = "http://127.0.0.1:9"


class Now:
    """The wall clock, moved by hand."""

    def __init__(self) -> None:
        self.wall = OPENED

    def __call__(self) -> float:
        return self.wall


@pytest.fixture
def now() -> Now:
    return Now()


def cluster(now: Now, *urls: str, authorization: str = "") -> Alertmanager:
    settings = Cluster(
        "alertmanager",
        urls,
        resend=60.0,
        labels={"team": "web"},
        generator_url="https://wiki.example.com/api",
        authorization=authorization,
    )
    return Alertmanager(settings, route=PATIENT, now=now)


def is_open(_: Alert) -> bool:
    return True


def is_over(_: Alert) -> bool:
    return False


async def failure(notifier: Alertmanager) -> DeliveryError:
    try:
        with pytest.raises(DeliveryError) as caught:
            await notifier.send(message(), KEY)
    finally:
        await notifier.close()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


def checked(shown: Message, check: str) -> Message:
    """Return the same with another check that failed."""
    return replace(shown, alert=replace(shown.alert, check=check))


@pytest.mark.adapter
def test_importing_the_module_imports_no_client() -> None:
    lines = (
        "import sys, watchdog.notify.alertmanager",
        "sys.exit('aiohttp' in sys.modules or None)",
    )
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False).returncode == 0


# --- one alert ----------------------------------------------------------------------------------


async def test_a_firing_alert_holds_for_four_renewals_from_when_the_incident_opened(
    now: Now,
) -> None:
    now.wall = OPENED + 30
    async with members() as [member]:
        notifier = cluster(now, member.url)
        receipt = await notifier.send(message(), KEY)
        await notifier.close()
    assert receipt == Receipt({"members": "1"})
    assert member.last["labels"] == {
        "alertname": "ServiceFailing",
        "service": "langchain-api",
        "host": HOST,
        "severity": "critical",
        "check": "http",
        "team": "web",
    }
    assert moment(member.last["startsAt"]) == OPENED
    assert moment(member.last["endsAt"]) == OPENED + 30 + 240
    assert member.last["generatorURL"] == "https://wiki.example.com/api"
    assert member.last["annotations"]["incident"] == "k3f9qa"
    assert "database is locked" in member.last["annotations"]["last_lines"]


async def test_giving_up_and_the_end_are_told_of_the_alert_that_opened_the_incident(
    now: Now,
) -> None:
    """Another check may fail by then: with other labels it would be another alert."""
    async with members() as [member]:
        notifier = cluster(now, member.url)
        await notifier.send(message("firing"), KEY)
        await notifier.send(checked(message("reminder"), "unit"), KEY)
        now.wall = OPENED + 540
        await notifier.send(checked(message("gave-up"), "port"), KEY)
        assert "gave up after 5 restarts" in member.last["annotations"]["description"]
        now.wall = OPENED + 600
        await notifier.send(checked(message("resolved"), "unit"), KEY)
        await notifier.close()
    assert len(member.known) == 1
    assert moment(member.last["startsAt"]) == OPENED
    assert moment(member.last["endsAt"]) == OPENED + 360  # when health was proven, not when told
    assert member.active(now.wall) == []
    assert notifier.pace is None


@pytest.mark.parametrize(
    ("kind", "name"), [("test", "ServiceWatchdogTest"), ("notice", "ServiceWatchdogNotice")]
)
async def test_what_is_no_incident_is_shown_for_five_minutes_and_never_renewed(
    now: Now, kind: str, name: str
) -> None:
    async with members() as [member]:
        notifier = cluster(now, member.url)
        await notifier.send(message(kind), KEY)
        await notifier.close()
    assert member.last["labels"]["alertname"] == name
    assert member.last["labels"]["severity"] == "info"
    assert moment(member.last["endsAt"]) == OPENED + 300
    assert notifier.pace is None


async def test_an_incident_of_no_time_at_all_is_no_alert_that_ends_before_it_starts(
    now: Now,
) -> None:
    shown = message("resolved")
    at_once = replace(shown, alert=replace(shown.alert, wall=OPENED))
    async with members() as [member]:
        notifier = cluster(now, member.url)
        await notifier.send(at_once, KEY)
        await notifier.close()
    assert moment(member.last["endsAt"]) > moment(member.last["startsAt"])


# --- renewals -----------------------------------------------------------------------------------


async def test_while_it_is_open_an_incident_is_told_again_and_its_end_put_off(now: Now) -> None:
    async with members() as [member]:
        notifier = cluster(now, member.url)
        await notifier.send(message(), KEY)
        assert notifier.pace == 60.0
        now.wall += 200
        await notifier.renew(is_open)
        assert len(member.known) == 1
        assert moment(member.last["endsAt"]) == OPENED + 200 + 240
        await notifier.send(message("resolved"), KEY)
        await notifier.renew(is_open)
        await notifier.close()
    assert len(member.posts) == 3


async def test_an_incident_recalled_from_before_is_resolved_with_the_same_labels(now: Now) -> None:
    async with members() as [member]:
        before = cluster(now, member.url)
        await before.send(message(), KEY)
        await before.close()
        after = cluster(now, member.url)
        after.recall(message())
        after.recall(message("gave-up"))
        now.wall += 600
        await after.renew(is_open)
        assert "gave up" in member.last["annotations"]["description"]
        await after.send(checked(message("resolved"), "port"), KEY)
        await after.close()
    assert len(member.known) == 1
    assert member.active(now.wall) == []


async def test_an_incident_of_a_service_that_is_not_watched_any_more_ends(now: Now) -> None:
    async with members() as [member]:
        notifier = cluster(now, member.url)
        await notifier.send(message(), KEY)
        now.wall += 60
        await notifier.renew(is_over)
        await notifier.close()
    assert moment(member.last["endsAt"]) == OPENED + 60
    assert notifier.pace is None


async def test_two_incidents_are_renewed_in_one_request(now: Now) -> None:
    async with members() as [member]:
        notifier = cluster(now, member.url)
        first, second = message(), message()
        second = replace(second, alert=replace(second.alert, service="nginx", incident="other1"))
        await notifier.send(first, KEY)
        await notifier.send(second, KEY)
        await notifier.renew(is_open)
        await notifier.close()
    assert [len(post) for post in member.posts] == [1, 1, 2]


# --- several members ----------------------------------------------------------------------------


async def test_every_member_is_told(now: Now) -> None:
    async with members(3) as three:
        notifier = cluster(now, *(member.url for member in three))
        receipt = await notifier.send(message(), KEY)
        await notifier.close()
    assert receipt == Receipt({"members": "3"})
    assert [len(member.posts) for member in three] == [1, 1, 1]


async def test_a_member_that_was_down_is_told_with_the_next_renewal_and_that_comes_soon(
    now: Now,
) -> None:
    async with members() as [up]:
        down = Member()
        async with serving_at(down):
            pass  # it has a port now
        notifier = cluster(now, up.url, down.url)
        with capture_logs() as logs:
            assert await notifier.send(message(), KEY) == Receipt({"members": "1"})
            await notifier.renew(is_open)
            assert notifier.pace == 15.0
            assert notifier.trouble.endswith("cannot connect: Connection refused")
            async with serving_at(down):
                await notifier.renew(is_open)
                await notifier.close()
        assert down.last["labels"] == up.last["labels"]
        assert notifier.pace == 60.0
        assert notifier.trouble == ""
    said = [(log["event"], log["member"]) for log in logs]
    assert said == [
        ("alertmanager does not take alerts", down.url),
        ("alertmanager takes alerts", down.url),
    ]


async def test_a_member_that_missed_the_end_is_told_of_it_and_the_others_are_left_alone(
    now: Now,
) -> None:
    async with members(2) as [first, second]:
        notifier = cluster(now, first.url, second.url)
        await notifier.send(message(), KEY)
        second.answers.append(web.Response(status=503))
        now.wall = OPENED + 370
        await notifier.send(message("resolved"), KEY)
        assert notifier.pace == 15.0
        assert second.active(OPENED + 100)
        await notifier.renew(is_open)
        await notifier.close()
    assert second.active(now.wall) == []
    assert [len(first.posts), len(second.posts)] == [2, 2]
    assert notifier.pace is None


async def test_an_end_that_a_member_never_hears_of_is_let_go_once_the_alert_has_expired(
    now: Now,
) -> None:
    async with members() as [up]:
        notifier = cluster(now, up.url, NOWHERE)
        await notifier.send(message(), KEY)
        await notifier.send(message("resolved"), KEY)
        now.wall += 239
        with pytest.raises(TemporaryDeliveryError, match=r"127\.0\.0\.1:9: cannot connect"):
            await notifier.renew(is_open)
        assert notifier.pace is not None
        now.wall += 1
        await notifier.renew(is_open)
        await notifier.close()
    assert notifier.pace is None


async def test_a_new_incident_takes_the_place_of_an_end_that_was_not_heard(now: Now) -> None:
    async with members() as [up]:
        notifier = cluster(now, up.url, NOWHERE)
        await notifier.send(message(), KEY)
        await notifier.send(message("resolved"), KEY)
        again = message()
        again = replace(again, alert=replace(again.alert, incident="again1", opened=OPENED + 400))
        now.wall = OPENED + 400
        await notifier.send(again, KEY)
        await notifier.renew(is_open)
        await notifier.close()
    assert moment(up.last["startsAt"]) == OPENED + 400
    assert len(up.active(now.wall)) == 1


async def test_if_no_member_takes_it_each_is_named_with_the_reason(now: Now) -> None:
    async with members() as [sick]:
        sick.answers.append(web.Response(status=500))
        error = await failure(cluster(now, sick.url, NOWHERE))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        f"cannot deliver to alertmanager: 127.0.0.1:{sick.port}: it answered 500; "
        "127.0.0.1:9: cannot connect: Connection refused"
    )
    assert error.retry_after is None


# --- what an answer means -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words", "retry_after"),
    [
        ({"status": 429, "headers": {"Retry-After": "30"}}, "it answered 429", 30.0),
        ({"status": 429, "headers": {"Retry-After": "900"}}, "it answered 429", 60.0),
        ({"status": 503}, "it answered 503", None),
        ({"status": 401}, "refuses the login (401); check username and password", 60.0),
        ({"status": 403}, "refuses the login (403)", 60.0),
        ({"status": 404}, "it answered 404; is the URL that of an Alertmanager?", 60.0),
        ({"status": 302}, "it answered 302; is the URL", 60.0),
    ],
)
async def test_what_may_pass_or_be_mended_keeps_the_alert(
    now: Now, answer: dict[str, object], words: str, retry_after: float | None
) -> None:
    async with members() as [member]:
        member.answers.append(web.Response(**answer))  # type: ignore[arg-type]
        error = await failure(cluster(now, member.url))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == retry_after


async def test_an_alert_that_is_refused_for_what_it_says_is_given_up(now: Now) -> None:
    async with members() as [member]:
        member.answers.append(web.Response(status=400, text=f"token={CANARY}"))
        error = await failure(cluster(now, member.url))
    assert isinstance(error, RejectedDeliveryError)
    assert "refuses the alert with status 400" in str(error)
    assert CANARY not in str(error)


async def test_a_member_that_may_still_take_it_keeps_a_refused_alert_due(now: Now) -> None:
    async with members() as [member]:
        member.answers.append(web.Response(status=400))
        error = await failure(cluster(now, member.url, NOWHERE))
    assert isinstance(error, TemporaryDeliveryError)


async def test_the_login_is_sent_to_every_member_and_shown_nowhere(now: Now) -> None:
    async with members(2, authorization=CANARY) as [first, second]:
        error = await failure(cluster(now, first.url, second.url, authorization="Bearer wrong"))
        assert "refuses the login" in str(error)
        notifier = cluster(now, first.url, second.url, authorization=CANARY)
        assert await notifier.send(message(), KEY) == Receipt({"members": "2"})
        await notifier.close()
    assert CANARY not in repr(Cluster("am", (), authorization=CANARY))


async def test_a_member_that_is_away_holds_up_no_further_alert_and_hears_it_with_the_next_renewal(
    now: Now,
) -> None:
    async with members(2) as [well, sick]:
        notifier = cluster(now, well.url, sick.url)
        sick.answers.append(web.Response(status=503))
        await notifier.send(message(), KEY)
        await notifier.send(message("notice"), KEY)
        assert sick.seen == 1
        await notifier.renew(is_open)
        assert sick.known.keys() == well.known.keys()
        assert len(sick.known) == 2
        assert notifier.trouble == ""
        await notifier.close()
