"""Foreign text becomes one short, printable line."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.probes.reception import LIMIT
from watchdog.probes.text import clean, first_line, quoted, seconds


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"db down\nTraceback ...", "db down"),
        (b"\n\n  db   down  \r\n", "db down"),
        (b"", ""),
        (b" \n\t", ""),
        (b"\xff\xfedown", "\ufffd\ufffddown"),
        (b"a\x00b\x1b[31mc\x7f", "a b [31mc"),
        ("\u202eevil".encode(), "evil"),
        ("\ufeffdown".encode(), "down"),
        (b'{"status": "bad"}', '{"status": "bad"}'),
        (b'{\n  "status": "bad"\n}\n', '{ "status": "bad" }'),
        (b"<html>\r\n<head><title>502 Bad\nGateway</title>", "502 Bad Gateway"),
        (b"<html>\nno title", "<html>"),
        (b"<TITLE lang='en'>502</TITLE>", "502"),
        (b"<title>never ends", "<title>never ends"),
        (b"<title", "<title"),
        (b"x" * 300, "x" * 199 + "…"),
    ],
)
def test_a_body_is_quoted_by_its_first_telling_line(body: bytes, expected: str) -> None:
    assert first_line(body) == expected


@pytest.mark.parametrize("piece", [b"<title>", b"<title", b"</title", b"<"])
def test_a_body_of_nothing_but_beginnings_holds_nobody_up(piece: bytes) -> None:
    began = time.process_time()
    first_line(piece * (LIMIT // len(piece)))
    assert time.process_time() - began < 0.25


def test_a_quotation_ends_the_sentence_if_there_is_anything_to_quote() -> None:
    assert quoted(b"db down") == ': "db down"'
    assert quoted(b" ") == ""


@pytest.mark.parametrize(
    ("duration", "expected"), [(0.0001, "0.01 s"), (0.02, "0.02 s"), (12.3456, "12.35 s")]
)
def test_durations_are_seconds_with_two_decimals(duration: float, expected: str) -> None:
    assert seconds(duration) == expected


@given(st.binary(max_size=3000))
def test_any_body_gives_one_printable_line_of_at_most_200_characters(body: bytes) -> None:
    line = first_line(body)
    assert line.isprintable()
    assert len(line) <= 200


@given(st.text(max_size=50))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
