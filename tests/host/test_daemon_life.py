"""The daemon as a unit: its start, its reloads, its end, and what it tells and to whom."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.host.installed import CONFIG, DAEMON, InstalledHost
from tests.host.peers.slack import SlackServer
from tests.host.watched_host import API, PORT, SLACK, TOLD_AT_ONCE, UNIT, WatchedHost

BAD = """\
[[service]]
name = "langchain-api"
unti = "langchain-api.service"

[slack]
token = "xoxb-0000000000-test"

[defaults]
max_failures = 0
"""

SAID_OF_BAD = (
    f"{CONFIG}:1: service[1]: nothing keeps this service",
    f'{CONFIG}:3: service[1].unti: unknown key; did you mean "unit"?',
    f"{CONFIG}:5: slack.channel: missing",
    f"{CONFIG}:9: defaults.max_failures: expected a whole number",
)

BAD_TABLE = "[slack]\n"

OTHER = "worker"
OTHER_PORT = 8001
ANOTHER_SERVICE = f"""
[[service]]
name = "{OTHER}"
unit = "{OTHER}.service"
port = {OTHER_PORT}
"""

ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("/run/service-watchdog/control.sock")
    connection.sendall(sys.stdin.buffer.read() + b"\\n")
    sys.stdout.buffer.write(b"".join(iter(lambda: connection.recv(65536), b"")))
"""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


# --- start ---------------------------------------------------------------------------------------


def test_a_bad_configuration_is_told_in_full_and_not_tried_again(watching: WatchedHost) -> None:
    watching.host.configure(BAD)
    refused = watching.host.systemctl("start", DAEMON, check=False)
    assert refused.returncode != 0
    state = watching.host.unit(DAEMON, "ActiveState", "Result", "ExecMainStatus", "NRestarts")
    assert state == {
        "ActiveState": "failed",
        "Result": "exit-code",
        "ExecMainStatus": "2",
        "NRestarts": "0",
    }
    said = watching.host.journal_text(DAEMON)
    for problem in SAID_OF_BAD:
        assert problem in said


def test_a_secret_in_a_file_open_to_everybody_is_refused_with_the_fix(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watching.configure(tables=SLACK)
    watching.host.run("chmod", "644", CONFIG)
    assert watching.host.systemctl("start", DAEMON, check=False).returncode != 0
    said = watching.host.journal_text(DAEMON)
    fix = f"chmod 640 {CONFIG}; chown root:service-watchdog {CONFIG}"
    assert fix in said
    assert SlackServer.TOKEN not in said
    watching.host.sh(fix)
    watching.host.start_daemon()
    assert watching.status()["phase"] == "healthy"


def test_the_start_is_over_when_every_service_had_its_first_round(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.behave(delay="1.5")
    health = f'health = {{ url = "http://127.0.0.1:{PORT}/health", timeout = "1900ms" }}\n'
    watching.watch(health=health)
    status = watching.status()
    assert status["phase"] == "healthy"
    assert [check["check"] for check in status["checks"]] == ["unit", "port", "http"]
    assert status["checks"][-1]["ms"] >= 1500


def test_a_service_that_does_not_answer_does_not_hold_up_the_start(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.behave(hang="")
    watching.watch()
    assert watching.status()["phase"] in {"held", "suspect"}
    assert watching.host.unit(DAEMON, "ActiveState")["ActiveState"] == "active"


def test_a_stop_during_the_start_is_quick(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.behave(hang="")
    watching.configure(health=f'health = "http://127.0.0.1:{PORT}/health"\ninterval = "60s"\n')
    with watching.host.follow_journal(DAEMON) as journal:
        watching.host.systemctl("start", "--no-block", DAEMON)
        watching.host.wait_for(lambda: phases_if_any(watching) == {API: "pending"})
        asked = time.monotonic()
        watching.stop_daemon()
        stopped = journal.wait_for("Deactivated successfully")
    assert stopped.monotonic - asked < 2.0
    assert watching.host.unit(DAEMON, "Result")["Result"] == "success"


# --- reload --------------------------------------------------------------------------------------


def test_a_bad_configuration_at_reload_changes_nothing_and_is_told(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    daemon = watching.host.unit(DAEMON, "MainPID")
    watching.host.configure(BAD)
    assert watching.host.systemctl("reload", DAEMON, check=False).returncode != 0
    watching.host.wait_for(lambda: watching.overview()["daemon"]["trouble"])
    for told in (watching.status_text(), watching.command("status")):
        assert f"cannot reload: {SAID_OF_BAD[0]}" in told
        assert "(and 3 more)" in told
        assert "the old configuration stays" in told
    assert watching.host.unit(DAEMON, "MainPID", "ActiveState") == {
        **daemon,
        "ActiveState": "active",
    }
    said = watching.host.journal_text(DAEMON)
    for problem in SAID_OF_BAD:
        assert problem in said
    kill_and_heal(watching)
    watching.configure()
    watching.host.systemctl("reload", DAEMON)
    watching.host.wait_for(lambda: not watching.overview()["daemon"]["trouble"])
    assert "cannot reload" not in watching.status_text()


def test_a_reload_swaps_services_and_channels_and_leaves_the_others_alone(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.host.start_peer("sample", "--bare", "--port", str(OTHER_PORT), unit=f"{OTHER}.service")
    watching.watch()

    watching.configure(ANOTHER_SERVICE, tables=SLACK)
    watching.host.systemctl("reload", DAEMON)
    watching.host.wait_for(lambda: phases(watching) == {API: "healthy", OTHER: "healthy"})
    assert watching.command("test-alert") == "slack: delivered\n"
    watching.host.kill(f"{OTHER}.service")  # the right to restart it came with the reload
    watching.host.wait_for(lambda: kinds_of(watching, OTHER) == ["failed", "restart", "healed"])

    watching.configure()
    watching.host.systemctl("reload", DAEMON)
    watching.host.wait_for(lambda: phases(watching) == {API: "healthy"})
    assert "there is langchain-api" in watching.command("status", OTHER, code=2)
    assert "names no channel" in watching.command("test-alert", code=2)
    watching.host.kill(f"{OTHER}.service")
    kill_and_heal(watching)  # time enough for the other, were it still watched
    assert watching.host.unit(f"{OTHER}.service", "ActiveState")["ActiveState"] == "failed"
    assert len(kinds_of(watching, OTHER)) == 3

    # The worker that stayed was never begun anew.
    begun = [
        entry
        for entry in watching.host.journal(DAEMON)
        if f"{API} is healthy" in entry.message and '"was":"pending"' in entry.message
    ]
    assert len(begun) == 1


def test_an_alert_of_a_channel_that_is_gone_waits_for_its_return(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.fail()
    watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    watching.configure(TOLD_AT_ONCE)
    watching.host.systemctl("reload", DAEMON)
    watching.host.wait_for(lambda: not watching.overview()["channels"])
    watching.start_slack()
    watching.configure(TOLD_AT_ONCE, tables=SLACK)
    watching.host.systemctl("reload", DAEMON)
    assert watching.messages(1)[0].startswith("FIRING")


def test_reloads_in_a_row_end_with_the_last_configuration(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.start_sample()
    watching.watch()
    for tables in (SLACK, "", BAD_TABLE, SLACK, "", SLACK):
        watching.configure(tables=tables)
        watching.host.systemctl("kill", "--kill-whom=main", "--signal=HUP", DAEMON)
    watching.host.wait_for(lambda: len(watching.overview()["channels"]) == 1)
    watching.host.wait_for(lambda: not watching.overview()["daemon"]["trouble"])
    assert watching.command("test-alert") == "slack: delivered\n"
    kill_and_heal(watching)
    assert watching.host.unit(DAEMON, "NRestarts")["NRestarts"] == "0"


# --- what systemd is told ------------------------------------------------------------------------


def test_systemds_watchdog_is_content_while_service_and_slack_hang(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.slack_mode("hang")
    watching.start_sample()
    watching.daemon_option("WatchdogSec=2")
    watching.watch("max_failures = 1\nrestart_budget = 1\n", tables=SLACK)
    watching.behave(hang="")
    first = watching.host.unit(DAEMON, "MainPID", "WatchdogTimestampMonotonic")
    began = int(first["WatchdogTimestampMonotonic"])
    watching.host.wait_for(lambda: last_ping(watching) - began > 10e6, timeout=15)
    assert watching.host.unit(DAEMON, "MainPID")["MainPID"] == first["MainPID"]
    assert watching.status()["phase"] != "healthy"
    assert watching.channel("slack")["pending"] >= 1


def test_the_status_sentence_says_what_is_wrong_and_when_it_is_over(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    assert watching.status_text() == "1 of 1 services healthy"
    watching.fail()
    watching.wait_for_channel("slack", lambda slack: slack["last_error"])
    watching.host.wait_for(lambda: "slack: cannot reach Slack" in watching.status_text())
    assert "0 of 1 services healthy; " in watching.status_text()
    assert f"{API} failing: /health answered 500" in watching.status_text()
    watching.start_slack()
    watching.heal()
    watching.delivered("slack")
    watching.host.wait_for(lambda: watching.status_text() == "1 of 1 services healthy")


def test_ctrl_c_ends_it_as_quickly_as_systemd_does(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    with watching.host.follow_journal(DAEMON) as journal:
        sent = watching.host.kill(DAEMON, signal.SIGINT)
        ended = journal.wait_for("Deactivated successfully")
    assert ended.monotonic - sent < 2.0


# --- the control socket --------------------------------------------------------------------------


def test_only_root_and_the_daemons_group_may_ask(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    host = watching.host
    host.run("useradd", "kim")
    for command in (("status",), ("check",), ("restart", API), ("pause", API, "--for", "5m")):
        refused = host.run("service-watchdog", *command, user="kim", check=False)
        assert refused.returncode == 3
        assert "no permission for /run/service-watchdog/control.sock" in refused.stderr
        assert "usermod -aG service-watchdog" in refused.stderr
    host.run("usermod", "-aG", "service-watchdog", "kim")
    assert host.run("service-watchdog", "status", user="kim").returncode == 0
    paused = host.run("service-watchdog", "pause", API, "--for", "5m", user="kim")
    assert "paused by kim" in paused.stdout
    # The kernel would tell who is root; of others the daemon in its sandbox hears their own words.
    arguments = {"name": API, "seconds": 300}
    forged = json.dumps({"call": "pause", "arguments": arguments, "user": "root"})
    answer = json.loads(host.run("python3", "-c", ASK, input=forged, user="kim").stdout)
    assert answer["result"]["maintenance"]["owner"] == "nobody"


def test_a_daemon_that_does_not_run_is_exit_code_3(watching: WatchedHost) -> None:
    for command in (("status",), ("check",), ("incidents",), ("test-alert",), ("resume", API)):
        said = watching.command(*command, code=3)
        assert "nothing answers on /run/service-watchdog/control.sock" in said
        assert "systemctl status service-watchdog" in said


def test_the_commands_exit_as_the_service_stands(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch(TOLD_AT_ONCE + 'flap_window = "0s"\n')
    # Healthy.
    assert json.loads(watching.command("status", "--json"))["code"] == 0
    checked = json.loads(watching.command("check", API, "--json"))
    assert [service["verdict"] for service in checked["services"]] == ["pass"]
    assert watching.command("incidents") == "no incidents on record\n"
    assert json.loads(watching.command("incidents", "--json")) == {"incidents": []}
    assert "it is not paused" in watching.command("resume", API, code=1)
    # Failing.
    incident = watching.fail()["incident"]["id"]
    assert "FAILURES" in watching.command("status", code=1)
    assert json.loads(watching.command("check", "--json", code=1))["code"] == 1
    assert incident in watching.command("incidents")
    assert "opened: " in watching.command("incidents", incident)
    told = json.loads(watching.command("incidents", incident, "--json"))["incident"]
    assert [note["kind"] for note in told["notes"]][:2] == ["failed", "opened"]
    assert "none of that id" in watching.command("incidents", "zzzzzz", code=1)
    before = watching.run_id()
    assert "is failing" in watching.command("restart", API, code=1)  # and is not better for it
    assert watching.run_id() != before
    # Paused.
    paused = watching.command("pause", API, "--for", "5m", "--reason", "deploy 42")
    assert "paused by root for" in paused
    assert "deploy 42" in paused
    assert "deploy 42" in watching.command("status", code=4)
    watching.host.kill(UNIT)
    watching.host.wait_for_unit_state(UNIT, "failed")
    assert watching.kinds().count("restart") == 1
    watching.behave(status=None)
    watching.host.systemctl("start", UNIT)
    resumed = json.loads(watching.command("resume", API, "--json", code=None))
    assert resumed["phase"] in {"healthy", "pending"}  # an incident ends with the second pass
    watching.wait_for_phase("healthy")
    restarted = json.loads(watching.command("restart", API, "--json"))
    assert restarted["phase"] == "healthy"
    assert restarted["took"] > 0
    assert watching.notes()[-2]["text"] == "restart asked for by root"


def test_a_service_that_starts_is_in_progress(watching: WatchedHost) -> None:
    watching.start_sample(
        more="ExecStartPre=/bin/sh -c 'while test -e /run/slow; do sleep 0.05; done'"
    )
    watching.watch()
    watching.host.write("/run/slow", "")
    watching.host.systemctl("restart", "--no-block", UNIT)
    watching.wait_for_phase("held")
    assert json.loads(watching.command("check", "--json", code=4))["code"] == 4
    assert "held" in watching.command("status", code=4)
    watching.host.run("rm", "/run/slow")
    watching.wait_for_phase("healthy")


def test_wrong_usage_is_exit_code_2_and_changes_nothing(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    for command, words in (
        (("status", "langchian-api"), "cannot find service 'langchian-api'"),
        (("check", "nothing"), "there is langchain-api"),
        (("restart",), "the following arguments are required: name"),
        (("pause", API, "--for", "soon"), "cannot pause: --for soon: "),
        (("pause", API, "--for", "0s"), "cannot pause"),
        (("pause", API, "--for", "400d"), "cannot pause"),
        (("pause", "nothing", "--for", "5m"), "cannot find service 'nothing'"),
        (("incidents", "--limit", "many"), "invalid int value"),
        (("no-such-command",), "invalid choice"),
        ((), "usage: service-watchdog"),
    ):
        assert words in watching.command(*command, code=2), command
    assert watching.status()["phase"] == "healthy"
    assert watching.kinds() == []


def test_nonsense_on_the_control_socket_is_answered_and_forgotten(watching: WatchedHost) -> None:
    watching.start_sample()
    watching.watch()
    for request, words in (
        ("hello", "cannot read the request"),
        ("", "cannot read the request"),
        ('{"call": "reboot"}', "no such call"),
        ('{"call": "pause", "arguments": {"name": 7}}', "bad arguments"),
        ('{"call": "status", "more": 1}', "cannot read the request"),
        ("x" * 100_000, "cannot read the request"),
    ):
        reply = json.loads(watching.host.run("python3", "-c", ASK, input=request).stdout)
        assert words in reply["error"], request[:50]
        assert reply["code"] == 2
    assert watching.status()["phase"] == "healthy"
    assert "Traceback" not in watching.host.journal_text(DAEMON)


def kill_and_heal(watching: WatchedHost) -> None:
    before = watching.run_id()
    watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)


def phases(watching: WatchedHost) -> dict[str, str]:
    services = json.loads(watching.command("status", "--json", code=None))["services"]
    return {service["name"]: service["phase"] for service in services}


def phases_if_any(watching: WatchedHost) -> dict[str, str]:
    """Return the phases, none while nobody answers."""
    answer = watching.host.run("service-watchdog", "status", "--json", check=False).stdout
    services = json.loads(answer)["services"] if answer else []
    return {service["name"]: service["phase"] for service in services}


def kinds_of(watching: WatchedHost, service: str) -> list[str]:
    return [note["kind"] for note in watching.notes() if note["service"] == service]


def last_ping(watching: WatchedHost) -> int:
    shown = watching.host.unit(DAEMON, "WatchdogTimestampMonotonic")
    return int(shown["WatchdogTimestampMonotonic"])
