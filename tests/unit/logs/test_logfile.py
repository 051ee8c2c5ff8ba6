from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from watchdog.logs.line import Line, Origin, Window
from watchdog.logs.logfile import LogFile

pytestmark = pytest.mark.adapter

NOW = float(int(time.time()))


def stamped(ago: float, text: str) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(NOW - ago))} {text}\n"


def log(path: Path) -> LogFile:
    return LogFile(Origin("api", path.name, str(path)))


def texts(lines: list[Line]) -> list[str]:
    return [line.text.partition(" ")[2] if line.text[:2] == "20" else line.text for line in lines]


def past(path: Path, since: float | None = None, until: float | None = None,
         last: int | None = None) -> list[str]:  # fmt: skip
    """Return the texts in a window; its bounds are seconds ago."""
    window = Window(
        None if since is None else NOW - since, None if until is None else NOW - until, last
    )
    return texts(list(log(path).past(window, NOW)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def test_a_line_without_a_time_has_that_of_the_line_before(path: Path) -> None:
    path.write_text(stamped(20, "boom") + "Traceback\n  File x\nValueError\n" + stamped(10, "on"))
    lines = list(log(path).past(Window(), NOW))
    assert [round(NOW - (line.at or 0)) for line in lines] == [20, 20, 20, 20, 10]
    assert past(path, since=15) == ["on"]
    assert past(path, until=15) == ["boom", "Traceback", "  File x", "ValueError"]


def test_only_the_last_lines_are_shown_with_their_times(path: Path) -> None:
    path.write_text(stamped(20, "boom") + "".join(f"line {n}\n" for n in range(5000)))
    lines = list(log(path).past(Window(last=3), NOW))
    assert texts(lines) == ["line 4997", "line 4998", "line 4999"]
    assert {round(NOW - (line.at or 0)) for line in lines} == {20}
    assert past(path, last=1) == ["line 4999"]
    assert past(path, last=0) == []


@pytest.mark.parametrize("ends", ["", "\n"])
def test_the_last_lines_are_counted_with_or_without_an_end(path: Path, ends: str) -> None:
    path.write_text(stamped(3, "a") + stamped(2, "b") + stamped(1, "c").rstrip("\n") + ends)
    assert past(path, last=2) == ["b", "c"]


@pytest.mark.parametrize("kept", [0, 1, 2, 5, 499, 500, 501, 5000, 20000])
def test_every_beginning_is_found_by_halves(path: Path, kept: int) -> None:
    path.write_text(
        "".join(stamped(n, f"{n} {'x' * (n % 97)}\nmore") for n in range(20000, -1, -1))
    )
    found = past(path, since=kept + 0.999)
    assert sum(1 for each in found if each != "more") == kept + 1
    assert past(path, since=kept + 0.999, until=kept)[0].split()[0] == str(kept)


def test_of_a_huge_file_little_is_read(path: Path) -> None:
    with path.open("w") as file:
        for n in range(200_000, 0, -1):
            file.write(stamped(n / 10, "x" * 200))
    size = path.stat().st_size
    assert size > 40e6
    reading = log(path)
    assert len(list(reading.past(Window(NOW - 10000, NOW - 9999), NOW))) >= 10
    assert reading.taken < size / 20
    reading = log(path)
    assert len(list(reading.past(Window(last=50), NOW))) == 50
    assert reading.taken < 2e6


def test_a_hole_left_by_copytruncate_is_skipped(path: Path) -> None:
    with path.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\0\0" + stamped(2, "after").encode())
    reading = log(path)
    assert texts(list(reading.past(Window(NOW - 60), NOW))) == ["after"]
    assert reading.taken < 20e6


def test_a_file_that_never_says_when_is_shown_if_it_was_written_to_in_time(path: Path) -> None:
    path.write_text("one\ntwo\n")
    lines = list(log(path).past(Window(NOW - 60), NOW))
    assert [(line.text, line.at) for line in lines] == [("one", None), ("two", None)]
    os.utime(path, (NOW - 100, NOW - 100))
    assert list(log(path).past(Window(NOW - 60), NOW)) == []


def test_rotated_files_are_read_as_far_back_as_is_asked(path: Path) -> None:
    older = path.with_name("app.log.2.gz")
    older.write_bytes(gzip.compress(stamped(300, "a").encode()))
    os.utime(older, (NOW - 300, NOW - 300))
    old = path.with_name("app.log.1")
    old.write_text(stamped(200, "b"))
    os.utime(old, (NOW - 200, NOW - 200))
    path.with_name("app.log.save").write_text(stamped(150, "not by logrotate"))
    path.write_text(stamped(100, "c"))
    assert past(path, since=1000) == ["a", "b", "c"]
    assert past(path, since=250) == ["b", "c"]
    assert past(path, last=2) == ["b", "c"]
    assert past(path, last=9) == ["b", "c"], "a packed one has no end to begin at"
    assert past(path, since=1000, until=250) == ["a"]


def test_a_damaged_packed_file_is_said_and_not_fatal(path: Path) -> None:
    path.with_name("app.log.1.gz").write_bytes(gzip.compress(stamped(9, "a").encode() * 99)[:60])
    path.write_text(stamped(1, "b"))
    reading = log(path)
    assert texts(list(reading.past(Window(), NOW)))[-1] == "b"
    assert "app.log.1.gz" in reading.trouble


def test_a_packed_file_with_a_wrong_byte_is_said_and_not_fatal(path: Path) -> None:
    packed = bytearray(gzip.compress("".join(stamped(9 + n, str(n)) for n in range(9999)).encode()))
    packed[len(packed) // 2 :] = b"x" * (len(packed) // 2)
    path.with_name("app.log.1.gz").write_bytes(packed)
    path.write_text(stamped(1, "b"))
    reading = log(path)
    assert texts(list(reading.past(Window(), NOW)))[-1] == "b"
    assert "app.log.1.gz" in reading.trouble


def test_the_last_lines_before_a_time_are_before_it(path: Path) -> None:
    path.write_text("".join(stamped(20 - n / 100, str(n)) for n in range(2000)))
    found = list(log(path).past(Window(until=NOW - 10, last=20), NOW))
    assert len(found) == 20
    assert {round(NOW - (line.at or 0)) for line in found} == {10}


def test_a_line_without_end_is_cut(path: Path) -> None:
    path.write_bytes(stamped(2, "x" * 5_000_000).encode() + stamped(1, "after").encode())
    first, second = log(path).past(Window(), NOW)
    assert len(first.text) == 20 * 1024
    assert second.text.endswith("after")


def test_what_is_not_there_is_said_for_its_name_may_be_wrong(path: Path) -> None:
    reading = log(path)
    assert list(reading.past(Window(last=5), NOW)) == []
    assert reading.trouble == f"cannot read {path}: No such file or directory"


def test_what_may_not_be_read_is_said_with_the_remedy(path: Path) -> None:
    path.symlink_to("/dev/stdout")
    reading = log(path)
    assert list(reading.past(Window(), NOW)) == []
    assert reading.trouble.startswith(f"cannot read {path}: ")


def test_a_few_lines_in_the_wrong_order_lose_nothing(path: Path) -> None:
    path.write_text(stamped(13, "a") + stamped(10, "b") + stamped(12, "c") + stamped(9, "d"))
    assert past(path, since=11) == ["b", "d"]
    lines = list(log(path).past(Window(), NOW))
    assert [line.place for line in lines] == sorted(line.place for line in lines)
