"""What takes long (`soak`) runs on demand alone."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


# A shell has what it puts in the background ignore Ctrl-C, and every program that the tests start
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run what takes long, and nothing else")
    parser.addoption("--hours", type=float, default=1.0, help="how long the real soak lasts")
    parser.addoption("--weeks", type=int, default=13, help="how long each simulated life lasts")
    parser.addoption("--write", action="store_true", help="write what a soak showed into its page")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = bool(config.getoption("soak"))
    others = [item for item in items if (item.get_closest_marker("soak") is not None) != wanted]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]
