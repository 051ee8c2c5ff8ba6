"""A short story that a daemon lives through: a service fails, is restarted, and is well again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aiohttp import web

from tests.unit.faults.mortal import Order
from tests.unit.notify.receiver import SECRET, Receiver

CONFIG = """
[[service]]
name    = "api"
command = ["/bin/sh", "-c", '''{service}''']
health  = "http://127.0.0.1:{port}/health"

[defaults]
interval          = "1s"
fast_interval     = "100ms"
recovery_interval = "100ms"
start_timeout     = "1s"
restart_after     = {{ http = 1 }}
max_failures      = 1
flap_window       = "0s"

[webhook]
url    = "http://127.0.0.1:{port}{path}"
secret = "{secret}"

[daemon]
state_dir   = "{directory}/state"
runtime_dir = "{directory}/run"
"""

# It writes down each start, and whether another run of it was still alive.
SERVICE = """echo start >>{directory}/starts
exec 9>{directory}/alone
flock --nonblock 9 || echo second >>{directory}/starts
exec sleep infinity"""

PATH = "/alerts/canary-4711"
SECONDS = 50.0


@dataclass
class Story:
    """What became of one; *dies_when_told* counts what its receiver was told, in half-steps."""

    directory: Path
    point: int = 0
    lives: int = 1
    dies_when_told: int = 0
    """An odd number: a request came and is not taken; an even one: it was, and is not answered."""
    daemons: list[int] = field(default_factory=list)
    receiver: Receiver = field(default_factory=Receiver)
    status: str = ""
    _asked: int = 0
    _told: int = 0

    @property
    def starts(self) -> list[str]:
        """Return what the service wrote down."""
        return (self.directory / "starts").read_text().split()

    @property
    def survived(self) -> bool:
        """Tell whether no point of death came."""
        return len(self.daemons) == 1

    @property
    def told(self) -> list[str]:
        """Return the kinds of alerts that the receiver took, each as often as it came."""
        return [body["type"] for body in self.receiver.bodies]

    @property
    def keys(self) -> list[str]:
        """Return the ids of what the receiver took."""
        return [headers["webhook-id"] for headers, _ in self.receiver.taken]

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Return what the database holds in the end."""
        with closing(sqlite3.connect(self.directory / "state/state.db")) as database:
            return database.execute(query).fetchall()

    # --- what the daemon meets ------------------------------------------------------------------

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/health":
            self._asked += 1
            is_sick = self._asked > 1 and len(self.starts) == 1
            return web.json_response({"status": "healthy"}, status=500 if is_sick else 200)
        self._die_if_due()
        reply = await self.receiver.handle(request)
        self._die_if_due()
        return reply

    def _die_if_due(self) -> None:
        self._told += 1
        if self._told == self.dies_when_told:
            os.kill(self.daemons[-1], signal.SIGKILL)

    # --- its course -----------------------------------------------------------------------------

    async def tell(self, zygote: asyncio.subprocess.Process) -> None:
        """Have the daemon live through it, to its end."""
        for name in ("state", "run"):
            (self.directory / name).mkdir(parents=True)
        ended = asyncio.Event()

        async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async for line in reader:
                if line.startswith(b"ended"):
                    self.status = line.decode().strip()
                else:
                    self.daemons.append(int(line))
            writer.close()
            await writer.wait_closed()
            ended.set()

        runner = web.ServerRunner(web.Server(self.answer), shutdown_timeout=1)
        await runner.setup()
        sock = socket.create_server(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        tidings = str(self.directory / "tidings")
        try:
            await web.SockSite(runner, sock).start()
            async with await asyncio.start_unix_server(follow, tidings):
                order = Order(self._configure(port), tidings, port, self.point, self.lives)
                assert zygote.stdin is not None
                zygote.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
                try:
                    async with asyncio.timeout(SECONDS):
                        await ended.wait()
                finally:
                    self._end()
                    await ended.wait()
        finally:
            await runner.cleanup()

    def _configure(self, port: int) -> str:
        config = self.directory / "config.toml"
        config.touch(0o600)
        config.write_text(
            CONFIG.format(
                service=SERVICE.format(directory=self.directory),
                directory=self.directory,
                port=port,
                path=PATH,
                secret=SECRET,
            )
        )
        return str(config)

    def _end(self) -> None:
        if not self.status and self.daemons:  # the story never came to its end
            os.kill(self.daemons[-1], signal.SIGTERM)


@asynccontextmanager
async def daemons(log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the program that runs daemons; what they log goes to *log*."""
    with log.open("wb") as file:
        zygote = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.unit.faults.mortal"),
            stdin=asyncio.subprocess.PIPE,
            stderr=file,
        )
    assert zygote.stdin is not None
    try:
        yield zygote
    finally:
        zygote.stdin.close()
        await zygote.wait()
