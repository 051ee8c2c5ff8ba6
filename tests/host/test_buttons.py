"""Buttons under alerts, pressed in a Slack of our own, and what the real daemon makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.peers.slack import SlackServer
from tests.host.watched_host import API, SLACK, SLACK_PORT, TOLD_AT_ONCE, WatchedHost

BUTTONS = f"""
app_token = "{SlackServer.APP_TOKEN}"
users = ["U0ALICE000", "U0000000BOB"]
"""
MALLORY = {"user": "U0MALLORY0", "name": "mallory"}


class Slack:
    """People at Slack."""

    def __init__(self, watched: WatchedHost) -> None:
        self._watched = watched

    def do(self, what: str, *, status: int = 200, **more: Any) -> dict[str, Any]:
        """Have Slack do *what*; return how Socket Mode stands."""
        url = f"http://127.0.0.1:{SLACK_PORT}/_test/socket"
        body = json.dumps({"do": what, **more})
        reply = self._watched.host.http(url, method="POST", body=body, timeout=30)
        assert reply.status == status, reply
        found: dict[str, Any] = json.loads(reply.body) if status == 200 else {}
        assert not found.get("failures"), found
        return found

    def press(self, label: str, **more: Any) -> None:
        """Press the newest button of that label; the daemon has acknowledged the press."""
        self.do("press", press={"label": label, **more})

    def said(self, count: int) -> str:
        """Return what was answered last in the thread, once there are *count* messages in all."""
        return self._watched.messages(count)[-1]

    def told(self, count: int) -> str:
        """Return the last of what only one user saw, once there are *count* of it."""

        def came() -> str | None:
            ephemerals = self.do("look")["ephemerals"]
            return str(ephemerals[-1]["text"]) if len(ephemerals) >= count else None

        text = wait_for(came, 10.0, f"{count} answers to users")
        assert text is not None
        return text


@pytest.fixture
def watched(installed_host: InstalledHost) -> WatchedHost:
    """A host whose service is watched, and told of in a Slack with buttons."""
    watched = WatchedHost(installed_host)
    watched.start_slack()
    watched.start_sample()
    return watched


@pytest.fixture
def slack(watched: WatchedHost) -> Slack:
    return Slack(watched)


def begin(watched: WatchedHost, slack: Slack) -> None:
    """Watch, with an incident open and told."""
    watched.watch(tables=TOLD_AT_ONCE + SLACK + BUTTONS)
    slack.do("wait", links=1)
    watched.fail()
    assert watched.messages(1)[0].startswith(f"FIRING {API}")


def timeline(watched: WatchedHost, incident: str) -> list[tuple[str, str]]:
    """Return kind and text of the notes of an incident."""
    answer = json.loads(watched.command("incidents", incident, "--json"))
    return [(note["kind"], note["text"]) for note in answer["incident"]["notes"]]


def incident_of(watched: WatchedHost) -> str:
    return str(watched.status()["incident"]["id"])


def test_a_pressed_button_restarts_the_service_once_and_tells_what_came_of_it(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    run, incident = watched.run_id(), incident_of(watched)
    watched.behave(status=None)
    slack.press("Restart now")
    slack.press("Restart now")
    assert "is healthy again, after" in slack.said(2)
    assert "is being restarted, or was a moment ago" in slack.told(1)
    healed = watched.wait_for_phase("healthy")
    assert watched.run_id() != run
    assert watched.kinds().count("restart") == 1
    assert healed["incident"] is None
    notes = timeline(watched, incident)
    assert ("restart", "restart asked for by Slack: alice (U0ALICE000)") in notes
    assert [text for kind, text in notes if kind == "pressed"] == [
        "restart by Slack: alice (U0ALICE000) refused: pressed twice"
    ]


def test_who_is_not_listed_presses_in_vain_and_that_is_on_record(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    run, incident = watched.run_id(), incident_of(watched)
    slack.press("Restart now", **MALLORY)
    assert slack.told(1) == (
        "Nothing was done: mallory (U0MALLORY0) is not among the `users` of this channel's"
        " configuration."
    )
    assert timeline(watched, incident)[-1] == (
        "pressed",
        "restart by Slack: mallory (U0MALLORY0) refused: not among the users who may",
    )
    assert watched.run_id() == run
    assert len(watched.messages()) == 1


def test_an_acknowledgement_is_shown_everywhere_and_survives_the_daemon(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    incident = incident_of(watched)
    slack.press("Acknowledge")
    assert slack.said(2) == (
        "alice has acknowledged the incident; there are no more reminders of it."
    )
    slack.press("Acknowledge", user="U0000000BOB", name="bob")
    slack.said(3)
    watched.kill_daemon()
    watched.wait_for(lambda status: bool(status["incident"]))
    alice, bob = "Slack: alice (U0ALICE000)", "Slack: bob (U0000000BOB)"
    assert watched.status()["incident"]["acknowledged"] == [alice, bob]
    assert f"{API}: incident {incident} acknowledged by {alice}, {bob}" in watched.command(
        "status", code=1
    )
    assert f"open, acknowledged by {alice}" in watched.command("incidents")
    # A young process may be held once more by a daemon that is new itself.
    seen = [note for note in timeline(watched, incident) if note[0] == "acknowledged"]
    assert seen == [
        ("acknowledged", f"by {alice}"),
        ("acknowledged", f"by {bob}"),
    ]


def test_silence_and_pause_by_a_button_are_those_of_the_command_line(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    slack.press("Silence 1 h")
    assert slack.said(2) == "alice has silenced alerts for 1 h; restarts go on."
    silence = watched.status()["silence"]
    assert silence["owner"] == "Slack: alice (U0ALICE000)"
    assert 3500 < silence["ends_in"] <= 3600
    slack.press("Pause 30 min")
    slack.said(3)
    assert 1700 < watched.status()["maintenance"]["ends_in"] <= 1800
    watched.command("resume", API, code=None)


def test_a_button_of_an_incident_that_is_over_does_nothing(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    incident = incident_of(watched)
    watched.heal()
    run = watched.run_id()
    watched.messages(2)
    slack.press("Restart now")
    assert slack.told(1) == f"Nothing was done: incident {incident} is over."
    assert watched.run_id() == run
    refused = f"cannot restart {API}: incident {incident} is over"
    assert timeline(watched, incident)[-1] == (
        "pressed",
        f"restart by Slack: alice (U0ALICE000) refused: {refused}",
    )


def test_a_connection_that_slack_wants_replaced_loses_no_press(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    assert slack.do("disconnect")["opened"] == 2
    slack.press("Acknowledge")
    assert "acknowledged" in slack.said(2)


def test_a_slack_that_is_away_is_shown_and_returned_to_and_alerts_are_not_late(
    watched: WatchedHost, slack: Slack
) -> None:
    begin(watched, slack)
    slack.do("go_away")
    lost = watched.wait_for_channel("slack", lambda channel: not channel["buttons"]["connected"])
    assert "slack: buttons: not connected since" in watched.command("status", code=1)
    assert lost["buttons"]["reason"]
    watched.heal()
    assert watched.messages(2)[-1].startswith(f"RESOLVED {API}")
    slack.do("come_back")
    slack.do("wait", links=1)
    watched.wait_for_channel("slack", lambda channel: channel["buttons"]["connected"])
    warned = [
        line
        for line in watched.host.run("journalctl", "-u", DAEMON, "-o", "cat").stdout.splitlines()
        if "buttons not connected" in line
    ]
    assert len(warned) == 1, "an outage is told once, not each try"


def test_a_reload_begins_and_ends_listening(watched: WatchedHost, slack: Slack) -> None:
    watched.watch(tables=TOLD_AT_ONCE + SLACK)
    assert watched.channel("slack")["buttons"] is None
    watched.configure(tables=TOLD_AT_ONCE + SLACK + BUTTONS)
    watched.host.systemctl("reload", DAEMON)
    slack.do("wait", links=1)
    watched.configure(tables=TOLD_AT_ONCE + SLACK)
    watched.host.systemctl("reload", DAEMON)
    slack.do("wait", links=0)
    watched.fail()
    watched.messages(1)
    slack.do("press", status=409, press={"label": "Restart now"})
