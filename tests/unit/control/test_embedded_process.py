"""The daemon's own child: real processes, real signals, and a daemon that is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.unit.control.waiting import gone, is_alive, line_of, until
from watchdog.control import proc
from watchdog.control.process import EmbeddedProcess
from watchdog.core.model import (
    Now,
    Observation,
    RestartOutcome,
    Verdict,
)
from watchdog.core.service import ProcessControl
from watchdog.probes.sock_diag import Listening, SockDiag

pytestmark = pytest.mark.adapter

NOW = Now(0.0, 0.0)
Daemon = Callable[..., Awaitable[str]]
FOREVER = ("sleep", "infinity")

LISTEN = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
if len(sys.argv) > 1 and os.fork():
    server.close()
    os.wait()
print(server.getsockname()[1], flush=True)
server.accept()
"""

GROUP = """
import os, signal
worker = os.fork()
if worker:
    print(worker, flush=True)
else:
    os.setpgid(0, 0)
signal.pause()
"""

DAEMON = """
import asyncio, sys
from pathlib import Path
from watchdog.control.process import EmbeddedProcess
from watchdog.core.service import ProcessControl

async def main():
    async with EmbeddedProcess(ProcessControl(tuple(sys.argv[2:])), "app", Path(sys.argv[1])) as it:
        print(it.identity, flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def embedded(tmp_path: Path, *command: str, **more: object) -> EmbeddedProcess:
    control = ProcessControl(command, **{"stop_timeout": 30.0, **more})  # type: ignore[arg-type]
    return EmbeddedProcess(control, "app", tmp_path)


def pid_of(process: EmbeddedProcess) -> int:
    assert process.main_pid is not None
    return process.main_pid


def lines_of(log: Path) -> list[str]:
    return log.read_text().splitlines()


def stat_of(log: Path) -> os.stat_result:
    return log.stat()


def go_on(fifo: Path) -> None:
    fifo.write_text("go\n")


async def ended(process: EmbeddedProcess) -> Observation:
    """Return what is observed once the process has told of its end."""
    told = asyncio.Event()
    process.listen(told.set, lambda _: None)
    await told.wait()
    return await process.observe(NOW)


@pytest.fixture(name="log")
def fixture_log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


class TestRunning:
    async def test_begins_on_entering_and_ends_on_leaving(self, tmp_path: Path) -> None:
        async with embedded(tmp_path, *FOREVER) as process:
            pid = pid_of(process)
            observation = await process.observe(NOW)
        assert (observation.verdict, observation.check) == (Verdict.PASS, "process")
        assert observation.reason == f"process {pid} runs"
        assert proc.process(pid) is None
        assert process.main_pid is None
        assert not (tmp_path / "app.pid").exists()

    async def test_its_identity_is_pid_and_start(self, tmp_path: Path) -> None:
        before = time.monotonic()
        async with embedded(tmp_path, *FOREVER) as process:
            pid, _, ticks = process.identity.partition(":")
            found = proc.process(int(pid))
            assert found is not None
            assert found.ticks == int(ticks)
            started = process.started
        assert started is not None
        assert before - 0.02 <= started <= time.monotonic()
        assert process.identity == ""
        assert process.started is None

    async def test_has_a_session_a_directory_and_variables_of_its_own(
        self, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
        monkeypatch.setenv("SHARED", "yes")
        script = 'echo "$PWD $COLOUR $SHARED ${NOTIFY_SOCKET-none}" >&2; exec sleep infinity'
        async with embedded(
            tmp_path, *shell(script), directory="/usr", environment=(("COLOUR", "blue"),)
        ) as process:
            assert await line_of(log) == "/usr blue yes none"
            found = proc.process(pid_of(process))
        assert found is not None
        assert found.session == found.group == found.pid

    async def test_its_output_is_for_us_alone_to_read(self, tmp_path: Path, log: Path) -> None:
        async with embedded(tmp_path, *FOREVER):
            assert stat_of(log).st_mode & 0o777 == 0o600


class TestEnd:
    @pytest.mark.parametrize(
        ("script", "words"),
        [
            ("exit 3", "the process exited with status 3"),
            ("exit 0", "the process exited with status 0"),
            ("kill -KILL $$", "the process was killed by SIGKILL"),
            ("ulimit -c 0; kill -SEGV $$", "the process was killed by SIGSEGV"),
        ],
    )
    async def test_is_told_at_once_and_in_words(
        self, tmp_path: Path, script: str, words: str
    ) -> None:
        async with embedded(tmp_path, *shell(script)) as process:
            observation = await ended(process)
            assert (observation.verdict, observation.dead) == (Verdict.FAIL, True)
            assert observation.reason == words
            assert process.main_pid is None
            assert process.identity != ""

    async def test_is_seen_by_an_observation_before_it_is_told(self, tmp_path: Path) -> None:
        async with embedded(tmp_path, *FOREVER) as process:
            pid = pid_of(process)
            os.kill(pid, signal.SIGKILL)
            while is_alive(pid):
                pass  # not a turn of the loop
            assert (await process.observe(NOW)).verdict is Verdict.FAIL

    async def test_is_known_to_come_by_whom_its_socket_told_first(self, tmp_path: Path) -> None:
        process = embedded(tmp_path, *FOREVER)
        assert not await process.is_ending()  # nothing runs
        async with process:
            assert not await process.is_ending()
            os.kill(pid_of(process), signal.SIGKILL)
            assert await process.is_ending()


class TestRestart:
    async def test_replaces_the_process(self, tmp_path: Path) -> None:
        async with embedded(tmp_path, *FOREVER) as process:
            before, pid = process.identity, pid_of(process)
            finished = await process.restart()
            assert finished.outcome is RestartOutcome.DONE
            assert finished.reason == f"started process {process.main_pid}"
            assert process.identity != before
            assert proc.process(pid) is None

    async def test_replaces_a_dead_process(self, tmp_path: Path) -> None:
        async with embedded(tmp_path, *shell("exit 1")) as process:
            await ended(process)
            assert (await process.restart()).outcome is RestartOutcome.DONE

    async def test_ends_what_a_dead_process_has_left_behind(
        self, tmp_path: Path, log: Path
    ) -> None:
        async with embedded(tmp_path, *shell("sleep infinity & echo $!; exit 1")) as process:
            await ended(process)
            worker = int(await line_of(log))
            await process.restart()
            await gone(worker)

    async def test_ends_every_process_of_the_session(self, tmp_path: Path, log: Path) -> None:
        async with embedded(tmp_path, sys.executable, "-c", GROUP) as process:
            worker = int(await line_of(log))
            await process.restart()
            await gone(worker)

    async def test_kills_what_does_not_heed_term(self, tmp_path: Path, log: Path) -> None:
        script = "trap '' TERM; echo ready; while :; do sleep infinity; done"
        async with embedded(tmp_path, *shell(script), stop_timeout=0.1) as process:
            await line_of(log)
            pid = pid_of(process)
            assert (await process.restart()).outcome is RestartOutcome.DONE
            await gone(pid)

    async def test_lets_the_process_tidy_up(self, tmp_path: Path, log: Path) -> None:
        script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done"
        async with embedded(tmp_path, *shell(script)):
            await line_of(log)
        assert lines_of(log)[-1] == "bye"

    async def test_does_not_tell_of_an_end_that_is_its_own_doing(self, tmp_path: Path) -> None:
        told: list[str] = []
        async with embedded(tmp_path, *FOREVER) as process:
            process.listen(lambda: told.append("changed"), lambda _: told.append("crashed"))
            await process.restart()
            await asyncio.sleep(0)
        assert told == []


class TestCannotStart:
    @pytest.mark.parametrize(
        ("command", "directory", "reason"),
        [
            ("/nowhere/app", None, "cannot start /nowhere/app: No such file or directory"),
            ("/etc/passwd", None, "cannot start /etc/passwd: Permission denied"),
            ("sleep", "/nowhere", "cannot start in /nowhere: No such file or directory"),
            ("a\0b", None, "cannot start a\0b: embedded null byte"),
        ],
    )
    async def test_says_why_and_goes_on(
        self, tmp_path: Path, command: str, directory: str | None, reason: str
    ) -> None:
        async with embedded(tmp_path, command, directory=directory) as process:
            observation = await process.observe(NOW)
            finished = await process.restart()
            assert (process.identity, process.main_pid) == ("", None)
        assert (observation.verdict, observation.dead) == (Verdict.FAIL, True)
        assert observation.reason == reason
        assert (finished.outcome, finished.reason) == (RestartOutcome.FAILED, reason)

    async def test_heals_when_the_program_is_there(self, tmp_path: Path) -> None:
        program = tmp_path / "program"
        async with embedded(tmp_path, str(program)) as process:
            program.symlink_to("/bin/cat")
            assert (await process.restart()).outcome is RestartOutcome.DONE

    async def test_without_a_place_for_its_log(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        async with embedded(tmp_path / "file" / "run", *FOREVER) as process:
            observation = await process.observe(NOW)
            finished = await process.restart()
        assert observation.reason == f"cannot make {tmp_path}/file/run: Not a directory"
        assert finished.reason == f"cannot write to {tmp_path}/file/run/app.log: Not a directory"


class TestLog:
    async def test_is_kept_short_while_the_process_goes_on_writing(
        self, tmp_path: Path, log: Path
    ) -> None:
        script = "seq 300000; echo middle; read wait < fifo; echo end; exec sleep infinity"
        os.mkfifo(tmp_path / "fifo")
        async with embedded(tmp_path, *shell(script), directory=str(tmp_path)) as process:
            await until(lambda: log.read_bytes().endswith(b"middle\n"))
            await process.observe(NOW)
            assert stat_of(log).st_size < 300_000
            go_on(tmp_path / "fifo")
            await until(lambda: log.read_bytes().endswith(b"end\n"))
        lines = lines_of(log)
        assert lines[-3:] == ["300000", "middle", "end"]
        assert lines[0].isdecimal()


@pytest.fixture(name="daemon")
async def fixture_daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    """Run a daemon of its own with an embedded process and kill it; returns the identity."""
    identities: list[str] = []

    async def run(*command: str) -> str:
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DAEMON, str(tmp_path), *command, stdout=asyncio.subprocess.PIPE
        )
        assert daemon.stdout is not None
        identity = (await daemon.stdout.readline()).decode().strip()
        identities.append(identity)
        daemon.kill()
        await daemon.wait()
        return identity

    yield run
    for identity in identities:
        pid, _, ticks = identity.partition(":")
        found = proc.process(int(pid))
        if found is not None and found.ticks == int(ticks):
            os.killpg(found.pid, signal.SIGKILL)


class TestAdoption:
    async def test_the_process_outlives_a_killed_daemon_and_is_adopted(
        self, tmp_path: Path, daemon: Daemon
    ) -> None:
        identity = await daemon(*FOREVER)
        async with embedded(tmp_path, *FOREVER, stop_timeout=10.0) as process:
            assert process.identity == identity
            assert (await process.observe(NOW)).verdict is Verdict.PASS
            pid = pid_of(process)
        await gone(pid)

    async def test_the_end_of_an_adopted_process_is_told(
        self, tmp_path: Path, daemon: Daemon
    ) -> None:
        await daemon(*FOREVER)
        async with embedded(tmp_path, *FOREVER, stop_timeout=10.0) as process:
            os.kill(pid_of(process), signal.SIGKILL)
            observation = await ended(process)
            assert observation.dead
            assert observation.reason == (
                "the process has ended; how is not known:"
                " an earlier run of this daemon had started it"
            )
            assert (await process.restart()).outcome is RestartOutcome.DONE

    async def test_a_process_whose_pid_was_not_written_down_is_known_by_its_log(
        self, tmp_path: Path, daemon: Daemon
    ) -> None:
        identity = await daemon(*FOREVER)
        (tmp_path / "app.pid").unlink()
        async with embedded(tmp_path, *FOREVER, stop_timeout=10.0) as process:
            assert process.identity == identity

    async def test_a_process_of_another_command_is_replaced(
        self, tmp_path: Path, daemon: Daemon
    ) -> None:
        identity = await daemon(*FOREVER)
        async with embedded(tmp_path, "sleep", "1000000") as process:
            assert process.identity not in {identity, ""}
        await gone(int(identity.partition(":")[0]))

    async def test_what_a_dead_process_has_left_is_ended_before_another_starts(
        self, tmp_path: Path, log: Path, daemon: Daemon
    ) -> None:
        identity = await daemon(*shell("sleep infinity & echo $!; read wait"))
        worker = int(await line_of(log))
        await gone(int(identity.partition(":")[0]))
        found = proc.process(worker)
        assert found is not None
        async with embedded(tmp_path, *FOREVER) as process:
            await gone(worker)
            assert (await process.observe(NOW)).verdict is Verdict.PASS

    @pytest.mark.parametrize("text", ["", "garbage", "1", "{me} 1 1", "999999999 1 1"])
    async def test_a_pid_file_that_names_no_process_of_ours_is_passed_over(
        self, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "app.pid").write_text(text.format(me=os.getpid()))
        async with embedded(tmp_path, *FOREVER) as process:
            assert pid_of(process) != os.getpid()

    async def test_a_process_that_is_to_be_kept_is_left_and_adopted(self, tmp_path: Path) -> None:
        async with embedded(tmp_path, *FOREVER) as process:
            process.keep = True
            identity = process.identity
        async with embedded(tmp_path, *FOREVER) as successor:
            assert successor.identity == identity


class TestOwnership:
    @pytest.mark.parametrize("arguments", [(), ("fork",)])
    async def test_a_socket_of_any_process_of_the_session_is_its_own(
        self, tmp_path: Path, log: Path, arguments: tuple[str, ...]
    ) -> None:
        diag = SockDiag()
        async with embedded(tmp_path, sys.executable, "-c", LISTEN, *arguments) as process:
            port = int(await line_of(log))
            listener = diag.lookup(socket.AF_INET, "127.0.0.1", port)
            assert listener is not None
            assert process.owns(listener)
            assert process.owns(listener)
            with socket.create_server(("127.0.0.1", 0)) as stranger:
                other = diag.lookup(socket.AF_INET, *stranger.getsockname())
                assert other is not None
                assert not process.owns(other)
            await process.restart()
            await asyncio.sleep(0)
            assert not process.owns(listener)
        diag.close()

    async def test_a_newer_socket_is_found_by_a_new_look(self, tmp_path: Path, log: Path) -> None:
        diag = SockDiag()
        async with embedded(tmp_path, sys.executable, "-c", LISTEN) as process:
            nobodys = Listening("127.0.0.1", 1, inode=1, cgroup=1)
            assert not process.owns(nobodys)
            port = int(await line_of(log))
            listener = diag.lookup(socket.AF_INET, "127.0.0.1", port)
            assert listener is not None
            assert process.owns(listener)
        diag.close()

    async def test_without_a_process_nothing_is_its_own(self, tmp_path: Path) -> None:
        process = embedded(tmp_path, *FOREVER)
        assert not process.owns(Listening("127.0.0.1", 1, inode=1, cgroup=1))
