"""What becomes of a press: who may, what is done, and what is answered."""

from __future__ import annotations

import asyncio
import html
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

import structlog

from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.payload import Press
from watchdog.buttons.permission import Permission
from watchdog.core.spans import clock_parts
from watchdog.errors import WatchdogError
from watchdog.notify.slack_press import PAUSE_FOR, SILENCE_FOR, Deed
from watchdog.notify.text import one_line
from watchdog.ports import Clock
from watchdog.words.catalogue import Catalogue

log = structlog.get_logger()

AGAIN_AFTER = 10.0
"""Seconds after a restart that was asked for by a button: until then another press is the same."""

NOT_ANY_MORE, BUSY = 1, 4
"""Exit codes of the calls: the incident is over; a restart is under way."""

SOON = 2.0
"""Seconds in which a restart may be over, before people are told that one was begun."""

REFUSALS = 20
WINDOW = 600.0
"""So many refused presses of one person are written down within so many seconds: no flood."""

REASON = "by a button in Slack"
TEXT_WIDTH = 600
NAME_WIDTH = 40
HOST_WIDTH = 500  # as in a message

Call = Callable[[Mapping[str, Any], str], Awaitable[Any]]
"""A call of the control socket: takes its arguments and who asks. Raises WatchdogError."""

Note = Callable[[str, str, str], Awaitable[None]]
"""Writes on the timeline of an incident; takes service, incident and words."""


class Replies(Protocol):
    """How people at Slack are answered; raises ButtonsError."""

    async def quietly(self, press: Press, text: str) -> None:
        """Tell the one who pressed."""
        ...

    async def aloud(self, press: Press, text: str) -> None:
        """Tell all who read the channel, under the message."""
        ...

    async def members(self, group: str) -> Sequence[str]:
        """Return the ids of the users in a user group."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel whose messages have buttons."""

    permission: Permission
    replies: Replies


class _NothingDoneError(WatchdogError):
    """Nothing is done; ``text`` is for who pressed, in their language, the message for records."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


class Presses:
    """Answers presses by the calls that the command line makes."""

    def __init__(
        self,
        host: str,
        words: Catalogue,
        channels: Mapping[str, Channel],
        calls: Mapping[str, Call],
        note: Note,
        clock: Clock,
    ) -> None:
        self._host = one_line(host, HOST_WIDTH)
        self._words = words
        self._channels = channels
        self._calls = calls
        self._note = note
        self._clock = clock
        self._again_at: dict[str, float] = {}  # service -> mono; inf while it is restarted
        self._refused: dict[str, deque[float]] = {}  # user -> mono of those written down

    async def answer(self, press: Press) -> None:
        """Do what *press* asks for, or say why not; never raises."""
        channel = self._channels.get(press.target.channel)
        # Of a channel that was taken out or renamed: the app is the same, and so is its voice.
        replies = (channel or next(iter(self._channels.values()))).replies
        try:
            await self._check(press, channel)
            await self._act(press, replies)
        except _NothingDoneError as why:
            self._log(press, f"refused: {why}")
            await self._keep(press, str(why))
            await self._reply(replies.quietly, press, why.text)
        except Exception as error:
            log.exception("a press came to nothing; the daemon goes on")
            text = self._words.not_done(type(error).__name__)
            await self._reply(replies.quietly, press, text)

    # --- may they ---------------------------------------------------------------------------------

    async def _check(self, press: Press, channel: Channel | None) -> None:
        """Raise _NothingDoneError if nothing may come of *press*."""
        words, who = self._words, f"{press.name} ({press.user})"
        if channel is None:
            why = "the channel of the button is not configured any more"
            raise _NothingDoneError(why, words.not_done(why))
        try:
            may = await channel.permission.is_given_to(press.user)
        except ButtonsError as error:
            why = f"cannot find out whether they may: {error}"
            raise _NothingDoneError(why, words.cannot_tell_who(str(error))) from None
        if not may:
            raise _NothingDoneError("not among the users who may", words.may_not_press(who))
        if press.target.host != self._host:
            raise _NothingDoneError(
                f"a button of host {press.target.host}",
                words.of_another_host(press.target.host, self._host),
            )

    # --- what is done -----------------------------------------------------------------------------

    async def _act(self, press: Press, replies: Replies) -> None:
        text = await self._done(press, replies)
        self._log(press, "done")
        await self._reply(replies.aloud, press, text)

    async def _done(self, press: Press, replies: Replies) -> str:
        """Do what *press* asks for, and return what came of it."""
        words, who = self._words, press.name
        match press.deed:
            case Deed.ACKNOWLEDGE:
                await self._call("ack", press, {})
                return words.acknowledged(who)
            case Deed.SILENCE:
                await self._for_a_while("silence", press, SILENCE_FOR)
                return words.silenced(who, words.span(*SILENCE_FOR))
            case Deed.PAUSE:
                await self._for_a_while("pause", press, PAUSE_FOR)
                return words.paused(who, words.span(*PAUSE_FOR))
            case Deed.RESTART:
                return await self._restart(press, replies)
        assert_never(press.deed)

    async def _restart(self, press: Press, replies: Replies) -> str:
        """Restart, and return what came of it; whoever presses twice means one restart."""
        words, service = self._words, press.target.service
        if self._clock.now().mono < self._again_at.get(service, 0.0):
            raise _NothingDoneError("pressed twice", words.pressed_twice(service))
        self._again_at[service] = float("inf")
        restarting = asyncio.create_task(self._call("restart", press, {}))
        try:
            await asyncio.wait({restarting}, timeout=SOON)
            if not restarting.done():
                await self._reply(replies.aloud, press, words.restart_begun(press.name, service))
            answer = await restarting
            self._again_at[service] = self._clock.now().mono + AGAIN_AFTER
        finally:
            restarting.cancel()
            if self._again_at[service] == float("inf"):
                del self._again_at[service]
        if answer["code"] == 0:
            return words.restart_healed(service, words.span(*clock_parts(answer["took"])))
        return words.restart_in_vain(service, answer["reason"] or answer["phase"])

    async def _for_a_while(self, name: str, press: Press, span: tuple[int, int, int]) -> None:
        hours, minutes, seconds = span
        lasting = hours * 3600 + minutes * 60 + seconds
        await self._call(name, press, {"seconds": lasting, "reason": REASON})

    async def _call(self, name: str, press: Press, more: Mapping[str, Any]) -> Any:
        target, words = press.target, self._words
        arguments = {"name": target.service, "incident": target.incident, **more}
        try:
            return await self._calls[name](arguments, press.who)
        except WatchdogError as error:
            code = getattr(error, "code", 3)
            text = words.not_done(str(error))
            if code == NOT_ANY_MORE:
                text = words.incident_over(target.incident)
            elif code == BUSY:
                text = words.pressed_twice(target.service)
            raise _NothingDoneError(str(error), text) from None

    # --- what is told -----------------------------------------------------------------------------

    async def _keep(self, press: Press, why: str) -> None:
        """Write a press that nothing came of on the timeline of its incident."""
        target, mono = press.target, self._clock.now().mono
        refused = self._refused.setdefault(press.user, deque(maxlen=REFUSALS))
        is_flood = len(refused) == REFUSALS and mono < refused[0] + WINDOW
        if target.host != self._host or is_flood:
            return
        refused.append(mono)
        text = f"{press.deed} by {press.who} refused: {why}"
        try:
            await self._note(target.service, target.incident, one_line(text, TEXT_WIDTH))
        except WatchdogError as error:
            log.warning("press not written down", who=press.who, reason=str(error))

    async def _reply(
        self, reply: Callable[[Press, str], Awaitable[None]], press: Press, text: str
    ) -> None:
        try:
            # What Slack would make a mention of is none.
            await reply(press, html.escape(one_line(text, TEXT_WIDTH), quote=False))
        except ButtonsError as error:
            log.warning("press not answered", who=press.who, reason=str(error))

    def _log(self, press: Press, outcome: str) -> None:
        target = press.target
        log.info(
            "button pressed",
            button=press.deed.value,
            service=one_line(target.service, TEXT_WIDTH),
            incident=one_line(target.incident, NAME_WIDTH),
            who=press.who,
            outcome=outcome,
        )
