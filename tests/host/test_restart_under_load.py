"""Requests are counted while the application is restarted behind nginx, both from the templates."""

from __future__ import annotations

import json

import pytest

from tests.host.fronted import CONFIG, SOCKET, UNIT, FrontedHost
from tests.host.installed import InstalledHost

RESTARTS = 6
RATE = 150


@pytest.fixture
def fronted(installed_host: InstalledHost) -> FrontedHost:
    fronted = FrontedHost(installed_host)
    fronted.configure(CONFIG)
    fronted.install_site()
    return fronted


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "options",
    [
        ("--server", "uvicorn", "--workers", "1"),
        ("--server", "uvicorn", "--workers", "2"),
        ("--server", "gunicorn", "--app", "tests.host.peers.wsgi:app"),
    ],
    ids=["uvicorn", "uvicorn with two workers", "gunicorn"],
)
def test_behind_a_socket_no_request_is_lost_in_restarts_and_the_daemon_stays_calm(
    fronted: FrontedHost, options: tuple[str, ...]
) -> None:
    fronted.start("socket", *options)
    host = fronted.host
    host.start_daemon()
    with fronted.load(RATE, "/?delay=0.005") as load:
        for _ in range(RESTARTS):
            host.systemctl("restart", UNIT, timeout=60)
    outcome = load.outcome
    assert outcome.failed == {}
    assert outcome.total > RATE
    assert sorted(fronted.done()) == sorted(outcome.posted)  # each once
    host.wait_for(lambda: fronted.status()["phase"] == "healthy", what="the service is healthy")
    assert fronted.status()["restarts_left"] == 5  # none was the daemon's
    incidents = json.loads(host.run("service-watchdog", "incidents", "--json").stdout)
    assert incidents["incidents"] == []


@pytest.mark.timeout(120)
def test_without_a_socket_requests_are_refused_while_nobody_listens(fronted: FrontedHost) -> None:
    fronted.start("unit")
    with fronted.load(RATE) as load:
        fronted.host.systemctl("restart", UNIT, timeout=60)
    assert {kind.split()[1] for kind in load.outcome.failed} == {"503", "502"}
    assert load.outcome.failed["GET 503"] > 0
    assert load.outcome.failed["POST 502"] > 0


@pytest.mark.timeout(120)
def test_a_request_under_way_is_answered_before_the_application_ends(fronted: FrontedHost) -> None:
    fronted.start("socket")
    with fronted.load(20, "/?delay=2") as load:
        fronted.host.systemctl("restart", UNIT, timeout=60)
    assert load.outcome.failed == {}
    assert load.outcome.slowest > 2


@pytest.mark.timeout(120)
def test_a_stop_on_purpose_is_respected_although_a_check_could_start_it(
    fronted: FrontedHost,
) -> None:
    fronted.start("socket")
    host = fronted.host
    host.start_daemon()
    with host.follow_journal(UNIT) as journal:
        host.systemctl("stop", UNIT)
        told = host.run("service-watchdog", "check", "api", check=False)
        assert told.returncode == 4
        assert "stopped by an operator" in told.stdout
        assert host.unit(UNIT, "ActiveState") == {"ActiveState": "inactive"}
        journal.wait_for("Started", timeout=20)  # by the check of /health, after stopped_grace
    host.wait_for_unit_state(UNIT, "active", timeout=20)
    host.systemctl("stop", SOCKET, UNIT)
    assert host.unit(SOCKET, "ActiveState") == {"ActiveState": "inactive"}


@pytest.mark.timeout(120)
def test_a_socket_that_was_stopped_is_brought_back_with_its_service(fronted: FrontedHost) -> None:
    fronted.start("socket")
    host = fronted.host
    host.start_daemon()
    with host.follow_journal("service-watchdog.service") as journal:
        host.systemctl("stop", SOCKET)
        journal.wait_for("healthy again after a restart", timeout=40)
    host.wait_for_unit_state(UNIT, "active", timeout=20)
    assert host.unit(SOCKET, "ActiveState") == {"ActiveState": "active"}


@pytest.mark.timeout(180)
def test_a_socket_that_gave_up_with_its_service_is_brought_back(fronted: FrontedHost) -> None:
    host = fronted.host
    host.write(
        f"/etc/systemd/system/{UNIT}.d/z.conf",
        "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n",
    )
    fronted.start("socket")
    host.kill(UNIT)
    host.wait_for_unit_state(UNIT, "active", timeout=30)  # by Restart=
    host.kill(UNIT)
    host.wait_for_unit_state(UNIT, "failed", timeout=30)
    host.wait_for_unit_state(SOCKET, "failed", timeout=30)
    host.start_daemon()
    host.wait_for(lambda: fronted.status()["phase"] == "healthy", 40, "the service is healthy")
    assert host.unit(SOCKET, "ActiveState") == {"ActiveState": "active"}
    assert host.unit(UNIT, "ActiveState") == {"ActiveState": "active"}
