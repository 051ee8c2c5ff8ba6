"""``status -w``: what is, for as long as somebody looks."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Callable, Iterator

from watchdog.cli.terminal import wait

PACE = 1.0
"""Seconds from one look to the next."""

_OPEN, _CLOSE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"  # xterm: other screen, no cursor
_HOME, _REST = "\033[H", "\033[J"
_END = "\033[K"


def watch(look: Callable[[], int]) -> int:
    """Show what *look* prints, again and again, until Ctrl-C; return its last exit code.

    On a terminal in place, and the screen is as before in the end. Else each time it has changed.
    """
    code = 0
    with _screen() as is_terminal:
        shown = ""
        while True:
            try:
                code, text = _caught(look)
                if is_terminal:
                    sys.stdout.write(_HOME + text.replace("\n", _END + "\n") + _REST)
                elif text != shown:
                    sys.stdout.write(text)
                sys.stdout.flush()
                shown = text
                wait(PACE)
            except KeyboardInterrupt:
                return code


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
