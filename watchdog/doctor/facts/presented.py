"""The certificate that a server presents, whether or not anybody trusts it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchdog.core.service import HttpCheck
from watchdog.doctor.facts.reached import Reached
from watchdog.probes.address import Address
from watchdog.probes.certificate import validity
from watchdog.thread import in_thread

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, x509_vfy.h
_WITHIN = 3.0  # seconds for each look


@dataclass(frozen=True, slots=True)
class Presented:
    """A server's certificate."""

    begins: float  # UNIX seconds
    ends: float
    names: tuple[str, ...]  # that it is for, as it spells them
    issuer: str
    untrusted: str  # why its chain leads to nobody whom this host trusts; empty: it does

    def is_for(self, host: str) -> bool:
        """Tell whether *host* is one of its names: RFC 6125, 6.4.3; no star is for a whole TLD."""
        host = host.lower().rstrip(".")
        parent = host.partition(".")[2]
        return any(
            name.lower() == host
            or (name[:2] == "*." and "." in parent and name[2:].lower() == parent)
            for name in self.names
        )

    @property
    def is_expired(self) -> bool:
        """Tell whether its time is over."""
        return time.time() > self.ends

    @property
    def is_early(self) -> bool:
        """Tell whether its time has not come."""
        return time.time() < self.begins


async def presented(check: HttpCheck, reached: Reached) -> Presented | None:
    """Return what is presented where *reached* came to; None if there is no certificate."""
    if not check.verify_tls or not reached.target.tls or reached.address is None:
        return None
    address, host = reached.address, reached.target.host
    try:
        async with asyncio.timeout(3 * _WITHIN):
            return await in_thread(lambda: _look(address, host))
    except (OSError, ValueError, TimeoutError):
        return None


def day(moment: float) -> str:
    """Return the date of *moment*, in UTC as certificates have it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _look(address: Address, host: str) -> Presented | None:
    """Blocks. Raises OSError, ValueError."""
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    leaf, _ = _handshake(address, host, unverified)
    if not leaf:
        return None
    times = validity(leaf)
    # The standard library explains only certificates that it trusts; so it trusts this very one.
    itself = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(leaf))
    itself.check_hostname = False
    itself.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    try:
        _, said = _handshake(address, host, itself)
    except ssl.SSLError:
        said = {}
    return Presented(times.begins, times.ends, _names(said), _issuer(said), _why(address, host))


def _why(address: Address, host: str) -> str:
    """Return why the chain is not trusted, whatever its dates and its names."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    try:
        _handshake(address, host, trusting)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return ""


def _handshake(
    address: Address, host: str, context: ssl.SSLContext
) -> tuple[bytes, Mapping[str, Any]]:
    """Return the certificate, and what the standard library says of it once it trusts it."""
    with socket.socket(address.family, socket.SOCK_STREAM) as plain:
        plain.settimeout(_WITHIN)
        plain.connect(address.sockaddr)
        with context.wrap_socket(plain, server_hostname=host) as session:
            return session.getpeercert(binary_form=True) or b"", session.getpeercert() or {}


def _names(said: Mapping[str, Any]) -> tuple[str, ...]:
    named = said.get("subjectAltName", ())
    return tuple(str(value) for kind, value in named if kind in {"DNS", "IP Address"})


def _issuer(said: Mapping[str, Any]) -> str:
    known = {key: value for group in said.get("issuer", ()) for key, value in group}
    return str(known.get("commonName") or known.get("organizationName") or "an unnamed authority")
