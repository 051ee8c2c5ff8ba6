"""The demo's web service: answers /health, with nothing but the standard library."""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STARTED = time.monotonic()


class Health(BaseHTTPRequestHandler):
    """Says that it is healthy."""

    def do_GET(self) -> None:
        """Answer any path."""
        uptime = round(time.monotonic() - STARTED, 3)
        body = json.dumps({"status": "healthy", "pid": os.getpid(), "uptime": uptime}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep quiet about each request."""


if __name__ == "__main__":
    print("listening on port", sys.argv[1], flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
