"""Every target with what is in its corpus, and with what hypothesis makes of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")

SLOW = 1.0
"""Seconds of CPU that no bytes may take."""

NAMES = sorted(TARGETS)


def corpus(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def take(name: str, octets: bytes) -> None:
    began = time.process_time()
    TARGETS[name](octets)
    assert time.process_time() - began < SLOW, f"{len(octets)} bytes take too long"


@st.composite
def damaged(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """Return a sample of which a part was cut out, doubled, or overwritten."""
    whole = draw(st.sampled_from(samples))
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    times = draw(st.sampled_from([0, 1, 2, 50]))
    return whole[:start] + whole[start:end] * times + draw(st.binary(max_size=8)) + whole[end:]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_corpus_holds_is_taken_in_good_order_and_in_time(name: str) -> None:
    samples = corpus(name)
    assert samples
    for octets in samples:
        take(name, octets)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(chance=st.data())
def test_damaged_samples_are_taken_in_good_order_and_in_time(
    name: str, chance: st.DataObject
) -> None:
    take(name, chance.draw(damaged(corpus(name)) | st.binary(max_size=200)))
