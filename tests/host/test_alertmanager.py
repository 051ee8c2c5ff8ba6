"""Alerts in real Alertmanagers, on a real host."""

from __future__ import annotations

import json
import time

import pytest

from tests.host.alertmanagers import Alertmanager, Shown, moment
from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, TOLD_AT_ONCE, WatchedHost


def table(*members: Alertmanager, resend: str = "1s") -> str:
    urls = json.dumps([member.url for member in members])
    return (
        f'\n[alertmanager]\nurls = {urls}\nresend = "{resend}"\ntimeout = "1s"\n'
        'labels = { team = "web" }\n'
    )


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


def began(watching: WatchedHost, *members: Alertmanager, resend: str = "1s") -> None:
    """Have the sample service watched, and all that goes wrong told to *members*."""
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=table(*members, resend=resend))


def later_than(end: float) -> bool:
    """Tell whether the moment *end* (wall) is over."""
    return time.time() > end


def test_an_incident_is_shown_with_its_labels_for_as_long_as_it_is_open(
    watching: WatchedHost,
) -> None:
    alertmanager = Alertmanager(watching.host)
    alertmanager.start()
    began(watching, alertmanager)
    assert alertmanager.alerts() == []
    watching.behave(body="out of order")
    incident = watching.fail()["incident"]
    shown = alertmanager.one()
    assert shown["labels"] == {
        "alertname": "ServiceFailing",
        "service": API,
        "host": "testhost",
        "severity": "critical",
        "check": "http",
        "team": "web",
    }
    assert shown["annotations"]["incident"] == incident["id"]
    assert "out of order" in shown["annotations"]["summary"]
    assert abs(moment(shown["startsAt"]) - incident["opened"]) < 0.01
    # It would have ended by itself, had it not been told again.
    wait_for(lambda: later_than(moment(shown["endsAt"]) + 1), 30, "the first end to be over")
    renewed = alertmanager.one()
    assert moment(renewed["endsAt"]) > moment(shown["endsAt"]) + 1
    assert renewed["startsAt"] == shown["startsAt"]
    assert renewed["fingerprint"] == shown["fingerprint"]
    watching.behave(body=None)
    watching.heal()
    alertmanager.none()
    watching.delivered("alertmanager")


def test_alerts_are_grouped_by_their_labels(watching: WatchedHost) -> None:
    alertmanager = Alertmanager(watching.host)
    alertmanager.start()
    began(watching, alertmanager, resend="1m")
    assert watching.command("test-alert", "alertmanager") == "alertmanager: delivered\n"
    watching.fail()

    def grouped() -> dict[str, list[str]]:
        return {
            group["labels"].get("service", ""): [
                alert["labels"]["alertname"] for alert in group["alerts"]
            ]
            for group in alertmanager.groups()
        }

    wait_for(lambda: len(grouped()) == 2, 10, "two groups")
    assert grouped() == {"": ["ServiceWatchdogTest"], API: ["ServiceFailing"]}


def test_a_silence_of_amtool_holds_while_the_incident_is_told_again(watching: WatchedHost) -> None:
    alertmanager = Alertmanager(watching.host)
    alertmanager.start()
    began(watching, alertmanager)
    watching.fail()
    first = alertmanager.one()
    assert first["status"]["state"] != "suppressed"
    silence = alertmanager.amtool(
        *("silence", "add", f"service={API}", "--comment=known", "--author=ann")
    ).strip()

    def is_silenced_and_renewed(shown: Shown) -> bool:
        return bool(
            shown["status"]["silencedBy"] == [silence] and shown["updatedAt"] > first["updatedAt"]
        )

    silenced = alertmanager.one(is_silenced_and_renewed)
    assert silenced["status"]["state"] == "suppressed"
    again = alertmanager.one(lambda shown: shown["updatedAt"] > silenced["updatedAt"])
    assert again["status"]["silencedBy"] == [silence]


def test_with_one_of_two_members_down_nothing_is_lost(watching: WatchedHost) -> None:
    first, second = (Alertmanager(watching.host, number, 2) for number in (1, 2))
    first.start()
    second.start()
    began(watching, first, second)
    second.stop()
    watching.fail()
    told = first.one()
    watching.delivered("alertmanager")
    trouble = "127.0.0.1:9092: cannot connect: Connection refused"
    assert watching.channel("alertmanager")["last_error"] == trouble
    second.start()  # with nothing in its memory
    assert second.one()["fingerprint"] == told["fingerprint"]
    first.stop()
    watching.heal()
    second.none()
    first.start()
    assert first.alerts() == []
    watching.delivered("alertmanager")
    assert watching.channel("alertmanager")["dead"] == 0


def test_a_member_that_was_down_when_it_ended_is_told_so_when_it_is_back(
    watching: WatchedHost,
) -> None:
    """It keeps nothing over its own restart, so it is frozen instead, and thawed."""
    first, second = (Alertmanager(watching.host, number, 2) for number in (1, 2))
    first.start()
    second.start()
    began(watching, first, second, resend="1m")  # nothing ends by itself in this test
    watching.fail()
    second.one()
    watching.host.systemctl("kill", "--signal=STOP", second.unit)
    watching.heal()
    first.none()
    watching.host.systemctl("kill", "--signal=CONT", second.unit)
    second.none()


@pytest.mark.parametrize("how", ["killed", "restarted"])
def test_an_open_incident_outlives_the_daemon_that_told_of_it(
    watching: WatchedHost, how: str
) -> None:
    alertmanager = Alertmanager(watching.host)
    alertmanager.start()
    began(watching, alertmanager)
    watching.fail()
    told = alertmanager.one()
    if how == "killed":
        watching.kill_daemon()
    else:
        watching.host.systemctl("restart", DAEMON)
    alertmanager.stop()
    alertmanager.start()  # it has forgotten all of it, and so has the new daemon's memory
    again = alertmanager.one()
    assert again["labels"] == told["labels"]
    assert again["startsAt"] == told["startsAt"]
    assert again["annotations"]["incident"] == told["annotations"]["incident"]
    watching.heal()
    alertmanager.none()


def test_the_alert_of_a_host_that_is_gone_ends_after_four_times_resend(
    watching: WatchedHost,
) -> None:
    alertmanager = Alertmanager(watching.host)
    alertmanager.start()
    began(watching, alertmanager, resend="2s")
    watching.fail()
    alertmanager.one()
    watching.stop_daemon()
    stopped = time.time()
    left = moment(alertmanager.one()["endsAt"]) - stopped
    assert 5 < left <= 8
    alertmanager.none()
    assert time.time() - stopped >= left - 1


def test_the_alert_of_a_service_that_is_not_configured_any_more_ends(
    watching: WatchedHost,
) -> None:
    alertmanager = Alertmanager(watching.host)
    alertmanager.start()
    began(watching, alertmanager)
    watching.fail()
    alertmanager.one()
    other = '[[service]]\nname = "other"\nunit = "dbus.service"\n'
    watching.host.configure(other + table(alertmanager))
    watching.host.systemctl("reload", DAEMON)
    alertmanager.none()


def test_an_alertmanager_that_cannot_be_reached_gets_the_incident_later(
    watching: WatchedHost,
) -> None:
    alertmanager = Alertmanager(watching.host)
    began(watching, alertmanager)
    watching.fail()
    waiting = watching.wait_for_channel("alertmanager", lambda shown: shown["last_error"])
    assert "127.0.0.1:9091: cannot connect: Connection refused" in waiting["last_error"]
    assert waiting["pending"] == 1
    alertmanager.start()
    assert alertmanager.one()["labels"]["service"] == API
    watching.delivered("alertmanager")
