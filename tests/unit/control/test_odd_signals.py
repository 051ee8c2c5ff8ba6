"""Signals of systemd's that are formed otherwise than any known one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant

from watchdog.control.followed_unit import FollowedUnit
from watchdog.control.followers import Followers
from watchdog.control.systemd_names import SYSTEMD

UNIT = "api.service"
PATH = "/org/freedesktop/systemd1/unit/api_2eservice"
ACTIVE = {"Id": UNIT, "ActiveState": "active", "SubState": "running"}


class Bus:
    """A systemd that knows one unit, and answers at once."""

    def __init__(self) -> None:
        self.worked = 0
        self.units = Followers(self._work)

    def _work(self) -> None:
        self.worked += 1

    async def call(
        self,
        member: str,
        signature: str,
        asked: list[Any],
        on_reply: Callable[[list[Any]], None],
        *,
        to: object = None,
    ) -> list[Any]:
        variants = {name: Variant("s", value) for name, value in ACTIVE.items()}
        body: list[Any] = [PATH] if member == "LoadUnit" else [variants]
        on_reply(body)
        return body


def signal(member: str, signature: str, body: list[Any], path: str = PATH) -> Message:
    return Message(
        message_type=MessageType.SIGNAL,
        path=path,
        interface=f"{SYSTEMD}.Unit",
        member=member,
        signature=signature,
        body=body,
    )


@pytest.mark.parametrize(
    "nonsense",
    [
        signal("PropertiesChanged", "s", ["one"]),
        signal("PropertiesChanged", "su", ["one", 7]),
        signal("PropertiesChanged", "sa{sv}", ["one", {"LoadError": Variant("s", "")}]),
        signal("PropertiesChanged", "sa{sv}", ["one", {"Job": Variant("s", "x")}]),
        signal("JobRemoved", "s", ["one"], path="/"),
    ],
    ids=range(5),
)
async def test_after_a_signal_that_makes_no_sense_the_unit_is_asked_for_anew(
    nonsense: Message,
) -> None:
    bus = Bus()
    unit = FollowedUnit(bus, UNIT, ["false"])  # type: ignore[arg-type]
    await bus.units.add(unit)
    known = [unit.is_current]
    bus.units.take(nonsense)
    known.append(unit.is_current)
    assert bus.worked == 1
    assert bus.units.has_work
    await bus.units.update(lambda: True, lambda: None)
    known.append(unit.is_current)
    assert known == [True, False, True]
    assert unit.state.active_state == "active"
