"""Alerts through a real mail server into real mailboxes: Exim, with TLS and a login."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

import pytest

from tests.host.exim import PASSWORD, PORT, USER, Exim
from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, TOLD_AT_ONCE, WatchedHost
from watchdog.notify.phrases import LATE

ALICE, BOB, NOBODY = "alice@example.com", "bob@example.com", "carol@example.com"


def table(*to: str, ca_file: str = Exim.ca_file) -> str:
    return f"""
[email]
to       = {list(to)}
from     = "Watchdog <watchdog@example.com>"
host     = "127.0.0.1"
port     = {PORT}
username = "{USER}"
password = "{PASSWORD}"
ca_file  = "{ca_file}"
timeout  = "5s"
"""


@pytest.fixture(scope="module")
def lasting(lasting_host: InstalledHost) -> WatchedHost:
    """A host whose mail server has mailboxes for alice and bob; the daemon is not running."""
    Exim(lasting_host).install("alice", "bob")
    watching = WatchedHost(lasting_host)
    watching.start_sample()
    return watching


@pytest.fixture
def watching(lasting: WatchedHost) -> Iterator[WatchedHost]:
    """The same with the server running, empty mailboxes, and a daemon that knows of nothing."""
    Exim(lasting.host).start()
    yield lasting
    lasting.stop_daemon()
    lasting.behave(status=None, body=None)
    lasting.host.sh("rm -rf /var/lib/service-watchdog/* /home/*/Maildir")


@pytest.fixture
def exim(watching: WatchedHost) -> Exim:
    return Exim(watching.host)


def test_an_incident_is_a_thread_of_mails_in_the_mailbox_of_each_recipient(
    watching: WatchedHost, exim: Exim
) -> None:
    watching.watch(TOLD_AT_ONCE, tables=table(ALICE, BOB))
    watching.behave(body="out of order: grüße")
    watching.fail()
    exim.mails("alice", 1)
    exim.mails("bob", 1)
    watching.behave(body=None)
    watching.heal()
    exim.mails("alice", 2)
    watching.delivered(f"email:{ALICE}", f"email:{BOB}")
    boxes = [exim.mails(user) for user in ("alice", "bob")]
    for mails in boxes:
        assert subjects(mails) == [f"FIRING {API}", f"RESOLVED {API}"]
        firing, resolved = mails
        assert parts(firing) == parts(resolved) == ["text/plain", "text/html"]
        assert 'out of order: grüße"' in text(firing)
        assert "out of order" in text(firing, "html")
        assert firing["To"] == f"{ALICE}, {BOB}"
        assert firing["References"] == firing["In-Reply-To"] == resolved["References"]
        assert firing["Message-ID"] != resolved["Message-ID"]
        assert "with esmtpsa" in firing["Received"], "over TLS, by who had logged in"
    assert boxes[0][0]["References"] != boxes[1][0]["References"]


def test_a_recipient_whom_the_server_does_not_know_is_a_dead_letter_of_its_own(
    watching: WatchedHost, exim: Exim
) -> None:
    watching.watch(TOLD_AT_ONCE, tables=table(NOBODY, ALICE, BOB))
    watching.fail()
    refused = watching.wait_for_channel(f"email:{NOBODY}", lambda channel: channel["dead"])
    assert "the server refuses the recipient" in refused["last_error"]
    assert '"550 no such user here"' in refused["last_error"]
    assert (refused["dead"], refused["pending"]) == (1, 0)
    watching.delivered(f"email:{ALICE}", f"email:{BOB}")
    watching.heal()
    watching.wait_for_channel(f"email:{NOBODY}", lambda channel: channel["dead"] == 2)
    watching.delivered(f"email:{ALICE}", f"email:{BOB}")
    for user in ("alice", "bob"):
        assert subjects(exim.mails(user)) == [f"FIRING {API}", f"RESOLVED {API}"]


@pytest.mark.timeout(180)
def test_what_happens_while_the_server_is_away_is_told_once_when_it_is_back(
    watching: WatchedHost, exim: Exim
) -> None:
    told_when_back(watching, exim, down_for=0)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_what_is_told_more_than_a_minute_late_says_so(watching: WatchedHost, exim: Exim) -> None:
    mail = told_when_back(watching, exim, down_for=LATE)
    assert " s late, down since " in text(mail)


def told_when_back(watching: WatchedHost, exim: Exim, *, down_for: float) -> EmailMessage:
    """Return what is told of a failure once the server is back; a second daemon sends it."""
    exim.stop()
    watching.watch(TOLD_AT_ONCE, tables=table(ALICE))
    opened = watching.fail()["incident"]["opened"]
    waiting = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "cannot connect to port 587: Connection refused" in waiting["last_error"]
    watching.kill_daemon()
    wait_for(lambda: time.time() >= opened + down_for, down_for + 10, "the outage to last")
    assert watching.channel(f"email:{ALICE}")["pending"] == 1
    exim.start()
    watching.host.systemctl("reload", DAEMON)  # a person need not wait for the next try
    [mail] = exim.mails("alice", 1)
    assert subjects([mail]) == [f"FIRING {API}"]
    watching.heal()
    exim.mails("alice", 2)
    watching.delivered(f"email:{ALICE}")
    assert subjects(exim.mails("alice")) == [f"FIRING {API}", f"RESOLVED {API}"]
    return mail


def test_a_server_whose_authority_is_not_the_one_named_gets_nothing(
    watching: WatchedHost, exim: Exim
) -> None:
    watching.watch(TOLD_AT_ONCE, tables=table(ALICE, ca_file=Exim.other_ca_file))
    watching.fail()
    waiting = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "its certificate is not to be trusted" in waiting["last_error"]
    assert "certificate is not to be trusted" in watching.command("status", code=1)
    assert (waiting["pending"], waiting["dead"]) == (1, 0)
    assert exim.mails("alice") == []
    watching.configure(TOLD_AT_ONCE, tables=table(ALICE))
    watching.host.systemctl("reload", DAEMON)
    assert subjects(exim.mails("alice", 1)) == [f"FIRING {API}"]


def test_a_wrong_password_keeps_the_mail_until_it_is_mended(
    watching: WatchedHost, exim: Exim
) -> None:
    wrong = table(ALICE).replace(PASSWORD, "wrong horse")
    watching.watch(TOLD_AT_ONCE, tables=wrong)
    watching.fail()
    waiting = watching.wait_for_channel(f"email:{ALICE}", lambda channel: channel["last_error"])
    assert "the server refuses user name or password" in waiting["last_error"]
    assert "wrong horse" not in watching.host.journal_text(DAEMON)
    watching.configure(TOLD_AT_ONCE, tables=table(ALICE))
    watching.host.systemctl("reload", DAEMON)
    assert subjects(exim.mails("alice", 1)) == [f"FIRING {API}"]


def subjects(mails: Sequence[EmailMessage]) -> Sequence[str]:
    """Return the subjects without their causes."""
    return [str(mail["Subject"]).partition(":")[0].partition(" after ")[0] for mail in mails]


def parts(mail: EmailMessage) -> Sequence[str]:
    assert mail.get_content_type() == "multipart/alternative"
    return [part.get_content_type() for part in mail.iter_parts()]


def text(mail: EmailMessage, subtype: str = "plain") -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content())
