"""``status -w``: what is, for as long as somebody looks."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator

from watchdog.cli.client import RefusedError
from watchdog.cli.terminal import wait
from watchdog.errors import ControlError

PACE = 1.0
"""Seconds from one look to the next."""

# xterm: the other screen, no cursor, and what is too long for a line ends with it.
_OPEN, _CLOSE = "\033[?1049h\033[?25l\033[?7l", "\033[?7h\033[?25h\033[?1049l"
UNASKED = 3
"""The exit code: it could not be asked."""

_HOME, _REST = "\033[H", "\033[J"
_END = "\033[K"


def watch(look: Callable[[], int]) -> int:
    """Show what *look* prints, again and again, until Ctrl-C; return its last exit code.

    On a terminal in place, and the screen is as before in the end. Else each time it has changed.
    A daemon that has answered and no longer does is waited for: it may be on its way back.
    Raises ControlError if it never has.
    """
    code, known = 0, ""
    with _screen() as is_terminal:
        shown = ""
        while True:
            try:
                try:
                    code, text = _caught(look)
                    known = text
                except RefusedError:
                    raise
                except ControlError as error:
                    if not known:
                        raise
                    code, text = UNASKED, f"{error}; trying again\n"
                    text += f"\nAs it was before:\n{known}" if is_terminal else ""
                if is_terminal:
                    fitting = _fitting(text, os.get_terminal_size(sys.stdout.fileno()).lines)
                    sys.stdout.write(_HOME + fitting.replace("\n", _END + "\n") + _REST)
                elif text != shown:
                    sys.stdout.write(text)
                sys.stdout.flush()
                shown = text
                wait(PACE)
            except KeyboardInterrupt:
                return code


def _fitting(text: str, height: int) -> str:
    """Return as much of *text* as a screen shows, and that there is more."""
    lines = text.splitlines(keepends=True)
    shown = max(1, height - 2)  # the cursor stands on one of its own
    if height == 0 or len(lines) < height:
        return text
    return "".join(lines[:shown]) + f"… {len(lines) - shown} more lines"


def _caught(look: Callable[[], int]) -> tuple[int, str]:
    """Return what *look* returns, and what it prints; nothing of it is shown half."""

    class Page(io.StringIO):
        encoding = sys.stdout.encoding

        def isatty(self) -> bool:
            return terminal

    terminal = sys.stdout.isatty()
    page = Page()
    with contextlib.redirect_stdout(page):
        code = look()
    return code, page.getvalue()


@contextlib.contextmanager
def _screen() -> Iterator[bool]:
    if not sys.stdout.isatty():
        yield False
        return
    before = signal.signal(signal.SIGTERM, _interrupt)  # so that the screen is put back
    sys.stdout.write(_OPEN)
    try:
        yield True
    finally:
        sys.stdout.write(_CLOSE)
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
