"""Slack's side of the wire at its worst, on a real host: silence, garbage, and no end of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.network import in_network_of
from tests.host.peers.slack import SlackServer
from tests.host.watched_host import (
    API,
    SLACK,
    SLACK_PORT,
    SMTP_PORT,
    TOLD_AT_ONCE,
    WatchedHost,
)

TO = "alice@example.com"

NAMED = f"""
[email]
to       = ["{TO}"]
from     = "watchdog@example.com"
host     = "mail.test"
port     = {SMTP_PORT}
tls      = "none"
insecure = true
timeout  = "2s"

[webhook]
url      = "http://pager.test:8098/"
insecure = true
timeout  = "2s"

[heartbeat]
url      = "http://beat.test:8099/ping"
insecure = true
interval = "10s"

[web]
"""
"""Everybody has to be looked up."""

MEMORY = 100_000
"""kB that the daemon may ever have taken: it needs half of it."""

LATE = 500
"""Milliseconds that the latest of its rounds may be late."""


@pytest.fixture
def watching(lasting_host: InstalledHost) -> Iterator[WatchedHost]:
    watching = WatchedHost(lasting_host)
    watching.start_sample()
    yield watching
    watching.behave(status=None)
    lasting_host.systemctl("stop", DAEMON, "langchain-api.service")
    lasting_host.sh("systemctl stop slack.service; rm -rf /var/lib/service-watchdog", check=False)


def process(watching: WatchedHost, field: str) -> int:
    """Return a number of /proc/PID/status of the daemon."""
    script = f"cat /proc/$(systemctl show -P MainPID {DAEMON})/status"
    lines = watching.host.sh(script).stdout.splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def is_as_ever(watching: WatchedHost) -> None:
    """Make sure that the watch has not noticed: one daemon, on time, and small."""
    assert watching.host.unit(DAEMON, "NRestarts")["NRestarts"] == "0"
    assert process(watching, "VmHWM") < MEMORY
    assert watching.overview()["daemon"]["late_ms"]["max"] < LATE


@contextmanager
def mute_resolver(watching: WatchedHost) -> Iterator[None]:
    """Have all names asked of somebody who takes the question, and never answers."""

    def bound() -> socket.socket:
        resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        resolver.bind(("127.0.0.53", 53))
        return resolver

    watching.host.sh("cp /etc/hosts /run/hosts; echo nameserver 127.0.0.53 >/etc/resolv.conf")
    with in_network_of(watching.host.pid, bound):
        yield
    watching.host.sh("cat /run/hosts >/etc/hosts")


def test_a_resolver_that_does_not_answer_holds_up_no_round_no_metrics_and_no_stop(
    watching: WatchedHost,
) -> None:
    watching.start_mail()
    with mute_resolver(watching):
        watching.watch(TOLD_AT_ONCE, tables=NAMED)
        watching.fail()
        watching.heal()
        for name in (f"email:{TO}", "webhook"):
            watching.wait_for_channel(name, lambda channel: channel["last_error"])
        assert watching.host.http("http://127.0.0.1:9099/metrics").status == 200
        assert process(watching, "Threads") < 12
        is_as_ever(watching)
        with watching.host.follow_journal(DAEMON) as journal:
            watching.stop_daemon()
            stopping = journal.wait_for("Stopping service-watchdog")
            stopped = journal.wait_for("Stopped service-watchdog")
        assert stopped.monotonic - stopping.monotonic < 4.0  # the heartbeat's farewell has two
        watching.host.sh("echo 127.0.0.1 mail.test >>/etc/hosts")
        watching.host.start_daemon()
        [mail] = watching.mails(1)
    assert f"RESOLVED {API}" in mail["content"]


@pytest.mark.soak
def test_a_slack_behind_a_wall_is_told_once_the_wall_is_gone(watching: WatchedHost) -> None:
    """Whose packets are dropped, so that nobody even refuses."""
    watching.start_slack()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    wall = f"OUTPUT -p tcp --dport {SLACK_PORT} -m owner --uid-owner service-watchdog -j DROP"
    watching.host.sh(f"iptables -I {wall}")
    try:
        watching.fail()
        waiting = watching.wait_for_channel("slack", lambda slack: slack["last_error"])
        assert "cannot connect within 2 s" in waiting["words"]
        is_as_ever(watching)
        watching.kill_daemon()
    finally:
        watching.host.sh(f"iptables -D {wall}")
    watching.host.systemctl("reload", DAEMON)
    assert [text.split()[0] for text in watching.messages(1)] == ["FIRING"]
    watching.heal()
    watching.delivered("slack")
    assert [text.split()[0] for text in watching.messages(2)] == ["FIRING", "RESOLVED"]


# --- somebody else answers -----------------------------------------------------------------------

Talk = Callable[[socket.socket], None]


def endless(begin: bytes, more: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(more)

    return talk


def once(said: bytes) -> Talk:
    return lambda connection: connection.sendall(said)


def answer(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


JSON = "Content-Type: application/json"
BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

FEW = {
    "an endless body": endless(BODY, bytes(1 << 18)),
    "a yes in quotation marks": once(answer(b'{"ok": "false"}', JSON)),
}
MANY = {
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 10_000),
    "an endless header": endless(b"HTTP/1.1 200 OK\r\nX: ", bytes(1 << 18)),
    "answers to be followed": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "binary": endless(b"", bytes(range(256)) * 1000),
    "brackets": once(answer(b"[" * 200_000, JSON)),
    "TLS": once(b"\x15\x03\x01\x00\x02\x02\x28"),
}


@contextmanager
def stranger(watching: WatchedHost, port: int, talk: Talk) -> Iterator[None]:
    """Have *talk* done with whoever connects to *port*, one after the other."""

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):  # closed: it is over
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    connection.settimeout(20)
                    connection.recv(1 << 16)
                    talk(connection)

    with watching.host.listen(port) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "strangers", [FEW, pytest.param(MANY, marks=pytest.mark.soak)], ids=["few", "many"]
)
def test_strangers_in_slacks_place_take_neither_the_alert_nor_the_memory(
    watching: WatchedHost, strangers: Mapping[str, Talk]
) -> None:
    """By bot token and by webhook; one after the other, and then Slack is there."""
    hook = f"http://127.0.0.1:{SLACK_PORT}{SlackServer.HOOK}"
    tables = SLACK.replace("[slack]", '[[slack]]\nname = "bot"')
    tables += f'\n[[slack]]\nname = "hook"\nwebhook = "{hook}"\ntimeout = "2s"\n'
    watching.watch(TOLD_AT_ONCE, tables=tables)
    watching.fail()
    for talk in strangers.values():
        with (
            stranger(watching, SLACK_PORT, talk),
            watching.host.follow_journal(DAEMON) as journal,
        ):
            watching.host.systemctl("reload", DAEMON)  # a person need not wait for the next try
            for _ in range(2):
                journal.wait_for("alert not delivered", timeout=20)
    is_as_ever(watching)
    assert {name: watching.channel(name)["pending"] for name in ("bot", "hook")} == {
        "bot": 1,
        "hook": 1,
    }
    watching.start_slack()
    watching.host.systemctl("reload", DAEMON)
    watching.delivered("bot", "hook")
    assert [text.split()[0] for text in watching.messages(2)] == ["FIRING", "FIRING"]


# --- the disk ------------------------------------------------------------------------------------

STATE = "/var/lib/service-watchdog"


def test_a_state_directory_that_vanishes_costs_no_alert_and_says_what_to_do(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    watching.host.sh(f"rm -rf {STATE}")
    watching.fail()
    watching.messages(1)
    assert f"{STATE} does not exist; alerts are sent from memory" in watching.status_text()
    watching.host.sh(f"install -d -m 0750 -o service-watchdog -g service-watchdog {STATE}")

    def is_told() -> bool:
        return "may not write in until it is restarted" in watching.status_text()

    wait_for(is_told, 20, "what to do")
    watching.heal()
    watching.delivered("slack")
    assert [text.split()[0] for text in watching.messages(2)] == ["FIRING", "RESOLVED"]
    watching.host.systemctl("restart", DAEMON)
    watching.wait_for_phase("healthy")
    assert watching.overview()["daemon"]["trouble"] == []
    assert len(watching.messages()) == 2


@pytest.mark.soak
def test_a_database_cut_off_under_the_daemon_loses_nothing_by_a_kill(
    watching: WatchedHost,
) -> None:
    watching.start_slack()
    watching.slack_mode("error500")
    watching.watch(TOLD_AT_ONCE, tables=SLACK)
    incident = watching.fail()["incident"]["id"]
    watching.requests(1)
    watching.host.sh(f": >{STATE}/state.db-wal")
    watching.command("pause", API, "--for", "1m")  # a commit behind the gap
    watching.kill_daemon()
    assert watching.status()["incident"]["id"] == incident
    watching.slack_mode("ok")
    watching.command("resume", API, code=1)  # it still fails
    watching.host.systemctl("reload", DAEMON)
    assert any(text.startswith("FIRING") for text in watching.messages(1))
