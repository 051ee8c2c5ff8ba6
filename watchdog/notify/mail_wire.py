"""The exchange with an SMTP server over aiosmtplib, step by step, and what its failures mean."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from watchdog.errors import (
    DeliveryError,
    RejectedDeliveryError,
    RepairNeededError,
    TemporaryDeliveryError,
)
from watchdog.notify.email import Envelope, Server
from watchdog.notify.lazy import beside_loop
from watchdog.notify.mail_message import compose
from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.text import one_line
from watchdog.ports import Message

FAREWELL = 1.0  # seconds; the mail is the server's by then
WORDS_WIDTH = 300

# RFC 4954: authentication required, too weak, failed, encryption required for it.
AUTHENTICATION = frozenset({530, 534, 535, 538})


class Wire:
    """Makes one connection for each mail; the authorities are read once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._context: ssl.SSLContext | None = None

    async def prepare(self) -> None:
        """Read the authorities; ``deliver`` says so if that is impossible."""
        with contextlib.suppress(OSError):
            await self._tls_context()

    async def _tls_context(self) -> ssl.SSLContext | None:
        if self._context is None and self._server.tls != "none":
            self._context = await beside_loop(lambda: tls_context(self._server.ca_file))
        return self._context

    async def deliver(
        self, message: Message, key: str, envelope: Envelope, wall: float
    ) -> Mapping[str, str]:
        """Hand *message* over, dated *wall*; return our Message-ID and the server's words.

        SES gives the mail a Message-ID of its own and names it there.
        """
        exchange = Exchange(self._server, envelope)
        try:
            mail = compose(message, key, envelope, wall)
            words = await exchange.run(mail, await self._tls_context())
        except (SMTPException, OSError, ValueError) as error:
            raise exchange.failure(error) from None
        return {"message_id": str(mail["Message-ID"]), "words": one_line(words, WORDS_WIDTH)}


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, and those in *ca_file*."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


@dataclass(slots=True)
class Exchange:
    """One connection; ``step`` tells how far it came."""

    server: Server
    envelope: Envelope
    step: str = "prepare"

    async def run(self, mail: EmailMessage, context: ssl.SSLContext | None) -> str:
        """Return the words with which the server took *mail*."""
        server = self.server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.local_hostname,
            timeout=server.timeout,
            use_tls=server.tls == "tls",
            start_tls=False,  # never opportunistic: asked for below, or not at all
            tls_context=context,
        )
        try:
            async with asyncio.timeout(server.timeout):
                self.step = "connect"
                await client.connect()
                if server.tls == "starttls":
                    self.step = "STARTTLS"
                    await client.starttls()
                if server.username:
                    self.step = "login"
                    await client.login(server.username, server.password)
                self.step = "mail"
                refused, words = await client.send_message(
                    mail, sender=self.envelope.sender, recipients=[self.envelope.recipient]
                )
            for address, response in refused.items():
                # With one recipient aiosmtplib raises; were it to change its mind, we notice.
                raise SMTPRecipientRefused(response.code, response.message, address)
            with contextlib.suppress(SMTPException, OSError):
                async with asyncio.timeout(FAREWELL):
                    await client.quit()
        finally:
            client.close()
        return words

    def failure(self, error: Exception) -> DeliveryError:
        """Return what *error* means for the alert, with what the operator can do about it."""
        prefix = f"cannot mail {self.envelope.recipient} through {self.server.host}"
        if isinstance(error, SMTPRecipientsRefused):
            error = error.recipients[0]
        if isinstance(error, SMTPResponseException):
            return self._refusal(error, prefix)
        why, pause = self._trouble(error)
        return TemporaryDeliveryError(f"{prefix}: {why}", pause)

    def _refusal(self, error: SMTPResponseException, prefix: str) -> DeliveryError:
        """Return what the server's *error* means: its code says whether it may work later."""
        words = f'"{error.code} {one_line(self._without_secrets(error.message), WORDS_WIDTH)}"'
        authentication = error.code in AUTHENTICATION or isinstance(error, SMTPAuthenticationError)
        if not 500 <= error.code <= 599:  # noqa: PLR2004
            return TemporaryDeliveryError(f"{prefix}: the server says {words}")
        if authentication:
            why = f"the server refuses user name or password, {words}; check both"
        elif isinstance(error, SMTPSenderRefused):
            why = f"the server refuses the sender {self.envelope.sender}, {words}; check it"
        elif isinstance(error, SMTPRecipientRefused):
            return RejectedDeliveryError(f"{prefix}: the server refuses the recipient, {words}")
        elif isinstance(error, SMTPDataError):
            return RejectedDeliveryError(f"{prefix}: the server refuses the mail, {words}")
        else:
            why = f"the server refuses to serve us ({self.step}), {words}; check host and port"
        return RepairNeededError(f"{prefix}: {why}", REPAIR_PAUSE)

    def _trouble(self, error: Exception) -> tuple[str, float | None]:
        """Return what went wrong, in words, and how long to wait if a person must repair it."""
        pause: float | None = REPAIR_PAUSE
        cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
        match cause:
            case ssl.SSLCertVerificationError():
                why = f"its certificate is not to be trusted ({cause.verify_message})"
                why += "; check host, or have this machine trust the authority that signed it"
            case ssl.SSLError():
                why = "it does not speak TLS as expected; check port and tls"
            case FileNotFoundError() | PermissionError() if self.step == "prepare":
                why = f"cannot read {self.server.ca_file}; check ca_file"
            case SMTPNotSupported():
                why = "it takes only ASCII addresses; check them"
            case ValueError():
                why = "an address, the host name or the password is not valid; check them"
            case TimeoutError():
                why, pause = f"no answer within {self.server.timeout:g} s{self._twice()}", None
            case OSError() if self.step == "connect":
                why, pause = f"cannot connect to port {self.server.port}{_number(cause)}", None
            case OSError():
                why, pause = f"the connection was lost{self._twice()}", None
            case _:
                why = f"{self._missing()}; check port and tls"
        return why, pause

    def _missing(self) -> str:
        if self.step == "STARTTLS":
            return "it offers no STARTTLS, and without it nothing is sent"
        return "it offers no way to log in that we know"

    def _twice(self) -> str:
        if self.step != "mail":
            return ""
        return "; should the mail have been taken all the same, it will arrive twice"

    def _without_secrets(self, words: str) -> str:
        """Return *words* of the server without our password, in case it repeats what we said."""
        user, password = self.server.username, self.server.password
        if not password:
            return words
        encoded = [
            base64.b64encode(part.encode()).decode() for part in (password, f"\0{user}\0{password}")
        ]
        for secret in [password, *encoded]:
            words = words.replace(secret, "***")
        return words


def _number(error: OSError) -> str:
    """Return the system's words for *error*: aiosmtplib and asyncio have their own."""
    number = error.errno or getattr(error.__cause__, "errno", None)
    return f": {os.strerror(number)}" if number else ""
