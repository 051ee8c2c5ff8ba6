"""Which Slack apps are listened to, by what the configuration says; nothing else is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watchdog.app.buttons import apps
from watchdog.config import load

CONFIG = """
[daemon]
host = "web-1"
language = "ko"

[[service]]
unit = "api"

[[slack]]
name = "ops"
token = "xoxb-1"
channel = "#ops"
app_token = "xapp-1"
users = ["U0ALICE"]

[[slack]]
name = "web"
token = "xoxb-1"
channel = "#web"
app_token = "xapp-1"
users = ["U0BOB", "S0WEB"]

[[slack]]
name = "other"
token = "xoxb-2"
channel = "#other"
app_token = "xapp-2"
users = ["U0EVE"]

[[slack]]
name = "quiet"
token = "xoxb-1"
channel = "#quiet"
"""


def test_channels_of_one_app_share_a_connection_and_not_who_may_press(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    file.chmod(0o600)
    found = apps(load(file, {}))
    assert [(app.app_token, app.host, app.language) for app in found] == [
        ("xapp-1", "web-1", "ko"),
        ("xapp-2", "web-1", "ko"),
    ]
    assert [{each.name: each.users for each in app.channels} for app in found] == [
        {"ops": ("U0ALICE",), "web": ("U0BOB", "S0WEB")},
        {"other": ("U0EVE",)},
    ]


@pytest.mark.adapter
def test_a_daemon_without_buttons_imports_nothing_of_them() -> None:
    program = (
        "import sys, watchdog.app.daemon\n"
        "heavy = [name for name in sys.modules"
        " if name.startswith(('watchdog.buttons', 'aiohttp', 'slack_sdk'))]\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
