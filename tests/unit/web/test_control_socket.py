"""The control socket: what it answers to calls, and to what is none."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from watchdog.errors import StoreError
from watchdog.web import control_socket
from watchdog.web.control_socket import ControlSocket, RefusalError

ME = pwd.getpwuid(os.getuid()).pw_name


async def echo(arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
    return {"caller": caller, **arguments}


async def refuse(_arguments: Mapping[str, Any], _caller: str) -> None:
    raise RefusalError("cannot resume api: it is not paused", 1)


async def find_the_disk_full(_arguments: Mapping[str, Any], _caller: str) -> None:
    raise StoreError("cannot read state.db: database or disk is full; make room")


async def stumble(_arguments: Mapping[str, Any], _caller: str) -> None:
    raise KeyError("oops")


@asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    calls = {"echo": echo, "refuse": refuse, "full": find_the_disk_full, "stumble": stumble}
    async with ControlSocket(path, calls):
        yield path
    assert not path.exists()


async def ask(path: Path, request: str) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request.encode() + b"\n")
    reply: dict[str, Any] = json.loads(await reader.read())
    writer.close()
    return reply


async def test_a_call_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        reply = await ask(path, '{"call": "echo", "arguments": {"name": "api"}}')
    assert reply == {"result": {"caller": ME, "name": "api"}}


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        ("refuse", "cannot resume api: it is not paused", 1),
        ("full", "cannot read state.db: database or disk is full; make room", 3),
        ("reboot", "cannot reboot: no such call; there are echo, refuse, full, stumble", 2),
    ],
)
async def test_what_cannot_be_done_is_said_in_its_own_words(
    tmp_path: Path, call: str, error: str, code: int
) -> None:
    async with serving(tmp_path) as path:
        with capture_logs() as logs:
            reply = await ask(path, json.dumps({"call": call}))
    assert reply == {"error": error, "code": code}
    assert logs == []


async def test_a_mistake_of_ours_is_logged_and_the_next_call_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        with capture_logs() as logs:
            reply = await ask(path, '{"call": "stumble"}')
        assert (await ask(path, '{"call": "echo"}'))["result"] == {"caller": ME}
    assert reply == {"error": "cannot stumble: KeyError('oops')", "code": 3}
    assert [line["call"] for line in logs] == ["stumble"]


async def test_half_a_line_is_waited_for_so_long_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_socket, "PATIENCE", 0.01)
    async with serving(tmp_path) as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"call": "ec')
        reply = json.loads(await reader.read())
        writer.close()
    error = "cannot read the request: no end of the line within 0.01 s"
    assert reply == {"error": error, "code": 2}


async def test_brackets_without_end_are_no_request(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        reply = await ask(path, '{"call": "echo", "arguments": {"a": ' + "[" * 5000)
        assert (await ask(path, '{"call": "echo"}'))["result"] == {"caller": ME}
    assert reply["error"].startswith("cannot read the request: ")


@pytest.mark.parametrize(
    ("claimed", "named"), [("kim", "kim"), ("", ME), ("kim\nroot", ME), ("k" * 65, ME)]
)
async def test_who_cannot_be_known_is_believed_if_it_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claimed: str, named: str
) -> None:
    monkeypatch.setattr(control_socket, "OVERFLOW_UID", os.getuid())
    async with serving(tmp_path) as path:
        reply = await ask(path, json.dumps({"call": "echo", "user": claimed}))
    assert reply["result"]["caller"] == named


async def test_a_socket_left_behind_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control.sock"))
    async with serving(tmp_path) as path:
        assert "result" in await ask(path, '{"call": "echo"}')
