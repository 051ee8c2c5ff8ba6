"""What a command makes of an answer: it may quote anybody, and is shown to root."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from watchdog.cli.client import RefusedError, ask
from watchdog.web.control_socket import ControlSocket, RefusalError

HOSTILE = 'red \x1b[31m, title \x1b]0;pwned\x07, C1 \x9b2J, back \b\r, "\\u001b" 서비스\n'
SHOWN = 'red ?[31m, title ?]0;pwned?, C1 ?2J, back ??, "\\u001b" 서비스\n'


async def quote(_arguments: Mapping[str, Any], _caller: str) -> list[str]:
    return [HOSTILE]


async def refuse(_arguments: Mapping[str, Any], _caller: str) -> None:
    raise RefusalError(HOSTILE)


async def test_nothing_in_an_answer_can_give_orders_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with ControlSocket(path, {"quote": quote, "refuse": refuse}):
        assert await asyncio.to_thread(ask, path, "quote", {}) == [SHOWN]
        with pytest.raises(RefusedError) as refused:
            await asyncio.to_thread(ask, path, "refuse", {})
    assert str(refused.value) == SHOWN
