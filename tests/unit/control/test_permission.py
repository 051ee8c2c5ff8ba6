"""That polkit is missing is said where the bus daemon says so, and to whom it matters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

import pytest

from watchdog.control.bus import SystemBus
from watchdog.control.permission import POLKIT, Polkit, obstacle, polkit
from watchdog.errors import BusError


class BusDaemon:
    """Knows who is there, and who would be started."""

    def __init__(self, running: Sequence[str] = (), startable: object = ()) -> None:
        self._running, self._startable = running, startable

    async def call(
        self, member: str, _signature: str = "", body: Sequence[str] = (), *, to: object
    ) -> list[Any]:
        if member == "NameHasOwner":
            return [body[0] in self._running]
        if isinstance(self._startable, BusError):
            raise self._startable
        return [self._startable]


def bus(running: Sequence[str] = (), startable: object = ()) -> SystemBus:
    return cast("SystemBus", BusDaemon(running, startable))


async def test_who_would_be_started_is_not_missing() -> None:
    assert await polkit(bus([POLKIT])) is Polkit.RUNS
    assert await polkit(bus(startable=["org.freedesktop.login1", POLKIT])) is Polkit.STARTS
    assert await polkit(bus(startable=["org.freedesktop.login1"])) is Polkit.MISSING


@pytest.mark.parametrize("answer", [BusError("the connection is lost"), None])
async def test_without_an_answer_nothing_is_said(answer: object) -> None:
    assert await polkit(bus(startable=answer)) is None


async def test_root_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert await obstacle(bus()) == ""
    monkeypatch.setattr(os, "geteuid", lambda: 998)
    assert (await obstacle(bus())).startswith("cannot restart: polkit is not installed, ")
    assert await obstacle(bus([POLKIT])) == ""
