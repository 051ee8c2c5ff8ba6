"""The facts of an alert as phrases of a language. Pure: no I/O, no clock, no log.

A clock gone mad must not stop an alert: what is no date is told as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import assert_never

from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.spans import clock_parts
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.notify.warned import warned
from watchdog.words.catalogue import Catalogue

LATE = 60.0  # seconds between alert and sending that are worth a word
LONGEST = 1e9  # seconds, thirty years: beyond it the clock is wrong
EXACT_WAIT = 120.0  # seconds; the time of what comes sooner says nothing new


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases about *alert* as they are true at *sent_wall* (UNIX seconds), times in zone *tz*."""

    alert: Alert
    sent_wall: float
    tz: tzinfo
    words: Catalogue

    # --- why -------------------------------------------------------------------------------------

    def cause(self) -> str:
        """Return why there is an alert."""
        told = self.alert.circumstance
        return self._circumstance(told) if told is not None else self.alert.reason

    def _circumstance(self, told: Circumstance) -> str:
        words = self.words
        match told.kind:
            case CircumstanceKind.RESTART_FAILED:
                return words.restart_failed(told.reason)
            case CircumstanceKind.CRASH_LOOP:
                return words.crash_loop(told.count, self.span(told.lasted), told.reason)
            case CircumstanceKind.FLAPPING:
                return words.flapping(told.count, self.span(told.lasted), told.reason)
            case CircumstanceKind.TEST:
                return words.test(told.subject)
            case CircumstanceKind.DATABASE_GONE:
                return words.database_gone(told.subject)
            case CircumstanceKind.DATABASE_MOVED:
                return words.database_moved(told.subject)
            case CircumstanceKind.DATABASE_REPLACED:
                return words.database_replaced(told.subject, told.reason)
            case CircumstanceKind.STATE_UNREADABLE:
                return words.state_unreadable(told.subject, told.reason)
            case CircumstanceKind.ALERT_UNREADABLE:
                return words.alert_unreadable(told.subject, told.reason)
            case CircumstanceKind.BLIND:
                return words.blind(self._services(told), self.span(told.lasted), told.reason)
            case CircumstanceKind.SEES_AGAIN:
                return words.sees_again()
            case CircumstanceKind.NETWORK_DOWN:
                return words.network_down(self.span(told.lasted), told.reason)
            case CircumstanceKind.NETWORK_BACK:
                begin = self.short_stamp(self.alert.wall - told.lasted)
                end = self.short_stamp(self.alert.wall)
                return words.network_back(begin, end, self.span(told.lasted), told.reason)
            case CircumstanceKind.CANARY:
                return words.canary()
            case CircumstanceKind.UNDELIVERED:
                since = self.short_stamp(self.alert.wall - told.lasted)
                return words.undelivered(told.subject, since, told.reason)
            case _:
                return warned(told, words, self.span)

    def fallback(self) -> str:
        """Return why the alert comes by way of the fallback; empty if it does not."""
        why = self.alert.diversion
        if why is None:
            return ""
        if why.refused:
            return self.words.refused(why.destination, why.reason)
        lasted = self.span(self.sent_wall - why.since)
        return self.words.diverted(why.destination, lasted, why.reason)

    def failed_check(self) -> str:
        """Return which check failed; empty if none did."""
        return self.words.failed_check(self.check()) if self.alert.check else ""

    def check(self) -> str:
        """Return the name of the check."""
        return self.words.check(self.alert.check)

    # --- what was done, and what happens next ----------------------------------------------------

    def action(self) -> str:
        """Return what was done and what happens next; empty if there is nothing to say."""
        alert = self.alert
        if alert.measure is not None:
            return self._measure(alert.measure)
        return self._mended(alert.circumstance) if alert.circumstance is not None else ""

    def _measure(self, measure: Measure) -> str:
        words = self.words
        match measure.kind:
            case MeasureKind.RESTARTING:
                return words.restarting(measure.count, measure.limit)
            case MeasureKind.RESTARTING_ONCE_MORE:
                return words.restarting_once_more()
            case MeasureKind.RESTART_ASKED:
                return words.restart_asked(measure.words)
            case MeasureKind.RECOVERING | MeasureKind.RECOVERING_ONCE_MORE:
                return words.recovering()
            case MeasureKind.SETTLING:
                return words.settling(self.span(measure.lasted))
            case MeasureKind.HELD:
                return words.held(measure.words)
            case MeasureKind.RESTART_DUE:
                return words.restart_due(self.when(measure.next_try))
            case MeasureKind.RESTART_AFTER:
                return words.restart_after(measure.limit)
            case MeasureKind.NO_RESTART_HELPS:
                return words.no_restart_helps()
            case MeasureKind.RESTARTS_OFF:
                return words.restarts_off(self.check())
            case MeasureKind.NO_RESTART_POSSIBLE:
                return words.no_restart_possible(self.when(measure.next_try))
            case MeasureKind.GAVE_UP:
                return words.gave_up(measure.count, self.when(measure.next_try))
            case MeasureKind.LEFT_TO_KEEPER:
                return words.left_to_keeper()
            case MeasureKind.HEALED:
                return words.healed()
            case MeasureKind.NO_LONGER_WATCHED:
                return words.no_longer_watched()
            case MeasureKind.DEPLOYED:
                return words.deployed(measure.words)
            case MeasureKind.NO_LONGER_MEASURED:
                return words.no_longer_measured()
            case MeasureKind.CAME_BACK:
                return words.came_back()
            case MeasureKind.STAYED_HEALTHY:
                return words.stayed_healthy(self.span(measure.lasted))
            case MeasureKind.RESTARTED:
                return words.restarted()
            case MeasureKind.WORDED:
                return measure.words
        assert_never(measure.kind)

    def _mended(self, told: Circumstance) -> str:
        """Return what the daemon did about what happened to itself."""
        match told.kind:
            case CircumstanceKind.DATABASE_GONE:
                return self.words.begun_anew(told.aside)
            case CircumstanceKind.DATABASE_MOVED if told.aside:
                return self.words.written_anew_beside(told.aside)
            case CircumstanceKind.DATABASE_MOVED:
                return self.words.written_anew()
            case CircumstanceKind.DATABASE_REPLACED:
                return self.words.taken_over(told.aside, told.count, told.states)
            case CircumstanceKind.STATE_UNREADABLE:
                return self.words.judged_anew()
            case CircumstanceKind.ALERT_UNREADABLE:
                return self.words.not_sent()
            case CircumstanceKind.BLIND:
                return self.words.nothing_seen()
            case CircumstanceKind.NETWORK_DOWN:
                return self.words.not_judged(self._services(told))
            case CircumstanceKind.NETWORK_BACK:
                return self.words.was_not_judged(self._services(told))
            case CircumstanceKind.UNDELIVERED:
                return self.words.kept_waiting()
            case _:
                return ""

    def _services(self, told: Circumstance) -> str:
        return self.words.listed(told.subject, told.count) if told.count else told.subject

    # --- how often -------------------------------------------------------------------------------

    def failures(self) -> str:
        """Return the count of failures against its limit; empty if there were none."""
        alert = self.alert
        return self.words.failures(alert.failures, alert.max_failures) if alert.failures else ""

    def restarts(self) -> str:
        """Return the count of restarts; empty if there were none."""
        return self.words.restarts(self.alert.restarts) if self.alert.restarts else ""

    # --- when ------------------------------------------------------------------------------------

    def when(self, wall: float) -> str:
        """Return when something is to happen; in a late alert no span, for it began long ago."""
        wait = wall - self.alert.wall
        if self.sent_wall - self.alert.wall >= LATE:
            return self.words.at(self.short_stamp(wall))
        if not wait >= EXACT_WAIT:
            return self.words.after(self.span(max(wait, 0.0)))
        return self.words.after_at(self.span(wait), self.short_stamp(wall))

    def late(self, lasted: float) -> str:
        """Return that the alert is late, and since when it has been true."""
        return self.words.late(self.span(lasted), self._since())

    def _since(self) -> str:
        alert, words = self.alert, self.words
        match alert.kind:
            case AlertKind.FIRING | AlertKind.UPDATE | AlertKind.REMINDER | AlertKind.GAVE_UP:
                return words.down_since(self.short_stamp(alert.opened or alert.wall))
            case AlertKind.RESOLVED:
                return words.healthy_since(self.short_stamp(alert.wall))
            case AlertKind.WARNING | AlertKind.WARNING_OVER | AlertKind.NOTICE | AlertKind.TEST:
                return words.dated(self.short_stamp(alert.wall))
        assert_never(alert.kind)

    def down(self) -> str:
        """Return from when to when the service was down, or a warning stood."""
        alert = self.alert
        begin, end = self.stamp(alert.opened), self.stamp(alert.wall)
        return self.words.down(begin, end, self.span(alert.duration))

    def stamp(self, wall: float) -> str:
        """Return *wall* as date, time and zone."""
        at = moment(wall, self.tz)
        return self.words.stamp(at) if at is not None else self.words.unknown_moment(wall)

    def short_stamp(self, wall: float) -> str:
        """Return *wall* as time and zone, with the date if it is not the day of the sending."""
        at, sent = moment(wall, self.tz), moment(self.sent_wall, self.tz)
        if at is None:
            return self.words.unknown_moment(wall)
        return self.words.short_stamp(at, dated=sent is None or sent.date() != at.date())

    def exact_stamp(self) -> str:
        """Return when the alert became true, to the second; with the date if not today."""
        at, sent = moment(self.alert.wall, self.tz), moment(self.sent_wall, self.tz)
        if at is None:
            return self.words.unknown_moment(self.alert.wall)
        return self.words.exact_stamp(at, dated=sent is None or sent.date() != at.date())

    def span(self, seconds: float) -> str:
        """Return *seconds* as people say it."""
        if not 0 <= seconds < LONGEST:  # nan is neither
            return self.words.unknown_span()
        return self.words.span(*clock_parts(seconds))


def moment(wall: float, tz: tzinfo) -> datetime | None:
    """Return *wall* (UNIX seconds) in zone *tz*; None if it is no date."""
    try:
        return datetime.fromtimestamp(wall, tz)
    except (OverflowError, ValueError, OSError):
        return None
