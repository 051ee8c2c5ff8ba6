"""Files put in their place, and what was there before put back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchdog.errors import WatchdogError
from watchdog.templates.installing import Plan, carry_out, settle
from watchdog.templates.placing import (
    Placement,
    PlacingError,
    Planned,
    difference,
    require_free,
)
from watchdog.tool import Ran

FINE = Ran(0)


async def _passes() -> Ran:
    return FINE


def plan(*files: Planned, test: Ran = FINE) -> Plan:
    async def answer() -> Ran:
        return test

    return Plan(files, answer)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_new_file_is_readable_by_all_and_there_afterwards(tmp_path: Path) -> None:
    file = Planned(tmp_path / "a", "text\n")
    Placement().put(file)
    assert file.is_there
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["a"]


def test_another_mode_is_a_difference(tmp_path: Path) -> None:
    file = Planned(tmp_path / "a", "text\n")
    Placement().put(file)
    file.path.chmod(0o600)
    assert not file.is_there
    assert difference(file) == [f"mode 600 -> 644: {file.path}"]


async def test_what_was_there_is_kept_beside_or_brought_back(tmp_path: Path) -> None:
    path, new, link = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    path.write_text("old\n")
    files = (Planned(path, "new\n"), Planned(new, "x"), Planned(link, link=str(path)))

    tested, backups = await carry_out(plan(*files, test=Ran(1, err="no")), files)
    assert (tested.err, backups) == ("no", ())
    assert names(tmp_path) == ["a"]
    assert path.read_text() == "old\n"

    tested, backups = await carry_out(plan(*files), files)
    assert [backup.read_text() for backup in backups] == ["old\n"]
    assert path.read_text() == "new\n"
    assert link.readlink() == path


async def test_a_test_that_breaks_off_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")

    async def interrupted() -> Ran:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await carry_out(Plan((), interrupted), [Planned(path, "new\n")])
    assert names(tmp_path) == ["a"]
    assert path.read_text() == "old\n"


async def test_a_place_that_cannot_be_written_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    files = [Planned(path, "new\n"), Planned(tmp_path / "nowhere" / "b", "x")]
    with pytest.raises(WatchdogError, match="all is as it was"):
        await carry_out(plan(*files), files)
    assert names(tmp_path) == ["a"]
    assert path.read_text() == "old\n"


async def test_a_step_after_the_test_that_fails_is_told() -> None:
    with pytest.raises(WatchdogError, match=r"cannot run false: .*the files are installed"):
        await settle(Plan((), _passes, [["false"]]))


def test_a_directory_of_its_own_can_be_entered_by_all(tmp_path: Path) -> None:
    file = Planned(tmp_path / "own" / "a", "x", brings_directory=True)
    require_free(file)
    Placement().put(file)
    assert file.path.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("target", "words"),
    [("/dev/null", "it is masked"), ("/srv/elsewhere", "a symbolic link to /srv/elsewhere")],
)
def test_a_link_is_not_followed(tmp_path: Path, target: str, words: str) -> None:
    path = tmp_path / "a.service"
    path.symlink_to(target)
    with pytest.raises(PlacingError, match=words):
        require_free(Planned(path, "x"))


def test_what_is_no_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("x")
    for planned in (Planned(tmp_path / "a", "x"), Planned(tmp_path / "b", link="/x")):
        with pytest.raises(PlacingError, match="there is something else"):
            require_free(planned)
    with pytest.raises(PlacingError, match="there is no directory"):
        require_free(Planned(tmp_path / "c" / "d", "x"))


def test_the_difference_is_to_what_is_there_else_to_what_is_in_force(tmp_path: Path) -> None:
    shipped, path = tmp_path / "shipped", tmp_path / "a"
    shipped.write_text("old\n")
    file = Planned(path, "new\n")
    assert difference(file)[0] == "--- /dev/null"
    assert difference(file, shipped)[0] == f"--- {shipped}"
    path.write_text("mine\n")
    assert difference(file, shipped)[:2] == [f"--- {path}", f"+++ {path}"]
    assert difference(Planned(path, link="/x")) == (f"+ {path} -> /x",)


async def test_a_place_that_cannot_be_replaced_leaves_no_backup_behind(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    (tmp_path / f".a.{os.getpid()}").mkdir()  # where the new file would be written
    with pytest.raises(WatchdogError, match="all is as it was"):
        await carry_out(Plan((), _passes), [Planned(path, "new\n")])
    assert path.read_text() == "old\n"
    assert names(tmp_path) == [f".a.{os.getpid()}", "a"]


def test_a_backup_is_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("secret\n")
    path.chmod(0o600)
    before = path.stat().st_ino
    placement = Placement()
    placement.put(Planned(path, "new\n"))
    [backup] = placement.backups
    assert backup.stat().st_ino == before
    assert backup.stat().st_mode & 0o777 == 0o600
