"""Failures caused on purpose, one after another, to one patient; when it was seen, and over."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from scripts.benchmarks.contestants import Contestant
from scripts.benchmarks.figures import NEVER
from tests.host.host import HostError
from tests.host.installed import InstalledHost

FAILURES: Mapping[str, signal.Signals] = {
    "kill -9": signal.SIGKILL,
    "stopped (SIGSTOP)": signal.SIGSTOP,
    "/health hangs": signal.SIGUSR1,
    "/health answers 500": signal.SIGUSR2,
    "port lost": signal.SIGHUP,
}

SETTLE = 3.0
"""Seconds of quiet after a recovery: the slowest to settle is supervisord, which takes one."""

ENOUGH_OF_NEVER = 2
"""Trials without a recovery after which nobody waits for one again."""

POLL = 0.05
"""Seconds between looks at the patient's own record, which costs the host nothing."""


@dataclass(frozen=True)
class Trial:
    """One failure: seconds until it was seen and until the patient listened again, or NEVER."""

    kind: str
    failure: str
    injected: float  # mono
    ended: float  # mono: recovered, or given up waiting
    recovered: float
    seen: float = NEVER


class Ward:
    """The patients of a host, told apart by name; no command is run there while one is ill."""

    def __init__(self, host: InstalledHost) -> None:
        self._host = host
        self._lock = Lock()  # the host's shell takes one at a time

    def starts(self, name: str) -> list[tuple[int, float]]:
        """Return the pid and the time (mono) of each start of the patient."""
        path = Path(f"/proc/{self._host.pid}/root/run/patients/{name}")
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(pid), float(mono)) for pid, mono in (line.split() for line in lines)]

    def outer_pid(self, name: str) -> int:
        """Return what we call the patient's process."""
        return self._host.outer_pid(self.starts(name)[-1][0])

    def wait_for_start(self, name: str, after: float, until: float) -> float | None:
        """Return when the patient first listened after that time, or None if not *until* then."""
        while time.monotonic() < until:
            found = [mono for _, mono in self.starts(name) if mono > after]
            if found:
                return found[0]
            time.sleep(POLL)
        return None

    def heal(self, contestant: Contestant) -> None:
        """Start the patient anew, which its watcher has not done."""
        began = time.monotonic()
        with self._lock:
            if self._host.exists(f"/etc/systemd/system/{contestant.name}.service"):
                self._host.systemctl("restart", f"{contestant.name}.service")
            else:
                os.kill(self.outer_pid(contestant.name), signal.SIGKILL)
        if self.wait_for_start(contestant.name, began, began + 30) is None:
            raise HostError(f"cannot go on: {contestant.name} does not start")


def run_trials(
    host: InstalledHost,
    contestants: Sequence[Contestant],
    failures: Iterable[str],
    seconds: float,
    bound: float = 0.0,
) -> list[Trial]:
    """Have every contestant go through *failures*, over and over, for so many *seconds*.

    All at the same time, each with a patient of its own. A failure that has not healed within
    *bound*, or by default two of the watcher's cycles and 10 s, is given up as never.
    """
    blind: dict[tuple[str, str], int] = {}
    names, deadline = list(failures), time.monotonic() + seconds
    with ThreadPoolExecutor(len(contestants)) as pool:
        jobs = [
            pool.submit(_try_on, Ward(host), each, _turned(names, number), deadline, bound, blind)
            for number, each in enumerate(contestants)
        ]
        trials = [trial for job in jobs for trial in job.result()]
    return _with_what_was_seen(host, contestants, trials)


def _try_on(
    ward: Ward,
    contestant: Contestant,
    failures: Sequence[str],
    deadline: float,
    bound: float,
    blind: dict[tuple[str, str], int],
) -> list[Trial]:
    trials: list[Trial] = []
    patience = bound or 2 * contestant.cycle + 10
    while True:
        for failure in failures:
            if blind.get((contestant.kind, failure), 0) >= ENOUGH_OF_NEVER:
                continue
            # Anywhere in the watcher's cycle, so that the delay is the one of a failure by chance.
            time.sleep(SETTLE + random.uniform(0, contestant.cycle))  # noqa: S311
            if time.monotonic() > deadline:
                return trials
            pid = ward.outer_pid(contestant.name)
            injected = time.monotonic()
            os.kill(pid, FAILURES[failure])
            started = ward.wait_for_start(contestant.name, injected, injected + patience)
            ended = time.monotonic()
            recovered = NEVER if started is None else started - injected
            if started is None:
                key = (contestant.kind, failure)
                blind[key] = blind.get(key, 0) + 1
                ward.heal(contestant)
            trials.append(
                Trial(f"{contestant.kind}|{contestant.name}", failure, injected, ended, recovered)
            )


def _with_what_was_seen(
    host: InstalledHost, contestants: Sequence[Contestant], trials: Sequence[Trial]
) -> list[Trial]:
    """Add what the journal tells: read once, at the end, for reading it is work for the host."""
    logs = {unit: host.journal(unit) for unit in {each.unit for each in contestants}}
    by_name = {each.name: each for each in contestants}
    told = []
    for trial in trials:
        kind, name = trial.kind.split("|")
        contestant = by_name[name]
        # What is logged a moment after a recovery is still about it; after healing it is not.
        until = trial.ended + (1 if math.isfinite(trial.recovered) else 0)
        when = contestant.saw(logs[contestant.unit], trial.injected, until)
        seen = NEVER if when is None else when - trial.injected
        told.append(replace(trial, kind=kind, seen=seen))
    return told


def _turned(names: Sequence[str], number: int) -> list[str]:
    """Return *names* from another beginning for each, so that all are tried in a short time."""
    start = number % len(names)
    return [*names[start:], *names[:start]]
