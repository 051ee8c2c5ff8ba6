"""Slack's Socket Mode: connections of an app, and the presses that people make."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from tests.host.peers.slack_rules import Refused
from tests.host.peers.slack_workspace import IDENTITY, Message, Workspace

ACK_SECONDS = 3.0
"""How soon an envelope must be acknowledged."""

MOST_CONNECTIONS = 10
RESPONSES = 5
"""How often a response_url may be used."""

Json = dict[str, Any]


class NoPressError(Exception):
    """The press cannot be made, or Slack tells the user that it has come to nothing."""


@dataclasses.dataclass(slots=True)
class Envelope:
    """What was sent to the app."""

    id: str
    sent: float  # CLOCK_MONOTONIC
    answered: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    took: float | None = None  # seconds until it was acknowledged


class SocketMode:
    """The app's side of Socket Mode in *workspace*; *url* leads to the server."""

    APP_TOKEN = "xapp-1-A0123456789-000-test"

    def __init__(self, workspace: Workspace) -> None:
        self.links: list[web.WebSocketResponse] = []
        """The connections that are open, the oldest first."""
        self.opened = 0
        """How many there have been."""
        self.failures: list[str] = []
        """What the app did wrong."""
        self.responses: list[Json] = []
        """What was posted to a response_url."""
        self.others = 0
        """Connections of the same app from elsewhere."""
        self.url = ""
        self._away = False
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._envelopes: dict[str, Envelope] = {}
        self._response_uses: dict[str, int] = {}
        self._serial = itertools.count(1)
        self._changed = asyncio.Condition()

    # --- the app --------------------------------------------------------------------------------

    def open(self) -> Json:
        """Carry out apps.connections.open: a place to connect to, once."""
        ticket = f"ticket-{next(self._serial)}"
        self._tickets.add(ticket)
        there = self.url.replace("http://", "ws://", 1)
        return {"url": f"{there}/link/?ticket={ticket}&app_id=A0123456789"}

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a connection until it is over."""
        ticket = parse_qs(urlsplit(str(request.rel_url)).query).get("ticket", [""])[0]
        if ticket not in self._tickets or len(self.links) >= MOST_CONNECTIONS:
            return web.Response(status=401)
        self._tickets.discard(ticket)
        link = web.WebSocketResponse()
        await link.prepare(request)
        self.links.append(link)
        self.opened += 1
        await self._tell()
        try:
            await link.send_json(self._hello())
            async for message in link:
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            self.links.remove(link)
            await self._tell()
        return link

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.links) + self.others,
            "debug_info": {
                "host": "applink-1",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": "A0123456789"},
        }

    def _take(self, text: str) -> None:
        try:
            said = json.loads(text)
            envelope_id = said["envelope_id"]
        except (KeyError, TypeError, ValueError):
            self.failures.append(f"no acknowledgement: {text}")
            return
        envelope = self._envelopes.get(envelope_id)
        if envelope is None:
            self.failures.append(f"unknown envelope {envelope_id}")
        elif envelope.took is not None:
            self.failures.append(f"envelope {envelope_id} acknowledged twice")
        else:
            envelope.took = time.monotonic() - envelope.sent
            if envelope.took > ACK_SECONDS:
                self.failures.append(f"envelope acknowledged after {envelope.took:.1f} s")
            envelope.answered.set()

    # --- people ---------------------------------------------------------------------------------

    async def press(
        self,
        label: str,
        *,
        user: str = "U0ALICE000",
        name: str = "alice",
        message: int | None = None,
        link: int = -1,
        value: str | None = None,
    ) -> Json:
        """Press the button *label*; return the payload once it is acknowledged.

        By default it is that of the newest message that has one, and goes over the newest
        connection. *value* is what a forged button would hold. Raises NoPressError if there is no
        such button, or nobody answers.
        """
        messages = self._workspace.messages
        found = messages[::-1] if message is None else [messages[message]]
        payload = self._payload(found, label, user, name, value)
        await self.send("interactive", payload, link=link)
        return payload

    async def send(self, kind: str, payload: object, *, link: int = -1) -> None:
        """Send the app an envelope, and return once it is acknowledged."""
        if not self.links:
            raise NoPressError("the app is not connected")
        envelope = Envelope(f"envelope-{next(self._serial)}", time.monotonic())
        self._envelopes[envelope.id] = envelope
        await self.links[link].send_json(
            {
                "envelope_id": envelope.id,
                "type": kind,
                "payload": payload,
                "accepts_response_payload": False,
            }
        )
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await envelope.answered.wait()
        except TimeoutError:
            self.failures.append(f"envelope not acknowledged within {ACK_SECONDS:g} s")
            raise NoPressError("the app does not answer") from None

    def _payload(
        self, messages: Sequence[Message], label: str, user: str, name: str, value: str | None
    ) -> Json:
        message, block, button = _button_of(messages, label)
        number = next(self._serial)
        shown: Json = {"type": "message", "ts": message.ts, "text": message.text}
        if message.thread:
            shown["thread_ts"] = message.thread
        return {
            "type": "block_actions",
            "user": {"id": user, "username": name, "name": name, "team_id": IDENTITY["team_id"]},
            "api_app_id": "A0123456789",
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": False,
            },
            "trigger_id": f"{number}.1.x",
            "team": {"id": IDENTITY["team_id"], "domain": "example"},
            "channel": {"id": message.channel, "name": "ops"},
            "message": {**shown, "blocks": message.body.get("blocks", [])},
            "state": {"values": {}},
            "response_url": f"{self.url}/actions/{IDENTITY['team_id']}/{number}/x",
            "actions": [
                {
                    "action_id": button["action_id"],
                    "block_id": block.get("block_id", "b1"),
                    "text": button["text"],
                    "value": button.get("value", "") if value is None else value,
                    "type": "button",
                    "action_ts": f"{int(time.time())}.{number:06d}",
                }
            ],
        }

    def respond(self, path: str, body: Json) -> None:
        """Take what was posted to a response_url."""
        self._response_uses[path] = self._response_uses.get(path, 0) + 1
        if self._response_uses[path] > RESPONSES:
            raise Refused("used_url")
        self.responses.append(body)

    # --- Slack itself ---------------------------------------------------------------------------

    @property
    def away(self) -> bool:
        """Whether it is not to be reached."""
        return self._away

    async def go_away(self) -> None:
        """Cut every connection, and take no new one."""
        self._away = True
        for link in list(self.links):
            transport = link._req.transport if link._req is not None else None
            if transport is not None:
                transport.abort()
        await self.wait_for_links(0)

    def come_back(self) -> None:
        """Take connections again."""
        self._away = False

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Announce the end of the oldest connection; `close_oldest` brings it about."""
        debug = {"host": "applink-1"}
        await self.links[0].send_json({"type": "disconnect", "reason": reason, "debug_info": debug})

    async def close_oldest(self) -> None:
        """Close the oldest connection."""
        await self.links[0].close(code=WSCloseCode.GOING_AWAY)

    async def wait_for_links(
        self,
        count: int,
        timeout: float = 10.0,  # noqa: ASYNC109
    ) -> None:
        """Return as soon as there are *count* connections."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: len(self.links) == count)

    async def wait_until_opened(
        self,
        count: int,
        timeout: float = 10.0,  # noqa: ASYNC109
    ) -> None:
        """Return as soon as there have been *count* connections."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.opened >= count)

    async def end(self) -> None:
        """Close everything: the server ends."""
        for link in list(self.links):
            await link.close(code=WSCloseCode.GOING_AWAY)

    async def obey(self, wanted: Json) -> Json:
        """Do what a test says over HTTP; return how things stand."""
        match wanted.get("do", "look"):
            case "press":
                await self.press(**wanted["press"])
            case "disconnect":
                await self.disconnect()
                await self.wait_until_opened(self.opened + 1)
                await self.close_oldest()
            case "go_away":
                await self.go_away()
            case "come_back":
                self.come_back()
            case "wait":
                await self.wait_for_links(int(wanted["links"]), 20.0)
        return {"links": len(self.links), "opened": self.opened, "failures": self.failures}

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _button_of(messages: Sequence[Message], label: str) -> tuple[Message, Json, Json]:
    """Return the first message with a button that says *label*, the button, and its block.

    If none has it now, one that had it before its last edit: a client may not have seen that yet.
    """
    now = [(message, message.body) for message in messages]
    for message, body in [*now, *((message, message.before) for message in messages)]:
        blocks = body.get("blocks") or []
        for block in json.loads(blocks) if isinstance(blocks, str) else blocks:
            for element in block.get("elements", ()):
                if element.get("type") == "button" and element["text"]["text"] == label:
                    return message, block, element
    raise NoPressError(f"there is no button {label}")
