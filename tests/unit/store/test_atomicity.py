"""A change is there with everything that belongs to it, or not at all, whenever the end comes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.unit.store.conftest import MakeStore
from tests.unit.store.faults import Disk, failing
from tests.unit.store.values import NOW, change, opening
from watchdog.errors import StoreError
from watchdog.store import SqliteStore

pytestmark = pytest.mark.adapter

NOTHING = ("suspect", 0, 0, 0, None)
FRAME = 4096 + 24  # bytes: a page and its header
ALL = ("restarting", 2, 1, 2, "run-1")

# Forks for each point, so that the imports are paid for once. Prints how far it came.
CHILD = """
import asyncio, os, sys
from pathlib import Path
from tests.unit.store.faults import Disk
from tests.unit.store.values import BOOT, WALL, change, opening
from watchdog.store import SqliteStore

async def die_at(path, count, opening_it):
    disk = Disk()
    if opening_it:
        disk.die_at(count)
    store = SqliteStore(path, boot_id=BOOT, factory=disk.connection(), ballast_size=4096)
    async with store:
        if not opening_it:
            await store.commit(change())
            disk.die_at(count)
            await store.commit(opening())
        disk.recover()
        os._exit(0)

count, status = 0, 137 << 8
while status == 137 << 8:
    count += 1
    pid = os.fork()
    if pid == 0:
        directory = Path(sys.argv[1], str(count))
        directory.mkdir()
        asyncio.run(die_at(directory / "state.db", count, sys.argv[2] == "opening"))
    _, status = os.waitpid(pid, 0)
sys.exit(status >> 8)
"""


async def seen_after(store: SqliteStore) -> tuple[object, ...]:
    """Return what is left of ``opening``."""
    async with store:
        left = (await store.load(NOW))["api"]
        incident = await store.incident("inc1")
        outbox = await store.outbox_summary()
        assert store.notices == ()
        return (
            left.state.phase.value,
            len(incident.notes) if incident is not None else 0,
            len(await store.restarts("api", 0)),
            sum(backlog.pending for backlog in outbox.values()),
            left.restart_identity,
        )


@pytest.fixture
def path(quick_path: Path) -> Path:
    return quick_path / "state.db"


@pytest.fixture
def killed(quick_path: Path, request: pytest.FixtureRequest) -> list[Path]:
    """Return the databases of daemons that were killed, each a half-step later than the last."""
    command = [sys.executable, "-c", CHILD, quick_path, request.param]
    subprocess.run(command, check=True, cwd=Path.cwd())
    return sorted((place / "state.db" for place in quick_path.iterdir()), key=_number)


def _number(path: Path) -> int:
    return int(path.parent.name)


@pytest.mark.parametrize("killed", ["committing"], indirect=True)
async def test_a_daemon_killed_at_any_statement_leaves_all_or_nothing(killed: list[Path]) -> None:
    seen = [await seen_after(SqliteStore(path)) for path in killed]
    assert set(seen) == {NOTHING, ALL}
    # Before and after each of BEGIN, two notes, an incident, a restart, two letters, …, COMMIT.
    assert len(seen) > 20
    assert seen == sorted(seen, reverse=True), "everything appears with COMMIT"


@pytest.mark.parametrize("killed", ["opening"], indirect=True)
async def test_a_daemon_killed_while_it_makes_its_database_makes_it_again(
    killed: list[Path],
) -> None:
    assert len(killed) > 40
    for path in killed:
        store = SqliteStore(path)
        async with store:
            await store.commit(change())
            await store.commit(opening())
        assert await seen_after(store) == ALL, "and nothing is said to be damaged"


@pytest.fixture
async def whole(make_store: MakeStore, path: Path, quick_path: Path) -> Path:
    """Return the database of a daemon that was killed, as it was."""
    async with make_store() as store:
        await store.commit(change())
        await store.commit(opening())
        whole = quick_path / "whole"
        whole.mkdir()
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            shutil.copy(path.with_name(name), whole)
    return whole


async def seen_with(log: bytes, whole: Path, place: Path) -> tuple[object, ...] | None:
    """Return what is left of ``opening`` in *whole* with *log*; None if not even its unit."""
    shutil.copytree(whole, place)
    (place / "state.db-wal").write_bytes(log)
    with sqlite3.connect(place / "state.db") as raw:
        states = raw.execute("SELECT count(*) FROM service_state").fetchone()[0]
    raw.close()
    return await seen_after(SqliteStore(place / "state.db")) if states else None


async def test_a_log_cut_off_anywhere_leaves_all_or_nothing(whole: Path, quick_path: Path) -> None:
    log = (whole / "state.db-wal").read_bytes()
    found = [
        await seen_with(log[:size], whole, quick_path / f"cut-{size}")
        for size in cuts(len(log), FRAME)
    ]
    seen = [each for each in found if each is not None]  # else the first change is gone, too
    assert set(seen) == {NOTHING, ALL}
    assert seen == sorted(seen, reverse=True)
    assert seen.count(ALL) == 1, "the last byte of the log counts"


async def test_a_log_damaged_anywhere_leaves_what_was_before_the_damage(
    whole: Path, quick_path: Path
) -> None:
    """SQLite takes a frame whose checksum is wrong for one that was not finished."""
    log = (whole / "state.db-wal").read_bytes()
    found = []
    for at in (8, *cuts(len(log), FRAME)):
        damaged = bytearray(log)
        damaged[at - 4 : at] = bytes(each ^ 255 for each in log[at - 4 : at])
        found.append(await seen_with(bytes(damaged), whole, quick_path / f"damaged-{at}"))
    assert found[0] is None
    assert set(found[1:]) <= {None, NOTHING}, "never half a change"
    assert found[-1] == NOTHING


async def test_a_log_of_garbage_is_as_good_as_none(whole: Path, quick_path: Path) -> None:
    size = (whole / "state.db-wal").stat().st_size
    assert await seen_with(Random(1).randbytes(size), whole, quick_path / "garbage") is None
    async with SqliteStore(quick_path / "garbage" / "state.db") as store:
        await store.commit(opening())
        assert store.notices == ()


def cuts(size: int, frame: int) -> Iterator[int]:
    """Yield the end of each frame of a log of *size* bytes, and places within it."""
    for end in range(32, size + 1, frame):
        yield from (cut for cut in (end - frame // 2, end - 1, end) if cut >= 0)


@pytest.mark.parametrize("place", ["before", "after"])
async def test_a_statement_that_fails_takes_the_whole_change_with_it(
    make_store: MakeStore, disk: Disk, place: str
) -> None:
    async with make_store() as store:
        await store.commit(change())
        disk.statements.clear()
        await store.commit(opening())
        count = len(disk.statements)
    assert count > 10
    for number in range(count - 1):
        await fail_at(number, place, disk, make_store)


async def fail_at(number: int, place: str, disk: Disk, make_store: MakeStore) -> None:
    """Let statement *number* of the second change fail with a full disk."""
    store = make_store(ballast_size=0)
    for member in store.path.parent.glob("state.db*"):
        member.unlink()
    async with store:
        await store.commit(change())
        left = number

        def step(_: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise failing(sqlite3.SQLITE_FULL, "database or disk is full")

        setattr(disk, place, step)
        with pytest.raises(StoreError, match="database or disk is full"):
            await store.commit(opening())
        disk.recover()
        known = await store.load(NOW)
        assert known["api"].state.phase == "suspect"
        await store.commit(opening())
    assert await seen_after(make_store()) == ALL
