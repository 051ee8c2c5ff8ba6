"""Connections that come about, are refused, or would be to ourselves."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.unit.probes.servers import free_port, listening
from watchdog.probes import connect as module
from watchdog.probes.address import Address
from watchdog.probes.connect import Refusal, connect, connect_any


def loopback(port: int) -> Address:
    return Address(socket.AF_INET, "127.0.0.1", port)


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_listener_is_connected_to_without_waiting() -> None:
    with listening() as port:
        coroutine = connect(loopback(port))
        with pytest.raises(StopIteration) as returned:
            coroutine.send(None)
        with returned.value.value as sock:
            assert sock.getpeername() == ("127.0.0.1", port)
            assert not sock.getblocking()


async def test_a_closed_port_refuses() -> None:
    with pytest.raises(ConnectionRefusedError):
        await connect(loopback(free_port()))


async def test_a_connection_to_itself_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(("127.0.0.1", 0))  # what the kernel may choose by chance
        port = sock.getsockname()[1]
        assert await module._connect(sock, loopback(port)) == errno.ECONNREFUSED
        assert sock.getpeername() == sock.getsockname()


async def test_the_first_address_that_answers_is_taken() -> None:
    with listening() as port:
        addresses = [Address(socket.AF_INET6, "::1", port), loopback(port)]
        connection = await connect_any(addresses, 5)
        assert not isinstance(connection, Refusal)
        connection[0].close()
        assert connection[1] == addresses[1]


async def test_every_address_that_was_tried_is_named() -> None:
    port = free_port()
    refusal = await connect_any([Address(socket.AF_INET6, "::1", port), loopback(port)], 5)
    assert refusal == Refusal(
        f"cannot connect to [::1]:{port}: Connection refused, 127.0.0.1:{port}: Connection refused",
        is_ours=False,
    )


async def test_having_no_descriptor_left_is_our_own_trouble() -> None:
    with no_descriptor_left():
        refusal = await connect_any([loopback(1)], 5)
    assert refusal == Refusal("cannot connect to 127.0.0.1:1: Too many open files", is_ours=True)


async def test_an_address_that_does_not_answer_leaves_time_for_the_next() -> None:
    with (
        listening("127.0.0.2", backlog=0) as port,
        listening("127.0.0.1", port=port),
        socket.create_connection(("127.0.0.2", port)),  # now the queue is full
    ):
        silent = Address(socket.AF_INET, "127.0.0.2", port)
        connection = await connect_any([silent, loopback(port)], 0.1)
        assert not isinstance(connection, Refusal)
        connection[0].close()
        refusal = await connect_any([silent, silent], 0.1)
    reason = f"cannot connect to {silent}: no answer, {silent}: no answer"
    assert refusal == Refusal(reason, is_ours=False)
