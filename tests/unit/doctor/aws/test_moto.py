"""The box of AWS against EC2's API: sites are built there, broken, named and mended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.peers.ec2 import (
    EVERYBODY,
    EVERYBODY_V6,
    KEYS,
    REGION,
    Ec2,
    Site,
    client,
    permissions_checked,
)
from tests.host.peers.imds import Imds
from watchdog.config import Deployment
from watchdog.core.model import Observation, Verdict
from watchdog.core.service import HttpCheck, Service, UnitControl
from watchdog.doctor.aws.permissions import ACTIONS, POLICY
from watchdog.doctor.case import Case
from watchdog.doctor.finding import Answer, Finding, Mark
from watchdog.doctor.stages.aws import stage

pytestmark = pytest.mark.adapter

OFFICE = "203.0.113.0/24"
SERVICE = Service("api", UnitControl("api.service"))

Examine = Callable[..., Awaitable[tuple[Answer, Finding | None]]]


@pytest.fixture(scope="module")
def ec2() -> Iterator[Ec2]:
    with Ec2() as served:
        yield served


@pytest.fixture(scope="module")
def owner(ec2: Ec2) -> Any:
    """A client of whoever builds and breaks the sites."""
    return client(ec2.url)


@pytest.fixture
def site(owner: Any) -> Site:
    return Site.build(owner)


@pytest.fixture
async def imds(site: Site) -> AsyncIterator[Imds]:
    async with Imds(site.instance, REGION, site.public).serve() as served:
        yield served


@pytest.fixture
def dmi(tmp_path: Path) -> Path:
    (tmp_path / "sys_vendor").write_text("Amazon EC2\n")
    return tmp_path


@pytest.fixture(autouse=True)
def environment(ec2: Ec2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", ec2.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def examine(site: Site, imds: Imds, dmi: Path) -> Examine:
    """Walk the one box, and return its answer and the first finding."""

    async def examine(
        host: str = "", *, scheme: str = "https", external: Verdict | None = None
    ) -> tuple[Answer, Finding | None]:
        async def probe() -> Observation:
            assert external is not None
            return Observation(external, "http", "as the test says")

        url = f"{scheme}://{host or site.public}/health"
        case = Case(
            SERVICE,
            Deployment(external=HttpCheck(url)),
            {} if external is None else {"external": probe},
        )
        box = stage(dmi, ("127.0.0.1", imds.port))
        answer = await box.ask(case)
        for rule in box.rules:
            if (finding := await rule(case)) is not None:
                return answer, finding
        return answer, None

    return examine


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
    assert finding is not None
    assert finding.rule == "aws-no-public-address"
    assert finding.remedy.commands[1].endswith(
        f"--instance-id {site.instance} --allocation-id ALLOCATION"
    )


# --- AWS does not tell --------------------------------------------------------------------------


async def unknown(examine: Examine, rule: str) -> Finding:
    answer, finding = await examine()
    assert finding is not None, answer
    assert (answer.mark, finding.rule) == (Mark.UNKNOWN, rule)
    return finding


async def test_a_missing_permission_is_named_and_the_policy_is_enough(
    ec2: Ec2, site: Site, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.shut_out(443)
    iam = client(ec2.url, "iam")
    iam.create_user(UserName="doctor")
    key = iam.create_access_key(UserName="doctor")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    policy = json.loads(POLICY)
    with permissions_checked(ec2.url):
        finding = await unknown(examine, "aws-denied")
    assert finding.fact == "AWS denies ec2:DescribeInstances to us"
    assert f"--policy-document '{POLICY}'" in finding.remedy.commands[0]
    for allowed, rule in ((ACTIONS[:3], "aws-denied"), (ACTIONS, "aws-group-closed")):
        policy["Statement"][0]["Action"] = list(allowed)
        iam.put_user_policy(
            UserName="doctor", PolicyName="doctor", PolicyDocument=json.dumps(policy)
        )
        with permissions_checked(ec2.url):
            _, found = await examine()
        assert found is not None
        assert found.rule == rule


async def test_no_credentials(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    finding = await unknown(examine, "aws-no-credentials")
    assert finding.fact == f"no credentials for AWS: {site.instance} has no role"
    assert POLICY in finding.details[0]


async def test_the_role_of_the_instance_is_used(
    examine: Examine, imds: Imds, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*KEYS, "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{imds.port}/")
    imds.role = "web"
    await is_healthy(examine)


async def test_credentials_of_another_account(site: Site, examine: Examine, imds: Imds) -> None:
    imds.instance = "i-00000000000000000"
    finding = await unknown(examine, "aws-other-account")
    assert finding.fact.startswith(f"i-00000000000000000 is not in {REGION}")


async def test_an_api_that_does_not_answer(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    finding = await unknown(examine, "aws-unreachable")
    assert "EndpointConnectionError" in finding.fact


async def test_a_page_in_place_of_an_answer_is_told(
    examine: Examine, imds: Imds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{imds.port}")  # it speaks HTML here
    answer, finding = await examine()
    assert answer == Answer(Mark.UNKNOWN, "AWS cannot be asked: it refuses (ResponseParserError)")
    assert finding is None


async def test_a_profile_that_does_not_exist_is_told(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    answer, finding = await examine()
    assert answer == Answer(Mark.UNKNOWN, "AWS cannot be asked: it refuses (ProfileNotFound)")
    assert finding is None


async def test_no_metadata_service(dmi: Path, imds: Imds, examine: Examine) -> None:
    imds.mode = "off"
    (dmi / "board_asset_tag").write_text("i-0123456789abcdef0\n")
    finding = await unknown(examine, "aws-no-metadata")
    assert (
        "--instance-id i-0123456789abcdef0 --http-endpoint enabled" in (finding.remedy.commands[0])
    )


async def test_not_on_ec2_nobody_is_asked(dmi: Path, imds: Imds, examine: Examine) -> None:
    (dmi / "sys_vendor").write_text("QEMU\n")
    assert await examine() == (Answer(Mark.SKIPPED, "not on EC2"), None)
    assert imds.requests == []


async def test_without_an_external_url_nothing_says_who_is_to_get_in(dmi: Path) -> None:
    answer = await stage(dmi).ask(Case(SERVICE, Deployment()))
    assert answer.mark is Mark.SKIPPED
    assert "no external URL" in answer.text
