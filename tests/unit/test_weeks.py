"""Weeks of simulated life, and some hours of it in every run: the promises hold, nothing grows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog

from tests.soak import page
from tests.soak.flatness import Trend
from tests.soak.own_process import taken, trends
from tests.soak.weeks import DAY, HOUR, PROGRAM, Weeks
from watchdog.core.model import NoteKind

SHARED_MEMORY = Path("/dev/shm")

SEEDS = (1, 2, 3, 4)

HEAD = (
    *("life", "what happened", "restarts", "incidents", "alerts told"),
    *("memory, MB", "containers", "objects", "open files", "database, KiB"),
)


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
    assert told == weeks.store.owed
    assert told["firing"] == told["resolved"] > 0


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_in_weeks_of_simulated_life_the_promises_hold_and_nothing_grows(
    path: Path, quiet: None, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    weeks = int(pytestconfig.getoption("weeks"))

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    rows, happened, began = [], Counter[str](), time.process_time()
    for number, seed in enumerate(SEEDS, 1):
        life = Weeks(path.with_name(f"{seed}.db"), seed, services=3)
        found = await _live(life, weeks, say)
        rows.append([str(number), *_counted(life), *map(_thirds, found.values())])
        say(f"{rows[-1]}")
        happened += life.happened
        assert found["memory"].is_flat(share=0.03, more=1.0), found["memory"]
        assert found["containers"].is_flat(more=200), found["containers"]
        assert found["objects"].is_flat(share=0.005), found["objects"]
        assert found["files"].is_flat(), found["files"]
        assert found["database"].is_flat(share=0.1, more=64), found["database"]
    text = _report(weeks, rows, happened, time.process_time() - began)
    say(text)
    if pytestconfig.getoption("write"):
        page.put("weeks", text)


async def _live(life: Weeks, weeks: int, say: Callable[[str], None]) -> dict[str, Trend]:
    """Return how what is taken has moved, looked at once a day; in the end all must be well."""
    await life.start()
    looks = []
    for day in range(1, 7 * weeks + 1):
        await life.live(DAY)
        looks.append(taken(life.path))
        if day % 7 == 0:
            say(f"week {day // 7}: {life.happened.total()} happened, {looks[-1]}")
    await life.heal()
    assert await life.is_calm()
    await life.stop()
    noted, told = life.store.noted, life.readers[PROGRAM].told
    assert noted[NoteKind.OPENED] == noted[NoteKind.CLOSED] > 0
    assert told == life.store.owed
    return trends(looks)


def _counted(life: Weeks) -> list[str]:
    counts = life.happened.total(), life.store.decided, life.store.noted[NoteKind.OPENED]
    return [f"{count:,}" for count in (*counts, life.readers[PROGRAM].told.total())]


def _thirds(trend: Trend) -> str:
    values = (trend.first, trend.second, trend.last)
    return ", ".join(f"{value:,.1f}".removesuffix(".0") for value in values)


def _report(weeks: int, rows: list[list[str]], happened: Counter[str], cpu: float) -> str:
    return (
        f"{len(rows)} lives of {weeks} weeks, {7 * weeks * len(rows)} days, in {cpu / 60:.0f}"
        f" minutes of CPU; every incident closed, every alert told. Three values are the medians of"
        f" the thirds.\n\n{page.table(HEAD, rows)}\n\nWhat happened: "
        + ", ".join(f"{name} {count:,}" for name, count in sorted(happened.items()))
        + "."
    )
