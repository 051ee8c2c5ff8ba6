"""What a Slack workspace does with the calls that reach it: channels, messages, refusals."""

from __future__ import annotations

import dataclasses
import itertools
import re
import time
from collections.abc import Mapping
from typing import Any

from tests.host.peers.slack_rules import MAX_POST_TEXT, MAX_UPDATE_TEXT, Refused, check_message

SECONDS_PER_MESSAGE = 1.0
SECONDS_PER_TIER = 60.0

_FIXED = frozenset({"thread_ts", "reply_broadcast", "client_msg_id", "ts"})

SCOPES = frozenset({"chat:write", "usergroups:read"})

Json = dict[str, Any]

IDENTITY = {
    "url": "https://example.slack.com/",
    "team": "Example",
    "user": "service-watchdog",
    "team_id": "T0123456789",
    "user_id": "U0123456789",
    "bot_id": "B0123456789",
    "is_enterprise_install": False,
}


@dataclasses.dataclass(slots=True)
class Message:
    """A message in a channel, as a reader sees it now."""

    channel: str
    ts: str
    body: Json
    monotonic: float
    via: str
    updates: int = 0

    @property
    def text(self) -> str:
        return str(self.body.get("text") or "")

    deleted: bool = False
    before: Json = dataclasses.field(default_factory=dict)
    """What it was before its last edit: a client that was away still shows it."""

    @property
    def thread(self) -> str:
        """The ts of the message that this one replies to."""
        return str(self.body.get("thread_ts") or "")

    @property
    def in_channel(self) -> bool:
        """Whether a reader of the channel sees it, and is notified of it."""
        broadcast = self.body.get("reply_broadcast") in {True, "true"}
        return not self.deleted and (not self.thread or broadcast)


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What became of a call that was not refused."""

    answer: Json
    message: Message | None = None
    duplicate: bool = False
    """Its client_msg_id was posted before."""
    outcome: str = "ok"


class Workspace:
    """A workspace with *channels*, their names by id, that the app is in.

    *dedup*: answer a client_msg_id seen before with the first message, as the real service does
    when it can. *one_per_second*: refuse a second message to a channel within a second, as the
    real service does after a short burst. *edits_per_minute*: refuse more edits than that, as the
    real one does from about fifty on (tier 3). *refusals*: answers, by method, whatever is asked.
    """

    def __init__(
        self, channels: Mapping[str, str], *, dedup: bool = False, one_per_second: bool = False
    ) -> None:
        self.messages: list[Message] = []
        self.dedup = dedup
        self.one_per_second = one_per_second
        self.edits_per_minute = 0  # 0: as many as one likes
        self.refusals: dict[str, str] = {}
        self._edits: list[float] = []
        self.scopes = set(SCOPES)
        self.groups: dict[str, list[str]] = {}
        """Members of the user groups, by their ids."""
        self.ephemerals: list[Json] = []
        """What only one user saw."""
        self._channels = dict(channels)
        self._posted: dict[str, Message] = {}
        self._serial = itertools.count(1)

    def call(self, method: str, body: Json, arrived: float) -> Taken:
        """Carry out a call of the Web API that arrived at CLOCK_MONOTONIC *arrived*."""
        if method in self.refusals:
            raise Refused(self.refusals[method])
        match method:
            case "auth.test":
                return Taken(IDENTITY)
            case "chat.postMessage":
                return self._post(body, arrived)
            case "chat.update":
                return self._update(body, arrived)
            case "chat.postEphemeral":
                return self._post_ephemeral(body)
            case "usergroups.users.list":
                return self._members(body)
        raise Refused("unknown_method")

    def hook(self, body: Json, arrived: float) -> Taken:
        """Post what an incoming webhook was given, to its own channel if none is named."""
        channel = self._channel_of(body.get("channel", next(iter(self._channels))))
        check_message(body)
        return Taken({}, self._add(channel, body, arrived, "webhook"))

    def _post(self, body: Json, arrived: float) -> Taken:
        channel = self._channel_of(body.get("channel"))
        check_message(body, MAX_POST_TEXT)
        thread = body.get("thread_ts")
        if thread is not None:
            if not re.fullmatch(r"\d{10}\.\d{6}", str(thread)):
                raise Refused("invalid_thread_ts")
            # The real one posts where nobody looks; for a test that is as good as refused.
            root = self._message_at(channel, str(thread), "thread_not_found")
            if root.thread:
                raise Refused("thread_not_found")  # it becomes a reply to nothing that is shown
        client_id = str(body.get("client_msg_id") or "")
        earlier = self._posted.get(client_id)
        if earlier is not None and self.dedup:
            return Taken(_shown(earlier), earlier, duplicate=True, outcome="duplicate")
        message = self._add(channel, body, arrived, "chat.postMessage")
        if client_id:
            self._posted[client_id] = message
        return Taken(_shown(message), message, duplicate=earlier is not None)

    def _update(self, body: Json, arrived: float) -> Taken:
        channel = str(body.get("channel"))
        if channel not in self._channels:  # by id only
            raise Refused("channel_not_found")
        self._limit_edits(arrived)
        message = self._message_at(channel, str(body.get("ts")), "message_not_found")
        if message.via == "webhook":
            raise Refused("cant_update_message")  # it belongs to the hook, not to the token
        check_message(body, MAX_UPDATE_TEXT)
        # What is not named is kept, blocks and attachments too; its thread it can never leave.
        kept = {name: message.body[name] for name in _FIXED if name in message.body}
        message.before, message.body = message.body, {**message.body, **body, **kept}
        message.updates += 1
        return Taken({**_shown(message), "text": message.text}, message)

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may; its thread stays, and nobody sees it."""
        for message in self.messages:
            message.deleted |= message.ts == ts

    def _limit_edits(self, arrived: float) -> None:
        self._edits = [each for each in self._edits if arrived - each < SECONDS_PER_TIER]
        if self.edits_per_minute and len(self._edits) >= self.edits_per_minute:
            raise Refused("ratelimited")
        self._edits.append(arrived)

    def _post_ephemeral(self, body: Json) -> Taken:
        channel = self._channel_of(body.get("channel"))
        check_message(body, MAX_POST_TEXT)
        if not re.fullmatch(r"[UW][A-Z0-9]+", str(body.get("user"))):
            raise Refused("user_not_in_channel")
        if body.get("thread_ts"):
            self._message_at(channel, str(body["thread_ts"]), "thread_not_found")
        self.ephemerals.append(body)
        return Taken({"message_ts": f"{int(time.time())}.{next(self._serial):06d}"})

    def _members(self, body: Json) -> Taken:
        if "usergroups:read" not in self.scopes:
            raise Refused("missing_scope")
        group = self.groups.get(str(body.get("usergroup")))
        if group is None:
            raise Refused("no_such_subteam")
        return Taken({"users": group})

    def _channel_of(self, named: object) -> str:
        """Return the id of the channel *named* by id, or by name with or without its #."""
        for channel, name in self._channels.items():
            if named in {channel, name, f"#{name}"}:
                return channel
        raise Refused("channel_not_found")

    def _add(self, channel: str, body: Json, arrived: float, via: str) -> Message:
        last = max((each.monotonic for each in self.messages if each.channel == channel), default=0)
        if self.one_per_second and arrived - last < SECONDS_PER_MESSAGE:
            raise Refused("ratelimited")
        ts = f"{int(time.time())}.{next(self._serial):06d}"
        message = Message(channel, ts, body, arrived, via)
        self.messages.append(message)
        return message

    def _message_at(self, channel: str, ts: str, error: str) -> Message:
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts) and not message.deleted:
                return message
        raise Refused(error)


def _shown(message: Message) -> Json:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": {
            "type": "message",
            "user": IDENTITY["user_id"],
            "bot_id": IDENTITY["bot_id"],
            "ts": message.ts,
            "text": message.text,
            "blocks": message.body.get("blocks") or [],
        },
    }
