"""Run the benchmarks and write the page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from scripts.benchmarks import cost, delivery, detection, restarts, web
from scripts.benchmarks.report import Section, update_page

BENCHMARKS: dict[str, Callable[[], Section]] = {
    "kill": detection.one_service,
    "many": detection.many_services,
    "round": cost.rounds,
    "thousand": cost.thousand,
    "memory": cost.memory,
    "delivery": delivery.decision_to_socket,
    "storm": delivery.storm,
    "restarts": restarts.under_load,
    "web": web.served,
    "page": web.live,
}


def main() -> int:
    """Run what was asked for, and put each result into the page as soon as it is there."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=BENCHMARKS,
        help="run this one; the other sections of the page stay",
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("cannot bench: a booted host needs root; run it with sudo", file=sys.stderr)
        return 2
    for name in options.only or BENCHMARKS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        section = BENCHMARKS[name]()
        print(section.text(), flush=True)
        update_page(section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
