"""What is gathered of which service."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from watchdog.app.evidence import Collector, LastAnswer
from watchdog.core.service import (
    CommandControl,
    Evidence,
    HttpCheck,
    PortCheck,
    ProcessControl,
    Service,
)
from watchdog.evidence import logfile
from watchdog.evidence.redact import Redactor

pytestmark = pytest.mark.adapter

COMMANDS = CommandControl(("true",), ("true",), ("true",))
PROCESS = ProcessControl(("api",))


async def gathered(
    service: Service, runtime_dir: Path, pid: int | None = None, answer: LastAnswer | None = None
) -> dict[str, list[str]]:
    """Return the lines by title."""
    collect = Collector(service, Redactor(), runtime_dir, answer or LastAnswer())
    groups: dict[str, list[str]] = {}
    title = ""
    for line in await collect("run", pid):
        if line.startswith("== "):
            groups[title := line] = []
        else:
            groups[title].append(line)
    return groups


async def test_a_process_of_ours_has_its_output_answer_processes_port_and_host(
    tmp_path: Path,
) -> None:
    (tmp_path / "api.log").write_text("starting\nfailing\n")
    answer = LastAnswer()
    answer(["status 500 Internal Server Error"])
    checks = (PortCheck(1), HttpCheck("http://127.0.0.1:1/health?x=1"))
    groups = await gathered(Service("api", PROCESS, checks), tmp_path, os.getpid(), answer)
    assert list(groups) == [
        "== answer of /health ==",
        "== its output, last lines ==",
        "== processes ==",
        "== port 1 ==",
        "== host ==",
    ]
    assert groups["== answer of /health =="] == ["status 500 Internal Server Error"]
    assert groups["== its output, last lines =="] == ["starting", "failing"]
    assert groups["== port 1 =="] == ["nothing listens on port 1"]
    assert f"process {os.getpid()} " in "".join(groups["== processes =="])


async def test_of_a_dead_process_only_what_outlives_it_is_looked_for(tmp_path: Path) -> None:
    asked = Evidence(commands=(("touch", str(tmp_path / "ran")),))
    groups = await gathered(Service("api", PROCESS, (PortCheck(1),), evidence=asked), tmp_path)
    assert list(groups) == ["== host =="]
    assert not (tmp_path / "ran").exists()


async def test_logs_and_commands_are_those_of_the_configuration(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text("upstream timed out\n")
    asked = Evidence((str(log),), (("echo", "{service}", "{port}", "{main_pid}"),))
    service = Service("api", PROCESS, (PortCheck(1),), evidence=asked)
    groups = await gathered(service, tmp_path, 4711)
    assert groups[f"== last lines of {log} =="] == ["upstream timed out"]
    assert groups["== $ echo {service} {port} {main_pid} =="] == ["api 1 4711"]


@pytest.mark.parametrize(
    ("word", "said"),
    [("{service}", "db"), ("{main_pid}", "not run: nobody knows the main process")],
)
async def test_commands_run_where_only_the_keeper_knows_the_process(
    tmp_path: Path, word: str, said: str
) -> None:
    service = Service("db", COMMANDS, evidence=Evidence(commands=(("echo", word),)))
    groups = await gathered(service, tmp_path)
    assert groups[f"== $ echo {word} =="] == [said]


async def test_no_more_threads_are_started_behind_a_log_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, answer = [], threading.Event()

    def hang(path: Path) -> list[str]:
        reads.append(path)
        answer.wait()
        return ["at last"]

    monkeypatch.setattr(logfile, "log_lines", hang)
    log = tmp_path / "log"
    service = Service("api", PROCESS, evidence=Evidence((str(log),)))
    collect = Collector(service, Redactor(), tmp_path, LastAnswer())
    assert "not had within 1.75 s" in await collect("run", None)
    for _ in range(3):
        shown = await collect("run", None)
        assert "still waiting since 2 s; not asked again until that ends" in shown
    assert reads == [log]
    answer.set()
    for thread in threading.enumerate():
        if thread.name == "watchdog-blocking":
            thread.join(5)
    assert "at last" in await collect("run", None)


def test_psutil_is_not_loaded_before_there_is_a_failure() -> None:
    program = (
        "import sys, watchdog.app.daemon, watchdog.app.evidence;sys.exit('psutil' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
