"""What comes to several logs, as it comes."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence

from watchdog.logs.journal import Journal
from watchdog.logs.line import Line
from watchdog.logs.tail import Tail

_EVERY = 0.2
"""Seconds between two looks at the files: a stat and a read of 256 bytes each."""


def follow(
    tails: Sequence[Tail], journal: Journal | None, output: int
) -> Iterator[list[list[Line]]]:
    """Yield what each log got since the last time, forever; lists may be empty.

    Raises BrokenPipeError once nobody reads *output* any more, also if there is nothing to write.
    """
    poll = select.poll()
    poll.register(output, 0)  # errors alone
    watched = journal.descriptor if journal is not None else None
    if watched is not None:
        poll.register(watched, select.POLLIN)
    looked = 0.0
    while True:
        rest = max(0.0, looked + _EVERY - time.monotonic())
        if any(ready == output for ready, _ in poll.poll(rest * 1000)):
            raise BrokenPipeError
        batches: list[list[Line]] = []
        if journal is not None:
            batches.append(journal.fresh())
            if watched is not None and journal.descriptor is None:
                poll.unregister(watched)
                watched = None
        if time.monotonic() >= looked + _EVERY:
            looked = time.monotonic()
            now = time.time()
            batches += [tail.fresh(now) for tail in tails]
        yield batches
