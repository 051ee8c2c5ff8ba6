"""The same failure beside endpoints that hang: does one sick service hide another?"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from scripts.benchmarks import contestants
from scripts.benchmarks.contestants import Contestant
from scripts.benchmarks.figures import duration, quantile, span
from scripts.benchmarks.lab import bench_host, of
from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_most
from scripts.benchmarks.trials import FAILURES, Trial, run_trials
from tests.host.installed import InstalledHost

TITLE = "Beside endpoints that hang"

COUNTS = (1, 10, 100)
FIRST_PORT = 20_000
TIMEOUT = 5  # seconds
INTERVAL = 6
PLOTTED = ("kill -9", "/health hangs")
PATIENCE = 75.0

# Active without a process: what hangs is the endpoint.
SICK = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=/bin/true
"""

NEIGHBOUR = """
[[service]]
name = "sick{number}"
unit = "sick{number}.service"
health = {{ url = "http://127.0.0.1:{port}/health", timeout = "{timeout}s" }}
interval = "{interval}s"
restart_after = {{ http = 0 }}
"""

MONIT_NEIGHBOUR = """\
check host sick{number} with address 127.0.0.1
  if failed port {port} protocol http request "/health" with timeout {timeout} seconds then alert
"""


def hanging_neighbours() -> Section:
    """Measure the five failures beside 1, 10 and 100 hanging endpoints."""
    counts = of(COUNTS, COUNTS[:2])
    with ExitStack() as stack:
        hosts = [stack.enter_context(bench_host()) for _ in counts]
        watchers = [_watchers(host, count) for host, count in zip(hosts, counts, strict=True)]
        with ThreadPoolExecutor(len(hosts)) as pool:
            jobs = [
                pool.submit(run_trials, host, each, FAILURES, of(150.0, 20.0), PATIENCE)
                for host, each in zip(hosts, watchers, strict=True)
            ]
            found = [(count, job.result()) for count, job in zip(counts, jobs, strict=True)]
    return _section(found)


def _watchers(host: InstalledHost, count: int) -> Sequence[Contestant]:
    """Start ours and monits, each with as many hanging endpoints before its patient."""
    host.write("/run/many/hanging", str(count))
    host.start_peer("many", f"--first={FIRST_PORT}", f"--count={count}")
    for number in range(count):
        host.write(f"/etc/systemd/system/sick{number}.service", SICK)
    host.systemctl("daemon-reload")
    host.systemctl("start", *(f"sick{number}.service" for number in range(count)))
    values = {"timeout": TIMEOUT, "interval": INTERVAL}
    ports = list(enumerate(range(FIRST_PORT, FIRST_PORT + count)))
    tables = "".join(NEIGHBOUR.format(number=n, port=port, **values) for n, port in ports)
    checks = "".join(MONIT_NEIGHBOUR.format(number=n, port=port, **values) for n, port in ports)
    ours = contestants.ours(host, [INTERVAL] * 3, 8100, tables)
    return [*ours, *(contestants.monit(host, 1, n, 8200 + n, checks) for n in range(4))]


def _section(found: Sequence[tuple[int, Sequence[Trial]]]) -> Section:
    rows, groups = [], []
    for count, trials in found:
        for failure in FAILURES:
            bars = []
            for kind in dict.fromkeys(trial.kind for trial in trials):
                these = [t for t in trials if (t.kind, t.failure) == (kind, failure)]
                if not these:
                    continue
                seen, over = [t.seen for t in these], [t.recovered for t in these]
                rows.append((str(count), failure, kind, span(seen), span(over), str(len(these))))
                bars.append(_bar(kind, over))
            if failure in PLOTTED:
                groups.append(Group(f"{failure}, beside {count} that hang", bars))
    killed, hung = (
        max(t.seen for _, trials in found for t in trials if _is_ours(t) and t.failure == failure)
        for failure in PLOTTED
    )
    return Section(
        TITLE,
        f"The same failures while other endpoints, watched by the same daemon, take {TIMEOUT} s to "
        f"time out: ours with rounds every {INTERVAL} s, monit with a cycle of 1 s, timeouts of "
        f"{TIMEOUT} s in both. Median · worst. monit asks one after another, so a failure waits "
        f"for all who hang before it; never: not within {PATIENCE:g} s, and then not tried again. "
        "supervisord, systemd and the document's loop ask no second endpoint.",
        ("hanging", "failure", "watcher", "seen", "serving again", "trials"),
        rows,
        (
            at_most("kill -9 → seen beside any of these, worst", killed * 1000, 100, "ms"),
            at_most("hang → seen beside any, worst: interval + timeout", hung, 11.2, "s"),
        ),
        plots=(
            Bars(
                "Serving again, beside endpoints that hang",
                "time, logarithmic; bar: median, line: worst of the trials",
                groups,
                log=True,
                seconds=True,
            ),
        ),
    )


def _bar(kind: str, values: Sequence[float]) -> Bar:
    middle = quantile(values, 0.5)
    worst = max((each for each in values if each != float("inf")), default=None)
    said = duration(middle) if middle != float("inf") else f"not within {PATIENCE:g} s"
    return Bar(kind, middle, said, worst, ours=kind.startswith("service-watchdog"))


def _is_ours(trial: Trial) -> bool:
    return trial.kind.startswith("service-watchdog")
