"""The bench: a booted host, our daemon on it, and ways to read what it costs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.host.host import wait_for
from tests.host.image import Images
from tests.host.installed import DAEMON, InstalledHost

T = TypeVar("T")


@dataclass
class Options:
    """What holds of a whole run."""

    quick: bool = False


options = Options()


@contextmanager
def bench_host() -> Iterator[InstalledHost]:
    """Boot a host with the peers and our daemon installed, not running."""
    images = Images()
    layers = [images.base(), images.peers(), images.installed()]
    with InstalledHost(layers, name="bench") as host:
        host.sh("mkdir -p /run/systemd/system.conf.d")
        yield host


def status(host: InstalledHost, name: str = "") -> dict[str, Any]:
    """Return what ``service-watchdog status --json`` answers."""
    done = host.run("service-watchdog", "status", *([name] if name else []), "--json", check=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wait_for_phase(host: InstalledHost, phase: str, timeout: float = 60.0) -> None:
    """Return once every service is in *phase*."""
    wait_for(lambda: all_are(host, phase), timeout, f"all services {phase}")


def all_are(host: InstalledHost, phase: str) -> bool:
    """Return whether every service is in *phase*."""
    return all(service["phase"] == phase for service in status(host)["services"])


def daemon_pid(host: InstalledHost) -> int:
    """Return the daemon's process id as seen from out here."""
    return host.outer_pid(int(host.unit(DAEMON, "MainPID")["MainPID"]))


def cpu_seconds(pid: int) -> float:
    """Return what process *pid* has run on a CPU, all threads, to the nanosecond.

    Source: /proc/PID/task/TID/schedstat, first field (Documentation/scheduler/sched-stats.rst).
    """
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def pss_megabytes(pid: int) -> float:
    """Return the proportional set size of process *pid* (proc_pid_smaps(5))."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"cannot read the PSS of process {pid}")


def python_of(host: InstalledHost) -> str:
    """Return the interpreter that the daemon runs on, with its packages."""
    shebang = host.read("/opt/service-watchdog/bin/service-watchdog").splitlines()[0]
    return shebang.removeprefix("#!")


def of(full: T, quick: T) -> T:
    """Return the first, or in a trial run the second: how many, or how long."""
    return quick if options.quick else full


def pass_time(seconds: float) -> float:
    """Let *seconds* pass while something is measured, and return how many have."""
    began = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - began
