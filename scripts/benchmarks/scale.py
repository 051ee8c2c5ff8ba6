"""From one service to ten thousand: what watching them costs, and whether it keeps its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scripts.benchmarks.lab import (
    all_are,
    bench_host,
    cpu_seconds,
    daemon_pid,
    of,
    pass_time,
    pss_megabytes,
    status,
)
from scripts.benchmarks.plot import Bar, Bars, Group, Lines, Series
from scripts.benchmarks.report import Section, at_least, at_most
from tests.host.host import HostError
from tests.host.installed import DAEMON, InstalledHost

GROWTH, THOUSAND = "From one service to ten thousand", "A thousand services"

FIRST_PORT = 20_000
HANGING = 100
BATCH = 500
START_WITHIN = 240.0  # seconds

# Active without a process: ten thousand of those would be measured in place of the daemon.
UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=/bin/true
"""

SERVICE = """
[[service]]
name = "s{number}"
unit = "many@{number}.service"
port = {{ port = {port}, any_owner = true }}
health = "http://127.0.0.1:{port}/health"
"""

MONIT_UNIT = "many.monit.service"
MONIT_SERVICE = "[Service]\nExecStart=/usr/bin/monit -I -c /etc/many.monitrc\n"

MONIT = """\
set daemon {interval}
set log syslog
set pidfile /run/many.monit.pid
set idfile /run/many.monit.id
set statefile /run/many.monit.state
"""

MONIT_CHECK = """\
check host s{number} with address 127.0.0.1
  if failed port {port} protocol http request "/health" with timeout 5 seconds then alert
"""


@dataclass(frozen=True)
class Load:
    """What so many services cost: % of a core, MB, and ms of lateness of a round."""

    count: int
    share: float
    pss: float
    late_p50: float = 0.0
    late_p99: float = 0.0
    interval: float = 10.0  # seconds

    @property
    def round(self) -> float:
        """Return the milliseconds of CPU that one service's round takes."""
        return self.share / 100 * self.interval / self.count * 1000

    @property
    def cells(self) -> Sequence[str]:
        """Return the figures for people to read."""
        return (
            f"{self.share:.2f} %",
            f"{self.round:.2f} ms",
            f"{self.pss:.1f} MB",
            f"{self.late_p50:.1f} ms" if self.late_p99 else "-",
            f"{self.late_p99:.1f} ms" if self.late_p99 else "-",
        )


def growth() -> Section:
    """Measure 1, 100, 1,000 and 10,000 services every 10 s, and monit beside them."""
    sizes = of((1, 100, 1000, 10_000), (1, 100, 500))
    with _many(max(sizes)) as host:
        ours, failed = [], ""
        for count in sizes:
            try:
                ours.append(_watch(host, count, 10.0))
            except HostError as error:  # the others are worth their rows all the same
                failed = f"{count:,} could not be watched: {str(error).splitlines()[0]}"
                host.systemctl("kill", "--signal=KILL", DAEMON, check=False)
        theirs = [_monit(host, count, 10) for count in sizes]
    largest = ours[-1]
    return Section(
        GROWTH,
        "Each service is a unit, a port and /health, all three asked every 10 s; the units are "
        "active without a process, and one process answers for all. Watched for "
        f"{_seconds(10.0):g} s after all were healthy; lateness is how long after its time a "
        "regular round began. monit asks /health alone, one after another, so it has no rounds "
        "that could be late: a service that takes 5 s to fail holds up all that follow."
        + (f" **{failed}**" if failed else ""),
        ("services", "watcher", "CPU of one core", "of a round", "PSS", "late, p50", "late, p99"),
        [
            (f"{load.count:,}", name, *load.cells)
            for name, loads in (("service-watchdog", ours), ("monit", theirs))
            for load in loads
        ],
        (
            at_least("services watched every 10 s", largest.count, max(sizes), "services"),
            at_most(f"CPU of {largest.count:,} services every 10 s", largest.share, 100, "%"),
            at_most(f"p99 lateness of {largest.count:,} every 10 s", largest.late_p99, 100, "ms"),
            at_most(f"a healthy round among {largest.count:,}", largest.round, 0.6, "ms"),
        ),
        plots=(
            _plot("CPU over services", "% of one core", ours, theirs, lambda load: load.share),
            _plot("Memory over services", "MB of PSS", ours, theirs, lambda load: load.pss),
        ),
    )


def thousand() -> Section:
    """Measure a thousand services every 30 s, then with a hundred of them hanging."""
    count = of(1000, 300)
    with _many(count) as host:
        calm = _watch(host, count, 30.0, keep=True)
        host.write("/run/many/hanging", str(HANGING))
        hanging = _load(host, count, 30.0)
    return Section(
        THOUSAND,
        f"{count:,} services, each with unit, port and /health, every 30 s, watched for "
        f"{_seconds(30.0):g} s.",
        ("services", "CPU of one core", "of a round", "PSS", "late, p50", "late, p99"),
        (("all healthy", *calm.cells), (f"{HANGING} of them hanging", *hanging.cells)),
        (
            at_most("CPU of 1,000 services", calm.share, 2, "%"),
            at_most("PSS of 1,000 services", calm.pss, 60, "MB"),
            at_most("p99 lateness, all healthy", calm.late_p99, 20, "ms"),
            at_most(f"p99 lateness, {HANGING} hanging", hanging.late_p99, 20, "ms"),
        ),
        plots=(
            Bars(
                "Lateness of a thousand",
                "milliseconds after its time that a round began",
                [
                    Group(
                        what,
                        [
                            Bar("median", load.late_p50, f"{load.late_p50:.1f} ms", ours=True),
                            Bar("99 of 100", load.late_p99, f"{load.late_p99:.1f} ms", ours=True),
                        ],
                    )
                    for what, load in (("all healthy", calm), (f"{HANGING} of them hang", hanging))
                ],
                aim=20,
            ),
        ),
    )


@contextmanager
def _many(count: int) -> Iterator[InstalledHost]:
    """Boot a host with so many services."""
    with bench_host() as host:
        # First what takes a daemon-reload: with 10,000 units that takes a minute.
        host.write("/etc/systemd/system/many@.service", UNIT)
        host.write(f"/etc/systemd/system/{MONIT_UNIT}", MONIT_SERVICE)
        limit = "LimitNOFILE=40000"
        host.start_peer("many", f"--first={FIRST_PORT}", f"--count={count}", more=limit)
        for start in range(0, count, BATCH):
            names = [f"many@{i}.service" for i in range(start, min(start + BATCH, count))]
            host.systemctl("start", *names, timeout=120)
        yield host


def _watch(host: InstalledHost, count: int, interval: float, *, keep: bool = False) -> Load:
    """Have the daemon watch the first *count* services, and return what that costs."""
    services = (SERVICE.format(number=i, port=FIRST_PORT + i) for i in range(count))
    defaults = f'[defaults]\ninterval = "{interval:g}s"\nrestart_after = {{ http = 0 }}\n'
    host.configure("".join(services) + defaults)
    host.systemctl("start", DAEMON, timeout=START_WITHIN)
    while not all_are(host, "healthy"):
        pass_time(2)  # ten thousand take a while to tell of
    pass_time(5)  # what starting has left to do is done
    load = _load(host, count, interval)
    if not keep:
        host.systemctl("stop", DAEMON, timeout=120)
    return load


def _load(host: InstalledHost, count: int, interval: float) -> Load:
    pid = daemon_pid(host)
    before, began = cpu_seconds(pid), time.monotonic()
    pass_time(_seconds(interval))
    share = (cpu_seconds(pid) - before) / (time.monotonic() - began) * 100
    pss = pss_megabytes(pid)  # before it is asked: its answer takes memory too
    late = status(host, "s0")["daemon"]["late_ms"]  # to tell of all would make rounds late
    return Load(count, share, pss, late["p50"], late["p99"], interval)


def _monit(host: InstalledHost, count: int, interval: int) -> Load:
    """Have monit ask for /health of the first *count* services."""
    checks = (MONIT_CHECK.format(number=i, port=FIRST_PORT + i) for i in range(count))
    text = MONIT.format(interval=interval) + "".join(checks)
    host.write("/etc/many.monitrc", text, mode=0o700)
    host.systemctl("start", MONIT_UNIT)
    pass_time(5)
    pid = host.outer_pid(int(host.unit(MONIT_UNIT, "MainPID")["MainPID"]))
    before, began = cpu_seconds(pid), time.monotonic()
    pass_time(_seconds(interval))
    share = (cpu_seconds(pid) - before) / (time.monotonic() - began) * 100
    pss = pss_megabytes(pid)
    host.systemctl("stop", MONIT_UNIT, timeout=60)
    return Load(count, share, pss)


def _seconds(interval: float) -> float:
    """Return how long is measured: whole rounds."""
    return of(15.0 if interval < 30 else 35.0, interval)


def _plot(
    title: str,
    unit: str,
    ours: Sequence[Load],
    theirs: Sequence[Load],
    value: Callable[[Load], float],
) -> Lines:
    series = [
        Series(name, [(load.count, value(load)) for load in loads])
        for name, loads in (("service-watchdog", ours), ("monit", theirs))
    ]
    return Lines(title, "services, each asked every 10 s", f"{unit}, logarithmic", series)
