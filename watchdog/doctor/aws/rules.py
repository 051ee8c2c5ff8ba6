"""What may be wrong on a request's way, layer by layer, with the commands that mend it: pure.

No remedy is safe: each opens a host to the Internet, which only its owner may decide.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from watchdog.doctor.aws.addresses import Addresses
from watchdog.doctor.aws.layers import (
    ONE_WAY,
    RETURN,
    AclEntry,
    denier,
    free_number,
    let_in,
)
from watchdog.doctor.aws.path import Path, in_words
from watchdog.doctor.finding import Finding, Remedy

PathRule = Callable[[Path], Finding | None]

IPV6 = 6
EVERYWHERE = {4: "0.0.0.0/0", IPV6: "::/0"}


def aws_no_internet_gateway(path: Path) -> Finding | None:
    """The subnet has no route to an Internet gateway: none at all, to a NAT, to one that is gone.

    The route is shown; it is of all instances that use the table. A private subnet may be meant,
    with a load balancer in a public one.
    """
    if path.routed or path.led_elsewhere:
        return None
    table, everywhere = path.table, EVERYWHERE[path.version]
    default = table.default(path.version)
    verb, why, meaning = "create", "has none", ""
    if default is not None:
        verb = "replace"
        why = f"sends {everywhere} to {default.target}"
        if not default.active:
            why += ", which is gone"
        elif default.target.startswith(ONE_WAY):
            meaning = f"{path.subnet} is a private subnet, which lets connections out only; "
    of = "the main route table of its VPC" if table.main else "its route table"
    option = "cidr-block" if path.version != IPV6 else "ipv6-cidr-block"
    return Finding(
        "aws-no-internet-gateway",
        f"{path.subnet} has no route to an Internet gateway: {of}, {table.id}, {why}",
        f"{meaning}nobody on the Internet reaches port {path.port} over IPv{path.version}",
        Remedy(
            (
                _ec2(
                    path,
                    "describe-internet-gateways",
                    f"--filters Name=attachment.vpc-id,Values={path.vpc}",
                ),
                _ec2(
                    path,
                    f"{verb}-route",
                    f"--route-table-id {table.id} --destination-{option} {everywhere}"
                    " --gateway-id GATEWAY",
                ),
            )
        ),
        ("the route is of all instances that use this table, not of this one alone",),
    )


def aws_acl_inbound(path: Path) -> Finding | None:
    """The network ACL of the subnet denies the port; the entry is named.

    An entry with a lower number that allows it.
    """
    if path.entering & _invited(path):
        return None
    entry = denier(path.acl.inbound, path.version, path.port)
    return Finding(
        "aws-acl-inbound",
        f"network ACL {path.acl.id} of {path.subnet} denies port {path.port}: {_by(entry)}",
        "requests are dropped before they reach the instance; to its users it hangs",
        Remedy((_allow(path, "--ingress", f"From={path.port},To={path.port}", entry),)),
    )


def aws_acl_return(path: Path) -> Finding | None:
    """The network ACL of the subnet, which keeps no connections, lets no answers out.

    An outbound entry for ports 1024 to 65535.
    """
    if path.answered & path.entering & _invited(path):
        return None
    first, last = RETURN.split("-")
    entry = denier(path.acl.outbound, path.version, path.acl.silent_port(path.version))
    return Finding(
        "aws-acl-return",
        f"network ACL {path.acl.id} of {path.subnet} denies answers to ports {RETURN}:"
        f" {_by(entry)}",
        "requests arrive and their answers are dropped; to its users it hangs",
        Remedy((_allow(path, "--egress", f"From={first},To={last}", entry),)),
        ("an ACL keeps no connections: what answers a request needs an outbound entry",),
    )


def aws_group_only_ipv4(path: Path) -> Finding | None:
    """The security groups let in IPv4 alone, and the name has an IPv6 address of this instance.

    `authorize-security-group-ingress` for `::/0`.
    """
    if path.version != IPV6 or _anybody(path):
        return None
    if not let_in(path.groups, 4, path.port, path.lists).addresses:
        return None
    return Finding(
        "aws-group-only-ipv4",
        f"no security group of {path.instance} ({path.group_ids}) lets port {path.port} in"
        " over IPv6, only over IPv4",
        f"{path.host} has an IPv6 address too, which its users try first",
        Remedy((_authorize(path),)),
    )


def aws_group_closed(path: Path) -> Finding | None:
    """No security group lets the port in, or only from addresses that are not of the Internet.

    `authorize-security-group-ingress`.
    """
    if _anybody(path):
        return None
    within = let_in(path.groups, path.version, path.port, path.lists).addresses
    only = f" but from {in_words(within)}, which is no address of the Internet" if within else ""
    return Finding(
        "aws-group-closed",
        f"no security group of {path.instance} ({path.group_ids}) lets port {path.port} in{only}",
        "requests are dropped before they reach the instance; to its users it hangs",
        Remedy((_authorize(path),)),
    )


PATH_RULES: tuple[PathRule, ...] = (
    aws_no_internet_gateway,
    aws_acl_inbound,
    aws_acl_return,
    aws_group_only_ipv4,
    aws_group_closed,
)
"""In the order in which a packet passes them."""


def _anybody(path: Path) -> bool:
    return bool(path.let_in.addresses) or bool(path.let_in.others)


def _invited(path: Path) -> Addresses:
    """Return whom the groups let in; all who may ask, where that is a matter of its own."""
    found = path.let_in
    return found.addresses if found.addresses and not found.others else path.askers


def _by(entry: AclEntry | None) -> str:
    if entry is None:
        return "no entry allows it"
    return f"entry {entry.number} denies it to {entry.network}"


def _allow(path: Path, direction: str, ports: str, entry: AclEntry | None) -> str:
    """Return the command that allows *ports* before *entry* denies them."""
    entries = path.acl.inbound if direction == "--ingress" else path.acl.outbound
    number = free_number(entries, entry)
    acl = f"--network-acl-id {path.acl.id} {direction}"
    if number is None and entry is not None:  # no room before it
        return _ec2(path, "delete-network-acl-entry", f"{acl} --rule-number {entry.number}")
    option = "--cidr-block" if path.version != IPV6 else "--ipv6-cidr-block"
    return _ec2(
        path,
        "create-network-acl-entry",
        f"{acl} --rule-number {number} --protocol tcp --port-range {ports}"
        f" {option} {EVERYWHERE[path.version]} --rule-action allow",
    )


def _authorize(path: Path) -> str:
    group, port = path.groups[0].id if path.groups else "GROUP", path.port
    source = f"--protocol tcp --port {port} --cidr 0.0.0.0/0"
    if path.version == IPV6:
        everybody = {
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        }
        source = f"--ip-permissions '{json.dumps([everybody])}'"
    return _ec2(path, "authorize-security-group-ingress", f"--group-id {group} {source}")


def _ec2(path: Path, verb: str, options: str) -> str:
    return f"aws ec2 {verb} --region {path.region} {options}"
