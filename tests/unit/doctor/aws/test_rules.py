"""The findings by themselves: what they are called, and that the documentation has them all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from ipaddress import ip_network
from typing import Any

import pytest

from tests.markdown import ROOT, blocks
from watchdog.doctor.aws.addresses import INTERNET, Addresses
from watchdog.doctor.aws.layers import Acl, AclEntry, Group, GroupRule, Route, RouteTable
from watchdog.doctor.aws.path import Path, in_words
from watchdog.doctor.aws.permissions import POLICY
from watchdog.doctor.aws.replies import Interface
from watchdog.doctor.aws.rules import PATH_RULES
from watchdog.doctor.aws.sight import doors_of

PAGE = ROOT / "docs/how-to/aws.md"
ALL = ip_network("0.0.0.0/0")
EVERYTHING = AclEntry(100, True, ALL)


def path(**changed: Any) -> Path:
    """Return a way that is open, but for what is *changed*."""
    known: dict[str, Any] = {
        "instance": "i-0123456789abcdef0",
        "region": "eu-central-1",
        "host": "api.example.com",
        "port": 443,
        "version": 4,
        "public": True,
        "subnet": "subnet-1",
        "vpc": "vpc-1",
        "table": RouteTable("rtb-1", (Route(ALL, "igw-1"),)),
        "acl": Acl("acl-1", (EVERYTHING,), (EVERYTHING,)),
        "groups": (Group("sg-1", (GroupRule(6, 443, 443, (ALL,)),)),),
    }
    return Path(**{**known, **changed})


def found(way: Path) -> list[str]:
    """Return the rules that find something."""
    return [finding.rule for rule in PATH_RULES if (finding := rule(way)) is not None]


def test_an_open_way_has_no_finding() -> None:
    assert found(path()) == []
    assert path().is_open


def test_half_of_the_internet_is_not_everybody() -> None:
    half = Group("sg-1", (GroupRule(6, 443, 443, (ip_network("0.0.0.0/1"),)),))
    other = Group("sg-2", (GroupRule(6, 443, 443, (ip_network("128.0.0.0/1"),)),))
    assert not path(groups=(half,)).is_open
    assert found(path(groups=(half,))) == []
    assert path(groups=(half, other)).is_open


def test_a_gateway_that_is_gone_leads_nowhere() -> None:
    gone = RouteTable("rtb-1", (Route(ALL, "igw-1", active=False),))
    [finding] = filter(None, (rule(path(table=gone)) for rule in PATH_RULES))
    assert finding.fact.endswith("sends 0.0.0.0/0 to igw-1, which is gone")
    assert "replace-route" in finding.remedy.commands[1]


def test_an_instance_without_a_group_of_its_own_is_closed() -> None:
    assert found(path(groups=())) == ["aws-group-closed"]


def test_every_layer_that_is_closed_is_named_in_the_order_of_the_way() -> None:
    closed = path(table=RouteTable("rtb-1", ()), acl=Acl("acl-1", (), ()), groups=())
    assert found(closed) == [
        "aws-no-internet-gateway",
        "aws-acl-inbound",
        "aws-acl-return",
        "aws-group-closed",
    ]


def test_many_networks_are_not_all_named() -> None:
    odd = [ip_network((number << 8, 25)) for number in range(6)]
    assert in_words(Addresses.of(4, odd)).endswith("0.0.3.0/25 and 2 more networks")
    assert in_words(INTERNET[6]) == "2000::/3"


# --- where a name arrives -----------------------------------------------------------------------

FIRST = Interface("subnet-1", "vpc-1", ("sg-1",), {"10.1.0.5": "52.1.1.1"}, ("2600::5",))
SECOND = Interface("subnet-2", "vpc-1", ("sg-2",), {"10.1.1.5": "52.1.1.2", "10.1.1.6": ""})
EC2_NAME = "ec2-52-1-1-1.eu-central-1.compute.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "leads_to", "doors"),
    [
        ("api.example.com", ["52.1.1.2"], [("subnet-2", 4, True)]),
        (
            "api.example.com",
            ["52.1.1.1", "2600:0::5"],
            [("subnet-1", 4, True), ("subnet-1", 6, True)],
        ),
        ("api.example.com", ["10.1.1.6"], [("subnet-2", 4, False)]),
        ("api.example.com", ["10.1.0.5"], [("subnet-1", 4, False)]),
        (EC2_NAME, ["10.1.0.5"], [("subnet-1", 4, True)]),
        ("api.example.com", ["198.51.100.7", "127.0.0.1"], []),
    ],
)
def test_a_name_arrives_where_it_leads(
    host: str, leads_to: list[str], doors: list[tuple[str, int, bool]]
) -> None:
    found = doors_of([FIRST, SECOND], host, leads_to)
    assert [(door.interface.subnet, door.version, door.public) for door in found] == doors


# --- the documentation, and what the daemon pays ------------------------------------------------


def test_the_documentation_has_every_finding() -> None:
    sources = (ROOT / "watchdog/doctor/aws").glob("*.py")
    named = {
        name for each in sources for name in re.findall(r'"(aws-[a-z0-9-]+)"', each.read_text())
    }
    assert len(named) == 12
    assert set(re.findall(r"^\| `(aws-[a-z0-9-]+)`", PAGE.read_text(), re.MULTILINE)) == named


def test_the_documentation_has_the_policy() -> None:
    [block] = blocks(PAGE, "json")
    assert json.loads(block.text) == json.loads(POLICY)


@pytest.mark.adapter
def test_the_daemon_imports_neither_boto3_nor_the_doctor() -> None:
    program = (
        "import sys, watchdog.app.daemon\n"
        "heavy = [name for name in sys.modules"
        " if name.startswith(('boto', 'watchdog.doctor'))]\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.adapter
def test_the_box_itself_imports_no_boto3() -> None:
    program = "import sys, watchdog.doctor.stages.aws; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
