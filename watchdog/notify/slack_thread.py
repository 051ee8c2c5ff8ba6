"""An incident in Slack's form: the message that is edited as it goes on, and the replies below it.

Only an attachment has a coloured bar (docs.slack.dev/messaging/formatting-message-text); blocks
in it look as they do outside. What blocks show is not shown again as ``text``, which is what the
lock screen has.
"""

from __future__ import annotations

from typing import Any

from watchdog.notify.slack_message import (
    SECTION_SIZE,
    TITLE_SIZE,
    Block,
    actions,
    escape,
    evidence,
    facts,
    full_text,
    headline,
    metadata,
    paragraphs,
    section,
)
from watchdog.notify.slack_press import Buttons
from watchdog.notify.stage import Stage, stage
from watchdog.ports import Message

COLOURS = {
    Stage.FIRING: "#d72b3f",
    Stage.RESTARTING: "#e8912d",
    Stage.RECOVERING: "#ecb22e",
    Stage.GAVE_UP: "#8d1b2d",
    Stage.RESOLVED: "#2eb67d",
    Stage.WARNING: "#f2c744",
    Stage.NOTICE: "#1d9bd1",
    Stage.TEST: "#9e9ea6",
}
EVENT_SIZE = 400

Body = dict[str, Any]


def top(message: Message, buttons: Buttons | None = None) -> Body:
    """Return the message that tells how it stands now, in place of what was there.

    Buttons come before the facts: Slack folds an attachment that is long.
    """
    title, said = escape(message.title, TITLE_SIZE), [*facts(message), *evidence(message)]
    bar = {"color": COLOURS[stage(message.alert)], "fallback": title, "blocks": said}
    return {
        "text": full_text(message),
        "blocks": [headline(message), *actions(message, buttons)],
        "attachments": [bar] if said else [],
        "metadata": metadata(message),
    }


def answer(message: Message, buttons: Buttons | None = None, *, loud: bool) -> Body:
    """Return a reply: what happened, a line each, and the evidence; *loud*: for itself alone.

    A loud one is seen in the channel, by those who were asleep when it all began; so it has
    buttons too.
    """
    said = [headline(message), *facts(message)] if loud else _happened(message)
    pressable = actions(message, buttons) if loud else []
    return {
        "text": full_text(message),
        "blocks": [*said, *evidence(message), *pressable],
        "metadata": metadata(message),
    }


def _happened(message: Message) -> list[Block]:
    if message.events:
        return paragraphs(escape(line, EVENT_SIZE) for line in message.events)
    return [section(f"*{escape(message.evidence_label, SECTION_SIZE // 10)}*")]
