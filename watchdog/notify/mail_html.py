"""A message as HTML: the words of the plain text, easier to take in on a phone.

Only what mail programs agree on (caniemail.com): inline styles, a table, no picture, no script,
nothing that is fetched, and a colour that holds on a light and on a dark page.
"""

from __future__ import annotations

from html import escape

from watchdog.core.model import AlertKind
from watchdog.ports import Message

RED, AMBER, GREEN, GREY = "#d32f2f", "#e68a00", "#2e7d32", "#757575"
COLOURS = {
    AlertKind.FIRING: RED,
    AlertKind.UPDATE: AMBER,
    AlertKind.REMINDER: AMBER,
    AlertKind.GAVE_UP: RED,
    AlertKind.RESOLVED: GREEN,
    AlertKind.WARNING: AMBER,
    AlertKind.WARNING_OVER: GREEN,
    AlertKind.NOTICE: GREY,
    AlertKind.TEST: GREY,
}

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans KR',sans-serif;font-size:15px"
_TITLE = "margin:0;font-size:18px;line-height:1.35"
_LABEL = (
    "padding:2px 12px 2px 0;text-align:left;vertical-align:baseline;white-space:nowrap;"
    "font-weight:normal;opacity:.7"
)
_VALUE = "padding:2px 0;vertical-align:baseline;overflow-wrap:anywhere"
_EVIDENCE = (
    "margin:4px 0;font-size:13px;line-height:1.4;white-space:pre-wrap;overflow-wrap:anywhere"
)
_SMALL = "margin-top:16px;font-size:13px;opacity:.7"


def page(message: Message) -> str:
    """Return *message* as a page; foreign text in it is text, whatever it looks like."""
    bar = f"border-left:6px solid {COLOURS[message.alert.kind]};padding-left:12px"
    parts = [
        f'<h1 style="{_TITLE}">{escape(message.title)}</h1>',
        f'<table style="border-collapse:collapse;margin:10px 0">{_rows(message)}</table>',
    ]
    if message.evidence:
        shown = escape("\n".join(message.evidence))
        parts.append(f'<div style="margin-top:12px">{escape(message.evidence_label)}</div>')
        parts.append(f'<pre style="{_EVIDENCE}">{shown}</pre>')
    parts.append(f'<div style="{_SMALL}">{escape(message.signature)}</div>')
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(message.title)}</title>'
        f'</head>\n<body style="{_FONT}">\n<div style="{bar}">\n{body}\n</div>\n</body></html>\n'
    )


def _rows(message: Message) -> str:
    rows = []
    for line in message.lines:
        label, _, value = line.partition(": ")
        rows.append(
            f'\n<tr><th style="{_LABEL}">{escape(label)}</th>'
            f'<td style="{_VALUE}">{escape(value)}</td></tr>'
        )
    return "".join(rows)
