"""What the daemon's user can do once somebody else gives the orders, and what it cannot.

A hostile program runs in place of the daemon, under its unit with all of its sandbox. It tries a
hundred things once; the tests look at what came of them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.host.installed import DAEMON, InstalledHost
from watchdog.root_job import RootJob

SERVICES = "".join(
    f'[[service]]\nname = "s{number}"\nunit = "{unit}"\nport = {8000 + number}\n'
    for number, unit in enumerate(("langchain-api.service", "tmpl@a.service", "ghost.service"))
)
SLEEPS = "[Service]\nUser={user}\nEnvironmentFile=-/etc/other.env\nExecStart=sleep infinity\n"
IN_ITS_PLACE = """\
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
StandardOutput=file:/srv/said.json
ExecStart=
ExecStart=/usr/bin/python3 -I /src/tests/host/hostile.py $VICTIM
EnvironmentFile=/srv/victim
"""
STATE = "/var/lib/service-watchdog"
PLANTED = "import os; os.geteuid() or open('/pwned', 'w')\n"
REFUSED = {"EPERM", "EACCES", "EAFNOSUPPORT", "not allowed to raise maximum limit"}
# Of polkit and the bus; and of systemd, which asks polkit about what makes sense alone.
DENIED = re.compile(
    "Access denied|is not valid|missing the instance name|only valid for (start|stop)"
    "|may not be isolated|not available on non-delegated units"
)


@pytest.fixture(scope="module")
def host(lasting_host: InstalledHost) -> InstalledHost:
    """A host with units that are listed and units that are not, and with secrets of others."""
    host = lasting_host
    host.configure(SERVICES)
    host.sh("useradd other; echo top >/root/secret")
    host.sh("install -m 600 /dev/null /etc/other.env; echo KEY=canary >/etc/other.env")
    host.sh("install -m 4755 /usr/bin/id /srv/id-as-root")
    for name in ("langchain-api", "langchain-api@", "tmpl@", "other"):
        host.write(f"/etc/systemd/system/{name}.service", SLEEPS.format(user="other"))
    host.sh(
        "cd /etc/systemd/system; ln -s other.service other-by-name.service;"
        "ln -s langchain-api.service api-by-name.service; systemctl daemon-reload;"
        "systemctl start langchain-api tmpl@a tmpl@b langchain-api@x other-by-name api-by-name"
    )
    return host


@pytest.fixture(scope="module")
def runs(host: InstalledHost) -> dict[str, dict[str, str]]:
    """Which run every unit was in before."""
    return runs_on(host)


@pytest.fixture(scope="module")
def tried(host: InstalledHost, runs: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What the hostile program tells."""
    # What root's own Python would take from a home directory that is the daemon's.
    for place in (".", ".local/lib/python3.11/site-packages"):
        for name in ("sitecustomize.py", "usercustomize.py", "watchdog.py"):
            host.write(f"{STATE}/{place}/{name}", PLANTED, owner="service-watchdog")
    victim = host.unit("other.service", "MainPID")["MainPID"]
    host.write("/srv/victim", f"VICTIM={victim}\n")
    host.write(f"/etc/systemd/system/{DAEMON}.d/hostile.conf", IN_ITS_PLACE)
    host.systemctl("daemon-reload")
    started = host.systemctl("start", DAEMON, check=False)
    assert started.returncode == 0, host.read("/srv/said.json")
    told: dict[str, Any] = json.loads(host.read("/srv/said.json"))
    return told


UNTOUCHED = ("other.service", "tmpl@b.service", "langchain-api@x.service")


def runs_on(host: InstalledHost) -> dict[str, dict[str, str]]:
    return {unit: host.unit(unit, "InvocationID", "FreezerState", "Job") for unit in UNTOUCHED}


def test_it_can_restart_the_listed_units_and_have_root_do_its_two_jobs(
    tried: dict[str, Any],
) -> None:
    assert set(tried["allowed"].values()) == {"done"}, tried["allowed"]


def test_it_can_do_nothing_else_to_any_unit_or_to_the_host(
    host: InstalledHost, runs: dict[str, dict[str, str]], tried: dict[str, Any]
) -> None:
    assert len(tried["units"]) > 80
    assert {what: how for what, how in tried["units"].items() if not DENIED.search(how)} == {}
    assert runs_on(host) == runs
    assert not host.exists("/pwned")


def test_the_kernel_gives_it_no_way_out_and_nothing_of_other_processes(
    tried: dict[str, Any],
) -> None:
    assert len(tried["kernel"]) > 40
    assert {what: how for what, how in tried["kernel"].items() if how not in REFUSED} == {}
    assert tried["user"] == "service-watchdog"


def test_it_leaves_nothing_but_in_its_own_two_directories(
    host: InstalledHost, tried: dict[str, Any]
) -> None:
    private = {"/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue"}
    devices = {"full", "null", "random", "tty", "urandom", "zero", "pts/ptmx"}
    writable = {path for path in tried["files"]["writable"] if not path.startswith(f"{STATE}/")}
    assert writable - private == {
        *("/run/service-watchdog", STATE),
        *(f"/dev/{name}" for name in devices),
    }
    left = host.sh("find / /dev /run -xdev -name was-here -not -path '/*/systemd-private-*'").stdout
    # systemd has removed the other.
    assert left
    assert all(path.startswith(f"{STATE}/") for path in left.splitlines())


def test_of_what_is_kept_from_others_it_reads_its_own_and_the_journal(
    tried: dict[str, Any],
) -> None:
    answers = {f"/run/{job.unit.removesuffix('.service')}/answer" for job in RootJob}
    read = {re.sub("/[0-9a-f]{32}/.*", "", path) for path in tried["files"]["secret"]}
    assert read - answers == {  # those come when they come
        "/etc/service-watchdog/config.toml",
        "/run/credentials/service-watchdog.service/credentials",
        "/var/log/journal",
    }


def test_no_program_of_this_host_takes_orders_from_it_but_those_that_ask_polkit(
    tried: dict[str, Any],
) -> None:
    bus, words, about_users = "/run/dbus/", "/run/systemd/journal/", "/run/systemd/userdb/"
    own = ("/run/systemd/notify", "/run/systemd/io.system.ManagedOOM")  # of units, of systemd-oomd
    answering = (bus, words, about_users, *own)
    assert [path for path in tried["files"]["sockets"] if not path.startswith(answering)] == []


def test_what_its_unit_exposes_is_little_and_what_is_left_is_needed(host: InstalledHost) -> None:
    """systemd's own measure; offline it asks of a unit file what a running one has implied."""
    path = f"/etc/systemd/system/{DAEMON}"
    for measured in ([DAEMON], ["--offline=true", path]):
        said = host.run("systemd-analyze", "security", "--threshold=13", "--no-pager", *measured)
        assert "Overall exposure level" in said.stdout
