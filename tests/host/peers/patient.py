"""A service that falls ill at a signal and is well again when it is started anew.

SIGUSR1: takes requests and never answers; SIGUSR2: answers 500; SIGHUP: listens no more. Each start
adds a line to /run/patients/NAME: the pid, and when it was listening (CLOCK_MONOTONIC). It imports
little, for what it takes to start is counted as part of every recovery.
"""

from __future__ import annotations

import argparse
import os
import selectors
import signal
import socket
import time
from pathlib import Path

from tests.host.peers.record import notify_ready

STARTS = Path("/run/patients")
WELL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n"
    b'Connection: close\r\n\r\n{"status":"healthy"}'
)
ILL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Patient:
    """Serves on *port* until it is killed."""

    def __init__(self, port: int) -> None:
        self._ready = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener.setblocking(False)
        self._ready.register(self._listener, selectors.EVENT_READ)
        self._answer: bytes | None = WELL

    def hang(self, *_: object) -> None:
        self._answer = None

    def fail(self, *_: object) -> None:
        self._answer = ILL

    def lose_port(self, *_: object) -> None:
        self._ready.unregister(self._listener)
        self._listener.close()

    def serve(self) -> None:
        while True:
            for key, _ in self._ready.select():
                try:
                    if key.fileobj is self._listener:
                        self._accept()
                    else:
                        assert isinstance(key.fileobj, socket.socket)
                        self._reply(key.fileobj)
                except OSError:
                    continue  # the other side went away

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self._ready.register(client, selectors.EVENT_READ)

    def _reply(self, client: socket.socket) -> None:
        request = client.recv(16 * 1024)
        if request and self._answer is None:
            return
        if request:
            client.sendall(self._answer or b"")
        self._ready.unregister(client)
        client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A service that falls ill at a signal.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    patient = Patient(options.port)
    signal.signal(signal.SIGUSR1, patient.hang)
    signal.signal(signal.SIGUSR2, patient.fail)
    signal.signal(signal.SIGHUP, patient.lose_port)
    STARTS.mkdir(exist_ok=True)
    with (STARTS / options.name).open("a", encoding="ascii") as starts:
        starts.write(f"{os.getpid()} {time.monotonic():.6f}\n")
    notify_ready()
    patient.serve()


if __name__ == "__main__":
    main()
