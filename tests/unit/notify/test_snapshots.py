"""Each kind of alert in each language and in each form, as files for a reviewer to read.

After a wanted change: UPDATE_SNAPSHOTS=1 scripts/test tests/unit/notify/test_snapshots.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.host.peers.slack_rules import check_message
from tests.unit.notify.alerts import ALERTS, message
from watchdog.notify.alertmanager_book import Book
from watchdog.notify.email import Envelope
from watchdog.notify.mail_html import page
from watchdog.notify.mail_message import compose
from watchdog.notify.slack_message import blocks, full_text
from watchdog.notify.slack_thread import top
from watchdog.notify.webhook_message import payload
from watchdog.ports import Message
from watchdog.words.choosing import languages

SNAPSHOTS = Path(__file__).parent / "snapshots"
HOSTILE = (
    "<!channel> <@U012AB3CD> @here &lt; ``` \x1b[31mred\x1b[0m \x00",
    "x" * 100_000,
    b"\xff\xfe not UTF-8".decode(errors="surrogateescape"),
)
NAMES = [*ALERTS, "firing-late", "gave-up-late", "firing-hostile"]


def case(name: str, language: str) -> Message:
    if name == "firing-hostile":
        return message("firing", evidence=HOSTILE, language=language)
    late = 360 if name.endswith("-late") or name == "fallback" else 0
    return message(name.removesuffix("-late"), late, language=language)


def as_text(shown: Message) -> str:
    return "\n".join([shown.title, "", *shown.lines, "", *shown.evidence]).rstrip() + "\n"


def as_slack_bot(shown: Message) -> str:
    return readable(top(replace(shown, evidence=())))  # which has its place in the thread


def as_slack_webhook(shown: Message) -> str:
    return readable({"text": full_text(shown), "blocks": blocks(shown)})


def as_webhook(shown: Message) -> str:
    body = payload(shown, "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d")
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def as_alertmanager(shown: Message) -> str:
    book = Book({"team": "web"}, 60.0, "https://wiki.example.com/langchain-api")
    wall = shown.alert.wall + shown.late
    body = [book.form(book.draft(shown, wall), wall)]
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def as_email(shown: Message) -> str:
    to = ("ann@example.com", "bob@example.com")
    envelope = Envelope("Watchdog <watchdog@example.com>", to[0], to)
    mail = compose(shown, "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d", envelope, shown.alert.wall)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    head = "".join(f"{name}: {value}\n" for name, value in read.items())
    # The form in which it travels is test_email's.
    first, second = read.iter_parts()
    assert second.get_content().replace("\r\n", "\n") == page(shown)
    return f"{head}\n{first.get_content()}".replace("\r\n", "\n")


def readable(body: dict[str, Any]) -> str:
    """Return all of *body*, its text as the reader sees it rather than as JSON has it."""
    check_message(body, max_text=4_000)
    return "\n".join(_readable(body)) + "\n"


def _readable(value: Any, depth: int = 0) -> Iterator[str]:
    margin = "  " * depth
    parts = value.items() if isinstance(value, dict) else (("-", part) for part in value)
    for name, part in parts:
        if isinstance(part, dict | list):
            yield f"{margin}{name}"
            yield from _readable(part, depth + 1)
        elif "\n" in f"{part}":
            yield f"{margin}{name} |"
            yield from (f"{margin}  {line}" for line in part.split("\n"))
        else:
            yield f"{margin}{name} {part}"


FORMS = {
    "txt": as_text,
    "slack-bot": as_slack_bot,
    "slack-webhook": as_slack_webhook,
    "email": as_email,
    "email.html": page,  # to be looked at in a browser
    "webhook.json": as_webhook,
    "alertmanager.json": as_alertmanager,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", NAMES)
def test_an_alert_reads_as_its_snapshot(name: str, language: str, form: str) -> None:
    path = SNAPSHOTS / language / f"{name}.{form}"
    shown = FORMS[form](case(name, language))
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_every_snapshot_belongs_to_a_case() -> None:
    expected = {
        f"{language}/{name}.{form}" for language, name, form in product(languages(), NAMES, FORMS)
    }
    expected |= {f"{language}/digest.txt" for language in languages()}
    there = (path.relative_to(SNAPSHOTS) for path in SNAPSHOTS.rglob("*") if path.is_file())
    assert {str(path) for path in there} == expected
