"""Where things are unless the configuration says otherwise; alone, so that commands start fast."""

from __future__ import annotations

from pathlib import Path

CONFIG = "/etc/service-watchdog/config.toml"
STATE_DIR = Path("/var/lib/service-watchdog")
RUNTIME_DIR = Path("/run/service-watchdog")
SOCKET = "control.sock"
"""The control socket's name in the runtime directory."""

DATABASE = "state.db"
"""The database's name in the state directory."""
