"""What a running daemon takes of its host: memory, files, threads, disk, CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tests.soak.flatness import Trend

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at the daemon: sizes in MB, CPU in seconds since its start."""

    pss: float
    private: float
    """Memory that no other process shares: other processes come and go, and their share moves."""
    files: float
    threads: float
    database: float
    wal: float
    cpu: float

    @classmethod
    def of(cls, pid: int, database: Path) -> Vitals:
        """Look at process *pid*, as seen from here, and its *database*."""
        process = Path(f"/proc/{pid}")
        rollup = (process / "smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in rollup}
        tasks = list((process / "task").iterdir())
        ran = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
        return cls(
            kilobytes["Pss"] / 1024,
            (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1024,
            len(list((process / "fd").iterdir())),
            len(tasks),
            _size(database),
            _size(database.with_name(f"{database.name}-wal")),
            ran / 1e9,
        )


def trends(row: Sequence[Vitals]) -> dict[str, Trend]:
    """Return the trend of each vital sign by its name."""
    names = [field.name for field in fields(Vitals)]
    return {name: Trend.of([getattr(vitals, name) for vitals in row]) for name in names}


def _size(path: Path) -> float:
    try:
        return path.stat().st_size / MEGABYTE
    except FileNotFoundError:
        return 0.0
