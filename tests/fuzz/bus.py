"""The target that is a systemd at the other end of the bus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from tests.fuzz.parsers import json_object
from watchdog.control.bus import SystemBus
from watchdog.control.followed_unit import FollowedUnit
from watchdog.control.followers import Followers
from watchdog.control.judge import judge
from watchdog.control.systemd_names import NONSENSE
from watchdog.core.model import Observation
from watchdog.core.service import Policy
from watchdog.errors import BusError

if TYPE_CHECKING:
    from dbus_fast import Message


@dataclass
class _Value:
    """What a D-Bus variant is read by."""

    value: Any


class _Systemd:
    """A systemd that answers as the bytes say; as much of SystemBus as FollowedUnit uses."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = {key: _Value(value) for key, value in properties.items()}
        self.units = Followers(lambda: None)

    @property
    def journal_turn(self) -> NoReturn:
        """Ask no journal: that would be another program, and has a target of its own."""
        raise BusError("the journal is not asked here")

    async def call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        on_reply: Callable[[list[Any]], None] | None = None,
        *,
        to: object = None,
    ) -> list[Any]:
        answers: dict[str, list[Any]] = {
            "LoadUnit": ["/unit"],
            "GetAll": [self.properties],
            "Get": [self.properties.get("Get", _Value(None))],
        }
        answer = answers.get(member, [])
        if on_reply is not None:
            try:
                on_reply(answer)
            except NONSENSE as error:  # as Connection does
                raise BusError(f"{member} answered nonsense: {error!r}") from error
        return answer


def dbus(octets: bytes) -> None:
    """Follow a unit of which systemd says what the bytes say: a snapshot, then signals."""
    said = json_object(octets)
    snapshot, signals = said.get("snapshot"), said.get("signals")
    systemd = _Systemd(snapshot if isinstance(snapshot, dict) else {})
    unit = FollowedUnit(cast("SystemBus", systemd), "api.service", ["false"])

    async def follow() -> None:
        await systemd.units.add(unit)
        systemd.units.route(unit, "/unit", "api.service")
        for signal in signals if isinstance(signals, list) else ():
            body = signal
            if isinstance(signal, dict):
                body = ["", {key: _Value(value) for key, value in signal.items()}]
            for path, member in (("/unit", "PropertiesChanged"), ("", "JobRemoved")):
                message = SimpleNamespace(path=path, member=member, body=body)
                systemd.units.take(cast("Message", message))
                judge(unit.state, 5000.0, Policy())
        with suppress(BusError):
            await unit.refresh()
        with suppress(BusError):
            await unit.settle()

    # No task ever waits: that makes it a hundred times as fast as a loop of its own.
    with suppress(StopIteration):
        follow().send(None)
    assert isinstance(judge(unit.state, 5000.0, Policy()), Observation)
