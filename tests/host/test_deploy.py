"""Deploys on a real host: under load, of a broken version, cut short, and without a daemon."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.host.host import wait_for
from tests.host.installed import CONFIG, DAEMON, InstalledHost
from tests.host.watched_host import API, PORT, SLACK, UNIT, WatchedHost

GO = "/run/go"
STATUS = "/run/sample/sample/status"
BREAK = f'["sh", "-c", "echo fetching; mkdir -p {Path(STATUS).parent}; echo 500 > {STATUS}"]'
MEND = f'["rm", "-f", "{STATUS}"]'
NGINX = f"""
server {{
    listen 80 default_server;
    location / {{ proxy_pass http://127.0.0.1:{PORT}; }}
}}
"""
STARTS_AT_ONCE = 'start_timeout = "200ms"\n'  # what fails after that is tried, not waited for
# Deploys on a terminal that goes away, with SIGHUP, at the first step that waits.
DROPPED = f"""
import os, pathlib, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("service-watchdog", ["service-watchdog", "deploy", *sys.argv[1:]])
said = b""
while b"until" not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
pathlib.Path("{GO}").touch()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
PROXIED = 'proxied = { url = "http://127.0.0.1/health", timeout = "2s" }\n'


DROP_IN = f"/run/systemd/system/{UNIT}.d/version.conf"
WAIT = f'before = [["sh", "-c", "until [ -e {GO} ]; do sleep 0.05; done"]]'
HEAL = f"""
systemctl stop {DAEMON} {UNIT} slack.service steady_load.service squatter.service
rm -rf /var/lib/service-watchdog/* {STATUS} {GO} /tmp/begun /etc/nginx/conf.d/api.conf
rm -f {DROP_IN}; systemctl daemon-reload; systemctl reset-failed
systemctl start slack.service {UNIT}
"""


@pytest.fixture(scope="module")
def lasting(lasting_host: InstalledHost) -> WatchedHost:
    watching = WatchedHost(lasting_host)
    watching.start_slack()
    watching.start_sample()
    lasting_host.run("rm", "-f", "/etc/nginx/sites-enabled/default")
    return watching


@pytest.fixture
def watching(lasting: WatchedHost) -> Iterator[WatchedHost]:
    yield lasting
    lasting.host.sh(HEAL, check=False)


def deployed(watching: WatchedHost, *options: str, code: int = 0) -> dict[str, Any]:
    """Deploy the sample service and return what is told of that."""
    told = watching.command("deploy", API, "--json", *options, code=code)
    service: dict[str, Any] = json.loads(told)["services"][0]
    return service


def steps(told: dict[str, Any], part: str = "steps") -> list[str]:
    return [f"{step['step']}{'' if step['good'] else ' failed'}" for step in told[part]]


@contextmanager
def under_way(watching: WatchedHost) -> Iterator[subprocess.Popen[str]]:
    """Begin a deploy, and yield it once it holds the lease."""
    with watching.host.popen("service-watchdog", "deploy", API) as deploy:
        try:
            watching.wait_for(lambda status: (status["maintenance"] or {}).get("deploy") is True)
            yield deploy
        finally:
            if deploy.poll() is None:
                send(watching, signal.SIGKILL)


def send(watching: WatchedHost, number: signal.Signals) -> None:
    """Send a signal to the deploy that is under way."""
    command = "bin/service-watchdog deploy"  # on the host there are no processes but its own
    pid = watching.host.run("pgrep", "--oldest", "--full", command).stdout.strip()
    watching.host.run("kill", f"-{number.name}", pid)


def test_a_deploy_under_load_causes_no_alert_and_no_restart_but_its_own(
    watching: WatchedHost,
) -> None:
    watching.host.write("/etc/nginx/conf.d/api.conf", NGINX)
    watching.host.systemctl("restart", "nginx.service")
    slow = '[service.deploy]\nbefore = [["sleep", "1"]]\nafter = [["echo", "done"]]\n'
    watching.watch(PROXIED + slow, tables=SLACK)
    watching.host.start_peer("steady_load", "--url", "http://127.0.0.1/health")
    before = watching.run_id()
    told = deployed(watching)
    assert told["outcome"] == "deployed"
    assert steps(told) == [
        *("lease", "before", "restart", "unit", "port", "health"),
        *("nginx-test", "nginx-reload", "proxied", "after", "proof", "release"),
    ]
    assert watching.run_id() != before
    kinds = watching.kinds()
    assert kinds[-2:] == ["leased", "released"]
    assert not {"restart", "failed", "opened", "crashed"} & set(kinds)
    assert watching.status()["phase"] == "healthy"
    assert watching.messages() == []

    def answered() -> bool:
        counts = json.loads(watching.host.read("/run/load.json"))
        return int(counts.get("200", 0)) > 100

    wait_for(answered, what="answers under load")


def test_an_nginx_that_leads_elsewhere_is_found_after_its_reload(watching: WatchedHost) -> None:
    watching.host.write("/etc/nginx/conf.d/api.conf", NGINX)
    watching.host.systemctl("restart", "nginx.service")
    watching.configure(PROXIED)
    watching.host.write("/etc/nginx/conf.d/api.conf", NGINX.replace(str(PORT), "8001"))
    told = deployed(watching, code=1)
    assert steps(told)[-1] == "proxied failed"
    assert "502" in told["steps"][-1]["text"]
    watching.host.write("/etc/nginx/conf.d/api.conf", "bogus;")
    told = deployed(watching, code=1)
    assert steps(told)[-1] == "nginx-test failed"
    assert 'unknown directive "bogus"' in told["steps"][-1]["text"]
    assert told["finding"]["fact"] == '/etc/nginx/conf.d/api.conf:1: unknown directive "bogus"'


def test_a_broken_version_is_stopped_explained_rolled_back_and_verified(
    watching: WatchedHost,
) -> None:
    commands = f"[service.deploy]\nbefore = [{BREAK}]\nrollback = [{MEND}]\n"
    watching.watch(STARTS_AT_ONCE + commands, tables=SLACK)
    told = deployed(watching, code=1)
    assert told["outcome"] == "rolled-back"
    assert steps(told) == ["lease", "before", "restart", "unit", "port", "health failed"]
    assert "/health answered 500" in told["steps"][-1]["text"]
    assert any("answered 500" in line or "500" in line for line in told["evidence"])
    assert steps(told, "rollback") == ["rollback", "restart", "unit", "port", "health", "proof"]
    watching.wait_for_phase("healthy")
    assert watching.messages() == []


def test_a_broken_version_without_a_way_back_is_left_to_the_daemon(watching: WatchedHost) -> None:
    commands = f"[service.deploy]\nbefore = [{BREAK}]\n"
    watching.watch(f"max_failures = 1\n{STARTS_AT_ONCE}{commands}", tables=SLACK)
    told = watching.command("deploy", API, code=1)
    assert f"{API}: health failed; nothing was rolled back" in told
    assert "    fetching" in told
    [alert] = watching.messages(1)
    assert "/health answered 500" in alert


SQUATTER = (
    f"systemd-run -u squatter python3 -m http.server {PORT};"
    f" until ss -ltn | grep -q :{PORT}; do sleep 0.05; done"
)
BROKEN = {
    "ExecStart=\nExecStart=/usr/bin/python3 -c 'import greetings'": "module greetings is not",
    "ExecStart=\nExecStart=/usr/bin/python3 -c '{}[\"MODEL\"]'": "KeyError: 'MODEL'",
    "EnvironmentFile=/srv/.env": "the environment file /srv/.env is not there",
    "ExecStart=\nExecStart=/srv/venv/bin/uvicorn": "/srv/venv",
    f"ExecStartPre=+sh -c '{SQUATTER}'": f"port {PORT} is held by python3",
}


@pytest.mark.parametrize(("line", "fact"), BROKEN.items())
def test_a_version_that_does_not_start_is_told_with_its_cause_and_with_what_mends_it(
    watching: WatchedHost, line: str, fact: str
) -> None:
    watching.host.write("/run/version.conf", f"[Service]\n{line}\n")
    install = f'["install", "-D", "/run/version.conf", "{DROP_IN}"], ["systemctl", "daemon-reload"]'
    watching.configure(f"[service.deploy]\nbefore = [{install}]\n")
    told = watching.command("deploy", API, code=1)
    [found] = [text for text in told.splitlines() if text.startswith("  finding: ")]
    assert fact in found
    assert "  to fix:  " in told


def test_a_killed_deploy_ends_its_lease_and_the_watch_goes_on(watching: WatchedHost) -> None:
    hang = 'before = [["sleep", "600"]]'
    watching.watch(f"max_failures = 1\n[service.deploy]\n{hang}\n", tables=SLACK)
    with under_way(watching) as deploy:
        watching.behave(status="500")
        watching.command("check", API, code=None)
        assert watching.messages() == []
        run = watching.run_id()
        send(watching, signal.SIGKILL)
        deploy.wait(10)
        [alert] = watching.messages(1)
        assert "/health answered 500" in alert
        wait_for(lambda: watching.run_id() != run, what="a restart by the daemon")
        released = [note for note in watching.notes() if note["kind"] == "released"]
        assert [note["text"].partition(": ")[2] for note in released] == ["its command is gone"]


def test_a_lease_survives_the_daemon_being_killed(watching: WatchedHost) -> None:
    watching.watch(f"[service.deploy]\n{WAIT}\n", tables=SLACK)
    with under_way(watching) as deploy:
        watching.behave(status="500")
        watching.kill_daemon()
        status = watching.wait_for(lambda status: bool(status["maintenance"]))
        wait_for(lambda: watching.status()["maintenance"]["ends_in"] > 60, what="the lease again")
        watching.behave(status=None)
        watching.host.write(GO, "")
        assert deploy.wait(20) == 0
        assert status["maintenance"]["deploy"] is True
        assert watching.status()["phase"] == "healthy"
        assert watching.messages() == []


def test_a_lease_that_nobody_holds_any_more_ends_soon_after_the_daemon_is_back(
    watching: WatchedHost,
) -> None:
    watching.watch('[service.deploy]\nbefore = [["sleep", "600"]]\n', tables=SLACK)
    with under_way(watching) as deploy:
        watching.behave(status="500")
        watching.host.systemctl("kill", "--signal=STOP", DAEMON)
        send(watching, signal.SIGKILL)
        deploy.wait(10)
        watching.kill_daemon()
        assert watching.status()["maintenance"]["ends_in"] <= 10
        watching.wait_for(lambda status: status["maintenance"] is None, timeout=15)
        watching.messages(1)


def test_a_second_deploy_is_refused_and_names_the_first(watching: WatchedHost) -> None:
    watching.watch('[service.deploy]\nbefore = [["sleep", "600"]]\n')
    with under_way(watching) as deploy:
        run = watching.run_id()
        refused = watching.command("deploy", API, code=4)
        assert f"cannot deploy {API}: a deploy by root is under way" in refused
        assert f"cannot restart {API}: a deploy by root is under way" in watching.command(
            "restart", API, code=4
        )
        assert "cannot resume" in watching.command("resume", API, code=4)
        assert watching.run_id() == run
        send(watching, signal.SIGINT)
        deploy.wait(10)


def test_a_persons_maintenance_is_what_it_was_after_a_deploy(watching: WatchedHost) -> None:
    watching.watch()
    watching.command("pause", API, "--for", "10m", "--reason", "new disk")
    assert deployed(watching)["outcome"] == "deployed"
    held = watching.status()["maintenance"]
    assert (held["owner"], held["reason"], "deploy" in held) == ("root", "new disk", False)


def test_ctrl_c_ends_the_command_its_group_and_the_lease(watching: WatchedHost) -> None:
    watching.watch('[service.deploy]\nbefore = [["sh", "-c", "sleep 4711 & wait"]]\n')
    with under_way(watching) as deploy:
        wait_for(
            lambda: watching.host.run("pgrep", "--full", "^sleep 4711", check=False).returncode == 0
        )
        send(watching, signal.SIGINT)
        out, _ = deploy.communicate(timeout=10)
        assert deploy.returncode == 130
        assert f"{API}: interrupted at before" in out
        assert "not restarted" in out
        assert watching.host.run("pgrep", "--full", "^sleep 4711", check=False).returncode == 1
        watching.wait_for_phase("healthy")


def test_a_connection_that_drops_does_not_stop_a_deploy_half_way(watching: WatchedHost) -> None:
    watching.watch(f"[service.deploy]\n{WAIT}\n")
    watching.host.write("/run/dropped.py", DROPPED)
    dropped = watching.host.run("python3", "/run/dropped.py", API, timeout=60)
    assert dropped.stdout == "0\n"
    assert watching.kinds()[-1] == "released"
    assert watching.notes()[-1]["text"] == "deploy by root over: done, health is proven"


def test_without_a_daemon_the_steps_are_the_same(watching: WatchedHost) -> None:
    watching.configure()
    before = watching.run_id()
    told = deployed(watching)
    assert told["outcome"] == "deployed"
    assert steps(told) == ["lease", "restart", "unit", "port", "health", "proof", "release"]
    assert "the daemon does not run" in told["said"][0]
    assert watching.run_id() != before


def test_a_plan_is_printed_and_nothing_is_done(watching: WatchedHost) -> None:
    watching.configure(f"[service.deploy]\nbefore = [{BREAK}]\nrollback = [{MEND}]\n")
    before = watching.run_id()
    told = watching.command("deploy", API, "--dry-run")
    assert f" 3. restart       {UNIT}" in told
    assert watching.run_id() == before


def test_who_may_not_restart_is_told_before_anything_is_done(watching: WatchedHost) -> None:
    watching.configure('[service.deploy]\nbefore = [["touch", "/tmp/begun"]]\n')
    watching.host.write("/tmp/config.toml", watching.host.read(CONFIG))
    command = ("service-watchdog", "deploy", API, "--config", "/tmp/config.toml")
    done = watching.host.run(*command, user="nobody", check=False)
    assert done.returncode == 3
    assert f"cannot deploy {API}: systemd does not let you restart it" in done.stderr
    assert not watching.host.exists("/tmp/begun")


# --- verify ---------------------------------------------------------------------------------------


def test_verify_is_over_within_a_second_of_readiness(watching: WatchedHost) -> None:
    watching.configure()
    watching.behave(status="503")
    with watching.host.popen("service-watchdog", "verify", API, "--timeout", "60s") as verify:
        assert verify.stdout is not None
        assert "waiting for http" in verify.stdout.readline()
        watching.behave(status=None)
        ready = time.monotonic()
        assert verify.wait(10) == 0
        assert time.monotonic() - ready < 1.0


def test_verify_waits_for_a_unit_that_is_only_just_started(watching: WatchedHost) -> None:
    watching.configure()
    watching.host.systemctl("stop", UNIT)
    with watching.host.popen("service-watchdog", "verify", "--timeout", "60s") as verify:
        assert verify.stdout is not None
        assert "waiting for unit" in verify.stdout.readline()
        watching.host.systemctl("start", UNIT)
        ready = time.monotonic()
        assert verify.wait(10) == 0
        assert time.monotonic() - ready < 1.0


def test_verify_says_what_is_not_up_at_the_deadline(watching: WatchedHost) -> None:
    watching.configure()
    watching.behave(status="500")
    told = watching.command("verify", API, "--timeout", "1s", code=1)
    assert f"{API}: not up after" in told
    assert "/health answered 500" in told
