"""The same failures for everybody: when is each seen, and when is the service there again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from scripts.benchmarks import contestants
from scripts.benchmarks.figures import NEVER, duration, quantile, span
from scripts.benchmarks.lab import bench_host, of
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_least, at_most
from scripts.benchmarks.trials import FAILURES, Trial, run_trials

OURS = "service-watchdog, 1 s"
MONIT, MONIT_AT_30 = "monit, 1 s", "monit, 30 s"
LOOP = "the document's loop, 30 s"

TITLES = ("Side by side: from failure to seen", "Side by side: from failure to serving again")

HEADLINE = "A service is killed, or hangs: it serves again after"
"""Shown in the README, by this name."""

METHOD = (
    "All on one host at the same time, each with services of its own: a small web service that "
    "falls ill at a signal and is well after a start. *monit* is Debian's and watches process and "
    "/health in one `check process`, timeout 1 s at a cycle of 1 s, otherwise 5 s, a start taken "
    "to last 1 s (by default it leaves the port of a new process alone for 30 s); *the document's "
    "loop* is `health-monitor.sh`, word for word; *supervisord* is Debian's; *systemd* is "
    "`Restart=always`, `RestartSec=0`. Ours asks unit, port and /health, timeout as by default "
    "(half of 1 s; 5 s at 30 s), and is told to restart at the first failure of /health, as monit "
    "is. Failures come at any time within a watcher's cycle; of each 30 s watcher several are at "
    "work. "
)


def side_by_side() -> Sequence[Section]:
    """Measure five failures with seven watchers."""
    kinds, trials = _measured()
    return sections(kinds, trials)


def sections(kinds: Sequence[str], trials: Sequence[Trial]) -> tuple[Section, Section]:
    """Return what these trials show: when it was seen, and when it was over."""
    return _seen(kinds, trials), _recovered(kinds, trials)


def _measured() -> tuple[Sequence[str], Sequence[Trial]]:
    seconds, copies = of(280.0, 75.0), of(8, 2)
    with bench_host() as host:
        watchers = contestants.ours(host, [1.0, *[30.0] * copies], 8100)
        watchers += [contestants.monit(host, 1, number, 8200 + number) for number in range(2)]
        watchers += [contestants.monit(host, 30, number, 8300 + number) for number in range(copies)]
        watchers += [
            contestants.shell_loop(host, number, 8400 + number) for number in range(copies)
        ]
        watchers += [contestants.supervisord(host, 8500), contestants.systemd(host, 8600)]
        trials = run_trials(host, watchers, FAILURES, seconds)
    return list(dict.fromkeys(watcher.kind for watcher in watchers)), trials


def _seen(kinds: Sequence[str], trials: Sequence[Trial]) -> Section:
    def value(trial: Trial) -> float:
        return trial.seen

    killed = {kind: _middle(trials, kind, "kill -9", value) for kind in kinds}
    killed = {kind: killed.get(kind, NEVER) for kind in (OURS, MONIT, MONIT_AT_30, LOOP)}
    quickest = min(killed[LOOP], killed[MONIT_AT_30])
    hang = max((t.seen for t in _of(trials, OURS, "/health hangs")), default=NEVER)
    return Section(
        TITLES[0],
        METHOD + "*Seen* is the first line that a watcher logs about it, ours the stamp that the "
        "state machine was given. Median · worst, and how many trials; never: not once within two "
        "cycles and 10 s, after which the service is healed from outside.",
        ("watcher", *FAILURES),
        _rows(kinds, trials, value),
        (
            at_least("kill -9 → seen, 30 s pollers over ours", quickest / killed[OURS], 1000, "×"),
            at_least(
                "kill -9 → seen, monit at 1 s over ours", killed[MONIT] / killed[OURS], 60, "×"
            ),
            at_most("/health hangs → seen at 1 s, worst: interval + timeout", hang, 1.55, "s"),
        ),
        plots=(_plot("From failure to seen", kinds, trials, value),),
    )


def _recovered(kinds: Sequence[str], trials: Sequence[Trial]) -> Section:
    def value(trial: Trial) -> float:
        return trial.recovered

    return Section(
        TITLES[1],
        "The same trials: until the new process listens. Its own start, some 60 ms of Python, is "
        "in every figure. The document's loop counts failures of /health and restarts nothing for "
        "them; supervisord and systemd look at the process alone.",
        ("watcher", *FAILURES),
        _rows(kinds, trials, value),
        plots=(
            _plot(HEADLINE, kinds, trials, value, ("kill -9", "/health hangs")),
            _plot("From failure to serving again", kinds, trials, value),
        ),
    )


def _rows(
    kinds: Sequence[str], trials: Sequence[Trial], value: Callable[[Trial], float]
) -> list[Sequence[str]]:
    rows = []
    for kind in kinds:
        cells = []
        for failure in FAILURES:
            values = [value(trial) for trial in _of(trials, kind, failure)]
            cells.append(f"{span(values)} ({len(values)})" if values else "-")
        rows.append((kind, *cells))
    return rows


def _plot(
    title: str,
    kinds: Sequence[str],
    trials: Sequence[Trial],
    value: Callable[[Trial], float],
    failures: Iterable[str] = tuple(FAILURES),
) -> Bars:
    groups = []
    for failure in failures:
        bars = []
        for kind in kinds:
            values = [value(trial) for trial in _of(trials, kind, failure)]
            if values:
                middle = quantile(values, 0.5)
                worst = max((each for each in values if math.isfinite(each)), default=None)
                bars.append(Bar(kind, middle, duration(middle), worst, ours="service" in kind))
        groups.append(Group(failure, bars))
    note = "time, logarithmic; bar: median, line: worst of the trials"
    return Bars(title, note, groups, log=True, seconds=True)


def _of(trials: Sequence[Trial], kind: str, failure: str) -> list[Trial]:
    return [trial for trial in trials if trial.kind == kind and trial.failure == failure]


def _middle(
    trials: Sequence[Trial], kind: str, failure: str, value: Callable[[Trial], float]
) -> float:
    return quantile([value(trial) for trial in _of(trials, kind, failure)] or [NEVER], 0.5)
