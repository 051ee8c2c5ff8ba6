"""Whether anything is known against what is locked, asked of a local service that speaks OSV."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.markdown import ROOT

pytestmark = pytest.mark.adapter


def advisory(package: str, ecosystem: str, fixed: str) -> dict[str, Any]:
    """Return one as https://ossf.github.io/osv-schema/ has it."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {
        "package": {"name": package, "ecosystem": ecosystem},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    about = {"summary": "it can be made to", "details": "do what it should not", "aliases": []}
    dates = {"modified": "2026-01-02T03:04:05Z", "published": "2026-01-02T03:04:05Z"}
    return {"id": f"GHSA-{package}", "affected": [affected], **about, **dates}


@contextmanager
def osv(known: Mapping[str, dict[str, Any]], status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Serve POST /v1/query; yield its URL, and what it was asked about."""
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            package = question["package"]
            assert self.path == "/v1/query"
            assert question["version"]
            asked.append(f"{package['ecosystem']}/{package['name']}")
            vulns = [known[asked[-1]]] if asked[-1] in known else []
            body = json.dumps({"vulns": vulns} if vulns else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query", asked
        server.shutdown()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts/audit"), f"--osv-url={url}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_locked_package_and_the_pages_library_is_asked_about() -> None:
    with osv({}) as (url, asked):
        done = audit(url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "nothing is known against what run, apprise, aws, build and the page have locked\n"
    )
    assert {"PyPI/aiohttp", "PyPI/boto3", "PyPI/hatchling", "npm/uplot"} <= {*asked}


def test_what_is_known_is_named_with_its_fix() -> None:
    known = {
        "PyPI/aiohttp": advisory("aiohttp", "PyPI", "99.1"),
        "npm/uplot": advisory("uplot", "npm", "9.9.9"),
    }
    with osv(known) as (url, _):
        done = audit(url)
    first, second = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith("aiohttp ")
    assert first.endswith(": GHSA-aiohttp, fixed in 99.1")
    assert second.startswith("uplot ")
    assert second.endswith(": GHSA-uplot, fixed in 9.9.9")


def test_no_answer_is_not_taken_for_a_good_one() -> None:
    with osv({}, status=503) as (url, _):
        done = audit(url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("nothing is known of what it was asked") == 2
