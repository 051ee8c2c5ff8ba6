"""The http check: does GET answer as it should? Always on a fresh connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import (
    Condition,
    HttpCheck,
)
from watchdog.ports import Probe
from watchdog.probes.address import is_permanent, literal, resolve
from watchdog.probes.answer import Keep, answer_lines
from watchdog.probes.connect import LOCAL_ERRNOS, Refusal, connect_any
from watchdog.probes.exchange import exchange, start_tls
from watchdog.probes.expect import unmet
from watchdog.probes.reach import Reach
from watchdog.probes.reception import LIMIT, Reception
from watchdog.probes.target import parse_target
from watchdog.probes.text import clean, quoted, seconds

CHECK = "http"

Show = Callable[[bytes], None]
"""Takes a certificate as DER."""

_SUCCESS = range(200, 300)  # a set of them would be 10 kB for each check
_CERTIFICATE_HAS_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED


def make_http_probe(
    check: HttpCheck,
    keep: Keep = lambda _: None,
    show: Show | None = None,
    reach: Reach | None = None,
) -> Probe:
    """Return a probe of *check*. Raises ValueError for a URL or a header that cannot be sent.

    *keep* is given each failing answer, for whoever wants to read more than the reason quotes;
    *show* the certificate of each TLS session, verified or not; *reach* is told how far the check
    comes.

    When it is cancelled, the CancelledError carries a note that says how far the exchange had come.
    """
    question = _Question(check, keep, show, reach or Reach())

    async def probe() -> Observation:
        began = time.monotonic()
        verdict, reason, curable = await question.ask(began)
        return Observation(verdict, CHECK, reason, time.monotonic() - began, curable)

    return probe


_Answer = tuple[Verdict, str, bool]  # …, reason, curable


class _Question:
    """What is the same at every asking."""

    def __init__(self, check: HttpCheck, keep: Keep, show: Show | None, reach: Reach) -> None:
        self._check = check
        self._keep = keep
        self._show = show
        self._reach = reach
        self._target = parse_target(check.url, check.headers)
        fixed = literal(self._target.host, self._target.port)
        self._fixed = (fixed,) if fixed else ()
        self._accepted = check.status or _SUCCESS

    async def ask(self, began: float) -> _Answer:
        self._keep(())  # what an earlier run answered explains nothing of this one
        self._reach.begin()
        reception = Reception(self._accepted)
        progress = "the name was not resolved"
        sock: socket.socket | None = None
        try:
            addresses = self._fixed or await resolve(self._target.host, self._target.port)
            progress = f"no connection to {' or '.join(map(str, addresses))}"
            self._reach.tries(addresses)
            connection = await connect_any(addresses, self._check.timeout, self._reach.meets)
            if isinstance(connection, Refusal):
                verdict = Verdict.UNKNOWN if connection.is_ours else Verdict.FAIL
                return verdict, connection.reason, True
            sock, address = connection
            if self._target.tls:
                progress = f"the TLS handshake with {address} was not complete"
                session = await start_tls(sock, self._target.host, verify=self._check.verify_tls)
                sock = session
                if self._show is not None:
                    self._show(session.getpeercert(binary_form=True) or b"")
            progress = ""
            await exchange(sock, self._target.request, reception)
            self._reach.breaks(reception.errno)
        except asyncio.CancelledError as cancelled:
            self._reach.loses()
            cancelled.add_note(progress or reception.progress)
            self._keep(answer_lines(reception))
            raise
        except socket.gaierror as error:
            verdict = Verdict.FAIL if is_permanent(error) else Verdict.UNKNOWN
            if is_permanent(error):
                self._reach.stays_home()
            return verdict, f"cannot resolve {self._target.host}: {error.strerror}", False
        except OSError as error:
            self._reach.breaks(error.errno)
            return _no_session(error, self._target.host, self._target.port)
        finally:
            if sock is not None:
                sock.close()
        return self._judge(reception, time.monotonic() - began)

    def _judge(self, reception: Reception, took: float) -> _Answer:
        trouble = self._trouble(reception, took)
        self._keep(answer_lines(reception) if trouble else ())
        if trouble:
            return Verdict.FAIL, f"{self._target.label}{trouble}", True
        return (
            Verdict.PASS,
            f"{self._target.label} answered {reception.status} after {seconds(took)}",
            True,
        )

    def _trouble(self, reception: Reception, took: float) -> str:
        """Return what is wrong with the answer, to follow the label; empty if nothing is."""
        allowed = self._check.max_latency
        if reception.is_refused:
            return _refused(reception, took)
        if reception.trouble:
            return f": {reception.trouble}"
        if allowed is not None and took > allowed:
            return (
                f" answered {reception.status}, but only after {seconds(took)};"
                f" at most {allowed:g} s are allowed"
            )
        unfulfilled = _unfulfilled(reception, self._check.expect) if self._check.expect else ""
        return unfulfilled and f": {unfulfilled}"


def _refused(reception: Reception, took: float) -> str:
    redirect = ""
    if reception.location:
        where = clean(reception.location.decode("latin-1"))
        redirect = f' with a redirect to "{where}", which is not followed,'
    said = quoted(bytes(reception.body)) if reception.is_plain else ""
    return f" answered {reception.status}{redirect} after {seconds(took)}{said}"


def _unfulfilled(reception: Reception, conditions: Sequence[Condition]) -> str:
    if reception.is_truncated:
        return f"the answer is longer than {LIMIT // 1024} KiB; expected {conditions[0]}"
    if not reception.is_plain:
        encoding = clean(reception.encoding.decode("latin-1"))
        return f"the answer is encoded as {encoding}, though we accept no encoding"
    return unmet(bytes(reception.body), conditions)


def _no_session(error: OSError, host: str, port: int) -> _Answer:
    """Say why there is no TLS session on a connection that was made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # An expired one may have been replaced on disk: then a restart is what makes it take hold.
        if error.verify_code == _CERTIFICATE_HAS_EXPIRED:
            why = "renew it, and have the service load it"
            return Verdict.FAIL, f"the certificate of {host}:{port} has expired; {why}", True
        words = error.verify_message.rstrip(".")
        return Verdict.FAIL, f"the certificate of {host}:{port} is not valid: {words}", False
    if isinstance(error, ssl.SSLError):
        words = (error.reason or "unknown error").lower().replace("_", " ")
        if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
            words = "it does not speak TLS; is the URL's scheme http?"
        return Verdict.FAIL, f"no TLS session with {host}:{port}: {words}", True
    verdict = Verdict.UNKNOWN if error.errno in LOCAL_ERRNOS else Verdict.FAIL
    return verdict, f"no TLS session with {host}:{port}: {error.strerror or error}", True
