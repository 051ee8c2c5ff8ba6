"""An HTTP answer as it comes in: bytes to the parser, and whether enough is known. No I/O."""

from __future__ import annotations

from collections.abc import Container, Sequence

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

from watchdog.probes.text import clean

LIMIT = 64 * 1024
"""Bytes of an answer that are read; beyond them lies nothing that a health check needs."""

INTERIM = 20
"""Interim answers (RFC 9110, 15.2) that may come before the answer; an honest server sends two."""

_QUOTABLE = 1024  # bytes of a body that are enough to quote from
_TLS = {b"\x15\x03", b"\x16\x03"}  # how an alert and a handshake begin: RFC 8446, 5.1
_SWITCHING_PROTOCOLS = 101

# Who answered, and what a person looks for: which server, which request, when to come back.
_OF_INTEREST = frozenset({
    b"content-length", b"content-type", b"location", b"retry-after", b"server", b"via",
    b"x-amzn-trace-id", b"x-cache", b"x-powered-by", b"x-request-id",
})  # fmt: skip


class Reception:
    """One answer, read until it is complete, broken, or long enough to be judged."""

    def __init__(self, accepted: Container[int]) -> None:
        self.status = 0  # 0: the headers are not complete
        self.location = b""
        self.encoding = b""
        self.named: list[tuple[bytes, bytes]] = []  # headers of interest
        self.body = bytearray()
        self.trouble = ""  # why the answer is broken; empty: it is not
        self.errno: int | None = None  # with which the connection broke
        self.finished = False
        self._accepted = accepted
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._received = 0
        self._interim = 0
        self._delimited = False  # by a length or by chunks; otherwise by the end of the connection
        self._complete = False

    @property
    def is_refused(self) -> bool:
        """Tell whether the status alone fails the check; the body is only read to be quoted."""
        return self.status != 0 and self.status not in self._accepted

    @property
    def is_plain(self) -> bool:
        """Tell whether the body is readable as it is; nobody was asked to compress it."""
        return self.encoding.strip().lower() in {b"", b"identity"}

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """Return the headers of interest, in their order."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.named]

    @property
    def is_truncated(self) -> bool:
        """Tell whether the answer was too long to be read to its end."""
        return self.finished and not self._complete and not self.trouble

    @property
    def progress(self) -> str:
        """Say how far the answer has come, for a check that runs out of time."""
        if not self._received:
            return "connected, and nothing was answered"
        if not self.status:
            return "the headers were not complete"
        return f"answered {self.status}, but only {len(self.body)} bytes of the body came"

    def feed(self, chunk: bytes) -> None:
        """Take what came in; no bytes: the other side has closed the connection."""
        if self._parser is None:
            return
        if not chunk:
            self._end()
            return
        self._received += len(chunk)
        try:
            self._parser.feed_data(chunk)
        except HttpParserUpgrade:
            self._complete = True
        except HttpParserCallbackError:
            pass  # what follows a complete answer is none of our business; or ``trouble`` says it
        except HttpParserError as error:
            if not self._complete:
                self.trouble = self._malformed(chunk, error)
        if self._received >= LIMIT and not self.status:
            self.trouble = self.trouble or f"its headers are longer than {LIMIT // 1024} KiB"
        if self._complete or self.trouble or self._received >= LIMIT or self._can_be_quoted():
            self.finish()

    def fail(self, error: OSError) -> None:
        """Take note that the connection broke."""
        if self._parser is not None:
            self.errno = error.errno
            self.trouble = f"the connection broke: {error.strerror or error}; {self.progress}"
            self.finish()

    def finish(self) -> None:
        """Be content with what there is."""
        self.finished = True
        self._parser = None  # it refers to us: without this only the garbage collector frees both

    def _end(self) -> None:
        if self.status and not self._delimited:
            self._complete = True
        else:
            self.trouble = f"the connection was closed early: {self.progress}"
        self.finish()

    def _can_be_quoted(self) -> bool:
        return self.is_refused and len(self.body) >= _QUOTABLE

    def _malformed(self, chunk: bytes, error: HttpParserError) -> str:
        if self.status:
            return f"the body is malformed: {clean(str(error))}"
        if self._received > len(chunk):
            return f"the headers are malformed: {clean(str(error))}"
        if chunk[:2] in _TLS:
            return "it speaks TLS: the URL must begin with https://"
        said = clean(chunk[:_QUOTABLE].decode("latin-1"), 80)
        return f'the answer is not HTTP: {clean(str(error))}: "{said}"'

    # What the parser calls:

    def on_message_begin(self) -> None:
        """Begin anew: what came before was an interim answer, such as 100 or 103."""
        if self._complete:
            raise ValueError("there is more after the answer")
        self.location = self.encoding = b""
        self.named.clear()
        self._delimited = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is needed of a header."""
        name = name.lower()
        if name in _OF_INTEREST:
            self.named.append((name, value))
        if name == b"content-length" or (
            name == b"transfer-encoding" and b"chunked" in value.lower()
        ):
            self._delimited = True
        elif name == b"location":
            self.location = value
        elif name == b"content-encoding":
            self.encoding = value

    def on_headers_complete(self) -> None:
        """Take the status, unless another is to follow."""
        assert self._parser is not None  # noqa: S101 - for the type checker
        status = self._parser.get_status_code()
        if status >= 200 or status == _SWITCHING_PROTOCOLS:  # noqa: PLR2004 - RFC 9110, 15.2
            self.status = status

    def on_body(self, chunk: bytes) -> None:
        """Collect the body."""
        self.body += chunk

    def on_message_complete(self) -> None:
        """Note the end, unless it is that of an interim answer."""
        self._complete = self.status != 0
        self._interim += not self._complete
        if self._interim > INTERIM:
            self.trouble = f"it sent {self._interim} interim answers (1xx) and no other"
            raise ValueError(self.trouble)
