"""What a round costs: ours, monit's, the shell loop's, with few and with many sockets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks.figures import times
from scripts.benchmarks.lab import (
    bench_host,
    cpu_seconds,
    daemon_pid,
    of,
    pass_time,
    python_of,
    wait_for_phase,
)
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_least, at_most
from tests.host.installed import InstalledHost

ONE = """
[[service]]
name = "watched"
unit = "watched.service"
port = 8000
health = "http://127.0.0.1:8000/health"
interval = "{interval}"
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

MONIT = """
set daemon 1
set log syslog
set pidfile /run/round.monit.pid
set idfile /run/round.monit.id
set statefile /run/round.monit.state
check program unit with path "/usr/bin/systemctl is-active --quiet watched.service"
  if status != 0 then alert
check host service with address 127.0.0.1
  if failed port 8000 protocol http request "/health" with timeout 1 seconds then alert
"""

# What any asyncio program pays that wakes up once a second; one that also sends a GET with no check
# of the answer, no deadline and no library beyond the loop; and one that also looks the port up.
FLOOR = """
import asyncio, socket, sys, time
from watchdog.probes.sock_diag import SockDiag
rounds, what = int(sys.argv[1]), sys.argv[2]
diag = SockDiag()
REQUEST = b"GET /health HTTP/1.1\\r\\nHost: 127.0.0.1:8000\\r\\nConnection: close\\r\\n\\r\\n"

async def main():
    loop = asyncio.get_running_loop()
    due, before = loop.time(), time.process_time()
    for _ in range(rounds):
        due += 1
        tick = loop.create_future()
        loop.call_at(due, tick.set_result, None)
        await tick
        if what == "all":
            assert diag.lookup(socket.AF_INET, "127.0.0.1", 8000)
        if what != "wake":
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

TITLE = "CPU of a healthy round"

OPEN_FILES = 10_000  # that one process holds: not every machine allows it more than twice this
INTERVAL = 1.0
SHELL_ROUNDS = 10
FLOOR_ROUNDS = 15
COLD = (
    "a process that wakes once a second finds the CPU's caches cold; see the floor above, and the "
    "same round [among thousands](#from-one-service-to-ten-thousand)"
)


def rounds() -> Section:
    """Measure the CPU of a healthy round, ours and the others', with few and many sockets."""
    found: list[_Costs] = []
    count = of(20, 10)
    with bench_host() as host:
        host.start_peer("sample", "--port", "8000", unit="watched.service")
        host.configure(ONE.format(interval=f"{INTERVAL}s"))
        host.start_daemon()
        wait_for_phase(host, "healthy")
        pid = daemon_pid(host)
        monit = _start_monit(host)
        host.write("/run/bench/sockets.py", SOCKETS)
        floors = [_floor(host, what) for what in ("wake", "get", "all")]
        for sockets in (10, 20_000):
            holders = _hold_sockets(host, sockets)
            before = cpu_seconds(pid), _with_children(monit)
            elapsed = pass_time(count * INTERVAL)
            done = elapsed / INTERVAL
            ours, theirs = cpu_seconds(pid) - before[0], _with_children(monit) - before[1]
            shell = float(
                host.run(
                    *("python3", "-c", SHELL_LOOP, str(SHELL_ROUNDS), SHELL_ROUND), timeout=120
                ).stdout
            )
            host.systemctl("stop", *holders)
            found.append(_Costs(sockets, ours / done * 1e3, theirs / done * 1e3, shell * 1e3))
    few, many = found
    return Section(
        TITLE,
        f"Unit, port and /health of one service, once a second for {count} s: all CPU time of the "
        "daemon's process divided by the rounds, so everything else that it does is in it. monit "
        "asks the unit by `check program` with `systemctl is-active`, its children counted, and "
        "/health. The shell loop is the reference document's: `systemctl is-active`, `ss -tlnp`, "
        "`curl`, at the same pace. Once a second every round finds cold caches: of the daemon's "
        f"figure, {floors[0] * 1e3:.2f} ms is what any asyncio program pays here to wake up, and "
        f"{floors[1] * 1e3:.2f} ms one that then sends a GET and neither has a deadline nor reads "
        f"the answer's head, {floors[2] * 1e3:.2f} ms if it looks the port up too, all measured in "
        "the same run.",
        (
            "sockets on the host",
            "service-watchdog",
            "monit",
            "shell loop",
            "monit / ours",
            "shell loop / ours",
        ),
        [each.cells for each in found],
        (
            at_most("a healthy round", max(few.ours, many.ours), 0.6, "ms", COLD),
            at_least("shell loop over ours", min(few.ratio, many.ratio), 40, "×", COLD),
            at_most("20,000 sockets over 10", many.ours / few.ours, 1.15, "×"),
        ),
        plots=(
            Bars(
                TITLE,
                "milliseconds of CPU for each round, logarithmic",
                [
                    Group(
                        f"{each.sockets:,} sockets open on the host",
                        [
                            Bar(name, value, f"{value:.2f} ms", ours=name == "service-watchdog")
                            for name, value in each.by_name.items()
                        ],
                    )
                    for each in found
                ],
                log=True,
                aim=0.6,
            ),
        ),
    )


@dataclass(frozen=True)
class _Costs:
    """Milliseconds of CPU for a round, with so many sockets on the host."""

    sockets: int
    ours: float
    monit: float
    shell: float

    @property
    def ratio(self) -> float:
        return self.shell / self.ours

    @property
    def by_name(self) -> Mapping[str, float]:
        return {"service-watchdog": self.ours, "monit": self.monit, "shell loop": self.shell}

    @property
    def cells(self) -> Sequence[str]:
        figures = (f"{self.ours:.2f} ms", f"{self.monit:.2f} ms", f"{self.shell:.1f} ms")
        return (f"{self.sockets:,}", *figures, times(self.monit / self.ours), times(self.ratio))


def _start_monit(host: InstalledHost) -> int:
    """Start a monit that asks for the same, and return its pid."""
    host.write("/etc/round.monitrc", MONIT, mode=0o700)
    host.write_unit(
        "round.service", "[Service]\nExecStart=/usr/bin/monit -I -c /etc/round.monitrc\n"
    )
    host.systemctl("start", "round.service")
    pass_time(2 * INTERVAL)
    return host.outer_pid(int(host.unit("round.service", "MainPID")["MainPID"]))


def _with_children(pid: int) -> float:
    """Return the CPU seconds of process *pid* and of the children that it has waited for.

    Source: proc_pid_stat(5), fields 16 and 17, in clock ticks: coarse, but these add up.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return cpu_seconds(pid) + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _floor(host: InstalledHost, what: str) -> float:
    """Return the CPU seconds that the least asyncio program takes for a round."""
    done = host.run(python_of(host), "-I", "-c", FLOOR, str(FLOOR_ROUNDS), what, timeout=120)
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
