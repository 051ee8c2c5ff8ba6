"""A WSGI application that behaves as the one of asgi.py, for gunicorn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from tests.host.peers.asgi import POSTED

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    time.sleep(float(parse_qs(environ["QUERY_STRING"]).get("delay", ["0"])[0]))
    if environ["REQUEST_METHOD"] == "POST":
        with POSTED.open("ab") as file:
            file.write(body + b"\n")
    answer = b"healthy" if environ["PATH_INFO"] == "/health" else body or b"hello"
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
