"""How people say a span of time."""

from __future__ import annotations


def clock_parts(seconds: float) -> tuple[int, int, int]:
    """Return the hours, minutes and seconds that people would say of a span of time.

    Seconds of what took less than two minutes, else minutes, and hours as well from two on.
    """
    whole = max(0, round(seconds))
    if whole < 120:  # noqa: PLR2004 - two minutes
        return 0, 0, whole
    minutes = round(whole / 60)
    if minutes < 120:  # noqa: PLR2004 - two hours
        return 0, minutes, 0
    return *divmod(minutes, 60), 0


def span(seconds: float) -> str:
    """Say a span of time for the ledger and the log: ``40 s``, ``5 min``, ``2 h 30 min``."""
    parts = zip(clock_parts(seconds), ("h", "min", "s"), strict=True)
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
