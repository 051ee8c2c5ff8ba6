"""What the instance metadata service (IMDSv2) knows of this host.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

from __future__ import annotations

import asyncio
import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from watchdog.thread import in_thread

SERVICE = ("169.254.169.254", 80)
"""Link-local: it answers on the instance itself, and nothing on the way may be asked instead."""

PATIENCE = 2.0
"""Seconds for all questions together; a healthy one takes milliseconds."""

TOKEN_LIFE = 60  # seconds
LONGEST = 16 * 1024

_FORMS: Mapping[str, re.Pattern[str]] = {
    "instance-id": re.compile(r"i-[0-9a-f]{8,32}"),
    "placement/region": re.compile(r"[a-z]{2,8}(-[a-z]+)+-[0-9]{1,2}"),
    "iam/security-credentials/": re.compile(r"[\w+=,.@-]{1,64}"),
}
"""How what is asked for looks. It goes into commands that a person pastes into a shell."""

_INTERFACES = "network/interfaces/macs/"
_MACS = re.compile(r"(?:[0-9a-f:]{17}/?\s*){1,64}")
_ADDRESSES = re.compile(r"[0-9.]{7,15}(?:\s+[0-9.]{7,15})*")

_ALWAYS = ("instance-id", "placement/region")


class ImdsError(Exception):
    """The metadata service cannot be asked: why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which instance this is."""

    instance: str
    region: str
    role: str = ""  # whose credentials it gives out; empty: none
    public: tuple[str, ...] = ()  # its public IPv4 addresses, those of the primary interface first


async def identity(service: tuple[str, int] = SERVICE, *, patience: float = PATIENCE) -> Identity:
    """Return which instance this is. Raises ImdsError."""
    try:
        async with asyncio.timeout(patience):
            return await in_thread(partial(_asked, service, patience))
    except TimeoutError:
        raise ImdsError(f"no answer within {patience:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise ImdsError(f"{getattr(error, 'strerror', None) or type(error).__name__}") from None


def _asked(service: tuple[str, int], patience: float) -> Identity:
    """Return what is known. Blocks. Raises ImdsError, OSError, HTTPException."""
    until = time.monotonic() + patience
    # Neither proxies nor redirects: http.client follows none.
    connection = http.client.HTTPConnection(*service, timeout=patience)
    try:
        lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_LIFE)}
        status, token = _answer(connection, "PUT", "/latest/api/token", lifetime)
        if status == HTTPStatus.FORBIDDEN:
            raise ImdsError("it is turned off for this instance")
        if status != HTTPStatus.OK or not token.isprintable() or not token.isascii():
            raise ImdsError(f"it gave no token, but status {status}")

        def value(name: str, form: re.Pattern[str]) -> str:
            if time.monotonic() > until:
                raise TimeoutError  # nobody waits any more
            return _value(connection, name, form, token)

        instance, region, role = (value(name, form) for name, form in _FORMS.items())
        macs = value(_INTERFACES, _MACS).split()
        found = [value(f"{_INTERFACES}{mac.rstrip('/')}/public-ipv4s", _ADDRESSES) for mac in macs]
        public = tuple(address for each in found for address in each.split())
        return Identity(instance, region, role, public)
    finally:
        connection.close()


def _value(
    connection: http.client.HTTPConnection, name: str, form: re.Pattern[str], token: str
) -> str:
    """Return what is under *name*; empty if there is nothing."""
    status, text = _answer(
        connection, "GET", f"/latest/meta-data/{name}", {"X-aws-ec2-metadata-token": token}
    )
    if status == HTTPStatus.NOT_FOUND and name not in _ALWAYS:
        return ""
    if status != HTTPStatus.OK or not form.fullmatch(text.strip()):
        raise ImdsError(f"it answered status {status} and no {name}")
    return text.strip()


def _answer(
    connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, str]:
    connection.request(method, path, headers=dict(headers))
    with connection.getresponse() as response:
        return response.status, response.read(LONGEST).decode("utf-8", "replace")
