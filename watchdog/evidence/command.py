"""A configured command, run while the process that it asks about still lives."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from watchdog.program import Output, Program

WITHIN = 1.5
"""Seconds that a command may take: less than a restart waits for evidence."""

LIMIT = 64 * 1024
"""Bytes of output that are kept; the command is ended when it has printed so many."""


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
    program = Program(command, stderr=subprocess.STDOUT, env=environment())
    try:
        process = program.start()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return [f"cannot run {command[0]}: {why}"]
    output, trouble = Output(LIMIT), ""
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        output.read(process.stdout.fileno(), process.pid, within)
    except OSError as error:
        trouble = f"cannot be followed: {error.strerror}; killed"
    finally:
        code = program.end(process)
    lines = output.kept.decode("utf-8", "replace").splitlines()
    if trouble:
        lines.append(trouble)
    elif output.is_full:
        lines.append(f"ended after {LIMIT // 1024} KiB of output")
    elif not output.has_ended:
        lines.append(f"did not end within {within:g} s; killed")
    elif code:
        lines.append(_ending(code))
    return lines


def environment() -> Mapping[str, str]:
    """Return what any program needs; our own environment may hold secrets."""
    kept = ("PATH", "LANG", "TZ")
    return {"LANG": "C.UTF-8"} | {name: os.environ[name] for name in kept if name in os.environ}


def _ending(code: int) -> str:
    if code > 0:
        return f"exited with status {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
