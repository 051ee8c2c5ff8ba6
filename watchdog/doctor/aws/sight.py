"""From this host to the way its users' requests take, or to why that cannot be seen."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path as FilePath

from watchdog.core.model import Verdict
from watchdog.doctor.aws.api import BALANCER, Api, ApiError, Why, has_extra
from watchdog.doctor.aws.dmi import DMI, instance_of, on_ec2
from watchdog.doctor.aws.imds import SERVICE, Identity, ImdsError, identity
from watchdog.doctor.aws.path import Path
from watchdog.doctor.aws.replies import UNREADABLE, Interface
from watchdog.doctor.case import Case
from watchdog.probes.address import resolve
from watchdog.probes.target import parse_target
from watchdog.thread import in_thread

PATIENCE = 10.0
"""Seconds for all that AWS is asked; it takes 1 to 2 when AWS answers."""

RESOLVING = 2.0  # seconds
ASKED_FOR = 2  # addresses of others whose owners are looked up


@dataclass(frozen=True, slots=True)
class Skipped:
    """It does not apply here."""

    why: str


@dataclass(frozen=True, slots=True)
class NoMetadata:
    """The metadata service does not tell which instance this is."""

    instance: str  # as the firmware says; empty: nor does that
    why: str


@dataclass(frozen=True, slots=True)
class Untold:
    """AWS does not tell what lets requests through to this instance."""

    me: Identity
    why: Why
    what: str = ""
    role: str = ""  # whose credentials were used; empty: those of no role of this instance


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The external name leads nowhere."""

    host: str
    why: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The external name leads to something else than this instance."""

    me: Identity
    host: str
    addresses: tuple[str, ...]
    owner: str  # in words; empty: nothing in this account
    public: tuple[str, ...]  # this instance's own addresses
    fails: bool = False  # so does the external check, which is asked only if nobody else is there

    @property
    def by_balancer(self) -> bool:
        """Tell whether it leads to a load balancer of this account."""
        return self.owner.startswith(BALANCER)


@dataclass(frozen=True, slots=True)
class Seen:
    """The ways to this instance, one for each family that the external name has."""

    paths: tuple[Path, ...]


Sight = Skipped | NoMetadata | Untold | Unresolved | Elsewhere | Seen


async def sight_of(case: Case, dmi: FilePath = DMI, service: tuple[str, int] = SERVICE) -> Sight:
    """Return what can be seen of the way to the *case*'s service; asked once."""
    return await case.once("aws", lambda: _look(case, dmi, service))


def known_public(sight: Sight) -> tuple[str, ...]:
    """Return the public addresses of this instance, which its interfaces do not have, if known."""
    match sight:
        case Elsewhere():
            return sight.public
        case Untold():
            return sight.me.public
        case _:
            return ()


async def _look(case: Case, dmi: FilePath, service: tuple[str, int]) -> Sight:
    if not on_ec2(dmi):
        return Skipped("not on EC2")
    external = case.deployment.external
    if external is None:
        return Skipped("no external URL is configured, so nothing says who is to get in")
    try:
        me = await identity(service)
    except ImdsError as error:
        return NoMetadata(instance_of(dmi), str(error))
    sight = await _look_from(me, external.url)
    if isinstance(sight, Elsewhere) and not (sight.owner or sight.public):
        seen = await case.probed("external")
        return replace(sight, fails=seen is not None and seen.verdict is Verdict.FAIL)
    return sight


async def _look_from(me: Identity, url: str) -> Sight:
    target = parse_target(url)
    leads_to = await _resolved(target.host, target.port)
    if isinstance(leads_to, Unresolved):
        return leads_to
    if not has_extra():
        return Untold(me, Why.NO_EXTRA)
    try:
        async with asyncio.timeout(PATIENCE):
            return await _ask(me, target.host, target.port, leads_to)
    except TimeoutError:
        return Untold(me, Why.UNREACHABLE, f"no answer within {PATIENCE:g} s")
    except ApiError as error:
        return Untold(me, error.why, error.what, me.role if error.by_role else "")
    except UNREADABLE:
        return Untold(me, Why.REFUSED, "an answer that cannot be read")


async def _resolved(host: str, port: int) -> Sequence[str] | Unresolved:
    try:
        async with asyncio.timeout(RESOLVING):
            return tuple(dict.fromkeys(each.host for each in await resolve(host, port)))
    except TimeoutError:
        return Unresolved(host, f"no answer within {RESOLVING:g} s")
    except socket.gaierror as error:
        return Unresolved(host, error.strerror or str(error))


async def _ask(me: Identity, host: str, port: int, leads_to: Sequence[str]) -> Sight:
    api = await in_thread(partial(Api, me.region))
    interfaces = await in_thread(partial(api.interfaces, me.instance))
    doors = doors_of(interfaces, host, leads_to)
    if doors:
        return Seen(tuple([await _path(api, me, host, port, door) for door in doors]))
    return Elsewhere(
        me, host, tuple(leads_to), await _owner(api, leads_to), public_addresses(interfaces)
    )


@dataclass(frozen=True, slots=True)
class Door:
    """Where requests of one family arrive."""

    interface: Interface
    version: int
    public: bool  # from the Internet; else from within


def doors_of(interfaces: Sequence[Interface], host: str, leads_to: Sequence[str]) -> Sequence[Door]:
    """Return where *host* arrives that *leads_to* addresses; the first of each family."""
    # Within a VPC, the names that EC2 gives to public addresses lead to the private ones.
    by_ec2 = host.rstrip(".").endswith(".amazonaws.com")
    doors: dict[int, Door] = {}
    for interface in interfaces:
        for private, public in interface.public.items():
            if public in leads_to or (private in leads_to and public and by_ec2):
                doors.setdefault(4, Door(interface, 4, public=True))
            elif private in leads_to:
                doors.setdefault(4, Door(interface, 4, public=False))
        if {ip_address(each) for each in interface.ipv6} & set(map(ip_address, leads_to)):
            doors.setdefault(6, Door(interface, 6, public=True))
    return [door for _, door in sorted(doors.items())]


def public_addresses(interfaces: Sequence[Interface]) -> tuple[str, ...]:
    """Return the addresses under which *interfaces* are reached from the Internet."""
    return tuple(
        address
        for interface in interfaces
        for address in (*interface.public.values(), *interface.ipv6)
        if address
    )


async def _path(api: Api, me: Identity, host: str, port: int, door: Door) -> Path:
    interface = door.interface
    table, acl, groups = await asyncio.gather(
        in_thread(partial(api.route_table, interface.vpc, interface.subnet)),
        in_thread(partial(api.acl, interface.subnet)),
        in_thread(partial(api.groups, interface.groups)),
    )
    lists = await in_thread(partial(api.lists, groups))
    return Path(
        instance=me.instance,
        region=me.region,
        host=host,
        port=port,
        version=door.version,
        public=door.public,
        subnet=interface.subnet,
        vpc=interface.vpc,
        table=table,
        acl=acl,
        groups=groups,
        lists=lists,
    )


async def _owner(api: Api, addresses: Sequence[str]) -> str:
    """Return what has one of *addresses*, in words; empty if that is not to be known."""
    for address in addresses[:ASKED_FOR]:
        if ip_address(address).is_loopback:
            return "this host's loopback"
        try:
            if owner := await in_thread(partial(api.owner, address)):
                return owner
        except ApiError as error:
            if error.why is Why.UNREACHABLE:
                raise
    return ""
