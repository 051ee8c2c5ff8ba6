"""The control socket: one JSON request and one JSON answer for each connection.

A call that holds something (``holds``) keeps its connection: what it holds is given back when the
other side says so, or hangs up.

The file's mode (0660, the daemon's group) and its directory decide who may connect; SO_PEERCRED
(unix(7)) tells who it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
import structlog

from watchdog.errors import ControlError, WatchdogError

log = structlog.get_logger()

LIMIT = 64 * 1024
"""Bytes that a request may have."""

PATIENCE = 5.0
"""Seconds in which a request must have arrived."""


OVERFLOW_UID = 65534
"""Who is not mapped into our user namespace (user_namespaces(7))."""

ODD = (ValueError, msgspec.MsgspecError, RecursionError)
"""What is raised for a line that is no request; brackets may be nested too deeply."""


NAME = re.compile(r"[\w.@\\-]{1,64}")
"""What may be the name of a user; it is shown to people."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call by name with its arguments; ``user`` is who asks, in the caller's own words."""

    call: str
    arguments: dict[str, Any] = {}
    user: str = ""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of a call, or why there is none; ``code`` is the exit code then."""

    result: Any = None
    error: str = ""
    code: int = 0


class RefusalError(ControlError):
    """A call that cannot be done; *code* is the exit code by which a command tells it."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


Call = Callable[[Mapping[str, Any], str], Awaitable[Any]]
"""Takes the arguments and the caller's name, returns what JSON can say; may raise RefusalError."""


class Line:
    """What a call that holds something has of its connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, result: Any) -> None:
        """Answer, and go on. Raises OSError once the other side is gone."""
        self._writer.write(_encoded(Reply(result)))
        await self._writer.drain()

    async def hear(self) -> Mapping[str, Any] | None:
        """Return the next thing that the other side says; None: it has hung up.

        Raises RefusalError for what is no line of JSON.
        """
        try:
            line = await self._reader.readline()
            return msgspec.json.decode(line, type=dict[str, Any]) if line else None
        except OSError:
            return None
        except ODD as error:
            raise RefusalError(f"cannot read what was said: {error}") from error


Hold = Callable[[Mapping[str, Any], str, Line], Coroutine[Any, Any, Any]]
"""A call that answers more than once; what it returns is the last answer."""


class ControlSocket:
    """Serves *calls* and *holds* at *path*; an async context manager."""

    def __init__(
        self, path: Path, calls: Mapping[str, Call], holds: Mapping[str, Hold] | None = None
    ) -> None:
        self._path = path
        self._calls = calls
        self._holds = holds or {}
        self._held: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._decode = msgspec.json.Decoder(Request).decode

    async def __aenter__(self) -> Self:
        """Listen. Raises ControlError if the socket cannot be made."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
            listener.bind(str(self._path))
            self._path.chmod(0o660)
        except OSError as error:
            listener.close()
            why = error.strerror or error
            raise ControlError(
                f"cannot listen on {self._path}: {why}; the daemon does not start"
            ) from error
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LIMIT)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._server is not None:
            self._server.close()
        for held in self._held:
            held.cancel()
        if self._held:
            await asyncio.wait(self._held)
        with contextlib.suppress(OSError):
            self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._answer(reader, writer)
            if reply is not None:
                writer.write(_encoded(reply))
                await writer.drain()
        except OSError:
            pass  # the caller has gone; nobody is left to be told
        finally:
            writer.close()

    async def _answer(  # noqa: PLR0911 - one for each way in which it can go
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Reply | None:
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            request = self._decode(line)
        except TimeoutError:
            late = f"no end of the line within {PATIENCE:g} s"
            return Reply(error=f"cannot read the request: {late}", code=2)
        except ODD as error:
            return Reply(error=f"cannot read the request: {error}", code=2)
        call, hold = self._calls.get(request.call), self._holds.get(request.call)
        if call is None and hold is None:
            known = ", ".join([*self._calls, *self._holds])
            return Reply(error=f"cannot {request.call}: no such call; there are {known}", code=2)
        caller = _caller(writer.get_extra_info("socket"), request.user)
        try:
            if hold is not None:
                return await self._hold(hold(request.arguments, caller, Line(reader, writer)))
            assert call is not None  # noqa: S101 - see above
            return Reply(await call(request.arguments, caller))
        except WatchdogError as error:
            return Reply(error=str(error), code=getattr(error, "code", 3))
        except msgspec.ValidationError as error:
            return Reply(error=f"cannot {request.call}: bad arguments: {error}", code=2)
        except Exception as error:
            log.exception("cannot answer a call; the daemon goes on", call=request.call)
            return Reply(error=f"cannot {request.call}: {error!r}", code=3)

    async def _hold(self, work: Coroutine[Any, Any, Any]) -> Reply | None:
        """Return the last answer; None, and so no word at all, if the daemon stops before it.

        Whoever holds something then knows that it may be had again.
        """
        held = asyncio.ensure_future(work)
        self._held.add(held)
        try:
            await asyncio.wait({held})
            return None if held.cancelled() else Reply(held.result())
        finally:
            self._held.discard(held)


def _encoded(reply: Reply) -> bytes:
    return msgspec.json.encode(reply, enc_hook=str) + b"\n"


def _caller(connection: socket.socket, claimed: str) -> str:
    """Return the name of the user at the other end; root may say for whom it acts (sudo).

    Under PrivateUsers= (systemd.exec(5)) the kernel tells us nothing of others than root and
    ourselves. Whoever gets here is root or one of our group, so they are believed, unless they say
    to be one of the two whom we would know.
    """
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, uid, _ = struct.unpack("3i", credentials)
    ours = {_name(0), _name(os.geteuid())}
    if NAME.fullmatch(claimed) and (uid == 0 or (uid == OVERFLOW_UID and claimed not in ours)):
        return claimed
    return _name(uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
