"""Which tests are the quick ones, and how thoroughly hypothesis searches.

By hand, for a long look: WATCHDOG_HYPOTHESIS=deep scripts/test --unit --timeout=0 -k properties
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence

import pytest
import structlog
from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
settings.register_profile("deep", deadline=None, max_examples=5_000)
settings.load_profile(
    os.environ.get("WATCHDOG_HYPOTHESIS", "ci" if os.environ.get("CI") == "true" else "quick")
)

# Tests that break something on purpose log it; without the colours, frames and variables that
# structlog takes from rich where that is installed, which take a quarter of a second each.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the quick tests, and of the core's those that are the same each time."""
    for item in items:
        if not item.nodeid.startswith("tests/unit/") or item.get_closest_marker("adapter"):
            continue
        in_core = item.nodeid.startswith("tests/unit/core/")
        # hypothesis marks its own, but after this.
        is_search = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        is_example = in_core and not is_search
        item.add_marker(pytest.mark.core_example if is_example else pytest.mark.unit)


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what was collected: it stays to the end."""
    gc.freeze()
