"""No secret is anywhere but where it was put, after a busy life that ends badly.

Each secret is a canary of its own, so that a failure names the one that got out.
"""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.host.installed import CONFIG, DAEMON, InstalledHost
from tests.host.standing import standing
from tests.host.watched_host import API, HEALTH, PORT, QUICK, SERVICE, SLACK_PORT, UNIT, WatchedHost

SIGN = "canary4711"
WEB_PORT, NOBODY = 9099, 9
CREDENTIALS = "/etc/service-watchdog/credentials"

TOKEN = f"xoxb-{SIGN}-slack"
HOOK = f"T00/B00/{SIGN}hook"
MAIL = f"{SIGN}-mail"
KEY = "whsec_" + base64.b64encode(f"{SIGN}-hmac-key-of-thirty-two".encode()).decode()
BEARER = f"Bearer {SIGN}-bearer"
LOGIN = f"{SIGN}-alertmanager"
BEAT = f"http://127.0.0.1:{NOBODY}/ping/{SIGN}-beat"
WEB = f"{SIGN}-web-token-of-somebody"
ASKED = f"{SIGN}-asked-of-health"
CHILDS = f"{SIGN}-for-the-child"
TYPO = f"{SIGN}-typed-wrongly"

ASKING = HEALTH.replace("{", f'{{ headers = {{ X-Api-Key = "{ASKED}" }},')
TABLES = f"""
[[service]]
name = "child"
command = ["/bin/sleep", "infinity"]
environment = {{ CHILD_TOKEN = "{CHILDS}" }}

[[slack]]
name    = "bot"
token   = {{ env = "SLACK_TOKEN" }}
channel = "#ops"
api_url = "http://127.0.0.1:{SLACK_PORT}/api/"

[[slack]]
name    = "hook"
webhook = "http://127.0.0.1:{SLACK_PORT}/services/{HOOK}"

[[slack]]
name    = "lost"
webhook = "http://127.0.0.1:{NOBODY}/services/{HOOK}"

[[email]]
name = "mail"
to   = ["ops@example.test"]
from = "watchdog@example.test"
host = "127.0.0.1"
port = 2525
tls  = "none"
username = "watchdog"
password = {{ credential = "mail" }}

[webhook]
url     = "http://127.0.0.1:{NOBODY}/{SIGN}-path"
secret  = {{ credential = "hmac" }}
headers = {{ Authorization = "{BEARER}" }}

[alertmanager]
urls     = ["http://127.0.0.1:{NOBODY}"]
username = "watchdog"
password = "{LOGIN}"

[heartbeat]
url = "{BEAT}"

[web]
token = {{ credential = "web" }}

[defaults]
max_failures  = 1
restart_after = {{ unit = 0, port = 0, http = 0 }}
{QUICK}
"""
# The configuration that was typed in haste, and what is wrong with it.
MISTYPED = {
    "no closing quotes": f'[slack]\ntoken = "{TYPO}\nchannel = "#ops"\n',
    "a list": f'[slack]\ntoken = ["{TYPO}"]\nchannel = "#ops"\n',
    "an unknown key": f'[web]\ntokn = "{TYPO}"\n',
    "too short": f'[web]\ntoken = "{TYPO[:12]}"\n',
    "not base64": f'[webhook]\nurl = "https://example.test/"\nsecret = "whsec_{TYPO}!"\n',
    "no address": f'[slack]\nwebhook = "hooks.slack.com/{TYPO}"\n',
}

WHERE_IT_BELONGS = {
    CONFIG,
    "/srv/environment",
    *(f"{CREDENTIALS}/{name}" for name in ("mail", "hmac", "web")),
    *(
        f"/run/credentials/{DAEMON}/credentials_{name}"  # of systemd, for the daemon alone
        for name in ("mail", "hmac", "web")
    ),
}


def forms() -> Iterator[str]:
    """Yield what every canary has in it, as it is and in base64 behind whatever stands before."""
    yield SIGN
    for shift, start in enumerate((0, 2, 3)):
        padded = bytes(shift) + SIGN.encode()
        yield base64.b64encode(padded)[start : len(padded) * 8 // 6].decode()


@pytest.fixture(scope="module")
def watching(lasting_host: InstalledHost) -> WatchedHost:
    """A daemon with a secret of every kind, whose every delivery has failed."""
    watching = WatchedHost(lasting_host)
    host = watching.host
    watching.start_slack()
    watching.start_mail("--login", "somebody:else")
    echoes = f"ExecStartPost=/bin/echo 'using {TOKEN} and {WEB}'"
    host.start_peer("sample", "--port", str(PORT), unit=UNIT, more=echoes)
    host.sh(
        f"install -m 600 /dev/null /srv/environment; echo SLACK_TOKEN={TOKEN} >/srv/environment"
    )
    for name, secret in (("mail", MAIL), ("hmac", KEY), ("web", WEB)):
        host.write(f"{CREDENTIALS}/{name}", secret, mode=0o600)
    watching.daemon_option("EnvironmentFile=/srv/environment")
    host.configure(SERVICE + ASKING + TABLES)
    host.start_daemon()
    watching.fail()
    host.wait_for(lambda: all(channel["last_error"] for channel in channels(watching)))
    assert len(channels(watching)) == 6
    return watching


def channels(watching: WatchedHost) -> Sequence[dict[str, Any]]:
    found: Sequence[dict[str, Any]] = watching.overview()["channels"]
    return found


def leaks(told: Mapping[str, str]) -> list[str]:
    """Return where a canary is, in what is *told*."""
    assert all(told.values()), [where for where, text in told.items() if not text]
    return [where for where, text in told.items() if any(form in text for form in forms())]


def test_nothing_that_people_read_shows_one(watching: WatchedHost) -> None:
    host = watching.host
    [incident, *_] = json.loads(watching.command("incidents", "--json"))["incidents"]
    commands = (
        *(("status",), ("status", "--json"), ("config", "show"), ("config", "show", "--json")),
        *(("config", "check"), ("incidents",), ("incidents", incident["id"]), ("report",)),
        *(("history", API), ("test-alert",)),
    )
    root = f"http://127.0.0.1:{WEB_PORT}"
    pages = ("/", "/metrics", "/api/v1/status", f"/api/v1/incidents/{incident['id']}")
    with standing(host) as loaded:
        ran = {" ".join(command): loaded.run(*command) for command in commands}
    told = {command: done.stdout + done.stderr for command, done in ran.items()}
    told |= {page: str(host.http(root + page).body) for page in pages}
    told["systemctl status"] = host.systemctl("status", DAEMON, check=False).stdout
    told["systemctl show"] = host.systemctl("show", DAEMON).stdout
    assert leaks(told) == []


def test_no_process_shows_one_in_its_command_or_hands_it_to_its_children(
    watching: WatchedHost,
) -> None:
    host = watching.host
    [daemon] = [host.unit(DAEMON, "MainPID")["MainPID"]]
    commands = host.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    assert leaks({"command lines": commands}) == []
    having = host.sh(f"grep -lz {SIGN} /proc/[0-9]*/environ 2>/dev/null; true").stdout.split()
    [child] = [path for path in having if path != f"/proc/{daemon}/environ"]
    assert host.sh(f"grep -z {SIGN} {child}").stdout == f"CHILD_TOKEN={CHILDS}\0"


def test_a_mistake_in_the_configuration_is_told_without_what_was_mistaken(
    watching: WatchedHost,
) -> None:
    host = watching.host
    before = host.read(CONFIG)
    told = {}
    with standing(host) as loaded:
        for mistake, tables in MISTYPED.items():
            host.configure(SERVICE + tables)
            told[mistake] = loaded.run("config", "check").stderr
    host.systemctl("reload", DAEMON, check=False)
    told["status"] = host.systemctl("status", DAEMON, check=False).stdout
    host.configure(before)
    host.systemctl("reload", DAEMON)
    assert "cannot reload" in told["status"]
    assert leaks(told) == []


def test_a_crash_leaves_none_in_the_journal_in_a_core_or_in_any_file(
    watching: WatchedHost,
) -> None:
    host = watching.host
    process = Path(f"/proc/{host.outer_pid(int(host.unit(DAEMON, 'MainPID')['MainPID']))}")
    assert int(process.joinpath("coredump_filter").read_text(), 16) == 0
    assert "Max core file size        0" in process.joinpath("limits").read_text()
    host.kill(DAEMON, signal.SIGABRT)  # with the stack in the journal
    host.wait_for(lambda: "Fatal Python error" in host.journal_text(DAEMON))
    host.wait_for(lambda: host.unit(DAEMON, "ActiveState")["ActiveState"] == "active", 20)
    # What the service itself has said there, with two of ours in it, is kept out of alerts alone.
    its_own = f'"_SYSTEMD_UNIT":"{UNIT}"'
    journal = host.sh("journalctl --all --output=json").stdout.splitlines()
    assert any(its_own in line and SIGN in line for line in journal)
    assert leaks({"journal": "\n".join(line for line in journal if its_own not in line)}) == []
    anywhere = "|".join(forms())
    found = host.sh(
        f"grep -rlaE '{anywhere}' / --exclude-dir=proc --exclude-dir=sys --exclude-dir=src"
        " --exclude-dir=peers --exclude-dir=journal 2>/dev/null; true"
    ).stdout.splitlines()
    assert {*found} - {f"/etc/systemd/system/{UNIT}"} == WHERE_IT_BELONGS


def test_who_may_read_where_they_belong(watching: WatchedHost) -> None:
    modes = watching.host.sh(
        f"stat --format='%a %U:%G %n' {CONFIG} {CREDENTIALS} /etc/service-watchdog"
        " /var/lib/service-watchdog /var/lib/service-watchdog/state.db /run/service-watchdog"
    ).stdout.splitlines()
    ours = "service-watchdog:service-watchdog"
    assert modes == [
        f"640 root:service-watchdog {CONFIG}",
        f"700 root:root {CREDENTIALS}",
        "750 root:service-watchdog /etc/service-watchdog",
        f"750 {ours} /var/lib/service-watchdog",
        f"600 {ours} /var/lib/service-watchdog/state.db",
        f"750 {ours} /run/service-watchdog",
    ]
