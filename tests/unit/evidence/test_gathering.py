"""All evidence of a service: at once, in groups, bounded, and never in recovery's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from watchdog.evidence.gathering import LINES, SIZE, Gathering, Read, Source
from watchdog.evidence.redact import Redactor

pytestmark = pytest.mark.adapter

ENOUGH = 5.0  # seconds for what takes none


def saying(*lines: str) -> Read:
    async def read(_run: str, _pid: int | None) -> Sequence[str]:
        return lines

    return read


async def hanging(_run: str, _pid: int | None) -> Sequence[str]:
    await asyncio.Event().wait()
    return ()


async def of_the_process(run: str, pid: int | None) -> Sequence[str]:
    return [f"{run} is process {pid}"]


def gathering(*sources: Source, within: float = ENOUGH, blind: bool = False) -> Gathering:
    return Gathering(sources, Redactor(), within=within, blind=blind)


async def test_each_kind_has_its_title_in_the_order_of_a_reader() -> None:
    collect = gathering(
        Source("journal, last lines", saying("one", "two")),
        Source("nothing", saying()),
        Source("host", saying("load 1")),
    )
    assert await collect("run", 7) == [
        "== journal, last lines ==",
        "one",
        "two",
        "== host ==",
        "load 1",
    ]


async def test_what_hangs_costs_itself_alone() -> None:
    collect = gathering(Source("hung", hanging), Source("host", saying("load 1")), within=0.05)
    assert await collect("run", 7) == [
        "== hung ==",
        "not had within 0.05 s",
        "== host ==",
        "load 1",
    ]


async def test_the_kinds_are_read_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    async def meet(_run: str, _pid: int | None) -> Sequence[str]:
        await both.wait()
        return ["met"]

    collect = gathering(Source("a", meet), Source("b", meet))
    assert await collect("run", 7) == ["== a ==", "met", "== b ==", "met"]


async def test_what_goes_wrong_is_said_in_its_place() -> None:
    async def refused(_run: str, _pid: int | None) -> Sequence[str]:
        raise PermissionError(13, "Permission denied", "/var/log/x")

    async def broken(_run: str, _pid: int | None) -> Sequence[str]:
        raise ZeroDivisionError("token=canary-4711")

    collect = gathering(Source("a", refused), Source("b", broken))
    a, b = (await collect("run", 7))[1::2]
    assert a == "cannot be had: Permission denied"
    assert b == "cannot be had: ZeroDivisionError('token=[redacted]')"


async def test_secrets_are_taken_out_of_lines_and_titles() -> None:
    collect = gathering(Source("$ x --token canary-4711", saying("DB_PASSWORD=canary-4711")))
    shown = await collect("run", 7)
    assert shown == ["== $ x --token [redacted] ==", "DB_PASSWORD=[redacted]"]


async def test_of_a_dead_process_the_last_look_at_it_is_kept() -> None:
    collect = gathering(
        Source("processes", of_the_process, volatile=True), Source("journal", of_the_process)
    )
    await collect("first", 7)
    assert await collect("first", None) == [
        "== processes, while it lived ==",
        "first is process 7",
        "== journal ==",
        "first is process None",
    ]
    assert await collect("second", None) == ["== journal ==", "second is process None"]


async def test_where_nobody_knows_the_process_all_is_asked() -> None:
    collect = gathering(Source("top", saying("busy"), volatile=True), blind=True)
    assert await collect("run", None) == ["== top ==", "busy"]


async def test_a_flood_is_kept_within_bounds_and_leaves_room_for_the_rest() -> None:
    flood = Source("flood, last lines", saying(*["x" * 100_000] * 500, "the very last"))
    floods = [Source(f"$ {n}", saying(*["y" * 400] * 500), volatile=True) for n in range(8)]
    shown = await gathering(*floods, flood, Source("host", saying("load 1")))("run", 7)
    assert shown[-2:] == ["== host ==", "load 1"]
    assert "the very last" in shown
    assert len(shown) <= LINES + len(floods)
    assert sum(map(len, shown)) <= SIZE + 1000


async def test_what_would_steer_a_terminal_is_made_harmless() -> None:
    collect = gathering(Source("log", saying("\x1b[31mred\x1b[0m\tbell\x07 \x9b2J \u202e")))
    assert await collect("run", 7) == ["== log ==", "red bell\ufffd \ufffd2J \ufffd"]


async def test_a_title_is_one_line() -> None:
    collect = gathering(Source("$ python3 -c import os\nprint(1)", saying("1")))
    assert await collect("run", 7) == ["== $ python3 -c import os print(1) ==", "1"]


async def test_no_line_can_pass_for_a_title() -> None:
    forged = ("== port 80 ==", "== port\t80 ==", "\x1b[1m== port 80 ==")
    collect = gathering(Source("log", saying(*forged)))
    assert await collect("run", 7) == ["== log ==", *[" == port 80 =="] * 3]


async def test_one_redaction_is_made_at_a_time() -> None:
    busy = threading.Semaphore(1)
    clashes = []

    class Slow(Redactor):
        def lines(self, lines: Sequence[str]) -> list[str]:
            if not busy.acquire(blocking=False):
                clashes.append(lines)
                return []
            threading.Event().wait(0.02)  # other threads would run meanwhile
            busy.release()
            return list(lines)

    several = [
        Gathering([Source(f"$ {n}", saying("x")) for n in range(5)], Slow(), within=ENOUGH)
        for _ in range(3)
    ]
    for shown in await asyncio.gather(*(each("run", 7) for each in several)):
        assert shown.count("x") == 5
    assert clashes == []
