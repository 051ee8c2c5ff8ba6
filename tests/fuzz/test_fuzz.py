"""Every target with what is in its corpus, and with what hypothesis makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import parsers
from tests.fuzz.targets import LONGEST, TARGETS, take
from watchdog.buttons.payload import read_envelope, read_press
from watchdog.config import load
from watchdog.doctor.packets.nft import parse_nft
from watchdog.probes.certificate import validity
from watchdog.probes.reception import Reception
from watchdog.probes.rtnetlink import parse_link, parse_route
from watchdog.probes.sock_diag import Listening, collect

CORPUS = Path(__file__).with_name("corpus")

NAMES = sorted(TARGETS)
FOREIGN = [name for name in NAMES if name != "config"]  # tomllib takes the square of a dotted key


def corpus(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


@st.composite
def damaged(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """Return a sample of which a part was cut out, doubled, or overwritten."""
    whole = draw(st.sampled_from(samples))
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    times = draw(st.sampled_from([0, 1, 2, 50]))
    return whole[:start] + whole[start:end] * times + draw(st.binary(max_size=8)) + whole[end:]


@st.composite
def grown(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """Return a sample of which a part is repeated as often as fits: what takes its square shows."""
    whole = draw(st.sampled_from([sample for sample in samples if sample]))
    start = draw(st.integers(0, len(whole) - 1))
    end = min(start + draw(st.integers(1, 40)), len(whole))
    times = LONGEST // (end - start)
    return whole[:start] + whole[start:end] * times + draw(st.sampled_from([b"", whole[end:]]))


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


# The same ones each time: what somebody else's change would find by chance is for `scripts/fuzz`.
@pytest.mark.parametrize("name", FOREIGN)
@settings(deadline=None, max_examples=30, derandomize=True, suppress_health_check=list(HealthCheck))
@given(chance=st.data())
def test_long_samples_are_taken_in_good_order_and_in_time(name: str, chance: st.DataObject) -> None:
    take(name, chance.draw(grown(corpus(name))))


def _press(octets: bytes) -> object:
    return read_press(read_envelope(octets.decode()).payload)


def _listeners(octets: bytes) -> object:
    found: list[Listening] = []
    return collect(octets, 1, found) and found


def _answer(octets: bytes) -> object:
    reception = Reception(range(200, 300))
    reception.feed(octets[1:])
    return reception.finished and not reception.trouble


def _rules(octets: bytes) -> object:
    return [table for table in parse_nft(octets.decode()) if table.chains]


@pytest.mark.parametrize(
    ("read", "sample"),
    [
        (_press, "slack/press"),
        (_press, "slack/press-in-thread"),
        (_listeners, "netlink/dump"),
        (parse_link, "netlink/link-payload"),
        (parse_route, "netlink/route-payload"),
        (_answer, "http-answer/plain"),
        (_answer, "http-answer/json-entry"),
        (_rules, "filter/nft"),
        (_rules, "filter/nft-all"),
        (validity, "certificate/self-signed"),
    ],
)
def test_what_is_damaged_was_sound(read: Callable[[bytes], object], sample: str) -> None:
    """Else the search begins outside, and does not get far."""
    assert read((CORPUS / sample).read_bytes())


@pytest.mark.parametrize("sample", ["channels", "example", "full"])
def test_configurations_that_are_damaged_were_sound(sample: str, tmp_path: Path) -> None:
    place = tmp_path / "config.toml"
    place.write_bytes((CORPUS / "config" / sample).read_bytes())
    place.chmod(0o600)
    assert load(place, parsers.ENVIRON).services
