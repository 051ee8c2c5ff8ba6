"""The watch on a real host: what breaks is seen, healed, and told if it must be."""

from __future__ import annotations

import signal

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, PORT, SLACK, UNIT, WatchedHost

HEALTHY_BODY = f"""\
health = {{ url = "http://127.0.0.1:{PORT}/health", expect = "status == 'healthy'" }}
"""

PATIENT = f"""\
health = {{ url = "http://127.0.0.1:{PORT}/health", timeout = "20s" }}
"""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


def test_a_killed_service_is_seen_by_signal_healed_and_nobody_is_paged(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(tables=SLACK)
    before = watching.run_id()
    watching.host.kill(UNIT)
    status = watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    assert status["failures"] == 0
    assert watching.kinds() == ["failed", "restart", "healed"]
    [failed, restart, _] = watching.notes()
    assert "killed by SIGKILL" in failed["text"]
    assert restart["wall"] - failed["wall"] < 0.5  # not a poll later
    assert watching.messages() == []


def test_a_request_that_dies_with_its_service_is_not_a_failure_of_its_own(
    watching: WatchedHost,
) -> None:
    """It breaks before systemd has said a word of the end: one death is one failure."""
    watching.start_sample()
    watching.watch('interval = "60s"', health=PATIENT)
    before = watching.wait_for_phase("healthy")["run"]
    watching.behave(hang="")
    with watching.host.popen("service-watchdog", "check", API):
        in_flight = ("ss", "-Htn", "state", "established", "sport", "=", f":{PORT}")
        wait_for(lambda: watching.host.run(*in_flight).stdout, 20, "a request in flight")
        watching.behave(hang=None)
        watching.host.kill(UNIT)
        watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    assert watching.kinds() == ["failed", "restart", "healed"]
    assert "killed by SIGKILL" in watching.notes()[0]["text"]


def test_a_unit_stopped_by_an_operator_is_left_alone_and_then_brought_back(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watching.watch()
    watching.host.systemctl("stop", UNIT)
    held = watching.wait_for_phase("held")
    assert "stopped by an operator" in held["reason"]
    assert held["failures"] == 0
    watching.wait_for_phase("healthy")
    assert watching.kinds() == ["held", "failed", "restart", "healed"]
    stopped, failed = watching.notes()[:2]
    assert failed["wall"] - stopped["wall"] >= 3.9  # stopped_grace


def test_a_restart_by_an_operator_is_none_of_our_business(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    before = watching.run_id()
    watching.host.systemctl("restart", UNIT)
    status = watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    assert status["failures"] == 0
    assert "restart" not in watching.kinds()
    assert watching.run_id() == status["run"]


def test_a_sigterm_without_a_job_is_a_failure(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    before = watching.run_id()
    watching.host.kill(UNIT, signal.SIGTERM)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    assert watching.kinds() == ["failed", "restart", "healed"]


def test_systemd_brings_its_own_back_and_a_crash_loop_is_an_incident(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_sample(more="Restart=always\nRestartSec=200ms")
    watching.watch('crash_quiet = "2s"', tables=SLACK)
    for _ in range(3):
        before = watching.run_id()
        watching.host.kill(UNIT)
        watching.host.wait_for(
            lambda before=before: (  # type: ignore[misc]
                watching.host.unit(UNIT, "MainPID")["MainPID"] != "0"
                and watching.run_id() != before
            )
        )
    [message] = watching.messages(1)
    assert "crashed 3 times" in message
    assert "restart" not in watching.kinds()  # no fight over jobs
    assert watching.host.unit(UNIT, "NRestarts")["NRestarts"] == "3"
    watching.wait_for_phase("healthy")
    assert len(watching.messages(2)) == 2


def test_a_unit_at_its_start_limit_is_reset_and_healed(watching: WatchedHost) -> None:
    watching.host.write(
        f"/etc/systemd/system/{UNIT}.d/limit.conf",
        "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=2\n",
    )
    watching.start_sample(more="Restart=always\nRestartSec=0")
    watching.watch("crash_limit = 10")
    before = watching.run_id()
    watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    watching.host.kill(UNIT)
    watching.wait_for(lambda _: "healed" in watching.kinds())
    assert "restart" in watching.kinds()
    watching.wait_for_phase("healthy")


def test_a_service_that_hangs_is_restarted_after_three_failures_and_people_are_told(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(tables=SLACK)
    before = watching.run_id()
    watching.behave(hang="")
    [firing] = watching.messages(1)
    assert f"{API}" in firing
    assert "no answer within 1 s" in firing
    watching.behave(hang=None)
    status = watching.wait_for_phase("healthy")
    assert status["run"] != before
    _, resolved = watching.messages(2)
    assert "RESOLVED" in resolved
    kinds = watching.kinds()
    assert kinds.count("failed") == 3
    assert kinds.count("opened") == kinds.count("closed") == 1


def test_a_stopped_process_counts_as_a_hang(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    before = watching.run_id()
    watching.host.kill(UNIT, signal.SIGSTOP)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before, 40)


@pytest.mark.parametrize(
    ("behaviour", "keys", "reason"),
    [
        ({"status": "500"}, "", "answered 500"),
        (
            {"body": '{"status": "unhealthy"}'},
            HEALTHY_BODY,
            'status is "unhealthy"',
        ),
    ],
    ids=["an error", "an unhealthy body"],
)
def test_a_wrong_answer_is_a_failure_that_quotes_it(
    watching: WatchedHost, behaviour: dict[str, str], keys: str, reason: str
) -> None:
    watching.start_sample()
    if keys:
        watching.watch(health=keys)
    else:
        watching.watch()
    watching.behave(**behaviour)
    watching.wait_for(lambda _: "restart" in watching.kinds())
    assert reason in watching.notes()[0]["text"]
    watching.behave(**dict.fromkeys(behaviour))
    watching.wait_for_phase("healthy")


def test_a_service_on_another_port_than_configured_is_said_to_be_there(
    watching: WatchedHost,
) -> None:
    watching.start_sample("--port", "8001")
    watching.watch('max_failures = 1\nrestart_after = { port = 0 }\nstart_timeout = "1s"\n')
    status = watching.wait_for_phase("failing")
    assert f"nothing listens on 127.0.0.1:{PORT}" in status["reason"]
    assert "8001" in status["reason"]


def test_a_stranger_on_the_port_is_named_and_nothing_is_restarted(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.host.write_unit(
        "stranger.service",
        f"[Service]\nExecStart=/opt/peers/bin/python -m http.server {PORT}\n",
    )
    watching.host.systemctl("start", "stranger.service")
    watching.start_sample("--port", "8001")
    watching.watch(tables=SLACK)
    [message] = watching.messages(1)
    assert "stranger.service" in message
    assert "restart" not in watching.kinds()


def test_a_slow_start_is_not_killed_while_it_starts(watching: WatchedHost) -> None:
    watching.start_sample("--start-delay", "6")
    watching.watch()
    before = watching.run_id()
    watching.host.systemctl("restart", "--no-block", UNIT)
    watching.wait_for_phase("held")
    status = watching.wait_for_phase("healthy")
    assert status["run"] != before
    assert "restart" not in watching.kinds()


def test_a_service_that_never_becomes_healthy_is_given_up_with_one_page(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch('restart_budget = 3\nstart_timeout = "1s"\n', tables=SLACK)
    watching.behave(status="500")
    watching.wait_for_phase("gave-up", timeout=40)
    kinds = watching.kinds()
    assert kinds.count("restart") == 3
    assert kinds.count("opened") == 1
    firing, gave_up = watching.messages(2)
    assert "FIRING" in firing
    assert "GAVE UP" in gave_up
    assert watching.status()["restarts_left"] == 0
    # A person may still restart it, and that is proof enough once it is healthy.
    watching.behave(status=None)
    assert "healthy" in watching.command("restart", API)
    assert "RESOLVED" in watching.messages(3)[2]


def test_a_masked_unit_is_reported_with_its_cause_and_not_restarted(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.host.systemctl("mask", UNIT)
    watching.watch(tables=SLACK)
    [message] = watching.messages(1)
    assert "masked" in message
    assert "restart" not in watching.kinds()


def test_a_unit_that_does_not_exist_is_reported_and_the_daemon_runs(watching: WatchedHost) -> None:
    watching.watch()
    status = watching.wait_for_phase("failing")
    assert "no unit file" in status["reason"]
    assert watching.host.unit(DAEMON, "ActiveState")["ActiveState"] == "active"


def test_a_daemon_without_permission_says_how_to_get_it(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch(tables=SLACK)
    watching.host.run("service-watchdog", "grant", "--remove")
    watching.host.kill(UNIT)
    [message] = watching.messages(1)
    assert "service-watchdog grant" in message
    # A person who tries it by hand is told the same, not that the service is down.
    assert "sudo service-watchdog grant" in watching.command("restart", API, code=1)


def test_a_restart_asked_for_in_maintenance_is_done_when_the_command_returns(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watching.watch()
    before = watching.run_id()
    watching.command("pause", API, "--for", "10m", "--reason", "new kernel")
    assert "maintenance" in watching.command("restart", API, code=None)
    assert watching.run_id() != before
    watching.host.run("service-watchdog", "grant", "--remove")
    assert "no permission" in watching.command("restart", API, code=1)


def test_a_silence_keeps_the_alert_back_until_it_ends_and_the_restart_is_made(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch("max_failures = 2\nrestart_after = { http = 1 }\n", tables=SLACK)
    said = watching.command("silence", API, "--for", "1h", "--reason", "ticket 4711")
    assert "silenced by root for 60 min more: ticket 4711" in said
    before = watching.run_id()
    watching.behave(status="500")
    watching.wait_for(lambda now: now["incident"] is not None)
    assert watching.run_id() != before
    assert "silenced by root" in watching.command("status", code=None)
    assert watching.messages() == []
    watching.command("unsilence", API)
    [message] = watching.messages(1)
    assert message.startswith(f"FIRING {API}")
    watching.behave(status=None)
    assert "RESOLVED" in watching.messages(2)[1]
    assert "it is not silent" in watching.command("unsilence", API, code=1)
    assert {"silenced", "unsilenced"} <= set(watching.kinds())
