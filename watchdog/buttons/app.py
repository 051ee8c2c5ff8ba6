"""A Slack app as it is configured, listened to: its one connection, and its channels' voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.listener import Link, Listener
from watchdog.buttons.payload import Press
from watchdog.buttons.permission import Permission
from watchdog.buttons.presses import Call, Channel, Note, Presses
from watchdog.buttons.standing import ButtonsStatus, Standing
from watchdog.notify.lazy import import_beside_loop
from watchdog.notify.route import Route
from watchdog.ports import Clock
from watchdog.words.catalogue import Catalogue

if TYPE_CHECKING:
    from watchdog.buttons.web_api import WebApi


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A channel that the app writes to."""

    name: str
    token: str = field(repr=False)
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What of the configuration makes the app; equal ones may go on as they are."""

    app_token: str = field(repr=False)
    api_url: str
    timeout: float
    host: str
    language: str
    channels: tuple[ChannelSettings, ...]

    @property
    def name(self) -> str:
        """Name the app by its channels."""
        return ", ".join(channel.name for channel in self.channels)


class App:
    """Takes the presses of one app; nothing is imported or opened before ``run``."""

    def __init__(
        self,
        settings: AppSettings,
        words: Catalogue,
        calls: Mapping[str, Call],
        note: Note,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._api: WebApi | None = None
        channels = {each.name: self._channel(each, clock) for each in settings.channels}
        presses = Presses(settings.host, words, channels, calls, note, clock)
        self._standing = Standing(settings.name, clock)
        self._listener = Listener(self._connect, presses.answer, clock, self._standing)

    async def run(self) -> None:
        """Take presses until cancelled."""
        try:
            await self._listener.run()
        finally:
            if self._api is not None:
                with suppress(Exception):  # nothing here is worth the daemon's life
                    await self._api.close()

    def wake(self) -> None:
        """Connect now if there is no connection."""
        self._listener.wake()

    def status(self) -> ButtonsStatus:
        """Return how the connection stands."""
        return self._standing.status()

    async def call(self, method: str, token: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Return what Slack answers to *method*. Raises ButtonsError."""
        return await (await self._opened()).call(method, token, arguments)

    async def _connect(self) -> Link:
        return await (await self._opened()).connect(self._settings.app_token)

    async def _opened(self) -> WebApi:
        if self._api is None:
            module = await import_beside_loop("watchdog.buttons.web_api")
            self._api = module.WebApi(self._settings.api_url, Route(self._settings.timeout))
        return self._api

    def _channel(self, channel: ChannelSettings, clock: Clock) -> Channel:
        voice = _Voice(self, channel.token)
        return Channel(Permission(channel.users, voice.members, clock), voice)


class _Voice:
    """Answers people with the bot token of one channel. Implements Replies."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token

    async def quietly(self, press: Press, text: str) -> None:
        await self._say("chat.postEphemeral", press, {"user": press.user, "text": text})

    async def aloud(self, press: Press, text: str) -> None:
        more = {"text": text, "unfurl_links": "false", "unfurl_media": "false"}
        await self._say("chat.postMessage", press, more)

    async def members(self, group: str) -> Sequence[str]:
        method = "usergroups.users.list"
        answer = await self._app.call(method, self._token, {"usergroup": group})
        users = answer.get("users")
        if not isinstance(users, list):
            raise ButtonsError(f"Slack does not tell who is in user group {group}")
        return [user for user in users if isinstance(user, str)]

    async def _say(self, method: str, press: Press, more: Mapping[str, str]) -> None:
        where = {"channel": press.channel, "thread_ts": press.thread}
        await self._app.call(method, self._token, where | {"parse": "none"} | dict(more))
