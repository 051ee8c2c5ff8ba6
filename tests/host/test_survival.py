"""What the daemon outlives: its own death, the bus, systemd, the disk."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, SLACK, TOLD_AT_ONCE, UNIT, WatchedHost

STATE = "/var/lib/service-watchdog"
DATABASE = f"{STATE}/state.db"

MANY_RESTARTS = """
restart_budget = 100
backoff_first  = "100ms"
backoff_max    = "100ms"
"""

BUDGET = 5

SLOW = "/run/slow"
"""While it is there, the sample service is slow to start or to stop."""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


# --- its own death -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["hang", "hang_after_accepting"])
def test_a_kill_before_or_after_slack_took_an_alert_neither_loses_nor_doubles_it(
    watching: WatchedHost, mode: str
) -> None:
    """Between commit and send, and between send and record; and the incident goes on."""
    watching.start_slack()
    watching.slack_dedup()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.slack_mode(mode, count=1)
    incident = watching.fail()["incident"]["id"]
    watching.requests(1)
    watching.kill_daemon()
    assert watching.status()["incident"]["id"] == incident
    watching.delivered("slack")
    assert [text.split()[0] for text in watching.messages(1)] == ["FIRING"]
    watching.heal()
    watching.delivered("slack")
    assert [text.split()[0] for text in watching.messages(2)] == ["FIRING", "RESOLVED"]
    assert {request["body"]["client_msg_id"] for request in watching.requests()[:2]} == {
        watching.requests()[0]["body"]["client_msg_id"]
    }
    kinds = watching.kinds()
    assert kinds.count("opened") == kinds.count("closed") == 1


def test_an_incident_that_ends_while_nobody_watches_is_resolved_all_the_same(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.fail()
    watching.messages(1)
    watching.delivered("slack")
    watching.behave(status=None)
    watching.kill_daemon()
    _, resolved = watching.messages(2)
    assert resolved.startswith(f"RESOLVED {API}")
    watching.delivered("slack")
    assert len(watching.messages()) == 2


@pytest.mark.parametrize(
    ("step", "state"), [("ExecStop", "deactivating"), ("ExecStartPre", "activating")]
)
def test_a_kill_while_a_restart_is_under_way_makes_no_second_one(
    watching: WatchedHost, step: str, state: str
) -> None:
    """While the old process stops, and while the new one starts."""
    watching.start_sample(more=f"{step}=/bin/sh -c 'while test -e {SLOW}; do sleep 0.05; done'")
    watching.watch("max_failures = 2\nrestart_after = { http = 1 }\n")
    before = watching.run_id()
    watching.host.write(SLOW, "")
    watching.fail()
    watching.host.wait_for_unit_state(UNIT, state)
    watching.behave(status=None)
    watching.kill_daemon()
    assert watching.status()["failures"] == 1
    watching.host.run("rm", SLOW)
    healthy = watching.wait_for_phase("healthy")
    assert healthy["run"] != before
    assert healthy["failures"] == 0
    assert healthy["restarts_left"] == BUDGET - 1
    assert watching.kinds().count("restart") == 1
    starts = [
        entry
        for entry in watching.host.journal(UNIT)
        if entry.message.startswith(f"Starting {UNIT}")
    ]
    assert len(starts) == 2  # a person's, and ours


def test_a_budget_survives_the_daemon(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch("restart_budget = 2\n")
    before = watching.run_id()
    watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    watching.kill_daemon()
    assert watching.wait_for_phase("healthy")["restarts_left"] == 1


def test_a_stop_is_quick_and_keeps_what_is_not_delivered(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK.replace('"2s"', '"20s"'))
    watching.slack_mode("hang")
    watching.fail()
    watching.requests(1)
    with watching.host.follow_journal(DAEMON) as journal:
        watching.stop_daemon()
        stopping = journal.wait_for("Stopping service-watchdog")
        stopped = journal.wait_for("Stopped service-watchdog")
    assert stopped.monotonic - stopping.monotonic < 2.0
    assert watching.host.unit(DAEMON, "Result")["Result"] == "success"
    watching.slack_mode("ok")
    watching.host.start_daemon()
    assert watching.messages(1)[0].startswith("FIRING")
    watching.delivered("slack")
    assert len(watching.messages()) == 1


def test_a_stopped_loop_is_ended_by_systemds_watchdog_and_shows_where_it_stood(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watching.daemon_option("WatchdogSec=3")
    watching.watch()
    with watching.host.follow_journal(DAEMON) as journal:
        watching.host.kill(DAEMON, signal.SIGSTOP)
        journal.wait_for("Started service-watchdog", timeout=20)
        said = "\n".join(entry.message for entry in journal.seen)
    # systemd's lines and the daemon's own take different ways, and may overtake each other.
    for line in ("Watchdog timeout", "Fatal Python error: Aborted", "asyncio/base_events.py"):
        assert line in said
    watching.wait_for_phase("healthy")


# --- the bus and systemd -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", [("restart", "dbus"), ("daemon-reload",), ("daemon-reexec",)], ids=" ".join
)
def test_every_kill_is_seen_and_healed_while_the_ground_moves(
    watching: WatchedHost, order: Sequence[str]
) -> None:
    """Before, in the middle of, and after it."""
    watching.start_sample()
    watching.watch(MANY_RESTARTS)
    kill_and_heal(watching)
    with watching.host.popen("systemctl", *order) as moving:
        kill_and_heal(watching)
        moving.communicate(timeout=20)
        assert moving.returncode == 0
    kill_and_heal(watching)
    kill_and_heal(watching)
    assert watching.kinds() == ["failed", "restart", "healed"] * 4
    assert watching.overview()["daemon"]["trouble"] == []


def kill_and_heal(watching: WatchedHost) -> None:
    """Ask the daemon, not systemd, which may not be there to answer."""
    before = watching.status()
    os.kill(watching.host.outer_pid(before["pid"]), signal.SIGKILL)
    watching.wait_for(
        lambda now: now["phase"] == "healthy" and now["run"] not in {"", before["run"]}
    )


# --- the disk ------------------------------------------------------------------------------------


def test_a_full_disk_stops_neither_the_watch_nor_alerts_and_loses_nothing(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    small_disk(watching)
    watching.watch(TOLD_AT_ONCE.replace("unit = 0", "unit = 1"), tables=SLACK)
    fill(watching)

    before = watching.run_id()
    watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    firing, resolved = watching.messages(2)
    assert firing.startswith("FIRING")
    assert resolved.startswith("RESOLVED")
    watching.delivered("slack")

    watching.host.systemctl("stop", "slack.service")
    watching.behave(status="500")
    watching.wait_for_channel("slack", lambda slack: slack["pending"] and slack["last_error"])
    for shown in (watching.status_text(), watching.command("status", code=1)):
        assert "database or disk is full" in shown
        assert "alerts are sent from memory" in shown
    watching.heal()

    make_room(watching)
    watching.kill_daemon()  # what was in memory only would be lost
    watching.host.systemctl("start", "slack.service")
    later = watching.messages(1)
    assert later[0].startswith("RECOVERING")  # as it stands: not believed yet, the second time
    incidents = json.loads(watching.command("incidents", "--json"))["incidents"]
    assert len(incidents) == 2
    kinds = watching.kinds()
    assert kinds.count("opened") == 2
    assert kinds.count("restart") == 1


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (f"head -c 40000 /dev/urandom >{DATABASE}", "file is not a database"),
        (f": >{DATABASE}", "it is empty"),
    ],
    ids=["corrupt", "zero-length"],
)
def test_a_database_that_cannot_be_used_is_set_aside_and_people_are_told(
    watching: WatchedHost, damage: str, reason: str
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(tables=SLACK)
    watching.stop_daemon()
    watching.host.sh(f"rm -f {DATABASE}-wal {DATABASE}-shm; {damage}")
    watching.host.start_daemon()
    [notice] = watching.messages(1)
    assert reason in notice
    assert "set aside as state.db.corrupt" in notice
    assert "state.db.corrupt" in watching.host.run("ls", STATE).stdout
    before = watching.run_id()
    watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    assert watching.kinds() == ["failed", "restart", "healed"]
    # Told once: the next start finds a sound one.
    watching.host.systemctl("restart", DAEMON)
    watching.wait_for_phase("healthy")
    watching.delivered("slack")
    assert len(watching.messages()) == 1


def test_a_database_deleted_under_the_daemon_is_written_anew_and_people_are_told(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    incident = watching.fail()["incident"]["id"]
    watching.messages(1)
    watching.host.sh(f"rm {DATABASE} {DATABASE}-wal {DATABASE}-shm")
    watching.heal()
    texts = watching.messages(3)
    assert sum(text.startswith("RESOLVED") for text in texts) == 1
    assert sum("was deleted or replaced while in use" in text for text in texts) == 1
    assert [note["incident"] for note in watching.notes()] == [incident] * 3
    assert watching.overview()["daemon"]["trouble"] == []


def small_disk(watching: WatchedHost) -> None:
    """Give the daemon's state a disk of its own, and a small one."""
    watching.host.sh(
        f"mkdir -p {STATE} && mount -t tmpfs -o size=8m,mode=0750 tmpfs {STATE}"
        f" && chown service-watchdog: {STATE}"
    )


def fill(watching: WatchedHost) -> None:
    """Fill that disk until not even the daemon's reserve is left."""

    def is_full() -> bool:
        watching.host.sh(f"cat /dev/zero >>{STATE}/fill", check=False)
        watching.command("pause", API, "--for", "1m", code=None)
        watching.command("resume", API, code=None)
        return any("from memory" in trouble for trouble in watching.overview()["daemon"]["trouble"])

    wait_for(is_full, what="a full disk")


def make_room(watching: WatchedHost) -> None:
    watching.host.run("rm", f"{STATE}/fill")
    wait_for(lambda: not has_disk_trouble(watching), what="the end of the disk's trouble")


def has_disk_trouble(watching: WatchedHost) -> bool:
    return any("disk" in trouble for trouble in watching.overview()["daemon"]["trouble"])
