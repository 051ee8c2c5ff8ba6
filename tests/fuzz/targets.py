"""Where foreign bytes come in: each target takes any, and ends in good order or by an error.

What a target lets out is a defect, and so is one that takes long. `scripts/fuzz NAME` looks for
such bytes, guided by coverage; `test_fuzz.py` tries those that are in `corpus/` and some more,
`test_bounds.py` what does not end.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.fuzz import bus, parsers, peers

Target = Callable[[bytes], None]

SLOW = 1.0
"""Seconds of CPU that no bytes may take."""

LONGEST = 64 * 1024
"""Bytes that are tried at once: as many as anybody here reads."""

TARGETS: dict[str, Target] = {
    "aws": parsers.aws,
    "blobs": parsers.blobs,
    "certificate": parsers.certificate,
    "config": parsers.config,
    "control-socket": peers.control_socket,
    "dbus": bus.dbus,
    "filter": parsers.packet_filter,
    "http-answer": parsers.http_answer,
    "http-probe": peers.http_probe,
    "journal": parsers.journal,
    "log-line": parsers.log_line,
    "netlink": parsers.netlink,
    "nginx": parsers.nginx,
    "redact": parsers.redact,
    "slack": parsers.slack,
    "web": peers.web_server,
}


def take(name: str, octets: bytes, slow: float = SLOW) -> None:
    """Give *octets* to the target *name*. Raises AssertionError if that takes *slow* seconds."""
    began = time.process_time()
    TARGETS[name](octets)
    assert time.process_time() - began < slow, f"{len(octets)} bytes take too long"
