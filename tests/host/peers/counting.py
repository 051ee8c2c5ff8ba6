"""A backend that counts connections, and fails each as it is told; one thread, for tests' own."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"
CUT = b""


class CountingBackend:
    """Answers every request alike: with *answer*, or by closing the connection."""

    def __init__(self, listening: socket.socket, answer: bytes) -> None:
        self.tries = 0
        self._listening = listening
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):  # shut down
            while True:
                connection, _ = self._listening.accept()
                with connection:
                    connection.recv(65536)
                    self.tries += 1
                    connection.sendall(self._answer)
