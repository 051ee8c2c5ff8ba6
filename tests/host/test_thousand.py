"""A thousand services fail at once, and are well again by one restart each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import SLACK, WatchedHost

MANY = 1_000

SETTINGS = """
[defaults]
max_failures = 1
flap_window  = "0s"
"""


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_thousand_services_that_die_at_once_are_restarted_once_and_told_together(
    installed_host: InstalledHost,
) -> None:
    host, watching = installed_host, WatchedHost(installed_host)
    watching.start_slack()
    host.write_unit("many@.service", "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n")
    units = [f"many@{number}.service" for number in range(MANY)]
    host.systemctl("start", *units, timeout=300)
    tables = [f'[[service]]\nname = "s{n}"\nunit = "{unit}"\n' for n, unit in enumerate(units)]
    host.configure("".join(tables) + SETTINGS + SLACK)
    host.systemctl("start", DAEMON, timeout=120)
    runs = {service["name"]: service["run"] for service in everything(watching)["services"]}
    daemon = host.unit(DAEMON, "MainPID")

    (host.cgroup / "system.slice/system-many.slice/cgroup.kill").write_text("1")
    wait_for(lambda: len(restarted(watching, runs)) == MANY, 300, "all well, in another run")
    wait_for(lambda: pending(watching) == 0, 120, "an empty outbox")

    failed = [note["text"] for note in watching.notes() if note["kind"] == "restart-failed"]
    assert failed == []
    kinds = watching.kinds()
    assert kinds.count("restart") == kinds.count("opened") == kinds.count("closed") == MANY
    assert all(message["body"]["text"].startswith("RESOLVED") for message in watching.in_channel(1))
    told = json.dumps([request["body"] for request in watching.requests()])
    assert all(f"s{number}" in told for number in range(MANY))
    assert host.unit(DAEMON, "MainPID") == daemon


def restarted(watching: WatchedHost, runs: dict[str, str]) -> list[str]:
    return [
        service["name"]
        for service in everything(watching)["services"]
        if service["phase"] == "healthy" and service["run"] != runs[service["name"]]
    ]


def pending(watching: WatchedHost) -> int:
    return sum(channel["pending"] for channel in everything(watching)["channels"])


def everything(watching: WatchedHost) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(watching.command("status", "--json", code=None))
    return shown
