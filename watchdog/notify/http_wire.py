"""One session with aiohttp, and what its failures mean; importing this is what costs.

Not a word of an exception of its goes further: some quote the address, and an address may be a
secret.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.route import Route

if TYPE_CHECKING:
    from aiohttp.connector import Connection

KEEP_ALIVE = 30.0  # seconds; from the first suspicion to the alert
RETRY_AFTER_MAX = 3600.0

CONNECT_SHARE = 0.95
"""Of the time for the whole: who was never connected to has not taken anything twice."""

ANSWER_SIZE = 1 << 20
"""Bytes of an answer that are read: Slack's are its message again, 200 kB at most."""

INTERIM = 20
"""Interim answers (RFC 9110, 15.2) that may come before the answer; aiohttp takes any number."""

_ONLY_INTERIM = f"it sent more than {INTERIM} interim answers (1xx) and no other"

LOST = (aiohttp.ClientError, OSError, ValueError)
"""What an exchange without an answer raises."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; its words are left out, for they may hold secrets."""

    status: int
    retry_after: float | None = None  # seconds


class UnfitAnswerError(aiohttp.ClientError):
    """What was answered is nothing to go by; in our own words."""


class BoundedResponse(aiohttp.ClientResponse):
    """An answer that is read up to a limit: whoever sends without end must not fill our memory."""

    async def start(self, connection: Connection) -> Self:
        """Wait for the answer. Raises UnfitAnswerError."""
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 - it is open
        read, left = protocol.read, INTERIM + 1

        async def read_few() -> Any:
            nonlocal left
            if left == 0:
                raise UnfitAnswerError(_ONLY_INTERIM)
            left -= 1
            return await read()

        # There is no hook for that.
        protocol.read = read_few  # type: ignore[method-assign]
        try:
            await super().start(connection)
        finally:
            del protocol.read
        return self

    async def read(self) -> bytes:
        """Return the body. Raises UnfitAnswerError."""
        if self._body is None:
            body = bytearray()
            async for chunk in self.content.iter_any():
                body += chunk
                if len(body) > ANSWER_SIZE:
                    self.close()
                    raise UnfitAnswerError(f"the answer is longer than {ANSWER_SIZE >> 20} MiB")
            self._body = bytes(body)
        return await super().read()


async def _refuse_redirect(
    _session: object, _context: object, asked: aiohttp.TraceRequestRedirectParams
) -> None:
    asked.response.close()
    why = "it redirects, which is not followed; is there a proxy or a portal in between?"
    raise UnfitAnswerError(why)


def open_session(route: Route, connections: int = 2) -> aiohttp.ClientSession:
    """Return a session that keeps its connections, and our timeout.

    It follows no redirect, whatever a library asks for: what the page behind it says of a GET
    says nothing of an alert. It wants nothing compressed, for that unpacks to a thousand times its
    size before anybody can look.
    """
    timeout = route.timeout
    connect = timeout * CONNECT_SHARE
    redirects = aiohttp.TraceConfig()
    redirects.on_request_redirect.append(_refuse_redirect)
    return aiohttp.ClientSession(
        response_class=BoundedResponse,
        trace_configs=[redirects],
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(
            total=timeout, connect=connect, sock_connect=connect, sock_read=timeout
        ),
        trust_env=route.trust_env,
    )


async def post(
    session: aiohttp.ClientSession,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    route: Route,
) -> Reply:
    """Post *body* once, following no redirect. Raises LOST, to be told by `why_lost`."""
    async with session.post(
        url, data=body, headers=headers, allow_redirects=False, proxy=route.proxy
    ) as response:
        return Reply(response.status, retry_after(response.headers))


TWICE = "; should it have arrived all the same, it will arrive twice"


def why_lost(error: Exception, timeout: float, twice: str = TWICE) -> tuple[str, float | None]:
    """Return in our own words why there was no answer, and the pause that a repair takes."""
    pause: float | None = None
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            why, pause = "the configured address is not an http or https URL", REPAIR_PAUSE
        case aiohttp.ClientHttpProxyError():
            why = f"the proxy refuses with status {error.status}"
        case aiohttp.ClientConnectorError():
            why = _why_not_connected(error)
        case UnfitAnswerError():
            why = f"{error}{twice}"
        case aiohttp.ConnectionTimeoutError():
            why = f"cannot connect within {timeout:g} s"
        case TimeoutError():
            why = f"no answer within {timeout:g} s{twice}"
        case _:
            why = f"the connection was lost ({type(error).__name__}){twice}"
    return why, pause


def _why_not_connected(error: aiohttp.ClientConnectorError) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "the server's TLS certificate is not to be trusted"
        case aiohttp.ClientConnectorSSLError():
            return "the server does not speak TLS as expected"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy does not accept connections"
        case aiohttp.ClientConnectorDNSError():
            return "the server's name cannot be resolved"
    # By its number: the words are asyncio's, "Connect call failed".
    number = error.os_error.errno
    return f"cannot connect: {os.strerror(number) if number else 'no reason given'}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the header Retry-After asks for: a number or a date (RFC 9110)."""
    asked = headers.get("Retry-After", "")
    try:
        seconds = float(asked)
    except ValueError:
        seconds = _until(asked)
    return min(max(seconds, 0.0), RETRY_AFTER_MAX) if math.isfinite(seconds) else None


def _until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):  # a year of twenty digits
        return math.nan
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()
