"""All that a language must be able to say.

A language is a module of this folder, named by its two letters, with a subclass of ``Catalogue``
and ``WORDS``, one of it. Entries are methods, so that a language inflects, counts and orders its
words as it likes; types and tests see to it that none is missing, misnamed, or forgets what it was
given. Entries about one subject are in a module of their own, *_entries.py.

What entries are given is fit to be shown, and mostly English where it is foreign: reasons, paths.
What they return is cut to fit where it stands; what matters comes first.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime

from watchdog.core.model import AlertKind
from watchdog.words.button_entries import ButtonEntries
from watchdog.words.measure_entries import MeasureEntries
from watchdog.words.warning_entries import WarningEntries


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The words before the colon, one for each line of an alert; no colon is in them."""

    late: str
    fallback: str  # why it comes this way
    service: str
    host: str
    failed: str  # a check, and why
    reason: str  # of what is not about a check
    failures: str
    restarts: str
    action: str  # what was done and what happens next
    acknowledged: str  # who has seen it
    since: str  # when it began to fail
    gave_up: str  # when
    down: str  # from when to when
    warned: str  # what a warning that is over was about
    lasted: str  # from when to when it stood
    time: str
    incident: str
    evidence: str  # above the last lines of the log


class Catalogue(WarningEntries, MeasureEntries, ButtonEntries):
    """The words of a language."""

    @property
    @abstractmethod
    def labels(self) -> Labels:
        """The words before the colon."""

    # --- the title: with the cause, which follows after a colon, it is all that a phone shows ----

    @abstractmethod
    def title(self, kind: AlertKind, subject: str, lasted: str) -> str:
        """Say how it stands with *subject*, a service or a host.

        *lasted* is how long the trouble has lasted; empty unless it is over or told again.
        """

    @abstractmethod
    def title_restarting(self, subject: str) -> str:
        """Say that *subject*, of which people know, is being restarted."""

    @abstractmethod
    def title_recovering(self, subject: str) -> str:
        """Say that *subject* seems to be back, and that this must be proven."""

    @abstractmethod
    def check(self, name: str) -> str:
        """Name a check: unit, process, status, port, http, or one that is not known here."""

    @abstractmethod
    def failed_check(self, check: str) -> str:
        """Say which check failed; why follows after a colon. *check* is its name in words."""

    # --- why ---------------------------------------------------------------------------------

    @abstractmethod
    def restart_failed(self, reason: str) -> str:
        """Say that a restart did not bring it up."""

    @abstractmethod
    def crash_loop(self, count: int, lasted: str, reason: str) -> str:
        """Say that it crashed *count* times within *lasted*, the last time for *reason*."""

    @abstractmethod
    def flapping(self, count: int, lasted: str, reason: str) -> str:
        """Say that it failed *count* times within *lasted*, and healed as often."""

    @abstractmethod
    def test(self, who: str) -> str:
        """Say that *who* asked for a test, and that all is well."""

    @abstractmethod
    def database_gone(self, path: str) -> str:
        """Say that the database was gone, and only files beside it were left."""

    @abstractmethod
    def database_moved(self, path: str) -> str:
        """Say that the database was deleted or replaced while it was in use."""

    @abstractmethod
    def database_replaced(self, path: str, reason: str) -> str:
        """Say that the database could not be used."""

    @abstractmethod
    def state_unreadable(self, service: str, reason: str) -> str:
        """Say that what was known of *service* cannot be read."""

    @abstractmethod
    def alert_unreadable(self, destination: str, reason: str) -> str:
        """Say that an alert on its way to *destination* cannot be read."""

    @abstractmethod
    def blind(self, services: str, lasted: str, reason: str) -> str:
        """Say that it is not known, for so long, how it stands with *services*."""

    @abstractmethod
    def sees_again(self) -> str:
        """Say that how it stands is known again of every service."""

    @abstractmethod
    def network_down(self, lasted: str, reason: str) -> str:
        """Say that this host's own network has been down for so long, for *reason*."""

    @abstractmethod
    def network_back(self, begin: str, end: str, lasted: str, reason: str) -> str:
        """Say from when to when this host's own network was down, and for what *reason*."""

    @abstractmethod
    def canary(self) -> str:
        """Say that this is the daily test of every channel, and that this one takes alerts."""

    @abstractmethod
    def undelivered(self, destination: str, since: str, reason: str) -> str:
        """Say that the channel *destination* has taken no alerts since then."""

    # --- why it comes by way of the fallback -------------------------------------------------

    @abstractmethod
    def diverted(self, destination: str, lasted: str, reason: str) -> str:
        """Say that *destination* has not taken it for so long."""

    @abstractmethod
    def refused(self, destination: str, reason: str) -> str:
        """Say that *destination* refuses it for good."""

    # --- many at once ------------------------------------------------------------------------

    @abstractmethod
    def title_of_many(self, kind: AlertKind, host: str) -> str:
        """Say how it stands with services on *host*; how many and which follows after a colon.

        *kind* is the worst there is.
        """

    @abstractmethod
    def state(self, kind: AlertKind) -> str:
        """Name a state, in a list."""

    @abstractmethod
    def services(self, count: int) -> str:
        """Say how many services, all in the state of the title."""

    @abstractmethod
    def in_state(self, count: int, state: str) -> str:
        """Say how many services are in *state*."""

    @abstractmethod
    def listed(self, names: str, more: int) -> str:
        """Name services, and say how many more there are."""

    @abstractmethod
    def also(self, state: str) -> str:
        """Say, before a colon, that more services are in *state*."""

    @abstractmethod
    def was_down(self, begin: str, end: str) -> str:
        """Say from when to when, in a list."""

    @abstractmethod
    def oldest_late(self, lasted: str) -> str:
        """Say that the oldest of many comes late by *lasted*."""

    # --- how often ---------------------------------------------------------------------------

    @abstractmethod
    def failures(self, count: int, limit: int) -> str:
        """Say how many failures in a row, and at how many people are told; *limit* 0: unknown."""

    @abstractmethod
    def restarts(self, count: int) -> str:
        """Say how many restarts there were since the trouble began."""

    # --- when --------------------------------------------------------------------------------

    @abstractmethod
    def span(self, hours: int, minutes: int, seconds: int) -> str:
        """Say how long; parts that are 0 are left out, unless all are."""

    @abstractmethod
    def unknown_span(self) -> str:
        """Say that nobody knows how long."""

    @abstractmethod
    def stamp(self, moment: datetime) -> str:
        """Say when, with date, time to the second and zone. Formatted without the locale."""

    @abstractmethod
    def short_stamp(self, moment: datetime, *, dated: bool) -> str:
        """Say when, to the minute, with the zone, and with the date if *dated*."""

    @abstractmethod
    def exact_stamp(self, moment: datetime, *, dated: bool) -> str:
        """Say when, to the second, with the zone, and with the date if *dated*."""

    @abstractmethod
    def unknown_moment(self, wall: float) -> str:
        """Say that a clock shows *wall* (UNIX seconds), which is no date."""

    @abstractmethod
    def after(self, span: str) -> str:
        """Say when: after *span*, counted from now."""

    @abstractmethod
    def after_at(self, span: str, stamp: str) -> str:
        """Say when: after *span*, counted from now, which is at *stamp*."""

    @abstractmethod
    def at(self, stamp: str) -> str:
        """Say when: at *stamp*."""

    @abstractmethod
    def down(self, begin: str, end: str, lasted: str) -> str:
        """Say from when to when it was down, or was warned of, and how long that was."""

    # --- late, and around it -----------------------------------------------------------------

    @abstractmethod
    def late(self, lasted: str, since: str) -> str:
        """Say that the alert comes late by *lasted*, and since when it has been true."""

    @abstractmethod
    def down_since(self, stamp: str) -> str:
        """Say since when it is down."""

    @abstractmethod
    def healthy_since(self, stamp: str) -> str:
        """Say since when it is healthy."""

    @abstractmethod
    def dated(self, stamp: str) -> str:
        """Say of when the alert is."""

    @abstractmethod
    def incident(self, name: str) -> str:
        """Name the incident at the end of a line."""

    @abstractmethod
    def signature(self, host: str) -> str:
        """Say who writes: service-watchdog, on *host*."""
