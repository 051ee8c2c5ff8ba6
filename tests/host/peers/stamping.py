"""An HTTP server that knows when each request's first byte came, not just when it was read."""

from __future__ import annotations

import asyncio
import dataclasses
import time

from aiohttp import web


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came."""

    at: float
    """Its first byte: seconds since the epoch."""
    monotonic: float
    """The same moment as CLOCK_MONOTONIC, which all hosts of a machine share."""
    accepted: float
    """When its connection was accepted, CLOCK_MONOTONIC."""


class StampingServer(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _StampingProtocol(self, loop=self._loop)


def arrival_of(request: web.BaseRequest) -> Arrival:
    """Return when *request* came; ask once, after its body was read."""
    assert isinstance(request.protocol, _StampingProtocol)
    return request.protocol.take_arrival()


class _StampingProtocol(web.RequestHandler):
    __slots__ = ("_accepted", "_first_byte")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._accepted = time.monotonic()
        self._first_byte: tuple[float, float] | None = None
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._first_byte is None:
            self._first_byte = time.time(), time.monotonic()
        super().data_received(data)

    def take_arrival(self) -> Arrival:
        # A pipelined request has its first byte behind it: now is the best there is.
        first, self._first_byte = self._first_byte, None
        return Arrival(*(first or (time.time(), time.monotonic())), self._accepted)
