"""How far a check's last asking came on the network, for the question whose fault that is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from watchdog.ports import OwnTrouble
from watchdog.probes.address import Address, literal
from watchdog.probes.connect import SILENT_ERRNOS

if TYPE_CHECKING:
    from watchdog.probes.own_network import OwnNetwork


class Reach:
    """Whom a check tried to reach, and whether anybody answered; the probe writes it down."""

    def __init__(self, network: OwnNetwork | None = None) -> None:
        self._network = network
        self._addresses: Sequence[Address] = ()
        self._silent = False
        self._since: float | None = None  # mono: nobody has answered since

    def begin(self) -> None:
        """Ask anew, at first for the addresses of a name."""
        self._addresses = ()
        self._silent = True
        if self._since is None:
            self._since = time.monotonic()

    def tries(self, addresses: Sequence[Address]) -> None:
        """Try to reach one of *addresses*."""
        self._addresses = addresses

    def meets(self, address: Address) -> None:
        """Get an answer of *address*, be it a refusal."""
        self._silent = False
        self._since = None
        if self._network is not None:
            self._network.reached(address)

    def stays_home(self) -> None:
        """Have no need of the network."""
        self._silent = False
        self._since = None

    def loses(self) -> None:
        """Hear no more of whom it had reached."""
        self._silent = True
        if self._since is None:
            self._since = time.monotonic()

    def breaks(self, number: int | None) -> None:
        """See a connection end with the errno *number*, if that is not None."""
        if number in SILENT_ERRNOS:
            self.loses()

    async def own_trouble(self) -> OwnTrouble | None:
        """Return this host's own trouble if that is why nobody answered; bounded by a second."""
        if self._network is None or not self._silent or self._since is None:
            return None
        return await self._network.trouble(self._addresses, self._since)


def may_leave_host(host: str) -> bool:
    """Tell whether a check of *host* may need the network: loopback never does."""
    if host.rstrip(".").lower() == "localhost":
        return False
    address = literal(host, 0)
    if address is None:
        return True
    return not (address.is_wildcard or address.host == "::1" or address.host.startswith("127."))
