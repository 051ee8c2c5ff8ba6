"""Which tests are the quick ones, and how thoroughly hypothesis searches.

By hand, for a long look: WATCHDOG_HYPOTHESIS=deep scripts/test --unit --timeout=0 -k properties
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

NONE_QUICK = b"\npytestmark = pytest.mark.adapter\n"

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


# Nothing of what collecting makes is garbage yet: looking for it costs a fifth of the time.
gc.disable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import, for the quick tests, a module of which none is quick."""
    is_module = config.getoption("markexpr") == "unit" and collection_path.suffix == ".py"
    return True if is_module and NONE_QUICK in collection_path.read_bytes() else None


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the quick tests, and measure the coverage of those that are the same each time.

    Nor is it measured of those with a mark that says so: they repeat what others have shown, some
    a thousand times.
    """
    for item in items:
        if not item.nodeid.startswith("tests/unit/") or item.get_closest_marker("adapter"):
            continue
        item.add_marker(pytest.mark.unit)
        # hypothesis marks its own, but after this.
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what was collected: it stays to the end."""
    gc.freeze()
    gc.enable()
