"""An alert as one line of a conversation. Pure: no I/O, no clock, no log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from watchdog.core.model import Alert, AlertKind
from watchdog.core.telling import MeasureKind
from watchdog.notify.phrases import Phrases
from watchdog.notify.stage import Stage, stage
from watchdog.notify.text import one_line
from watchdog.words.catalogue import Catalogue

WIDTH = 300
MOST = 20  # lines in one message

_SAYS_ITSELF = frozenset({Stage.RESTARTING, Stage.RECOVERING})
"""Stages in which what is being done is the news, and the cause is known."""


def events(
    alerts: Sequence[Alert], sent_wall: float, tz: tzinfo, words: Catalogue
) -> tuple[str, ...]:
    """Return the newest of *alerts* as lines, each with its time, oldest first."""
    return tuple(
        one_line(_event(Phrases(alert, sent_wall, tz, words)), WIDTH) for alert in alerts[-MOST:]
    )


def _event(phrases: Phrases) -> str:
    return f"{phrases.exact_stamp()} - {_what(phrases)}"


def _what(phrases: Phrases) -> str:
    alert, words, action = phrases.alert, phrases.words, phrases.action()
    if alert.seen_by:
        return words.acknowledged_by(alert.seen_by)
    if alert.kind is AlertKind.RESOLVED:
        return _joined(words.state(alert.kind), phrases.down() if alert.opened else "", action)
    held = alert.measure is not None and alert.measure.kind is MeasureKind.HELD
    if action and alert.kind is AlertKind.UPDATE and (held or stage(alert) in _SAYS_ITSELF):
        return action
    return _joined(words.state(alert.kind), phrases.cause(), action)


def _joined(state: str, *parts: str) -> str:
    """Return *parts* after the state that they belong to."""
    said = "; ".join(part for part in parts if part.strip())
    return f"{state}: {said}" if said else state
