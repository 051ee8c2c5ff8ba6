"""What a language says of measures: what the daemon did, and what it will do."""

from __future__ import annotations

from abc import ABC, abstractmethod


class MeasureEntries(ABC):
    """What was done, and what happens next."""

    @abstractmethod
    def restarting(self, number: int, limit: int) -> str:
        """Say that restart *number* of *limit* is being made."""

    @abstractmethod
    def restarting_once_more(self) -> str:
        """Say that a restart is being made, though there were too many already."""

    @abstractmethod
    def restart_asked(self, who: str) -> str:
        """Say that a restart is being made because *who* asked for it."""

    @abstractmethod
    def recovering(self) -> str:
        """Say that it was restarted, and must now prove to be healthy."""

    @abstractmethod
    def settling(self, lasted: str) -> str:
        """Say that it is healthy again, which is believed once that has lasted so long."""

    @abstractmethod
    def held(self, why: str) -> str:
        """Say that it cannot be judged now, and why."""

    @abstractmethod
    def acknowledged_by(self, who: str) -> str:
        """Say that *who* has seen the incident, so that nobody is reminded of it any more."""

    @abstractmethod
    def restart_due(self, when: str) -> str:
        """Say that the next restart comes *when*."""

    @abstractmethod
    def restart_after(self, failures: int) -> str:
        """Say that there will be a restart once there are so many failures."""

    @abstractmethod
    def no_restart_helps(self) -> str:
        """Say that a restart cannot help, none is made, and a person is needed."""

    @abstractmethod
    def restarts_off(self, check: str) -> str:
        """Say that none is made for *check*, a name in words, and a person is needed."""

    @abstractmethod
    def no_restart_possible(self, when: str) -> str:
        """Say that a restart cannot be done, a person is needed, and one is tried *when*."""

    @abstractmethod
    def gave_up(self, count: int, when: str) -> str:
        """Say that no more restarts are made after *count*, but for one try *when*."""

    @abstractmethod
    def left_to_keeper(self) -> str:
        """Say that systemd's Restart= brings it back, and is left to do so."""

    @abstractmethod
    def healed(self) -> str:
        """Say that a restart healed it."""

    @abstractmethod
    def no_longer_watched(self) -> str:
        """Say that it was taken out of the configuration, so that nobody looks any more."""

    @abstractmethod
    def deployed(self, who: str) -> str:
        """Say that it is healthy since *who* has deployed it."""

    @abstractmethod
    def no_longer_measured(self) -> str:
        """Say that what was warned of is not measured any more: mended or not, nobody knows."""

    @abstractmethod
    def came_back(self) -> str:
        """Say that it came back without our doing."""

    @abstractmethod
    def stayed_healthy(self, lasted: str) -> str:
        """Say that it has been healthy for so long, after failing and healing by turns."""

    @abstractmethod
    def restarted(self) -> str:
        """Say that it was restarted and is healthy."""

    @abstractmethod
    def begun_anew(self, aside: str) -> str:
        """Say that there is a new database, and that what was left is in the file *aside*."""

    @abstractmethod
    def written_anew(self) -> str:
        """Say that all was written again, and that the daemon is to be stopped first next time."""

    @abstractmethod
    def written_anew_beside(self, aside: str) -> str:
        """Say the same, and that what had taken its place is in the file *aside*."""

    @abstractmethod
    def taken_over(self, aside: str, alerts: int, states: int) -> str:
        """Say that there is a new database with so much of the old one, the file *aside*."""

    @abstractmethod
    def judged_anew(self) -> str:
        """Say that the service is judged as if nothing had been known of it."""

    @abstractmethod
    def not_sent(self) -> str:
        """Say that the alert is kept and will not be sent."""

    @abstractmethod
    def nothing_seen(self) -> str:
        """Say that meanwhile no failure is seen nor reported."""

    @abstractmethod
    def not_judged(self, services: str) -> str:
        """Say that *services*, which take that network to be reached, are not judged meanwhile."""

    @abstractmethod
    def was_not_judged(self, services: str) -> str:
        """Say that *services* were not judged meanwhile, and are again."""

    @abstractmethod
    def kept_waiting(self) -> str:
        """Say that the alerts of that channel are kept, and sent when it takes them."""
