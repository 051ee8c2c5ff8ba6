"""A message in Slack's form: text for the lock screen, blocks for the channel.

Limits (docs.slack.dev): text 4,000 characters recommended, section 3,000, about 13,200 in all
blocks together; counted here in UTF-16 units, the widest of the countings in question. ``verbatim``
stops Slack from making mentions and links out of plain words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, TypeAlias

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from watchdog.core.excerpt import excerpt
from watchdog.core.model import AlertKind
from watchdog.notify.slack_press import (
    PAUSE_FOR,
    SILENCE_FOR,
    Buttons,
    Deed,
    Target,
    write_target,
)
from watchdog.notify.stage import Stage, stage
from watchdog.notify.text import ELLIPSIS, one_line
from watchdog.ports import Message

# Twelve lines at most: 900 + 12 * 250 units of text; 900 + 12 * 700 + 2,900 units of blocks.
TITLE_SIZE = 900
TEXT_LINE_SIZE = 250
BLOCK_LINE_SIZE = 700
SECTION_SIZE = 2900
PLAIN_SIZE = 300
REFERENCE_SIZE = 300

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
TRANSLATION = str.maketrans(ENTITIES)

SIGNS = {
    Stage.FIRING: ":red_circle:",
    Stage.RESTARTING: ":arrows_counterclockwise:",
    Stage.RECOVERING: ":large_yellow_circle:",
    Stage.GAVE_UP: ":rotating_light:",
    Stage.RESOLVED: ":large_green_circle:",
    Stage.WARNING: ":warning:",
    Stage.NOTICE: ":information_source:",
    Stage.TEST: ":test_tube:",
}
REMINDED = ":hourglass_flowing_sand:"

Block: TypeAlias = dict[str, Any]


def escape(text: str, size: int) -> str:
    """Return *text* with the three control characters of mrkdwn escaped, in *size* units."""
    room = size - len(ELLIPSIS)
    whole = text.translate(TRANSLATION)
    if units(whole) <= room:
        return whole
    entities = [ENTITIES.get(char, char) for char in text[:room]]
    # As units() counts, which takes long when asked for each of many.
    sizes = (len(entity) + (entity > "\uffff") for entity in entities)
    fitting = bisect_right(list(accumulate(sizes)), room)
    return "".join(entities[:fitting]) + ELLIPSIS


def units(text: str) -> int:
    """Return the length of *text* in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def full_text(message: Message) -> str:
    """Return what the lock screen, screen readers and old clients show."""
    lines = (escape(line, TEXT_LINE_SIZE) for line in message.lines)
    return "\n".join([escape(message.title, TITLE_SIZE), *lines])


def plain_text(message: Message) -> str:
    """Return the least that tells the alert, for when Slack refuses anything better."""
    title = escape(message.title, PLAIN_SIZE)
    return " ".join(filter(None, [title, escape(message.reference, REFERENCE_SIZE)]))


def blocks(message: Message) -> list[Block]:
    """Return the message as Block Kit. Raises SlackObjectFormationError beyond Slack's limits."""
    return [headline(message), *facts(message), *evidence(message)]


def headline(message: Message) -> Block:
    """Return the title, behind a sign for how it stands."""
    alert = message.alert
    sign = REMINDED if alert.kind is AlertKind.REMINDER else SIGNS[stage(alert)]
    return section(f"{sign} *{escape(message.title, TITLE_SIZE)}*")


def facts(message: Message) -> list[Block]:
    """Return the lines of *message*, their labels bold."""
    return paragraphs(_labelled(line) for line in message.lines)


def evidence(message: Message) -> list[Block]:
    """Return the evidence as preformatted text, if there is any."""
    if not message.evidence:
        return []
    return [section(quoted(tuple(excerpt(message.evidence, count=100, size=SECTION_SIZE))))]


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """Return *lines* in as few sections as hold them."""
    blocks, body = [], ""
    for line in lines:
        if body and units(body) + units(line) >= SECTION_SIZE:
            blocks.append(section(body))
            body = ""
        body += ("\n" if body else "") + line
    return [*blocks, section(body)] if body else blocks


def section(text: str) -> Block:
    """Return *text*, which is mrkdwn. Raises SlackObjectFormationError beyond Slack's limits."""
    block: Block = SectionBlock(text=MarkdownTextObject(text=text, verbatim=True)).to_dict()
    return block


def _labelled(line: str) -> str:
    label, _, value = line.partition(": ")
    return f"*{escape(label, 100)}:* {escape(value, BLOCK_LINE_SIZE - 110)}"


def quoted(lines: tuple[str, ...]) -> str:
    """Return the newest of *lines* that fit one section, as preformatted text."""
    kept: list[str] = []
    room = SECTION_SIZE - len("```\n\n```")
    for line in reversed(lines):
        # Three backticks would end the preformatted text.
        shown = escape(line.replace("```", "'''"), SECTION_SIZE // 2)
        room -= units(shown) + 1
        if room < 0:
            break
        kept.append(shown)
    return "```\n" + "\n".join(reversed(kept)) + "\n```"


PRESSABLE = frozenset({AlertKind.FIRING, AlertKind.UPDATE, AlertKind.GAVE_UP, AlertKind.REMINDER})
BUTTON_SIZE = 75
QUESTION_SIZE = 300
CONFIRM_TITLE_SIZE = 100
CONFIRM_BUTTON_SIZE = 30


def actions(message: Message, buttons: Buttons | None) -> list[dict[str, Any]]:
    """Return the buttons under a message about one open incident; none under any other."""
    alert = message.alert
    if buttons is None or alert.kind not in PRESSABLE or not (alert.incident and alert.service):
        return []
    target = Target(message.host, buttons.channel, alert.service, alert.incident)
    value = write_target(target)
    if not value:
        return []  # a name beyond all measure: without buttons, but told
    words, service = buttons.words, one_line(alert.service, 60)
    hour, half = words.span(*SILENCE_FOR), words.span(*PAUSE_FOR)
    elements = [
        _button(Deed.ACKNOWLEDGE, words.acknowledge_button(), value, "", "", style="primary"),
        _button(
            *(Deed.RESTART, words.restart_button(), value),
            *(words.restart_question(service), words.cancel_button()),
            style="danger",
        ),
        _button(Deed.SILENCE, words.silence_button(hour), value, "", ""),
        _button(
            *(Deed.PAUSE, words.pause_button(half), value),
            *(words.pause_question(service, half), words.cancel_button()),
        ),
    ]
    return [ActionsBlock(elements=elements).to_dict()]


def _button(
    deed: Deed, label: str, value: str, question: str, cancel: str, style: str | None = None
) -> ButtonElement:
    """Return a button; with a *question* it is answered first."""
    confirm = None
    if question:
        confirm = ConfirmObject(
            title=PlainTextObject(text=one_line(label, CONFIRM_TITLE_SIZE)),
            text=PlainTextObject(text=one_line(question, QUESTION_SIZE)),
            confirm=one_line(label, CONFIRM_BUTTON_SIZE),
            deny=one_line(cancel, CONFIRM_BUTTON_SIZE),
        )
    text = one_line(label, BUTTON_SIZE)
    return ButtonElement(
        text=text, action_id=deed.action_id, value=value, style=style, confirm=confirm
    )


def metadata(message: Message) -> dict[str, Any]:
    """Return what programs read: a message found twice is known by its incident."""
    alert = message.alert
    return {
        "event_type": "service_watchdog_alert",
        "event_payload": {
            "incident": one_line(alert.incident, 100),
            "kind": alert.kind.value,
            "service": one_line(alert.service, 100),
            "host": one_line(message.host, 100),
        },
    }
