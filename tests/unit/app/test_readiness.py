"""What systemd is told, over a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.app.readiness import ASK_EVERY, Readiness


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


def heard(systemd: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return found


def test_a_long_start_asks_for_time_now_and_then_and_not_at_every_service(
    systemd: socket.socket,
) -> None:
    readiness = Readiness()
    for mono in (100.0, 100.1, 100.2):
        readiness.starting(mono)
    assert heard(systemd) == ["EXTEND_TIMEOUT_USEC=60000000"]
    readiness.starting(100.0 + ASK_EVERY)
    assert heard(systemd) == ["EXTEND_TIMEOUT_USEC=60000000"]
    readiness.socket.close()
