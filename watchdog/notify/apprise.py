"""Any service that the library apprise knows: Telegram, Discord, ntfy, Pushover, …

The library waits and never says for how long, and once imported its 40 MB would stay for ever. So
each alert is sent by a process of its own, which is killed when it takes too long. The URL, which
holds the token, goes to it by a pipe: a command line can be read by everybody.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

import msgspec

from watchdog.core.model import AlertKind
from watchdog.errors import (
    DeliveryError,
    RejectedDeliveryError,
    RepairNeededError,
    TemporaryDeliveryError,
)
from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.ports import Message, Receipt
from watchdog.program import Program
from watchdog.thread import in_thread

CHILD = ("-I", "-m", "watchdog.notify.apprise_child")

KINDS = {
    AlertKind.RESOLVED: "success",
    AlertKind.WARNING: "warning",
    AlertKind.WARNING_OVER: "success",
    AlertKind.NOTICE: "warning",
    AlertKind.TEST: "info",
}

# What the child says -> what the operator does about it.
REPAIRS = {
    "missing": "the package apprise is not installed any more; install it again",
    "unknown-url": "apprise does not understand the URL; correct it",
}

# @everyone, <@4711>, <!channel> and @name, but not the @ of an address. An invisible character
# behind it keeps services from pinging people.
MENTION = re.compile(
    r"@(?=everyone|here|channel|[!&]?[0-9])|(?<![\w.+-])@(?=\w)"
    r"|<!(?=everyone|here|channel|subteam)",
    re.IGNORECASE,
)

# What the child is given of our environment. No proxies: as for every other channel.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")

REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Verdict(msgspec.Struct):
    """What the child says became of an alert."""

    outcome: str  # sent, failed, unknown-url, missing
    statuses: list[int] = []  # of HTTP, as far as the library tells


@dataclass(frozen=True, slots=True)
class Target:
    """Where one service is, and how it is called in messages."""

    name: str
    url: str = field(repr=False)


class Apprise:
    """Sends to one service of apprise's. Implements ports.Notifier."""

    def __init__(
        self, target: Target, *, timeout: float = 30.0, command: Sequence[str] = CHILD
    ) -> None:
        self._target = target
        self._timeout = timeout
        self._command = command

    async def prepare(self) -> None:
        """Do nothing: what sends an alert lives no longer than that takes."""

    async def send(self, message: Message, key: str) -> Receipt:
        """Send *message* by a process of its own; the services know no *key*."""
        del key
        request = {
            "url": self._target.url,
            "title": inert(message.title),
            "body": inert(body(message)),
            "kind": KINDS.get(message.alert.kind, "failure"),
        }
        verdict = await self._run(msgspec.json.encode(request))
        if error := failure(verdict, self._target.name):
            raise error
        return Receipt()

    async def close(self) -> None:
        """Do nothing: no process outlives its alert."""

    async def _run(self, request: bytes) -> Verdict:
        """Return what the child makes of *request*; it is killed by then. Raises DeliveryError."""
        cannot = f"cannot deliver to {self._target.name}"
        program = Program(
            [sys.executable, *self._command],
            stdin=subprocess.PIPE,  # and errors go nowhere: they may quote the URL
            env=environment(os.environ),
        )
        try:
            async with asyncio.timeout(self._timeout):
                said, status = await in_thread(partial(_answer, program, request))
        except TimeoutError:
            why = f"no answer within {self._timeout:g} s; should it have arrived all the same, "
            raise TemporaryDeliveryError(f"{cannot}: {why}it will arrive twice") from None
        except OSError as error:
            why = f"no process can be started: {error.strerror}"
            raise TemporaryDeliveryError(f"{cannot}: {why}") from None
        finally:
            program.stop()  # with all that it may have started
        try:
            return msgspec.json.decode(said, type=Verdict)
        except msgspec.DecodeError:
            why = f"what sends it ended with status {status} and without a word"
            raise TemporaryDeliveryError(f"{cannot}: {why}") from None


def _answer(program: Program, request: bytes) -> tuple[bytes, int | None]:
    """Return what *program* answers to *request*, and how it ended. Blocks. Raises OSError."""
    child = program.start()
    try:
        assert child.stdin is not None  # noqa: S101 - pipes were asked for
        assert child.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError), child.stdin as asked:
            asked.write(request)
        said = child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    finally:
        status = program.end(child)
    return said, status


def environment(ours: Mapping[str, str]) -> Mapping[str, str]:
    """Return the child's environment: neither secrets nor proxies of *ours*."""
    return {name: ours[name] for name in PASSED_ON if name in ours}


def body(message: Message) -> str:
    """Return the text below the title, the most urgent first: a service may cut its end off."""
    parts = ["\n".join(message.lines)]
    if message.evidence:
        parts.append("\n".join([f"{message.evidence_label}:", *message.evidence]))
    return "\n\n".join(parts)


def inert(text: str) -> str:
    """Return *text*, in which foreign words may mention somebody, with nobody mentioned."""
    return MENTION.sub("\\g<0>\N{ZERO WIDTH SPACE}", text)


def failure(verdict: Verdict, name: str) -> DeliveryError | None:
    """Return what *verdict* means for an alert, None if it was sent."""
    cannot = f"cannot deliver to {name}"
    statuses = verdict.statuses
    if verdict.outcome == "sent":
        return None
    if why := REPAIRS.get(verdict.outcome):
        return RepairNeededError(f"{cannot}: {why}", REPAIR_PAUSE)
    if not statuses:
        return TemporaryDeliveryError(f"{cannot}: the service was not reached, or did not take it")
    answered = f"the service answered {', '.join(map(str, statuses))}"
    if any(status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR for status in statuses):
        return TemporaryDeliveryError(f"{cannot}: {answered}, which may pass")
    if all(status in REFUSED for status in statuses):
        return RejectedDeliveryError(f"{cannot}: {answered}: it refuses this alert")
    return RepairNeededError(f"{cannot}: {answered}; check the URL", REPAIR_PAUSE)
