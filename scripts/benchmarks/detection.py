"""From kill -9 to seen, and to a new process: one service, and two hundred at once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence

from scripts.benchmarks.figures import quantile
from scripts.benchmarks.lab import bench_host, of, pass_time, wait_for_phase
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_most
from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost

ONE = "kill -9 of a service"
MANY = 200
AT_ONCE = f"{MANY} units killed at once"

BEFORE = 0.3
"""Seconds in which the bench starts nothing. A process moved to a cgroup makes the next such move,
systemd's start of a unit, up to 20 ms shorter for a few milliseconds: an RCU grace period that it
need not wait for (cgroup_threadgroup_rwsem, kernel/cgroup/cgroup.c)."""

AFTER = 1.0
AFTER_MANY = 4.0
"""Seconds before the bench looks: who asks PID 1 how it is getting on holds it up."""

# Forgiving at once, so that each trial is a first failure.
CONFIG = """
[[service]]
name = "watched"
unit = "watched.service"
port = 8000
health = "http://127.0.0.1:8000/health"
interval = "1s"
recovery_interval = "100ms"
stable_after = "1s"
flap_window = "0s"
restart_budget = 1000
"""

UNLIMITED = "[Unit]\nStartLimitIntervalSec=0\n"


def one_service() -> Section:
    """Measure kill -9 of one service's main process, ours and systemd's own in turns."""
    trials = of(30, 6)
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
        for _ in range(trials):
            wait_for(lambda: _is_fresh(host), 30, "a service forgiven its last restart")
            run = host.unit("watched.service", "InvocationID")
            killed = _kill(host, "watched.service")
            seen.append(_seen(host, killed) - killed)
            ours.append(_started(host, "watched.service", run) - killed)
            wait_for_phase(host, "healthy")
            run = host.unit("own.service", "InvocationID")
            killed = _kill(host, "own.service")
            systemd.append(_started(host, "own.service", run) - killed)
    ratio = quantile(ours, 0.5) / quantile(systemd, 0.5)
    measured = (
        ("service-watchdog: seen", seen),
        ("service-watchdog: new process started", ours),
        ("systemd, Restart=always, RestartSec=0: new process started", systemd),
    )
    rows = [
        (name, *(f"{quantile(values, share) * 1000:.1f} ms" for share in (0.5, 0.99)))
        for name, values in measured
    ]
    p50, p99 = quantile(seen, 0.5) * 1000, quantile(seen, 0.99) * 1000
    return Section(
        ONE,
        f"An aiohttp service, Type=notify, killed {trials} times by kill -9 of its main process; "
        "our daemon runs as installed: unprivileged, sandboxed, through polkit. *Seen* is the "
        "stamp that the state machine was given; *started* is ExecMainStartTimestampMonotonic. "
        "systemd's own restart of a second, equal service alternates with ours. The bench itself "
        f"is quiet from {BEFORE:g} s before each kill to {AFTER:g} s after it: what it would start "
        "or ask meanwhile would shorten the one and lengthen the other.",
        ("from kill -9 to", "p50", "p99"),
        rows,
        (
            at_most("kill -9 → seen, p50", p50, 8, "ms"),
            at_most("kill -9 → seen, p99", p99, 25, "ms"),
            at_most("kill -9 → new process, p50, over systemd's own", ratio, 1.25, "×"),
        ),
        plots=(
            Bars(
                ONE,
                "milliseconds; bar: median, line: 99 of 100",
                (Group("", [_bar(*each) for each in measured]),),
            ),
        ),
    )


def many_services() -> Section:
    """Measure 200 units killed at once, ours and systemd's own in turns."""
    runs: list[tuple[str, float]] = []
    worst = 0.0
    with bench_host() as host:
        for name, more in (("ours", "Restart=no"), ("own", "Restart=always\nRestartSec=0")):
            host.write_unit(
                f"{name}@.service",
                f"{UNLIMITED}[Service]\nType=exec\nExecStart=/bin/sleep infinity\n{more}\n",
            )
            host.systemctl("start", *(f"{name}@{i}.service" for i in range(MANY)), timeout=120)
        host.configure(
            "".join(f'[[service]]\nname = "s{i}"\nunit = "ours@{i}.service"\n' for i in range(MANY))
            + '[defaults]\nstable_after = "1s"\nflap_window = "0s"\n'
            + 'interval = "6s"\nrestart_budget = 1000\n'
        )
        host.start_daemon()
        for trial in range(of(3, 1)):
            wait_for(lambda: _is_fresh(host), 60, "services forgiven their last restart")
            for name in ("ours", "own"):
                units = [f"{name}@{i}.service" for i in range(MANY)]
                took = _kill_all(host, units)
                runs.append((f"{name}, run {trial + 1}", took))
                if name == "ours":
                    worst = max(worst, took)
    return Section(
        AT_ONCE,
        f"{MANY} units of one template, all main processes killed in one go; until the last of "
        f"them has its new process, which is looked at {AFTER_MANY:g} s later only. *own* is "
        "systemd's Restart=always with RestartSec=0.",
        ("who replaces them", "all replaced after"),
        [(name, f"{took:.2f} s") for name, took in runs],
        (at_most("200 at once, worst run", worst, 1.3, "s"),),
        plots=(
            Bars(
                AT_ONCE,
                "seconds until the last is replaced",
                (Group("", [Bar(n, t, f"{t:.2f} s", ours=n.startswith("ours")) for n, t in runs]),),
                aim=1.3,
            ),
        ),
    )


def _bar(name: str, values: Sequence[float]) -> Bar:
    """Return the bar of these seconds; the part of the name after the colon is the label."""
    p50, p99 = (quantile(values, share) * 1000 for share in (0.5, 0.99))
    watcher, _, what = name.partition(": ")
    label = f"{watcher.partition(',')[0]}: {what.removeprefix('new process ')}"
    return Bar(label, p50, f"{p50:.1f} ms", p99, ours=watcher == "service-watchdog")


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


def _kill(host: InstalledHost, unit: str) -> float:
    """Kill *unit*'s main process on a quiet host, wait, and return when it was done (mono)."""
    pid = host.outer_pid(int(host.unit(unit, "MainPID")["MainPID"]))
    pass_time(BEFORE)
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    pass_time(AFTER)
    return killed


def _seen(host: InstalledHost, killed: float) -> float:
    """Return when our daemon saw what happened at *killed* (both mono)."""
    wall_of_mono = time.time() - time.monotonic()
    lines = host.run(
        *("journalctl", "--unit", DAEMON, "--output", "cat", "--no-pager"),
        *("--since", f"@{killed + wall_of_mono:.6f}"),
    ).stdout.splitlines()
    turn = next(line for line in lines if '"phase":"restarting"' in line)
    return float(json.loads(turn)["seen"]) - wall_of_mono


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
    outer = [host.outer_pid(pid) for pid in before]
    pass_time(BEFORE)
    began = time.monotonic()
    for pid in outer:
        os.kill(pid, signal.SIGKILL)
    pass_time(AFTER_MANY)

    def replaced() -> list[float] | None:
        now = runs()
        done = all(pid not in before and pid != 0 for pid, _ in now)
        return [start for _, start in now] if done else None

    starts = wait_for(replaced, 60, "all units replaced")
    assert starts is not None
    return max(starts) - began
