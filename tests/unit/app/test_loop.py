"""The daemon's loop on a host whose resolver does not answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from watchdog.app.loop import Loop, new_loop

NAME = "slack.example"
FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


class Resolver:
    """Answers once it is told to, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = threading.Event()
        self.error: Exception | None = None

    def getaddrinfo(self, host: str, *_: object) -> object:
        self.asked.append(host)
        self.answer.wait()
        if self.error is not None:
            raise self.error
        return FOUND


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver.getaddrinfo)
    yield resolver
    resolver.answer.set()


async def give_up(question: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.get_running_loop().getaddrinfo(question, 443)


def run(work: object) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)  # type: ignore[arg-type]


def test_a_dead_resolver_takes_one_thread_for_each_name_and_holds_up_nothing(
    resolver: Resolver,
) -> None:
    async def ask() -> None:
        for _ in range(50):
            await give_up(NAME)
            await give_up("mail.example")
        assert await asyncio.to_thread(lambda: 7) == 7  # what metrics are written in

    run(ask())  # which ends although nobody has answered
    assert sorted(resolver.asked) == ["mail.example", NAME]


def test_who_asks_meanwhile_has_the_answer_of_who_asked_before(resolver: Resolver) -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        await give_up(NAME)
        asking = [asyncio.create_task(loop.getaddrinfo(NAME, 443)) for _ in range(2)]
        await asyncio.sleep(0)
        resolver.answer.set()
        assert await asyncio.gather(*asking) == [FOUND, FOUND]
        assert await loop.getaddrinfo(NAME, 443) == FOUND

    run(ask())
    assert resolver.asked == [NAME, NAME]


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_AGAIN, "later"), UnicodeError("no")])
def test_all_who_wait_for_an_answer_hear_of_its_error(resolver: Resolver, error: Exception) -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        resolver.error = error
        asking = [asyncio.create_task(loop.getaddrinfo(NAME, 443)) for _ in range(2)]
        await asyncio.sleep(0)
        resolver.answer.set()
        told = await asyncio.gather(*asking, return_exceptions=True)
        assert told == [error, error]

    run(ask())


def test_it_is_the_current_loop_without_which_python_311_starts_no_process() -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert asyncio.get_event_loop() is runner.get_loop()
    asyncio.set_event_loop(None)
