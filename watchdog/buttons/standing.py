"""How the connection to Slack's buttons stands, for people."""

from __future__ import annotations

from typing import TypedDict

import structlog

from watchdog.ports import Clock

log = structlog.get_logger()


class ButtonsStatus(TypedDict):
    """How the buttons of a channel stand. Times are wall."""

    connected: bool
    since: float  # connected, or not
    reason: str  # why not; or what is odd though they are


class Standing:
    """What became of the connection; each change is logged once, not each try."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._is_connected = False
        self._since = clock.now().wall
        self._reason = "not connected yet"
        self._told = False  # of the present outage, in the log
        self._open = 0  # connections of our own
        self._lost = 0  # of them; Slack may count those for a while

    def connected(self, connections: int) -> None:
        """Take note of a new connection, one of so many that the app has everywhere."""
        self._open += 1
        others, self._lost = connections - self._open - self._lost, 0
        reason = ""
        if others > 0:
            reason = (
                f"when it connected, {others} more took presses of the same app;"
                " each host needs an app of its own"
            )
        if not self._is_connected or reason != self._reason:
            odd = {"reason": reason} if reason else {}
            log.info("slack buttons connected", channel=self._name, **odd)
        self._set(is_connected=True, reason=reason)

    def closed(self) -> None:
        """Take note of the end of a connection, be it lost or replaced."""
        self._open -= 1

    def lost(self, reason: str) -> None:
        """Take note that there is no connection, or no new one."""
        if self._is_connected:
            self._lost = self._open
        if not self._told:
            log.warning(
                "slack buttons not connected, trying again", channel=self._name, reason=reason
            )
        self._set(is_connected=False, reason=reason)

    def status(self) -> ButtonsStatus:
        """Return how it stands."""
        return {"connected": self._is_connected, "since": self._since, "reason": self._reason}

    def _set(self, *, is_connected: bool, reason: str) -> None:
        if is_connected is not self._is_connected:
            self._since = self._clock.now().wall
        self._is_connected, self._reason = is_connected, reason
        self._told = not is_connected
