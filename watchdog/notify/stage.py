"""How far an incident has come, as its newest alert tells it. Pure: no I/O, no clock, no log."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from watchdog.core.model import Alert, AlertKind
from watchdog.core.telling import MeasureKind


class Stage(StrEnum):
    """What a glance must tell: the first word of a title, a colour."""

    FIRING = "firing"
    RESTARTING = "restarting"
    RECOVERING = "recovering"  # up again; health is not proven yet
    GAVE_UP = "gave-up"
    RESOLVED = "resolved"
    WARNING = "warning"
    NOTICE = "notice"
    TEST = "test"


_OF_KIND: Mapping[AlertKind, Stage] = MappingProxyType(
    {
        AlertKind.GAVE_UP: Stage.GAVE_UP,
        AlertKind.RESOLVED: Stage.RESOLVED,
        AlertKind.WARNING: Stage.WARNING,
        AlertKind.WARNING_OVER: Stage.RESOLVED,
        AlertKind.NOTICE: Stage.NOTICE,
        AlertKind.TEST: Stage.TEST,
    }
)

_OF_UPDATE: Mapping[MeasureKind, Stage] = MappingProxyType(
    {
        MeasureKind.RESTARTING: Stage.RESTARTING,
        MeasureKind.RESTARTING_ONCE_MORE: Stage.RESTARTING,
        MeasureKind.RESTART_ASKED: Stage.RESTARTING,
        MeasureKind.RECOVERING: Stage.RECOVERING,
        MeasureKind.RECOVERING_ONCE_MORE: Stage.RECOVERING,
        MeasureKind.SETTLING: Stage.RECOVERING,
        MeasureKind.GAVE_UP: Stage.GAVE_UP,
        MeasureKind.NO_RESTART_POSSIBLE: Stage.GAVE_UP,
    }
)


def stage(alert: Alert) -> Stage:
    """Return how far the incident of *alert* has come.

    What opens one is firing, whatever is being done about it: that is what wakes people.
    """
    if alert.kind is AlertKind.UPDATE and alert.measure is not None:
        return _OF_UPDATE.get(alert.measure.kind, Stage.FIRING)
    return _OF_KIND.get(alert.kind, Stage.FIRING)
