"""Hosts that reach one in their middle: a cable from each, between their own networks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.host.host import Host

_CABLE = """
ip link add eth0 type veth peer name $1 netns $2
ip address add $3/30 dev eth0
ip link set eth0 up
"""

_SOCKET = """
ip address add $2/30 dev $1
ip link set $1 up
"""


class Lan:
    """*hub* and *hosts*, which know each other by name; the cables go with them."""

    def __init__(self, hub: Host, hosts: Sequence[Host]) -> None:
        names = []
        for number, host in enumerate(hosts, 1):
            port, here, there = f"port{number}", f"10.77.{number}.1", f"10.77.{number}.2"
            _run(host, _CABLE, port, str(hub.pid), there)
            _run(hub, _SOCKET, port, here)
            host.sh(f"echo {here} {hub.name} >>/etc/hosts")
            names.append(f"{there} {host.name}")
        hub.sh('printf "%s\\n" "$@" >>/etc/hosts', *names)


@contextmanager
def unplugged(host: Host) -> Iterator[None]:
    """Have *host* as good as dead to others: its cable is out."""
    _run(host, "ip link set eth0 down")
    try:
        yield
    finally:
        _run(host, "ip link set eth0 up")


def _run(host: Host, script: str, *arguments: str) -> None:
    # Outside, where the numbers of processes are those that we know.
    subprocess.run(
        host.netns("sh", "-ec", script, "sh", *arguments),
        check=True,
        capture_output=True,
        timeout=20,
    )
