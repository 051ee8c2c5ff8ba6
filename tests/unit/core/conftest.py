"""Examples of what the core does, told from properties of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what shows the core by examples: what hypothesis finds is another each time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("hypothesis") is None:
            item.add_marker(pytest.mark.core_example)
