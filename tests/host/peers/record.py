"""What every peer does: write down what it got, and tell systemd when it is ready.

Imports nothing slow: the sample service starts in milliseconds.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path


class Record:
    """A file of JSON lines, each in it before the peer answers; no *path*, no file."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def add(self, line: Mapping[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def notify_ready() -> None:
    """Send READY=1, if systemd started us and waits for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", address)
