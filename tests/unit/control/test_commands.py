"""A service kept by three commands, here small shell scripts around a file."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.unit.control.waiting import gone, is_alive, line_of, until
from watchdog.control.command import Commands
from watchdog.control.output import LIMIT, Output
from watchdog.core.model import (
    Now,
    Observation,
    RestartOutcome,
    Verdict,
)
from watchdog.core.service import CommandControl
from watchdog.ports import Listener

pytestmark = pytest.mark.adapter

NOW = Now(0.0, 0.0)


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def commands(
    status: str = "true", start: str = "true", stop: str = "true", timeout: float = 30.0
) -> Commands:
    return Commands(CommandControl(shell(start), shell(stop), shell(status), timeout))


async def observe(status: str, **more: float) -> Observation:
    async with commands(status, **more) as service:  # type: ignore[arg-type]
        return await service.observe(NOW)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class TestStatus:
    async def test_0_passes_with_what_it_says(self) -> None:
        observation = await observe("echo up since noon")
        assert (observation.verdict, observation.check) == (Verdict.PASS, "status")
        assert observation.reason == "up since noon"

    async def test_0_without_a_word_passes(self) -> None:
        assert (await observe("true")).reason == "running"

    async def test_any_other_fails_with_the_first_line_of_its_output(self) -> None:
        observation = await observe("echo; echo ' not\033[1m there' >&2; echo more; exit 3")
        assert (observation.verdict, observation.dead) == (Verdict.FAIL, True)
        assert observation.reason.endswith('` exited with status 3: "not [1m there"')
        assert observation.reason.startswith("`/bin/sh -c echo; ")

    async def test_a_command_that_is_killed_is_no_evidence(self) -> None:
        observation = await observe("kill -KILL $$")
        assert observation.verdict is Verdict.UNKNOWN
        assert observation.reason == "`/bin/sh -c kill -KILL $$` was killed by SIGKILL"

    async def test_a_command_that_does_not_end_is_killed_with_all_it_began(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "pid"
        observation = await observe(f"sleep infinity & echo $! > {file}; wait", timeout=1)
        assert observation.verdict is Verdict.UNKNOWN
        assert observation.reason.endswith("` did not end within 1 s")
        await gone(int(await line_of(file)))

    @pytest.mark.parametrize(
        ("program", "reason"),
        [
            ("/nowhere/x", "cannot run `/nowhere/x`: No such file or directory"),
            ("/etc/passwd", "cannot run `/etc/passwd`: Permission denied"),
            ("a\0b", "cannot run `a\0b`: embedded null byte"),
        ],
    )
    async def test_a_command_that_cannot_be_run_is_no_evidence(
        self, program: str, reason: str
    ) -> None:
        async with Commands(CommandControl(("true",), ("true",), (program,))) as service:
            observation = await service.observe(NOW)
        assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, reason)

    async def test_a_command_without_end_to_its_output_is_cut_short(self) -> None:
        observation = await observe("echo first; yes", timeout=1)
        assert observation.reason.endswith('` did not end within 1 s: "first"')

    async def test_arguments_reach_the_command_as_they_are(self) -> None:
        control = CommandControl(("true",), ("true",), ("printf", "%s|", "a b", "$HOME", "*"))
        async with Commands(control) as service:
            assert (await service.observe(NOW)).reason == "a b|$HOME|*|"

    async def test_a_command_is_killed_when_its_round_is_given_up(self, tmp_path: Path) -> None:
        file = tmp_path / "pid"
        async with commands(f"echo $$ > {file}; exec sleep infinity") as service:
            task = asyncio.create_task(service.observe(NOW))
            pid = int(await line_of(file))
            task.cancel()
            await asyncio.wait([task])
        assert not is_alive(pid)


class TestRestart:
    async def test_runs_stop_and_then_start(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        async with commands(start=f"echo start >> {log}", stop=f"echo stop >> {log}") as service:
            finished = await service.restart()
            assert service.started is not None
        assert finished.outcome is RestartOutcome.DONE
        assert finished.reason == f"`/bin/sh -c echo start >> {log}` exited with status 0"
        assert log.read_text() == "stop\nstart\n"

    async def test_starts_even_if_there_was_nothing_to_stop(self) -> None:
        async with commands(stop="echo not running; exit 5") as service:
            finished = await service.restart()
        assert finished.outcome is RestartOutcome.DONE
        assert finished.reason == (
            "`/bin/sh -c true` exited with status 0; before that,"
            ' `/bin/sh -c echo not running; exit 5` exited with status 5: "not running"'
        )

    async def test_fails_with_the_words_of_start(self) -> None:
        async with commands(start="echo no such image >&2; exit 125") as service:
            finished = await service.restart()
            assert service.started is None
        assert finished.outcome is RestartOutcome.FAILED
        assert finished.reason.endswith('` exited with status 125: "no such image"')

    async def test_fails_if_start_does_not_end(self) -> None:
        async with commands(start="exec sleep infinity", timeout=0.2) as service:
            finished = await service.restart()
        assert finished.outcome is RestartOutcome.FAILED
        assert finished.reason == "`/bin/sh -c exec sleep infinity` did not end within 0.2 s"

    async def test_leaves_alone_what_start_leaves_running(self, tmp_path: Path) -> None:
        """And lets it write: it must not die of what it prints, even when we are gone."""
        file, fifo = tmp_path / "pid", tmp_path / "fifo"
        os.mkfifo(fifo)
        script = (
            f"(read go < {fifo}; echo hello; echo said > {tmp_path}/said; exec sleep infinity) &"
            f" echo $! > {file}"
        )
        async with commands(start=script) as service:
            assert (await service.restart()).outcome is RestartOutcome.DONE
        pid = int(await line_of(file))
        fifo.write_text("go\n")
        await until((tmp_path / "said").exists)
        assert is_alive(pid)
        os.kill(pid, 9)

    async def test_each_gives_a_new_identity(self) -> None:
        async with commands() as service, commands() as other:
            identities = [service.identity, other.identity]
            await service.restart()
            identities.append(service.identity)
        assert len(set(identities)) == 3

    async def test_the_output_of_an_earlier_run_is_given_back(self) -> None:
        async with commands() as service:
            before = open_files()
            await service.restart()
            await service.restart()
            assert open_files() == before + 1
            await service.observe(NOW)
        assert open_files() == before


class TestWhatIsNotKnown:
    async def test_no_process_is_named_and_every_listener_is_taken_for_its_own(self) -> None:
        async with commands() as service:
            service.listen(lambda: None, lambda _: None)
            assert service.main_pid is None
            assert service.started is None
            assert service.owns(Listener("127.0.0.1", 80, inode=1, cgroup=1))


def test_output_keeps_its_beginning() -> None:
    output = Output()
    os.write(output.descriptor, b"first\n" + b"x" * 2 * LIMIT)
    output.trim()
    os.write(output.descriptor, b"more")
    assert os.fstat(output.descriptor).st_size == LIMIT + 4
    assert output.first_line() == "first"
    output.close()
    output.close()
