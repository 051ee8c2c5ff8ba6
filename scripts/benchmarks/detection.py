"""From kill -9 to seen, and to a new process: one service, and two hundred at once."""

from __future__ import annotations

import json
import time

from scripts.benchmarks.lab import bench_host, quantile, wait_for_phase
from scripts.benchmarks.report import Aim, Section
from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost

TRIALS = 30
MANY = 200

# Forgiving at once, so that each trial is a first failure.
CONFIG = """
[[service]]
name = "watched"
unit = "watched.service"
port = 8000
health = "http://127.0.0.1:8000/health"
interval = "6s"
recovery_interval = "100ms"
stable_after = "1s"
restart_budget = 1000
"""

UNLIMITED = "[Unit]\nStartLimitIntervalSec=0\n"


def one_service() -> Section:
    """Measure kill -9 of one service's main process, ours and systemd's own in turns."""
    seen, ours, systemd = [], [], []
    with bench_host() as host:
        for name, port, more in (
            ("watched.service", "8000", "Restart=no"),
            ("own.service", "8001", "Restart=always\nRestartSec=0"),
        ):
            host.write(f"/etc/systemd/system/{name}.d/unlimited.conf", UNLIMITED)
            host.start_peer("sample", "--port", port, unit=name, more=more)
        host.configure(CONFIG)
        host.start_daemon()
        for _ in range(TRIALS):
            wait_for(lambda: _is_fresh(host), 30, "a service forgiven its last restart")
            run = host.unit("watched.service", "InvocationID")
            with host.follow_journal(DAEMON) as journal:
                killed = host.kill("watched.service")
                line = journal.wait_for('"phase":"restarting"').json()
            wall_of_mono = time.time() - time.monotonic()
            seen.append(float(str(line["seen"])) - wall_of_mono - killed)
            ours.append(_started(host, "watched.service", run) - killed)
            wait_for_phase(host, "healthy")
            run = host.unit("own.service", "InvocationID")
            killed = host.kill("own.service")
            systemd.append(_started(host, "own.service", run) - killed)
    ratio = quantile(ours, 0.5) / quantile(systemd, 0.5)
    rows = [
        (name, *(f"{quantile(values, share) * 1000:.1f} ms" for share in (0.5, 0.99)))
        for name, values in (
            ("service-watchdog: seen", seen),
            ("service-watchdog: new process started", ours),
            ("systemd, Restart=always, RestartSec=0: new process started", systemd),
        )
    ]
    p50, p99 = quantile(seen, 0.5) * 1000, quantile(seen, 0.99) * 1000
    return Section(
        "kill -9 of a service",
        f"An aiohttp service, Type=notify, killed {TRIALS} times by kill -9 of its main process; "
        "our daemon runs as installed: unprivileged, sandboxed, through polkit. *Seen* is the "
        "stamp that the state machine was given; *started* is ExecMainStartTimestampMonotonic. "
        "systemd's own restart of a second, equal service alternates with ours.",
        ("from kill -9 to", "p50", "p99"),
        rows,
        (
            Aim("kill -9 → seen, p50", f"{p50:.1f} ms", "≤ 8 ms", p50 <= 8),
            Aim("kill -9 → seen, p99", f"{p99:.1f} ms", "≤ 25 ms", p99 <= 25),
            Aim(
                "kill -9 → new process, p50, over systemd's own",
                f"{ratio:.2f} ×",
                "≤ 1.25 ×",
                ratio <= 1.25,
            ),
        ),
    )


def many_services() -> Section:
    """Measure 200 units killed at once, ours and systemd's own in turns."""
    rows, worst = [], 0.0
    with bench_host() as host:
        for name, more in (("ours", "Restart=no"), ("own", "Restart=always\nRestartSec=0")):
            host.write_unit(
                f"{name}@.service",
                f"{UNLIMITED}[Service]\nType=exec\nExecStart=/bin/sleep infinity\n{more}\n",
            )
            host.systemctl("start", *(f"{name}@{i}.service" for i in range(MANY)), timeout=120)
        host.configure(
            "".join(f'[[service]]\nname = "s{i}"\nunit = "ours@{i}.service"\n' for i in range(MANY))
            + '[defaults]\nstable_after = "1s"\ninterval = "6s"\nrestart_budget = 1000\n'
        )
        host.start_daemon()
        for trial in range(3):
            wait_for(lambda: _is_fresh(host), 60, "services forgiven their last restart")
            for name in ("ours", "own"):
                units = [f"{name}@{i}.service" for i in range(MANY)]
                took = _kill_all(host, units)
                rows.append((f"{name}, run {trial + 1}", f"{took:.2f} s"))
                if name == "ours":
                    worst = max(worst, took)
    return Section(
        f"{MANY} units killed at once",
        f"{MANY} units of one template, all main processes killed by one kill(1); until the last "
        "of them has its new process. *own* is systemd's Restart=always with RestartSec=0.",
        ("who replaces them", "all replaced after"),
        rows,
        (Aim("200 at once, worst run", f"{worst:.2f} s", "≤ 1.3 s", worst <= 1.3),),
    )


def _is_fresh(host: InstalledHost) -> bool:
    query = (
        "import json, sqlite3; db = sqlite3.connect('file:/var/lib/service-watchdog/state.db"
        "?mode=ro', uri=True); print(json.dumps([json.loads(s) for s, in "
        "db.execute('SELECT state FROM service_state')]))"
    )
    states = json.loads(host.run("python3", "-c", query).stdout)
    return bool(states) and all(
        state.get("phase") == "healthy" and not state.get("attempts") for state in states
    )


def _started(host: InstalledHost, unit: str, before: dict[str, str]) -> float:
    """Return when the run after *before* started (mono)."""

    def started() -> float | None:
        now = host.unit(unit, "InvocationID", "ExecMainStartTimestampMonotonic", "MainPID")
        if now["InvocationID"] in {before["InvocationID"], ""} or now["MainPID"] == "0":
            return None
        return int(now["ExecMainStartTimestampMonotonic"]) / 1e6

    found = wait_for(started, 30, f"a new run of {unit}")
    assert found is not None
    return found


def _kill_all(host: InstalledHost, units: list[str]) -> float:
    """Kill every unit's main process and return the seconds until the last one is replaced."""
    show = ("systemctl", "show", "--property=MainPID,ExecMainStartTimestampMonotonic", *units)

    def runs() -> list[tuple[int, float]]:
        blocks = host.run(*show, timeout=60).stdout.strip().split("\n\n")
        tables = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
        return [
            (int(t["MainPID"]), int(t["ExecMainStartTimestampMonotonic"]) / 1e6) for t in tables
        ]

    before = {pid for pid, _ in runs()}
    assert 0 not in before
    began = time.monotonic()
    host.run("kill", "-9", *(str(pid) for pid in before))

    def replaced() -> list[float] | None:
        now = runs()
        done = all(pid not in before and pid != 0 for pid, _ in now)
        return [start for _, start in now] if done else None

    starts = wait_for(replaced, 60, "all units replaced")
    assert starts is not None
    return max(starts) - began
