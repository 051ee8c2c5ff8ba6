"""Slack, by bot token or by incoming webhook.

Nothing here imports slack_sdk or aiohttp: a daemon that has no alert to send does not pay for
them. ``prepare`` imports them in a thread and opens the connection.

"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

import structlog

from watchdog.errors import MessageGoneError
from watchdog.notify.lazy import import_beside_loop
from watchdog.notify.route import DIRECT, Route
from watchdog.notify.slack_answers import GONE, Answer, failure, plain_text_may_pass
from watchdog.notify.slack_place import Place
from watchdog.notify.slack_press import Buttons
from watchdog.ports import Message, Receipt

if TYPE_CHECKING:
    from types import ModuleType

    from watchdog.notify.slack_wire import BotWire, Wire

WEB_API = "https://slack.com/api/"

log = structlog.get_logger()


class Slack(ABC):
    """What both ways to Slack have in common: the late import, and plain text as the way out."""

    def __init__(self, target: str) -> None:
        self._target = target  # in words, for messages
        self._wire: Wire | None = None
        self._opening = asyncio.Lock()

    @abstractmethod
    def _make_wire(self, module: ModuleType) -> Wire:
        """Return a new wire, made by *module*, which is slack_wire."""

    async def _open(self) -> Wire:
        async with self._opening:
            if self._wire is None:
                module = await import_beside_loop("watchdog.notify.slack_wire")
                self._wire = self._make_wire(module)
            return self._wire

    async def prepare(self) -> None:
        """Import, and connect to Slack without posting anything; a failure is not reported."""
        wire = await self._open()
        await wire.warm()

    async def send(self, message: Message, key: str) -> Receipt:
        """Post *message*; a message whose form Slack refuses is posted as plain text at once."""
        wire = await self._open()
        answer = await wire.post(message, key)
        if plain_text_may_pass(answer):
            self._tell_of_plain_text(message, answer)
            answer = await wire.post_plain(message, key)
        if error := failure(answer, self._target):
            raise error
        return Receipt(answer.details)

    def _tell_of_plain_text(self, message: Message, answer: Answer) -> None:
        log.warning(
            "slack refuses the form of an alert, posting it as plain text",
            target=self._target,
            incident=message.alert.incident,
            reason=answer.code,
        )

    async def close(self) -> None:
        """Give back the connection; a later ``send`` opens a new one."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()


class SlackBot(Slack):
    """Posts, edits and answers with a bot token (scope chat:write).

    Receipts hold channel ID and ts, and for which configured channel that was.
    """

    def __init__(
        self,
        token: str,
        channel: str,
        *,
        api_url: str = WEB_API,
        route: Route = DIRECT,
        buttons: Buttons | None = None,
    ) -> None:
        super().__init__(f"Slack channel {channel}")
        self._token = token
        self._channel = channel
        self._api_url = api_url
        self._route = route
        self._buttons = buttons

    async def send(self, message: Message, key: str) -> Receipt:
        """Post *message*, to be edited and answered later."""
        receipt = await super().send(message, key)
        return Receipt({**receipt.details, "to": self._channel}) if receipt.details else receipt

    async def edit(self, message: Message, receipt: Receipt) -> None:
        """Put *message* in the place of the one of *receipt*."""
        wire, place = await self._find(receipt)
        given = await wire.edit(message, place)
        if given.code not in GONE and plain_text_may_pass(given):
            self._tell_of_plain_text(message, given)
            given = await wire.edit_plain(message, place)
        self._check(given)

    async def reply(self, message: Message, key: str, receipt: Receipt, *, loud: bool) -> Receipt:
        """Answer in the thread of the message of *receipt*; *loud*: in the channel as well."""
        wire, place = await self._find(receipt)
        given = await wire.reply(message, key, place, loud=loud)
        if given.code not in GONE and plain_text_may_pass(given):
            self._tell_of_plain_text(message, given)
            given = await wire.reply_plain(message, place, loud=loud)
        self._check(given)
        return Receipt(given.details)

    async def _find(self, receipt: Receipt) -> tuple[BotWire, Place]:
        """Return where the message of *receipt* is. Raises MessageGoneError if elsewhere.

        A reload may have given this channel another name; then a new conversation begins there.
        """
        details = receipt.details
        channel, ts = details.get("channel"), details.get("ts")
        if not channel or not ts or details.get("to") != self._channel:
            raise MessageGoneError(f"the message is not in {self._target}")
        return cast("BotWire", await self._open()), Place(channel, ts)

    def _make_wire(self, module: ModuleType) -> Wire:
        wire: Wire = module.BotWire(
            self._token, self._channel, self._api_url, self._route, self._buttons
        )
        return wire

    def _check(self, given: Answer) -> None:
        if given.code in GONE:
            raise MessageGoneError(f"cannot edit or answer in {self._target}: {given.code}")
        if error := failure(given, self._target):
            raise error


class SlackWebhook(Slack):
    """Posts to an incoming webhook, whose URL is a secret; there are no receipts."""

    def __init__(self, url: str, *, route: Route = DIRECT) -> None:
        super().__init__("Slack webhook")
        self._url = url
        self._route = route

    def _make_wire(self, module: ModuleType) -> Wire:
        wire: Wire = module.WebhookWire(self._url, self._route)
        return wire
