"""Email over SMTP, one notifier for each recipient: what became of each is known for each.

Nothing here imports aiosmtplib or the standard library's email: a daemon that has no alert to
send does not pay for them. ``prepare`` imports them in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from watchdog.notify.lazy import import_beside_loop
from watchdog.ports import Message, Receipt

Tls = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class Server:
    """The SMTP server that takes our mail.

    tls: "starttls" insists on the upgrade, "tls" speaks TLS from the first byte, "none" never.
    """

    host: str
    port: int = 587
    tls: Tls = "starttls"
    username: str = ""  # empty: no authentication
    password: str = field(default="", repr=False)
    local_hostname: str = "localhost"  # our name in EHLO
    ca_file: str | None = None  # authorities to trust besides the system's own
    timeout: float = 12.0  # seconds for the whole exchange


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom, to whom; ``recipients`` are all who get the alert, ``recipient`` this mail's."""

    sender: str
    recipient: str
    recipients: Sequence[str]


class EmailNotifier:
    """Sends to *recipient*; ``recipients``, all who get the alert, are named in the mail."""

    def __init__(
        self,
        recipient: str,
        *,
        sender: str,
        server: Server,
        recipients: Sequence[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._envelope = Envelope(sender, recipient, tuple(recipients) or (recipient,))
        self._server = server
        self._now = now
        self._wire: Any = None  # mail_wire.Wire, once it is imported

    async def _open(self) -> Any:
        if self._wire is None:
            module = await import_beside_loop("watchdog.notify.mail_wire")
            self._wire = module.Wire(self._server)
        return self._wire

    async def prepare(self) -> None:
        """Import, and read the system's authorities; not connect: SMTP servers drop the idle."""
        wire = await self._open()
        await wire.prepare()

    async def send(self, message: Message, key: str) -> Receipt:
        """Hand *message* over for the one recipient; *key* becomes its Message-ID."""
        wire = await self._open()
        details = await wire.deliver(message, key, self._envelope, self._now())
        return Receipt(details)

    async def close(self) -> None:
        """Do nothing: no connection outlives its mail."""
