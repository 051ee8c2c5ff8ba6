"""Sockets in the network of a test host, used from outside it."""

from __future__ import annotations

import ctypes
import dataclasses
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

CLONE_NEWNET = 0x40000000

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer from inside the host."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> object:
        return json.loads(self.body)


def in_network_of(pid: int, call: Callable[[], T]) -> T:
    """Return what *call* returns in the network namespace of process *pid*.

    A socket stays in the namespace that it was made in, so the caller can use it as its own.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def enter_and_call() -> None:
        # A namespace is a thread's own affair: this thread enters it and ends there.
        try:
            _set_network_namespace(pid)
            outcome.append(call())
        except BaseException as error:  # noqa: BLE001
            failure.append(error)

    thread = threading.Thread(target=enter_and_call)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def http_over(
    connect: Callable[[str, int, float], socket.socket],
    url: str,
    *,
    method: str,
    body: str | bytes | None,
    headers: Mapping[str, str],
    timeout: float,
) -> HttpReply:
    """Return the answer to one request on a fresh connection made by *connect*."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    connection.sock = connect(host, port, timeout)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        content = body.encode() if isinstance(body, str) else body
        connection.request(method, path, content, dict(headers))
        reply = connection.getresponse()
        return HttpReply(reply.status, dict(reply.getheaders()), reply.read())
    finally:
        connection.close()


def _set_network_namespace(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter the network of {pid}: {os.strerror(number)}")
    finally:
        os.close(namespace)
