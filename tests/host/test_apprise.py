"""The extra apprise: missing, installed, kept by an upgrade, and at work in the sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.host.conftest import HostFactory
from tests.host.image import Images
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, TOLD_AT_ONCE, WatchedHost

pytestmark = pytest.mark.timeout(180)  # each installation takes some seconds

PORT = 8091
PATH = "/canary-4711"
URL = f"json://127.0.0.1:{PORT}{PATH}"
SECRET = "/etc/service-watchdog/credentials/apprise-json"
TABLE = '\n[apprise]\nurls = [{ credential = "apprise-json" }]\n'
INSTALL = ("/src/systemd/install.sh", "--wheels", "/wheels")


@pytest.fixture
def wheels(images: Images) -> Path:
    return images.apprise_wheels()


@pytest.fixture
def host(host_factory: HostFactory, wheels: Path) -> InstalledHost:
    """A host with the daemon as everybody installs it, and wheels of more than that."""
    return host_factory.installed(binds={"/wheels": wheels})


@pytest.fixture
async def posted(host: InstalledHost) -> AsyncIterator[list[dict[str, str]]]:
    """What apprise's json:// service has posted to the host's loopback."""
    taken: list[dict[str, str]] = []

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        taken.append(json.loads(await request.read()))
        return web.Response(status=200 if request.path == PATH else 404)

    runner = web.ServerRunner(web.Server(take), shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, host.listen(PORT)).start()
    yield taken
    await runner.cleanup()


async def test_the_extra_is_asked_for_installed_used_and_kept(
    host: InstalledHost, posted: list[dict[str, str]]
) -> None:
    watching = WatchedHost(host)
    host.write(SECRET, URL)
    watching.start_sample()
    watching.configure(TOLD_AT_ONCE, tables=TABLE)
    said = watching.command("config", "check", code=2)
    assert "needs the package apprise; run: sudo systemd/install.sh --with apprise" in said

    await host.arun(*INSTALL, "--with", "apprise", timeout=120)
    answer = await host.arun("service-watchdog", "test-alert", "apprise")
    assert answer.stdout == "apprise:json: delivered\n"
    assert posted[-1]["title"].startswith("TEST")

    await host.arun(*INSTALL, timeout=120)
    watching.behave(status="500")
    await host.arun("service-watchdog", "check", API, check=False)
    answer = await host.arun("service-watchdog", "test-alert", "apprise")  # after what is due
    assert answer.stdout == "apprise:json: delivered\n"
    assert [each["title"].partition(" ")[0] for each in posted] == ["TEST", "FIRING", "TEST"]

    shown = host.run("service-watchdog", "config", "show").stdout + host.journal_text(DAEMON)
    assert PATH not in shown
    control_group = host.unit(DAEMON, "ControlGroup")["ControlGroup"]
    processes = host.read(f"/sys/fs/cgroup{control_group}/cgroup.procs").split()
    assert processes == [host.unit(DAEMON, "MainPID")["MainPID"]]  # none was left behind
