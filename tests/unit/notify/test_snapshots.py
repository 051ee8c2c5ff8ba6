"""Each kind of alert in each form, as files for a reviewer to read.

After a wanted change: UPDATE_SNAPSHOTS=1 scripts/test tests/unit/notify/test_snapshots.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.notify.alerts import ALERTS, message
from watchdog.notify.alertmanager_book import Book
from watchdog.notify.email import Envelope
from watchdog.notify.mail_message import compose
from watchdog.notify.slack_message import blocks, full_text, metadata
from watchdog.notify.webhook_message import payload
from watchdog.ports import Message

SNAPSHOTS = Path(__file__).parent / "snapshots"
HOSTILE = (
    "<!channel> <@U012AB3CD> @here &lt; ``` \x1b[31mred\x1b[0m \x00",
    "x" * 100_000,
    b"\xff\xfe not UTF-8".decode(errors="surrogateescape"),
)
CASES = {name: message(name) for name in ALERTS} | {
    "firing-late": message("firing", late=360),
    "firing-hostile": message("firing", evidence=HOSTILE),
}


def as_text(shown: Message) -> str:
    return "\n".join([shown.title, "", *shown.lines, "", *shown.evidence]).rstrip() + "\n"


def as_slack(shown: Message) -> str:
    body = {"text": full_text(shown), "blocks": blocks(shown), "metadata": metadata(shown)}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


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
    return mail.as_bytes().decode("ascii").replace("\r\n", "\n")


FORMS = {
    "txt": as_text,
    "slack.json": as_slack,
    "eml": as_email,
    "webhook.json": as_webhook,
    "alertmanager.json": as_alertmanager,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_an_alert_reads_as_its_snapshot(name: str, form: str) -> None:
    path = SNAPSHOTS / f"{name}.{form}"
    shown = FORMS[form](CASES[name])
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(shown)
    assert shown == path.read_text()


def test_every_snapshot_belongs_to_a_case() -> None:
    expected = {f"{name}.{form}" for name in CASES for form in FORMS}
    assert {path.name for path in SNAPSHOTS.iterdir()} == expected
