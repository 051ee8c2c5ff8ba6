"""The command's side of a lease: an open connection to the daemon, made again if it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from watchdog.errors import ControlError

AGAIN = 0.2
"""Seconds between two attempts to reach a daemon that has gone: a lease not taken again ends."""

FAREWELL = 15.0
"""Seconds that the daemon is given to judge anew."""

_ABSENT = (FileNotFoundError, ConnectionRefusedError)
_LIMIT = 1 << 20  # bytes of an answer


class LeaseRefusedError(ControlError):
    """The daemon does not give the lease; *code* is the exit code that says so."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Lease:
    """Maintenance of *service*, held for at most *seconds*, as long as this process lives."""

    def __init__(
        self, socket: Path, service: str, user: str, seconds: float, say: Callable[[str], None]
    ) -> None:
        self._socket = socket
        self._service = service
        self._user = user
        self._until = time.monotonic() + seconds
        self._say = say
        self._id = uuid.uuid4().hex
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def take(self) -> bool:
        """Take the lease; False if no daemon runs. Raises ControlError, LeaseRefusedError."""
        try:
            is_held = await self._connect()
        except _ABSENT:
            is_held = False
        except OSError as error:
            why = error.strerror or error
            if isinstance(error, PermissionError):
                why = "no permission; use sudo, or join the group service-watchdog"
            raise ControlError(f"cannot ask the daemon on {self._socket}: {why}") from error
        self._keeping = asyncio.create_task(self._keep())
        return is_held

    async def end(self, how: str) -> Mapping[str, Any] | None:
        """End the lease; return how the daemon then judges the service.

        None if there is no lease to end; empty if the daemon does not say.
        """
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._ends is None:
            return None
        reader, writer = self._ends
        try:
            async with asyncio.timeout(FAREWELL):
                writer.write(msgspec.json.encode({"end": how}) + b"\n")
                await writer.drain()
                reply = _decoded(await reader.readline())
        except (OSError, TimeoutError, ValueError):
            return {}
        finally:
            self._hang_up()
        result = reply.get("result")
        return result if isinstance(result, dict) else {}

    def drop(self) -> None:
        """Hang up without a word: the daemon then ends the lease by itself."""
        if self._keeping is not None:
            self._keeping.cancel()
        self._hang_up()

    async def _keep(self) -> None:
        """Take the lease again whenever the daemon has gone and come back."""
        was_there = self._ends is not None
        while time.monotonic() < self._until:
            if self._ends is not None:
                said = await self._lost(self._ends[0])
                self._hang_up()
                if said:
                    self._say(f"{said}; going on without a lease")
                    return
                self._say("the daemon has gone; the lease is taken again when it is back")
            await asyncio.sleep(AGAIN)
            try:
                if await self._connect():
                    self._say(f"the daemon {'is back' if was_there else 'runs now'}: lease held")
                    was_there = True
            except LeaseRefusedError as error:
                self._say(f"{error}; going on without a lease")
                return
            except OSError:
                pass  # not back yet

    async def _lost(self, reader: asyncio.StreamReader) -> str:
        """Return when the daemon has gone; with its words, if it has ended the lease."""
        try:
            return str(_decoded(await reader.readline()).get("error", ""))
        except (OSError, ValueError):
            return ""

    async def _connect(self) -> bool:
        """Connect and take the lease; False if the daemon went before it answered."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=_LIMIT)
        self._ends = reader, writer
        try:
            seconds = max(1.0, self._until - time.monotonic())
            arguments = {"name": self._service, "id": self._id, "seconds": seconds}
            request = {"call": "lease", "arguments": arguments, "user": self._user}
            writer.write(msgspec.json.encode(request) + b"\n")
            await writer.drain()
            line = await reader.readline()
            reply = _decoded(line) if line else {}
        except (OSError, ValueError, asyncio.CancelledError):
            self._hang_up()
            raise
        if reply.get("error"):
            self._hang_up()
            raise LeaseRefusedError(reply["error"], int(reply.get("code", 3)))
        if not line:
            self._hang_up()
        return bool(line)

    def _hang_up(self) -> None:
        if self._ends is not None:
            with contextlib.suppress(OSError):
                self._ends[1].close()
            self._ends = None


def _decoded(line: bytes) -> dict[str, Any]:
    """Return an answer; empty if there is none. Raises ValueError."""
    if not line:
        return {}
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
