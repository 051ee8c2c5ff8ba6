from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.unit.clock import skip
from tests.unit.control.waiting import is_alive, line_of
from watchdog.control.journal_stop import FAILED, STARTED, STOPPED, stopped_on_purpose

STOP = {
    "MESSAGE_ID": STOPPED,
    "JOB_TYPE": "stop",
    "JOB_RESULT": "done",
    "__MONOTONIC_TIMESTAMP": "4145461642",
}


def journalctl(tmp_path: Path, script: str) -> tuple[str, str]:
    path = tmp_path / "journalctl"
    path.write_text(script)
    return ("/bin/sh", str(path))


async def answer(tmp_path: Path, output: str) -> float | None:
    (tmp_path / "output").write_text(output)
    return await stopped_on_purpose("web.service", journalctl(tmp_path, f"cat {tmp_path}/output"))


async def test_a_stop_job_that_was_done_is_a_stop_on_purpose(tmp_path: Path) -> None:
    assert await answer(tmp_path, json.dumps(STOP)) == 4145.461642


@pytest.mark.parametrize(
    "last",
    [
        STOP | {"JOB_TYPE": "restart"},
        STOP | {"JOB_RESULT": "failed"},
        STOP | {"MESSAGE_ID": STARTED},
        STOP | {"MESSAGE_ID": FAILED},
        {"MESSAGE_ID": FAILED},
        {"MESSAGE_ID": STOPPED, "JOB_TYPE": "stop"},
        [],
        None,
    ],
)
async def test_any_other_end_is_none(tmp_path: Path, last: object) -> None:
    assert await answer(tmp_path, json.dumps(last)) is None


@pytest.mark.parametrize("output", ["", "no entries", "{"])
async def test_a_journal_that_says_nothing_proves_nothing(tmp_path: Path, output: str) -> None:
    assert await answer(tmp_path, output) is None


async def test_no_journalctl_proves_nothing() -> None:
    assert await stopped_on_purpose("web.service", ("/nonexistent/journalctl",)) is None


async def test_only_systemds_own_words_about_this_boot_are_asked_for(tmp_path: Path) -> None:
    script = f'printf "%s\\n" "$@" >{tmp_path}/asked'
    await stopped_on_purpose("web.service", journalctl(tmp_path, script))
    asked = (tmp_path / "asked").read_text().splitlines()
    assert {"--boot", "_PID=1", "UNIT=web.service", f"MESSAGE_ID={STOPPED}"} < set(asked)


async def test_a_journal_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    script = f"echo $$ >{tmp_path}/pid; exec sleep 1000"
    asking = asyncio.create_task(
        stopped_on_purpose("web.service", journalctl(tmp_path, script), within=60)
    )
    pid = int(await line_of(tmp_path / "pid"))
    await skip(60)
    assert await asking is None
    assert not is_alive(pid)
