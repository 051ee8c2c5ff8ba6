"""From the tables of webhooks to the settings of their channels."""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial

from msgspec import UNSET, UnsetType

from watchdog.config.channel_tables import WebhookTable
from watchdog.config.channels import each
from watchdog.config.fetching import Secrets
from watchdog.config.kinds import check_receiver
from watchdog.config.problems import Path
from watchdog.config.secret import HiddenText
from watchdog.config.settings import WebhookSettings

_SHORTEST, _LONGEST = 24, 64  # bytes of a signing secret, by Standard Webhooks
_OURS = re.compile(r"content-(type|length)|transfer-encoding|user-agent|webhook-.*", re.IGNORECASE)


def build_webhooks(
    tables: WebhookTable | list[WebhookTable] | UnsetType, secrets: Secrets
) -> tuple[WebhookSettings, ...]:
    """Return the webhooks that *tables* describe; note what is wrong with them."""
    hooks = [_webhook(table, path, secrets) for table, path in each(tables, "webhook")]
    return tuple(hook for hook in hooks if hook is not None)


def _webhook(table: WebhookTable, path: Path, secrets: Secrets) -> WebhookSettings | None:
    for name in table.headers:
        if _OURS.fullmatch(name):
            secrets.problems.add(
                (*path, "headers", name), "is the daemon's own to set; expected another header"
            )
    headers = secrets.fetch_headers(table.headers, (*path, "headers"))
    has_secrets = any(isinstance(value, HiddenText) for _, value in headers)
    check = partial(check_receiver, insecure=table.insecure, has_secrets=has_secrets)
    url = None
    if table.url:  # else reported where it was read
        url = secrets.fetch(table.url, (*path, "url"), check)
    secret = None
    if table.secret is not UNSET:
        secret = secrets.fetch(table.secret, (*path, "secret"), _check_signing_secret)
    if url is None:
        return None
    return WebhookSettings(url, table.name, secret, headers, table.timeout, insecure=table.insecure)


def _check_signing_secret(secret: str) -> None:
    try:
        found = re.fullmatch(r"whsec_(\S+)", secret)
        size = len(base64.b64decode(found[1], validate=True)) if found else 0
    except binascii.Error:
        size = 0
    if not _SHORTEST <= size <= _LONGEST:
        raise ValueError(
            f"not a signing secret; expected whsec_ and {_SHORTEST} to {_LONGEST} random bytes"
            " in base64"
        )
