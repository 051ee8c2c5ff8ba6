"""What a button under an alert in Slack stands for, on its way there and back.

Slack keeps it, and gives it back with the press. What comes back is foreign input all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from watchdog.words.catalogue import Catalogue

VALUE_SIZE = 2000
"""Characters that Slack keeps of a button's value (docs.slack.dev, Block Kit, button)."""

SILENCE_FOR = (1, 0, 0)  # hours, minutes, seconds, as languages say them
PAUSE_FOR = (0, 30, 0)

_PREFIX = "service-watchdog:"


class Deed(StrEnum):
    """What a press asks for."""

    ACKNOWLEDGE = "acknowledge"
    RESTART = "restart"
    SILENCE = "silence"
    PAUSE = "pause"

    @property
    def action_id(self) -> str:
        """Return what Slack calls the button."""
        return _PREFIX + self.value


class Target(msgspec.Struct, frozen=True):
    """What the press is about."""

    host: str
    channel: str  # the name of the destination whose message it is
    service: str
    incident: str


@dataclass(frozen=True, slots=True)
class Buttons:
    """Buttons under the messages of *channel*, labelled in *words*."""

    channel: str
    words: Catalogue


def deed_of(action_id: str) -> Deed | None:
    """Return what the button of that id stands for; None: it is none of ours."""
    try:
        return Deed(action_id.removeprefix(_PREFIX)) if action_id.startswith(_PREFIX) else None
    except ValueError:
        return None


def write_target(target: Target) -> str:
    """Return *target* as a button's value; empty if it is too long for one, or no text."""
    try:
        value = msgspec.json.encode(target).decode()
    except UnicodeEncodeError:
        return ""
    return value if len(value) <= VALUE_SIZE else ""


_decode = msgspec.json.Decoder(Target).decode


def read_target(value: str) -> Target:
    """Return what *value* says. Raises msgspec.MsgspecError if it is none of ours."""
    return _decode(value)
