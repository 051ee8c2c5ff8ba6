"""From EC2's replies to plain values: pure, and nothing of boto3's goes further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from watchdog.doctor.aws.layers import (
    ANY,
    HIGHEST,
    TCP,
    Acl,
    AclEntry,
    Group,
    GroupRule,
    Route,
    RouteTable,
)

Reply = Mapping[str, Any]

UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a reply raises that is not formed as it should be."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of the instance."""

    subnet: str
    vpc: str
    groups: tuple[str, ...]
    public: Mapping[str, str]  # by private IPv4 address; empty: it has none
    ipv6: tuple[str, ...] = ()


def interface(reply: Reply) -> Interface:
    """Return what DescribeInstances says of a network interface."""
    return Interface(
        subnet=reply["SubnetId"],
        vpc=reply["VpcId"],
        groups=tuple(each["GroupId"] for each in reply["Groups"]),
        public={
            each["PrivateIpAddress"]: each.get("Association", {}).get("PublicIp", "")
            for each in reply["PrivateIpAddresses"]
        },
        ipv6=tuple(each["Ipv6Address"] for each in reply.get("Ipv6Addresses", ())),
    )


_TARGETS = (
    *("GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId", "TransitGatewayId"),
    *("VpcPeeringConnectionId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn"),
    *("NetworkInterfaceId", "InstanceId"),
)


def route_table(reply: Reply, *, main: bool) -> RouteTable:
    """Return what DescribeRouteTables says of a table."""
    routes = []
    for each in reply["Routes"]:
        to = each.get("DestinationCidrBlock") or each.get("DestinationIpv6CidrBlock")
        if to is None:
            continue  # a prefix list: never the Internet
        target = next((str(each[name]) for name in _TARGETS if each.get(name)), "?")
        routes.append(Route(ip_network(to), target, each.get("State") != "blackhole"))
    return RouteTable(reply["RouteTableId"], tuple(routes), main)


def acl(reply: Reply) -> Acl:
    """Return what DescribeNetworkAcls says of an ACL."""
    both: Mapping[bool, list[AclEntry]] = {False: [], True: []}
    for each in reply["Entries"]:
        if each["RuleNumber"] >= HIGHEST:
            continue  # the last of all, "*"
        ports = each.get("PortRange") or {"From": 0, "To": 65535}
        both[each["Egress"]].append(
            AclEntry(
                each["RuleNumber"],
                each["RuleAction"] == "allow",
                ip_network(each.get("CidrBlock") or each["Ipv6CidrBlock"]),
                int(each["Protocol"]),
                ports["From"],
                ports["To"],
            )
        )
    return Acl(reply["NetworkAclId"], tuple(both[False]), tuple(both[True]))


_PROTOCOLS = {"tcp": TCP, "-1": ANY}


def group(reply: Reply) -> Group:
    """Return what DescribeSecurityGroups says of a group."""
    return Group(
        reply["GroupId"],
        tuple(
            GroupRule(
                protocol=_PROTOCOLS.get(each["IpProtocol"], -2),
                first=each.get("FromPort", 0),
                last=each.get("ToPort", 65535),
                networks=(
                    *(ip_network(one["CidrIp"]) for one in each["IpRanges"]),
                    *(ip_network(one["CidrIpv6"]) for one in each.get("Ipv6Ranges", ())),
                ),
                groups=tuple(one["GroupId"] for one in each["UserIdGroupPairs"]),
                lists=tuple(one["PrefixListId"] for one in each.get("PrefixListIds", ())),
            )
            for each in reply["IpPermissions"]
        ),
    )
