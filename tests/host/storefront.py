"""A host with a service, nginx before it and a router to the world: what the doctor looks at."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.host.host import Host
from tests.host.image import Images
from tests.host.machine import Process
from tests.host.wires import HOST, HOST6, Wires

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
ENV = {"PYTHONPATH": "/src:/site", "PYTHONDONTWRITEBYTECODE": "1"}

CONFIG = "/etc/watched.toml"
AVAILABLE = "/etc/nginx/sites-available/shop"
ENABLED = "/etc/nginx/sites-enabled/shop"
DEFAULT = "/etc/nginx/sites-enabled/default"
SHOP = "shop.example"

SERVICE = """
[[service]]
name     = "shop"
unit     = "sample.service"
port     = 8000
health   = "http://127.0.0.1:8000/health"
"""
URLS = f'proxied = {{ url = "http://{SHOP}/health", timeout = "2s" }}\n'

SITE = f"""\
server {{
    listen 80;
    listen [::]:80;
    server_name {SHOP};
    location / {{
        proxy_pass http://127.0.0.1:8000;
    }}
}}
"""


# Slow are ufw and what has systemd read all units again: only where something was changed.
HEAL = f"""
grep -q ENABLED=yes /etc/ufw/ufw.conf && ufw --force disable
cp /srv/ufw.default /etc/default/ufw
nft flush ruleset; iptables -F; iptables -P INPUT ACCEPT
ip6tables -F; ip6tables -P INPUT ACCEPT; iptables -t nat -F
systemctl stop squatter.service firewalld.service; rm -rf /run/sample/sample/*
systemctl is-enabled --quiet nginx || {{ systemctl unmask nginx; systemctl enable nginx; }}
rm -rf /etc/nginx/* /var/log/nginx/*; cp -a /srv/nginx/. /etc/nginx
systemctl is-active sample || systemctl start sample
printf %s "$1" >/etc/hosts; printf %s "$2" >{AVAILABLE}; printf %s "$3" >{CONFIG}
rm {DEFAULT}; ln -sf {AVAILABLE} {ENABLED}
systemctl reset-failed nginx; systemctl restart nginx
:
"""


@dataclass
class Storefront:
    """What a test says to it."""

    host: Host
    wires: Wires
    ends: ExitStack
    doctors: dict[str, Process] = field(default_factory=dict)  # by user

    def prepare(self) -> None:
        """Set up what no test changes."""
        self.host.sh("sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf; cp -a /etc/nginx /srv")
        self.host.sh("cp /etc/default/ufw /srv/ufw.default; useradd mallory")
        self.host.start_peer("sample", "--bare", "--port", "8000")

    def heal(self, *, urls: str = URLS) -> None:
        """Put back all that a test may have broken."""
        self.host.sh(HEAL, f"127.0.0.1 localhost\n{HOST} {SHOP}\n", SITE, SERVICE + urls)

    def configure(self, urls: str) -> None:
        """Say how the service is reached."""
        self.host.write(CONFIG, SERVICE + urls)

    def site(self, text: str) -> None:
        """Write the service's site, and leave nginx as it is."""
        self.host.write(AVAILABLE, text)

    def reload(self) -> None:
        """Have nginx load its configuration; returns when it has."""
        before = self._workers()
        self.host.systemctl("reload", "nginx")
        self.host.wait_for(lambda: self._workers() and not self._workers() & before)

    def _workers(self) -> set[str]:
        found = self.host.sh("pgrep -P $(cat /run/nginx.pid)", check=False)
        return set(found.stdout.split())

    def load(self, text: str) -> None:
        """Write the service's site, and have nginx load it."""
        self.site(text)
        self.reload()

    def examine(self, user: str = "root") -> dict[str, Any]:
        """Return what the doctor says."""
        doctor = self.doctors.get(user)
        if doctor is None:
            command = ("python3", "-m", "tests.host.examine")
            doctor = self.host.popen(
                *command, user=user, env=ENV, stdin=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            self.doctors[user] = self.ends.enter_context(doctor)
        assert doctor.stdin is not None
        assert doctor.stdout is not None
        doctor.stdin.write(f"{CONFIG}\n")
        doctor.stdin.flush()
        told: dict[str, Any] = json.loads(doctor.stdout.readline())
        assert "crashed" not in told, told["crashed"]
        return told

    def finding(self) -> dict[str, Any]:
        """Return the doctor's finding, which there must be."""
        told = self.examine()
        assert told["finding"], told
        finding: dict[str, Any] = told["finding"]
        return finding

    def is_well(self) -> bool:
        """Tell whether the doctor finds nothing, and every question is answered well."""
        told = self.examine()
        marks = {mark for mark, _ in told["steps"].values()}
        assert marks <= {"good", "skipped"}, told
        return told["finding"] is None

    def mend(self, finding: dict[str, Any]) -> None:
        """Type the remedy's commands, and return when nginx has done with them."""
        for command in finding["remedy"]["commands"]:
            if command == "systemctl reload nginx":
                self.reload()
            else:
                self.host.sh(command)


@contextmanager
def storefront(images: Images, *layers: Path) -> Iterator[Storefront]:
    """Boot one, with *layers* on top; its router is at the other end of a cable."""
    lower = [images.base(), images.peers(), *layers]
    with (
        Host(lower, binds={"/site": SITE_PACKAGES}) as host,
        Wires(host.pid) as wires,
        ExitStack() as ends,
    ):
        shop = Storefront(host, wires, ends)
        shop.prepare()
        yield shop


__all__ = ["HOST", "HOST6", "Storefront", "storefront"]
