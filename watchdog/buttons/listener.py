"""One connection to Slack over Socket Mode, kept: lost ones are made anew, old ones replaced.

Slack announces that it will close a connection. The next one is made while the old one still
brings presses, so that none falls between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

import msgspec
import structlog

from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.payload import Envelope, Hello, Press, read_envelope, read_hello, read_press
from watchdog.buttons.standing import Standing
from watchdog.ports import Clock

log = structlog.get_logger()

DEADLINE = 30.0  # seconds until a connection is there and has said hello
CALM = 10.0  # seconds that a connection must last for the next to follow it without a pause
LINGER = 30.0  # seconds that Slack has to close a connection that it wanted replaced
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
AT_ONCE = 32  # presses that are answered at the same time
REMEMBERED = 256  # presses that are known again

ODD = (msgspec.MsgspecError, ValueError, RecursionError)
"""What foreign text raises that is not what it should be."""


class Link(Protocol):
    """An open connection; ``receive`` and ``send`` raise ButtonsError once it is over."""

    async def receive(self) -> str:
        """Return the next text."""
        ...

    async def send(self, text: str) -> None:
        """Send *text*."""
        ...

    async def close(self) -> None:
        """End it; bounded."""
        ...


class Listener:
    """Takes presses for as long as it runs; *answer* never raises."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Link]],
        answer: Callable[[Press], Coroutine[None, None, None]],
        clock: Clock,
        standing: Standing,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._connect = connect
        self._answer = answer
        self._clock = clock
        self._standing = standing
        self._chance = chance
        self._bell = asyncio.Event()
        self._failures = 0  # in a row
        self._known: dict[str, None] = {}  # presses, the oldest first
        self._answering: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Try again at once: the configuration or the network has changed."""
        self._failures = 0
        self._bell.set()

    async def run(self) -> None:
        """Take presses until cancelled; nothing that Slack does ends it."""
        while True:
            try:
                await self._keep()
            except Exception:
                log.exception("slack buttons stumbled, going on")
                self._standing.lost("stumbled over an error of our own; the log has it")
                await self._pause(None)

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                link = await self._connected()
                began, replaced = self._clock.now().mono, asyncio.Event()
                tasks.create_task(self._serve(link, replaced, tasks))
                await replaced.wait()
                if self._clock.now().mono - began < CALM:
                    await self._pause(None)
                else:
                    self._failures = 0

    async def _connected(self) -> Link:
        while True:
            try:
                return await self._greeted()
            except ButtonsError as error:
                self._standing.lost(str(error))
                await self._pause(error.pause)
            except TimeoutError:
                self._standing.lost(f"Slack has not said hello within {DEADLINE:g} s")
                await self._pause(None)

    async def _greeted(self) -> Link:
        """Return a connection that Slack has said hello on."""
        async with asyncio.timeout(DEADLINE):
            link = await self._connect()
            try:
                hello = await _hello(link)
            except BaseException:
                await link.close()
                raise
        self._standing.connected(hello.num_connections)
        return link

    async def _serve(self, link: Link, replaced: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        """Take what comes over *link* until it is over; *replaced* is set when another is due."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as patience:
                while True:
                    envelope = await self._received(link)
                    if envelope.type == "disconnect":
                        replaced.set()
                        patience.reschedule(loop.time() + LINGER)
                    elif press := self._press(envelope):
                        self._begin(press, tasks)
        except (ButtonsError, TimeoutError) as error:
            if not replaced.is_set():
                self._standing.lost(str(error))
        finally:
            replaced.set()
            self._standing.closed()
            await link.close()

    async def _received(self, link: Link) -> Envelope:
        """Return the next envelope, acknowledged: Slack gives three seconds for that."""
        while True:
            text = await link.receive()
            try:
                envelope = read_envelope(text)
            except ODD:
                log.warning("slack sends what is no envelope; it is passed over")
                continue
            if envelope.envelope_id:
                answer = {"envelope_id": envelope.envelope_id}
                await link.send(msgspec.json.encode(answer).decode())
            return envelope

    def _press(self, envelope: Envelope) -> Press | None:
        """Return the press in *envelope*, unless it is known."""
        if envelope.type != "interactive":
            return None
        try:
            press = read_press(envelope.payload)
        except ODD as error:
            log.warning("a press that makes no sense; nothing is done", reason=type(error).__name__)
            return None
        if press is None or press.key in self._known:
            return None
        self._known[press.key] = None
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return press

    def _begin(self, press: Press, tasks: asyncio.TaskGroup) -> None:
        if len(self._answering) >= AT_ONCE:
            log.warning("too many presses at once; nothing is done", who=press.who)
            return
        task = tasks.create_task(self._answer(press))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _pause(self, asked: float | None) -> None:
        """Wait longer after each failure, and never in step with others."""
        self._failures += 1
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 16))
        seconds = max(asked or 0.0, longest * (0.5 + 0.5 * self._chance()))
        self._bell.clear()
        timer = self._clock.call_at(self._clock.now().mono + seconds, self._bell.set)
        try:
            await self._bell.wait()
        finally:
            timer.cancel()


async def _hello(link: Link) -> Hello:
    """Return what Slack begins with. Raises ButtonsError if that is something else."""
    with contextlib.suppress(*ODD):
        if hello := read_hello(await link.receive()):
            return hello
    raise ButtonsError("Slack has not said hello")
