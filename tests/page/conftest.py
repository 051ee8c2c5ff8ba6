"""A daemon that serves its page, a service that does as it is told, and a real Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.markdown import ROOT
from tests.unit.probes.servers import free_port

TOKEN = "0123456789abcdef0123"
READ_TOKEN = "fedcba98765432100000"
CONFIG = """\
[[service]]
name          = "api"
command       = ["{python}", "-m", "tests.host.peers.sample", "--bare", "--port", "{port}", \
"--behaviour", "{directory}/sample"]
directory     = "{root}"
port          = {port}
health        = {{ url = "http://127.0.0.1:{port}/health", timeout = "1s" }}
interval      = "2s"
fast_interval = "300ms"
max_failures  = 2
restart_after = {{ http = 0 }}
flap_window   = "1s"
stop_timeout  = "1s"

[web]
listen = "127.0.0.1:{web}"
token  = "{token}"
read_token = "{read_token}"

[daemon]
host        = "web-1"
state_dir   = "{directory}/state"
runtime_dir = "{directory}/run"
"""

expect.set_options(timeout=15_000)


@dataclass
class Watched:
    """A running daemon, by its page's address, and the service that it watches."""

    url: str
    directory: Path
    errors: list[str] = field(default_factory=list)  # of the browser's console

    def behave(self, **how: str) -> None:
        """Let the service answer so from now on; nothing: let it be healthy."""
        place = self.directory / "sample"
        for name in ("body", "status"):  # whoever sees the status sees its body
            if name in how:
                (place / name).write_text(how[name])
            else:
                (place / name).unlink(missing_ok=True)

    def api(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}api/v1/{path}") as answer:
            return json.load(answer)

    @property
    def pid(self) -> int:
        return int(self.api("services/api")["services"][0]["pid"])

    def kill(self) -> int:
        """Kill the service and return which process it was."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        return pid


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("daemon")
    for name in ("state", "run", "sample"):
        (directory / name).mkdir()
    port = free_port()
    config = directory / "config.toml"
    config.write_text(
        CONFIG.format(
            python=sys.executable,
            root=ROOT,
            directory=directory,
            port=free_port(),
            web=port,
            token=TOKEN,
            read_token=READ_TOKEN,
        )
    )
    config.chmod(0o600)
    command = [sys.executable, "-m", "watchdog.cli.main", "run", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            assert any("watching" in line for line in running.stderr), "the daemon did not start"
            yield Watched(f"http://127.0.0.1:{port}/", directory)
        finally:
            running.terminate()
            running.communicate()


@pytest.fixture(scope="module")  # its event loop runs meanwhile, and no other test may need one
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        # As root Chromium has no sandbox of its own; what it shows here is ours.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def watch(context: BrowserContext, watched: Watched) -> Page:
    """Return a page whose errors, and requests to others, are on record."""
    page = context.new_page()
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on(
        "console",
        lambda said: (
            watched.errors.append(said.text) if said.type in {"error", "warning"} else None
        ),
    )
    page.on(
        "request",
        lambda asked: (
            watched.errors.append(f"asked a stranger: {asked.url}")
            if not asked.url.startswith((watched.url, "data:"))
            else None
        ),
    )
    return page


def calm(page: Page) -> None:
    """Return once what another test has done is over; a second incident is, a second later."""
    expect(page.get_by_role("status")).to_have_text("1 service, no trouble")
    expect(page.get_by_role("link", name=re.compile("^incident "))).to_have_count(0)


@pytest.fixture
def page(browser: Browser, daemon: Watched) -> Iterator[Page]:
    """A page without a token, that nothing may go wrong in."""
    daemon.behave()
    context = browser.new_context()
    opened = watch(context, daemon)
    opened.goto(daemon.url)
    calm(opened)
    yield opened
    context.close()
    assert daemon.errors == []


@pytest.fixture
def trusted(browser: Browser, daemon: Watched) -> Iterator[Page]:
    """A page with the token."""
    daemon.behave()
    context = browser.new_context()
    context.add_init_script(f"sessionStorage.setItem('token', '{TOKEN}')")
    opened = watch(context, daemon)
    opened.goto(daemon.url)
    calm(opened)
    yield opened
    context.close()
    assert daemon.errors == []
