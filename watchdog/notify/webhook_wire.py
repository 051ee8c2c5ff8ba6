"""The exchange with a webhook's receiver over aiohttp, and what its answers mean."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

import watchdog
from watchdog.errors import (
    DeliveryError,
    RejectedDeliveryError,
    RepairNeededError,
    TemporaryDeliveryError,
)
from watchdog.notify.http_wire import LOST, Reply, open_session, post, why_lost
from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.route import Route
from watchdog.notify.webhook import Hook
from watchdog.notify.webhook_message import payload, signature
from watchdog.ports import Message

CONTENT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""What is wrong with this very alert. Anything else may be mended, and then it is taken."""

LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Wire:
    """Posts to one URL, over a session of its own."""

    def __init__(self, hook: Hook, route: Route) -> None:
        self._hook = hook
        self._route = route
        self._session = open_session(route)

    async def deliver(self, message: Message, key: str, wall: float) -> None:
        """Post *message*, signed at *wall*. Raises DeliveryError."""
        body = msgspec.json.encode(payload(message, key))
        headers = {
            "User-Agent": f"service-watchdog/{watchdog.__version__}",
            **self._hook.headers,
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(wall)),
        }
        if self._hook.secret:
            signed = signature(self._hook.secret, key, int(wall), body)
            headers["webhook-signature"] = signed
        try:
            reply = await post(self._session, self._hook.url, body, headers, self._route)
        except LOST as error:
            why, pause = why_lost(error, self._route.timeout)
            text = f"cannot reach webhook {self._hook.name}: {why}"
            raise TemporaryDeliveryError(text, pause) from None
        if refusal := failure(reply, self._hook.name):
            raise refusal

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()


def failure(reply: Reply, name: str) -> DeliveryError | None:
    """Return what *reply* means for an alert, None if it was taken.

    Nothing of the body is repeated: many servers quote the path, which may be a secret.
    """
    status = reply.status
    cannot = f"cannot deliver to webhook {name}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status < HTTPStatus.BAD_REQUEST:
        why = f"it redirects (status {status}), which is not followed; configure the address itself"
        return RepairNeededError(f"{cannot}: {why}", REPAIR_PAUSE)
    if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        why = f"it answered {status}, which may pass"
        return TemporaryDeliveryError(f"{cannot}: {why}", reply.retry_after)
    if status in CONTENT:
        return RejectedDeliveryError(f"{cannot}: it refuses this alert with status {status}")
    why = f"it answered {status}; check its URL, secret and headers"
    return RepairNeededError(f"{cannot}: {why}", REPAIR_PAUSE)
