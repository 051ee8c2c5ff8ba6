"""``logs`` as typed: incidents of a daemon that is down, followed files, pipes and Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import DAY, Place
from watchdog.cli import main

pytestmark = pytest.mark.adapter

Text = pytest.CaptureFixture[str]
COMMAND = [
    sys.executable,
    "-c",
    "import sys; from watchdog.cli.entry import main; sys.exit(main())",
]


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """A configuration whose one service has a log that exists and one that does not."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'[daemon]\nruntime_dir = "{tmp_path}"\nstate_dir = "{tmp_path}"\n'
        '[[service]]\nname = "job"\ncommand = ["sleep", "infinity"]\n'
        f'[service.evidence]\nlogs = ["{tmp_path}/job.err"]\n'
    )
    return config


def stamped(at: float, text: str) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))} {text}\n"


def run(out: Text, *arguments: object, code: int = 0) -> str:
    out.readouterr()
    assert main.main(["logs", *(str(argument) for argument in arguments)]) == code
    said = out.readouterr()
    return said.err if code else said.out


def test_the_daemons_file_of_a_child_and_its_own_logs_are_merged(
    logged: Path, capsys: Text
) -> None:
    now = time.time()
    (logged.parent / "job.log").write_text(stamped(now - 30, "one") + stamped(now - 10, "three"))
    (logged.parent / "job.err").write_text(stamped(now - 20, "two\nTraceback"))
    told = run(capsys, "--config", logged).splitlines()
    assert [line.partition(" | ")[0].split()[-1] for line in told] == [
        "job.log", "job.err", "job.err", "job.log",
    ]  # fmt: skip
    assert [line.split()[-1] for line in told] == ["one", "two", "Traceback", "three"]
    last = run(capsys, "--config", logged, "-n", "1", "--json")
    assert json.loads(last)["path"] == f"{logged.parent}/job.log"
    assert main.main(["logs", "--config", str(logged), "--since", "5s"]) == 0
    here = logged.parent
    assert capsys.readouterr() == ("", f"nothing found in {here}/job.log, {here}/job.err\n")


def test_an_incident_is_told_with_what_was_logged_round_it(lived: Place, capsys: Text) -> None:
    answer = as_json(capsys, "incidents", "--config", lived.config)
    incident = answer["incidents"][1]
    log = lived.directory / "api-own.log"
    opened = incident["opened"]
    log.write_text(
        stamped(opened - DAY, "long before")
        + stamped(opened - 5, "the cause")
        + stamped(incident["closed"] + DAY, "long after")
    )
    config = lived.directory / "with-log.toml"
    config.write_text(
        lived.configure()
        .read_text()
        .replace(
            'unit = "api.service"\n',
            f'command = ["sleep", "1"]\n[service.evidence]\nlogs = ["{log}"]\n',
        )
    )
    config.chmod(0o600)
    told = run(capsys, "--config", config, "--incident", incident["id"])
    order = ["the cause", "opened: ", "restart: restart 1", "closed: "]
    assert [place for each in order if (place := told.find(each)) < 0] == []
    assert sorted(order, key=told.find) == order
    assert "long before" not in told
    assert "long after" not in told
    wrong = run(capsys, "web", "--config", config, "--incident", incident["id"], code=2)
    assert f"incident {incident['id']} is of api" in wrong


def as_json(out: Text, *arguments: object) -> Any:
    out.readouterr()
    assert main.main([*(str(argument) for argument in arguments), "--json"]) == 0
    return json.loads(out.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nosuch"], "no such service; there are: job"),
        (["--since", "soon"], "--since soon: expected such as"),
        (["--since", "1m", "--until", "2m"], "--until is before --since"),
        (["-f", "--until", "now"], "--follow has no end"),
        (["-n", "-1"], "expected 0 to"),
        (["--incident", "x", "--since", "1m"], "--incident has its own"),
    ],
)
def test_what_cannot_be_shown_says_why(
    logged: Path, capsys: Text, arguments: Sequence[str], why: str
) -> None:
    assert why in run(capsys, *arguments, "--config", logged, code=2)


def test_what_comes_is_shown_as_it_comes_until_ctrl_c(logged: Path) -> None:
    log = logged.parent / "job.log"
    log.write_text("old\n")
    with subprocess.Popen(
        [*COMMAND, "logs", "-f", "--config", str(logged)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as following:  # fmt: skip
        assert following.stdout is not None
        assert following.stdout.readline().endswith("| old\n")
        log.rename(log.with_suffix(".log.1"))
        log.write_text("new \x1b[2J\n")
        assert following.stdout.readline().endswith("| new\n")
        (logged.parent / "job.err").write_text("a file that appears\n")
        assert following.stdout.readline().endswith("| a file that appears\n")
        following.send_signal(signal.SIGINT)
        out, err = following.communicate()
    assert (following.returncode, out) == (130, "")
    assert err == f"cannot read {logged.parent}/job.err: No such file or directory\n"


def test_a_reader_that_has_enough_is_no_error(logged: Path) -> None:
    (logged.parent / "job.log").write_text("line\n" * 100_000)
    command = f"{' '.join(map(repr, COMMAND))} logs -n 90000 --config {logged} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("| line\n")


@pytest.mark.parametrize("command", ["logs -f", "ports -w"])
def test_who_waits_for_more_notices_that_nobody_reads_it(logged: Path, command: str) -> None:
    (logged.parent / "job.log").write_text("line\n")
    (logged.parent / "job.err").touch()
    program = f"{' '.join(map(repr, COMMAND))} {command} --config {logged} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", program],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_each_source_has_a_colour_on_a_terminal_unless_that_is_not_wanted(logged: Path) -> None:
    (logged.parent / "job.log").write_text("one\n")
    (logged.parent / "job.err").write_text("two\n")
    assert b"\x1b[3" in on_a_terminal("logs", "--config", str(logged))
    assert b"\x1b[" not in on_a_terminal("logs", "--config", str(logged), NO_COLOR="1")


def on_a_terminal(*arguments: str, **environ: str) -> bytes:
    """Return what the command writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=theirs, env=os.environ | environ
    ):
        os.close(theirs)
        written = b""
        while piece := _read(ours):
            written += piece
    os.close(ours)
    return written


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # nobody has the other end any more


def test_ctrl_c_while_the_program_is_being_loaded_says_nothing(logged: Path) -> None:
    loading = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'watchdog.cli.main':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", loading + COMMAND[2], "logs", "--config", str(logged)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
