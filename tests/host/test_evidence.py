"""What people read of an incident, on a real host: gathered in time, and without secrets."""

from __future__ import annotations

import json
import re
import signal

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.watched_host import API, SLACK, UNIT, WatchedHost

CANARY = "canary-4711"

LEAKY = f"""
ExecStartPost=/bin/echo 'DB_PASSWORD={CANARY}'
ExecStartPost=/bin/echo 'postgres://app:{CANARY}@db/app'
ExecStartPost=/bin/echo '{{"headers": {{"Authorization": "Bearer {CANARY}"}}}}'
"""

# The whole of what the daemon may ever write to.
STORED = (
    "cat /var/lib/service-watchdog/* /run/service-watchdog/* 2>/dev/null | tr -c '[:print:]' '\\n'"
)


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    watching = WatchedHost(installed_host)
    watching.start_slack()
    return watching


def watch(watching: WatchedHost, evidence: str = "", more: str = "") -> None:
    table = f"evidence = {{ {evidence} }}\n" if evidence else ""
    watching.watch(table + more, tables=SLACK)


def told(watching: WatchedHost) -> str:
    """Return the first alert as it is shown: the message, and the first reply with evidence."""

    def shown() -> str | None:
        bodies = [request["body"] for request in watching.requests()]
        text = "\n".join(block["text"]["text"] for body in bodies for block in body["blocks"])
        return text if "```" in text else None

    return wait_for(shown, 20.0, "evidence in the thread") or ""


def evidence(watching: WatchedHost) -> str:
    """Return what `incidents ID` shows of the newest incident."""
    [newest, *_] = json.loads(watching.command("incidents", "--json"))["incidents"]
    return watching.command("incidents", newest["id"]).partition("evidence:\n")[2]


def grant(watching: WatchedHost, lines: str) -> None:
    """End the incident, and have the daemon run with *lines* in its unit from then on."""
    watching.heal()
    watching.messages(2)
    watching.stop_daemon()
    watching.daemon_option(lines)
    watching.host.start_daemon()


def test_what_a_command_said_of_a_hung_process_was_asked_before_the_restart(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watch(watching, 'commands = [["grep", "State", "/proc/{main_pid}/status"]]')
    before, pid = watching.run_id(), watching.host.unit(UNIT, "MainPID")["MainPID"]
    watching.host.kill(UNIT, signal.SIGSTOP)
    alert = told(watching)
    assert "== $ grep State /proc/{main_pid}/status ==\nState: T (stopped)" in alert
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before, 40)
    shown = evidence(watching)
    assert f"process {pid} " in shown
    assert "stopped, RSS" in shown
    assert "== port 8000 ==" in shown
    assert "== host ==" in shown
    assert "load " in shown


def test_a_failing_answer_is_shown_with_who_gave_it(watching: WatchedHost) -> None:
    watching.start_sample()
    watch(watching)
    watching.behave(status="503", body='{"status": "broken"}')
    alert = told(watching)
    assert "== answer of /health ==\nstatus 503 Service Unavailable" in alert
    assert "content-type: application/json" in alert
    watching.behave(status=None, body=None)
    watching.wait_for_phase("healthy")


def test_a_command_that_hangs_does_not_delay_the_restart_beyond_two_seconds(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watch(watching, 'commands = [["sleep", "4711"], ["echo", "quick"]]')
    before = watching.run_id()
    watching.behave(hang="")
    watching.wait_for(lambda now: now["run"] != before, 40)
    watching.behave(hang=None)
    watching.wait_for_phase("healthy")
    decided = next(note["wall"] for note in watching.notes() if note["kind"] == "restart")
    stopping = next(
        entry for entry in watching.host.journal(UNIT, grep="Stopping") if entry.time > decided
    )
    assert 1.4 < stopping.time - decided < 2.5
    shown = evidence(watching)
    assert "did not end within 1.5 s; killed" in shown
    assert "quick" in shown
    assert watching.host.run("pgrep", "-f", "sleep 4711", check=False).returncode == 1


def test_a_command_does_not_inherit_the_daemons_protection_from_the_kernel(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    waiting = "until grep -qx 500 /proc/$$/oom_score_adj; do :; done; echo goes first"
    watch(watching, f"commands = [['sh', '-c', '{waiting}']]".replace("'", '"'))
    watching.behave(status="503")
    alert = told(watching)
    assert "goes first" in alert.replace(waiting, "")
    watching.behave(status=None)
    watching.wait_for_phase("healthy")


def test_a_dead_process_is_restarted_without_waiting_for_evidence(watching: WatchedHost) -> None:
    watching.start_sample()
    watch(watching, 'commands = [["sleep", "4711"]]')
    before = watching.run_id()
    killed = watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before)
    starting = watching.host.journal(UNIT, grep="Starting")[-1]
    assert starting.monotonic - killed < 0.5


def test_an_oom_kill_is_said_in_words(watching: WatchedHost) -> None:
    watching.start_sample()
    watch(watching, more="max_failures = 1\n")
    # What systemd-oomd does: it counts on the cgroup, and kills. systemd says "oom-kill" of it.
    cgroup = watching.host.unit(UNIT, "ControlGroup")["ControlGroup"]
    mark = f"import os; os.setxattr('/sys/fs/cgroup{cgroup}', 'user.oomd_ooms', b'1')"
    watching.host.run("python3", "-c", mark)
    watching.host.kill(UNIT)
    assert "langchain-api.service killed by SIGKILL, out of memory" in told(watching)
    assert watching.host.journal(UNIT, grep="oom-kill")


def test_a_secret_that_the_service_prints_reaches_neither_slack_nor_store_nor_log(
    watching: WatchedHost,
) -> None:
    watching.start_sample(more=LEAKY)
    watch(
        watching,
        'logs = ["/var/log/leaky.log"], commands = [["cat", "/var/log/leaky.log"]]',
    )
    watching.host.write("/var/log/leaky.log", f"token={CANARY}\nordinary\n")
    watching.behave(status="500", body=f'{{"error": "login", "password": "{CANARY}"}}')
    alert = told(watching)
    assert "ordinary" in alert
    watching.behave(status=None, body=None)
    watching.wait_for_phase("healthy")
    watching.messages(2)
    assert "[redacted]" in evidence(watching)
    assert any(CANARY in entry.message for entry in watching.host.journal(UNIT))
    for place in (
        json.dumps(watching.requests()),
        watching.command("incidents", "--json"),
        evidence(watching),
        watching.host.sh(STORED).stdout,
        watching.host.journal_text(DAEMON, lines=10_000),
        watching.command("status", API, "--json"),
    ):
        assert place
        assert CANARY not in place


def test_a_log_of_a_group_is_read_once_the_daemon_is_in_it(watching: WatchedHost) -> None:
    log = "/var/log/nginx/error.log"
    watching.host.run("mkdir", "-p", "/var/log/nginx")
    watching.host.write(log, "upstream timed out\n", mode=0o640, owner="root:adm")
    watching.start_sample()
    watch(watching, f'logs = ["{log}"]', more="max_failures = 1\n")
    watching.fail()
    watching.messages(1)
    assert f"cannot read {log}: not permitted" in evidence(watching)
    grant(watching, "SupplementaryGroups=adm")
    watching.fail()
    watching.messages(3)
    assert "upstream timed out" in evidence(watching)


def test_what_ptrace_guards_is_seen_once_the_daemon_has_the_capability(
    watching: WatchedHost,
) -> None:
    watching.start_sample()
    watch(
        watching, 'commands = [["head", "-n1", "/proc/{main_pid}/maps"]]', more="max_failures = 1\n"
    )
    watching.fail()
    watching.messages(1)
    shown = evidence(watching)
    assert "maps' for reading: Permission denied" in shown
    grant(
        watching,
        "PrivateUsers=no\n"
        "CapabilityBoundingSet=CAP_SYS_PTRACE\n"
        "AmbientCapabilities=CAP_SYS_PTRACE\n"
        "SystemCallFilter=ptrace",
    )
    watching.fail()
    watching.messages(3)
    assert "Permission denied" not in evidence(watching)
    shown = evidence(watching)
    assert re.search(r"\n +[0-9a-f]+-[0-9a-f]+ r--p ", shown), shown


HELPER = (
    "import socket as s; c = s.socket(s.AF_UNIX); c.connect('/run/stacks.sock'); "
    "print(c.makefile().read())"
)


def test_what_ptrace_guards_may_be_asked_of_a_helper_that_can_do_nothing_else(
    watching: WatchedHost,
) -> None:
    watching.host.write_unit(
        "stacks.socket",
        "[Socket]\nListenStream=/run/stacks.sock\nAccept=yes\n"
        "SocketGroup=service-watchdog\nSocketMode=0660\n",
    )
    watching.host.write_unit(
        "stacks@.service",
        "[Service]\n"
        "ExecStart=/bin/sh -c 'exec head -n1"
        f" /proc/$(systemctl show --property=MainPID --value {UNIT})/maps'\n"
        "StandardInput=socket\nStandardOutput=socket\n"
        "CapabilityBoundingSet=CAP_SYS_PTRACE\nNoNewPrivileges=yes\nProtectSystem=strict\n",
    )
    watching.host.systemctl("start", "stacks.socket")
    watching.start_sample()
    watch(watching, f'commands = [["python3", "-c", "{HELPER}"]]', more="max_failures = 1\n")
    watching.fail()
    watching.messages(1)
    shown = evidence(watching)
    assert re.search(r"\n +[0-9a-f]+-[0-9a-f]+ r--p ", shown), shown
