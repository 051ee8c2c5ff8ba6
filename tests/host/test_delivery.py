"""Alerts on a real host, while those who should take them are sick."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.peers.slack import SlackServer
from tests.host.watched_host import (
    API,
    SLACK,
    SLACK_PORT,
    SMTP_PORT,
    TOLD_AT_ONCE,
    UNIT,
    WatchedHost,
)

BOT, WEBHOOK = ("chat.postMessage", "chat.update"), ("webhook",)

BOTH = f"""
[[slack]]
name    = "bot"
token   = "{SlackServer.TOKEN}"
channel = "{SlackServer.CHANNEL}"
api_url = "http://127.0.0.1:{SLACK_PORT}/api/"
timeout = "1s"

[[slack]]
name    = "hook"
webhook = "http://127.0.0.1:{SLACK_PORT}{SlackServer.HOOK}"
timeout = "1s"
"""

ALICE, BOB = "alice@example.com", "bob@example.com"

EMAIL = f"""
[email]
to      = ["{ALICE}", "{BOB}"]
from    = "watchdog@example.com"
host    = "127.0.0.1"
port    = {SMTP_PORT}
timeout = "2s"
"""

IN_THE_CLEAR = EMAIL + 'tls = "none"\n'

TOKEN_FILE = "/etc/service-watchdog/slack-token"


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


# --- Slack ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["error500", "hang", "drop_before_accepting"])
def test_a_sick_slack_gets_each_alert_once_and_in_order_when_it_is_well_again(
    watching: WatchedHost, mode: str
) -> None:
    """By bot token and by webhook alike; and the alert tells when it was true."""
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=BOTH)
    watching.slack_mode(mode)
    watching.fail()
    watching.requests(3)  # at least one of the two has tried again
    watching.slack_mode("ok")
    watching.delivered("bot", "hook")
    watching.heal()
    watching.delivered("bot", "hook")
    since = since_when(watching)
    for ways in (BOT, WEBHOOK):
        firing, resolved = watching.messages(2, ways=ways)
        assert firing.startswith(f"FIRING {API}"), firing
        assert resolved.startswith(f"RESOLVED {API}"), resolved
        assert since in firing
        assert since in resolved
    by_bot = [message for message in watching.in_channel() if message["via"] != "webhook"]
    assert len(by_bot) == 1


def test_the_pause_that_slack_asks_for_is_kept(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.slack_mode("rate_limit", retry_after=3, count=1)
    watching.fail()
    refused, taken, *_ = watching.requests(2)
    assert refused["outcome"] == "ratelimited"
    assert taken["outcome"] == "ok"
    assert taken["arrival"]["monotonic"] - refused["arrival"]["monotonic"] >= 3.0
    assert len(watching.messages(1)) == 1


def test_an_answer_lost_on_its_way_makes_no_second_message_where_slack_can_tell(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.slack_mode("drop_after_accepting", count=1)
    watching.slack_dedup()
    watching.fail()
    first, again, *_ = watching.requests(2)
    assert [first["duplicate"], again["duplicate"]] == [False, True]
    assert first["body"]["client_msg_id"] == again["body"]["client_msg_id"]
    watching.delivered("slack")
    assert len(watching.in_channel(1)) == 1


def test_a_slack_that_cannot_be_reached_is_told_later_what_happened_meanwhile(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.fail()
    waiting = watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    assert "cannot connect: Connection refused" in waiting["words"]
    assert waiting["pending"] == 1
    watching.heal()
    shown = watching.command("status")
    assert "slack: 2 alerts waiting" in shown
    assert "Connection refused" in shown
    watching.start_slack()
    watching.host.systemctl("reload", DAEMON)  # a person need not wait for the next try
    watching.delivered("slack")
    [message] = watching.messages(1)  # of what is over by now, nobody need be woken
    assert message.startswith(f"RESOLVED {API}")
    assert "answered 500" in message
    assert "Down" in message


def test_what_waits_through_a_change_of_language_is_told_in_the_new_one(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.fail()
    watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    watching.configure(TOLD_AT_ONCE, tables=f'{SLACK}\n[daemon]\nlanguage = "ko"\n')
    watching.host.systemctl("reload", DAEMON)
    watching.start_slack()
    watching.host.systemctl("reload", DAEMON)  # a person need not wait for the next try
    watching.messages(1)
    watching.heal()
    firing, resolved = watching.messages(2)
    assert firing.startswith(f"{API} 다운: "), firing
    assert "\n조치: " in firing
    assert resolved.startswith(f"{API} 복구됨("), resolved


def test_a_slow_slack_does_not_hold_up_the_watch(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.slack_mode("hang")
    watching.start_sample()
    watching.watch("max_failures = 1\n", tables=SLACK)
    watching.fail()
    watching.behave(status=None)
    before = watching.run_id()
    watching.wait_for_phase("healthy")
    watching.host.kill(UNIT)
    status = watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    assert status["failures"] == 0


def test_a_decision_is_on_slacks_socket_at_once(watching: WatchedHost) -> None:
    """The bar is a benchmark's; this says that nothing waits for a poll, an import or a pause."""
    watching.start_slack()
    watching.start_sample()
    watching.watch(
        "max_failures = 2\nrestart_after = { unit = 0, port = 0, http = 0 }\n", tables=SLACK
    )
    watching.fail()  # the first one: the connection is made ready
    [request] = watching.requests(1)
    decided = next(note["wall"] for note in watching.notes() if note["kind"] == "opened")
    assert request["arrival"]["at"] - decided < 1.0


# --- a person mends it ---------------------------------------------------------------------------


def test_an_alert_is_kept_while_the_token_is_wrong_and_delivered_when_it_is_mended(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    write_token(watching, "xoxb-wrong")
    tables = SLACK.replace(f'"{SlackServer.TOKEN}"', f'{{ file = "{TOKEN_FILE}" }}')
    watching.watch(TOLD_AT_ONCE, tables=tables)
    watching.fail()
    waiting = watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    assert "invalid_auth" in waiting["last_error"]
    assert "configure its bot token" in waiting["last_error"]
    assert (waiting["pending"], waiting["dead"]) == (1, 0)
    write_token(watching, SlackServer.TOKEN)
    watching.host.systemctl("reload", DAEMON)
    [firing] = watching.messages(1)
    assert firing.startswith("FIRING")
    watching.delivered("slack")


def test_an_alert_waits_for_an_invitation_to_the_channel(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK.replace("#ops", "#nowhere"))
    watching.fail()
    waiting = watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    assert "channel_not_found" in waiting["last_error"]
    assert "/invite" in waiting["last_error"]
    watching.configure(TOLD_AT_ONCE, tables=SLACK)
    watching.host.systemctl("reload", DAEMON)
    assert watching.messages(1)[0].startswith("FIRING")


# --- email ---------------------------------------------------------------------------------------


def test_a_refused_recipient_does_not_keep_the_other_from_the_mail(watching: WatchedHost) -> None:
    watching.start_mail()
    watching.mail_mood(refuse={ALICE: 550})
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=IN_THE_CLEAR)
    watching.fail()
    [mail] = watching.mails(1)
    assert mail["recipients"] == [BOB]
    assert f"FIRING {API}" in parsed(mail)["Subject"]
    refused = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "550" in refused["last_error"]
    watching.delivered(f"email:{BOB}")
    assert refused["dead"] == 1


def test_a_recipient_deferred_gets_the_mail_later_and_the_other_only_one(
    watching: WatchedHost,
) -> None:
    watching.start_mail()
    watching.mail_mood(refuse={ALICE: 451})
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=IN_THE_CLEAR)
    watching.fail()
    deferred = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "451" in deferred["last_error"]
    assert deferred["pending"] == 1
    assert [mail["recipients"] for mail in watching.mails(1)] == [[BOB]]
    watching.mail_mood()
    mails = watching.mails(2)
    watching.delivered(f"email:{ALICE}", f"email:{BOB}")
    assert subjects(mails, ALICE) == subjects(mails, BOB)
    [firing] = subjects(mails, ALICE)
    assert f"FIRING {API}" in firing


@pytest.mark.parametrize("mode", ["hang", "defer_data"])
def test_a_sick_mail_server_gets_each_alert_once_and_in_order_when_it_is_well_again(
    watching: WatchedHost, mode: str
) -> None:
    watching.start_mail()
    watching.mail_mood(mode=mode)
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=IN_THE_CLEAR)
    watching.fail()
    watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    watching.mail_mood()
    watching.delivered(f"email:{ALICE}", f"email:{BOB}")
    watching.heal()
    watching.delivered(f"email:{ALICE}", f"email:{BOB}")
    taken = [mail for mail in watching.mails() if mail["outcome"] == "ok"]
    for recipient in (ALICE, BOB):
        firing, resolved = subjects(taken, recipient)
        assert f"FIRING {API}" in firing
        assert f"RESOLVED {API}" in resolved


def test_nothing_is_mailed_in_the_clear_where_tls_is_wanted_and_not_offered(
    watching: WatchedHost,
) -> None:
    watching.start_mail()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=EMAIL)
    watching.fail()
    waiting = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "STARTTLS" in waiting["last_error"]
    assert waiting["pending"] == 1
    assert "STARTTLS" in watching.command("status", code=1)
    assert len(watching.mails()) == 0


def test_a_certificate_that_is_not_to_be_trusted_keeps_the_mail_back(watching: WatchedHost) -> None:
    watching.start_mail("--starttls")
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=EMAIL)
    watching.fail()
    waiting = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "certificate" in waiting["last_error"]
    assert len(watching.mails()) == 0


# --- test-alert ----------------------------------------------------------------------------------


def test_a_test_alert_is_reported_as_delivered(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_mail()
    watching.start_sample()
    watching.watch(tables=SLACK + IN_THE_CLEAR)
    said = watching.command("test-alert")
    for channel in ("slack", f"email:{ALICE}", f"email:{BOB}"):
        assert f"{channel}: delivered" in said
    assert watching.messages()[0].startswith("TEST")
    assert len(watching.mails()) == 2
    assert watching.command("test-alert", "slack") == "slack: delivered\n"
    assert len(watching.messages()) == 2
    assert len(watching.mails()) == 2
    answer = json.loads(watching.command("test-alert", f"email:{BOB}", "--json"))
    assert answer["channels"] == [{"name": f"email:{BOB}", "delivered": True, "reason": ""}]


def test_a_test_alert_that_does_not_arrive_is_reported_with_the_reason(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(tables=SLACK)
    watching.slack_mode("error500", count=1)
    said = watching.command("test-alert", code=1)
    assert said.startswith("slack: not delivered yet: ")
    assert "Slack is in trouble (500)" in said
    watching.messages(1)  # it was kept all the same
    watching.delivered("slack")
    watching.slack_mode("hang", count=1)
    assert "no answer within 2 s" in watching.command("test-alert", "slack", code=1)
    said = watching.command("test-alert", "pager", code=2)
    assert said == "cannot test pager: no such channel; there is slack\n"


def test_a_test_alert_without_a_channel_is_refused(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    assert "the configuration names no channel" in watching.command("test-alert", code=2)


# --- what the tests share ------------------------------------------------------------------------


def write_token(watching: WatchedHost, token: str) -> None:
    watching.host.write(TOKEN_FILE, token, mode=0o640, owner="root:service-watchdog")


def since_when(watching: WatchedHost) -> str:
    """Return the moment at which the incident opened, as an alert tells it."""
    opened = next(note["wall"] for note in watching.notes() if note["kind"] == "opened")
    return watching.host.run("date", f"--date=@{int(opened)}", "+%Y-%m-%d %H:%M:%S").stdout.strip()


def open_incidents(watching: WatchedHost) -> int:
    """Return how many services have an incident."""
    return len(with_incident(watching))


def with_incident(watching: WatchedHost) -> set[str]:
    """Name the services that have an incident."""
    return {each["name"] for each in everything(watching)["services"] if each["incident"]}


def pending(watching: WatchedHost) -> int:
    """Return how many alerts have not been delivered."""
    return sum(channel["pending"] for channel in everything(watching)["channels"])


def everything(watching: WatchedHost) -> dict[str, Any]:
    """Return what `status` knows of all services and channels."""
    shown: dict[str, Any] = json.loads(watching.command("status", "--json", code=None))
    return shown


def parsed(mail: dict[str, Any]) -> EmailMessage:
    message = message_from_string(mail["content"], policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def subjects(mails: Sequence[dict[str, Any]], recipient: str) -> Sequence[str]:
    return [str(parsed(mail)["Subject"]) for mail in mails if mail["recipients"] == [recipient]]


# --- many at once --------------------------------------------------------------------------------


def test_a_storm_is_two_messages_that_name_every_service_and_turn_to_resolved(
    watching: WatchedHost,
) -> None:
    """200 services fail within a second and heal again; Slack takes one message a second."""
    host = watching.host
    watching.start_slack()
    host.write_unit("storm@.service", "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n")
    units = [f"storm@{number}.service" for number in range(200)]
    host.systemctl("start", *units, timeout=120)
    host.configure(
        "".join(f'[[service]]\nname = "s{n}"\nunit = "{unit}"\n' for n, unit in enumerate(units))
        + "[defaults]\nmax_failures = 1\nrestart_after = { unit = 0 }\nflap_window = '0s'\n"
        + SLACK
    )
    host.start_daemon()
    host.systemctl("kill", "--signal=KILL", "storm@*.service")
    wait_for(lambda: open_incidents(watching) == len(units), 60, "an incident of each service")
    wait_for(lambda: pending(watching) == 0, 20, "an empty outbox")
    host.systemctl("start", *units, timeout=120)
    wait_for(lambda: open_incidents(watching) == 0, 60, "no incident")
    wait_for(lambda: pending(watching) == 0, 60, "an empty outbox")
    posted = [each for each in watching.requests() if each["method"] == "chat.postMessage"]
    begun = json.dumps([each["body"] for each in posted if "thread_ts" not in each["body"]])
    in_channel = watching.in_channel(1)
    assert len(in_channel) in {1, 2}  # the first ones at once, the rest together
    over = json.dumps([message["body"] for message in in_channel])
    for number in range(200):
        name = re.compile(rf"\bs{number}\b")
        assert name.search(begun), number
        assert name.search(over), number
    assert all(message["body"]["text"].startswith("RESOLVED") for message in in_channel)


def test_an_outage_of_slack_that_outlasts_two_daemons_is_told_in_one_message(
    watching: WatchedHost,
) -> None:
    """Nobody else is told meanwhile: there is no fallback. One of five is well again by then."""
    host = watching.host
    host.write_unit("storm@.service", "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n")
    units = [f"storm@{number}.service" for number in range(5)]
    host.systemctl("start", *units)
    host.configure(
        "".join(f'[[service]]\nname = "s{n}"\nunit = "{unit}"\n' for n, unit in enumerate(units))
        + "[defaults]\nmax_failures = 1\nrestart_after = { unit = 0 }\n"
        + SLACK
    )
    host.start_daemon()
    for number in (0, 1):
        host.kill(units[number])
    wait_for(lambda: open_incidents(watching) == 2, 20, "the first two incidents")
    watching.kill_daemon()
    host.systemctl("start", units[0])
    for number in (2, 3, 4):
        host.kill(units[number])
    wait_for(
        lambda: with_incident(watching) == {"s1", "s2", "s3", "s4"}, 20, "three more, one over"
    )
    waiting = pending(watching)
    host.systemctl("restart", DAEMON)
    assert pending(watching) == waiting >= 6
    watching.start_slack()
    host.systemctl("reload", DAEMON)
    wait_for(lambda: pending(watching) == 0, 20, "an empty outbox")
    [message] = watching.in_channel(1)
    told = message["body"]["text"]
    assert told.startswith("FIRING testhost: 4 firing, 1 resolved: ")
    assert "\ns0: resolved, down " in told
    for number in (1, 2, 3, 4):
        assert f"\ns{number}: firing, storm@{number}.service killed by SIGKILL" in told
    host.systemctl("start", *units)
    wait_for(lambda: open_incidents(watching) == 0, 20, "no incident")
    wait_for(lambda: pending(watching) == 0, 60, "an empty outbox")
    [message] = watching.in_channel(1)
    assert message["body"]["text"].startswith("RESOLVED testhost: 5 services")
    assert [channel["dead"] for channel in everything(watching)["channels"]] == [0]
