"""Names of systemd's and the bus daemon's on D-Bus (org.freedesktop.systemd1(5))."""

from __future__ import annotations

from typing import NamedTuple

SYSTEMD = "org.freedesktop.systemd1"
SYSTEMD_PATH = "/org/freedesktop/systemd1"
DBUS = "org.freedesktop.DBus"


class Target(NamedTuple):
    """Who is called."""

    destination: str
    path: str
    interface: str


MANAGER = Target(SYSTEMD, SYSTEMD_PATH, f"{SYSTEMD}.Manager")
PEER = Target(SYSTEMD, SYSTEMD_PATH, f"{DBUS}.Peer")
BUS_DAEMON = Target(DBUS, "/org/freedesktop/DBus", DBUS)


def properties_of(path: str) -> Target:
    """Return whom to ask for the properties of systemd's object *path*."""
    return Target(SYSTEMD, path, f"{DBUS}.Properties")


def unit_path(name: str) -> str:
    """Return the path of systemd's object for the unit called *name* (sd_bus_path_encode(3))."""
    escaped = "".join(
        chr(octet)
        if chr(octet).isascii() and (chr(octet).isalpha() or (index and chr(octet).isdigit()))
        else f"_{octet:02x}"
        for index, octet in enumerate(name.encode())
    )
    return f"{SYSTEMD_PATH}/unit/{escaped}"


DISCONNECTED = f"{DBUS}.Error.Disconnected"
NO_REPLY = f"{DBUS}.Error.NoReply"

NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a message raises that is not formed as it should be."""
