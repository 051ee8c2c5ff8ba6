from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.store.conftest import MakeStore, mount_read_only, remount_read_only
from tests.unit.store.outbox import oldest
from tests.unit.store.place import alter, delete, get, names, overwrite, page_of, put, query
from tests.unit.store.values import NOW, alert, change, opening
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.errors import StoreError
from watchdog.ports import Receipt
from watchdog.store import SqliteStore
from watchdog.store.schema import VERSION

pytestmark = pytest.mark.adapter


async def fill(store: SqliteStore) -> None:
    """Leave two states, and three alerts of which one is delivered."""
    async with store:
        await store.commit(opening())
        await store.commit(change([alert("1"), alert("2"), alert("3")], service="web", to=("log",)))
        delivery = await oldest(store, "log")
        assert delivery is not None
        await store.delivered([delivery], Receipt(), 0)


async def contents(store: SqliteStore) -> tuple[set[str], list[str], list[str]]:
    """Return the services known, the alerts still due, and the notices."""
    async with store:
        services = set(await store.load(NOW))
        due = []
        for destination in ("slack", "email", "log"):
            while delivery := await oldest(store, destination):
                due.append(delivery.alert.reason)
                await store.delivered([delivery], Receipt(), 0)
        return services, due, [notice.text for notice in store.notices]


ASIDE = "state.db.corrupt-20251122T021300Z"
NOTHING_LEFT = "begun anew with 0 undelivered alerts and 0 states taken over from it"
KEPT = ["state.db", "state.db.ballast"]


async def test_an_empty_file_is_set_aside_with_its_log_and_told_of(
    make_store: MakeStore, path: Path
) -> None:
    await fill(make_store())
    put(path, b"")
    put(path.with_name("state.db-wal"), b"a log")
    services, due, notices = await contents(make_store())
    assert (services, due) == (set(), [])
    assert notices == [f"cannot use {path}: it is empty; set aside as {ASIDE}, {NOTHING_LEFT}"]
    assert names(path) == [*KEPT, ASIDE, f"{ASIDE}-wal"]
    assert get(path.with_name(f"{ASIDE}-wal")) == b"a log"


async def test_garbage_is_set_aside_and_told_of(make_store: MakeStore, path: Path) -> None:
    put(path, b"Dear diary, " * 1000)
    _, _, notices = await contents(make_store())
    assert notices == [
        f"cannot use {path}: file is not a database; set aside as {ASIDE}, {NOTHING_LEFT}"
    ]
    assert get(path.with_name(ASIDE)).startswith(b"Dear diary")
    assert (await contents(make_store()))[2] == [], "it is told once"


async def test_a_log_without_its_database_is_not_played_into_a_new_one(
    make_store: MakeStore, path: Path, tmp_path: Path
) -> None:
    async with make_store() as store:
        await store.commit(opening())
        shutil.copy(path.with_name("state.db-wal"), tmp_path / "log")
    delete(path)
    shutil.move(tmp_path / "log", path.with_name("state.db-wal"))
    services, due, (notice,) = await contents(make_store())
    assert (services, due) == (set(), [])
    assert "the database itself is gone" in notice
    assert f"{ASIDE}-wal" in names(path)


async def test_the_database_of_another_program_is_left_as_it_is_and_set_aside(
    make_store: MakeStore, path: Path
) -> None:
    query(path, "CREATE TABLE recipe (name TEXT)")
    theirs = get(path)
    _, _, (notice,) = await contents(make_store())
    aside = path.with_name("state.db.foreign-20251122T021300Z")
    assert "it belongs to another program (application_id 0x0)" in notice
    assert aside.name in notice
    assert get(aside) == theirs


async def test_a_newer_database_is_kept_and_what_is_due_in_it_is_sent(
    make_store: MakeStore, path: Path
) -> None:
    await fill(make_store())
    query(
        path,
        f"PRAGMA user_version = {VERSION + 1}",
        "ALTER TABLE service_state ADD COLUMN mood TEXT",
    )
    services, due, (notice,) = await contents(make_store())
    assert services == {"api", "web"}
    assert due == ["alert 1", "alert 1", "2", "3"]
    aside = f"state.db.version-{VERSION + 1}-20251122T021300Z"
    assert notice == (
        f"cannot use {path}: a newer version wrote it (schema {VERSION + 1}, this one knows"
        f" {VERSION}); to have its history back, install that version again and rename it;"
        f" set aside as {aside}, begun anew with 4 undelivered alerts and 2 states taken over"
        " from it"
    )
    assert query(path.with_name(aside), "SELECT count(*) FROM incident") == [(1,)]


async def test_what_a_damaged_database_still_holds_is_taken_over(
    make_store: MakeStore, path: Path
) -> None:
    await fill(make_store())
    overwrite(path, page_of(path, "note"))
    services, due, (notice,) = await contents(make_store())
    assert services == {"api", "web"}
    assert due == ["alert 1", "alert 1", "2", "3"]
    assert "4 undelivered alerts and 2 states taken over" in notice
    assert ASIDE in names(path)


async def test_damage_that_shows_while_in_use_is_mended_then(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(opening())
    page = page_of(path, "note")
    async with make_store() as store:
        assert set(await store.load(NOW)) == {"api"}
        overwrite(path, page)
        await store.commit(opening(2))
        (notice,) = store.notices
        assert "2 undelivered alerts and 1 states taken over" in notice.text
    services, due, _ = await contents(make_store())
    assert services == {"api"}
    assert due == ["alert 1", "alert 2"] * 2


async def test_an_alert_that_its_index_has_lost_is_not_delivered_for_ever(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change([alert("1"), alert("2")], to=("log",)))
        delivery = await oldest(store, "log")
        assert delivery is not None
    page = page_of(path, "sqlite_autoindex_outbox_1")
    async with make_store() as store:
        alter(path, page, delivery.key, "x" * 36)
        await store.delivered([delivery], Receipt(), 0)
        (notice,) = store.notices
        assert "set aside as" in notice.text
    assert (await contents(make_store()))[1] == ["2"]


async def test_an_alert_that_only_its_index_takes_for_due_is_not_delivered(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change([alert("1"), alert("2")], to=("log",)))
    page = page_of(path, "outbox")
    async with make_store() as store:
        alter(path, page, "pending", "sent...")
        delivery = await oldest(store, "log")
        assert delivery is not None
        await store.delivered([delivery], Receipt(), 0)
        assert await oldest(store, "log") is None
        (notice,) = store.notices
        assert "set aside as" in notice.text


async def test_a_table_that_somebody_has_dropped_is_made_again(
    make_store: MakeStore, path: Path
) -> None:
    await fill(make_store())
    query(path, "DROP TABLE note")
    services, due, (notice,) = await contents(make_store())
    assert services == {"api", "web"}
    assert len(due) == 4
    assert "its tables are not those of this version" in notice


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_broken_it_opens_and_works(
    make_store: MakeStore, path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    await fill(make_store())
    content = bytearray(get(path))
    damage: Callable[[], object] = chance.choice(
        [
            lambda: content.__delitem__(slice(chance.randrange(len(content)), None)),
            lambda: [
                content.__setitem__(chance.randrange(len(content)), chance.randrange(256))
                for _ in range(400)
            ],
            lambda: content.__setitem__(slice(512 * chance.randrange(8), None), b"\0" * 5000),
        ]
    )
    damage()
    put(path, content)
    async with make_store() as store:
        await store.commit(opening(7))
        assert (await store.load(NOW))["api"].restart_identity == "run-1"
        reasons = []
        while delivery := await oldest(store, "slack"):
            reasons.append(delivery.alert.reason)
            await store.delivered([delivery], Receipt(), 0)
        assert reasons[-1] == "alert 7"


async def test_damaged_databases_do_not_pile_up(make_store: MakeStore, path: Path) -> None:
    for day in range(6):
        put(path, b"garbage" * 100)
        async with make_store(wall=lambda day=day: 1_763_777_580.0 + day * 86400):
            pass
    assert [name for name in names(path) if "corrupt" in name] == [
        f"state.db.corrupt-202511{day}T021300Z" for day in (25, 26, 27)
    ]


async def test_what_became_of_the_database_is_told_as_data_too(
    make_store: MakeStore, path: Path
) -> None:
    put(path, b"")
    async with make_store() as store:
        (notice,) = store.take_notices()
        assert notice.circumstance == Circumstance(
            CircumstanceKind.DATABASE_REPLACED, "it is empty", str(path), aside=ASIDE
        )
        await store.commit(opening())
    query(path, f"PRAGMA user_version = {VERSION + 1}")
    async with make_store() as store:
        (notice,) = store.take_notices()
        assert (notice.circumstance.count, notice.circumstance.states) == (2, 1)
    delete(path)
    put(path.with_name("state.db-wal"), b"a log")
    async with make_store() as store:
        (notice,) = store.take_notices()
        assert notice.circumstance == Circumstance(
            CircumstanceKind.DATABASE_GONE, subject=str(path), aside=f"{ASIDE}*"
        )


async def test_two_set_aside_in_the_same_second_are_both_kept(
    make_store: MakeStore, path: Path
) -> None:
    for _ in range(2):
        put(path, b"garbage" * 100)
        async with make_store():
            pass
    assert names(path) == [*KEPT, ASIDE, f"{ASIDE}-1"]


async def test_a_database_deleted_while_in_use_is_written_anew(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(opening())
        delete(path)
        await store.commit(opening(2))
        (notice,) = store.notices
        assert notice.text.startswith(f"{path} was deleted or replaced while in use; written anew")
        assert notice.circumstance == Circumstance(
            CircumstanceKind.DATABASE_MOVED, subject=str(path)
        )
    _, due, _ = await contents(make_store())
    assert due == ["alert 1", "alert 2"] * 2


async def test_a_log_deleted_while_in_use_takes_nothing_with_it(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(opening())
        path.with_name("state.db-wal").unlink()
        await store.commit(opening(2))
    _, due, _ = await contents(make_store())
    assert due == ["alert 1", "alert 2"] * 2


@pytest.mark.parametrize(
    ("name", "left"),
    [("state.db-wal", 0), ("state.db-wal", 32), ("state.db-wal", 5000), ("state.db", 0)],
)
async def test_a_file_cut_off_while_in_use_takes_nothing_with_it(
    make_store: MakeStore, path: Path, tmp_path: Path, name: str, left: int
) -> None:
    """Neither what was in it nor what comes after."""
    async with make_store() as store:
        await store.commit(opening())
        os.truncate(path.with_name(name), left)
        await store.commit(opening(2))
        killed = tmp_path / "killed" / path.name  # what a kill would leave
        killed.parent.mkdir()
        for member in path.parent.glob("state.db*"):
            if member.is_file():
                shutil.copy(member, killed.parent)
        notice = store.notices[0]
        assert notice.text.startswith(f"{path} was deleted or replaced while in use; written anew")
    _, due, _ = await contents(SqliteStore(killed))
    assert due == ["alert 1", "alert 2"] * 2


async def test_a_log_overwritten_while_in_use_is_told_of_at_the_next_start(
    make_store: MakeStore, path: Path, tmp_path: Path
) -> None:
    """Until then the daemon goes by what it holds in memory, and tells all that is due."""
    log = path.with_name("state.db-wal")
    async with make_store() as store:
        await store.commit(opening())
        put(log, b"\xff" * log.stat().st_size)
        assert await oldest(store, "slack") is not None
        for number in range(300):  # a checkpoint and more
            await store.commit(change(service=f"service-{number}"))
        assert await oldest(store, "slack") is not None
        killed = tmp_path / "killed" / path.name
        killed.parent.mkdir()
        for member in path.parent.glob("state.db*"):
            if member.is_file():
                shutil.copy(member, killed.parent)
    services, _, (notice,) = await contents(SqliteStore(killed))
    assert notice.startswith(f"cannot use {killed}: ")
    assert len(services) > 250


async def test_a_log_that_sqlite_cuts_itself_is_not_missed(make_store: MakeStore) -> None:
    async with make_store() as store:
        for number in range(12):
            evidence = [f"{number}{place:06}" * 9 for place in range(1000)]
            await store.save_evidence(f"incident {number}", evidence)
            await store.commit(opening(number))
        assert list(store.notices) == []


async def test_a_directory_made_anew_that_may_not_be_written_in_is_told_apart(
    small_disk: Path,
) -> None:
    """As it is in a sandbox, where nobody but a restart can mend it."""
    home = small_disk / "home"
    home.mkdir()
    async with SqliteStore(home / "state.db") as store:
        shutil.rmtree(home)
        home.mkdir()
        mount_read_only(home)
        with pytest.raises(StoreError, match=r"deleted and made anew.*; restart service-watchdog"):
            await store.commit(opening())


async def test_a_file_put_in_its_place_while_in_use_is_set_aside(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(opening())
        other = path.with_name("other")
        put(other, b"a backup, perhaps")
        other.rename(path)
        await store.check()
        aside = path.with_name("state.db.replaced-20251122T021300Z")
        (notice,) = store.notices
        assert aside.name in notice.text
        assert notice.circumstance == Circumstance(
            CircumstanceKind.DATABASE_MOVED, subject=str(path), aside=aside.name
        )
        assert get(aside) == b"a backup, perhaps"
    _, due, _ = await contents(make_store())
    assert due == ["alert 1"] * 2


async def test_a_missing_directory_is_named_with_the_way_to_make_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "no" / "state.db")
    with pytest.raises(StoreError) as caught:
        await store.__aenter__()
    assert str(caught.value) == (
        f"cannot keep {tmp_path}/no/state.db: {tmp_path}/no does not exist; create it with:"
        f" install -d -m 0700 -o USER {tmp_path}/no (under systemd: StateDirectory=)"
    )
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file is not a directory; create it"):
        await SqliteStore(tmp_path / "file" / "state.db").__aenter__()


async def test_a_read_only_file_system_is_named(small_disk: Path) -> None:
    remount_read_only(small_disk)
    with pytest.raises(StoreError, match=rf"{small_disk} is on a read-only file system; remount"):
        await SqliteStore(small_disk / "state.db").__aenter__()


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A directory that the test, root or not, may not write in."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield directory
    finally:
        os.seteuid(user)
        directory.rmdir()


async def test_a_directory_that_one_may_not_write_in_is_named(forbidden: Path) -> None:
    store = SqliteStore(forbidden / "state.db")
    with pytest.raises(StoreError, match=rf"user \d+ may not write in {forbidden}; run: chown"):
        await store.__aenter__()


async def test_a_half_made_database_is_made_again(make_store: MakeStore, path: Path) -> None:
    put(path.with_name("state.db.new"), b"half")
    assert (await contents(make_store()))[2] == []
    assert names(path) == KEPT
