"""Python's garbage collector leaves the services alone."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from watchdog.app.garbage import settle


class Circle:
    """Refers to itself, as only the collector finds out."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_there_is_never_looked_at_again() -> None:
    circle = Circle()
    gone = weakref.ref(circle)
    settle(1)
    del circle
    gc.collect()
    assert gone() is not None


def test_what_a_reload_has_ended_is_freed_when_things_have_settled_again() -> None:
    circle = Circle()
    gone = weakref.ref(circle)
    settle(1)
    del circle
    settle(1)
    assert gone() is None


def test_rounds_of_ten_thousand_services_do_not_bring_a_look_on() -> None:
    settle(10_000)
    young, *_ = gc.get_threshold()
    assert young > 20_000
    settle(1)
    assert gc.get_threshold()[0] < 1000
