"""A test host on which polkit is not installed, as far as the bus daemon can tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.host.host import Host

ACTIVATION = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
AWAY = "/root/polkit"


@contextmanager
def without_polkit(host: Host) -> Iterator[None]:
    """Take polkit from *host*, and give it back in the end."""
    host.systemctl("stop", "polkit.service")
    host.run("mv", ACTIVATION, AWAY)
    host.systemctl("reload", "dbus.service")
    try:
        yield
    finally:
        host.run("mv", AWAY, ACTIVATION)
        host.systemctl("reload", "dbus.service")
