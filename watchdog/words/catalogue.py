"""All that a language must be able to say.

A language is a module of this folder, named by its two letters, with a subclass of ``Catalogue``
and ``WORDS``, one of it. Entries are methods, so that a language inflects, counts and orders its
words as it likes; types and tests see to it that none is missing, misnamed, or forgets what it was
given.

What entries are given is fit to be shown, and mostly English where it is foreign: reasons, paths.
What they return is cut to fit where it stands; what matters comes first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from watchdog.core.model import AlertKind


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
    time: str
    incident: str
    evidence: str  # above the last lines of the log


class Catalogue(ABC):
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

    # --- why there is a warning --------------------------------------------------------------

    @abstractmethod
    def certificate_ends(self, where: str, left: str) -> str:
        """Say that the certificate of *where*, a URL, is valid for so long."""

    @abstractmethod
    def certificate_ended(self, where: str, ago: str) -> str:
        """Say that the certificate of *where* is not valid any more, since so long."""

    @abstractmethod
    def disk_fills(self, path: str, percent: int, free: str) -> str:
        """Say how full a file system is, and how many bytes are free."""

    @abstractmethod
    def inodes_run_out(self, path: str, percent: int) -> str:
        """Say how many of its inodes a file system has used."""

    @abstractmethod
    def memory_near_limit(self, used: str, limit: str) -> str:
        """Say how much memory a service uses of what its unit allows it."""

    @abstractmethod
    def oom_kills(self, count: int) -> str:
        """Say that the kernel killed so many processes for want of memory since the last start."""

    @abstractmethod
    def slow_start(self, took: str, formerly: str) -> str:
        """Say how long starts take, and how long they used to take."""

    @abstractmethod
    def healed_often(self, count: int, lasted: str) -> str:
        """Say that restarts healed it so often within *lasted*, and that they hide a bug."""

    @abstractmethod
    def memory_over_limit(self, used: str, limit: str) -> str:
        """Say that more memory is used than was configured as the limit."""

    @abstractmethod
    def cpu_over_limit(self, percent: int, limit: int) -> str:
        """Say the same of the CPU, in percent of one."""

    @abstractmethod
    def open_files_over_limit(self, count: int, limit: int) -> str:
        """Say the same of the open files of one process."""

    @abstractmethod
    def unmeasured(self, what: str, reason: str) -> str:
        """Say that *what*, the path of a file system or a resource in words, is not measured."""

    @abstractmethod
    def resource(self, name: str) -> str:
        """Name a resource: memory, CPU, open files; or a path, which stays as it is."""

    @abstractmethod
    def days(self, count: int) -> str:
        """Say how many days, two at least."""

    # --- what was done, and what happens next ------------------------------------------------

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
        """Say from when to when it was down, and how long that was."""

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

    # --- buttons under an alert, and what is answered to who presses one ---------------------

    @abstractmethod
    def acknowledge_button(self) -> str:
        """Label the button of who has seen the incident. Labels: thirty characters at most."""

    @abstractmethod
    def restart_button(self) -> str:
        """Label the button that restarts the service now."""

    @abstractmethod
    def silence_button(self, span: str) -> str:
        """Label the button for no alerts during *span*."""

    @abstractmethod
    def pause_button(self, span: str) -> str:
        """Label the button for maintenance during *span*."""

    @abstractmethod
    def cancel_button(self) -> str:
        """Label the way out of a question."""

    @abstractmethod
    def restart_question(self, service: str) -> str:
        """Ask whether *service* is to be restarted, which interrupts it."""

    @abstractmethod
    def pause_question(self, service: str, span: str) -> str:
        """Ask whether *service* is to have neither restarts nor alerts during *span*."""

    @abstractmethod
    def acknowledged(self, who: str) -> str:
        """Say that *who* has acknowledged the incident: no more reminders of it."""

    @abstractmethod
    def silenced(self, who: str, span: str) -> str:
        """Say that *who* has begun a silence of *span*."""

    @abstractmethod
    def paused(self, who: str, span: str) -> str:
        """Say that *who* has begun maintenance of *span*."""

    @abstractmethod
    def restart_begun(self, who: str, service: str) -> str:
        """Say that *service* is being restarted, as *who* wants."""

    @abstractmethod
    def restart_healed(self, service: str, span: str) -> str:
        """Say that *service* is healthy, so long after the press."""

    @abstractmethod
    def restart_in_vain(self, service: str, reason: str) -> str:
        """Say that *service* is not healthy after the restart, and why."""

    @abstractmethod
    def may_not_press(self, who: str) -> str:
        """Say that *who* is not among those who may press, which the configuration lists."""

    @abstractmethod
    def cannot_tell_who(self, reason: str) -> str:
        """Say that it could not be found out who may press, so that nothing was done."""

    @abstractmethod
    def incident_over(self, incident: str) -> str:
        """Say that the incident is over, so that nothing was done."""

    @abstractmethod
    def pressed_twice(self, service: str) -> str:
        """Say that *service* is being restarted or just was, so that nothing was done."""

    @abstractmethod
    def of_another_host(self, host: str, here: str) -> str:
        """Say that the button is of *host*, but the press came *here*: each needs its own app."""

    @abstractmethod
    def not_done(self, reason: str) -> str:
        """Say that nothing was done, and why."""
