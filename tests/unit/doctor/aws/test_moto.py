"""The box of AWS against EC2's API: sites are built there, broken, named and mended."""

from __future__ import annotations

import pytest

from tests.host.peers.ec2 import EVERYBODY, EVERYBODY_V6, REGION, Site
from tests.unit.doctor.aws.conftest import Examine
from watchdog.core.model import Verdict
from watchdog.doctor.finding import Answer, Finding, Mark

pytestmark = pytest.mark.adapter

OFFICE = "203.0.113.0/24"


async def named(examine: Examine, rule: str, host: str = "") -> Finding:
    """Return the finding, which must be this and make the answer bad."""
    answer, finding = await examine(host)
    assert finding is not None, answer
    assert (answer.mark, finding.rule) == (Mark.BAD, rule)
    assert not finding.remedy.safe
    return finding


async def is_healthy(examine: Examine, host: str = "") -> None:
    answer, finding = await examine(host)
    assert (answer.mark, finding) == (Mark.GOOD, None), (answer, finding)


# --- nothing is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_open_site_has_no_finding(site: Site, examine: Examine, scheme: str) -> None:
    answer, finding = await examine(scheme=scheme)
    port = {"http": 80, "https": 443}[scheme]
    assert answer == Answer(Mark.GOOD, f"port {port} is open to everybody over IPv4")
    assert finding is None


async def test_an_open_site_is_open_over_ipv6(site: Site, examine: Examine) -> None:
    answer, finding = await examine(f"[{site.ipv6}]")
    assert answer == Answer(Mark.GOOD, "port 443 is open to everybody over IPv6")
    assert finding is None


async def test_a_list_of_the_unwanted_is_no_fault(site: Site, examine: Examine) -> None:
    site.entry(50, allow=False, source=OFFICE)
    answer, finding = await examine()
    assert answer == Answer(Mark.GOOD, f"port 443 is open to everybody but {OFFICE} over IPv4")
    assert finding is None


async def test_the_main_route_table_serves_a_subnet_without_its_own(
    site: Site, examine: Examine
) -> None:
    site.ec2.disassociate_route_table(AssociationId=site.more["association"])
    finding = await named(examine, "aws-no-internet-gateway")
    assert "the main route table of its VPC" in finding.fact
    [main] = site.ec2.describe_route_tables(
        Filters=[
            {"Name": "vpc-id", "Values": [site.vpc]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    )["RouteTables"]
    site.ec2.create_route(
        RouteTableId=main["RouteTableId"], DestinationCidrBlock=EVERYBODY, GatewayId=site.gateway
    )
    await is_healthy(examine)


# --- broken, named and mended -------------------------------------------------------------------


async def mend(site: Site, finding: Finding) -> None:
    for command in finding.remedy.commands:
        site.run(command.replace("GATEWAY", site.gateway))


async def test_no_route_to_the_internet(site: Site, examine: Examine) -> None:
    site.ec2.delete_route(RouteTableId=site.table, DestinationCidrBlock=EVERYBODY)
    finding = await named(examine, "aws-no-internet-gateway")
    assert finding.fact == (
        f"{site.subnet} has no route to an Internet gateway: its route table, {site.table},"
        " has none"
    )
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_private_subnet(site: Site, examine: Examine) -> None:
    nat = site.ec2.create_nat_gateway(SubnetId=site.subnet, ConnectivityType="private")
    name = nat["NatGateway"]["NatGatewayId"]
    site.ec2.replace_route(
        RouteTableId=site.table, DestinationCidrBlock=EVERYBODY, NatGatewayId=name
    )
    finding = await named(examine, "aws-no-internet-gateway")
    assert f"sends 0.0.0.0/0 to {name}" in finding.fact
    assert "private subnet" in finding.meaning
    await mend(site, finding)
    await is_healthy(examine)


async def test_no_route_over_ipv6(site: Site, examine: Examine) -> None:
    site.ec2.delete_route(RouteTableId=site.table, DestinationIpv6CidrBlock=EVERYBODY_V6)
    finding = await named(examine, "aws-no-internet-gateway", f"[{site.ipv6}]")
    await is_healthy(examine)
    await mend(site, finding)
    await is_healthy(examine, f"[{site.ipv6}]")


async def test_a_network_acl_that_denies_before_it_allows(site: Site, examine: Examine) -> None:
    site.entry(90, allow=False, ports=(443, 443))
    finding = await named(examine, "aws-acl-inbound")
    assert finding.fact == (
        f"network ACL {site.acl} of {site.subnet} denies port 443: entry 90 denies it to 0.0.0.0/0"
    )
    assert (await examine(scheme="http"))[1] is None
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_network_acl_that_allows_nothing(site: Site, examine: Examine) -> None:
    site.no_entry(100)
    finding = await named(examine, "aws-acl-inbound")
    assert finding.fact.endswith("no entry allows it")
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_network_acl_that_denies_in_its_first_entry(site: Site, examine: Examine) -> None:
    site.entry(1, allow=False)
    finding = await named(examine, "aws-acl-inbound")
    assert finding.remedy.commands[0].startswith("aws ec2 delete-network-acl-entry")
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_network_acl_that_lets_no_answer_out(site: Site, examine: Examine) -> None:
    site.no_entry(100, egress=True)
    site.entry(100, egress=True, ports=(443, 443))  # as who forgets about ephemeral ports writes it
    finding = await named(examine, "aws-acl-return")
    assert finding.fact == (
        f"network ACL {site.acl} of {site.subnet} denies answers to ports 1024-65535:"
        " no entry allows it"
    )
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_network_acl_that_lets_some_answers_out(site: Site, examine: Examine) -> None:
    site.entry(90, allow=False, egress=True, ports=(49152, 65535))
    finding = await named(examine, "aws-acl-return")
    assert "entry 90 denies it" in finding.fact
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_network_acl_that_denies_whom_the_group_lets_in(
    site: Site, examine: Examine
) -> None:
    site.shut_out(443)
    site.let_in(443, OFFICE)
    site.entry(50, allow=False, source=OFFICE)
    assert "entry 50 denies" not in (await named(examine, "aws-acl-inbound")).meaning


async def test_a_closed_security_group(site: Site, examine: Examine) -> None:
    site.shut_out(443)
    finding = await named(examine, "aws-group-closed")
    assert finding.fact == (f"no security group of {site.instance} ({site.group}) lets port 443 in")
    [command] = finding.remedy.commands
    assert command == (
        f"aws ec2 authorize-security-group-ingress --region {REGION} --group-id {site.group}"
        " --protocol tcp --port 443 --cidr 0.0.0.0/0"
    )
    assert (await examine(scheme="http"))[1] is None
    await mend(site, finding)
    await is_healthy(examine)


async def test_a_security_group_that_is_open_to_private_addresses_only(
    site: Site, examine: Examine
) -> None:
    site.shut_out(443)
    site.let_in(443, "10.0.0.0/8")
    finding = await named(examine, "aws-group-closed")
    assert finding.fact.endswith("but from 10.0.0.0/8, which is no address of the Internet")


async def test_a_security_group_that_knows_ipv4_only(site: Site, examine: Examine) -> None:
    site.shut_out(443, EVERYBODY_V6)
    finding = await named(examine, "aws-group-only-ipv4", f"[{site.ipv6}]")
    await is_healthy(examine)
    await mend(site, finding)
    await is_healthy(examine, f"[{site.ipv6}]")


# --- not to be judged from here -----------------------------------------------------------------


@pytest.mark.parametrize("source", [OFFICE, "sg", "pl"])
async def test_a_port_that_is_open_to_some_is_told_and_not_judged(
    site: Site, examine: Examine, source: str
) -> None:
    said = f"{OFFICE} only"
    if source == "sg":
        source = site.ec2.create_security_group(
            VpcId=site.vpc, GroupName="balancers", Description="x"
        )["GroupId"]
        said = f"members of {source} only"
    if source == "pl":
        source = site.ec2.create_managed_prefix_list(
            PrefixListName="office",
            MaxEntries=1,
            AddressFamily="IPv4",
            Entries=[{"Cidr": OFFICE, "Description": "office"}],
        )["PrefixList"]["PrefixListId"]
    site.shut_out(443)
    site.let_in(443, source)
    answer, finding = await examine()
    assert answer == Answer(Mark.UNKNOWN, f"port 443 is open to {said} over IPv4")
    assert finding is None


async def test_what_leads_through_a_firewall_is_not_judged(site: Site, examine: Examine) -> None:
    other = site.ec2.create_network_interface(SubnetId=site.subnet)["NetworkInterface"]
    name = other["NetworkInterfaceId"]
    site.ec2.delete_route(RouteTableId=site.table, DestinationCidrBlock=EVERYBODY)
    site.ec2.create_route(
        RouteTableId=site.table, DestinationCidrBlock=EVERYBODY, NetworkInterfaceId=name
    )
    answer, finding = await examine()
    assert answer == Answer(Mark.UNKNOWN, f"{site.table} leads to {name}, which is not looked at")
    assert finding is None


async def test_a_private_address_needs_no_way_to_the_internet(site: Site, examine: Examine) -> None:
    site.ec2.delete_route(RouteTableId=site.table, DestinationCidrBlock=EVERYBODY)
    site.shut_out(443)
    site.let_in(443, "10.1.0.0/16")
    answer, finding = await examine(site.private)
    assert answer == Answer(Mark.GOOD, "port 443 is open to 10.1.0.0/16 only over IPv4")
    assert finding is None
    site.shut_out(443, "10.1.0.0/16")
    await named(examine, "aws-group-closed", site.private)


async def test_a_name_that_leads_to_another_instance_is_told(site: Site, examine: Examine) -> None:
    other = Site.build(site.ec2)
    answer, finding = await examine(other.public)
    assert answer == Answer(
        Mark.UNKNOWN,
        f"{other.public} leads to {other.public} (the instance {other.instance}), not to"
        f" {site.instance}: what stands there is not looked at",
    )
    assert finding is None


async def test_a_load_balancer_is_named_and_not_judged(site: Site, examine: Examine) -> None:
    balancer = site.ec2.create_network_interface(
        SubnetId=site.subnet, Description="ELB app/web/50dc6c495c0c9188"
    )["NetworkInterface"]["NetworkInterfaceId"]
    public, allocation = site.elastic_address()
    site.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=balancer)
    answer, finding = await examine(public, external=Verdict.FAIL)
    assert answer.mark is Mark.UNKNOWN
    assert "(the load balancer app/web/50dc6c495c0c9188)" in answer.text
    assert finding is None


@pytest.mark.parametrize(
    ("external", "mark"),
    [(Verdict.FAIL, Mark.BAD), (Verdict.PASS, Mark.UNKNOWN), (None, Mark.UNKNOWN)],
)
async def test_a_lost_public_address(
    site: Site, examine: Examine, external: Verdict | None, mark: Mark
) -> None:
    site.ec2.disassociate_address(AssociationId=site.association)
    site.ec2.release_address(AllocationId=site.elastic)
    site.ec2.unassign_ipv6_addresses(NetworkInterfaceId=site.interface, Ipv6Addresses=[site.ipv6])
    answer, finding = await examine(external=external)
    assert answer.mark is mark
    assert (finding is not None) == (mark is Mark.BAD)
    if finding is None:
        return  # something else is there, and answers
    assert finding.rule == "aws-no-public-address"
    assert finding.remedy.commands[1].endswith(
        f"--instance-id {site.instance} --allocation-id ALLOCATION"
    )
