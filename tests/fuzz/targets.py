"""Where foreign bytes come in: each target takes any, and ends in good order or by an error.

What a target lets out is a defect, and so is one that takes long. `scripts/fuzz NAME` looks for
such bytes, guided by coverage; `test_fuzz.py` tries those that are in `corpus/` and some more.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import bus, parsers, peers

Target = Callable[[bytes], None]

TARGETS: dict[str, Target] = {
    "aws": parsers.aws,
    "blobs": parsers.blobs,
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
