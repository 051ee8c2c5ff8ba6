"""A lease over a real socket: taken by the command's side of it, held by the daemon's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.test_pressing import BAD, GOOD, Bench
from watchdog.app.leases import SETTLING
from watchdog.core.model import NoteKind, Phase
from watchdog.deploy.lease import Lease, LeaseRefusedError
from watchdog.web.control_socket import ControlSocket

pytestmark = pytest.mark.adapter


class Said(list[str]):
    """What a lease says of itself."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()

    def __call__(self, text: str) -> None:
        self.append(text)
        self._bell.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(5):
            while not self or self[-1] != text:
                self._bell.clear()
                await self._bell.wait()


@dataclass
class Place:
    """A daemon over one service, and its socket."""

    path: Path
    bench: Bench
    said: Said = field(default_factory=Said)

    def lease(self, name: str = "api", seconds: float = 60.0, user: str = "kim") -> Lease:
        return Lease(self.path, name, user, seconds, self.said)

    async def until(self, phase: Phase) -> None:
        async with asyncio.timeout(5):
            while self.bench.state.phase is not phase:
                await self.bench.worker.turned()

    @property
    def released(self) -> list[str]:
        return [text for kind, text, _ in self.bench.timeline if kind is NoteKind.RELEASED]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Place]:
    bench = Bench(health=GOOD)
    async with bench.watching() as api, ControlSocket(path, api.calls(), api.holds()):
        yield Place(path, bench)


async def call(path: Path, call: str, /, **arguments: Any) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(json.dumps({"call": call, "arguments": arguments}).encode() + b"\n")
    reply: dict[str, Any] = json.loads(await reader.readline())
    writer.close()
    return reply


async def test_a_lease_is_held_until_it_is_ended_and_the_service_is_then_judged_anew(
    path: Path,
) -> None:
    async with watching(path) as place:
        lease = place.lease()
        assert await lease.take()
        assert place.bench.state.phase is Phase.MAINTENANCE
        [shown] = (await call(path, "check"))["result"]["services"]
        assert shown["maintenance"]["deploy"] is True
        judged = await lease.end("done")
        assert judged is not None
        assert (judged["phase"], judged["code"]) == ("healthy", 0)
        assert place.released[0].endswith(" over: done")


async def test_a_command_that_dies_ends_its_lease_and_what_is_broken_is_told(path: Path) -> None:
    async with watching(path) as place:
        lease = place.lease()
        await lease.take()
        place.bench.health = BAD
        lease.drop()
        await place.until(Phase.FAILING)
        assert place.released[0].endswith(" over: its command is gone")
        assert [alert.kind.value for alert in place.bench.list_store.alerts] == ["firing"]


async def test_a_second_deploy_is_refused_by_the_name_of_the_first(path: Path) -> None:
    async with watching(path) as place:
        first = place.lease()
        await first.take()
        owner = place.bench.state.maintenance and place.bench.state.maintenance.owner
        with pytest.raises(LeaseRefusedError, match=f"a deploy by {owner} is under way") as caught:
            await place.lease().take()
        assert caught.value.code == 4
        assert place.bench.state.phase is Phase.MAINTENANCE
        await first.end("done")


@pytest.mark.parametrize("name", ["restart", "resume"])
async def test_what_would_disturb_a_deploy_is_refused(path: Path, name: str) -> None:
    async with watching(path) as place:
        lease = place.lease()
        await lease.take()
        reply = await call(path, name, name="api")
        assert reply["code"] == 4
        assert reply["error"].startswith(f"cannot {name} api: a deploy by ")
        assert place.bench.control.restarts == 0
        await lease.end("done")


async def test_a_lease_is_held_only_once_a_restart_of_the_daemons_own_is_over(path: Path) -> None:
    async with watching(path) as place:
        place.bench.control.gate.clear()
        restarting = asyncio.ensure_future(call(path, "restart", name="api"))
        await place.bench.control.begun.wait()
        lease = place.lease()
        taking = asyncio.ensure_future(lease.take())
        await place.until(Phase.MAINTENANCE)
        assert not taking.done()
        place.bench.control.gate.set()
        assert await taking
        await lease.end("done")
        await restarting


async def test_a_lease_ends_when_its_time_is_over_though_the_connection_lives(path: Path) -> None:
    async with watching(path) as place:
        lease = place.lease(seconds=60)
        await lease.take()
        await place.bench.clock.advance(61)
        await place.until(Phase.HEALTHY)
        over = "the lease of api is over: its time has run out; going on without a lease"
        await place.said.until(over)
        assert await lease.end("done") is None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": "web", "id": "1", "seconds": 60}, "cannot deploy web: the daemon does not"),
        ({"name": "api", "id": "", "seconds": 60}, "cannot lease api: expected an id"),
        ({"name": "api", "id": "1", "seconds": 1e9}, "cannot lease api: expected an id"),
        ({"name": "api", "id": "1", "seconds": float("nan")}, "cannot"),
        ({"name": "api"}, "cannot lease: bad arguments"),
    ],
)
async def test_a_lease_that_makes_no_sense_is_refused(
    path: Path, arguments: dict[str, Any], error: str
) -> None:
    async with watching(path) as place:
        reply = await call(path, "lease", **arguments)
        assert reply["error"].startswith(error)
        assert reply["code"] == 2
        assert place.bench.state.phase is Phase.HEALTHY


async def test_words_that_nobody_understands_end_the_lease(path: Path) -> None:
    async with watching(path) as place:
        reader, writer = await asyncio.open_unix_connection(str(path))
        request = {"call": "lease", "arguments": {"name": "api", "id": "1", "seconds": 60}}
        writer.write(json.dumps(request).encode() + b"\n")
        await reader.readline()
        writer.write(b"[1, 2\n")
        assert json.loads(await reader.readline())["result"]["phase"] == "healthy"
        writer.close()
        assert place.bench.state.phase is Phase.HEALTHY


async def test_a_lease_is_taken_again_from_a_daemon_that_has_come_back(path: Path) -> None:
    async with watching(path) as first:
        lease = first.lease()
        await lease.take()
        assert first.released == []
    async with watching(path) as second:
        await first.said.until("the daemon is back: lease held")
        assert second.bench.state.phase is Phase.MAINTENANCE
        assert await lease.end("done") is not None
    assert first.said[0].startswith("the daemon has gone")
    assert first.released == [], "a daemon that stops ends no lease"


async def test_without_a_daemon_there_is_no_lease_until_one_runs(path: Path) -> None:
    words = Said()
    lease = Lease(path, "api", "kim", 60.0, words)
    assert not await lease.take()
    async with watching(path) as place:
        await words.until("the daemon runs now: lease held")
        assert place.bench.state.phase is Phase.MAINTENANCE
        await lease.end("done")


async def test_a_daemon_that_is_still_setting_up_is_waited_for(path: Path) -> None:
    async with watching(path) as place:
        place.bench.applied.clear()
        lease = place.lease()
        taking = asyncio.ensure_future(lease.take())
        await asyncio.wait({taking}, timeout=0.05)
        assert not taking.done()
        assert SETTLING > 1
        place.bench.applied.set()
        assert await taking
        await lease.end("done")
