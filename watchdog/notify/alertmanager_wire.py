"""The exchange with the members of an Alertmanager cluster, and what their answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec

import watchdog
from watchdog.errors import (
    DeliveryError,
    RejectedDeliveryError,
    RepairNeededError,
    TemporaryDeliveryError,
)
from watchdog.notify.alertmanager import Cluster
from watchdog.notify.http_wire import LOST, Reply, open_session, post, why_lost
from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.route import Route

PATH = "/api/v2/alerts"

LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
# This very alert is what is not taken; every other 4xx is about the address or the login.
CONTENT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class Wire:
    """Posts to every member at the same time, over one session."""

    def __init__(self, cluster: Cluster, route: Route) -> None:
        self._route = route
        self._session = open_session(route, 2 * len(cluster.urls))
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"service-watchdog/{watchdog.__version__}",
        }
        if cluster.authorization:
            self._headers["Authorization"] = cluster.authorization

    async def post(self, forms: Mapping[str, Sequence[Any]]) -> Mapping[str, DeliveryError]:
        """Post to each member its *forms*, and return why those failed that did."""
        errors = await asyncio.gather(*(self._tell(url, each) for url, each in forms.items()))
        told = zip(forms, errors, strict=True)
        return {url: error for url, error in told if error is not None}

    async def _tell(self, url: str, forms: Sequence[Any]) -> DeliveryError | None:
        body, member = msgspec.json.encode(forms), urlsplit(url).netloc
        address = url.rstrip("/") + PATH
        try:
            reply = await post(self._session, address, body, self._headers, self._route)
        except LOST as error:
            why, pause = why_lost(error, self._route.timeout)
            # What arrives twice is one alert: its labels say so.
            return TemporaryDeliveryError(f"{member}: {why.partition('; ')[0]}", pause)
        return failure(reply, member)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def failure(reply: Reply, member: str) -> DeliveryError | None:
    """Return what the *reply* of *member* means, None if it took what it was told."""
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TemporaryDeliveryError(f"{member}: it answered {status}", reply.retry_after)
    if status in CONTENT:
        return RejectedDeliveryError(f"{member}: it refuses the alert with status {status}")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        why = f"it refuses the login ({status}); check username and password, or token"
        return RepairNeededError(f"{member}: {why}", REPAIR_PAUSE)
    why = f"it answered {status}; is the URL that of an Alertmanager?"
    return RepairNeededError(f"{member}: {why}", REPAIR_PAUSE)
