"""The tables of delivery and of the heartbeat."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from watchdog.config.kinds import (
    Beat,
    ChannelName,
    ChannelNames,
    DailyTime,
    Flag,
    Timeout,
    Window,
)
from watchdog.config.table import SecretValue, Table, key


class DeliveryTable(Table, frozen=True):
    """What holds of all channels."""

    fallback: Annotated[
        ChannelName | ChannelNames | UnsetType,
        key("Which channel is told as well of what another does not take.", default="none"),
    ] = UNSET
    fallback_after: Annotated[
        Window, key("For how long a channel may keep a critical alert waiting until then.")
    ] = 300.0
    canary: Annotated[
        DailyTime | UnsetType,
        key("When every channel gets a test alert, in the zone of [daemon].", default="never"),
    ] = UNSET


class HeartbeatTable(Table, frozen=True, kw_only=True):
    """A sign of life, as Healthchecks has it, to somebody elsewhere who misses it."""

    url: Annotated[SecretValue, key("What is posted to, without /fail; a secret.")]
    interval: Annotated[Beat, key("From one sign of life to the next.")] = 60.0
    insecure: Annotated[Flag, key("Allow a http URL on another host.")] = False
    timeout: Annotated[Timeout, key("For each request.")] = 10.0
