"""A process that leads a session of its own: our child, or one that an earlier daemon left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from watchdog.control import proc
from watchdog.control.exits import CLD_DUMPED, CLD_EXITED, signal_name
from watchdog.program import raise_oom_score

_DEATH = 5.0  # seconds from KILL to the end; only a process stuck in the kernel takes longer

_OOM_SCORE = 0  # the kernel's default: a service is as good as any other

_OURS = frozenset({
    "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDNAMES", "LISTEN_FDS",
    "LISTEN_PID", "LOGS_DIRECTORY", "MAINPID", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE",
    "NOTIFY_SOCKET", "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "SYSTEMD_EXEC_PID", "WATCHDOG_PID",
    "WATCHDOG_USEC",
})  # fmt: skip
"""What systemd tells this daemon and nobody else: systemd.exec(5)."""


def environment(more: Sequence[tuple[str, str]] = ()) -> Mapping[str, str]:
    """Return the environment of a child: ours without what is meant for us, and *more*."""
    return {name: text for name, text in os.environ.items() if name not in _OURS} | dict(more)


class Child:
    """One process and its session; ``exited`` is resolved as soon as the process ends.

    An ended child of ours stays a zombie until ``close``: so its pid cannot become another's while
    we may still send signals to its group.
    """

    def __init__(self, process: proc.Process, popen: subprocess.Popen[bytes] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.process = process
        self.exited: asyncio.Future[None] = loop.create_future()
        self._popen = popen
        self._pidfd = os.pidfd_open(process.pid)
        self._loop = loop
        loop.add_reader(self._pidfd, self._note_exit)

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        output: int,
        more: Sequence[tuple[str, str]] = (),
        directory: str | None = None,
    ) -> Self:
        """Run *command* in a session of its own. Raises OSError, ValueError if it cannot be run."""
        popen = subprocess.Popen(  # noqa: S603 - the configured command; never a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            env=environment(more),
            start_new_session=True,
        )
        raise_oom_score(popen.pid, _OOM_SCORE)
        process = proc.process(popen.pid)
        assert process is not None  # noqa: S101 - not before we reap it
        return cls(process, popen)

    @classmethod
    def adopt(cls, pid: int, ticks: int) -> Self | None:
        """Return the process *pid* that began at *ticks*; None if it is no more."""
        process = proc.process(pid)
        if process is None or process.ticks != ticks or process.ended:
            return None
        try:
            child = cls(process)
        except ProcessLookupError:
            return None
        if proc.process(pid) != process:  # it ended before we had hold of it
            child.close()
            return None
        return child

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        """Tell whether the process itself is no more; others of its session may be."""
        if not self.exited.done() and _is_readable(self._pidfd):
            self._note_exit()
        return self.exited.done()

    @property
    def status(self) -> int | None:
        """Return the exit status, negative for a signal; None if it is not known."""
        ending = self._ending()
        if ending is None:
            return None
        return ending.si_status if ending.si_code == CLD_EXITED else -ending.si_status

    @property
    def ending(self) -> str:
        """Say how the process ended."""
        ending = self._ending()
        if ending is None:
            return "has ended; how is not known: an earlier run of this daemon had started it"
        if ending.si_code == CLD_EXITED:
            return f"exited with status {ending.si_status}"
        dumped = " and dumped core" if ending.si_code == CLD_DUMPED else ""
        return f"was killed by {signal_name(ending.si_status)}{dumped}"

    async def end(self, patience: float) -> bool:
        """End the whole session, as ``end_all`` does; the process itself may have ended before."""
        return await end_all(self._session, patience)

    def kill(self) -> None:
        """End the whole session at once."""
        _signal(_certainly(self._session), signal.SIGKILL)

    def close(self) -> None:
        """Let go of the process; it is not touched."""
        if self._pidfd < 0:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if self._popen is not None and self._popen.poll() is None:
            self._popen.returncode = 0  # it lives on, with init as its parent once we are gone

    def _note_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        proc.resolve(self.exited)

    def _ending(self) -> os.waitid_result | None:
        if self._popen is None or not self.has_ended:
            return None
        return os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    def _session(self) -> list[proc.Process]:
        leader = proc.process(self.pid)
        if leader is not None and leader.ticks != self.process.ticks:
            return []  # a pid is given away again only when nothing of its session is left
        return proc.session(self.pid)


Find = Callable[[], Sequence[proc.Process]]


async def end_all(find: Find, patience: float) -> bool:
    """End what *find* finds, by TERM and after *patience* seconds by KILL; tell if it worked."""
    # TERM is said once: what a process begins after that is its tidying up.
    _signal(_certainly(find), signal.SIGTERM)
    if await _are_gone_within(patience, find):
        return True
    _signal(_certainly(find), signal.SIGKILL)
    return await _are_gone_within(_DEATH, find)


def _certainly(find: Find) -> Sequence[proc.Process]:
    """Look twice: what a process began before it ended may be missing in a list made meanwhile."""
    return list({*find(), *find()})


def _signal(members: Sequence[proc.Process], number: signal.Signals) -> None:
    """Send a signal to every group of *members*: in one go, so that no fork escapes."""
    for group in {member.group for member in members}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


async def _are_gone_within(patience: float, find: Find) -> bool:
    try:
        async with asyncio.timeout(patience):
            while members := _certainly(find):
                for member in members:
                    await proc.ended(member.pid)
    except TimeoutError:
        return False
    return True


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
