"""Which tests are the quick ones, and how thoroughly hypothesis searches.

By hand, for a long look: WATCHDOG_HYPOTHESIS=deep scripts/test --unit --timeout=0 -k properties
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
settings.register_profile("deep", deadline=None, max_examples=5_000)
settings.load_profile(
    os.environ.get("WATCHDOG_HYPOTHESIS", "ci" if os.environ.get("CI") == "true" else "quick")
)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the quick tests, and of the core's those that are the same each time."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents or item.get_closest_marker("adapter") is not None:
            continue
        in_core = here / "core" in item.path.parents
        is_example = in_core and item.get_closest_marker("hypothesis") is None
        item.add_marker(pytest.mark.core_example if is_example else pytest.mark.unit)
