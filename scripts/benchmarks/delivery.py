"""From decision to Slack's socket, and what a storm of alerts costs the watch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import median

from scripts.benchmarks.figures import quantile
from scripts.benchmarks.lab import (
    bench_host,
    cpu_seconds,
    daemon_pid,
    of,
    pass_time,
    status,
    wait_for_phase,
)
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_most
from tests.host.host import wait_for
from tests.host.installed import InstalledHost

SOCKET, STORM_TITLE = "From decision to Slack", "Rounds beside a storm"

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
flap_window = "0s"

[slack]
token = "xoxb-0000000000-test"
channel = "#ops"
api_url = "http://127.0.0.1:{PORT}/api/"
"""

HEALTHY = 50
FAILING = 200
STORMS = 3

STORM = (
    "".join(
        f'[[service]]\nname = "h{i}"\nunit = "calm@{i}.service"\n'
        f"port = {{ port = {20000 + i}, any_owner = true }}\n"
        f'health = "http://127.0.0.1:{20000 + i}/health"\ninterval = "1s"\n'
        for i in range(HEALTHY)
    )
    + "".join(f'[[service]]\nname = "s{i}"\nunit = "storm@{i}.service"\n' for i in range(FAILING))
    + "[defaults]\nmax_failures = 1\nrestart_after = { unit = 0 }\nflap_window = '0s'\n"
)

SLACK = f"""
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
    cycles = of(12, 3)
    with bench_host() as host:
        host.start_peer("slack", "--port", str(PORT))
        host.start_peer("sample", "--port", "8000", unit="watched.service")
        host.configure(CONFIG)
        host.start_daemon()
        wait_for_phase(host, "healthy")
        for cycle in range(cycles):
            host.write("/run/sample/sample/status", "500")
            _wait_until_told(host, 2 * cycle + 1)
            host.run("rm", "/run/sample/sample/status")
            _wait_until_told(host, 2 * cycle + 2)
        decided = json.loads(host.run("python3", "-c", ALERTS).stdout)
        arrived = list(_first_told(host).values())
    delays = [(there - here) * 1000 for here, there in zip(decided, arrived, strict=True)]
    p50, p99 = quantile(delays, 0.5), quantile(delays, 0.99)
    return Section(
        SOCKET,
        f"{len(delays)} alerts, firing and resolved in turns: from the stamp of the decision to "
        "the first byte of the request at a local Slack, the durable commit (fsync) in between.",
        ("alerts", "p50", "p99", "first"),
        [(str(len(delays)), f"{p50:.1f} ms", f"{p99:.1f} ms", f"{delays[0]:.1f} ms")],
        (at_most("decision → Slack's socket, p99", p99, 50, "ms"),),
        plots=(
            Bars(
                SOCKET,
                "milliseconds from the decision to the first byte at Slack",
                (
                    Group(
                        "",
                        [
                            Bar(name, value, f"{value:.1f} ms", ours=True)
                            for name, value in (
                                ("median", p50),
                                ("99 of 100", p99),
                                ("the first, with imports", delays[0]),
                            )
                        ],
                    ),
                ),
                aim=50,
            ),
        ),
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
    pass_time(PAUSE)


def storm() -> Section:
    """Measure how late healthy rounds begin in a storm of alerts, with and without a channel."""
    rows: list[Sequence[str]] = []
    lates: dict[str, list[float]] = {"none": [], "Slack": []}
    with bench_host() as host:
        host.start_peer("slack", "--port", str(PORT))
        host.start_peer("many", "--first", "20000", "--count", str(HEALTHY))
        for name in ("calm", "storm"):
            unit = "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n"
            host.write_unit(f"{name}@.service", unit)
        units = [f"storm@{number}.service" for number in range(FAILING)]
        calm = [f"calm@{number}.service" for number in range(HEALTHY)]
        host.systemctl("start", *calm, *units, timeout=120)
        for run in range(of(3, 1)):
            for channel, seen in lates.items():
                host.configure(STORM + (SLACK if channel == "Slack" else ""))
                host.start_daemon()
                wait_for_phase(host, "healthy", 120)
                before = cpu_seconds(daemon_pid(host))
                for _ in range(STORMS):
                    host.systemctl("kill", "--signal=KILL", "storm@*.service")
                    pass_time(2.0)
                    host.systemctl("start", *units, timeout=120)
                    pass_time(3.0)
                late = status(host)["daemon"]["late_ms"]
                used = cpu_seconds(daemon_pid(host)) - before
                host.systemctl("stop", "service-watchdog", timeout=60)
                seen.append(late["p99"])
                figures = (f"{late['p50']:.1f} ms", f"{late['p99']:.1f} ms", f"{used:.1f} s")
                rows.append((f"{channel}, run {run + 1}", *figures))
    ratio = median(lates["Slack"]) / median(lates["none"])
    return Section(
        STORM_TITLE,
        f"{HEALTHY} healthy services with a round a second each, beside {FAILING} that die all at "
        f"once and come back, {STORMS} times in 15 s: how late the healthy rounds began, with no "
        "channel and with Slack, which takes one message a second. What differs is the relay's.",
        ("channel", "late, p50", "late, p99", "CPU of the daemon"),
        rows,
        (at_most("p99 with Slack over none, median of the runs", ratio, 1.15, "×"),),
        plots=(
            Bars(
                STORM_TITLE,
                "milliseconds after its time that a healthy round began, 99 of 100",
                (
                    Group(
                        "",
                        [
                            Bar(f"{name}, run {run + 1}", late, f"{late:.1f} ms", ours=True)
                            for name, seen in lates.items()
                            for run, late in enumerate(seen)
                        ],
                    ),
                ),
            ),
        ),
    )
