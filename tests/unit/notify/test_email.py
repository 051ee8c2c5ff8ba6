"""Email: what arrives, over real SMTP, and what each answer of a server means."""

from __future__ import annotations

import asyncio
import base64
import ssl
import traceback
from dataclasses import replace
from datetime import UTC
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.peers.certificate import self_signed
from tests.host.peers.smtp import Behaviour, Mode, SmtpServer
from tests.unit.notify.alerts import ENGLISH, KOREAN, OPENED, message
from tests.unit.notify.scripted import CUT, SILENCE, scripted
from watchdog.errors import DeliveryError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.notify.email import EmailNotifier, Envelope, Server
from watchdog.notify.mail_message import compose
from watchdog.notify.render import render
from watchdog.words.catalogue import Catalogue

pytestmark = pytest.mark.adapter

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
ANN, BOB = "ann@example.com", "bob@example.com"
PASSWORD = "correct horse"
LOCAL = Server("127.0.0.1", tls="none", timeout=2.0, local_hostname="web-1")


def notifier(server: Server, port: int, recipient: str = ANN) -> EmailNotifier:
    return EmailNotifier(
        recipient,
        sender="Watchdog <watchdog@example.com>",
        server=replace(server, port=port),
        recipients=(ANN, BOB),
        now=lambda: OPENED + 60,
    )


async def failure(email: EmailNotifier) -> DeliveryError:
    """Return the error of one sending, after making sure that it gives away nothing."""
    with pytest.raises(DeliveryError) as caught:
        await email.send(message(), KEY)
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert base64.b64encode(PASSWORD.encode()).decode() not in shown
    assert base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode() not in shown
    return caught.value


@pytest.fixture(scope="module", name="tls_and_certificate")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(tls_and_certificate: tuple[ssl.SSLContext, Path]) -> ssl.SSLContext:
    return tls_and_certificate[0]


@pytest.fixture
def certificate(tls_and_certificate: tuple[ssl.SSLContext, Path]) -> Path:
    return tls_and_certificate[1]


# --- what arrives -------------------------------------------------------------------------------


async def test_a_mail_names_all_recipients_and_goes_to_one() -> None:
    async with SmtpServer() as smtp:
        email = notifier(LOCAL, smtp.port)
        await email.prepare()
        receipt = await email.send(message(), KEY)
        await email.close()
    [mail] = smtp.mails
    assert (mail.sender, list(mail.recipients)) == ("watchdog@example.com", [ANN])
    headers = mail.message
    assert headers["To"] == f"{ANN}, {BOB}"
    assert headers["From"] == "Watchdog <watchdog@example.com>"
    assert headers["Subject"] == 'FIRING langchain-api: /health answered 500: "database is locked"'
    assert headers["Date"] == "Sat, 22 Nov 2025 02:14:00 +0000"
    assert headers["Message-ID"] == f"<{KEY}@example.com>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers.get_content_type() == "multipart/alternative"
    plain, html = headers.iter_parts()
    for part, kind in ((plain, "text/plain"), (html, "text/html")):
        assert part.get_content_type() == kind
        assert "sqlite3.OperationalError: database is locked" in part.get_content()
    assert receipt.details["message_id"] == f"<{KEY}@example.com>"
    assert receipt.details["words"].startswith("2.0.0 OK: queued as")


async def test_what_the_server_calls_the_mail_is_kept() -> None:
    async with scripted() as server:
        receipt = await notifier(LOCAL, server.port).send(message(), KEY)
    assert receipt.details["words"] == "Ok 0102018f-ses-id"
    assert server.heard[0] == "EHLO web-1"


def mail_of(name: str, recipient: str = ANN, key: str = KEY) -> dict[str, str]:
    shown = compose(message(name), key, Envelope("w@example.com", recipient, (ANN, BOB)), OPENED)
    return {header: str(value) for header, value in shown.items()}


def test_all_mails_of_an_incident_to_a_recipient_are_one_thread() -> None:
    mails = [mail_of("firing"), mail_of("gave-up", key="2"), mail_of("resolved", key="3")]
    assert len({mail["References"] for mail in mails}) == 1
    assert all(mail["In-Reply-To"] == mail["References"] for mail in mails)
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert mail_of("firing", BOB)["References"] != mails[0]["References"]


def test_what_belongs_to_no_incident_belongs_to_no_thread() -> None:
    assert not mail_of("test").keys() & {"References", "In-Reply-To"}


async def test_required_starttls_is_used_and_the_login_happens_inside() -> None:
    async with SmtpServer(starttls=True, login=("ann", PASSWORD)) as smtp:
        secure = replace(
            LOCAL, tls="starttls", username="ann", password=PASSWORD, ca_file=str(smtp.certificate)
        )
        email = notifier(secure, smtp.port)
        await email.prepare()
        await email.send(message(), KEY)
    [mail] = smtp.mails
    assert mail.tls
    assert mail.login == "ann"


async def test_tls_from_the_first_byte(certificate: Path, tls: ssl.SSLContext) -> None:
    async with scripted(tls=tls) as server:
        secure = replace(LOCAL, tls="tls", ca_file=str(certificate))
        await notifier(secure, server.port).send(message(), KEY)
    assert "RCPT TO:<ann@example.com>" in server.heard


async def test_a_server_that_forgets_its_farewell_has_taken_the_mail() -> None:
    async with scripted({"QUIT": CUT}) as server:
        await notifier(LOCAL, server.port).send(message(), KEY)
    async with scripted({"QUIT": "500 no"}) as server:
        await notifier(LOCAL, server.port).send(message(), KEY)


def test_the_password_is_not_shown() -> None:
    assert PASSWORD not in repr(replace(LOCAL, password=PASSWORD))


# --- how it fails -------------------------------------------------------------------------------


async def test_without_the_required_starttls_nothing_is_sent() -> None:
    async with scripted() as server:
        secure = replace(LOCAL, tls="starttls", username="ann", password=PASSWORD)
        error = await failure(notifier(secure, server.port))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        "cannot mail ann@example.com through 127.0.0.1: "
        "it offers no STARTTLS, and without it nothing is sent; check port and tls"
    )
    assert error.retry_after == 300.0
    assert server.heard == ["EHLO web-1"]


async def test_a_certificate_that_is_not_trusted_stops_the_mail(tls: ssl.SSLContext) -> None:
    async with SmtpServer(starttls=True) as smtp, scripted(tls=tls) as server:
        upgraded = await failure(notifier(replace(LOCAL, tls="starttls"), smtp.port))
        direct = await failure(notifier(replace(LOCAL, tls="tls"), server.port))
    for error in (upgraded, direct):
        assert isinstance(error, TemporaryDeliveryError)
        assert "its certificate is not to be trusted (self-signed certificate)" in str(error)
        assert error.retry_after == 300.0
    assert smtp.mails == []
    assert server.heard == []


async def test_one_refused_recipient_does_not_stop_the_others() -> None:
    async with SmtpServer() as smtp:
        smtp.behaviour = Behaviour(refuse={ANN: 550})
        error = await failure(notifier(LOCAL, smtp.port, ANN))
        await notifier(LOCAL, smtp.port, BOB).send(message(), KEY)
    assert isinstance(error, RejectedDeliveryError)
    assert str(error) == (
        "cannot mail ann@example.com through 127.0.0.1: the server refuses the recipient, "
        '"550 5.1.1 <ann@example.com>: no such user here"'
    )
    assert [list(mail.recipients) for mail in smtp.mails] == [[BOB]]


async def test_a_deferred_recipient_is_tried_again() -> None:
    async with SmtpServer() as smtp:
        smtp.behaviour = Behaviour(refuse={ANN: 450})
        error = await failure(notifier(LOCAL, smtp.port))
    assert isinstance(error, TemporaryDeliveryError)
    assert "450 4.1.1 <ann@example.com>: try again later" in str(error)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.REFUSE_CONNECTION, '"421 4.3.2 Service not available, closing channel"'),
        (Mode.HANG, "no answer within 0.2 s"),
        (Mode.HANG_AFTER_DATA, "no answer within 0.2 s; should the mail have been taken"),
        (Mode.DROP_AFTER_DATA, "the connection was lost; should the mail have been taken"),
        (Mode.DEFER_DATA, '"451 4.3.0 Try again later"'),
    ],
)
async def test_a_servers_troubles_are_temporary(mode: Mode, words: str) -> None:
    async with SmtpServer() as smtp:
        smtp.behaviour = Behaviour(mode)
        error = await failure(notifier(replace(LOCAL, timeout=0.2), smtp.port))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after is None


LOGIN = replace(LOCAL, username="ann", password=PASSWORD)
ECHOED = base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode()
REPAIR = 300.0


@pytest.mark.parametrize(
    ("changes", "server", "words", "retry_after"),
    [
        # for now
        ({"EHLO": "421 too busy"}, LOCAL, "421 too busy", None),
        ({"MAIL": "452 disk full"}, LOCAL, "452 disk full", None),
        ({"RCPT": "421 bye"}, LOCAL, "421 bye", None),
        ({"DATA": "421 bye"}, LOCAL, "421 bye", None),
        ({"AUTH": "454 4.7.0 directory is down"}, LOGIN, "454 4.7.0 directory is down", None),
        ({"MAIL": "nonsense"}, LOCAL, "the server says", None),
        ({"greeting": CUT}, LOCAL, "cannot connect to port", None),
        ({"EHLO": CUT}, LOCAL, "the connection was lost", None),
        ({"content": CUT}, LOCAL, "it will arrive twice", None),
        ({"RCPT": SILENCE}, replace(LOCAL, timeout=0.2), "no answer within 0.2 s", None),
        # until somebody repairs it
        ({"greeting": "554 no SMTP service here"}, LOCAL, "check host and port", REPAIR),
        ({"AUTH": "535 5.7.8 wrong"}, LOGIN, "refuses user name or password", REPAIR),
        ({"AUTH": f"535 got {ECHOED}"}, LOGIN, '"535 got ***"; check both', REPAIR),
        ({"EHLO": "250 mail.example.com"}, LOGIN, "no way to log in that we know", REPAIR),
        ({"MAIL": "530 5.7.0 log in first"}, LOCAL, "530 5.7.0 log in first", REPAIR),
        ({"RCPT": "530 5.7.0 log in first"}, LOCAL, "530 5.7.0 log in first", REPAIR),
        ({"MAIL": "553 not your address"}, LOCAL, "refuses the sender Watchdog", REPAIR),
        ({}, replace(LOCAL, tls="tls"), "it does not speak TLS as expected", REPAIR),
        (
            {},
            replace(LOCAL, tls="tls", ca_file="/nowhere/ca.pem"),
            "cannot read /nowhere/ca.pem; check ca_file",
            REPAIR,
        ),
        ({}, replace(LOCAL, local_hostname="two words"), "is not valid; check them", REPAIR),
    ],
)
async def test_each_answer_that_may_change_keeps_the_alert(
    changes: dict[str, str], server: Server, words: str, retry_after: float | None
) -> None:
    async with scripted(changes) as smtp:
        email = notifier(server, smtp.port)
        await email.prepare()
        error = await failure(email)
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == retry_after


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RCPT": "550 5.1.1 unknown"}, 'refuses the recipient, "550 5.1.1 unknown"'),
        ({"DATA": "554 5.6.0 no"}, 'refuses the mail, "554 5.6.0 no"'),
        ({"content": "554 5.7.1 looks like spam"}, 'refuses the mail, "554 5.7.1 looks like spam"'),
    ],
)
async def test_what_will_never_be_taken_is_rejected_in_the_servers_words(
    changes: dict[str, str], words: str
) -> None:
    async with scripted(changes) as smtp:
        error = await failure(notifier(LOCAL, smtp.port))
    assert isinstance(error, RejectedDeliveryError)
    assert words in str(error)


async def test_a_server_that_takes_only_ascii_addresses_can_be_replaced() -> None:
    async with scripted() as smtp:
        error = await failure(notifier(LOCAL, smtp.port, "jürgen@example.com"))
    assert isinstance(error, TemporaryDeliveryError)
    assert "takes only ASCII addresses" in str(error)
    assert error.retry_after == REPAIR


async def test_a_server_that_is_not_there_is_temporary() -> None:
    error = await failure(notifier(LOCAL, 9))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error).endswith("cannot connect to port 9: Connection refused")


async def test_a_sending_can_be_cancelled() -> None:
    async with scripted({"RCPT": SILENCE}) as smtp:
        sending = asyncio.create_task(notifier(LOCAL, smtp.port).send(message(), KEY))
        while await smtp.said.get() != "RCPT TO:<ann@example.com>":
            pass
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


def test_korean_travels_as_ascii_and_arrives_as_it_was() -> None:
    shown = message("resolved", language="ko")
    mail = compose(shown, KEY, Envelope("w@example.com", ANN, (ANN,)), OPENED)
    wire = mail.as_bytes()
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) <= 78
    read = message_from_bytes(wire, policy=policy.default)
    assert read["Subject"] == shown.title
    plain, html = (part.get_content() for part in read.iter_parts())
    assert "\n다운: 2025년 11월 22일(토) 11:13:00 KST ~ " in plain
    assert plain.endswith("\r\n-- \r\nweb-1의 service-watchdog\r\n")
    assert ">2025년 11월 22일(토) 11:13:00 KST ~ " in html


def test_a_second_try_is_the_same_mail_byte_for_byte() -> None:
    def mail() -> bytes:
        return compose(message(), KEY, Envelope("w@example.com", ANN, (ANN,)), OPENED).as_bytes()

    assert mail() == mail()


hostile = st.text() | st.sampled_from(
    ["boom\r\nBcc: all@example.com\r\n\r\nbody", "é" * 300, "한글" * 300]
)


@settings(deadline=None)
@given(
    text=hostile,
    host=hostile,
    evidence=st.lists(hostile, max_size=5),
    words=st.sampled_from([ENGLISH, KOREAN]),
)
def test_no_text_makes_a_header_or_ends_a_mail(
    text: str, host: str, evidence: list[str], words: Catalogue
) -> None:
    alert = replace(message().alert, reason=text, service=text, incident=text)
    shown = render(alert, host, evidence, alert.wall, UTC, words)
    mail = compose(shown, KEY, Envelope("w@example.com", ANN, (ANN,)), OPENED)
    wire = mail.as_bytes()
    head = wire.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert b"Bcc" not in names
    assert len(names) == len(set(names)) == len(mail.keys())
    assert all(len(line) <= 998 for line in wire.split(b"\r\n"))
    assert wire.isascii()
