"""Without a bus nothing is known, nothing is stuck, and everybody can be told why."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from watchdog.control.bus import SystemBus
from watchdog.control.systemd import SystemdUnit
from watchdog.core.model import (
    Now,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.errors import BusError


async def test_a_bus_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with SystemBus(f"unix:path={tmp_path}/socket") as bus:
        assert not bus.connected
        assert bus.trouble == (
            "cannot ask systemd: [Errno 2] No such file or directory; trying again"
        )
        assert not bus.is_stuck(time.monotonic())
        with pytest.raises(BusError, match="No such file"):
            await bus.call("ListUnits")
        async with SystemdUnit(bus, "web.service", Policy()) as unit:
            seen = await unit.observe(Now(time.monotonic(), 0.0))
            assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, bus.trouble)
            assert (unit.identity, unit.started, unit.main_pid) == ("", None, None)
            assert (unit.unit, unit.unit_state) == ("web.service", "")
            assert not await unit.is_ending()


async def test_a_bus_that_is_none_is_given_up_and_tried_again(tmp_path: Path) -> None:
    tries = 0
    twice = asyncio.Event()

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.write(b"REJECTED\r\n")
        writer.close()
        if tries > 1:
            twice.set()

    server = await asyncio.start_unix_server(refuse, tmp_path / "socket")
    async with server, SystemBus(f"unix:path={tmp_path}/socket") as bus:
        async with asyncio.timeout(10):
            await twice.wait()
        assert not bus.connected
        assert bus.trouble.startswith("cannot ask systemd: ")


async def test_who_keeps_no_connection_any_more_is_stuck(tmp_path: Path) -> None:
    bus = SystemBus(f"unix:path={tmp_path}/socket")
    async with bus:
        assert not bus.is_stuck(time.monotonic())
    assert bus.is_stuck(time.monotonic() + 60)
