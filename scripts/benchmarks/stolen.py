"""What a machine that is a guest itself did not get of its CPUs while something was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

STAT = Path("/proc/stat")

TELLING = 0.02
"""The share from which on it is told."""

_USED = slice(1, 9)  # user, nice, system, idle, iowait, irq, softirq, steal: proc_stat(5)


def times(stat: Path = STAT) -> Sequence[int]:
    """Return what the CPUs have done since the machine started, in ticks, the stolen ones last."""
    return [int(each) for each in stat.read_text().splitlines()[0].split()[_USED]]


def told(before: Sequence[int], after: Sequence[int]) -> str:
    """Say what was stolen between two looks, to follow a method; nothing if it was little."""
    spent = [later - earlier for earlier, later in zip(before, after, strict=True)]
    share = spent[-1] / sum(spent) if sum(spent) else 0.0
    if share < TELLING:
        return ""
    return (
        f" **Other guests of the same hardware took {share:.0%} of this machine's CPU time** while "
        "this was measured (steal): times are longer for all who are compared, and CPU time counts "
        "what was stolen within it."
    )
