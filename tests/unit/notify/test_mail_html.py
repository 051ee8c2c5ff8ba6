"""The HTML of a mail: all the words, none of them markup, nothing fetched."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.notify.alerts import ALERTS, message
from watchdog.core.model import AlertKind
from watchdog.notify.mail_html import COLOURS, page
from watchdog.notify.text import one_line

HOSTILE = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x>', "</pre></td>", "&lt;b&gt;", "<!--", "]]>"]
)


class Reader(HTMLParser):
    """Reads a page as a mail program does: its text, its tags and what they ask for."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.mark.parametrize("name", ALERTS)
def test_the_page_says_all_that_the_plain_text_says(name: str) -> None:
    shown = message(name)
    words = read(page(shown)).words
    expected = [shown.title, *(part for line in shown.lines for part in line.split(": ", 1))]
    assert {*expected, shown.signature} <= {*words}
    assert "\n".join(shown.evidence) in "".join(words)


@given(title=HOSTILE, line=HOSTILE, evidence=st.lists(HOSTILE, max_size=3), who=HOSTILE)
def test_foreign_text_is_text_whatever_it_looks_like(
    title: str, line: str, evidence: list[str], who: str
) -> None:
    plain = read(page(message()))
    shown = replace(
        message(),
        title=one_line(title, 200),
        lines=tuple(f"Failed: {one_line(line, 200)}" for _ in message().lines),
        evidence=tuple(one_line(each, 200) for each in evidence) or ("none",),
        signature=one_line(who, 200),
    )
    read_back = read(page(shown))
    assert read_back.tags == plain.tags
    assert "".join(read_back.words).count(shown.title) >= 2


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    reader = read(page(message()))
    assert reader.attributes <= {"style", "charset", "name", "content"}
    assert "url(" not in page(message())
    assert not {"script", "img", "link", "a", "iframe"} & {*reader.tags}


def test_a_mail_without_evidence_has_no_room_for_it() -> None:
    assert "pre" not in read(page(message("resolved"))).tags


def test_every_kind_of_alert_has_a_colour() -> None:
    assert set(COLOURS) == set(AlertKind)
