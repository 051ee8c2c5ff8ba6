"""The instance metadata service of EC2, as strict as the real one where only IMDSv2 is allowed.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

LONGEST_LIFE = 21_600  # seconds of a token
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


@dataclass
class Imds:
    """The service of one instance; ``mode`` has it misbehave."""

    instance: str = "i-0123456789abcdef0"
    region: str = "eu-central-1"
    public: str = ""  # empty: 404
    others: tuple[str, ...] = ()  # public addresses of the second interface
    role: str = ""
    keys: tuple[str, str] = ("AKIAIMDS", "secret-of-imds")
    mode: str = "ok"  # "hop limit", "off", "drips", "web page", "redirect"
    requests: list[str] = field(default_factory=list)
    port: int = 0
    _end: asyncio.Event = field(default_factory=asyncio.Event)
    _tokens: dict[str, float] = field(default_factory=dict)  # until when each is good

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append(f"{request.method} {request.path}")
        match self.mode:
            case "hop limit":  # the answer to PUT dies on its way
                await self._end.wait()
            case "off":
                return _refused(HTTPStatus.FORBIDDEN)
            case "web page":  # of a captive portal
                return web.Response(text="<html>welcome</html>")
            case "redirect":
                raise web.HTTPFound("http://127.0.0.1:9/latest/api/token")
            case "drips":
                return await self._drip(request)
        return self._answer(request)

    def _answer(self, request: web.BaseRequest) -> web.Response:
        if "X-Forwarded-For" in request.headers:  # it came by a proxy
            return _refused(HTTPStatus.FORBIDDEN)
        is_token = request.path == "/latest/api/token"
        if request.method != ("PUT" if is_token else "GET"):
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED)
        if is_token:
            return self._token(request)
        if self._tokens.get(request.headers.get(TOKEN, ""), 0) < time.monotonic():
            return _refused(HTTPStatus.UNAUTHORIZED)
        text = self._known().get(request.path.removeprefix("/latest/meta-data/"), "")
        return web.Response(text=text) if text else _refused(HTTPStatus.NOT_FOUND)

    def _token(self, request: web.BaseRequest) -> web.Response:
        life = request.headers.get(TTL, "")
        if not life.isdigit() or not 1 <= int(life) <= LONGEST_LIFE:
            return _refused(HTTPStatus.BAD_REQUEST)
        token = secrets.token_urlsafe(40)
        self._tokens[token] = time.monotonic() + int(life)
        return web.Response(text=token, headers={TTL: life})

    def _known(self) -> dict[str, str]:
        known = {
            "instance-id": self.instance,
            "placement/region": self.region,
            "placement/availability-zone": f"{self.region}a",
            "public-ipv4": self.public,
            "network/interfaces/macs/": f"{MACS[0]}/\n{MACS[1]}/",
            f"network/interfaces/macs/{MACS[0]}/public-ipv4s": self.public,
            f"network/interfaces/macs/{MACS[1]}/public-ipv4s": "\n".join(self.others),
            "iam/security-credentials/": self.role,
        }
        if self.role:
            key, secret = self.keys
            known[f"iam/security-credentials/{self.role}"] = json.dumps(
                {
                    "Code": "Success",
                    "Type": "AWS-HMAC",
                    "AccessKeyId": key,
                    "SecretAccessKey": secret,
                    "Token": "session",
                    "Expiration": "2099-01-01T00:00:00Z",
                }
            )
        return known

    async def _drip(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):  # the other side has heard enough
            while not self._end.is_set():
                await response.write(b"x")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._end.wait(), 0.05)
        return response

    @asynccontextmanager
    async def serve(self, sock: socket.socket | None = None) -> AsyncIterator[Imds]:
        """Serve on *sock*, or on a free port of the loopback, until the context ends."""
        sock = sock or socket.create_server(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        runner = web.ServerRunner(web.Server(self.take), shutdown_timeout=1)
        await runner.setup()
        try:
            await web.SockSite(runner, sock).start()
            yield self
        finally:
            self._end.set()
            await runner.cleanup()


def _refused(status: HTTPStatus) -> web.Response:
    return web.Response(status=status, text=f"{status} - {status.phrase}", content_type="text/html")
