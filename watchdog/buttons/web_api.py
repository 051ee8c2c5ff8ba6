"""The exchange with Slack over aiohttp: calls of the Web API, and the connection of Socket Mode.

Importing this is what costs. Not a word of an exception of theirs goes further: the address of a
connection holds a ticket.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from watchdog.buttons.errors import ButtonsError
from watchdog.notify.http_wire import LOST, open_session, retry_after, why_lost
from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.route import Route

HEARTBEAT = 30.0
"""Seconds between two pings; no pong within half of that, and the connection counts as lost."""

FAREWELL = 1.0
"""Seconds that the end of a connection may take."""

ENVELOPE_SIZE = 1 << 20
"""Bytes that Slack may send at once; a press comes with the whole message."""

CONNECTIONS = 8
"""Two of Socket Mode while one takes the place of the other, and calls beside them."""

CODE = re.compile(r"[a-z][a-z_]{1,60}")

_NEW_APP_TOKEN = "generate an app-level token with the scope connections:write"  # noqa: S105

# Slack's code -> what the operator does about it.
REPAIRS: Mapping[str, Mapping[str, str]] = {
    "apps.connections.open": {
        "account_inactive": _NEW_APP_TOKEN,
        "forbidden_team": _NEW_APP_TOKEN,
        "invalid_auth": _NEW_APP_TOKEN,
        "missing_scope": _NEW_APP_TOKEN,
        "not_allowed_token_type": f"app_token is no app-level token (xapp-…); {_NEW_APP_TOKEN}",
        "not_authed": _NEW_APP_TOKEN,
        "token_expired": _NEW_APP_TOKEN,
        "token_revoked": _NEW_APP_TOKEN,
    },
    "usergroups.users.list": {
        "missing_scope": "add the scope usergroups:read to the app and install it again",
        "no_such_subteam": "check the user group's id in users",
        "subteam_not_found": "check the user group's id in users",
    },
}


class Link:
    """An open connection of Socket Mode."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> str:
        """Return the next text. Raises ButtonsError once the connection is over."""
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        lost = isinstance(self._socket.exception(), aiohttp.ServerTimeoutError | TimeoutError)
        raise ButtonsError("Slack no longer answers" if lost else "Slack has closed the connection")

    async def send(self, text: str) -> None:
        """Send *text*. Raises ButtonsError if the connection is over."""
        try:
            await self._socket.send_str(text)
        except LOST:
            raise ButtonsError("the connection was lost") from None

    async def close(self) -> None:
        """End the connection; bounded, though nobody may read at the other end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * FAREWELL):
                await self._socket.close()


class WebApi:
    """One session with Slack."""

    def __init__(self, api_url: str, route: Route, heartbeat: float = HEARTBEAT) -> None:
        self._api_url = api_url
        self._heartbeat = heartbeat
        self._route = route
        self._session = open_session(route, CONNECTIONS)

    async def call(self, method: str, token: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Return what Slack answers to *method*. Raises ButtonsError."""
        try:
            async with self._session.post(
                self._api_url + method,
                data=dict(arguments),
                headers={"Authorization": f"Bearer {token}"},
                allow_redirects=False,
                proxy=self._route.proxy,
            ) as response:
                content = await response.read()
                pause = retry_after(response.headers)
        except LOST as error:
            raise self._lost(error) from None
        try:
            answer = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("ok") is True:
            return answer
        raise _refused(method, answer, response.status, pause)

    async def connect(self, app_token: str) -> Link:
        """Return a new connection of Socket Mode. Raises ButtonsError."""
        answer = await self.call("apps.connections.open", app_token, {})
        url = answer.get("url")
        wanted = "ws" if urlsplit(self._api_url).scheme == "http" else "wss"
        if not isinstance(url, str) or urlsplit(url).scheme != wanted:
            raise ButtonsError(f"Slack names no address that begins with {wanted}://")
        try:
            socket = await self._session.ws_connect(
                url,
                heartbeat=self._heartbeat,
                max_msg_size=ENVELOPE_SIZE,
                timeout=aiohttp.ClientWSTimeout(ws_close=FAREWELL),
                proxy=self._route.proxy,
            )
        except LOST as error:
            raise self._lost(error) from None
        return Link(socket)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _lost(self, error: Exception) -> ButtonsError:
        """Return what an exchange without an answer means, in our own words."""
        why, pause = why_lost(error, self._route.timeout, twice="")
        return ButtonsError(f"cannot reach Slack: {why}", pause)


def _refused(method: str, answer: Any, status: int, pause: float | None) -> ButtonsError:
    said = answer.get("error") if isinstance(answer, dict) else None
    code = said if isinstance(said, str) and CODE.fullmatch(said) else ""
    repair = REPAIRS.get(method, {}).get(code, "")
    if repair:
        return ButtonsError(f"Slack refuses {method}: {code}; {repair}", REPAIR_PAUSE)
    if code:
        return ButtonsError(f"Slack refuses {method}: {code}", pause)
    return ButtonsError(f"Slack does not answer {method} (HTTP status {status})", pause)
