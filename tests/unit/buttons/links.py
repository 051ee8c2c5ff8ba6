"""Connections of Socket Mode that are what a test says, and payloads as Slack sends them."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from watchdog.buttons.errors import ButtonsError
from watchdog.notify.slack_press import Deed, Target, write_target

HELLO = '{"type": "hello", "num_connections": 1}'
TARGET = Target("web-1", "slack", "langchain-api", "k3f9qa")

_serial = itertools.count(1)


@dataclass
class ScriptedLink:
    """A connection; ``None`` from the other end is its end."""

    incoming: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)
    sent: list[str] = field(default_factory=list)
    closed: bool = False

    @classmethod
    def greeting(cls, hello: str = HELLO) -> ScriptedLink:
        """Return one that has said hello."""
        link = cls()
        link.say(hello)
        return link

    def say(self, text: str | None) -> None:
        self.incoming.put_nowait(text)

    async def receive(self) -> str:
        text = await self.incoming.get()
        if text is None:
            raise ButtonsError("Slack has closed the connection")
        return text

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def close(self) -> None:
        self.closed = True

    @property
    def acknowledged(self) -> list[str]:
        return [json.loads(text)["envelope_id"] for text in self.sent]


def payload(deed: Deed = Deed.ACKNOWLEDGE, **changes: Any) -> dict[str, Any]:
    """Return a press of alice's; each is another one unless it is told not to be."""
    action = {
        "action_id": deed.action_id,
        "value": write_target(TARGET),
        "action_ts": f"1763777580.{next(_serial):06d}",
    }
    whole = {
        "type": "block_actions",
        "user": {"id": "U0ALICE000", "username": "alice", "name": "alice"},
        "channel": {"id": "C0123456789", "name": "ops"},
        "message": {"ts": "1763777580.000100", "text": "FIRING"},
        "actions": [{**action, **changes.pop("action", {})}],
    }
    return {**whole, **changes}


def envelope(content: Any, id_: str = "e1", kind: str = "interactive") -> str:
    return json.dumps({"envelope_id": id_, "type": kind, "payload": content})
