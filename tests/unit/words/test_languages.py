"""A language says everything, or it is none: what is missing, misnamed or forgotten is found."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.unit.words.checking import MOMENT, complaints
from watchdog.core.model import AlertKind
from watchdog.words.catalogue import Catalogue
from watchdog.words.choosing import languages, words_in
from watchdog.words.en import English
from watchdog.words.ko import Korean


def test_the_languages_are_the_files_that_there_are() -> None:
    assert {"en", "ko"} <= set(languages())
    assert not {"__init__", "catalogue", "choosing"} & set(languages())


@pytest.mark.parametrize("language", languages())
def test_a_language_says_everything_that_is_asked_of_it(language: str) -> None:
    assert complaints(type(words_in(language))) == []


def test_a_language_without_an_entry_is_found_and_cannot_be_made() -> None:
    entries = {name: entry for name, entry in vars(Korean).items() if name != "healed"}
    incomplete = type("Incomplete", (Catalogue,), entries)
    assert complaints(incomplete) == ["healed is missing"]
    with pytest.raises(TypeError, match=r"abstract method '?healed"):
        incomplete()


def test_a_misnamed_entry_is_found() -> None:
    class Misnamed(English):
        def heeled(self) -> str:
            return "healed by a restart"

    assert complaints(Misnamed) == ["heeled is no entry"]


def test_a_misnamed_placeholder_is_found() -> None:
    class Misnamed(English):
        def gave_up(self, number: int, when: str) -> str:
            return f"gave up after {number}; tries {when}"

    assert complaints(Misnamed) == ["gave_up takes number, when, not count, when"]


def test_a_forgotten_placeholder_is_found() -> None:
    class Forgetful(English):
        def crash_loop(self, count: int, lasted: str, reason: str) -> str:
            del reason
            return f"crashed {count} times in {lasted}"

    assert set(complaints(Forgetful)) == {
        "crash_loop forgets reason: 'crashed 41 times in «lasted»'"
    }


def test_a_label_that_would_break_a_line_is_found() -> None:
    class Labelled(English):
        labels = replace(English.labels, late="Late: ", down="", time="Host")

    assert complaints(Labelled) == [
        "labels.late is no label: 'Late: '",
        "labels.down is no label: ''",
        "two labels are the same",
    ]


@pytest.mark.adapter
def test_nothing_but_the_language_asked_for_is_imported() -> None:
    program = (
        "import sys, watchdog.app.assemble\n"
        "from watchdog.words.choosing import words_in\n"
        "words_in('ko')\n"
        "print(*sorted(name for name in sys.modules if name.startswith('watchdog.words.')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [
        "watchdog.words.button_entries",
        "watchdog.words.catalogue",
        "watchdog.words.choosing",
        "watchdog.words.ko",
        "watchdog.words.measure_entries",
        "watchdog.words.warning_entries",
    ]


@pytest.mark.parametrize(
    ("parts", "english", "korean"),
    [
        ((0, 0, 0), "0 s", "0초"),
        ((0, 0, 40), "40 s", "40초"),
        ((0, 3, 0), "3 min", "3분"),
        ((2, 0, 0), "2 h", "2시간"),
        ((2, 30, 0), "2 h 30 min", "2시간 30분"),
    ],
)
def test_a_span_is_said_in_the_units_of_the_language(
    parts: tuple[int, int, int], english: str, korean: str
) -> None:
    assert (English().span(*parts), Korean().span(*parts)) == (english, korean)


def test_a_date_is_written_as_the_language_writes_it() -> None:
    assert English().stamp(MOMENT) == "2031-12-27 23:45:56 KST"
    assert Korean().stamp(MOMENT) == "2031년 12월 27일(토) 23:45:56 KST"
    assert Korean().short_stamp(MOMENT, dated=True) == "2031년 12월 27일(토) 23:45 KST"
    assert Korean().short_stamp(MOMENT, dated=False) == "23:45 KST"


def test_one_is_not_many_in_english() -> None:
    assert English().restart_after(1) == "a restart follows after 1 failure"
    assert English().restart_after(5) == "a restart follows after 5 failures"


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("language", languages())
def test_the_first_sixty_characters_hold_state_service_and_cause(
    language: str, kind: AlertKind
) -> None:
    title = words_in(language).title(kind, "s" * 28, words_in(language).span(0, 59, 0))
    assert len(f"{title}: ") + 8 <= 60, "room for a word of the cause"
