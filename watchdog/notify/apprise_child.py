"""Sends one alert with the library apprise and ends; run by apprise.py as a process of its own.

Reads ``{"url", "title", "body", "kind"}`` and says ``{"outcome", "statuses"}``, both JSON. Nothing
else is said, for what the library and its plugins say may hold the URL.
"""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import sys
from typing import Any, TextIO

STATUS = re.compile(r"\berror=([1-5]\d\d)\b")  # apprise: "Failed to send …, error=404."


MEMORY = 384 << 20
"""Bytes of address space, most of them libraries: its plugins read an answer to its end."""


class Statuses(logging.Handler):
    """Keeps the HTTP statuses that the library's log tells of, and nothing else of it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look for statuses in *record*."""
        self.found += map(int, STATUS.findall(record.getMessage()))


def main() -> None:
    """Send what standard input says."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answer = _own_output()
    request = json.load(sys.stdin)
    json.dump(send(request), answer)
    answer.flush()
    os._exit(0)  # threads of the library need not be waited for


def send(request: dict[str, str]) -> dict[str, Any]:
    """Send *request* and return what became of it."""
    try:
        import apprise  # noqa: PLC0415 - it may be missing, which is an answer
    except ImportError:
        return {"outcome": "missing", "statuses": []}
    statuses = Statuses()
    logger = logging.getLogger("apprise")
    logger.addHandler(statuses)
    logger.propagate = False
    asset = apprise.AppriseAsset(app_id="service-watchdog", app_desc="alerts")
    service = apprise.Apprise.instantiate(request["url"], asset=asset)
    if service is None:
        return {"outcome": "unknown-url", "statuses": []}
    if "overflow=" not in request["url"]:
        # Services have limits, and most refuse what is longer: an end that is cut off is better.
        service.overflow_mode = apprise.OverflowMode.TRUNCATE
    sending = apprise.Apprise(asset=asset)
    sending.add(service)
    sent = sending.notify(
        body=request["body"],
        title=request["title"],
        notify_type=apprise.NotifyType(request["kind"]),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return {"outcome": "sent" if sent else "failed", "statuses": statuses.found}


def _own_output() -> TextIO:
    """Return what was standard output; whoever else writes there writes to nowhere."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answer


if __name__ == "__main__":
    main()
