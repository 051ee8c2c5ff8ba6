"""A configured command, run while the process that it asks about still lives."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

WITHIN = 1.5
"""Seconds that a command may take: less than a restart waits for evidence."""

LIMIT = 64 * 1024
"""Bytes of output that are kept; the command is ended when it has printed so many."""

_DEATH = 0.2  # seconds from KILL to the end; what takes longer is stuck in the kernel


def filled_in(command: Sequence[str], values: Mapping[str, str]) -> Sequence[str]:
    """Return *command* with ``{name}`` replaced by its value; other braces stay as they are."""
    words = list(command)
    for name, value in values.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    return words


def command_lines(command: Sequence[str], within: float = WITHIN) -> Sequence[str]:
    """Run *command*, without a shell, and return what it printed and, unless it is 0, its end.

    Blocks. Whatever it leaves in its process group is killed, at its end or after *within* seconds.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the configured command; never a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return [f"cannot run {command[0]}: {why}"]
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    with process.stdout as pipe:
        output, has_ended = _read(pipe.fileno(), process.pid, within)
        # Before it is reaped: until then nobody else can have its number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_DEATH)
    lines = output.decode("utf-8", "replace").splitlines()
    if len(output) >= LIMIT:
        lines.append(f"ended after {LIMIT // 1024} KiB of output")
    elif not has_ended:
        lines.append(f"did not end within {within:g} s; killed")
    elif process.returncode:
        lines.append(_ending(process.returncode))
    return lines


def _environment() -> Mapping[str, str]:
    """Return what any program needs; our own environment may hold secrets."""
    kept = ("PATH", "LANG", "TZ")
    return {"LANG": "C.UTF-8"} | {name: os.environ[name] for name in kept if name in os.environ}


def _read(pipe: int, pid: int, within: float) -> tuple[bytes, bool]:
    """Return what comes from *pipe*, and whether process *pid* has ended, until it has."""
    output = b""
    until = time.monotonic() + within
    pidfd = os.pidfd_open(pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            selector.register(pidfd, selectors.EVENT_READ)
            while len(output) < LIMIT and (left := until - time.monotonic()) > 0:
                ready = {key.fd for key, _ in selector.select(left)}
                if pipe in ready:
                    chunk = os.read(pipe, LIMIT - len(output))
                    output += chunk
                    if not chunk:
                        selector.unregister(pipe)
                elif pidfd in ready:  # and nothing is left in the pipe
                    return output, True
    finally:
        os.close(pidfd)
    return output, False


def _ending(code: int) -> str:
    if code > 0:
        return f"exited with status {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
