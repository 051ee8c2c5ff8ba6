"""Where a message of ours is in Slack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A message of ours; its channel by ID, for chat.update knows no names."""

    channel: str
    ts: str

    @property
    def named(self) -> dict[str, Any]:
        """Return it as chat.update has it."""
        return {"channel": self.channel, "ts": self.ts}

    def thread(self, *, loud: bool) -> dict[str, Any]:
        """Return it as chat.postMessage has it; what is *loud* is seen in the channel too."""
        named: dict[str, Any] = {"channel": self.channel, "thread_ts": self.ts}
        return {**named, "reply_broadcast": True} if loud else named
