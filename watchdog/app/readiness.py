"""What systemd is told: ready, reloading, stopping, alive (sd_notify(3))."""

from __future__ import annotations

import math
import os
import time

import sdnotify
import structlog

log = structlog.get_logger()

MORE = 60.0
"""Seconds that a start which makes progress may go on from here, whatever TimeoutStartSec= says."""

ASK_EVERY = 5.0


class Readiness(sdnotify.SystemdNotifier):  # type: ignore[misc]
    """sdnotify's notifier, in UTF-8, without blocking, and with its failures logged.

    The original encodes Latin-1 and swallows what it cannot encode together with the whole
    datagram, WATCHDOG=1 included.
    """

    def __init__(self) -> None:
        super().__init__()
        if self.socket is not None:
            self.socket.settimeout(0)
        self._status = ""
        self._asked = -math.inf  # mono: when systemd was last asked for time

    def notify(self, state: str) -> None:
        """Send *state*; a full or missing socket loses it, and the log says so."""
        if self.socket is None:
            return
        try:
            self.socket.sendall(state.encode("utf-8", "replace"))
        except OSError as error:
            log.warning("cannot notify systemd; going on", state=state, reason=str(error))

    def ready(self) -> None:
        """Say that the daemon does its work."""
        self.notify("READY=1")

    def starting(self, mono: float) -> None:
        """Say that the start makes progress, so that systemd goes on waiting for it."""
        if mono >= self._asked + ASK_EVERY:
            self._asked = mono
            self.notify(f"EXTEND_TIMEOUT_USEC={int(MORE * 1e6)}")

    def reloading(self) -> None:
        """Say that the configuration is being read again; ``ready`` ends it."""
        self.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the daemon is about to end."""
        self.notify("STOPPING=1")

    def status(self, sentence: str) -> None:
        """Show *sentence* in ``systemctl status``; the same one is not sent twice."""
        if sentence != self._status:
            self._status = sentence
            self.notify("STATUS=" + sentence.replace("\n", " "))

    def alive(self) -> None:
        """Tell systemd's watchdog that the daemon makes progress."""
        self.notify("WATCHDOG=1")


def watchdog_period() -> float | None:
    """Return every how many seconds systemd wants to hear, divided by three; None if never.

    WATCHDOG_PID guards against variables inherited from a parent (sd_watchdog_enabled(3)).
    """
    micros, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not micros.isdigit() or int(micros) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(micros) / 3e6
