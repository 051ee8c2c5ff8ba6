from __future__ import annotations

import itertools

from watchdog.evidence.redact import Redactor
from watchdog.logs.cleaning import Cleaner, printable
from watchdog.logs.line import Line, Origin
from watchdog.logs.merging import merged

ORIGIN = Origin("api", "app.log")
KEY = [
    "-----BEGIN RSA PRIVATE KEY-----",
    *("MIIEowIBAAKCAQEAx0" + letter * 40 for letter in "abcdefgh"),
    "-----END RSA PRIVATE KEY-----",
]


def lines(*texts: str) -> list[Line]:
    return [Line(ORIGIN, text, 1.0, 1.0) for text in texts]


def cleaned(*batches: list[str]) -> list[str]:
    cleaner = Cleaner(Redactor())
    return [line.text for batch in batches for line in cleaner.clean(lines(*batch))]


def test_what_a_terminal_would_obey_is_taken_out_or_written_out() -> None:
    [text] = cleaned(["\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \x1b[2J\rover \u202egnp.exe"])
    assert text == r"red bell\x07 \rover \u202egnp.exe"
    assert printable("한국어 déjà\tvu") == "한국어 déjà    vu"
    assert all(printable(chr(code)).isprintable() for code in range(0x3000))


def test_a_secret_is_not_shown() -> None:
    assert cleaned(["password=hunter2hunter2"]) == ["password=[redacted]"]


def test_a_private_key_is_hidden_wherever_the_batches_part_it() -> None:
    for at in range(len(KEY) + 1):
        shown = cleaned(["before", *KEY[:at]], [*KEY[at:], "after"])
        assert shown[0] == "before"
        assert shown[-1] == "after"
        assert not any("MIIE" in text for text in shown)


def test_a_key_that_never_ends_does_not_hide_everything_for_ever() -> None:
    batches = [[KEY[0]], *([f"line {number}"] for number in range(1000))]
    assert cleaned(*batches)[-1] == "line 999"


def test_what_is_read_at_length_is_cleaned_piece_by_piece() -> None:
    endless = (Line(ORIGIN, f"line {number}", 1.0, 1.0) for number in itertools.count())
    first = next(Cleaner(Redactor()).all(endless))
    assert first.text == "line 0"


def test_logs_are_merged_by_time_and_what_belongs_together_stays() -> None:
    app = [Line(ORIGIN, text, 5.0, 5.0) for text in ("boom", "Traceback", "ValueError")]
    web = [Line(Origin("", "nginx access.log"), str(at), at, at) for at in (4.0, 5.0, 6.0)]
    assert [line.text for line in merged([web, app], None)] == [
        "4.0", "5.0", "boom", "Traceback", "ValueError", "6.0",
    ]  # fmt: skip
    assert [line.text for line in merged([web, app], 2)] == ["ValueError", "6.0"]
