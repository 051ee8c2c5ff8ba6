"""What breaks beside the daemon: nothing is lost, nothing restarted in vain, and all ends well.

One daemon lives through all of it; docs/explanation/faults.md is the table of these tests.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.polkit import without_polkit
from tests.host.running import ended
from tests.host.watched_host import API, SLACK, UNIT, WatchedHost

MANY_RESTARTS = """
max_failures   = 1
restart_budget = 100
backoff_first  = "100ms"
backoff_max    = "100ms"
flap_window    = "0s"
warnings.healed_limit = 0
"""

JOURNALD = (
    "systemd-journald.service",
    "systemd-journald.socket",
    "systemd-journald-dev-log.socket",
    "systemd-journald-audit.socket",
)

SLOW = "/run/slow"
"""While it is there, a new run of the service does not get beyond its start."""

STORM = "/run/storm"
"""While it is there, a run of the service writes 10,000 lines a second."""

SERVICE = f"""
LogRateLimitIntervalSec=0
ExecStartPre=/bin/sh -c 'while test -e {SLOW}; do sleep 0.05; done'
ExecStartPost=/bin/sh -c 'while test -e {STORM}; do seq 1000; sleep 0.1; done &'
"""

NGINX = """
[[service]]
name = "nginx"
unit = "nginx.service"
port = 80
"""

HEALED = ["failed", "opened", "restart", "closed"]


@pytest.fixture(scope="module")
def lasting(lasting_host: InstalledHost) -> Iterator[WatchedHost]:
    """A host whose daemon, in the end, must have told of each incident once, and of its end."""
    watching = WatchedHost(lasting_host)
    watching.start_slack()
    watching.start_sample(more=SERVICE)
    lasting_host.systemctl("start", "nginx.service")
    watching.daemon_option("WatchdogSec=9")  # pinged every three seconds
    watching.watch(MANY_RESTARTS, tables=NGINX + SLACK)
    yield watching
    watching.delivered("slack")
    told = [message["body"]["text"].split()[0] for message in watching.in_channel()]
    assert told == ["RESOLVED"] * watching.kinds().count("opened")


@pytest.fixture
def watching(lasting: WatchedHost) -> Iterator[WatchedHost]:
    """Watch over the daemon, which must be as well after the test as before."""
    pid = lasting.host.unit(DAEMON, "MainPID")
    yield lasting
    lasting.wait_for_phase("healthy")
    assert lasting.overview()["daemon"]["trouble"] == []
    assert lasting.host.unit(DAEMON, "MainPID") == pid, "the same daemon"


@contextmanager
def healed_once(watching: WatchedHost) -> Iterator[None]:
    """Kill the service; in the end it must be well, by one restart and no more."""
    before, noted = watching.status(), len(watching.notes())
    os.kill(watching.host.outer_pid(before["pid"]), signal.SIGKILL)
    yield
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before["run"], 30)
    kinds = [note["kind"] for note in watching.notes()[noted:]]
    # It is held while what is left of the old run ends.
    assert [kind for kind in kinds if kind != "held"] == HEALED


def test_without_a_journal_all_is_healed_and_told_as_ever(watching: WatchedHost) -> None:
    host = watching.host
    host.systemctl("mask", "--runtime", *JOURNALD)
    host.systemctl("stop", *JOURNALD)
    try:
        with healed_once(watching):
            pass
    finally:
        host.systemctl("unmask", "--runtime", *JOURNALD)
        host.systemctl("start", *JOURNALD)
    with host.follow_journal(DAEMON) as journal, healed_once(watching):
        journal.wait_for(f"{API} is healthy")


def test_a_restart_that_is_due_while_polkit_is_masked_is_made_when_it_is_back(
    watching: WatchedHost,
) -> None:
    host, run, noted = watching.host, watching.run_id(), len(watching.notes())
    host.systemctl("mask", "--runtime", "--now", "polkit.service")
    try:
        host.kill(UNIT)
        wait_for(lambda: "polkit, which systemd asks" in str(watching.notes()[noted:]))
    finally:
        host.systemctl("unmask", "--runtime", "polkit.service")
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != run)


def test_that_polkit_is_not_installed_is_told_before_a_restart_is_due(
    watching: WatchedHost,
) -> None:
    with without_polkit(watching.host):
        watching.host.systemctl("reload", DAEMON)
        wait_for(lambda: watching.overview()["daemon"]["trouble"])
        [told] = watching.overview()["daemon"]["trouble"]
        assert told.startswith("cannot restart: polkit is not installed, ")
        assert told in watching.status_text()
    watching.host.systemctl("reload", DAEMON)
    wait_for(lambda: not watching.overview()["daemon"]["trouble"])


@pytest.mark.parametrize(
    "order",
    [
        *(("restart", "dbus"), ("daemon-reexec",), ("restart", "polkit")),
        # Without its sockets, as an upgrade does: whoever logs between these would start it again.
        ("restart", "systemd-journald.service"),
    ],
    ids=lambda order: " ".join(order[:2]),
)
def test_what_is_restarted_during_a_restart_of_ours_makes_no_second_one(
    watching: WatchedHost, order: Sequence[str]
) -> None:
    host = watching.host
    host.write(SLOW, "")
    with healed_once(watching):
        host.wait_for_unit_state(UNIT, "activating")
        try:
            host.systemctl(*order)
        finally:
            host.run("rm", SLOW)


def test_ten_thousand_lines_a_second_delay_nothing(watching: WatchedHost) -> None:
    host = watching.host
    host.write(STORM, "")
    with healed_once(watching):  # the storm begins with the new run
        pass
    stormy = watching.run_id()
    wait_for(lambda: seen_of(watching, stormy) > 5_000, what="a storm")
    with healed_once(watching):
        host.run("rm", STORM)


def seen_of(watching: WatchedHost, run: str) -> int:
    """Return how many lines of *run* the journal has, as far as that matters."""
    read = 'journalctl --sync; journalctl --output=cat --lines=10000 "$1" | wc -l'
    return int(watching.host.sh(read, f"_SYSTEMD_INVOCATION_ID={run}").stdout)


@pytest.mark.soak
def test_a_load_of_a_hundred_makes_no_failure_and_hides_none(watching: WatchedHost) -> None:
    """As a fork bomb makes it; it ends by itself, and gives way to other users of this machine."""
    bomb = "for i in $(seq 100); do timeout 60 nice -n 19 sh -c 'while :; do :; done' & done; wait"
    with ended(watching.host.popen("sh", "-c", bomb)):
        wait_for(lambda: busy(watching) >= 100, what="a hundred busy processes")
        with healed_once(watching):
            pass
        pings_twice(watching)


def busy(watching: WatchedHost) -> int:
    count = watching.host.run("pgrep", "--count", "--full", "^sh -c while", check=False).stdout
    return int(count)


def pings_twice(watching: WatchedHost) -> None:
    """Return when the daemon has told systemd twice more that all moves: rounds have passed."""
    for _ in range(2):
        last = last_ping(watching)
        wait_for(lambda last=last: last_ping(watching) > last)  # type: ignore[misc]


def last_ping(watching: WatchedHost) -> int:
    shown = watching.host.unit(DAEMON, "WatchdogTimestampMonotonic")
    return int(shown["WatchdogTimestampMonotonic"])


@pytest.mark.soak
def test_a_daemon_without_file_descriptors_restarts_what_died_and_nothing_else(
    watching: WatchedHost,
) -> None:
    """It can be asked nothing and tell nobody; what it cannot ask itself it does not judge."""
    host = watching.host
    pid = host.outer_pid(int(host.unit(DAEMON, "MainPID")["MainPID"]))
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    run = watching.run_id()
    with healed_once(watching):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, usual[1]))
        try:
            wait_for(lambda: watching.run_id() not in {"", run}, what="another run")
            pings_twice(watching)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


def test_a_host_that_stands_still_for_seconds_fails_nobody(watching: WatchedHost) -> None:
    """As under a hypervisor that is busy: all processes stop, and the clocks go on."""
    host, noted = watching.host, len(watching.notes())
    freezer, pause = host.cgroup / "cgroup.freeze", "/run/sample/sample/delay"
    host.sh(f"mkdir -p /run/sample/sample; mkfifo {pause}")
    said = Path(f"/proc/{host.pid}/root{pause}")
    with said.open("w") as answer:  # opens with a round's question, which has a second
        freezer.write_text("1")
        try:
            # Another for the next round: who opens this one again may find its reader leaving.
            os.mkfifo(said.with_name("next"))
            said.with_name("next").rename(said)
            until = time.monotonic() + 2.5
            wait_for(lambda: time.monotonic() > until)
        finally:
            freezer.write_text("0")
        answer.write("0")
    with said.open("w") as answer:  # the next round: that one has been judged
        host.run("rm", pause)
        answer.write("0")
    assert watching.notes()[noted:] == []


def test_nginx_is_a_unit_like_another(watching: WatchedHost) -> None:
    """Restarted by a person it is nobody's business; masked it is told of, and left alone."""
    host, noted = watching.host, len(watching.notes())
    host.systemctl("restart", "nginx.service")
    watching.command("check", "nginx")
    assert not {"failed", "restart"} & set(watching.kinds()[noted:])
    host.systemctl("mask", "--runtime", "nginx.service")
    host.kill("nginx.service")
    wait_for(lambda: "opened" in watching.kinds()[noted:], what="an incident")
    assert "restart" not in watching.kinds()[noted:]
    host.systemctl("unmask", "--runtime", "nginx.service")
    wait_for(lambda: "closed" in watching.kinds()[noted:], what="its end")
    assert watching.kinds()[noted:].count("restart") == 1
