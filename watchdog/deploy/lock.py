"""One deploy of a service at a time, with a daemon or without: a name that dies with us.

A socket in the abstract namespace, unix(7): the kernel lets one process have the name, frees it
however that process ends, and tells who it is.
"""

from __future__ import annotations

import pwd
import socket
import struct
from typing import Self

from watchdog.errors import ControlError


class UnderWayError(ControlError):
    """Somebody else deploys the service."""

    code = 4


class Lock:
    """The name of one service's deploy; a context manager that gives it back."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._name = f"\0service-watchdog/deploy/{service}"
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def take(self) -> None:
        """Take the name. Raises UnderWayError if somebody has it."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.bind(self._name)
            self._socket.listen()
        except OSError as error:
            by = _holder(self._name)
            raise UnderWayError(
                f"cannot deploy {self._service}: a deploy{by} is under way; it ends with its"
                " command"
            ) from error


def _holder(name: str) -> str:
    """Say who has *name*, as the kernel knows it; empty if it is free again."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(name)
            size = struct.calcsize("3i")
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            pid, uid, _ = struct.unpack("3i", told)
            return f" by {pwd.getpwuid(uid).pw_name} (process {pid})"
        except (OSError, KeyError):
            return ""
