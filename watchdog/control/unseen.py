"""What is known of processes that somebody else keeps: nothing."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.ports import Listener


class Unseen:
    """The part of ports.ServiceControl that tells of processes, where only the keeper knows."""

    @property
    def main_pid(self) -> int | None:
        """Return None: it is not known."""
        return None

    async def is_ending(self) -> bool:
        """Return False: it is not known."""
        return False

    @property
    def cgroup(self) -> str:
        """Return none: it is not known."""
        return ""

    def pids(self) -> Sequence[int]:
        """Return none: they are not known."""
        return ()

    def owns(self, listener: Listener) -> bool:
        """Take every listener for the service's: nobody tells which are its own."""
        del listener
        return True
