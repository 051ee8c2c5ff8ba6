"""Run the daemon beside services of which some are broken, and take docs/page.png of its page."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/page.png"
SIZE: ViewportSize = {"width": 1100, "height": 470}

SERVICES = ("billing", "checkout", "langchain-api", "mailer", "search", "thumbnails")
BROKEN = "langchain-api"

CONFIG = """\
[web]
listen = "127.0.0.1:{web}"

[defaults]
interval      = "1s"
fast_interval = "300ms"
restart_after = {{ http = 0 }}

[daemon]
host        = "web-1"
state_dir   = "{directory}/state"
runtime_dir = "{directory}/run"
"""

SERVICE = """
[[service]]
name      = "{name}"
command   = ["{python}", "-m", "tests.host.peers.sample", "--bare", "--port", "{port}", \
"--behaviour", "{directory}/{name}"]
directory = "{root}"
port      = {port}
health    = "http://127.0.0.1:{port}/health"
"""


def main() -> int:
    """Take the picture."""
    program = shutil.which("chromium")
    if program is None:
        print("cannot take a picture: chromium is missing; apt-get install it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        web, *ports = _free_ports(1 + len(SERVICES))
        config = _configure(directory, web, ports)
        command = [sys.executable, "-m", "watchdog.cli.main", "run", "--config", str(config)]
        with (
            subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as daemon,
            sync_playwright() as playwright,
        ):
            assert daemon.stderr is not None
            try:
                if not any("watching" in line for line in daemon.stderr):
                    return 1
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                page = browser.new_page(viewport=SIZE, device_scale_factor=1.5)
                page.goto(f"http://127.0.0.1:{web}/")
                _break(directory, page)
                page.screenshot(path=PICTURE)
                browser.close()
            finally:
                daemon.terminate()
                daemon.communicate()
    print(f"wrote {PICTURE.relative_to(ROOT)}")
    return 0


def _free_ports(count: int) -> Sequence[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _configure(directory: Path, web: int, ports: Sequence[int]) -> Path:
    text = CONFIG.format(web=web, directory=directory)
    for name, port in zip(SERVICES, ports, strict=True):
        (directory / name).mkdir()
        text += SERVICE.format(
            name=name, port=port, python=sys.executable, root=ROOT, directory=directory
        )
    for name in ("state", "run"):
        (directory / name).mkdir()
    config = directory / "config.toml"
    config.write_text(text)
    config.chmod(0o600)
    return config


def _break(directory: Path, page: Page) -> None:
    """Have one service fail, and return once its page says so."""
    page.get_by_role("link", name=BROKEN, exact=True).first.wait_for()
    page.wait_for_timeout(10_000)  # some rounds
    (directory / BROKEN / "status").write_text("500")
    (directory / BROKEN / "body").write_text("database is locked")
    row = page.get_by_text("database is locked").first
    expect(row).to_be_visible(timeout=30_000)


if __name__ == "__main__":
    sys.exit(main())
