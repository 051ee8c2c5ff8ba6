"""Why AWS could not be asked, each told by the name of its own finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.host.peers.ec2 import KEYS, REGION, Ec2, Site, client, permissions_checked
from tests.host.peers.imds import Imds
from tests.unit.doctor.aws.conftest import SERVICE, Examine
from watchdog.config import Deployment
from watchdog.doctor.aws.permissions import ACTIONS, POLICY
from watchdog.doctor.case import Case
from watchdog.doctor.finding import Answer, Finding, Mark
from watchdog.doctor.stages.aws import stage

pytestmark = pytest.mark.adapter


@pytest.fixture(scope="module")
def site(owner: Any) -> Site:
    """One for all tests here, which leave it as it is."""
    return Site.build(owner)


async def unknown(examine: Examine, rule: str) -> Finding:
    answer, finding = await examine()
    assert finding is not None, answer
    assert (answer.mark, finding.rule) == (Mark.UNKNOWN, rule)
    assert (answer.text, answer.remedy) == (finding.fact, finding.remedy)
    return finding


async def test_a_missing_permission_is_named_and_the_policy_is_enough(
    ec2: Ec2, site: Site, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    for allowed, rule in ((ACTIONS[:3], "aws-denied"), (ACTIONS, None)):
        policy["Statement"][0]["Action"] = list(allowed)
        iam.put_user_policy(
            UserName="doctor", PolicyName="doctor", PolicyDocument=json.dumps(policy)
        )
        with permissions_checked(ec2.url):
            _, found = await examine()
        assert (found and found.rule) == rule


async def test_no_credentials(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    finding = await unknown(examine, "aws-no-credentials")
    assert finding.fact == f"no credentials for AWS: {site.instance} has no role"
    assert f"--policy-document '{POLICY}'" in finding.remedy.commands[1]


async def test_the_role_of_the_instance_is_used(
    examine: Examine, imds: Imds, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*KEYS, "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{imds.port}/")
    imds.role = "web"
    answer, finding = await examine()
    assert (answer.mark, finding) == (Mark.GOOD, None)


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
    assert answer == Answer(Mark.UNKNOWN, "AWS does not tell what it lets in: ResponseParserError")
    assert finding is None


async def test_a_profile_that_does_not_exist_is_told(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    answer, finding = await examine()
    assert answer == Answer(Mark.UNKNOWN, "AWS does not tell what it lets in: ProfileNotFound")
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
