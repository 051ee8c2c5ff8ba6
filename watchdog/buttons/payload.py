"""What Slack sends over Socket Mode, as far as it is of interest: envelopes, and presses in them.

Forms: docs.slack.dev/apis/events-api/using-socket-mode, …/reference/interaction-payloads/
block_actions-payload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from watchdog.notify.slack_press import Deed, Target, deed_of, read_target
from watchdog.notify.text import one_line

USER = re.compile(r"[UW][A-Z0-9]{2,30}")
CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,30}")
MOMENT = re.compile(r"\d{1,12}\.\d{1,9}")
NAME_WIDTH = 40
_ODD = re.compile(r"[^\w.@ -]")  # a name must not look like our own words around it


class _User(msgspec.Struct, frozen=True):
    id: str
    username: str = ""
    name: str = ""


class _Channel(msgspec.Struct, frozen=True):
    id: str


class _Message(msgspec.Struct, frozen=True):
    ts: str
    thread_ts: str = ""


class _Action(msgspec.Struct, frozen=True):
    action_id: str = ""
    value: str = ""
    action_ts: str = ""


class _BlockActions(msgspec.Struct, frozen=True):
    user: _User
    channel: _Channel
    message: _Message
    actions: list[_Action]


class _Payload(msgspec.Struct, frozen=True):
    type: str = ""


class Hello(msgspec.Struct, frozen=True):
    """What a connection begins with."""

    num_connections: int = 1  # of the app, all over the world


class Envelope(msgspec.Struct, frozen=True):
    """What comes over a connection; what has an id wants to be acknowledged by it."""

    type: str = ""
    envelope_id: str = ""
    reason: str = ""  # of ``disconnect``
    payload: msgspec.Raw = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class Press:
    """A button pressed by a person."""

    deed: Deed
    target: Target
    user: str  # id
    name: str
    channel: str  # id
    thread: str  # ts of the message, or of the one that it replies to
    key: str  # the same if Slack sends it again

    @property
    def who(self) -> str:
        """Name the person, for those who read of it later."""
        return f"Slack: {self.name} ({self.user})"


_envelope = msgspec.json.Decoder(Envelope).decode
_hello = msgspec.json.Decoder(Hello).decode
_kind = msgspec.json.Decoder(_Payload).decode
_block_actions = msgspec.json.Decoder(_BlockActions).decode


def read_envelope(text: str) -> Envelope:
    """Return what *text* says. Raises msgspec.MsgspecError."""
    return _envelope(text)


def read_hello(text: str) -> Hello | None:
    """Return what *text* says; None: it is no hello. Raises msgspec.MsgspecError."""
    return _hello(text) if read_envelope(text).type == "hello" else None


def read_press(payload: bytes | msgspec.Raw) -> Press | None:
    """Return the press that *payload* tells of; None: it is of something else than our buttons.

    Raises ValueError if it is of them and makes no sense; msgspec's errors are such.
    """
    if _kind(payload).type != "block_actions":
        return None
    said = _block_actions(payload)
    action = said.actions[0] if said.actions else _Action()
    deed = deed_of(action.action_id)
    if deed is None:
        return None
    thread = said.message.thread_ts or said.message.ts
    target = read_target(action.value)
    if not (target.service and target.incident):
        raise ValueError("it is about no incident")  # and would be about any
    if not (
        USER.fullmatch(said.user.id)
        and CHANNEL.fullmatch(said.channel.id)
        and MOMENT.fullmatch(thread)
    ):
        raise ValueError("user, channel or message are not named as Slack names them")
    name = _ODD.sub("", one_line(said.user.username or said.user.name, NAME_WIDTH)).strip()
    return Press(
        deed,
        target,
        said.user.id,
        name or "somebody",
        said.channel.id,
        thread,
        f"{said.user.id}/{action.action_ts}/{action.action_id}",
    )
