"""The commands of the documentation, run on a host as they stand there.

Every line of a block in sh is run, in the order of the pages, and must end with 0, or with what a
comment says: ``# exit 4``. What installs, removes, or runs in a checkout has tests of its own.
"""

from __future__ import annotations

import re

import pytest

from tests.host.installed import InstalledHost
from tests.host.peers.slack import SlackServer
from tests.host.watched_host import PORT, SLACK_PORT, SMTP_PORT, UNIT, WatchedHost
from tests.markdown import ROOT, blocks, command_lines, words_of

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

ELSEWHERE = ("scripts/", "systemd/", ".ci/", "apt", "pip")
EXIT_CODE = re.compile(r"# exit (\d+)$")

CONFIG = f"""
[[service]]
unit   = "{UNIT}"
port   = {PORT}
health = "http://127.0.0.1:{PORT}/health"

[slack]
token   = {{ credential = "slack-token" }}
channel = "#ops"
api_url = "http://127.0.0.1:{SLACK_PORT}/api/"

[[email]]
to   = ["root@localhost"]
from = "watchdog@localhost"
host = "127.0.0.1"
port = {SMTP_PORT}
tls  = "none"
"""


def commands() -> list[tuple[str, int]]:
    """Return each command and the exit code that it must have."""
    found = []
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in command_lines(block):
                if not words_of(line)[0].startswith(ELSEWHERE):
                    code = EXIT_CODE.search(line)
                    found.append((line, int(code[1]) if code else 0))
    return found


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    """A host as the pages assume it: a service, Slack, a mail server, and the daemon on them."""
    watching = WatchedHost(installed_host)
    installed_host.write("/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n', mode=0o755)
    installed_host.write("/etc/service-watchdog/credentials/slack-token", SlackServer.TOKEN)
    watching.start_slack()
    watching.start_mail()
    watching.start_sample()
    installed_host.configure(CONFIG)
    installed_host.start_daemon()
    return watching


@pytest.mark.timeout(240)  # there are many
def test_every_command_of_the_documentation_does_what_it_says(watching: WatchedHost) -> None:
    secrets = {"slack-token": SlackServer.TOKEN, "mail-password": "correct horse"}
    ran = set()
    for command, code in commands():
        typed = next((text for name, text in secrets.items() if command.rfind(name) > 0), "")
        done = watching.host.run("bash", "-c", command, input=f"{typed}\n", check=False)
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        ran.add(words_of(command)[1])
    assert {"status", "check", "restart", "pause", "resume", "test-alert", "incidents"} <= ran
    assert {text.partition(" ")[0] for text in watching.messages()} == {"TEST"}  # nobody was paged
    the_hook_of_certbot_puts_a_certificate_where_it_can_be_read(watching.host)


def the_hook_of_certbot_puts_a_certificate_where_it_can_be_read(host: InstalledHost) -> None:
    text = (ROOT / "docs/how-to/web.md").read_text(encoding="utf-8")
    hook = text[text.index("#!/bin/sh") :].partition("```")[0]
    live = "/etc/letsencrypt/live"
    host.write("/root/hook", hook, mode=0o755)
    for name in ("privkey", "fullchain"):
        host.write(f"{live}/status.example.com/{name}.pem", name, mode=0o600)
    host.run("env", f"RENEWED_LINEAGE={live}/other.example.com", "/root/hook")
    assert not host.exists("/etc/service-watchdog/web.key")
    host.run("env", f"RENEWED_LINEAGE={live}/status.example.com", "/root/hook")
    for name, there in (("key", "privkey"), ("pem", "fullchain")):
        path = f"/etc/service-watchdog/web.{name}"
        assert host.run("cat", path, user="service-watchdog").stdout == there
