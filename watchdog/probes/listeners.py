"""Who listens on a port, for a reader of evidence."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.probes.owner import describe
from watchdog.probes.sock_diag import SockDiag

MOST = 4
"""Listeners described; with SO_REUSEPORT there is one for each worker."""


def listener_lines(port: int) -> Sequence[str]:
    """Describe who listens on *port* and how many connections wait to be accepted.

    Blocks: it asks the kernel and looks through /proc. Raises OSError if the kernel does not tell.
    """
    diag = SockDiag()  # the shared one is the event loop's
    try:
        found = [listener for listener in diag.listeners() if listener.port == port]
    finally:
        diag.close()
    lines = [
        f"{listener.host} port {port}: {describe(listener)}, "
        f"{listener.waiting} connections wait to be accepted (backlog {listener.backlog})"
        for listener in found[:MOST]
    ]
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST} more listeners")
    return lines or [f"nothing listens on port {port}"]
