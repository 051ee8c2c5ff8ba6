"""Three hosts with the daemon, and a fourth with a Prometheus and an Alertmanager for them.

Their configuration is what examples/fleet has, only quicker.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

from tests.host.alertmanagers import Alertmanager
from tests.host.host import Host, wait_for
from tests.host.installed import InstalledHost
from tests.host.lan import Lan
from tests.markdown import ROOT

EXAMPLES = ROOT / "examples/fleet"
HOME = "/etc/prometheus"
TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NAMES = ("web-1", "web-2", "web-3")
PATIENCE = 60.0

CONFIG = """\
[[service]]
name          = "sample"
unit          = "sample.service"
port          = 8000
health        = "http://127.0.0.1:8000/health"
interval      = "500ms"
fast_interval = "200ms"
max_failures  = 1
flap_window   = "0s"
restart_after = { http = 0 }

[alertmanager]
urls     = ["http://monitor:9093"]
insecure = true
resend   = "1s"

[web]
listen      = "0.0.0.0:9099"
read_token  = { credential = "web-read-token" }
certificate = "/etc/ssl/watchdog.pem"
key_file    = "/etc/ssl/private/watchdog.key"
"""

CERTIFICATE = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=fleet \\
  -addext subjectAltName=DNS:web-1,DNS:web-2,DNS:web-3,DNS:service-watchdog.internal \\
  -keyout /run/fleet.key -out /run/fleet.pem 2>/dev/null
cat /run/fleet.pem /run/fleet.key
"""

UNIT = """\
[Service]
WorkingDirectory=/etc/prometheus
ExecStart={command}
"""


class Receiver:
    """Who is told by Alertmanager: keeps every notification, by the path that it came to."""

    def __init__(self, sock: socket.socket) -> None:
        told = self.told = list[tuple[str, dict[str, Any]]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append((self.path.strip("/"), json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = sock
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def of(self, name: str, status: str = "firing") -> Sequence[dict[str, Any]]:
        """Return the notifications of alert *name*, whoever was told."""
        found = [body for _, body in list(self.told)]
        return [
            body
            for body in found
            if body["groupLabels"].get("alertname") == name and body["status"] == status
        ]


class FleetAlertmanager(Alertmanager):
    """The one Alertmanager of a fleet, where others can reach it."""

    @property
    def url(self) -> str:
        return "http://127.0.0.1:9093"

    def start(self) -> None:
        """Start it with the configuration in HOME."""
        command = (
            f"/usr/bin/prometheus-alertmanager --config.file={HOME}/alertmanager.yml"
            " --storage.path=/run/alertmanager --web.listen-address=0.0.0.0:9093"
            " --cluster.listen-address="
        )
        self.host.write_unit("alertmanager-1.service", UNIT.format(command=command))
        self.host.systemctl("start", "alertmanager-1.service")
        wait_for(self._answers, PATIENCE, "Alertmanager to answer")


@dataclass
class Fleet:
    """What a test says to them, and asks of them."""

    monitor: Host
    hosts: Sequence[InstalledHost]
    alertmanager: FleetAlertmanager
    receiver: Receiver

    def everywhere(self, call: Callable[[InstalledHost], object]) -> None:
        """Make a call on all hosts at the same time."""
        with ThreadPoolExecutor(len(self.hosts)) as pool:
            list(pool.map(call, self.hosts))

    def behave(self, status: str) -> None:
        """Have the service answer with *status* on all hosts, and see that the daemons know."""

        def now(host: InstalledHost) -> None:
            host.write("/run/sample/sample/status", status)
            host.run("service-watchdog", "check", "sample", check=False)

        self.everywhere(now)

    def found(self, query: str) -> Sequence[dict[str, Any]]:
        """Return what Prometheus answers to *query*; nothing while it is not up."""
        try:
            reply = self.monitor.http(f"http://127.0.0.1:9090/api/v1/query?query={quote(query)}")
        except OSError:
            return ()
        if reply.status == 503:  # it is still reading what it has kept
            return ()
        answer = json.loads(reply.text)
        assert answer["status"] == "success", (query, answer)
        result: Sequence[dict[str, Any]] = answer["data"]["result"]
        return result

    def instances(self, query: str) -> set[str]:
        """Return the hosts of which Prometheus answers *query*."""
        return {found["metric"]["instance"] for found in self.found(query)}


def start_host(host: InstalledHost, certificate: str) -> None:
    """Start the service and the daemon on a host of the fleet."""
    host.write("/etc/service-watchdog/credentials/web-read-token", TOKEN, mode=0o600)
    host.write("/etc/ssl/watchdog.pem", certificate)
    owner = "service-watchdog:service-watchdog"
    host.write("/etc/ssl/private/watchdog.key", certificate, mode=0o600, owner=owner)
    host.run("chmod", "711", "/etc/ssl/private")
    host.start_peer("sample", "--bare", "--port", "8000")
    host.configure(CONFIG)
    host.start_daemon()


def start_monitor(monitor: Host, certificate: str) -> None:
    """Start Prometheus and Alertmanager with the files of examples/fleet."""
    monitor.write(f"{HOME}/service-watchdog-token", TOKEN)
    monitor.write(f"{HOME}/service-watchdog-ca.pem", certificate.partition("-----BEGIN PRIV")[0])
    targets = [f"{name}:9099" for name in NAMES]
    monitor.write(f"{HOME}/targets/hosts.yml", f"- targets: {json.dumps(targets)}\n")
    for name, changes in _QUICKER.items():
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        for old, new in changes.items():
            text, count = re.subn(old, new, text)
            assert count, (name, old)
        monitor.write(f"{HOME}/{name}", text)
    FleetAlertmanager(monitor).start()
    # It may send before it has found Alertmanager, and then again only after that delay.
    command = (
        f"/usr/bin/prometheus --rules.alert.resend-delay=1s --config.file={HOME}/prometheus.yml"
        " --storage.tsdb.path=/run/prometheus --web.listen-address=127.0.0.1:9090"
    )
    monitor.write_unit("scraper.service", UNIT.format(command=command))
    monitor.systemctl("start", "scraper.service")


_QUICKER = {
    # The fleet is not in EC2.
    "prometheus.yml": {r"_interval: 15s": "_interval: 1s", r"(?s)  # Every running EC2.*?\n\n": ""},
    "service-watchdog.rules.yml": {r"for: \d+m": "for: 1s"},
    "alertmanager.yml": {
        "group_wait: 30s": "group_wait: 4s",
        "group_interval: 5m": "group_interval: 1s",
        "https://hc-ping.com/[-0-9a-f]+": "http://127.0.0.1:9098/dead-mans-switch",
    },
}


def assemble(monitor: Host, hosts: Sequence[InstalledHost]) -> Fleet:
    """Return all of it at work."""
    Lan(monitor, hosts)
    receiver = Receiver(monitor.listen(9098))
    certificate = monitor.sh(CERTIFICATE).stdout
    fleet = Fleet(monitor, hosts, FleetAlertmanager(monitor), receiver)
    start_monitor(monitor, certificate)
    fleet.everywhere(lambda host: start_host(host, certificate))
    wait_for(lambda: fleet.instances("up == 1") >= set(NAMES), PATIENCE, "a scrape of each host")
    return fleet
