"""The end of a log: what is shown of it, and what is not read though the path leads there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchdog.evidence.logfile import last_lines, log_lines


def test_a_line_that_begins_above_what_is_read_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("password=" + "x" * 20_000 + "canary\nlast\n")
    assert last_lines(path) == ["last"]


def test_a_log_that_cannot_be_read_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_lines(tmp_path / "no") == [f"{tmp_path}/no is empty or does not exist"]
    assert log_lines(tmp_path) == [f"cannot read {tmp_path}: it is no regular file"]
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert log_lines(fifo) == [f"cannot read {fifo}: it is no regular file"]

    def refuse(*_: object, **_more: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    [line] = log_lines(Path("/var/log/nginx/error.log"))
    assert line.startswith("cannot read /var/log/nginx/error.log: not permitted; ")


def test_of_a_last_line_that_is_too_long_the_last_words_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("first\n" + "word " * 10_000 + "the very end\n")
    said, end = log_lines(path)
    assert said == "the last line is longer than 16 KiB; its end:"
    assert end.startswith("… word ")
    assert end.endswith(" the very end")
    path.write_text("first\npassword=" + "x" * 20_000 + "canary")
    assert log_lines(path) == ["the last line is longer than 16 KiB"]


# --- links ----------------------------------------------------------------------------------------


def test_a_link_of_the_files_owner_is_followed(tmp_path: Path) -> None:
    (tmp_path / "releases/1").mkdir(parents=True)
    (tmp_path / "releases/1/app.log").write_text("last\n")
    (tmp_path / "current").symlink_to("releases/../releases/./1")
    (tmp_path / "log").symlink_to(tmp_path / "current/app.log")
    assert last_lines(tmp_path / "log") == ["last"]
    (tmp_path / "dangling").symlink_to("nowhere")
    assert last_lines(tmp_path / "dangling") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("link", "file", "is_read"),
    [(0, 0, True), (0, 1001, True), (1001, 1001, True), (1001, 0, False), (1001, 1002, False)],
)
def test_a_link_of_somebody_else_is_not_followed(
    tmp_path: Path, link: int, file: int, *, is_read: bool
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/secret").write_text("canary\n")
    os.chown(tmp_path / "there/secret", file, file)
    (tmp_path / "logs").symlink_to("there")
    os.chown(tmp_path / "logs", link, link, follow_symlinks=False)
    path = tmp_path / "logs/secret"
    [line] = log_lines(path)
    refused = (
        f"cannot read {path}: a link on the way is of another user than the file it leads to; "
        "configure the file's own path"
    )
    assert line == ("canary" if is_read else refused)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/proc/self/environ", "it is in /proc, where no logs are"),
        ("/proc/self/root/etc/passwd", "it is in /proc, where no logs are"),
        ("/sys/kernel/notes", "it is in /sys, where no logs are"),
        ("/dev/null", "it is in /dev, where no logs are"),
    ],
)
def test_what_is_no_place_of_logs_is_not_read(tmp_path: Path, target: str, why: str) -> None:
    (tmp_path / "log").symlink_to(target)
    assert log_lines(tmp_path / "log") == [f"cannot read {tmp_path}/log: {why}"]
    assert log_lines(Path(target)) == [f"cannot read {target}: {why}"]


def test_a_credential_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = tmp_path / "credentials"
    held.mkdir()
    (held / "token").write_text("canary\n")
    (tmp_path / "log").symlink_to(held / "token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(held))
    assert log_lines(tmp_path / "log") == [f"cannot read {tmp_path}/log: it is a credential"]


def test_links_in_a_circle_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("log")
    [line] = log_lines(tmp_path / "log")
    assert line == f"cannot read {tmp_path}/log: Too many levels of symbolic links"


def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("last\n")
    (tmp_path / "link").symlink_to("log")
    before = sorted(Path("/proc/self/fd").iterdir())
    for name in ("log", "link", "missing", ""):
        log_lines(tmp_path / name)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
