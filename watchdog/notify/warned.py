"""Why there is a warning, as a phrase of a language. Pure: no I/O, no clock, no log."""

from __future__ import annotations

from collections.abc import Callable

from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.core.warning_words import percent, size, whole_days
from watchdog.words.catalogue import Catalogue


def warned(  # noqa: C901, PLR0911, PLR0912 - its arms are the table
    told: Circumstance, words: Catalogue, span: Callable[[float], str]
) -> str:
    """Return what *told* says; *span* words seconds. Of what is no warning: its reason."""

    def lasting(seconds: float) -> str:
        days = whole_days(seconds) if seconds == seconds else 0  # noqa: PLR0124 - nan is not itself
        return words.days(days) if 0 < days < _MOST_DAYS else span(seconds)

    value, limit = told.value, told.limit
    match told.kind:
        case CircumstanceKind.CERTIFICATE if value < 0:
            return words.certificate_ended(told.subject, lasting(-value))
        case CircumstanceKind.CERTIFICATE:
            return words.certificate_ends(told.subject, lasting(value))
        case CircumstanceKind.DISK:
            return words.disk_fills(told.subject, percent(value), size(limit))
        case CircumstanceKind.INODES:
            return words.inodes_run_out(told.subject, percent(value))
        case CircumstanceKind.MEMORY:
            return words.memory_near_limit(size(value), size(limit))
        case CircumstanceKind.OOM_KILLS:
            return words.oom_kills(told.count)
        case CircumstanceKind.SLOW_START:
            return words.slow_start(span(value), span(limit))
        case CircumstanceKind.HEALED_OFTEN:
            return words.healed_often(told.count, span(told.lasted))
        case CircumstanceKind.MEMORY_LIMIT:
            return words.memory_over_limit(size(value), size(limit))
        case CircumstanceKind.CPU_LIMIT:
            return words.cpu_over_limit(round(value * 100), round(limit * 100))
        case CircumstanceKind.OPEN_FILES_LIMIT:
            return words.open_files_over_limit(round(value), round(limit))
        case CircumstanceKind.UNMEASURED:
            return words.unmeasured(words.resource(told.subject), told.reason)
        case _:
            return told.reason


_MOST_DAYS = 10_000  # beyond it the clock is wrong
