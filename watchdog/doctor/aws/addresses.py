"""Sets of addresses: each layer before an instance lets some through, and their overlap gets in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
    summarize_address_range,
)

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Addresses:
    """A set of addresses of one family, in intervals: in order, with gaps between them."""

    version: int  # 4 or 6
    intervals: tuple[tuple[int, int], ...] = ()  # first and last of each

    @classmethod
    def of(cls, version: int, networks: Iterable[Network]) -> Addresses:
        """Return what is in *networks*; those of the other family are left out."""
        return cls(
            version,
            _joined(
                (int(each.network_address), int(each.broadcast_address))
                for each in networks
                if each.version == version
            ),
        )

    def __bool__(self) -> bool:
        return bool(self.intervals)

    @property
    def size(self) -> int:
        """Return how many there are."""
        return sum(last - first + 1 for first, last in self.intervals)

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        return address.version == self.version and any(
            first <= number <= last for first, last in self.intervals
        )

    def __or__(self, other: Addresses) -> Addresses:
        return Addresses(self.version, _joined((*self.intervals, *other.intervals)))

    def __and__(self, other: Addresses) -> Addresses:
        overlaps = (
            (max(a, c), min(b, d))
            for a, b in self.intervals
            for c, d in other.intervals
            if max(a, c) <= min(b, d)
        )
        return Addresses(self.version, _joined(overlaps))

    def __sub__(self, other: Addresses) -> Addresses:
        return self & Addresses(self.version, tuple(_gaps(self.version, other.intervals)))

    def networks(self) -> list[Network]:
        """Return the fewest networks that make it up."""
        family = IPv4Address if self.version == 4 else IPv6Address  # noqa: PLR2004
        return [
            network
            for first, last in self.intervals
            for network in summarize_address_range(family(first), family(last))
        ]


def _joined(intervals: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _gaps(version: int, intervals: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    begin = 0
    for first, last in intervals:
        if begin < first:
            yield begin, first - 1
        begin = last + 1
    end = (1 << (32 if version == 4 else 128)) - 1  # noqa: PLR2004
    if begin <= end:
        yield begin, end


_NOT_ROUTED = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
)

EVERYBODY: Mapping[int, Addresses] = {
    4: Addresses.of(4, [IPv4Network("0.0.0.0/0")]),
    6: Addresses.of(6, [IPv6Network("::/0")]),
}
"""Every address there is, by family."""

INTERNET: Mapping[int, Addresses] = {
    4: EVERYBODY[4] - Addresses.of(4, map(ip_network, _NOT_ROUTED)),
    6: Addresses.of(6, [IPv6Network("2000::/3")]),
}
"""Whom a request may come from that comes to a public address."""
