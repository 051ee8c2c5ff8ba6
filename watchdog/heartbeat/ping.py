"""One ping in the form of Healthchecks (https://healthchecks.io/docs/http_api/).

A POST a minute is no reason to have aiohttp in memory: this goes the way of the health checks, a
socket and a parser. Redirects are not followed, no proxy is asked, and no word of an answer is
repeated that may quote the address, which is a secret.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit

from watchdog.errors import WatchdogError
from watchdog.probes.address import Address, literal, resolve
from watchdog.probes.connect import Refusal, connect_any
from watchdog.probes.exchange import exchange, start_tls
from watchdog.probes.reception import Reception
from watchdog.probes.target import Target, parse_target

BODY = 10_000
"""Bytes of a body that are kept by a Healthchecks of one's own; healthchecks.io keeps 100 kB."""

# Once upon a time, and in compatible services still, an ignored ping was answered with 200.
_IGNORED = {b"OK (not found)": "no such check", b"OK (rate limited)": "pinged too often"}


class PingError(WatchdogError):
    """The ping was not taken."""


class Signal(StrEnum):
    """What a ping says; the value follows the URL's path."""

    SUCCESS = ""
    FAIL = "/fail"
    LOG = "/log"  # kept, and neither good nor bad news


async def ping(url: str, signal: Signal, text: str, timeout: float) -> None:  # noqa: ASYNC109
    """Post *text* to *url* as *signal*, within *timeout* seconds. Raises PingError."""
    body = text.encode("utf-8", "replace")[:BODY].decode("utf-8", "ignore").encode()
    target = _target(url, signal, len(body))
    request = b"POST" + target.request.removeprefix(b"GET") + body
    reception = Reception(range(200, 300))
    try:
        async with asyncio.timeout(timeout):
            await _exchange(target, request, reception, timeout)
    except TimeoutError:
        raise PingError(f"no answer within {timeout:g} s") from None
    if trouble := _trouble(reception):
        raise PingError(trouble)


def _target(url: str, signal: Signal, size: int) -> Target:
    parts = urlsplit(url)
    where = parts._replace(path=parts.path.rstrip("/") + signal).geturl()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(size))]
    try:
        return parse_target(where, headers)
    except ValueError:
        raise PingError("the configured address is not a URL that can be posted to") from None


async def _exchange(target: Target, request: bytes, reception: Reception, patience: float) -> None:
    sock: socket.socket | None = None
    try:
        fixed = literal(target.host, target.port)
        addresses: Sequence[Address] = (
            (fixed,) if fixed else await resolve(target.host, target.port)
        )
        connection = await connect_any(addresses, patience)
        if isinstance(connection, Refusal):
            raise PingError(connection.reason)
        sock, _ = connection
        if target.tls:
            sock = await start_tls(sock, target.host, verify=True)
        await exchange(sock, request, reception)
    except socket.gaierror as error:
        raise PingError(f"cannot resolve {target.host}: {error.strerror}") from None
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        raise PingError(f"the certificate of {target.host} is not to be trusted: {why}") from None
    except ssl.SSLError as error:
        why = (error.reason or "unknown error").lower().replace("_", " ")
        raise PingError(f"no TLS session with {target.host}: {why}") from None
    except OSError as error:
        raise PingError(f"no session with {target.host}: {error.strerror or error}") from None
    finally:
        if sock is not None:
            sock.close()


def _trouble(reception: Reception) -> str:
    """Return why what was answered is no success; empty if it is one."""
    status = reception.status
    if reception.trouble:
        return reception.trouble.partition(":")[0]
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return (
            f"it redirects (status {status}), which is not followed; configure the address itself"
        )
    if status == HTTPStatus.NOT_FOUND:
        return "it answered 404; check the URL, and that the check exists"
    if reception.is_refused:
        return f"it answered {status}"
    if why := _IGNORED.get(bytes(reception.body).strip()):
        return f"it ignored the ping: {why}"
    return ""
