"""EC2's API by moto, over HTTP, and a site in it as a careful person builds one.

Importing moto and boto3 takes seconds of CPU, which whoever only collects tests need not spend.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shlex
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"}

EVERYBODY = "0.0.0.0/0"
EVERYBODY_V6 = "::/0"


class Ec2:
    """The server, in a thread, on *sock* or a free port of the loopback."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - late, as all of it here
            DomainDispatcherApplication,
            create_backend_app,
        )
        from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415

        _complete()
        _read_once()

        class Quiet(WSGIRequestHandler):
            def log_request(self, *_: object) -> None:
                pass

        self._sock = sock or socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = make_server(
            "127.0.0.1",
            self.port,
            DomainDispatcherApplication(create_backend_app),
            threaded=True,
            request_handler=Quiet,
            fd=self._sock.fileno(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._sock.close()


def _complete() -> None:
    """Give moto the filters of DescribeNetworkInterfaces that it does not have yet."""
    from moto.ec2.models.elastic_network_interfaces import NetworkInterface  # noqa: PLC0415

    known = NetworkInterface.get_filter_value

    def get_filter_value(self: Any, name: str, method_name: str | None = None) -> Any:
        if name == "association.public-ip":
            return self.public_ip
        if name == "ipv6-addresses.ipv6-address":
            return self.ipv6_addresses
        return known(self, name, method_name)

    NetworkInterface.get_filter_value = get_filter_value


def _read_once() -> None:
    """Have boto3 parse each description of an API once: for each session, it takes 0.1 s."""
    from botocore.loaders import JSONFileLoader  # noqa: PLC0415

    parse = JSONFileLoader.load_file
    if hasattr(parse, "known"):
        return
    known: dict[str, Any] = {}

    def load_file(self: Any, path: str) -> Any:
        if path not in known:
            known[path] = parse(self, path)
        return known[path]

    load_file.known = known  # type: ignore[attr-defined]
    JSONFileLoader.load_file = load_file


def client(url: str, service: str = "ec2") -> Any:
    """Return boto3's client of the server at *url*."""
    import boto3  # noqa: PLC0415

    session = boto3.Session(
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    return session.client(service, endpoint_url=url)


_PLACES = itertools.count(1)


@dataclass
class Site:
    """An instance that everybody reaches at ports 80 and 443, and all that lets them."""

    ec2: Any
    vpc: str = ""
    subnet: str = ""
    gateway: str = ""
    table: str = ""
    acl: str = ""
    group: str = ""
    instance: str = ""
    interface: str = ""
    private: str = ""
    public: str = ""
    ipv6: str = ""
    elastic: str = ""  # the allocation
    association: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @classmethod
    def build(cls, ec2: Any) -> Site:
        """Return a new site, in a VPC of its own."""
        site = cls(ec2)
        site._network()
        site._acl()
        site._group()
        place = f"10.1.0.{10 + next(_PLACES) % 200}"
        ran = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            SubnetId=site.subnet,
            SecurityGroupIds=[site.group],
            PrivateIpAddress=place,
            Ipv6AddressCount=1,
        )["Instances"][0]
        site.instance = ran["InstanceId"]
        site.private = ran["PrivateIpAddress"]
        [interface] = ran["NetworkInterfaces"]
        site.interface = interface["NetworkInterfaceId"]
        site.ipv6 = interface["Ipv6Addresses"][0]["Ipv6Address"]
        site.public, site.elastic = site.elastic_address()
        site.association = ec2.associate_address(
            AllocationId=site.elastic, InstanceId=site.instance
        )["AssociationId"]
        return site

    def elastic_address(self) -> tuple[str, str]:
        """Return a new public address and its allocation. By itself moto gives out loopback's."""
        place = next(_PLACES)
        given = self.ec2.allocate_address(
            Domain="vpc", Address=f"52.57.{place // 250}.{place % 250 + 1}"
        )
        return given["PublicIp"], given["AllocationId"]

    def _network(self) -> None:
        ec2 = self.ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"][
            "VpcId"
        ]
        described = ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]
        block = described["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        self.subnet = ec2.create_subnet(
            VpcId=self.vpc, CidrBlock="10.1.0.0/24", Ipv6CidrBlock=block.replace("::/56", "::/64")
        )["Subnet"]["SubnetId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.more["association"] = ec2.associate_route_table(
            RouteTableId=self.table, SubnetId=self.subnet
        )["AssociationId"]
        ec2.create_route(
            RouteTableId=self.table, DestinationCidrBlock=EVERYBODY, GatewayId=self.gateway
        )
        ec2.create_route(
            RouteTableId=self.table, DestinationIpv6CidrBlock=EVERYBODY_V6, GatewayId=self.gateway
        )

    def _acl(self) -> None:
        ec2 = self.ec2
        [used] = ec2.describe_network_acls(
            Filters=[{"Name": "association.subnet-id", "Values": [self.subnet]}]
        )["NetworkAcls"]
        [association] = [
            each["NetworkAclAssociationId"]
            for each in used["Associations"]
            if each["SubnetId"] == self.subnet
        ]
        self.acl = ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=self.acl)
        for egress in (False, True):
            self.entry(100, egress=egress)
            self.entry(101, egress=egress, source=EVERYBODY_V6)

    def _group(self) -> None:
        self.group = self.ec2.create_security_group(
            VpcId=self.vpc, GroupName="web", Description="web"
        )["GroupId"]
        for port in (80, 443):
            self.let_in(port)
            self.let_in(port, EVERYBODY_V6)

    # -------------------------------------------------------- what tests do to it

    def entry(
        self,
        number: int,
        *,
        allow: bool = True,
        egress: bool = False,
        ports: tuple[int, int] | None = None,
        source: str = EVERYBODY,
    ) -> None:
        """Add an entry to the network ACL: for all, or for TCP to *ports*."""
        family = "Ipv6CidrBlock" if ":" in source else "CidrBlock"
        more = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        self.ec2.create_network_acl_entry(
            NetworkAclId=self.acl,
            RuleNumber=number,
            Protocol="6" if ports else "-1",
            RuleAction="allow" if allow else "deny",
            Egress=egress,
            **{family: source},
            **more,
        )

    def no_entry(self, number: int, *, egress: bool = False) -> None:
        """Take an entry out of the network ACL."""
        self.ec2.delete_network_acl_entry(NetworkAclId=self.acl, RuleNumber=number, Egress=egress)

    def let_in(self, port: int, *sources: str) -> None:
        """Let *sources* in to *port*: networks, groups, prefix lists."""
        self.ec2.authorize_security_group_ingress(
            GroupId=self.group, IpPermissions=[_permission(port, sources or (EVERYBODY,))]
        )

    def shut_out(self, port: int, *sources: str) -> None:
        """Let them in no more."""
        self.ec2.revoke_security_group_ingress(
            GroupId=self.group, IpPermissions=[_permission(port, sources or (EVERYBODY,))]
        )

    def run(self, command: str) -> None:
        """Do what the AWS command line does with *command*, as far as remedies use it."""
        words = shlex.split(command)
        assert words[:2] == ["aws", "ec2"], command
        given = _options(words[3:])
        assert given.pop("region") == REGION
        verb = words[2].replace("-", "_")
        getattr(self.ec2, verb)(**_arguments(self.ec2, verb, given))


def _permission(port: int, sources: tuple[str, ...]) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    kinds = {"sg-": ("UserIdGroupPairs", "GroupId"), "pl-": ("PrefixListIds", "PrefixListId")}
    for source in sources:
        ranges, name = kinds.get(
            source[:3],
            ("Ipv6Ranges", "CidrIpv6") if ":" in source else ("IpRanges", "CidrIp"),
        )
        permission.setdefault(ranges, []).append({name: source})
    return permission


def _options(words: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in words:
        if word.startswith("--"):
            given[word.removeprefix("--")] = ""
        else:
            given[list(given)[-1]] = word
    return given


def _arguments(ec2: Any, verb: str, given: dict[str, str]) -> dict[str, Any]:
    """Return what the API takes for what the command line takes."""
    if "cidr" in given:  # the short form of authorize-security-group-ingress
        given["ip-permissions"] = json.dumps([_permission(int(given["port"]), (given["cidr"],))])
        for name in ("cidr", "port", "protocol"):
            del given[name]
    if given.keys() & {"ingress", "egress"}:
        given["egress"] = json.dumps("egress" in given)
        given.pop("ingress", None)
    if given.get("protocol") == "tcp":
        given["protocol"] = "6"
    operation = ec2.meta.method_to_api_mapping[verb]
    members = ec2.meta.service_model.operation_model(operation).input_shape.members
    names = {_dashed(name): name for name in members}
    return {
        names[option]: _value(members[names[option]].type_name, text)
        for option, text in given.items()
    }


def _dashed(name: str) -> str:
    from botocore import xform_name  # noqa: PLC0415

    return str(xform_name(name, "-"))


def _value(kind: str, text: str) -> Any:
    if kind in {"integer", "boolean"} or text.startswith("["):
        return json.loads(text)
    if kind == "structure":
        return {name: int(value) for name, value in (part.split("=") for part in text.split(","))}
    if kind == "list":
        name, values = (part.partition("=")[2] for part in text.split(",", 1))
        return [{"Name": name, "Values": [values]}]
    return text


@contextlib.contextmanager
def permissions_checked(url: str) -> Iterator[None]:
    """Let the server at *url* ask IAM whether each request is allowed."""
    import requests  # noqa: PLC0415

    try:
        assert requests.post(f"{url}/moto-api/reset-auth", data=b"0", timeout=5).ok
        yield
    finally:
        assert requests.post(f"{url}/moto-api/reset-auth", data=b"inf", timeout=5).ok
