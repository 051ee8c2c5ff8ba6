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

import aiohttp

from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.route import Route

KEEP_ALIVE = 30.0  # seconds; from the first suspicion to the alert
RETRY_AFTER_MAX = 3600.0

ANSWER_SIZE = 1 << 20
"""Bytes of an answer that are read, as they come: nobody is asked to compress, and nothing is
unpacked. Whoever sends more has not understood, or means harm."""

LOST = (aiohttp.ClientError, OSError, ValueError)
"""What an exchange without an answer raises."""


class _Bounded(aiohttp.ClientResponse):
    async def read(self) -> bytes:
        """Return the body. Raises ClientPayloadError if it is longer than ANSWER_SIZE."""
        if self._body is None:
            try:
                self._body = await self._as_it_comes()
            except BaseException:
                self.close()
                raise
        return await super().read()  # which waits until the connection may be used again

    async def _as_it_comes(self) -> bytes:
        body = bytearray()
        async for chunk in self.content.iter_any():
            body += chunk
            if len(body) > ANSWER_SIZE:
                raise aiohttp.ClientPayloadError("the answer is too long")
        return bytes(body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; its words are left out, for they may hold secrets."""

    status: int
    retry_after: float | None = None  # seconds


def open_session(route: Route, connections: int = 2) -> aiohttp.ClientSession:
    """Return a session that keeps its connections, and our timeout."""
    timeout = route.timeout
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        response_class=_Bounded,
        timeout=aiohttp.ClientTimeout(
            total=timeout, connect=timeout, sock_connect=timeout, sock_read=timeout
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
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            why = "the server's TLS certificate is not to be trusted"
        case aiohttp.ClientProxyConnectionError():
            why = "the proxy does not accept connections"
        case aiohttp.ClientHttpProxyError():
            why = f"the proxy refuses with status {error.status}"
        case aiohttp.ClientConnectorDNSError():
            why = "the server's name cannot be resolved"
        case aiohttp.ClientConnectorError():
            # By its number: the words are asyncio's, "Connect call failed".
            number = error.os_error.errno
            why = f"cannot connect: {os.strerror(number) if number else 'no reason given'}"
        case aiohttp.ConnectionTimeoutError():
            why = f"cannot connect within {timeout:g} s"
        case TimeoutError():
            why = f"no answer within {timeout:g} s{twice}"
        case _:
            why = f"the connection was lost ({type(error).__name__}){twice}"
    return why, pause


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
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):  # a year or a zone beyond all bounds
        return math.nan
