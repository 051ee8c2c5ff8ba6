"""docs/reference/http-api.md says what a real daemon answers.

``UPDATE_EXAMPLES=1 pytest tests/unit/web/test_http_api_reference.py`` writes its examples anew.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.markdown import ROOT, prose
from tests.unit.probes.servers import free_port
from watchdog.web.http_api import Api
from watchdog.web.live import Live

pytestmark = pytest.mark.adapter

PAGE = ROOT / "docs/reference/http-api.md"
EXAMPLE = re.compile(
    r"^```http\n(?P<request>.*?)^```\n\n```json\n(?P<answer>.*?)^```$", re.MULTILINE | re.DOTALL
)
TOKEN = "0123456789abcdef0123"
CONFIG = """\
[[service]]
name          = "langchain-api"
command       = ["{python}", "-m", "tests.host.peers.sample", "--bare", "--port", "{port}", \
"--behaviour", "{directory}/sample"]
directory     = "{root}"
port          = {port}
health        = "http://127.0.0.1:{port}/health"
interval      = "1s"
fast_interval = "200ms"
max_failures  = 1
restart_after = {{ http = 0 }}
stop_timeout  = "1s"

[[webhook]]
url = "http://127.0.0.1:{hook}/"

[web]
listen = "127.0.0.1:{web}"
token  = "{token}"

[daemon]
host        = "web-1"
state_dir   = "{directory}/state"
runtime_dir = "{directory}/run"
"""

EXACT = frozenset(
    {"check", "code", "error", "host", "kind", "max_failures", "name", "owner", "phase", "reason"}
    | {"acknowledged", "destination", "p50", "status", "verdict", "version"}
)
"""Keys of what is told the same each time, but for numbers within."""

VARYING = frozenset({"availability", "late_ms", "rows"})
"""Keys of what depends on how long the daemon has run."""


@dataclass
class Watched:
    """A running daemon, and the service that it watches."""

    url: str
    directory: Path

    def ask(self, method: str, path: str, body: str = "") -> Any:
        """Return what it answers, errors too; of a stream the first events."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            self.url + path, body.encode() if method == "POST" else None, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                if answer.headers["Content-Type"] == "text/event-stream":
                    return dict(first_events(answer))
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def fail(self) -> str:
        """Let the service fail, and return the incident that this opens."""
        (self.directory / "sample/status").write_text("500")
        (self.directory / "sample/body").write_text("database is locked")
        path = "/api/v1/services/langchain-api/check"
        service = self.ask("POST", path, "{}")["services"][0]
        return str(service["incident"]["id"])


def first_events(lines: Any) -> Iterator[tuple[str, Any]]:
    """Yield the first event of each kind that comes at once."""
    kind = ""
    while kind != "services":
        line = lines.readline().decode()
        if line.startswith("event: "):
            kind = line.removeprefix("event: ").strip()
            yield kind, json.loads(lines.readline().decode().removeprefix("data: "))


class Hook(http.server.BaseHTTPRequestHandler):
    """Takes every alert."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hook() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("daemon")
    for name in ("state", "run", "sample"):
        (directory / name).mkdir()
    config, web = directory / "config.toml", free_port()
    values = {"python": sys.executable, "root": ROOT, "directory": directory, "token": TOKEN}
    command = [sys.executable, "-m", "watchdog.cli.main", "run", "--config", str(config)]
    with hook() as taken:
        config.write_text(CONFIG.format(**values, port=free_port(), web=web, hook=taken))
        config.chmod(0o600)
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
            try:
                assert running.stderr is not None
                awaited = {"watching", "is healthy"}  # in any order
                while awaited and (line := running.stderr.readline()):
                    awaited = {words for words in awaited if words not in line}
                assert not awaited, "it did not start"
                yield Watched(f"http://127.0.0.1:{web}", directory)
            finally:
                running.terminate()
                running.communicate()


@pytest.fixture(scope="module")
def answers(daemon: Watched) -> Mapping[str, Any]:
    """The answers to the requests of the page; what acts, and what it leads to, comes first."""
    requests = [match["request"] for match in EXAMPLE.finditer(PAGE.read_text(encoding="utf-8"))]
    found: dict[str, Any] = {}

    def ask(wanted: str) -> None:
        for request in requests:
            line, _, body = request.partition("\n")
            if request not in found and wanted in line:
                method, path = line.replace("INCIDENT", incident).split()
                found[request] = daemon.ask(method, path, body)

    incident = ""
    for wanted in ("/status", "/latency", "/availability", "/services/x"):
        ask(wanted)
    incident = daemon.fail()
    for wanted in ("/ack", "/silence", "/test-alert", "/incidents"):
        ask(wanted)
    assert found.keys() == set(requests)
    if os.environ.get("UPDATE_EXAMPLES"):
        PAGE.write_text(EXAMPLE.sub(lambda match: updated(match, found), PAGE.read_text()))
    return found


def updated(match: re.Match[str], found: Mapping[str, Any]) -> str:
    answer = json.dumps(found[match["request"]], indent=2, ensure_ascii=False)
    # What is short stands in one line.
    flat = re.compile(r"[\[{][^\[\]{}]*[\]}]")
    for _ in range(2):
        answer = flat.sub(lambda part: brief(part[0]), answer)
    answer = re.sub(r"(?<=127\.0\.0\.1:)\d+|(?<=[= ]port )\d+", "8000", answer)
    return f"```http\n{match['request']}```\n\n```json\n{answer}\n```"


def brief(text: str) -> str:
    one = re.sub(r"\s*\n\s*", " ", text)
    return one if len(one) <= 100 else text


def test_the_examples_are_what_is_answered(answers: Mapping[str, Any]) -> None:
    shown = {
        match["request"]: json.loads(match["answer"])
        for match in EXAMPLE.finditer(PAGE.read_text(encoding="utf-8"))
    }
    for request, answer in answers.items():
        differences = list(differing(shown[request], answer, "answer"))
        assert not differences, (request, differences)


def differing(shown: Any, said: Any, where: str) -> Iterator[str]:
    """Yield where two answers are not alike: keys, kinds, and what is told the same each time."""
    if isinstance(shown, dict) and isinstance(said, dict):
        if shown.keys() != said.keys():
            yield f"{where}: {sorted(shown)} is not {sorted(said)}"
        for key in (shown.keys() & said.keys()) - VARYING:
            yield from differing(shown[key], said[key], f"{where}.{key}")
    elif isinstance(shown, list) and isinstance(said, list):
        if bool(shown) != bool(said):
            yield f"{where}: {shown} is not {said}"
        for one, other in zip(shown, said, strict=False):
            yield from differing(one, other, where)
    elif comparable(shown, where) != comparable(said, where):
        yield f"{where}: {shown!r} is not {said!r}"


def comparable(value: Any, where: str) -> str:
    """Return what of *value* is the same each time."""
    if isinstance(value, str) and where.rpartition(".")[2] in EXACT:
        return re.sub(r"\d+(\.\d+)?", "0", value)
    return "number" if type(value) in {int, float} else type(value).__name__


def test_events_tell_what_status_tells(daemon: Watched, answers: Mapping[str, Any]) -> None:
    status, events = answers["GET /api/v1/status\n"], daemon.ask("GET", "/api/v1/events")
    assert list(events) == ["access", "names", "daemon", "services"]
    assert [list(each) for each in events["services"]] == [list(status["services"][0])]
    assert events["daemon"].keys() == status["daemon"].keys() - {"pid", "late_ms"}


def test_the_command_line_gives_the_same_answers(daemon: Watched) -> None:
    command = [sys.executable, "-m", "watchdog.cli.main"]
    options = ["--config", str(daemon.directory / "config.toml"), "--json"]
    for words, path in (
        (["status"], "status"),
        (["incidents", "--limit", "1"], "incidents?limit=1"),
    ):
        done = subprocess.run(
            [*command, *words, *options], cwd=ROOT, capture_output=True, text=True, check=False
        )
        by_http = daemon.ask("GET", f"/api/v1/{path}")
        assert not list(differing(by_http, json.loads(done.stdout), "answer")), done.stdout


def test_every_key_of_an_answer_is_explained(answers: Mapping[str, Any]) -> None:
    explained = set(re.findall(r"`([a-z_0-9]+)`", prose(PAGE)))
    for answer in answers.values():
        assert set(keys(answer)) <= explained


def keys(value: Any) -> Iterator[str]:
    """Yield every key within *value*."""
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from keys(each)


def test_every_request_is_documented() -> None:
    text = prose(PAGE)
    for route in [*Api({}).routes(), *Live(None).routes()]:  # type: ignore[arg-type]
        path = route.path.removeprefix("/api/v1/").replace("{name}", "NAME").replace("{id}", "ID")
        alternatives = re.search(r"\{call:(.*)\}", path)
        calls = alternatives[1].split("|") if alternatives else [""]
        for call in calls:
            whole = re.sub(r"\{call:.*\}", call, path)
            assert f"{route.method} {whole}" in text, whole
