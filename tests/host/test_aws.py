"""The box of AWS on a host that takes itself for an instance: firmware, metadata, API and all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host.conftest import HostFactory
from tests.host.image import Images
from tests.host.installed import InstalledHost
from tests.host.peers.ec2 import REGION, Ec2, Site, client
from tests.host.peers.imds import Imds
from tests.markdown import ROOT, blocks

# Each installation takes some seconds; what the host is made of may have to be built before.
pytestmark = pytest.mark.timeout(300, func_only=True)

API_PORT = 8092
NAME = "api.example.com"
UNIT = "langchain-api.service"
CONFIG = f"""
[[service]]
unit     = "{UNIT}"
external = {{ url = "https://{NAME}/health", timeout = "500ms" }}
"""
[COMMAND] = [
    block.text.strip().removeprefix("sudo ")
    for block in blocks(ROOT / "docs/how-to/aws.md", "sh")
    if " doctor " in block.text
]
INSTALL = ("/src/systemd/install.sh", "--wheels", "/wheels", "--no-start")

# The installation's own Python, by the directory that it really is in.
PYTHON = """\
bin=$(dirname "$(realpath /opt/service-watchdog/bin/service-watchdog)")
exec "$bin/python" -P "$@"
"""

# sysfs takes no directories, and this machine's may have no firmware to show.
FIRMWARE = """\
cp -a /sys/class /run/class
rm -rf /run/class/dmi
mkdir -p /run/class/dmi/id
echo 'Amazon EC2' >/run/class/dmi/id/sys_vendor
echo "$1" >/run/class/dmi/id/board_asset_tag
mount --bind /run/class /sys/class
"""


@dataclass
class Instance:
    """A host that is an instance of EC2, as far as it can tell."""

    host: InstalledHost
    site: Site
    imds: Imds

    async def doctor(self, *options: str) -> str:
        """Return what the guide's command says; nobody answers at the external URL."""
        done = await self.host.arun(
            *COMMAND.split(),
            *options,
            check=False,
            env={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{API_PORT}"},
        )
        assert done.returncode == 1, done
        return done.stdout

    async def examine(self) -> tuple[str, str, list[str], str]:
        """Return the box's mark, what it says, what it takes to know, and the finding's rule."""
        [said] = json.loads(await self.doctor("--json"))["services"]
        [box] = [each for each in said["stages"] if each["name"] == "aws"]
        remedy = box["remedy"] or {"commands": []}
        return box["mark"], box["text"], remedy["commands"], said["finding"]["rule"]


@pytest.fixture
def wheels(images: Images) -> Path:
    return images.wheels_of_all_extras()


@pytest.fixture
def host(host_factory: HostFactory, wheels: Path) -> InstalledHost:
    host = host_factory.installed(binds={"/wheels": wheels})
    host.configure(CONFIG)
    return host


@pytest.fixture
def site(host: InstalledHost) -> Iterator[Site]:
    # The API as seen from out here is another socket of the same accounts.
    with Ec2(host.listen(API_PORT)), Ec2() as ours:
        yield Site.build(client(ours.url))


@pytest.fixture
async def instance(host: InstalledHost, site: Site) -> AsyncIterator[Instance]:
    host.sh(FIRMWARE, site.instance)
    host.write_unit(UNIT, "[Service]\nExecStart=/bin/sleep infinity\n")
    host.systemctl("start", UNIT)
    host.run("ip", "route", "add", "default", "dev", "lo")  # a world that never answers
    # Its default site has port 80 of every address.
    host.sh("rm /etc/nginx/sites-enabled/default; systemctl restart nginx")
    host.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
    host.write("/etc/hosts", f"127.0.0.1 localhost\n{site.public} {NAME}\n")
    imds = Imds(site.instance, REGION, site.public, role="web")
    async with imds.serve(host.listen(80, "169.254.169.254")):
        yield Instance(host, site, imds)


@pytest.mark.soak
async def test_the_extra_is_asked_for_installed_kept_and_used(instance: Instance) -> None:
    host, site = instance.host, instance.site
    # What is not known keeps nobody from going on.
    said = "AWS cannot be asked: boto3 is not installed"
    install = "systemd/install.sh --with aws"
    assert await instance.examine() == ("unknown", said, [install], "nobody-answers")
    assert f"\n  ? aws           {said}\n      to know: {install}\n" in await instance.doctor()

    await host.arun(*INSTALL, "--with", "aws", "--with", "apprise", timeout=120)
    for package in ("boto3", "apprise"):
        await host.arun("sh", "-c", PYTHON, "sh", "-c", f"import {package}")
    said = "port 443 is open to everybody over IPv4"
    assert await instance.examine() == ("good", said, [], "nobody-answers")

    site.shut_out(443)
    mark, _, _, rule = await instance.examine()
    assert (mark, rule) == ("bad", "aws-group-closed")

    await host.arun(*INSTALL, timeout=120)
    site.let_in(443)
    assert (await instance.examine())[0] == "good"

    instance.imds.role = ""
    mark, text, needed, rule = await instance.examine()
    assert (mark, rule) == ("unknown", "nobody-answers")
    assert text == f"no credentials for AWS: {site.instance} has no role"
    assert [each.partition(" --")[0] for each in needed] == [
        "aws ec2 associate-iam-instance-profile",
        "aws iam put-role-policy",
    ]
    host.write("/etc/hosts", f"127.0.0.1 localhost\n18.184.0.1 {NAME}\n")
    assert (await instance.examine())[-1] == "dns-elsewhere"

    instance.imds.mode = "hop limit"
    mark, text, [command], rule = await instance.examine()
    assert (mark, rule) == ("unknown", "nobody-answers")
    assert text.endswith("does not answer at 169.254.169.254: no answer within 2 s")
    assert site.instance in command  # the firmware knows it

    host.run("umount", "/sys/class")
    assert (await instance.examine())[:2] == ("skipped", "not on EC2")
