"""An SMTP server of one's own, and its moods.

Runs inside a test host as a program, or in a test's own event loop:

    async with SmtpServer() as smtp:
        smtp.behaviour = Behaviour(refuse={"gone@example.com": 550})
        …  # send to smtp.port
        [mail] = await smtp.wait_for_mails(1)
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import enum
import itertools
import json
import socket
import ssl
import tempfile
import time
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.host.peers.arrivals import WAIT_SECONDS, Arrivals
from tests.host.peers.certificate import self_signed
from tests.host.peers.lifetime import stopped
from tests.host.peers.record import Record, notify_ready


class Mode(enum.StrEnum):
    """How the server is today."""

    OK = "ok"
    REFUSE_CONNECTION = "refuse_connection"
    """Greet with 421 and hang up."""
    HANG = "hang"
    """Take the connection and say nothing."""
    HANG_AFTER_DATA = "hang_after_data"
    """Take the message and never say so."""
    DROP_AFTER_DATA = "drop_after_data"
    """Take the message and cut the connection instead of saying so."""
    DEFER_DATA = "defer_data"
    """Answer the message with 451; it is not taken."""


@dataclasses.dataclass(frozen=True, slots=True)
class Behaviour:
    mode: Mode = Mode.OK
    refuse: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Recipients to refuse, and the code: 4xx for now, 5xx for good."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a JSON object says: {"mode": …, "refuse": {RECIPIENT: CODE}}."""
        wanted = json.loads(text)
        return cls(Mode(wanted.get("mode", Mode.OK)), wanted.get("refuse", {}))


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """A message that was taken, or would have been: `outcome` is ok, or the mode."""

    outcome: str
    sender: str
    recipients: Sequence[str]
    content: str
    tls: bool
    login: str
    at: float
    """When it was complete: seconds since the epoch."""
    monotonic: float
    """The same moment as CLOCK_MONOTONIC, which all hosts of a machine share."""

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content.encode(), policy=policy.default)


class SmtpServer:
    """SMTP on the loopback interface, or on the listening socket *sock*.

    *starttls*: offer it, with a certificate that nobody trusts yet, in `certificate`; *login*: the
    user and password to ask for. *behaviour_file*: says how to behave, read anew each time.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        sock: socket.socket | None = None,
        record: Path | None = None,
        starttls: bool = False,
        login: tuple[str, str] | None = None,
        behaviour_file: Path | None = None,
    ) -> None:
        self.mails: list[Mail] = []
        self.behaviour = Behaviour()
        self.certificate: Path | None = None
        self._address = (host, port)
        self._given_sock = sock
        self._record_path = record
        self._record = Record()
        self._starttls = starttls
        self._login = login
        self._behaviour_file = behaviour_file
        self._arrivals = Arrivals()
        self._serial = itertools.count(1)

    async def __aenter__(self) -> Self:
        self._sock = self._given_sock or socket.create_server(self._address)
        self._record = Record(self._record_path)
        self._directory = tempfile.TemporaryDirectory(prefix="smtp-")
        self._tls: ssl.SSLContext | None = None
        if self._starttls:
            self._tls, self.certificate = self_signed(Path(self._directory.name))
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=self._sock)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self._record.close()
        self._directory.cleanup()

    @property
    def port(self) -> int:
        return int(self._sock.getsockname()[1])

    async def wait_for_mails(
        self,
        count: int,
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109
    ) -> list[Mail]:
        """Return the mails as soon as there are *count*; TimeoutError if that takes too long."""
        return await self._arrivals.wait_for(self.mails, count, timeout)

    def _behave(self) -> Behaviour:
        if self._behaviour_file is not None and self._behaviour_file.exists():
            self.behaviour = Behaviour.parse(self._behaviour_file.read_text(encoding="utf-8"))
        return self.behaviour

    def _protocol(self) -> asyncio.Protocol:
        """Return what talks on the connection that was just made."""
        match self._behave().mode:
            case Mode.REFUSE_CONNECTION:
                return _Greeting(b"421 4.3.2 Service not available, closing channel\r\n")
            case Mode.HANG:
                return _Greeting(None)
        smtp: asyncio.Protocol = SMTP(
            self,
            hostname="mail.example.com",
            enable_SMTPUTF8=True,
            tls_context=self._tls,
            auth_required=self._login is not None,
            auth_require_tls=self._tls is not None,
            authenticator=self._authenticate,
        )
        return smtp

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and self._login == (
            given.login.decode(),
            given.password.decode(),
        )
        return AuthResult(success=right, handled=right)

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        code = self._behave().refuse.get(address)
        if code is not None:
            reason = "try again later" if code < 500 else "no such user here"
            return f"{code} {code // 100}.1.1 <{address}>: {reason}"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        mode, content = self._behave().mode, envelope.content
        assert isinstance(content, bytes)
        mail = Mail(
            outcome=mode.value,
            sender=str(envelope.mail_from),
            recipients=list(envelope.rcpt_tos),
            content=content.decode(errors="replace"),
            tls=session.ssl is not None,
            login=self._login[0] if self._login and session.authenticated else "",
            at=time.time(),
            monotonic=time.monotonic(),
        )
        self.mails.append(mail)
        self._record.add(dataclasses.asdict(mail))
        await self._arrivals.tell()
        match mode:
            case Mode.DEFER_DATA:
                return "451 4.3.0 Try again later"
            case Mode.HANG_AFTER_DATA:
                await asyncio.Event().wait()
            case Mode.DROP_AFTER_DATA:
                assert isinstance(server.transport, asyncio.WriteTransport)
                server.transport.abort()
        return f"250 2.0.0 OK: queued as {next(self._serial):08X}"


class _Greeting(asyncio.Protocol):
    """Says *line* and hangs up; with none, says nothing for ever."""

    def __init__(self, line: bytes | None) -> None:
        self._line = line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._line is not None:
            assert isinstance(transport, asyncio.WriteTransport)
            transport.write(self._line)
            transport.close()


async def serve(options: argparse.Namespace) -> None:
    login = tuple(options.login.split(":", 1)) if options.login else None
    async with SmtpServer(
        options.port,
        host=options.host,
        record=options.record,
        starttls=options.starttls,
        login=login,
        behaviour_file=options.behaviour,
    ) as server:
        print(server.port, server.certificate or "", flush=True)
        notify_ready()
        await stopped()


def main() -> None:
    parser = argparse.ArgumentParser(description="An SMTP server of one's own.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; printed at start")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--record", type=Path, help="append each mail to this file, as JSON")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--login", metavar="USER:PASSWORD")
    parser.add_argument("--behaviour", type=Path, help="a file of JSON that says how to behave")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
