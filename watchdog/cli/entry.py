"""Where the program begins: a Ctrl-C while it is still being loaded ends it without a word."""

from __future__ import annotations

import signal

# Until then nothing is under way that would have to be left in order. Who is started with the
# signal ignored, as by nohup or in the background, goes on ignoring it.
_is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _is_ours:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Load the commands, run the one that is wanted and return its exit code."""
    from watchdog.cli.main import main as command

    if _is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = command()
    if _is_ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nor while it is being taken down
    return code
