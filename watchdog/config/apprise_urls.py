"""From the tables of apprise to the settings of their channels."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec

from msgspec import UNSET, UnsetType

from watchdog.config.channel_tables import AppriseTable
from watchdog.config.channels import each
from watchdog.config.fetching import Secrets
from watchdog.config.problems import Path
from watchdog.config.secret import Secret
from watchdog.config.settings import AppriseSettings


def build_apprise(
    tables: AppriseTable | list[AppriseTable] | UnsetType, secrets: Secrets
) -> tuple[AppriseSettings, ...]:
    """Return the channels that *tables* describe; note what is wrong with them.

    The library is looked for and not imported: that is left to whoever sends.
    """
    found = each(tables, "apprise")
    if tables is not UNSET and find_spec("apprise") is None:
        secrets.problems.add(("apprise",), f"needs the package apprise; run: {how_to_install()}")
    return tuple(_apprise(table, path, secrets) for table, path in found)


def how_to_install() -> str:
    """Return the command that installs the extra; what install.sh has made knows no pip."""
    if find_spec("pip") is None:
        return "sudo systemd/install.sh --with apprise"
    return f"{sys.executable} -m pip install 'service-watchdog[apprise]'"


def _apprise(table: AppriseTable, path: Path, secrets: Secrets) -> AppriseSettings:
    urls: list[Secret] = []
    for index, value in enumerate(table.urls):
        if not value:
            continue  # reported where it was read
        place = (*path, "urls", index)
        url = secrets.fetch(value, place, _check_url)
        if url is not None:
            if url.reveal() and url in urls:
                secrets.problems.add(place, "the same is there already; expected it once")
            urls.append(url)
    return AppriseSettings(tuple(urls), table.name, table.timeout)


def _check_url(url: str) -> None:
    if not re.match(r"[A-Za-z0-9]+://\S", url):
        raise ValueError("expected a URL of apprise such as tgram://TOKEN/CHAT")
