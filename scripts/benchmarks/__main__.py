"""Measure everything side by side, and write docs/benchmarks.md with its plots."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.benchmarks import (
    beside,
    cost,
    delivery,
    detection,
    lab,
    memory,
    restarts,
    rivals,
    scale,
    stolen,
    web,
)
from scripts.benchmarks.report import PAGE, Section, this_run, update_page


@dataclass(frozen=True)
class Benchmark:
    """What gives one or more sections of the page; how long it takes, and in a trial run."""

    run: Callable[[], Section | Sequence[Section]]
    minutes: float
    about: str
    titles: Sequence[str]  # of its sections


BENCHMARKS: dict[str, Benchmark] = {
    "rivals": Benchmark(rivals.side_by_side, 5.5, "five failures, seven watchers", rivals.TITLES),
    "beside": Benchmark(
        beside.hanging_neighbours, 4.2, "beside 1, 10, 100 hanging endpoints", (beside.TITLE,)
    ),
    "kill": Benchmark(
        detection.one_service, 1.5, "kill -9, beside systemd's own restart", (detection.ONE,)
    ),
    "many": Benchmark(
        detection.many_services, 1.2, "200 units killed at once", (detection.AT_ONCE,)
    ),
    "round": Benchmark(
        cost.rounds, 1.5, "CPU of a round, with few and many sockets", (cost.TITLE,)
    ),
    "thousand": Benchmark(
        scale.thousand, 1.4, "a thousand services, a hundred hanging", (scale.THOUSAND,)
    ),
    "growth": Benchmark(scale.growth, 4.4, "from one service to ten thousand", (scale.GROWTH,)),
    "memory": Benchmark(memory.by_feature, 0.6, "memory by feature, and rivals'", (memory.TITLE,)),
    "imports": Benchmark(memory.by_import, 0.1, "memory by import", (memory.IMPORTS,)),
    "delivery": Benchmark(
        delivery.decision_to_socket, 1.3, "from decision to Slack's socket", (delivery.SOCKET,)
    ),
    "storm": Benchmark(
        delivery.storm, 2.0, "healthy rounds beside a storm of alerts", (delivery.STORM_TITLE,)
    ),
    "restarts": Benchmark(
        restarts.under_load, 1.6, "requests lost in restarts and deploys", (restarts.TITLE,)
    ),
    "web": Benchmark(web.served, 3.3, "the web part with a thousand services", (web.SERVED,)),
    "page": Benchmark(web.live, 0.6, "from kill -9 to an open page", (web.LIVE,)),
}
"""In the order of the page; a title that is not here is taken out of it."""

ORDER = [title for benchmark in BENCHMARKS.values() for title in benchmark.titles]


def main() -> int:
    """Run what was asked for, and put each result into the page as soon as it is there."""
    options = _options()
    names = options.only or list(BENCHMARKS)
    if options.list:
        print(_table(names))
        return 0
    if os.geteuid() != 0:
        print("cannot bench: a booted host needs root; run it with sudo", file=sys.stderr)
        return 2
    lab.options.quick = options.quick
    page = options.page or (None if options.quick else PAGE)
    about = sum(BENCHMARKS[name].minutes for name in names)
    _say(f"{len(names)} benchmarks" + ("" if options.quick else f", about {about:g} minutes"))
    failed = [name for name in names if not _measure(name, page)]
    if failed:
        again = " ".join(f"--only {name}" for name in failed)
        _say(f"cannot measure {', '.join(failed)}; the page keeps what it had: bench {again}")
    return 1 if failed else 0


def _measure(name: str, page: Path | None) -> bool:
    """Run one, and write what it found; whatever goes wrong, the others can still run."""
    _say(f"measuring {name}: {BENCHMARKS[name].about} …")
    began, before, run = time.monotonic(), stolen.times(), this_run()
    try:
        found = BENCHMARKS[name].run()
        note = stolen.told(before, stolen.times())
        for measured in [found] if isinstance(found, Section) else found:
            section = replace(measured, method=measured.method + note, run=run)
            print(section.text(), flush=True)
            if page is not None:
                update_page(section, ORDER, page)
    except Exception:  # noqa: BLE001 - a night's run must not end with its second hour
        traceback.print_exc()
        return False
    _say(f"measured {name} in {(time.monotonic() - began) / 60:.1f} minutes")
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        epilog=_table(list(BENCHMARKS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=BENCHMARKS,
        metavar="NAME",
        help="run this one; the other sections of the page stay",
    )
    parser.add_argument(
        "--list", action="store_true", help="say what there is, and measure nothing"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few trials, to try it out; leaves the page alone"
    )
    parser.add_argument("--page", type=Path, help=f"write this page in place of {PAGE.name}")
    return parser.parse_args()


def _table(names: Sequence[str]) -> str:
    lines = [
        f"{name:10} {BENCHMARKS[name].minutes:4.1f} min  {BENCHMARKS[name].about}" for name in names
    ]
    total = sum(BENCHMARKS[name].minutes for name in names)
    return "\n".join([*lines, f"{'together':10} {total:4.1f} min"])


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
