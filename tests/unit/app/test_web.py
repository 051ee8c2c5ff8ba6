"""What is served over HTTP comes and goes with the configuration, and costs nothing when off."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from tests.host.peers.certificate import self_signed
from tests.unit.clock import FakeClock
from tests.unit.probes.servers import free_port
from watchdog.app.web import RETRY, Web
from watchdog.config import Config, DaemonSettings, WebSettings
from watchdog.latency import Latency

if TYPE_CHECKING:
    from watchdog.app.engine import Engine

pytestmark = pytest.mark.adapter

HEAVY = ("aiohttp", "prometheus_client", "watchdog.trend", "watchdog.app.live", "watchdog.app.past")
NOON = 1_800_000_000
OWN = "watchdog.web."
NEEDED = ["watchdog.web.control_socket"]


def test_while_it_is_off_nothing_of_it_is_in_memory() -> None:
    program = (
        "import sys, watchdog.app.daemon;"
        f"found = [name for name in {HEAVY} if name in sys.modules];"
        f"found += [name for name in sys.modules if name.startswith({OWN!r})];"
        f"found = [name for name in found if name not in {NEEDED}];"
        "sys.exit(str(found) if found else None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


class Daemon:
    """What the web part needs of an engine: a clock, a store's path, and nothing to tell of."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.clock = FakeClock()
        self.store = SimpleNamespace(path="/nowhere")
        self.workers: dict[str, Any] = {}
        self.changed = asyncio.Event()
        self.web = Web(cast("Engine", self), {"status": self._status}, tasks)

    async def _status(self, arguments: Mapping[str, Any], _caller: str) -> Any:
        return {"asked": dict(arguments)}

    async def become(self, *, port: int | None, certificate: Path | None = None) -> None:
        """Configure it to serve *port*, or nothing, and wait until that has had its effect."""
        web = WebSettings(port=port) if port is not None else None
        if web is not None and certificate is not None:
            key = certificate.with_name("key.pem")
            web = replace(web, certificate=str(certificate), key_file=str(key))
        daemon = DaemonSettings("/state", "/run", "json", "web-1")
        await self.web.apply(Config("config.toml", daemon, (), web=web))

    async def told(self) -> str:
        """Return what is wrong as soon as something of it has changed."""
        await self.changed.wait()
        self.changed.clear()
        return self.web.trouble


async def answers(port: int) -> bool:
    async with aiohttp.ClientSession() as client:
        try:
            async with client.get(f"http://127.0.0.1:{port}/api/v1/status") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False


async def test_a_reload_moves_it_and_switches_it_off() -> None:
    first, second = free_port(), free_port()
    async with asyncio.TaskGroup() as tasks:
        daemon = Daemon(tasks)
        await daemon.become(port=first)
        assert await daemon.told() == ""
        assert await answers(first)
        await daemon.become(port=second)
        assert await daemon.told() == ""
        assert (await answers(first), await answers(second)) == (False, True)
        await daemon.become(port=None)
        assert not await answers(second)


async def test_an_address_that_is_taken_is_told_of_and_tried_again() -> None:
    async with asyncio.TaskGroup() as tasks:
        daemon = Daemon(tasks)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = int(taken.getsockname()[1])
            await daemon.become(port=port)
            assert (await daemon.told()).startswith(f"cannot serve 127.0.0.1:{port}: ")
        await daemon.clock.advance(RETRY)
        assert await daemon.told() == ""
        assert await answers(port)
        await daemon.become(port=None)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")
async def test_a_reload_takes_a_new_certificate_or_tells_why_the_old_one_stays(
    tmp_path: Path,
) -> None:
    port = free_port()
    _, path = self_signed(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        daemon = Daemon(tasks)
        await daemon.become(port=port, certificate=path)
        assert await daemon.told() == ""
        old = path.read_text(encoding="ascii")
        path.write_text("none", encoding="ascii")
        await daemon.become(port=port, certificate=path)
        assert daemon.web.trouble.startswith("cannot renew the certificate of 127.0.0.1:")
        assert await shown(port) == old
        self_signed(tmp_path)
        await daemon.become(port=port, certificate=path)
        assert daemon.web.trouble == ""
        assert await shown(port) == path.read_text(encoding="ascii") != old
        await daemon.become(port=None)


async def shown(port: int) -> str:
    """Return the certificate that who connects to *port* is shown."""
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))


async def test_a_day_of_latency_is_kept_and_told_while_there_is_a_page_to_show_it() -> None:
    port = free_port()
    async with asyncio.TaskGroup() as tasks:
        daemon = Daemon(tasks)
        latency = Latency()
        daemon.workers["api"] = SimpleNamespace(latency=latency)
        await daemon.become(port=port)
        assert await daemon.told() == ""
        latency.add(NOON, 0.25)
        latency.add(NOON + 1, None)
        await daemon.become(port=port)  # a reload
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}/api/v1/services/") as client:
            async with client.get("api/latency/day") as response:
                told = await response.json()
            async with client.get("nobody/latency/day") as response:
                assert response.status == 400
        assert (told["every"], told["rows"]) == (300, [[NOON, 250.0, 250.0, 250.0, 1, 1]])
        await daemon.become(port=None)
        assert latency.trend is None
