"""What AWS knows of this instance's addresses, which are not those of its interfaces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.peers.ec2 import KEYS, Site
from tests.host.peers.imds import Imds
from tests.unit.doctor.aws.conftest import case_of
from watchdog.core.model import Verdict
from watchdog.doctor.case import Stage
from watchdog.doctor.facts.reached import Reached
from watchdog.doctor.finding import Finding
from watchdog.doctor.rules.dns import dns_elsewhere
from watchdog.probes.address import literal
from watchdog.probes.target import parse_target

pytestmark = pytest.mark.adapter

OTHER = "18.184.0.1"


@pytest.fixture(scope="module")
def site(owner: Any) -> Site:
    """One for all tests here, which leave it as it is."""
    return Site.build(owner)


async def found(box: Stage, address: str) -> Finding | None:
    """Return what the rule finds where a name leads to *address*, and nobody answers there."""
    url = f"https://{address}/health"
    case = case_of(url, Verdict.FAIL)
    there = literal(address, 443)
    assert there is not None

    async def silence() -> Reached:
        return Reached(parse_target(url), (there,), timed_out=True)

    await case.once(("reach", url), silence)  # nothing is sent out of this host
    await box.ask(case)
    return await dns_elsewhere(case)


async def test_the_name_leads_to_the_address_that_aws_translates(site: Site, box: Stage) -> None:
    assert await found(box, site.public) is None


async def test_the_name_leads_to_nothing_of_this_account(site: Site, box: Stage) -> None:
    finding = await found(box, OTHER)
    assert finding is not None
    assert finding.rule == "dns-elsewhere"
    assert finding.fact.startswith(f"{OTHER} leads to {OTHER}; this host has ")
    assert finding.fact.endswith(site.public)


async def test_the_name_leads_to_a_load_balancer_as_it_should(site: Site, box: Stage) -> None:
    balancer = site.ec2.create_network_interface(
        SubnetId=site.subnet, Description="ELB app/web/50dc6c495c0c9188"
    )["NetworkInterface"]["NetworkInterfaceId"]
    public, allocation = site.elastic_address()
    site.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=balancer)
    assert await found(box, public) is None


async def test_without_credentials_the_metadata_service_tells_all_its_addresses(
    site: Site, imds: Imds, box: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    imds.others = ("18.184.0.2",)
    assert await found(box, site.public) is None
    assert await found(box, "18.184.0.2") is None
    assert await found(box, OTHER) is not None


async def test_without_a_metadata_service_nothing_is_guessed(box: Stage, imds: Imds) -> None:
    imds.mode = "off"
    assert await found(box, OTHER) is None
