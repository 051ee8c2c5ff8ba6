"""How long an alert waits for a person."""

from __future__ import annotations

REPAIR_PAUSE = 300.0
"""Seconds to the next try where somebody has to repair something, which takes minutes."""
