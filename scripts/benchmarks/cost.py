"""What watching costs: CPU for a round, memory, and a thousand services at once."""

from __future__ import annotations

import time

from scripts.benchmarks.lab import (
    bench_host,
    cpu_seconds,
    daemon_pid,
    pass_time,
    pss_megabytes,
    status,
    wait_for_phase,
)
from scripts.benchmarks.report import Aim, Section
from tests.host.installed import InstalledHost

ONE = """
[[service]]
name = "watched"
unit = "watched.service"
port = 8000
health = "http://127.0.0.1:8000/health"
interval = "{interval}"
"""

SLACK = """
[slack]
token = "xoxb-0000000000-test"
channel = "#ops"
api_url = "http://127.0.0.1:8065/api/"
"""

# One round of the reference document's loop: systemctl is-active, ss -tlnp, curl.
SHELL_ROUND = """
systemctl is-active --quiet watched.service && ss -tlnp | grep -q ":8000" &&
curl -sf http://127.0.0.1:8000/health >/dev/null 2>&1
"""

SHELL_LOOP = """
import os, subprocess, sys, time
rounds = int(sys.argv[1])
for _ in range(rounds):
    subprocess.run(["bash", "-c", sys.argv[2]], check=True)
    time.sleep(1)
used = os.times()
print((used.children_user + used.children_system) / rounds)
"""

SOCKETS = """
import resource, socket, sys, time
sys.path.insert(0, "/src")
from tests.host.peers.record import notify_ready
port, pairs = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (16_000, 16_000))
listener = socket.create_server(("127.0.0.1", port), backlog=4096)
held = []
for number in range(pairs):
    client = socket.socket()
    client.bind((f"127.0.1.{number % 250 + 1}", 0))
    client.connect(("127.0.0.1", port))
    held += [client, listener.accept()[0]]
notify_ready()
time.sleep(1e9)
"""

# What any asyncio program pays that wakes up once a second, and one that also sends a GET with no
# check of the answer, no deadline and no library beyond the loop.
FLOOR = """
import asyncio, socket, sys, time
rounds, get = int(sys.argv[1]), sys.argv[2] == "get"
REQUEST = b"GET /health HTTP/1.1\\r\\nHost: 127.0.0.1:8000\\r\\nConnection: close\\r\\n\\r\\n"

async def main():
    loop = asyncio.get_running_loop()
    due, before = loop.time(), time.process_time()
    for _ in range(rounds):
        due += 1
        tick = loop.create_future()
        loop.call_at(due, tick.set_result, None)
        await tick
        if get:
            sock = socket.socket(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.connect_ex(("127.0.0.1", 8000))
            sock.send(REQUEST)
            answered = loop.create_future()
            loop.add_reader(sock.fileno(), answered.set_result, None)
            await answered
            loop.remove_reader(sock.fileno())
            assert sock.recv(16384).startswith(b"HTTP/1.1 200 ")
            sock.close()
    print((time.process_time() - before) / rounds)

asyncio.run(main())
"""

OPEN_FILES = 10_000  # that one process holds: not every machine allows it more than twice this
ROUNDS = 30
INTERVAL = 1.0
SHELL_ROUNDS = 10
SERVICES = 1000
HANGING = 100
WATCHED_SECONDS = 35.0


def rounds() -> Section:
    """Measure the CPU of a healthy round, ours and the shell loop's, with few and many sockets."""
    rows, costs, ratios = [], [], []
    with bench_host() as host:
        host.start_peer("sample", "--port", "8000", unit="watched.service")
        host.configure(ONE.format(interval=f"{INTERVAL}s"))
        host.start_daemon()
        wait_for_phase(host, "healthy")
        pid = daemon_pid(host)
        host.write("/run/bench/sockets.py", SOCKETS)
        floors = [_floor(host, what) for what in ("wake", "get")]
        for count in (10, 20_000):
            holders = _hold_sockets(host, count)
            before = cpu_seconds(pid)
            elapsed = pass_time(ROUNDS * INTERVAL)
            ours = (cpu_seconds(pid) - before) / (elapsed / INTERVAL)
            shell = float(
                host.run(
                    *("python3", "-c", SHELL_LOOP, str(SHELL_ROUNDS), SHELL_ROUND), timeout=120
                ).stdout
            )
            host.systemctl("stop", *holders)
            rows.append(
                (
                    f"{count:,}",
                    f"{ours * 1e3:.2f} ms",
                    f"{shell * 1e3:.1f} ms",
                    f"{shell / ours:.0f} ×",
                )
            )
            costs.append(ours * 1e3)
            ratios.append(shell / ours)
    return Section(
        "CPU of a healthy round",
        f"Unit, port and /health of one service, once a second for {ROUNDS} s: all CPU time of the "
        "daemon's process divided by the rounds, so everything else that it does is in it. The "
        "shell loop is the reference document's: `systemctl is-active`, `ss -tlnp`, `curl`, at the "
        "same pace. Once a second every round finds cold caches: of the daemon's figure, "
        f"{floors[0] * 1e3:.2f} ms is what any asyncio program pays here to wake up, and "
        f"{floors[1] * 1e3:.2f} ms one that then sends a GET and neither has a deadline nor reads "
        "the answer's head, measured in the same run.",
        ("sockets on the host", "service-watchdog", "shell loop", "ratio"),
        rows,
        (
            Aim("a healthy round", f"{max(costs):.2f} ms", "≤ 0.6 ms", max(costs) <= 0.6),
            Aim("over the shell loop", f"1/{min(ratios):.0f}", "≤ 1/40", min(ratios) >= 40),
            Aim(
                "20,000 sockets over 10",
                f"{costs[1] / costs[0]:.2f} ×",
                "the same: ≤ 1.15 ×",
                costs[1] / costs[0] <= 1.15,
            ),
        ),
    )


def _floor(host: InstalledHost, what: str) -> float:
    """Return the CPU seconds that the least asyncio program takes for a round."""
    python = "/opt/service-watchdog/bin/python"
    done = host.run(python, "-I", "-c", FLOOR, str(ROUNDS), what, timeout=120)
    return float(done.stdout)


def _hold_sockets(host: InstalledHost, count: int) -> list[str]:
    """Have processes hold *count* connected sockets between them; return their units."""
    holders = 1 if count < OPEN_FILES else 1 + count // OPEN_FILES
    units = [f"sockets{number}.service" for number in range(holders)]
    for number, unit in enumerate(units):
        command = f"/run/bench/sockets.py {9000 + number} {count // 2 // holders}"
        host.write_unit(
            unit,
            "[Service]\nType=notify\nLimitNOFILE=16000\nTimeoutStartSec=120\n"
            f"ExecStart=/opt/peers/bin/python {command}\n",
        )
        host.systemctl("start", unit, timeout=120)
    return units


def memory() -> Section:
    """Measure the PSS of the daemon, and what each import adds."""
    with bench_host() as host:
        host.start_peer("sample", "--port", "8000", unit="watched.service")
        host.configure(ONE.format(interval="30s") + SLACK)
        host.start_daemon()
        wait_for_phase(host, "healthy")
        whole = pss_megabytes(daemon_pid(host))
        rows = [
            ("the daemon: one service, Slack configured, before the first alert", f"{whole:.1f}")
        ]
        rows += [
            (f"a bare process that imports {name}", f"{_pss_of(host, name):.1f}")
            for name in (
                "nothing",
                "asyncio",
                "structlog",
                "msgspec",
                "dbus_fast.aio",
                "httptools",
                "sqlite3",
                "watchdog.config",
                "watchdog.app.daemon",
                "psutil",
                "aiosmtplib",
                "aiohttp",
                "slack_sdk.web.async_client",
            )
        ]
    return Section(
        "Memory",
        "Proportional set size (PSS) in MB. The daemon as installed; then bare interpreters of the "
        "same environment, each importing one thing (shared parts are counted in each). Slack, "
        "e-mail and psutil are imported when first needed.",
        ("what", "PSS, MB"),
        rows,
        (Aim("PSS before the first alert", f"{whole:.1f} MB", "≤ 36 MB", whole <= 36),),
    )


def thousand() -> Section:
    """Measure a thousand services every 30 s, then with a hundred of them hanging."""
    rows, aims = [], []
    with bench_host() as host:
        host.write_unit("many@.service", "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n")
        for start in range(0, SERVICES, 100):
            names = [f"many@{i}.service" for i in range(start, start + 100)]
            host.systemctl("start", *names, timeout=120)
        host.start_peer(
            "many", "--first", "20000", "--count", str(SERVICES), more="LimitNOFILE=16000"
        )
        host.configure(
            "".join(
                f'[[service]]\nname = "s{i}"\nunit = "many@{i}.service"\n'
                f"port = {{ port = {20000 + i}, any_owner = true }}\n"
                f'health = "http://127.0.0.1:{20000 + i}/health"\n'
                for i in range(SERVICES)
            )
            + "[defaults]\nrestart_after = { http = 0 }\n"
        )
        host.systemctl("start", "service-watchdog", timeout=120)
        pid = daemon_pid(host)
        wait_for_phase(host, "healthy", 120)
        for what in ("all healthy", f"{HANGING} of them hanging"):
            if "hanging" in what:
                host.write("/run/many/hanging", str(HANGING))
            before, began = cpu_seconds(pid), time.monotonic()
            pass_time(WATCHED_SECONDS)
            share = (cpu_seconds(pid) - before) / (time.monotonic() - began) * 100
            late = status(host)["daemon"]["late_ms"]
            pss = pss_megabytes(pid)
            rows.append(
                (
                    what,
                    f"{share:.2f} %",
                    f"{pss:.1f} MB",
                    f"{late['p50']:.1f} ms",
                    f"{late['p99']:.1f} ms",
                )
            )
            if what == "all healthy":
                aims += [
                    Aim("CPU of 1,000 services", f"{share:.2f} %", "≤ 2 %", share <= 2),
                    Aim("PSS of 1,000 services", f"{pss:.1f} MB", "≤ 60 MB", pss <= 60),
                ]
            aims.append(
                Aim(f"p99 lateness, {what}", f"{late['p99']:.1f} ms", "≤ 20 ms", late["p99"] <= 20)
            )
    return Section(
        "A thousand services",
        f"{SERVICES:,} services, each with unit, port and /health, every 30 s, watched for "
        f"{WATCHED_SECONDS:g} s. Lateness is how long after its time a regular round began.",
        ("services", "CPU of one core", "PSS", "late, p50", "late, p99"),
        rows,
        aims,
    )


def _pss_of(host: InstalledHost, module: str) -> float:
    imports = "" if module == "nothing" else f"import {module}\n"
    script = f"{imports}print(open('/proc/self/smaps_rollup').read())"
    shebang = host.read("/opt/service-watchdog/bin/service-watchdog").splitlines()[0]
    output = host.run(shebang.removeprefix("#!"), "-c", script).stdout
    return next(int(line.split()[1]) for line in output.splitlines() if "Pss:" in line) / 1024
