"""Where nginx logs to."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import isabs

from watchdog.nginx.syntax import Directive

_KINDS = {"access_log": "access", "error_log": "error"}


def log_files(configuration: Directive) -> Mapping[str, str]:
    """Return the path of each log, and its kind: "access" or "error"."""
    found: dict[str, str] = {}
    for each in configuration.descendants():
        if each.name in _KINDS and each.arguments:
            path = each.arguments[0]
            if isabs(path) and "$" not in path and path != "/dev/null":
                found.setdefault(path, _KINDS[each.name])
    return found
