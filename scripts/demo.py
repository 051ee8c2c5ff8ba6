"""The demo: a service under the real daemon is killed, then hung, and healed both times.

The daemon, its database, the embedded process control and the alert are real. Slack is a local
stand-in that checks what the real one checks; what it accepts is shown as a reader would see it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.host.peers.slack import Request, SlackServer

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
MARKUP = re.compile(r"^(?::\w+: )?\*(.+?)\*")  # a sign, and bold at the beginning of a line

CONFIG = """\
[[service]]
name          = "demo"
command       = ["{python}", "{service}", "{port}"]
port          = {port}
health        = {{ url = "http://127.0.0.1:{port}/health", timeout = "1s", \
expect = "status == 'healthy'" }}
interval      = "2s"
fast_interval = "500ms"
backoff_first = "1s"
stop_timeout  = "1s"

[slack]
token   = "{token}"
channel = "#ops"
api_url = "{api_url}"

[daemon]
state_dir   = "{directory}/state"
runtime_dir = "{directory}/run"
log         = "json"
"""


@dataclass
class Act:
    """One breakage: when it was done, and when what followed was seen."""

    name: str
    began: float  # wall
    seen: float = 0.0
    healed: float = 0.0
    failures: str = ""
    messages: int = 0  # that people were sent


def say(text: str = "", colour: str = "") -> None:
    """Print a line, coloured on a terminal."""
    if colour and sys.stdout.isatty():
        text = f"\033[{colour}m{text}\033[0m"
    print(text, flush=True)


class Demo:
    """Runs the daemon, breaks its service, and tells what happens."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._config = directory / "config.toml"
        self._slack = SlackServer()
        self._act = Act("start", time.time())
        self._shown = 0
        self._port = _free_port()
        self._lines: asyncio.StreamReader | None = None

    async def run(self, *, keep: bool) -> int:
        """Play both acts and return the exit code."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        stopped = False

        def stop() -> None:
            nonlocal stopped
            if not stopped:  # a second signal must not leave the daemon behind
                stopped = True
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop)
        async with self._slack, self._daemon() as daemon:
            await self._until("healthy")
            say("\n   the service is healthy; the daemon is quiet while it is\n")
            acts = [
                await self._play("killed (kill -9)", signal.SIGKILL),
                await self._play("hung (kill -STOP)", signal.SIGSTOP),
            ]
            self._summary(acts)
            if keep:
                await self._keep(daemon)
        return 0

    @contextlib.asynccontextmanager
    async def _daemon(self) -> AsyncIterator[asyncio.subprocess.Process]:
        for name in ("state", "run"):
            (self._directory / name).mkdir()
        self._config.write_text(
            CONFIG.format(
                python=sys.executable,
                service=ROOT / "examples/demo_service.py",
                port=self._port,
                token=SlackServer.TOKEN,
                api_url=self._slack.api_url,
                directory=self._directory,
            )
        )
        self._config.chmod(0o600)
        command = (sys.executable, "-m", "watchdog.cli.main", "run", "--config", self._config)
        say(f"$ service-watchdog run --config {self._config}", "1")
        process = await asyncio.create_subprocess_exec(
            *command, stderr=asyncio.subprocess.PIPE, cwd=ROOT, start_new_session=True
        )
        self._lines = process.stderr
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 15)

    async def _play(self, name: str, number: signal.Signals) -> Act:
        pid = self._service()["pid"]
        self._act = Act(name, time.time())
        say(f"$ kill -{number.name.removeprefix('SIG')} {pid}", "1")
        os.kill(pid, number)
        await self._until("healthy")
        if (
            number is signal.SIGSTOP
        ):  # people were told that it broke: they are told that it is over
            await self._resolved()
        self._show_alerts()
        say()
        return self._act

    async def _until(self, phase: str) -> None:
        """Tell the daemon's log until the service is in *phase*."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._next_event()
                self._show_alerts()
                # Not what is noted of a phase afterwards: how long its start took.
                is_news = "phase" in event and bool({"verdict", "restart"} & event.keys())
                if is_news and self._tell(event) == phase:
                    return

    async def _next_event(self) -> dict[str, Any]:
        assert self._lines is not None
        line = await self._lines.readline()
        if not line:
            raise SystemExit("cannot go on: the daemon has ended; its log is above")
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            say(line.decode().rstrip(), "31")
            return {}
        return event

    def _tell(self, event: dict[str, Any]) -> str:
        act, phase, seen = self._act, str(event["phase"]), float(event["seen"])
        after = seen - act.began
        if event.get("verdict") == "fail" and not act.seen:
            act.seen = seen
        act.failures = event.get("failures", act.failures)
        if phase == "healthy":
            act.healed = seen
        words = event.get("reason") or event.get("restart") or ""
        count = f" (failure {event['failures']})" if "failures" in event else ""
        colour = {"healthy": "32", "recovering": "33"}.get(phase, "31")
        say(f"   {_span(after):>9}  {phase:<12}{words}{count}", colour)
        return phase

    async def _resolved(self) -> None:
        """Return when all that there was to tell has been told."""
        while "resolved" not in {_told(request) for request in self._slack.requests[-1:]}:
            await self._slack.wait_for_requests(len(self._slack.requests) + 1, PATIENCE)

    def _show_alerts(self) -> None:
        for request in self._slack.requests[self._shown :]:
            self._shown += 1
            how = _how(request)
            self._act.messages += how == "#ops"
            say(f"   ┌─ Slack {how} ".ljust(76, "─"))
            for line in _as_read(request.body):
                say(f"   │ {line}", "36")
            say("   └" + "─" * 73)

    def _service(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "watchdog.cli.main", "status", "--json"]
        import subprocess  # noqa: PLC0415 - asked for twice in a minute

        done = subprocess.run(
            [*command, "--config", str(self._config)], capture_output=True, cwd=ROOT, check=False
        )
        service: dict[str, Any] = json.loads(done.stdout)["services"][0]
        return service

    def _summary(self, acts: list[Act]) -> None:
        say(f"{'what was done':<20}{'seen after':>12}{'healed after':>14}   who was told", "1")
        for act in acts:
            told = "#ops, in one message" if act.messages else "nobody: healed at once"
            seen, healed = _span(act.seen - act.began), _span(act.healed - act.began)
            say(f"{act.name:<20}{seen:>12}{healed:>14}   {told}")

    async def _keep(self, daemon: asyncio.subprocess.Process) -> None:
        say(
            f"\nIt goes on: http://127.0.0.1:{self._port}/health. Break it by hand; Ctrl-C ends it."
        )
        say(f"  kill -9 {self._service()['pid']}")
        say(f"  .venv/bin/service-watchdog status --config {self._config}")
        say(f"  .venv/bin/service-watchdog incidents --config {self._config}\n")
        self._act = Act("by hand", time.time())
        alerts = asyncio.ensure_future(self._watch_alerts())
        try:
            while daemon.returncode is None:
                event = await self._next_event()
                if event.get("phase"):
                    if not self._act.seen or event["phase"] == "healthy":
                        self._act = Act("by hand", float(event["seen"]))
                    self._tell(event)
        finally:
            alerts.cancel()

    async def _watch_alerts(self) -> None:
        while True:
            await self._slack.wait_for_requests(self._shown + 1, 1e9)
            self._show_alerts()


def _how(request: Request) -> str:
    """Return where a reader sees what was sent."""
    if request.method == "chat.update":
        return "#ops, edited"
    return "#ops, in the thread" if "thread_ts" in request.body else "#ops"


def _told(request: Request) -> str:
    """Return the kind of what was told last of all: an edit is followed by a reply."""
    payload = request.body["metadata"]["event_payload"]
    return str(payload["kind"]) if "thread_ts" in request.body else ""


def _as_read(body: dict[str, Any]) -> list[str]:
    """Return the lines that a reader of the message sees: those of its blocks, without markup."""
    lines: list[str] = []
    parts = [body, *body.get("attachments", ())]
    for block in [block for part in parts for block in part.get("blocks", ())]:
        texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        for text in texts:
            if isinstance(text, dict) and "text" in text:
                lines += str(text["text"]).splitlines()
    lines = [MARKUP.sub(r"\1", line) for line in lines if line != "```"]
    return lines or str(body.get("text", "")).splitlines()


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run the demo in a directory of its own, which goes with it."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="go on, to break it by hand")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="service-watchdog-demo-") as directory:
        demo = Demo(Path(directory))
        try:
            return asyncio.run(demo.run(keep=options.keep))
        except (KeyboardInterrupt, asyncio.CancelledError):
            with contextlib.suppress(OSError):  # the terminal may be gone
                say("\nended")
            return 130
        except TimeoutError:
            say(f"cannot go on: nothing happened for {PATIENCE:g} s; see the log above", "31")
            return 1


if __name__ == "__main__":
    sys.exit(main())
