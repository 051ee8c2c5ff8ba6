"""Warnings and limits on a real host: what fills, leaks or ends is told, or restarted, in time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.host.alertmanagers import Alertmanager
from tests.host.installed import DAEMON, InstalledHost
from tests.host.peers.certificate import self_signed
from tests.host.test_alertmanager import table
from tests.host.test_webhook import PORT as RECEIVER_PORT
from tests.host.test_webhook import WEBHOOK
from tests.host.watched_host import API, PORT, SLACK, UNIT, WatchedHost
from tests.unit.notify.receiver import receiving

# Eats what /run/eat names, once: the run that follows finds no such file.
HUNGRY = f"""
import http.server, os, threading
server = http.server.HTTPServer(("127.0.0.1", {PORT}), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    with open("/run/eat/what") as file:
        what = file.read()
    os.unlink("/run/eat/what")
except OSError:
    what = ""
if what == "memory":
    eaten = bytearray(os.urandom(1 << 20)) * 200
elif what == "open files":
    eaten = [os.dup(0) for _ in range(300)]
while what == "CPU":
    pass
threading.Event().wait()
"""

TLS = f"""
import http.server, ssl
server = http.server.HTTPServer(("127.0.0.1", {PORT}), http.server.SimpleHTTPRequestHandler)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("/run/tls/certificate.pem", "/run/tls/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""

HTTPS = f'health = {{ url = "https://127.0.0.1:{PORT}/", verify_tls = false, timeout = "1s" }}\n'
AT_ONCE = '\n[defaults.warnings]\nevery = "1s"\n'

LIMITS = """
[service.limits]
memory     = "150M"
cpu        = "10%"
open_files = 200
rounds     = 2
"""


@pytest.fixture
def watching(installed_host: InstalledHost) -> WatchedHost:
    return WatchedHost(installed_host)


def start(watching: WatchedHost, program: str) -> None:
    """Start *program* as the unit that is watched, as a user who is nobody to the daemon."""
    watching.host.write("/opt/watched.py", program)
    watching.host.write_unit(
        UNIT,
        "[Service]\nExecStart=/opt/peers/bin/python /opt/watched.py\n"
        "WorkingDirectory=/run/empty\nUser=nobody\n",
    )
    watching.host.run("mkdir", "-p", "/run/empty", "/run/eat")
    watching.host.run("chmod", "777", "/run/eat")
    watching.host.systemctl("start", UNIT)


@pytest.mark.parametrize("what", ["memory", "CPU", "open files"])
def test_a_service_that_uses_too_much_is_restarted_by_its_limit_and_nobody_is_paged(
    watching: WatchedHost, what: str
) -> None:
    watching.start_slack()
    watching.host.write("/run/eat/what", what)
    start(watching, HUNGRY)
    watching.watch(LIMITS + 'action = "restart"\n', tables=SLACK, health="")
    before = watching.run_id()
    status = watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != before, 45)
    assert watching.kinds() == ["failed", "restart", "healed"]
    [failed, *_] = watching.notes()
    assert failed["text"].startswith("limits: ")
    assert "above its limit of" in failed["text"]
    assert what in failed["text"]
    assert status["restarts_left"] == 4
    assert watching.messages() == []


def test_a_limit_that_only_warns_is_told_once_and_restarts_nothing(watching: WatchedHost) -> None:
    watching.start_slack()
    watching.host.write("/run/eat/what", "open files")
    start(watching, HUNGRY)
    watching.watch(LIMITS, tables=AT_ONCE + SLACK, health="")
    [message] = watching.messages(1)
    assert message.startswith(f"WARNING {API}: a process has 30")
    assert "restart" not in watching.kinds()
    shown = watching.command("status")
    assert f"{API}: warning: a process has 30" in shown
    assert f"{API}: limits: memory " in shown


def test_a_certificate_of_five_days_is_told_of_once_though_the_daemon_is_killed(
    watching: WatchedHost, tmp_path: Path
) -> None:
    self_signed(tmp_path, "IP:127.0.0.1", days=5)
    watching.host.copy_in(tmp_path, "/run/tls")
    watching.host.run("chmod", "-R", "a+rX", "/run/tls")
    watching.start_slack()
    start(watching, TLS)
    # Less than 90 days of life: in proportion, 5 days of it are what 90 are to others.
    watching.watch(health=HTTPS, tables=AT_ONCE + 'certificate = ["120d"]\n' + SLACK)
    [message] = watching.messages(1)
    assert message.startswith(
        f"WARNING {API}: certificate of https://127.0.0.1:{PORT} ends in 4 days"
    )
    watching.kill_daemon()
    watching.wait_for(lambda now: now["warnings"] != [] and now["phase"] == "healthy")
    watching.wait_for(lambda now: now["checks"][-1]["check"] == "http")
    watching.delivered("slack")
    assert len(watching.messages()) == 1


def test_a_warning_stands_in_alertmanager_until_it_is_over(
    watching: WatchedHost, tmp_path: Path
) -> None:
    self_signed(tmp_path, "IP:127.0.0.1", days=5)
    watching.host.copy_in(tmp_path, "/run/tls")
    watching.host.run("chmod", "-R", "a+rX", "/run/tls")
    member = Alertmanager(watching.host)
    member.start()
    start(watching, TLS)
    channel = table(member, resend="1s")
    watching.watch(health=HTTPS, tables=AT_ONCE + 'certificate = ["120d"]\n' + channel)
    labels = member.one()["labels"]
    assert (labels["alertname"], labels["severity"]) == ("ServiceWarning", "warning")
    assert labels["subject"] == f"https://127.0.0.1:{PORT}"
    # Told again from the database after a restart, as the same one.
    watching.kill_daemon()
    assert member.one()["labels"] == labels
    watching.configure(health=HTTPS, tables=AT_ONCE + "certificate = []\n" + channel)
    watching.host.systemctl("reload", DAEMON)
    member.none()


async def test_a_warning_is_closed_where_it_was_told_and_nobody_is_disturbed(
    watching: WatchedHost,
) -> None:
    """In between the daemon is killed: who was told is known from the database."""
    watching.start_slack()
    watching.host.write("/run/eat/what", "open files")
    start(watching, HUNGRY)
    tables = AT_ONCE + SLACK + WEBHOOK
    async with receiving(sock=watching.host.listen(RECEIVER_PORT)) as receiver:
        await asyncio.to_thread(watching.watch, LIMITS, tables=tables, health="")
        [begun] = await receiver.wait_for(1)
        assert (begun["type"], begun["data"]["service"]) == ("alert.warning", API)
        await asyncio.to_thread(watching.delivered, "slack", "webhook")
        [told] = watching.in_channel()
        assert told["body"]["text"].startswith(f"WARNING {API}")
        await asyncio.to_thread(watching.kill_daemon)
        watching.configure(health="", tables=tables)  # nothing is limited any more
        await watching.host.arun("systemctl", "reload", DAEMON)
        _, over = await receiver.wait_for(2)
        await asyncio.to_thread(watching.delivered, "slack", "webhook")
    assert over["type"] == "alert.warning-over"
    assert over["data"]["warning"]["id"] == begun["data"]["warning"]["id"]
    assert over["data"]["action"]["kind"] == "no-longer-measured"
    [edited] = watching.in_channel()
    assert edited["ts"] == told["ts"]
    assert edited["body"]["text"].startswith(f"WARNING OVER {API}")
    assert watching.thread(told["ts"]) == []
    assert len(receiver.bodies) == 2


def test_a_file_system_that_fills_is_told_of_and_again_when_it_is_worse(
    watching: WatchedHost,
) -> None:
    host = watching.host
    host.run("mkdir", "-p", "/srv/data")
    host.run("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", "/srv/data")
    host.run("dd", "if=/dev/zero", "of=/srv/data/a", "bs=1k", "count=940")
    watching.start_slack()
    watching.start_sample()
    disk = '\n[warnings]\nevery = "1s"\ndisk = ["/srv/data", "/srv/data/."]\n'
    watching.watch(tables=SLACK + disk)
    messages = [text for text in watching.messages(1) if "/srv/data" in text]
    assert messages[0].startswith("WARNING testhost: file system /srv/data is 9")
    host.run("dd", "if=/dev/zero", "of=/srv/data/b", "bs=1k", "count=60")
    worse = watching.messages(len(watching.messages()) + 1)[-1]
    assert "file system /srv/data is 9" in worse
    assert "warning: file system /srv/data" in watching.command("status")
    assert json.loads(watching.command("status", "--json"))["daemon"]["warnings"] != []
