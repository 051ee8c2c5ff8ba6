"""A real hour of the installed daemon, or as many as --hours says, in a host in upheaval."""

from __future__ import annotations

import json
import random
import time
from dataclasses import astuple
from pathlib import Path

import pytest

from tests.host.installed import DAEMON, InstalledHost
from tests.host.soak.upheaval import Upheaval
from tests.host.soak.vitals import Vitals, trends
from tests.host.watched_host import WatchedHost
from tests.soak import page
from tests.soak.flatness import Trend

PACE = 5.0
"""Seconds from one turn, and one look, to the next."""

REPORT_EVERY = 300.0
SEED = 20261123

DATABASE = "var/lib/service-watchdog/state.db"

TITLES = {
    "pss": "memory (PSS), MB",
    "private": "memory of its own, MB",
    "files": "open files",
    "threads": "threads",
    "database": "database, MB",
    "wal": "its write-ahead log, MB",
}


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_an_hour_of_upheaval_leaves_the_daemon_as_it_was(
    installed_host: InstalledHost,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hours = float(pytestconfig.getoption("hours"))

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    watching = WatchedHost(installed_host)
    upheaval = Upheaval(watching, random.Random(SEED))
    upheaval.begin()
    main = installed_host.unit(DAEMON, "MainPID")
    pid = installed_host.outer_pid(int(main["MainPID"]))
    database = Path(f"/proc/{pid}/root") / DATABASE
    row: list[Vitals] = []
    began = reported = time.monotonic()
    while (now := time.monotonic()) < began + hours * 3600:
        upheaval.turn()
        row.append(Vitals.of(pid, database))
        if now >= reported + REPORT_EVERY:
            reported = now
            say(f"{now - began:.0f} s: {row[-1]}")
        time.sleep(max(0.0, now + PACE - time.monotonic()))
    upheaval.end()
    incidents = json.loads(watching.command("incidents", "--limit", "1000", "--json"))["incidents"]
    found = trends(row)
    text = _report(hours, found, upheaval, len(incidents), row[-1].cpu)
    say(text)
    if pytestconfig.getoption("write"):
        page.put("hour", text)

    channels = json.loads(watching.command("status", "--json"))["channels"]
    assert not any(channel["pending"] or channel["dead"] for channel in channels), channels
    assert installed_host.unit(DAEMON, "MainPID") == main
    assert incidents
    assert all(incident["closed"] for incident in incidents)
    assert found["pss"].is_flat(share=0.04, more=1.0), found["pss"]
    assert found["private"].is_flat(share=0.03, more=1.0), found["private"]
    assert found["files"].is_flat(more=2), found["files"]
    assert found["threads"].is_flat(more=1), found["threads"]
    assert found["database"].highest < 32
    assert found["wal"].highest < 8
    unit = installed_host.unit(DAEMON, "NRestarts", "ActiveState")
    assert unit == {"NRestarts": "0", "ActiveState": "active"}
    assert "Traceback" not in installed_host.journal_text(DAEMON, lines=100_000)


def _report(
    hours: float, found: dict[str, Trend], upheaval: Upheaval, incidents: int, cpu: float
) -> str:
    rows = [
        [title, *(f"{value:.1f}" for value in astuple(found[name]))]
        for name, title in TITLES.items()
    ]
    happened = ", ".join(f"{name} {count}" for name, count in sorted(upheaval.done.items()))
    return (
        page.table(["median", "first third", "second third", "last third", "highest"], rows)
        + f"\n\n{hours:g} h, {incidents} incidents, all closed; {cpu:.0f} s of CPU,"
        f" {cpu / hours / 36:.1f} % of one core. What happened: {happened.replace('_', ' ')}."
    )
