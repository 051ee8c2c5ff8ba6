"""A Slack of one's own: the Web API and incoming webhooks, strict as the real one, and its moods.

Runs inside a test host as a program, or in a test's own event loop:

    async with SlackServer() as slack:
        slack.behave("rate_limit", retry_after=2, count=1)
        …  # talk to slack.api_url with slack.TOKEN, or to slack.webhook_url
        [message] = await slack.wait_for_messages(1)
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import enum
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

from tests.host.peers.arrivals import WAIT_SECONDS, Arrivals
from tests.host.peers.lifetime import stopped
from tests.host.peers.record import Record, notify_ready
from tests.host.peers.slack_rules import Refused
from tests.host.peers.slack_socket import NoPressError, SocketMode
from tests.host.peers.slack_workspace import Json, Message, Taken, Workspace
from tests.host.peers.stamping import Arrival, StampingServer, arrival_of

HTML_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)

HOOK_STATUS = {"no_service": 404, "channel_not_found": 404}
"""How a webhook refuses, where it is not 400."""


class Mode(enum.StrEnum):
    """How the service is today."""

    OK = "ok"
    RATE_LIMIT = "rate_limit"
    ERROR_500 = "error500"
    HTML_502 = "html502"
    HANG = "hang"
    """Take the request and never answer."""
    DROP_BEFORE_ACCEPTING = "drop_before_accepting"
    """Cut the connection; the message is not posted."""
    DROP_AFTER_ACCEPTING = "drop_after_accepting"
    """Post the message and cut the connection instead of answering."""
    HANG_AFTER_ACCEPTING = "hang_after_accepting"
    """Post the message and never answer."""
    GARBAGE = "garbage"
    """Answer with status 200 and something that is no JSON; the message is not posted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived, and what became of it."""

    method: str
    """chat.postMessage, …; or webhook."""
    outcome: str
    """ok, duplicate, the error's name, or the mode that kept it from being handled."""
    body: Json
    arrival: Arrival
    channel: str = ""
    ts: str = ""
    duplicate: bool = False
    """Its client_msg_id was posted before."""


class SlackServer:
    """Slack on the loopback interface, or on the listening socket *sock*; see Workspace."""

    TOKEN = "xoxb-0000000000-test"
    APP_TOKEN = SocketMode.APP_TOKEN
    CHANNEL = "#ops"
    CHANNEL_ID = "C0123456789"
    HOOK = "/services/T000/B000/XXX"

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        sock: socket.socket | None = None,
        record: Path | None = None,
        channels: Mapping[str, str] | None = None,
        dedup: bool = False,
        one_per_second: bool = False,
    ) -> None:
        self.requests: list[Request] = []
        """All that arrived, in the order of their answers."""
        self.workspace = Workspace(
            channels or {self.CHANNEL_ID: self.CHANNEL.removeprefix("#")},
            dedup=dedup,
            one_per_second=one_per_second,
        )
        self.socket_mode = SocketMode(self.workspace)
        self._address = (host, port)
        self._given_sock = sock
        self._record_path = record
        self._record = Record()
        self._mode = Mode.OK
        self._retry_after = 1
        self._count: int | None = None
        self._arrivals = Arrivals()
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._sock = self._given_sock or socket.create_server(self._address)
        self._record = Record(self._record_path)
        self._runner = web.ServerRunner(StampingServer(self._handle), shutdown_timeout=1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._sock).start()
        self.socket_mode.url = self.url
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        await self.socket_mode.end()
        await self._runner.cleanup()
        self._sock.close()
        self._record.close()

    @property
    def port(self) -> int:
        return int(self._sock.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://{self._address[0]}:{self.port}"

    @property
    def api_url(self) -> str:
        """The base_url of a Web API client."""
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        return self.url + self.HOOK

    @property
    def messages(self) -> list[Message]:
        """What is in the channels."""
        return self.workspace.messages

    def behave(self, mode: Mode | str, *, count: int | None = None, retry_after: int = 1) -> None:
        """Be in *mode* for the next *count* requests, or until told otherwise."""
        self._mode = Mode(mode)
        self._count = count
        self._retry_after = retry_after

    async def wait_for_messages(
        self,
        count: int,
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109
    ) -> list[Message]:
        """Return the messages as soon as there are *count*; TimeoutError if that takes too long."""
        return await self._arrivals.wait_for(self.messages, count, timeout)

    async def wait_for_requests(
        self,
        count: int,
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109
    ) -> list[Request]:
        """Return the requests as soon as there are *count*, the refused ones among them."""
        return await self._arrivals.wait_for(self.requests, count, timeout)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/link/":
            return await self._link(request)
        content = await request.read()
        arrival = arrival_of(request)
        if request.path.startswith("/_test/"):
            return await self._control(request, content)
        method = _method_of(request)
        if not method:
            return self._respond(request, content)
        if method == "apps.connections.open" and self.socket_mode.away:
            return _cut(request)
        body, unreadable = _body_of(request, content)

        mode = self._take_mode()
        if mode not in {Mode.OK, Mode.DROP_AFTER_ACCEPTING, Mode.HANG_AFTER_ACCEPTING}:
            outcome = "ratelimited" if mode is Mode.RATE_LIMIT else mode.value
            await self._note(Request(method, outcome, body, arrival))
            return await self._misbehave(mode, request)

        answer, noted = self._answer(request, method, body, unreadable, arrival)
        await self._note(noted)
        if mode is Mode.HANG_AFTER_ACCEPTING:
            await self._ending.wait()
        return answer if mode is Mode.OK else _cut(request)

    def _answer(
        self,
        request: web.BaseRequest,
        method: str,
        body: Json,
        unreadable: str,
        arrival: Arrival,
    ) -> tuple[web.Response, Request]:
        """Return the answer to the request, and what to remember of it."""
        try:
            taken = self._carry_out(request, method, body, unreadable, arrival)
        except Refused as refused:
            return _refusal(method, refused), Request(method, refused.error, body, arrival)
        noted = Request(
            method,
            taken.outcome,
            body,
            arrival,
            channel=taken.message.channel if taken.message else "",
            ts=taken.message.ts if taken.message else "",
            duplicate=taken.duplicate,
        )
        if method == "webhook":
            return web.Response(text="ok", content_type="text/html"), noted
        return web.json_response({"ok": True, **taken.answer}), noted

    def _carry_out(
        self,
        request: web.BaseRequest,
        method: str,
        body: Json,
        unreadable: str,
        arrival: Arrival,
    ) -> Taken:
        if method == "webhook":
            if request.path != self.HOOK:
                raise Refused("no_service")
            if unreadable:
                raise Refused("invalid_payload")
            return self.workspace.hook(body, arrival.monotonic)
        if unreadable:
            raise Refused(unreadable)
        self._check_token(request, method, body)
        if method == "apps.connections.open":
            return Taken(self.socket_mode.open())
        return self.workspace.call(method, body, arrival.monotonic)

    def _respond(self, request: web.BaseRequest, content: bytes) -> web.Response:
        """Take what an app posts to the response_url of a press."""
        if not request.path.startswith("/actions/"):
            return web.Response(status=404)
        body, _ = _body_of(request, content)
        try:
            self.socket_mode.respond(request.path, body)
        except Refused as refused:
            return web.json_response({"ok": False, "error": refused.error}, status=404)
        return web.json_response({"ok": True})

    def _check_token(self, request: web.BaseRequest, method: str, body: Json) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            # A form may carry its token, JSON may not.
            token = "" if request.content_type == "application/json" else body.get("token", "")
        if not token:
            raise Refused("not_authed")
        if token not in {self.TOKEN, self.APP_TOKEN}:
            raise Refused("invalid_auth")
        if (method == "apps.connections.open") != (token == self.APP_TOKEN):
            raise Refused("not_allowed_token_type")

    def _take_mode(self) -> Mode:
        mode = self._mode
        if self._count is not None:
            self._count -= 1
            if self._count <= 0:
                self._mode, self._count = Mode.OK, None
        return mode

    async def _misbehave(self, mode: Mode, request: web.BaseRequest) -> web.StreamResponse:
        match mode:
            case Mode.RATE_LIMIT:
                return _rate_limited(self._retry_after)
            case Mode.ERROR_500:
                return web.Response(status=500, text="Internal Server Error")
            case Mode.HTML_502:
                return web.Response(status=502, text=HTML_502, content_type="text/html")
            case Mode.GARBAGE:
                return web.Response(text="<!doctype html><title>Slack</title>")
            case Mode.HANG:
                await self._ending.wait()
        return _cut(request)

    async def _note(self, request: Request) -> None:
        self.requests.append(request)
        self._record.add(dataclasses.asdict(request))
        await self._arrivals.tell()

    async def _link(self, request: web.BaseRequest) -> web.StreamResponse:
        return _cut(request) if self.socket_mode.away else await self.socket_mode.serve(request)

    async def _control_socket(self, content: bytes) -> web.Response:
        """Press, disconnect and the like as a test says; tell how Socket Mode stands."""
        try:
            standing = await self.socket_mode.obey(json.loads(content or "{}"))
        except (NoPressError, TimeoutError) as error:
            return web.Response(status=409, text=f"{error}\n")
        return web.json_response({**standing, "ephemerals": self.workspace.ephemerals})

    async def _control(self, request: web.BaseRequest, content: bytes) -> web.Response:
        """Answer a test: /_test/mode says how to behave, the others show what arrived."""
        if request.path == "/_test/socket":
            return await self._control_socket(content)
        if request.path == "/_test/mode":
            try:
                self._obey(json.loads(content))
            except (AttributeError, TypeError, ValueError) as error:
                return web.Response(status=400, text=f"cannot change the mode: {error}\n")
            return web.json_response({"ok": True})
        count = int(request.query.get("count", "0"))
        timeout = float(request.query.get("timeout", WAIT_SECONDS))
        found: list[Message] | list[Request]
        try:
            match request.path:
                case "/_test/messages":
                    found = await self.wait_for_messages(count, timeout)
                case "/_test/requests":
                    found = await self.wait_for_requests(count, timeout)
                case _:
                    return web.Response(status=404)
        except TimeoutError:
            return web.Response(status=504, text=f"cannot show {count}: fewer came in time\n")
        return web.json_response([_as_json(each) for each in found])

    def _obey(self, wanted: dict[str, Any]) -> None:
        known = {"mode", "count", "retry_after", "dedup", "one_per_second", "refusals", "delete"}
        if unknown := wanted.keys() - known:
            raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
        if "mode" in wanted:
            self.behave(
                wanted["mode"],
                count=wanted.get("count"),
                retry_after=int(wanted.get("retry_after", 1)),
            )
        self.workspace.refusals = wanted.get("refusals", self.workspace.refusals)
        if "delete" in wanted:
            self.workspace.delete(wanted["delete"])
        for flag in wanted.keys() & {"dedup", "one_per_second"}:
            setattr(self.workspace, flag, bool(wanted[flag]))


def _as_json(found: Message | Request) -> Json:
    shown = dataclasses.asdict(found)
    if isinstance(found, Message):
        shown["in_channel"] = found.in_channel
    return shown


def _method_of(request: web.BaseRequest) -> str:
    """Return what is called: a method of the Web API, or webhook; empty if neither."""
    if request.path.startswith("/services/"):
        return "webhook"
    return request.path.removeprefix("/api/") if request.path.startswith("/api/") else ""


def _body_of(request: web.BaseRequest, content: bytes) -> tuple[Json, str]:
    """Return what the request says, and Slack's word for what is wrong with its form, if it is."""
    error = "invalid_json"
    try:
        match request.content_type:
            case "application/json":
                body = json.loads(content)
            case "application/x-www-form-urlencoded":
                error = "invalid_form_data"
                body = dict(parse_qsl(content.decode(), keep_blank_values=True))
                if "payload" in body:  # a webhook's form has its JSON in one field
                    body = json.loads(body["payload"])
            case _:
                known = "Content-Type" in request.headers
                return {}, "invalid_post_type" if known else "missing_post_type"
    except ValueError:
        return {}, error
    return (body, "") if isinstance(body, dict) else ({}, "json_not_object")


def _refusal(method: str, refused: Refused) -> web.Response:
    if refused.error == "ratelimited":
        return _rate_limited(1)
    if method == "webhook":
        status = HOOK_STATUS.get(refused.error, 400)
        return web.Response(status=status, text=refused.error, content_type="text/html")
    answer: Json = {"ok": False, "error": refused.error}
    if refused.reasons:
        answer["errors"] = refused.reasons
        answer["response_metadata"] = {"messages": [f"[ERROR] {each}" for each in refused.reasons]}
    return web.json_response(answer)  # the Web API refuses with status 200


def _rate_limited(retry_after: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"},
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection; the response that is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def serve(options: argparse.Namespace) -> None:
    async with SlackServer(
        options.port,
        host=options.host,
        record=options.record,
        dedup=options.dedup,
        one_per_second=options.one_per_second,
    ) as server:
        print(server.port, flush=True)
        notify_ready()
        await stopped()


def main() -> None:
    parser = argparse.ArgumentParser(description="A Slack of one's own.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; printed at start")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--record", type=Path, help="append each request to this file, as JSON")
    parser.add_argument("--dedup", action="store_true")
    parser.add_argument("--one-per-second", action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
