"""Refuses to run from an environment where another distribution overwrites this package."""

from __future__ import annotations

import sys
from pathlib import Path

from watchdog.errors import WatchdogError


def refuse_foreign_package() -> None:
    """Raise WatchdogError if PyPI's ``watchdog`` (file-system events) is installed beside us.

    It installs the same top-level package name and silently overwrites our files. The directories
    are looked at directly: importlib.metadata would cost the daemon 2 MB for one name.
    """
    for entry in sys.path:
        for found in Path(entry or ".").glob("watchdog-*.dist-info"):
            raise WatchdogError(
                f"cannot run: {found} is PyPI's file-system package watchdog, which overwrites "
                "this program's files; install service-watchdog into an environment of its own"
            )
