"""From the table of the heartbeat to its settings."""

from __future__ import annotations

import re
from functools import partial

from msgspec import UnsetType

from watchdog.config.fetching import Secrets
from watchdog.config.kinds import check_receiver
from watchdog.config.settings import HeartbeatSettings
from watchdog.config.telling_tables import HeartbeatTable


def build_heartbeat(
    table: HeartbeatTable | UnsetType, secrets: Secrets
) -> HeartbeatSettings | None:
    """Return the heartbeat that *table* describes; note what is wrong with it."""
    if isinstance(table, UnsetType) or not table.url:
        return None  # without a URL it has been reported where it was read
    check = partial(_check, insecure=table.insecure)
    url = secrets.fetch(table.url, ("heartbeat", "url"), check)
    if url is None:
        return None
    return HeartbeatSettings(url, table.interval, table.timeout, insecure=table.insecure)


def _check(url: str, *, insecure: bool) -> None:
    check_receiver(url, insecure=insecure, has_secrets=False)
    if found := re.search(r"/(start|fail|log|[0-9]{1,3})/?(\?|$)", url):
        raise ValueError(f"ends with /{found[1]}; expected the URL that means success")
