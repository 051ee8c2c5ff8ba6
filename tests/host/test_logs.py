"""``logs`` on a host: the journal, a file and nginx's logs of a real service, as one."""

from __future__ import annotations

import json

import pytest

from tests.host.host import wait_for
from tests.host.installed import InstalledHost
from tests.host.running import ended
from tests.host.watched_host import API, HEALTH, PORT, UNIT, WatchedHost

SITE = f"""
server {{
    listen 80;
    server_name api.example.com;
    access_log /var/log/nginx/api.access.log;
    error_log /var/log/nginx/api.error.log;
    location / {{ proxy_pass http://127.0.0.1:{PORT}; }}
}}
"""
MORE = """
proxied = "http://127.0.0.1/health"
[service.evidence]
logs = ["/var/log/langchain/app.log"]
"""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    """A service behind nginx, watched, that says something in each of its logs."""
    host = installed_host
    watching = WatchedHost(host)
    host.write("/etc/nginx/sites-enabled/default", SITE)
    watching.start_sample()
    host.systemctl("restart", "nginx.service")
    host.run("mkdir", "-p", "/var/log/langchain")
    watching.configure(MORE, health=HEALTH)
    host.start_daemon()
    return watching


def say(watching: WatchedHost, text: str) -> None:
    """Have the application log *text*."""
    line = f"echo \"$(date '+%Y-%m-%d %H:%M:%S,%3N') ERROR {text}\" >> /var/log/langchain/app.log"
    watching.host.run("bash", "-c", line)


def test_everything_that_was_written_of_a_service_is_one_log(watching: WatchedHost) -> None:
    host = watching.host
    say(watching, "in its own log, password=hunter2hunter2")
    host.systemctl("stop", UNIT)
    host.http("http://127.0.0.1/health?token=abcdefghijklmnop")
    told = host.run("service-watchdog", "logs", API, "--since", "1m").stdout
    lines = told.splitlines()
    sources = {line[24:].partition(" |")[0].strip() for line in lines}
    assert sources == {"journal", "app.log", "nginx api.access.log", "nginx api.error.log"}
    stamps = [line[:19] for line in lines]
    assert stamps == sorted(stamps)
    assert f"systemd: Stopped {UNIT}" in told
    assert "connect() failed (111: Connection refused)" in told
    assert "password=[redacted]" in told
    assert "abcdefghijklmnop" not in told
    last = host.run("service-watchdog", "logs", API, "-n", "1", "--json").stdout
    assert json.loads(last)["source"] in sources


def test_what_happens_is_followed(watching: WatchedHost) -> None:
    host = watching.host
    host.http("http://127.0.0.1/health")
    with ended(host.popen("service-watchdog", "logs", API, "-f")) as following:
        assert following.stdout is not None
        while "GET /health" not in (line := following.stdout.readline()):
            assert line
        host.run("sh", "-c", f"kill -KILL $(systemctl show -P MainPID {UNIT})")
        while "Main process exited" not in (line := following.stdout.readline()):
            assert line
        say(watching, "later")
        while "ERROR later" not in (line := following.stdout.readline()):
            assert line


def test_the_last_lines_of_a_time_are_its_last(watching: WatchedHost) -> None:
    host = watching.host
    for text in ("one", "two", "three", "four"):
        fields = f"MESSAGE={text}\nPRIORITY=6\nOBJECT_SYSTEMD_UNIT={UNIT}\n"
        host.run("logger", "--journald", input=fields)
    host.run("journalctl", "--sync")
    entries = host.run("journalctl", "--unit", UNIT, "--output=json").stdout.splitlines()
    [three] = [each for each in map(json.loads, entries) if each["MESSAGE"] == "three"]
    until = int(three["__REALTIME_TIMESTAMP"]) / 1e6

    def last_words(*options: str) -> list[str]:
        told = host.run("service-watchdog", "logs", API, "-n", "2", *options).stdout
        return [line.split()[-1] for line in told.splitlines() if "journal" in line]

    assert last_words("--since", "1h") == ["three", "four"]
    assert last_words("--until", f"@{until:.6f}") == ["two", "three"]
    assert last_words("--since", "1h", "--until", f"@{until:.6f}") == ["two", "three"]


def test_an_incident_is_told_with_its_logs_while_the_daemon_is_down(
    watching: WatchedHost,
) -> None:
    host = watching.host
    say(watching, "the cause")
    watching.behave(status="500")
    watching.wait_for(lambda status: status["incident"] is not None)
    watching.heal()
    [incident] = json.loads(watching.command("incidents", "--json"))["incidents"]
    watching.stop_daemon()
    told = host.run("service-watchdog", "logs", "--incident", incident["id"]).stdout
    order = ["ERROR the cause", "| failed: http: ", "| opened: ", f"Stopped {UNIT}", "| closed: "]
    places = [told.find(each) for each in order]
    assert -1 not in places, told
    assert places == sorted(places), told


def test_what_may_not_be_read_is_said_once_with_what_helps(watching: WatchedHost) -> None:
    host = watching.host
    host.run("chmod", "644", "/etc/service-watchdog/config.toml")
    host.run("chmod", "755", "/etc/service-watchdog")
    user = ("setpriv", "--reuid=nobody", "--clear-groups")
    done = host.run(*user, "service-watchdog", "logs", API)
    complaints = done.stderr.splitlines()
    assert sum("cannot read all of the journal: no permission" in each for each in complaints) == 1
    assert "sudo usermod -aG systemd-journal $USER" in done.stderr
    assert "sudo usermod -aG adm $USER" in done.stderr
    assert len(complaints) == len(set(complaints))


def test_a_user_with_a_journal_of_their_own_is_told_that_it_is_not_all(
    watching: WatchedHost,
) -> None:
    host = watching.host
    host.run("chmod", "644", "/etc/service-watchdog/config.toml")
    host.run("chmod", "755", "/etc/service-watchdog")
    # As journald makes it for a user who is logged in, and who may read nothing else.
    [machine] = host.run("cat", "/etc/machine-id").stdout.split()
    own = f"/var/log/journal/{machine}/user-65534.journal"
    host.run("cp", f"/var/log/journal/{machine}/system.journal", own)
    host.run("chown", "nobody", own)
    host.run("chmod", "640", own)
    user = ("setpriv", "--reuid=nobody", "--clear-groups")
    done = host.run(*user, "service-watchdog", "logs", API)
    assert "cannot read all of the journal: no permission" in done.stderr
    assert "journal" not in host.run("service-watchdog", "logs", API).stderr


def test_a_command_that_is_killed_leaves_no_journalctl_behind(watching: WatchedHost) -> None:
    host = watching.host

    def names() -> str:
        return host.run("ps", "-e", "-o", "comm=").stdout

    with ended(host.popen("service-watchdog", "logs", API, "-f")) as following:
        assert following.stdout is not None
        assert following.stdout.readline()
        wait_for(lambda: "journalctl" in names(), what="a journalctl that follows")
        host.run("pkill", "-KILL", "-f", "service-watchdog logs")
        wait_for(lambda: "journalctl" not in names(), what="its end")
