"""A program that is run beside the loop: started, read, ended and reaped in a thread of its own."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

FIRST_TO_GO = 500
"""The oom_score_adj of what merely serves us: it goes before any service does."""

_CHUNK = 64 * 1024
_DEATH = 0.2  # seconds from KILL to the end; what takes longer is stuck in the kernel


def raise_oom_score(pid: int, score: int) -> None:
    """Give child *pid* at least this oom_score_adj, proc(5); it has inherited ours.

    The unit makes this daemon the kernel's last choice, which nothing that it starts should be.
    From outside: to raise it takes no privilege, and a hook between fork and exec is not safe
    where there are threads. Where it cannot be done the program runs all the same.
    """
    adjusted = Path(f"/proc/{pid}/oom_score_adj")
    with contextlib.suppress(OSError, ValueError):
        if int(adjusted.read_text()) < score:
            adjusted.write_text(str(score))


class Program:
    """One run of *command* in a session of its own. All but ``stop`` may block: use a thread.

    Not by asyncio: what starts a program waits until it is loaded, which a stalled disk can delay
    for minutes.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._stdin = stdin
        self._stderr = stderr
        self._env = env
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._popen: subprocess.Popen[bytes] | None = None  # while it may be sent signals

    def start(self) -> subprocess.Popen[bytes]:
        """Start it. Raises OSError, ValueError if it cannot be run, or was stopped before."""
        if self._stopped.is_set():
            raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
        popen = subprocess.Popen(  # noqa: S603 - the caller's command; never a shell
            self._command,
            stdin=self._stdin,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd="/",
            env=self._env,
            start_new_session=True,
        )
        raise_oom_score(popen.pid, FIRST_TO_GO)
        with self._lock:
            self._popen = popen
            if self._stopped.is_set():
                self._kill()
        return popen

    def stop(self) -> None:
        """Kill it with its whole process group, or keep it from starting. Never blocks for long."""
        with self._lock:
            self._stopped.set()
            self._kill()

    def end(self, popen: subprocess.Popen[bytes]) -> int | None:
        """Kill what is left of it and return how it ended; None if it is stuck in the kernel."""
        for pipe in (popen.stdin, popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with self._lock:
            # Before it is reaped: until then nobody else can have its number.
            self._kill()
            self._popen = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return popen.wait(_DEATH)
        return None

    def _kill(self) -> None:
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)


class Output:
    """What a program prints: its beginning, or only its *last* bytes."""

    def __init__(self, limit: int, last: int | None = None) -> None:
        self._limit = limit  # bytes that are read
        self._last = last
        self.kept = bytearray()
        self.size = 0  # bytes that were read
        self.has_ended = False  # the program, by itself

    @property
    def is_full(self) -> bool:
        """Tell whether so much came that no more was read."""
        return self.size >= self._limit

    def read(self, pipe: int, pid: int, within: float) -> None:
        """Read *pipe* until process *pid* has ended, for *within* seconds. Raises OSError."""
        until = time.monotonic() + within
        pidfd = os.pidfd_open(pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pipe, selectors.EVENT_READ)
                selector.register(pidfd, selectors.EVENT_READ)
                while not self.is_full and (left := until - time.monotonic()) > 0:
                    ready = {key.fd for key, _ in selector.select(left)}
                    if pipe in ready:
                        if not self._take(os.read(pipe, min(_CHUNK, self._limit - self.size))):
                            selector.unregister(pipe)
                    elif pidfd in ready:  # and nothing is left in the pipe
                        self.has_ended = True
                        return
        finally:
            os.close(pidfd)

    def _take(self, chunk: bytes) -> bool:
        self.kept += chunk
        self.size += len(chunk)
        if self._last is not None and len(self.kept) > self._last:
            del self.kept[: -self._last]
        return bool(chunk)
