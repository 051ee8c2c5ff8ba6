"""How long a relay waits, and how often it tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits of one relay. Seconds."""

    deadline: float = 15.0  # for one sending; above the notifier's own timeout
    gap: float = 0.0  # between two messages, and two edits; Slack takes a message a second
    first_delay: float = 1.0  # ceiling of the first delay, doubled with each failure …
    longest_delay: float = 300.0  # … up to here
    evidence: float = 2.0  # the most that an alert waits for evidence being gathered
    gather: float = 30.0  # for which the end of one incident of many waits for that of the others
    one_by_one: bool = False  # each alert by itself, none left out: the other side is a program
    recheck: float = 60.0  # the outbox is looked into even if nobody says that it has grown

    def delay(self, failures: int, chance: float) -> float:
        """Return the wait after so many *failures* in a row: exponential, with full jitter.

        *chance* is from 0 to 1. Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
        """
        ceiling = self.first_delay * 2.0 ** min(max(failures, 1) - 1, 60)
        return chance * min(self.longest_delay, ceiling)
