"""A host and the router that it reaches the world by: two network namespaces and a cable.

Nothing of the machine that the test runs on is touched, and all is gone once both processes end.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from tests.host.network import in_network_of

T = TypeVar("T")

HOST, ROUTER = "192.168.7.2", "192.168.7.1"
HOST6, ROUTER6 = "fd07::2", "fd07::1"
WORLD, WORLD6 = "198.51.100.9", "2001:db8:9::9"
"""Addresses beyond the router, which it answers for itself."""

_TOGETHER = f"""
ip link set lo up
ip link add eth0 type veth peer name port netns $1
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
ip address add {HOST}/24 dev eth0
ip address add {HOST6}/64 dev eth0 nodad
ip link set eth0 up
"""

_ROUTER = f"""
ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/port/accept_dad
ip address add {ROUTER}/24 dev port
ip address add {ROUTER6}/64 dev port nodad
ip address add {WORLD}/32 dev lo
ip address add {WORLD6}/128 dev lo nodad
ip link set port up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
"""

_DEFAULT = f"""
ip route add default via {ROUTER}
ip -6 route add default via {ROUTER6}
"""


class Wires:
    """The cable between a host and its router, and what can happen to it.

    *host* is a process of the host; without one there is a host that is nothing but a network.
    """

    def __init__(self, host: int | None = None) -> None:
        self._ours = [_namespace()]
        self._router = self._ours[0].pid
        if host is None:
            self._ours.append(_namespace())
        self._host = host or self._ours[1].pid

    def __enter__(self) -> Self:
        self.on_host(_TOGETHER, str(self._router))
        self.on_router(_ROUTER)
        self.on_host(_DEFAULT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for namespace in self._ours:
            namespace.communicate()

    def on_host(self, script: str, *arguments: str) -> str:
        """Return what *script* prints in the host's network."""
        return _run(self._host, script, *arguments)

    def on_router(self, script: str) -> str:
        """Return what *script* prints in the router's network."""
        return _run(self._router, script)

    def from_host(self, call: Callable[[], T]) -> T:
        """Return what *call* returns in the host's network; its threads are there as well."""
        return in_network_of(self._host, call)

    def from_router(self, call: Callable[[], T]) -> T:
        """Return what *call* returns in the router's network."""
        return in_network_of(self._router, call)

    def pull(self) -> None:
        """Pull the cable out at the router."""
        self.on_router("ip link set port down")

    def plug(self) -> None:
        """Plug it in again."""
        self.on_router(f"ip link set port up; ip address replace {ROUTER6}/64 dev port nodad")

    def mute(self) -> None:
        """Have the router answer nothing any more, while the cable stays in."""
        self.on_router("ip link set port arp off; ip address flush dev port")

    def unmute(self) -> None:
        """End that."""
        self.on_router(
            f"ip link set port arp on; ip address replace {ROUTER}/24 dev port;"
            f" ip address replace {ROUTER6}/64 dev port nodad"
        )


def _namespace() -> subprocess.Popen[str]:
    """Start a process that has a network of its own until its input ends."""
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _run(process: int, script: str, *arguments: str) -> str:
    enter = ["nsenter", f"--net=/proc/{process}/ns/net", "--"]
    done = subprocess.run(
        [*enter, "sh", "-ec", script, "sh", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
