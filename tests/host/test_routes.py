"""Who is told what on a real host, and who if that cannot be: fallback, canary, heartbeat."""

from __future__ import annotations

import asyncio
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest

from tests.host.installed import DAEMON, InstalledHost
from tests.host.peers.healthchecks import Healthchecks, checking
from tests.host.watched_host import API, SLACK, SMTP_PORT, TOLD_AT_ONCE, WatchedHost

PORT = 8095

MAIL = f"""
[[email]]
to         = ["on-call@example.com"]
from       = "watchdog@example.com"
host       = "127.0.0.1"
port       = {SMTP_PORT}
tls        = "none"
timeout    = "2s"
"""

FALLBACK = 'severities = []\n\n[delivery]\nfallback = "email"\nfallback_after = "3s"\n'

HEARTBEAT = f"""
[heartbeat]
url      = "http://127.0.0.1:{PORT}{Healthchecks.PATH}"
interval = "1s"
timeout  = "1s"
"""


# The daemon as it is installed, but for how long it is blind before it says so.
SOON_BLIND = """
import sys
from watchdog import sight
from watchdog.cli.main import main

sight.BLIND_AFTER = 2.0
sys.exit(main(["run", "--config", "/etc/service-watchdog/config.toml"]))
"""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


def body(mail: dict[str, Any]) -> str:
    """Return the plain text of a mail."""
    parsed = message_from_string(mail["content"], policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    plain = parsed.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


def outbox(watching: WatchedHost) -> list[tuple[str, str, str]]:
    """Return destination, kind and status of every letter but updates, oldest first."""
    program = (
        "import json, sqlite3\n"
        'db = sqlite3.connect("file:/var/lib/service-watchdog/state.db?mode=ro", uri=True)\n'
        'print("\\n".join("|".join(row) for row in'
        ' db.execute("SELECT destination, kind, status FROM outbox'
        " WHERE kind <> 'update' ORDER BY id\")))"
    )
    shown = watching.host.run("python3", "-c", program).stdout
    return [tuple(line.split("|")) for line in shown.splitlines()]  # type: ignore[misc]


def test_what_slack_does_not_take_arrives_by_mail_once_whatever_kills_the_daemon(
    watching: WatchedHost,
) -> None:
    """And the mail says why; the end of it goes there by itself, and to Slack when it is back."""
    watching.start_mail()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK + MAIL + FALLBACK)
    watching.fail()
    watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    watching.kill_daemon()
    [mail] = watching.mails(1)
    assert "has not taken this for" in body(mail)
    assert "Connection refused" in body(mail)
    watching.kill_daemon()
    watching.heal()
    watching.mails(2)
    watching.start_slack()
    watching.host.systemctl("reload", DAEMON)  # a person need not wait for the next try
    watching.delivered("slack", "email:on-call@example.com")
    [message] = watching.messages(1)
    assert message.startswith(f"RESOLVED {API}"), message
    assert outbox(watching) == [
        ("slack", "firing", "sent"),
        ("email:on-call@example.com", "firing", "sent"),
        ("slack", "resolved", "sent"),
        ("email:on-call@example.com", "resolved", "sent"),
    ]
    assert len(watching.mails()) == 2


def test_a_revoked_token_sends_alerts_to_the_fallback_at_once(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_mail()
    watching.start_sample()
    tables = SLACK.replace("xoxb-", "xoxb-revoked-") + MAIL + FALLBACK
    watching.watch(TOLD_AT_ONCE, tables=tables.replace('"3s"', '"1h"'))
    watching.fail()
    [mail] = watching.mails(1)
    assert "invalid_auth" in body(mail)


def test_channels_get_what_they_take(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_mail()
    watching.start_sample()
    severities = 'severities = ["info"]\n'
    watching.watch(TOLD_AT_ONCE, tables=f'{SLACK}services = ["langchain-*"]\n{MAIL}{severities}')
    watching.fail()
    watching.messages(1)
    watching.heal()
    watching.messages(2)
    assert watching.mails() == ()
    assert {destination for destination, _, _ in outbox(watching)} == {"slack"}
    said = watching.command("test-alert", "email")
    assert "email:on-call@example.com: delivered" in said
    watching.mails(1)


def test_the_canary_tells_of_a_dead_channel_on_the_others_and_is_not_sent_twice(
    watching: WatchedHost,
) -> None:
    watching.start_mail()
    watching.start_sample()
    delivery = '[delivery]\nfallback_after = "3s"\ncanary = "daily 00:00"\n'
    watching.watch(tables=SLACK + MAIL + delivery)
    test, notice = watching.mails(2)
    assert "daily test" in body(test)
    assert "slack has taken no alerts since" in body(notice)
    watching.kill_daemon()
    watching.host.systemctl("reload", DAEMON)
    assert sorted(outbox(watching)) == [
        ("email:on-call@example.com", "notice", "sent"),
        ("email:on-call@example.com", "test", "sent"),
        ("slack", "test", "pending"),
    ]


async def test_the_heartbeat_stays_away_when_the_daemon_hangs_and_says_goodbye_when_it_is_stopped(
    watching: WatchedHost,
) -> None:
    host = watching.host
    async with checking(sock=host.listen(PORT)) as checks:
        watching.start_sample()
        watching.configure(tables=HEARTBEAT)
        await host.arun("systemctl", "start", DAEMON)
        pings = await checks.wait_for(2)
        assert {ping.signal for ping in pings} == {"success"}
        assert "1 healthy" in pings[0].body
        await host.arun("systemctl", "kill", "--signal=STOP", DAEMON)
        with pytest.raises(TimeoutError):
            await checks.wait_for(len(checks.pings) + 2, timeout=3)
        await host.arun("systemctl", "kill", "--signal=CONT", DAEMON)
        await checks.wait_for(len(checks.pings) + 1)
        await host.arun("systemctl", "stop", DAEMON)
        last = checks.pings[-1]
    assert last.signal == "log"
    assert "is being stopped" in last.body


async def test_a_heartbeat_that_is_not_taken_is_shown_in_status_and_costs_nothing_else(
    watching: WatchedHost,
) -> None:
    host = watching.host
    async with checking(sock=host.listen(PORT)) as checks:
        checks.mode = "status 503"
        watching.start_sample()
        watching.configure(tables=HEARTBEAT)
        await host.arun("systemctl", "start", DAEMON)
        await host.arun("service-watchdog", "check", API)
        overview = await host.arun("service-watchdog", "status")
        while "cannot send the heartbeat: it answered 503" not in overview.stdout:
            overview = await host.arun("service-watchdog", "status")
        checks.mode = "ok"
        await checks.wait_for(1)
        shown = await host.arun("service-watchdog", "config", "show")
        assert Healthchecks.CHECK not in shown.stdout


async def test_the_heartbeat_fails_when_nobody_can_be_told(watching: WatchedHost) -> None:
    host = watching.host
    delivery = '[delivery]\nfallback_after = "2s"\n'
    async with checking(sock=host.listen(PORT)) as checks:
        await asyncio.to_thread(watching.start_sample)
        watching.configure(TOLD_AT_ONCE, tables=SLACK + delivery + HEARTBEAT)
        await host.arun("systemctl", "start", DAEMON)
        await checks.wait_for(1)
        await asyncio.to_thread(watching.fail)
        while checks.pings[-1].signal == "success":
            await checks.wait_for(len(checks.pings) + 1)
        failed = checks.pings[-1]
        await asyncio.to_thread(watching.start_slack)
        await host.arun("systemctl", "reload", DAEMON)
        while checks.pings[-1].signal != "success":
            await checks.wait_for(len(checks.pings) + 1)
    assert failed.signal == "fail"
    assert failed.body.startswith("not well: no channel has taken an alert for ")
    assert f"{API} failing (incident " in failed.body


async def test_the_heartbeat_fails_while_the_daemon_is_blind_and_says_what_it_cannot_judge(
    watching: WatchedHost,
) -> None:
    """The bus is gone: systemd cannot be asked, so nothing can be judged and nobody is blamed."""
    host = watching.host
    async with checking(sock=host.listen(PORT)) as checks:
        await asyncio.to_thread(watching.start_sample)
        host.write("/run/soon_blind.py", SOON_BLIND)
        installed = (await host.arun("readlink", "-f", "/opt/service-watchdog/bin")).stdout.strip()
        start = f"ExecStart=\nExecStart={installed}/python /run/soon_blind.py"
        await asyncio.to_thread(watching.daemon_option, start)
        watching.configure(tables=HEARTBEAT)
        await host.arun("systemctl", "start", DAEMON)
        await checks.wait_for(1)
        await host.arun("systemctl", "stop", "dbus.socket", "dbus.service")
        while checks.pings[-1].signal == "success":
            await checks.wait_for(len(checks.pings) + 1)
        failed = checks.pings[-1]
        await host.arun("systemctl", "start", "dbus.socket", "dbus.service")
        while checks.pings[-1].signal != "success":
            await checks.wait_for(len(checks.pings) + 1)
    assert failed.signal == "fail"
    assert f"cannot judge {API} for " in failed.body
    assert "1 healthy" in checks.pings[-1].body
