from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.control.logfile import LONGEST, shorten
from watchdog.logs.line import Origin
from watchdog.logs.tail import Tail

pytestmark = pytest.mark.adapter


class Followed:
    """A file and who follows it; its clock stands unless it is moved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tail = Tail(Origin("api", path.name, str(path)))
        self.now = time.time()

    def write(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text)

    def fresh(self) -> list[str]:
        return [line.text for line in self.tail.fresh(self.now)]


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    following = Followed(tmp_path / "app.log")
    yield following
    following.tail.close()


def test_only_what_comes_is_new(followed: Followed) -> None:
    followed.write("old\n")
    followed.tail.begin()
    assert followed.fresh() == []
    followed.write("one\ntwo\n")
    assert followed.fresh() == ["one", "two"]
    assert followed.fresh() == []


def test_a_file_may_appear_later_and_is_read_from_its_beginning(followed: Followed) -> None:
    followed.tail.begin()
    assert followed.fresh() == []
    followed.write("first\n")
    assert followed.fresh() == ["first"]


def test_a_line_is_shown_when_it_has_ended(followed: Followed) -> None:
    followed.write("")
    followed.tail.begin()
    followed.write("half")
    assert followed.fresh() == []
    followed.write(" and half\nnext")
    assert followed.fresh() == ["half and half"]


def test_a_line_that_does_not_end_is_shown_after_a_second(followed: Followed) -> None:
    followed.write("")
    followed.tail.begin()
    followed.write("password: ")
    assert followed.fresh() == []
    followed.now += 1.1
    assert followed.fresh() == ["password: "]


def test_a_renamed_file_is_read_to_its_end_before_the_new_one(followed: Followed) -> None:
    followed.write("old\n")
    followed.tail.begin()
    followed.write("one\n")
    old = followed.path.rename(followed.path.with_suffix(".log.1"))
    assert followed.fresh() == ["one"]
    with old.open("a") as file:
        file.write("late, to the old one\n")
    assert followed.fresh() == ["late, to the old one"]
    with old.open("a") as file:
        file.write("last\n")
    followed.write("new\n")
    assert followed.fresh() == ["last", "new"]


def test_a_truncated_file_is_read_from_its_beginning(followed: Followed) -> None:
    followed.write("a long old line\n")
    followed.tail.begin()
    os.truncate(followed.path, 0)
    followed.write("new\n")
    assert followed.fresh() == ["new"]


def test_a_truncated_file_that_has_grown_again_is_known_by_its_content(followed: Followed) -> None:
    followed.write("old\n")
    followed.tail.begin()
    os.truncate(followed.path, 0)
    followed.write("a line that is longer than all that was there\n")
    assert followed.fresh() == ["a line that is longer than all that was there"]


def test_a_childs_log_that_the_daemon_shortens_is_not_told_twice(followed: Followed) -> None:
    followed.write("".join(f"line {number:0100}\n" for number in range(LONGEST // 106 + 10)))
    followed.tail.begin()
    followed.write("new\n")
    shorten(followed.path)
    followed.write("newer\n")
    assert followed.fresh() == ["new", "newer"]


def test_a_line_without_a_time_has_that_of_its_arrival(followed: Followed) -> None:
    followed.write("")
    followed.tail.begin()
    followed.write("INFO:     no time\n")
    [line] = followed.tail.fresh(followed.now)
    assert line.at == followed.now
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(followed.now))
    followed.write(f"{stamp} boom\nTraceback\n")
    first, second = followed.tail.fresh(followed.now)
    assert first.at == second.at == int(followed.now)


def test_a_file_that_is_removed_goes_on_being_read_until_there_is_another(
    followed: Followed,
) -> None:
    followed.write("old\n")
    followed.tail.begin()
    with followed.path.open("a") as file:
        followed.path.unlink()
        file.write("unseen by name\n")
        file.flush()
        assert followed.fresh() == ["unseen by name"]
    followed.write("new\n")
    assert followed.fresh() == ["new"]
