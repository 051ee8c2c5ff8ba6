"""The daemon's life: start, reload, stop, and what systemd is told meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import structlog

import watchdog
from watchdog import places
from watchdog.app import log as logging
from watchdog.app.alive import prove_life
from watchdog.app.alone import alone
from watchdog.app.api import Api
from watchdog.app.assemble import Assembly
from watchdog.app.children import follow_children_without_threads, start_children_without_vfork
from watchdog.app.engine import Engine
from watchdog.app.garbage import settle
from watchdog.app.loop import new_loop
from watchdog.app.readiness import Readiness, watchdog_period
from watchdog.app.self_check import refuse_foreign_package
from watchdog.clock import HostClock
from watchdog.config import Config, load
from watchdog.core.telling import Notice
from watchdog.errors import ConfigError, WatchdogError
from watchdog.evidence.redact import Redactor
from watchdog.store.durable import DurableStore
from watchdog.store.sqlite import SqliteStore
from watchdog.web.control_socket import ControlSocket

log = structlog.get_logger()

RETRY_STORE = 5.0
"""Seconds between two attempts at a disk that does not take what it is given."""

STATUS_GAP = 0.1
"""Seconds between two sentences for ``systemctl status``."""

PRUNE = 6 * 3600.0
"""Seconds between two looks for history that is too old to keep."""


def run(path: Path) -> int:
    """Run the daemon until SIGTERM or SIGINT and return its exit code.

    Raises WatchdogError for what keeps it from starting, ConfigError among them.
    """
    refuse_foreign_package()
    faulthandler.enable()  # systemd's watchdog sends SIGABRT: the journal then has the stack
    environ = dict(os.environ)
    config = load(path, environ)
    _withhold(config)
    redactor = Redactor()
    redactor.configure(known=config.secrets())
    logging.set_up(config.daemon.log, redactor.known)
    follow_children_without_threads()
    start_children_without_vfork()
    with alone((config.daemon.state_dir, config.daemon.runtime_dir)):
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(_Daemon(path, config, environ, redactor).serve())
        except ExceptionGroup as group:  # of the task group that the daemon opens itself in
            raise _own_words(group) or group from None
    return 0


def _withhold(config: Config) -> None:
    """Take secrets out of the environment: whatever is started from here on inherits it."""
    for name in config.variables:
        os.environ.pop(name, None)


def _own_words(group: ExceptionGroup[Exception]) -> Exception | None:
    """Return the one error of *group* if it is ours, told in words; None: a traceback is due."""
    inner: Exception = group
    while isinstance(inner, ExceptionGroup) and len(inner.exceptions) == 1:
        inner = inner.exceptions[0]
    return inner if isinstance(inner, WatchdogError) else None


class _Daemon:
    def __init__(
        self, path: Path, config: Config, environ: Mapping[str, str], redactor: Redactor
    ) -> None:
        self._path = path
        self._config = config
        self._environ = environ  # as it was at the start, secrets included
        self._redactor = redactor
        self._readiness = Readiness()
        self._clock = HostClock()
        self._hangup = asyncio.Event()

    async def serve(self) -> None:
        """Serve until a signal cancels this very task; everything ends in reverse order."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        loop = asyncio.get_running_loop()
        stopped = False

        def stop() -> None:
            nonlocal stopped
            if not stopped:  # a second signal must not cut the orderly end short
                stopped = True
                self._readiness.stopping()
                task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        try:
            async with self._opened() as engine:
                try:
                    await self._watch(engine)
                except asyncio.CancelledError:
                    if stopped:
                        await engine.heart.farewell()
                    raise
        except asyncio.CancelledError:
            if not stopped:
                raise
            log.info("stopped")

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Engine]:
        """Open store, bus, tasks and control socket, in this order."""
        daemon = self._config.daemon
        async with contextlib.AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                DurableStore(SqliteStore(Path(daemon.state_dir) / places.DATABASE))
            )
            assembly = await stack.enter_async_context(
                Assembly(daemon, self._clock, self._redactor)
            )
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            engine = Engine(assembly, store, self._clock, tasks)
            api = Api(engine)
            socket = ControlSocket(
                Path(daemon.runtime_dir) / places.SOCKET, api.calls(), api.holds()
            )
            await stack.enter_async_context(socket)
            store.watch(engine.changed.set)
            tasks.create_task(self._tell_status(engine), name="status")
            tasks.create_task(self._keep_store(store), name="store")
            yield engine

    async def _watch(self, engine: Engine) -> None:
        await engine.apply(self._config)
        await self._pass_on_notices(engine)
        # Ten thousand services take systemd itself a minute to tell of.
        await engine.first_rounds(lambda: self._readiness.starting(self._clock.now().mono))
        settle(len(self._config.services))
        self._readiness.status(engine.sentence())
        self._readiness.ready()
        log.info(
            "watching",
            version=watchdog.__version__,
            services=len(self._config.services),
            channels=list(engine.channels.destinations),
        )
        await engine.heart.apply(self._config, engine.health)
        async with asyncio.TaskGroup() as tasks:
            if (period := watchdog_period()) is not None:
                proof = prove_life(self._clock, period, engine.stuck, self._readiness.alive)
                tasks.create_task(proof, name="life")
            tasks.create_task(self._watch_notices(engine), name="notices")
            tell = partial(self._tell, engine)
            tasks.create_task(engine.sight.watch(self._clock, tell), name="sight")
            while True:
                await self._hangup.wait()
                self._hangup.clear()
                await self._reload(engine)

    async def _reload(self, engine: Engine) -> None:
        """Swap in a configuration that validates; otherwise keep the old one and say so."""
        self._readiness.reloading()
        try:
            config = load(self._path, self._environ)
        except ConfigError as error:
            first, more = error.problems[0], len(error.problems) - 1
            rest = f" (and {more} more)" if more else ""
            engine.reload_trouble = f"cannot reload: {first}{rest}; the old configuration stays"
            log.error(  # noqa: TRY400 - the problems say all; a traceback would bury them
                "cannot reload; the old configuration stays", problems=error.problems
            )
        else:
            engine.reload_trouble = ""
            _withhold(config)
            if config.daemon != self._config.daemon:
                log.warning("the table [daemon] has changed; it takes effect at the next start")
            self._config = config
            await engine.apply(config)
            await engine.heart.apply(config, engine.health)
            settle(len(config.services))
            log.info("reloaded", services=len(config.services))
        self._readiness.status(engine.sentence())
        self._readiness.ready()

    # --- tasks ----------------------------------------------------------------------------------

    async def _tell_status(self, engine: Engine) -> None:
        while True:
            await engine.changed.wait()
            engine.changed.clear()
            self._readiness.status(engine.sentence())
            # The sentence looks at every service: not again for each one of a storm.
            await self._clock.sleep_until(self._clock.now().mono + STATUS_GAP)

    async def _watch_notices(self, engine: Engine) -> None:
        """Tell people what happens to the database, and the log when it is in trouble."""
        happened, trouble = asyncio.Event(), ""
        engine.store.watch(happened.set)
        while True:
            await self._pass_on_notices(engine)
            before, trouble = trouble, engine.store.trouble
            if trouble and trouble != before:
                log.warning("database in trouble", reason=trouble)
            elif before and not trouble:
                log.info("database works again")
            await happened.wait()
            happened.clear()

    async def _pass_on_notices(self, engine: Engine) -> None:
        for notice in engine.store.take_notices():
            await self._tell(engine, notice)

    async def _tell(self, engine: Engine, notice: Notice) -> None:
        log.error(notice.text)
        await engine.give_notice(notice)

    async def _keep_store(self, store: DurableStore) -> None:
        """Bring to disk what is only in memory as soon as it can be, and forget what is old."""
        while True:
            try:
                await asyncio.wait_for(store.troubled.wait(), PRUNE)
            except TimeoutError:
                await store.prune(self._clock.now())
            else:
                await self._clock.sleep_until(self._clock.now().mono + RETRY_STORE)
                await store.retry()
