"""Weeks of simulated life, and some hours of it in every run: the promises hold, nothing grows."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog

from tests.soak import page
from tests.soak.flatness import Trend
from tests.soak.weeks import DAY, HOUR, PROGRAM, Weeks

SHARED_MEMORY = Path("/dev/shm")

SEEDS = (1, 2)


@pytest.fixture
def path() -> Iterator[Path]:
    """Return where a database may be written a thousand times a second."""
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as directory:
        yield Path(directory) / "state.db"


@pytest.fixture
def quiet() -> Iterator[None]:
    """Log nothing: a pytest that keeps a million lines grows."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_nothing])
    yield
    structlog.configure(**before)


def _nothing(_logger: object, _name: str, _event: object) -> str:
    return ""


async def test_in_hours_of_simulated_life_the_promises_hold(path: Path) -> None:
    weeks = Weeks(path, seed=7, services=2)
    await weeks.start()
    await weeks.live(2 * HOUR, pause=100)
    await weeks.heal()
    assert await weeks.is_calm()
    await weeks.stop()
    assert weeks.store.decided
    told = weeks.readers[PROGRAM].told
    assert told["firing"] == told["resolved"] > 0


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_in_weeks_of_simulated_life_the_promises_hold_and_nothing_grows(
    path: Path, quiet: None, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    weeks = int(pytestconfig.getoption("weeks"))
    rows = []
    for seed in SEEDS:
        place = path.with_name(f"{seed}.db")
        measured = await _weeks(place, seed, weeks)
        rows.append(measured)
        with capsys.disabled():
            print(f"\n{measured}", flush=True)
    head = ["seed", "what happened", "restarts", "incidents told", "Python's memory", "objects"]
    text = page.table([*head, "database"], rows)
    if pytestconfig.getoption("write"):
        page.put("weeks", f"{weeks} weeks each, by thirds where there are three values.\n\n{text}")


async def _weeks(path: Path, seed: int, count: int) -> list[str]:
    weeks = Weeks(path, seed, services=3)
    await weeks.start()
    memory: list[float] = []
    objects: list[float] = []
    sizes: list[float] = []
    tracemalloc.start()
    try:
        for _ in range(7 * count):
            await weeks.live(DAY)
            gc.collect()
            memory.append(tracemalloc.get_traced_memory()[0] / 1024)
            objects.append(len(gc.get_objects()))
            sizes.append(_size(path))
    finally:
        tracemalloc.stop()
    await weeks.heal()
    assert await weeks.is_calm()
    await weeks.stop()
    told = weeks.readers[PROGRAM].told
    assert told["firing"] == told["resolved"] > 0
    of_memory, of_objects, of_sizes = Trend.of(memory), Trend.of(objects), Trend.of(sizes)
    assert of_memory.is_flat(share=0.05, more=64), of_memory
    assert of_objects.is_flat(share=0.01, more=200), of_objects
    assert of_sizes.is_flat(share=0.1, more=64), of_sizes
    return [
        str(seed),
        f"{sum(weeks.happened.values()):,}",
        str(weeks.store.decided),
        str(told["firing"]),
        f"{of_memory.first:.0f}, {of_memory.second:.0f}, {of_memory.last:.0f} KiB",
        f"{of_objects.first:.0f}, {of_objects.second:.0f}, {of_objects.last:.0f}",
        f"{of_sizes.first:.0f}, {of_sizes.second:.0f}, {of_sizes.last:.0f} KiB",
    ]


def _size(path: Path) -> float:
    return path.stat().st_size / 1024
