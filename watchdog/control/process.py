"""A service that the daemon itself keeps, as its own child."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from watchdog.control import proc
from watchdog.control.child import Child, end_all
from watchdog.control.logfile import append_to, shorten
from watchdog.core.model import (
    Crashed,
    Now,
    Observation,
    RestartFinished,
    RestartOutcome,
    Verdict,
)
from watchdog.core.service import ProcessControl
from watchdog.ports import Listener

CHECK = "process"


class EmbeddedProcess:
    """Implements ports.ServiceControl for a command: our child, in a session of its own.

    Its output goes to a file, not to a pipe, and its pid is written down: so it outlives this
    daemon being killed, and the next one adopts it. Leaving the context ends it, unless ``keep``.
    """

    def __init__(self, control: ProcessControl, name: str, runtime_dir: Path) -> None:
        self.keep = False
        self._control = control
        self._mark = zlib.crc32(repr(control).encode())  # another command is another process
        self._log = runtime_dir / f"{name}.log"
        self._pid_file = runtime_dir / f"{name}.pid"
        self._child: Child | None = None
        self._trouble = "not started yet"  # why there is no child
        self._changed: Callable[[], None] = lambda: None
        self._owned: set[int] = set()  # inodes of sockets known to be the present run's
        self._scanned: set[int] | None = None

    async def __aenter__(self) -> Self:
        """Adopt what an earlier run of the daemon has left, or start the process."""
        try:
            self._log.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            self._trouble = _cannot(f"make {self._log.parent}", error)
            return self
        left = self._left()
        if left is not None and self._is_as_configured(left):
            self._follow(left)
            return self
        if left is not None:
            await left.end(self._control.stop_timeout)
            left.close()
        await end_all(self._leftovers, self._control.stop_timeout)
        self._start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._child is None:
            return
        child, self._child = self._child, None
        child.exited.remove_done_callback(self._tell)
        try:
            if not self.keep:
                await child.end(self._control.stop_timeout)
                with contextlib.suppress(OSError):
                    self._pid_file.unlink()
        finally:
            child.close()

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        """Call *changed* when the process ends; nobody but us restarts it, so never *crashed*."""
        del crashed
        self._changed = changed

    async def observe(self, now: Now) -> Observation:
        """Answer the check "process": does it run?"""
        del now
        shorten(self._log)
        if self._child is None:
            return Observation(Verdict.FAIL, CHECK, self._trouble, dead=True)
        if self._child.has_ended:
            return Observation(Verdict.FAIL, CHECK, f"the process {self._child.ending}", dead=True)
        return Observation(Verdict.PASS, CHECK, f"process {self._child.pid} runs")

    async def is_ending(self) -> bool:
        """Tell whether the process ends; ``listen`` is told of it in the same moment."""
        if self._child is None:
            return False
        ended, _ = await asyncio.wait([self._child.exited], timeout=proc.ENDING)
        return bool(ended)

    async def restart(self) -> RestartFinished:
        """End whatever is left of the present run and start another."""
        began = time.monotonic()
        outcome, reason = RestartOutcome.FAILED, ""
        try:
            reason = await self._stop()
            if not reason:
                self._start()
                reason = self._trouble
            if self._child is not None and not reason:
                outcome, reason = RestartOutcome.DONE, f"started process {self._child.pid}"
        except Exception as error:  # noqa: BLE001 - ports.ServiceControl: never raises
            reason = f"cannot restart {self._control.command[0]}: {error!r}"
        return RestartFinished(outcome, reason, time.monotonic() - began)

    @property
    def identity(self) -> str:
        """Return the present run as ``pid:start``, the start in ticks since the boot."""
        if self._child is None:
            return ""
        return f"{self._child.pid}:{self._child.process.ticks}"

    @property
    def started(self) -> float | None:
        """Return when the process started (mono), exact to a tick of 10 ms."""
        return None if self._child is None else proc.mono_of_ticks(self._child.process.ticks)

    @property
    def main_pid(self) -> int | None:
        """Return the process, while it runs."""
        return None if self._child is None or self._child.has_ended else self._child.pid

    @property
    def cgroup(self) -> str:
        """Return none: our child is in the daemon's own."""
        return ""

    def pids(self) -> Sequence[int]:
        """Return the processes of the session."""
        return [] if self._child is None else [m.pid for m in proc.session(self._child.pid)]

    def owns(self, listener: Listener) -> bool:
        """Tell whether a process of the session has *listener* open."""
        if self._child is None:
            return False
        if listener.inode in self._owned:
            return True
        if self._scanned is None:
            # Good for the questions asked in one go, as for every listener of the host, and no
            # longer: the next one may be about a socket that is newer.
            pids = [each.pid for each in proc.session(self._child.pid)]
            self._scanned = proc.socket_inodes(pids)
            asyncio.get_running_loop().call_soon(self._forget_scan)
        if listener.inode not in self._scanned:
            return False
        self._owned.add(listener.inode)
        return True

    def _forget_scan(self) -> None:
        self._scanned = None

    def _start(self) -> None:
        self._owned.clear()
        self._scanned = None
        control = self._control
        try:
            output = append_to(self._log)
        except OSError as error:
            self._trouble = _cannot(f"write to {self._log}", error)
            return
        with output:
            try:
                child = Child.start(
                    control.command, output.fileno(), control.environment, control.directory
                )
            except (OSError, ValueError) as error:
                in_directory = isinstance(error, OSError) and error.filename == control.directory
                what = f"in {control.directory}" if in_directory else control.command[0]
                self._trouble = _cannot(f"start {what}", error)
                return
        self._follow(child)
        self._write_pid_file(child)

    def _follow(self, child: Child) -> None:
        self._child = child
        self._trouble = ""
        child.exited.add_done_callback(self._tell)

    def _tell(self, _: asyncio.Future[None]) -> None:
        self._changed()

    async def _stop(self) -> str:
        """End the present run; return why that was not possible, or nothing."""
        if self._child is None:
            return ""
        child = self._child
        child.exited.remove_done_callback(self._tell)  # no news: we do it
        if not await child.end(self._control.stop_timeout):
            return f"process {child.pid} does not end, not even by SIGKILL"
        self._child = None
        child.close()
        return ""

    # What an earlier run of the daemon has left:

    def _left(self) -> Child | None:
        pid, ticks, _ = self._read_pid_file()
        if child := Child.adopt(pid, ticks):
            return child
        # It may have been killed between starting the process and writing down its pid.
        for writer in self._leftovers():
            if writer.session == writer.pid and (child := Child.adopt(writer.pid, writer.ticks)):
                self._write_pid_file(child)
                return child
        return None

    def _leftovers(self) -> list[proc.Process]:
        """Return what still writes to the log: a dead process may have left its workers."""
        return proc.writers(self._log)

    def _is_as_configured(self, child: Child) -> bool:
        return self._read_pid_file() == (child.pid, child.process.ticks, self._mark)

    def _read_pid_file(self) -> tuple[int, int, int]:
        try:
            pid, ticks, mark = map(int, self._pid_file.read_text().split())
        except (OSError, ValueError):
            return 0, 0, 0
        return pid, ticks, mark

    def _write_pid_file(self, child: Child) -> None:
        """Write it in one go: a half-written one could name somebody else's process."""
        new = self._pid_file.with_name(f"{self._pid_file.name}.new")
        with contextlib.suppress(OSError):  # the log tells as well whose the process is
            new.write_text(f"{child.pid} {child.process.ticks} {self._mark}\n")
            new.rename(self._pid_file)


def _cannot(action: str, error: Exception) -> str:
    why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return f"cannot {action}: {why}"
