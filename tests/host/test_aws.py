"""The box of AWS on a host that takes itself for an instance: firmware, metadata, API and all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.host.conftest import HostFactory
from tests.host.image import Images
from tests.host.installed import InstalledHost
from tests.host.peers.ec2 import REGION, Ec2, Site, client
from tests.host.peers.imds import Imds

# Each installation takes some seconds; what the host is made of may have to be built before.
pytestmark = pytest.mark.timeout(300, func_only=True)

API_PORT = 8092
NAME = "api.example.com"
CONFIG = f"""
[[service]]
name     = "api"
unit     = "api.service"
external = "https://{NAME}/health"
"""
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

    async def examine(self) -> tuple[str, str, str]:
        """Return the box's mark, what it says, and the rule that finds something."""
        done = await self.host.arun(
            *("sh", "-c", PYTHON, "sh", "/src/tests/host/one_box.py", "aws", "AWS"),
            env={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{API_PORT}"},
        )
        said: dict[str, Any] = json.loads(done.stdout)
        finding = said["finding"] or {"rule": ""}
        return said["answer"]["mark"], said["answer"]["text"], finding["rule"]


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
    host.systemctl("stop", "nginx")  # it has port 80 of every address
    host.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
    host.write("/etc/hosts", f"127.0.0.1 localhost\n{site.public} {NAME}\n")
    imds = Imds(site.instance, REGION, site.public, role="web")
    async with imds.serve(host.listen(80, "169.254.169.254")):
        yield Instance(host, site, imds)


async def test_the_extra_is_asked_for_installed_kept_and_used(instance: Instance) -> None:
    host, site = instance.host, instance.site
    mark, _, rule = await instance.examine()
    assert (mark, rule) == ("unknown", "aws-no-extra")

    await host.arun(*INSTALL, "--with", "aws", "--with", "apprise", timeout=120)
    for package in ("boto3", "apprise"):
        await host.arun("sh", "-c", PYTHON, "sh", "-c", f"import {package}")
    assert await instance.examine() == ("good", "port 443 is open to everybody over IPv4", "")

    site.shut_out(443)
    mark, _, rule = await instance.examine()
    assert (mark, rule) == ("bad", "aws-group-closed")

    await host.arun(*INSTALL, timeout=120)
    site.let_in(443)
    assert (await instance.examine())[0] == "good"

    instance.imds.role = ""
    mark, _, rule = await instance.examine()
    assert (mark, rule) == ("unknown", "aws-no-credentials")

    instance.imds.mode = "hop limit"
    mark, text, rule = await instance.examine()
    assert (mark, rule) == ("unknown", "aws-no-metadata")
    assert "does not answer at 169.254.169.254: no answer within 2 s; run: aws ec2" in text
    assert site.instance in text  # the firmware knows it

    host.run("umount", "/sys/class")
    assert await instance.examine() == ("skipped", "not on EC2", "")
