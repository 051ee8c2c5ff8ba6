"""From decision to Slack's socket."""

from __future__ import annotations

import json
import time

from scripts.benchmarks.lab import bench_host, quantile, wait_for_phase
from scripts.benchmarks.report import Aim, Section
from tests.host.host import wait_for
from tests.host.installed import InstalledHost

CYCLES = 15
PORT = 8065

CONFIG = f"""
[[service]]
name = "watched"
unit = "watched.service"
port = 8000
health = "http://127.0.0.1:8000/health"
interval = "6s"
fast_interval = "600ms"
restart_after = {{ http = 0 }}
stable_after = "100ms"

[slack]
token = "xoxb-0000000000-test"
channel = "#ops"
api_url = "http://127.0.0.1:{PORT}/api/"
"""

ALERTS = """
import json, sqlite3
db = sqlite3.connect("file:/var/lib/service-watchdog/state.db?mode=ro", uri=True)
print(json.dumps([json.loads(alert)["wall"] for alert, in
                  db.execute("SELECT alert FROM outbox WHERE kind <> 'update' ORDER BY id")]))
"""

PAUSE = 1.1
"""Seconds after each alert: Slack takes a call a second, which is not what is measured here."""


def decision_to_socket() -> Section:
    """Measure from the state machine's decision to the first byte of the request at Slack."""
    with bench_host() as host:
        host.start_peer("slack", "--port", str(PORT))
        host.start_peer("sample", "--port", "8000", unit="watched.service")
        host.configure(CONFIG)
        host.start_daemon()
        wait_for_phase(host, "healthy")
        for cycle in range(CYCLES):
            host.write("/run/sample/sample/status", "500")
            _wait_until_told(host, 2 * cycle + 1)
            host.run("rm", "/run/sample/sample/status")
            _wait_until_told(host, 2 * cycle + 2)
        decided = json.loads(host.run("python3", "-c", ALERTS).stdout)
        arrived = list(_first_told(host).values())
    delays = [(there - here) * 1000 for here, there in zip(decided, arrived, strict=True)]
    p50, p99 = quantile(delays, 0.5), quantile(delays, 0.99)
    return Section(
        "From decision to Slack",
        f"{len(delays)} alerts, firing and resolved in turns: from the stamp of the decision to "
        "the first byte of the request at a local Slack, the durable commit (fsync) in between.",
        ("alerts", "p50", "p99", "first"),
        [(str(len(delays)), f"{p50:.1f} ms", f"{p99:.1f} ms", f"{delays[0]:.1f} ms")],
        (Aim("decision → Slack's socket, p99", f"{p99:.1f} ms", "≤ 50 ms", p99 <= 50),),
    )


def _first_told(host: InstalledHost) -> dict[tuple[str, str], float]:
    """Return when the first call about each alert arrived, which posts it or edits it in."""
    first: dict[tuple[str, str], float] = {}
    for request in json.loads(host.http(f"http://127.0.0.1:{PORT}/_test/requests").body):
        told = request["body"]["metadata"]["event_payload"]
        if told["kind"] != "update":
            first.setdefault((told["incident"], told["kind"]), request["arrival"]["at"])
    return first


def _wait_until_told(host: InstalledHost, count: int) -> None:
    """Return once *count* alerts were told, and nothing more is due."""

    def is_told() -> bool:
        shown = host.run("service-watchdog", "status", "--json", check=False).stdout
        channels = json.loads(shown)["channels"]
        return len(_first_told(host)) >= count and not any(each["pending"] for each in channels)

    wait_for(is_told, 60, f"{count} alerts")
    time.sleep(PAUSE)
