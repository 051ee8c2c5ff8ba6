"""This host's own addresses, and those of others that stand before hosts."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import psutil

# https://www.cloudflare.com/ips/
_RANGES = """
173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18
108.162.192.0/18 190.93.240.0/20 188.114.96.0/20 197.234.240.0/22 198.41.128.0/17
162.158.0.0/15 104.16.0.0/13 104.24.0.0/14 172.64.0.0/13 131.0.72.0/22
2400:cb00::/32 2606:4700::/32 2803:f800::/32 2405:b500::/32 2405:8100::/32
2a06:98c0::/29 2c0f:f248::/32
"""
_CLOUDFLARE = tuple(map(ipaddress.ip_network, _RANGES.split()))


def own_addresses() -> Sequence[str]:
    """Return the addresses of this host's interfaces, without loopback and link-local ones."""
    found = []
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family in {socket.AF_INET, socket.AF_INET6}:
                address = ipaddress.ip_address(each.address.partition("%")[0])
                if not address.is_loopback and not address.is_link_local:
                    found.append(str(address))
    return found


def is_here(host: str) -> bool:
    """Tell whether *host*, as a configuration spells it, is this one by its looks."""
    return host in {"localhost", "::1"} or host.startswith("127.") or host == socket.gethostname()


def public(addresses: Sequence[str]) -> Sequence[str]:
    """Return those of *addresses* by which the world can reach their host."""
    return [each for each in addresses if ipaddress.ip_address(each).is_global]


def stands_before(address: str) -> str:
    """Return whose *address* is, if it is one that stands before other hosts; or empty."""
    ours = ipaddress.ip_address(address)
    return "Cloudflare" if any(ours in network for network in _CLOUDFLARE) else ""


def outward_interface() -> str:
    """Return the interface by which this host reaches the world; empty if it does not.

    Reads the routes of /proc; of several defaults the one with the smallest metric.
    """
    try:
        with open("/proc/net/route") as file:  # noqa: PTH123
            rows = [line.split() for line in file][1:]
    except OSError:
        return ""
    defaults = [(int(row[6]), row[0]) for row in rows if row[1] == row[7] == "00000000"]
    return min(defaults, default=(0, ""))[1]
