"""What goes wrong between Slack's buttons and us."""

from __future__ import annotations

from watchdog.errors import WatchdogError


class ButtonsError(WatchdogError):
    """Slack could not be asked, or refused; ``pause``: seconds until asking again is worth it."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause
