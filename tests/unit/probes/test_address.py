"""Literal addresses, names, and which of them are this host's."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from watchdog.probes.address import Address, is_permanent, literal, resolve
from watchdog.thread import in_thread


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", Address(socket.AF_INET, "127.0.0.1", 80)),
        ("::1", Address(socket.AF_INET6, "::1", 80)),
        ("0:0:0::1", Address(socket.AF_INET6, "::1", 80)),
        ("::ffff:10.0.0.1", Address(socket.AF_INET, "10.0.0.1", 80)),
        ("fe80::1%lo", Address(socket.AF_INET6, "fe80::1", 80, scope=1)),
        ("localhost", None),
        ("example.com", None),
        ("", None),
        ("a" * 300, None),
        ("..", None),
    ],
)
def test_only_a_literal_address_is_one(host: str, expected: Address | None) -> None:
    assert literal(host, 80) == expected


def test_an_address_reads_as_in_a_url() -> None:
    assert str(Address(socket.AF_INET, "10.0.0.1", 80)) == "10.0.0.1:80"
    assert str(Address(socket.AF_INET6, "::1", 80)) == "[::1]:80"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"])
def test_loopback_and_wildcard_are_of_this_host(host: str) -> None:
    address = literal(host, 80)
    assert address is not None
    assert address.is_local()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_addresses_for_documentation_are_not_of_this_host(host: str) -> None:
    address = literal(host, 80)
    assert address is not None
    assert not address.is_local()


async def test_localhost_is_both_loopback_addresses_whatever_the_resolver_says() -> None:
    assert [str(address) for address in await resolve("LocalHost.", 80)] == [
        "[::1]:80",
        "127.0.0.1:80",
    ]


async def test_a_name_is_resolved_by_one_thread_for_all_who_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    asked, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def getaddrinfo(host: str, port: int, **_: int) -> list[tuple[object, ...]]:
        calls.append(host)
        loop.call_soon_threadsafe(asked.set)
        go_on.wait()
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.1", port))] * 2

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    tasks = [asyncio.create_task(resolve("www.example.com", 80)) for _ in range(3)]
    await asked.wait()
    tasks[0].cancel()
    await asyncio.wait([tasks[0]])
    go_on.set()
    assert await tasks[1] == await tasks[2] == [Address(socket.AF_INET, "192.0.2.1", 80)]
    assert calls == ["www.example.com"]


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), True),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), False),
        (UnicodeError("label too long"), True),
    ],
)
async def test_a_name_that_is_none_differs_from_a_resolver_in_trouble(
    error: Exception, permanent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(socket.gaierror) as raised:
        await resolve("nowhere.example", 80)
    assert is_permanent(raised.value) == permanent


async def test_a_thread_of_its_own_hands_back_answer_or_error() -> None:
    assert await in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_a_call_that_nobody_waits_for_any_more_ends_quietly() -> None:
    go_on, ended = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def call() -> None:
        go_on.wait()
        loop.call_soon_threadsafe(ended.set)

    task = asyncio.create_task(in_thread(call))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    go_on.set()
    await ended.wait()
    await asyncio.sleep(0)
