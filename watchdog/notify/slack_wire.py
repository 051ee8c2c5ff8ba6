"""The exchange with Slack over slack_sdk and aiohttp; importing this is what costs.

Not a word of an exception of theirs goes further: some quote the address, and the address of a
webhook is a secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackObjectFormationError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from watchdog.errors import TemporaryDeliveryError
from watchdog.notify.http_wire import KEEP_ALIVE, LOST, open_session, retry_after, why_lost
from watchdog.notify.route import Route
from watchdog.notify.slack_answers import Answer
from watchdog.notify.slack_message import blocks, full_text, plain_text
from watchdog.notify.slack_place import Place
from watchdog.notify.slack_press import Buttons
from watchdog.notify.slack_thread import answer, top
from watchdog.ports import Message

WARM_TIMEOUT = 5.0

CODE = re.compile(r"[a-z][a-z_]{1,60}")
SCOPE = re.compile(r"[a-z.:,_-]{1,100}")

# slack_sdk writes addresses and bodies at level DEBUG: never through our log.
quiet = logging.getLogger("watchdog.notify.slack_sdk")
quiet.setLevel(logging.WARNING)

STUMBLED = (AttributeError, TypeError, ValueError, LookupError, RecursionError)
"""What slack_sdk raises of an answer that is not Slack's."""

Body: TypeAlias = dict[str, Any]


class Wire(ABC):
    """One session with one server: one connection, kept, and a timeout of our own.

    slack_sdk ignores its own timeout when it is given a session, and opens one for each call
    when it is not.
    """

    def __init__(self, url: str, route: Route) -> None:
        parts = urlsplit(url)
        # Small, public and without effect; aiohttp keeps no connection that answered a HEAD
        # without a length.
        self._harmless = f"{parts.scheme}://{parts.netloc}/robots.txt"
        self._route = route
        self._fresh_until = 0.0
        self._session = open_session(route)

    @abstractmethod
    async def post(self, message: Message, key: str) -> Answer:
        """Post *message* in full form."""

    @abstractmethod
    async def post_plain(self, message: Message, key: str) -> Answer:
        """Post the least that tells *message*."""

    async def warm(self) -> None:
        """Resolve, connect and shake hands ahead of time, unless that was done just now."""
        now = asyncio.get_running_loop().time()
        if now < self._fresh_until:
            return
        with contextlib.suppress(*LOST):
            async with self._session.get(
                self._harmless,
                allow_redirects=False,
                proxy=self._route.proxy,
                timeout=aiohttp.ClientTimeout(total=min(self._route.timeout, WARM_TIMEOUT)),
            ) as response:
                await response.read()  # or the connection would not be kept
                self._fresh_until = now + KEEP_ALIVE / 2

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    def _failure(self, error: Exception) -> TemporaryDeliveryError:
        """Return what an exchange without an answer means, in our own words."""
        why, pause = why_lost(error, self._route.timeout)
        return TemporaryDeliveryError(f"cannot reach Slack: {why}", pause)


class BotWire(Wire):
    """chat.postMessage and chat.update with a bot token."""

    def __init__(
        self, token: str, channel: str, api_url: str, route: Route, buttons: Buttons | None = None
    ) -> None:
        super().__init__(api_url, route)
        self._channel = channel
        self._buttons = buttons
        self._client = AsyncWebClient(
            token, base_url=api_url, session=self._session, logger=quiet, retry_handlers=[]
        )
        self._client.proxy = route.proxy  # the constructor has taken HTTPS_PROXY

    async def post(self, message: Message, key: str) -> Answer:
        """Post *message* in full form; *key* lets Slack recognise it, as far as it does."""
        return await self._posted(lambda: {**top(message, self._buttons), "client_msg_id": key})

    async def post_plain(self, message: Message, key: str) -> Answer:
        """Post the least that tells *message*, without *key*: it may be what was refused."""
        del key
        return await self._posted(lambda: {"text": plain_text(message)})

    async def edit(self, message: Message, place: Place) -> Answer:
        """Put *message* into *place*."""
        return await self._exchange(
            self._client.chat_update, lambda: top(message, self._buttons), place.named
        )

    async def edit_plain(self, message: Message, place: Place) -> Answer:
        """Put the least that tells *message* into *place*, and nothing of what was there."""
        plain: Body = {"text": plain_text(message), "blocks": [], "attachments": []}
        return await self._exchange(self._client.chat_update, lambda: plain, place.named)

    async def reply(self, message: Message, key: str, place: Place, *, loud: bool) -> Answer:
        """Answer in *place* in full form."""
        named = {**place.thread(loud=loud), "client_msg_id": key}
        return await self._posted(lambda: {**answer(message, self._buttons, loud=loud), **named})

    async def reply_plain(self, message: Message, place: Place, *, loud: bool) -> Answer:
        """Answer in *place* with the least that tells *message*."""
        return await self._posted(
            lambda: {"text": plain_text(message), **place.thread(loud=loud)},
        )

    async def _posted(self, make_body: Callable[[], Body]) -> Answer:
        named = {"channel": self._channel, "unfurl_links": False, "unfurl_media": False}
        return await self._exchange(self._client.chat_postMessage, make_body, named)

    async def _exchange(
        self, call: Callable[..., Awaitable[Any]], make_body: Callable[[], Body], named: Body
    ) -> Answer:
        # chat.update would look for links and names, were it not told otherwise each time.
        try:
            body = {**named, "link_names": False, "parse": "none", **make_body()}
            response = await call(**body)
        except SlackObjectFormationError:
            return Answer(HTTPStatus.BAD_REQUEST, "invalid_blocks")
        except SlackApiError as error:
            return refusal(error.response)
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from None
        except STUMBLED:
            return Answer(HTTPStatus.OK)  # no JSON object, no UTF-8, no end of brackets, …
        # slack_sdk takes bytes, or "false" in quotation marks, for a yes.
        if not isinstance(response.data, dict) or response.data.get("ok") is not True:
            return Answer(response.status_code)
        details = {name: response.get(name) for name in ("channel", "ts")}
        return Answer(
            response.status_code,
            ok=True,
            details={name: value for name, value in details.items() if isinstance(value, str)},
        )


class WebhookWire(Wire):
    """An incoming webhook."""

    def __init__(self, url: str, route: Route) -> None:
        super().__init__(url, route)
        self._client = AsyncWebhookClient(
            url, session=self._session, logger=quiet, retry_handlers=[]
        )
        self._client.proxy = route.proxy  # the constructor has taken HTTPS_PROXY

    async def post(self, message: Message, key: str) -> Answer:
        """Post *message* in full form; webhooks know no *key*."""
        del key
        try:
            shown = blocks(message)
        except SlackObjectFormationError:
            return Answer(HTTPStatus.BAD_REQUEST, "invalid_blocks")
        return await self._exchange({"text": full_text(message), "blocks": shown})

    async def post_plain(self, message: Message, key: str) -> Answer:
        """Post the least that tells *message*."""
        del key
        return await self._exchange({"text": plain_text(message)})

    async def _exchange(self, body: Body) -> Answer:
        body |= {"unfurl_links": False, "unfurl_media": False}
        try:
            response = await self._client.send_dict(body)
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from None
        except STUMBLED:
            return Answer(HTTPStatus.OK)  # the answer is not text
        words = response.body.strip()
        return Answer(
            response.status_code,
            words if CODE.fullmatch(words) and words != "ok" else "",
            ok=response.status_code == HTTPStatus.OK and accepted(words),
            retry_after=retry_after(response.headers),
        )


def accepted(words: str) -> bool:
    """Tell whether a webhook's answer means yes; a workflow's webhook answers in JSON."""
    if words == "ok":
        return True
    try:
        answer = json.loads(words)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("ok") is True


def refusal(response: Any) -> Answer:
    """Return what *response* says: slack_sdk's, or aiohttp's if its body was no JSON."""
    if isinstance(response, aiohttp.ClientResponse):
        return Answer(response.status, retry_after=retry_after(response.headers))
    said = response.data if isinstance(response.data, dict) else {}
    code, needed = said.get("error"), said.get("needed")
    return Answer(
        response.status_code,
        code if isinstance(code, str) and CODE.fullmatch(code) else "",
        retry_after=retry_after(response.headers),
        needed=needed if isinstance(needed, str) and SCOPE.fullmatch(needed) else "",
    )
