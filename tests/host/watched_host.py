"""A host on which our daemon watches a sample service and tells a Slack of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tests.host.host import wait_for
from tests.host.installed import DAEMON, InstalledHost
from tests.host.peers.slack import SlackServer

API = "langchain-api"
UNIT = f"{API}.service"
PORT = 8000
SLACK_PORT = 8065

# Quick enough for a test, slow enough to be told apart.
QUICK = """
interval          = "2s"
fast_interval     = "300ms"
recovery_interval = "200ms"
start_timeout     = "3s"
backoff_first     = "500ms"
backoff_max       = "2s"
stopped_grace     = "4s"
"""

SERVICE = f"""
[[service]]
name   = "{API}"
unit   = "{UNIT}"
port   = {PORT}
"""

HEALTH = f'health = {{ url = "http://127.0.0.1:{PORT}/health", timeout = "1s" }}\n'

SLACK = f"""
[slack]
token   = "{SlackServer.TOKEN}"
channel = "#ops"
api_url = "http://127.0.0.1:{SLACK_PORT}/api/"
timeout = "2s"
"""

# An incident at the first failed round, and nothing done about it: the alerts alone are at stake.
TOLD_AT_ONCE = """
max_failures  = 1
restart_after = { unit = 0, port = 0, http = 0 }
"""

SMTP_PORT = 2525
MAILS = "/run/mails.jsonl"
MAIL_MOOD = "/run/mail-mood.json"

NOTES = """
import json, sqlite3
db = sqlite3.connect("file:/var/lib/service-watchdog/state.db?mode=ro", uri=True)
rows = db.execute("SELECT wall, service, incident, kind, text FROM note ORDER BY id")
print(json.dumps([dict(zip(("wall", "service", "incident", "kind", "text"), row)) for row in rows]))
"""


WAYS = ("chat.postMessage", "chat.update", "webhook")


def _is_told(request: dict[str, Any]) -> bool:
    """Tell whether *request* told an alert that every channel is told, or was the first word."""
    opens = request["method"] != "chat.update" and "thread_ts" not in request["body"]
    return request["outcome"] == "ok" and (opens or _payload(request).get("kind") != "update")


def _alert_of(request: dict[str, Any]) -> tuple[str, ...]:
    """Name what *request* told; several may have told the same."""
    payload, title = _payload(request), str(request["body"].get("text", "")).partition("\n")[0]
    if not payload.get("incident"):
        return request["method"], str(request["ts"]), title
    return payload["incident"], payload["kind"], title


def _payload(request: dict[str, Any]) -> dict[str, str]:
    """Return what a call by bot token says for programs; a webhook says nothing."""
    payload: dict[str, str] = (request["body"].get("metadata") or {}).get("event_payload", {})
    return payload


@dataclass
class WatchedHost:
    """What a test says to, and asks of, the watched host."""

    host: InstalledHost

    # --- the service ----------------------------------------------------------------------------

    def start_sample(self, *options: str, more: str = "", type_: str = "notify") -> None:
        """Start the sample service as the unit that is watched."""
        arguments = ("--bare", "--port", str(PORT), *options)
        self.host.start_peer("sample", *arguments, unit=UNIT, type_=type_, more=more)

    def behave(self, **files: str | None) -> None:
        """Have the sample service misbehave: hang="", status="500", body=…; None ends it.

        The status comes last: who sees it sees its body too.
        """
        for name, text in sorted(files.items()):
            path = f"/run/sample/sample/{name}"
            if text is None:
                self.host.run("rm", "-f", path)
            else:
                self.host.write(path, text)

    def run_id(self) -> str:
        """Return the unit's InvocationID: another one is another run."""
        return self.host.unit(UNIT, "InvocationID")["InvocationID"]

    # --- the daemon -----------------------------------------------------------------------------

    def watch(self, service: str = "", *, tables: str = "", health: str = HEALTH) -> None:
        """Start the daemon on the sample service; *service* adds keys to it."""
        self.configure(service, tables=tables, health=health)
        self.host.start_daemon()

    def configure(self, service: str = "", *, tables: str = "", health: str = HEALTH) -> None:
        """Write the configuration that `watch` starts with."""
        self.host.configure(SERVICE + health + service + "\n[defaults]" + QUICK + tables)

    def stop_daemon(self) -> None:
        self.host.systemctl("stop", DAEMON)

    def kill_daemon(self) -> None:
        """Kill the daemon as the kernel might, and return when systemd has brought it back."""
        with self.host.follow_journal(DAEMON) as journal:
            self.host.kill(DAEMON)
            journal.wait_for("Started service-watchdog", timeout=20)

    def daemon_option(self, lines: str) -> None:
        """Add *lines* to the [Service] section of the daemon's unit."""
        self.host.write(f"/etc/systemd/system/{DAEMON}.d/test.conf", f"[Service]\n{lines}\n")
        self.host.systemctl("daemon-reload")

    def status_text(self) -> str:
        """Return the sentence that `systemctl status` shows for the daemon."""
        return self.host.unit(DAEMON, "StatusText")["StatusText"]

    def command(self, *arguments: str, code: int | None = 0) -> str:
        """Return what ``service-watchdog`` prints; *code* is the exit code it must have."""
        done = self.host.run("service-watchdog", *arguments, check=False)
        assert code is None or done.returncode == code, done
        return done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        """Return the sample service's status."""
        service: dict[str, Any] = self.overview()["services"][0]
        return service

    def overview(self) -> dict[str, Any]:
        """Return the status of the sample service, the channels and the daemon."""
        answer: dict[str, Any] = json.loads(self.command("status", API, "--json", code=None))
        return answer

    def fail(self) -> dict[str, Any]:
        """Have the sample service fail a round now, and return what `status` then says of it."""
        self.behave(status="500")
        self.command("check", API, code=1)
        return self.status()

    def heal(self) -> None:
        """Have the sample service answer as it should, and wait until that is seen."""
        self.behave(status=None)
        self.wait_for_phase("healthy")

    def channel(self, name: str) -> dict[str, Any]:
        """Return what is known of a channel."""
        channels = {channel["name"]: channel for channel in self.overview()["channels"]}
        found: dict[str, Any] = channels[name]
        return found

    def delivered(self, *channels: str) -> None:
        """Return when nothing is left for *channels*: no duplicate can come any more."""
        for name in channels:
            self.wait_for_channel(name, lambda channel: channel["pending"] == 0)

    def wait_for_channel(
        self, name: str, condition: Callable[[dict[str, Any]], bool], timeout: float = 20.0
    ) -> dict[str, Any]:
        """Return what is known of a channel once *condition* holds for it."""

        def met() -> dict[str, Any] | None:
            channel = self.channel(name)
            return channel if condition(channel) else None

        channel = wait_for(met, timeout, f"what channel {name} should show")
        assert channel is not None
        return channel

    def wait_for(
        self, condition: Callable[[dict[str, Any]], bool], timeout: float = 20.0
    ) -> dict[str, Any]:
        """Return the first status for which *condition* holds."""

        def met() -> dict[str, Any] | None:
            status = self.status()
            return status if condition(status) else None

        status = wait_for(met, timeout, "what the status should show")
        assert status is not None
        return status

    def wait_for_phase(self, *phases: str, timeout: float = 20.0) -> dict[str, Any]:
        """Return the first status in one of *phases*."""
        return self.wait_for(lambda status: status["phase"] in phases, timeout)

    def notes(self) -> Sequence[dict[str, Any]]:
        """Return the ledger's lines about everything, oldest first."""
        found: Sequence[dict[str, Any]] = json.loads(self.host.run("python3", "-c", NOTES).stdout)
        return found

    def kinds(self) -> Sequence[str]:
        """Return what kinds of things the ledger has, oldest first."""
        return [note["kind"] for note in self.notes()]

    # --- Slack ----------------------------------------------------------------------------------

    def start_slack(self) -> None:
        """Start the Slack that SLACK names."""
        self.host.start_peer("slack", "--port", str(SLACK_PORT))

    def slack_mode(self, mode: str, **more: Any) -> None:
        """Have Slack misbehave from now on."""
        self._tell_slack({"mode": mode, **more})

    def slack_dedup(self) -> None:
        """Have Slack know again a message that it has, as the real one often does."""
        self._tell_slack({"dedup": True})

    def slack_deletes(self, ts: str) -> None:
        """Have somebody delete a message."""
        self._tell_slack({"delete": ts})

    def _tell_slack(self, wanted: dict[str, Any]) -> None:
        body = json.dumps(wanted)
        reply = self.host.http(
            f"http://127.0.0.1:{SLACK_PORT}/_test/mode", method="POST", body=body
        )
        assert reply.status == 200, reply

    def messages(
        self, count: int = 0, timeout: float = 20.0, ways: Collection[str] = WAYS
    ) -> Sequence[str]:
        """Return the text of every alert that Slack took by one of *ways*, once there are *count*.

        By bot token one is posted, edited in, or a reply, often two of them: it counts once, and
        updates, which are told to nobody else, do not.
        """

        def told() -> Sequence[str]:
            alerts: dict[tuple[str, ...], str] = {}
            for request in self.requests():
                if _is_told(request) and request["method"] in ways:
                    alerts.setdefault(_alert_of(request), str(request["body"].get("text", "")))
            return list(alerts.values())

        def enough() -> Sequence[str] | None:
            return found if len(found := told()) >= count else None

        if count == 0:
            return told()
        return wait_for(enough, timeout, f"{count} alerts") or ()

    def in_channel(self, count: int = 0, timeout: float = 20.0) -> Sequence[dict[str, Any]]:
        """Return the messages that a reader of the channel sees, once there are *count* at all."""
        found = self._slack_has("messages", count, timeout)
        return [message for message in found if message["in_channel"]]

    def thread(self, ts: str) -> Sequence[dict[str, Any]]:
        """Return the replies to a message, oldest first."""
        found = self._slack_has("messages", 0, 1.0)
        return [message for message in found if message["body"].get("thread_ts") == ts]

    def requests(self, count: int = 0, timeout: float = 20.0) -> Sequence[dict[str, Any]]:
        """Return every request that Slack got, the refused ones too, once there are *count*."""
        return self._slack_has("requests", count, timeout)

    def _slack_has(self, what: str, count: int, timeout: float) -> Sequence[dict[str, Any]]:
        url = f"http://127.0.0.1:{SLACK_PORT}/_test/{what}?count={count}&timeout={timeout}"
        reply = self.host.http(url, timeout=timeout + 5)
        assert reply.status == 200, reply
        found: Sequence[dict[str, Any]] = json.loads(reply.body)
        return found

    # --- mail -----------------------------------------------------------------------------------

    def start_mail(self, *options: str) -> None:
        """Start a mail server at SMTP_PORT."""
        port = ("--port", str(SMTP_PORT))
        self.host.start_peer("smtp", *port, "--record", MAILS, "--behaviour", MAIL_MOOD, *options)

    def mail_mood(self, **mood: Any) -> None:
        """Have the mail server behave like that from now on: mode=…, refuse={RECIPIENT: CODE}."""
        self.host.write(MAIL_MOOD, json.dumps(mood))

    def mails(self, count: int = 0, timeout: float = 20.0) -> Sequence[dict[str, Any]]:
        """Return every mail that was sent so far, once there are *count*."""

        def came() -> Sequence[dict[str, Any]] | None:
            record = self.host.sh(f"cat {MAILS} 2>/dev/null || true").stdout
            found = [json.loads(line) for line in record.splitlines()]
            return found if len(found) >= count else None

        if count == 0:
            return came() or ()
        found = wait_for(came, timeout, f"{count} mails")
        assert found is not None
        return found
