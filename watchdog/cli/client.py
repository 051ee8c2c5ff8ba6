"""Asks the running daemon over its control socket."""

from __future__ import annotations

import os
import pwd
import re
import socket
from pathlib import Path
from typing import Any

import msgspec

from watchdog.errors import ControlError

PATIENCE = 300.0
"""Seconds to wait for an answer: a restart with its proof of health may take minutes."""


_UNPRINTABLE = re.compile(rb"\\\\|\\[bfr]|\\u00(?:[0189][0-9a-fA-F]|7[fF])|\x7f|\xc2[\x80-\x9f]")
"""In JSON: what a terminal would obey. Answers quote foreign text, and are shown to root."""


class RefusedError(ControlError):
    """The daemon answered that it cannot; *code* is the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def ask(path: Path, call: str, arguments: dict[str, Any], patience: float = PATIENCE) -> Any:
    """Return the daemon's answer to *call*. Raises ControlError, RefusedError."""
    request = {"call": call, "arguments": arguments, "user": user()}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience)
        try:
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except TimeoutError as error:
            raise ControlError(
                f"cannot ask the daemon: no answer within {patience:g} s on {path}"
            ) from error
        except OSError as error:
            raise ControlError(f"cannot ask the daemon: {_why(error, path)}") from error
    try:
        reply = msgspec.json.decode(_UNPRINTABLE.sub(_shown, answer))
    except msgspec.DecodeError as error:
        raise ControlError(f"cannot ask the daemon: it hung up on {path}") from error
    if reply.get("error"):
        raise RefusedError(reply["error"], reply.get("code", 3))
    return reply.get("result")


def _shown(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0] == rb"\\" else b"?"


def user() -> str:
    """Return who asks; of root, for whom it acts."""
    uid = os.getuid()
    if uid == 0 and (user := os.environ.get("SUDO_USER", "")):
        return user
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def _why(error: OSError, path: Path) -> str:
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            return (
                f"nothing answers on {path}; is it running? systemctl status service-watchdog tells"
            )
        case PermissionError():
            return (
                f"no permission for {path}; use sudo, or join the group service-watchdog: "
                "sudo usermod -aG service-watchdog $USER"
            )
        case _:
            return f"{path}: {error.strerror or error}"
