"""A host with the ASGI application behind nginx, both from the templates."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.host.installed import InstalledHost

NAME = "api"
UNIT = f"{NAME}.service"
SOCKET = f"{NAME}.socket"
SITE = f"/etc/nginx/sites-available/{NAME}.conf"
LINK = f"/etc/nginx/sites-enabled/{NAME}.conf"
DOMAIN = "api.test"
POSTED = f"/var/lib/private/{NAME}/posted"
APP = ("--app", "tests.host.peers.asgi:app", "--directory", "/src")

CONFIG = f"""
[[service]]
unit   = "{UNIT}"
port   = 8000
health = "http://127.0.0.1:8000/health"
app.venv = "/opt/peers"

[defaults]
interval      = "1s"
fast_interval = "200ms"
stopped_grace = "5s"
"""

DROP_IN = f"""
[Unit]
# systemd counts restarts by hand as well.
StartLimitIntervalSec=0
[Service]
StateDirectory={NAME}
Environment=PYTHONDONTWRITEBYTECODE=1
"""

LOAD = "cd /src && exec /opt/peers/bin/python -B -m tests.host.peers.load"


@dataclass
class Outcome:
    """What became of the requests of a load."""

    sent: Mapping[str, int]
    failed: Mapping[str, int]
    posted: list[str]
    slowest: float  # seconds

    @property
    def total(self) -> int:
        return sum(self.sent.values())

    @property
    def lost(self) -> int:
        return sum(self.failed.values())


@dataclass
class Load:
    """Requests at a constant rate, until its `with` is over; then there is an outcome."""

    outcome: Outcome = field(default_factory=lambda: Outcome({}, {}, [], 0.0))


@dataclass
class FrontedHost:
    """What a test says to it."""

    host: InstalledHost

    def configure(self, config: str = CONFIG) -> None:
        self.host.configure(config)
        self.host.write(f"/etc/systemd/system/{UNIT}.d/test.conf", DROP_IN)

    def templates(self, *arguments: str, code: int = 0) -> str:
        """Return what ``service-watchdog templates`` prints."""
        done = self.host.run("service-watchdog", "templates", *arguments, check=False)
        assert done.returncode == code, done
        return done.stdout + done.stderr

    def install_site(self, *options: str) -> str:
        told = self.templates("nginx", NAME, "--domain", DOMAIN, "--install", "--yes", *options)
        self.host.systemctl("restart", "nginx")  # a reload is not over when it returns
        return told

    def start(self, kind: str, *options: str) -> None:
        """Install the unit, or the socket with its unit, and start it."""
        self.templates(kind, NAME, *APP, "--install", "--yes", *options)
        self.host.systemctl("restart", UNIT, timeout=60)

    @contextmanager
    def load(self, rate: int, path: str = "/") -> Iterator[Load]:
        """Have requests come all the while, through nginx."""
        load = Load()
        script = f"{LOAD} --rate {rate} --name {DOMAIN} '--path={path}'"
        with self.host.popen("sh", "-c", script, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "under way\n"
            try:
                yield load
            finally:
                self.host.run("pkill", "-TERM", "-f", "tests.host.peers.load")
            load.outcome = Outcome(**json.loads(process.stdout.read()))

    def status(self) -> dict[str, Any]:
        """Return what the daemon says of the application."""
        answer = self.host.run("service-watchdog", "status", "--json", check=False).stdout
        service: dict[str, Any] = json.loads(answer)["services"][0]
        return service

    def done(self) -> list[str]:
        """Return the bodies of POSTs that the application has taken, each time it has."""
        return self.host.read(POSTED).split()
