"""From a service to what gathers its evidence: which kinds there are of it, in a reader's order.

What reads files, /proc or the kernel's tables does so in threads of its own (thread.py): on a host
in trouble each of these can hang. Imported only where needed: psutil comes with the first failure.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from watchdog.core.service import (
    CommandControl,
    HttpCheck,
    PortCheck,
    ProcessControl,
    Service,
    UnitControl,
)
from watchdog.evidence.gathering import Gathering, Read, Source
from watchdog.evidence.redact import Redactor
from watchdog.thread import in_thread

_HANGS = 1.6  # seconds; by then a gathering is as good as over, and a command has been killed


class LastAnswer:
    """The last failing answer of a health check; implements probes.answer.Keep."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: Sequence[str] = ()

    def __call__(self, lines: Sequence[str]) -> None:
        """Keep *lines*."""
        self._lines = lines

    async def read(self, _run: str, _pid: int | None) -> Sequence[str]:
        """Return it."""
        return self._lines


class Collector:
    """Gathers the evidence of *service*; *answer* is filled by its health check.

    What reads each kind is put together at the first trouble: most services never have any.
    """

    __slots__ = ("_answer", "_gathering", "_redactor", "_runtime_dir", "_service")

    def __init__(
        self, service: Service, redactor: Redactor, runtime_dir: Path, answer: LastAnswer
    ) -> None:
        self._service = service
        self._redactor = redactor
        self._runtime_dir = runtime_dir
        self._answer = answer
        self._gathering: Gathering | None = None

    async def __call__(self, run: str, pid: int | None) -> Sequence[str]:
        """Return what is to be had of *run*; *pid* is its main process, None once that is dead."""
        if self._gathering is None:
            self._gathering = _gathering(
                self._service, self._redactor, self._runtime_dir, self._answer
            )
        return await self._gathering(run, pid)


def _gathering(
    service: Service, redactor: Redactor, runtime_dir: Path, answer: LastAnswer
) -> Gathering:
    sources = [
        *_of_the_answer(service, answer),
        *_of_the_run(service, runtime_dir),
        *(
            Source(f"last lines of {path}", _in_thread(_log(path)))
            for path in service.evidence.logs
        ),
        *_of_commands(service),
        *_of_the_process(service),
        Source("host", _in_thread(_host)),
    ]
    return Gathering(sources, redactor, blind=isinstance(service.control, CommandControl))


def _of_the_answer(service: Service, answer: LastAnswer) -> Iterator[Source]:
    for check in service.checks:
        if isinstance(check, HttpCheck):
            yield Source(f"answer of {urlsplit(check.url).path or '/'}", answer.read)


def _of_the_run(service: Service, runtime_dir: Path) -> Iterator[Source]:
    """Yield what outlives the process: what the kernel and the service itself wrote down."""
    match service.control:
        case UnitControl(unit):
            from watchdog.evidence.journal import journal_lines
            from watchdog.evidence.oom import OomKills, kernel_oom_lines

            kills = OomKills()

            async def journal(run: str, pid: int | None) -> Sequence[str]:
                lines = await journal_lines(unit, run)
                # Of a living process its own cgroup tells.
                if pid is None and kills.are_new():
                    return [*lines, *await kernel_oom_lines(unit)]
                return lines

            yield Source("journal, last lines", journal)
        case ProcessControl():
            path = str(runtime_dir / f"{service.name}.log")
            yield Source("its output, last lines", _in_thread(_output(path)))
        case CommandControl():
            pass


def _of_commands(service: Service) -> Iterator[Source]:
    for command in service.evidence.commands:
        yield Source(f"$ {' '.join(command)}", _command(command, service), volatile=True)


def _of_the_process(service: Service) -> Iterator[Source]:
    yield Source("processes", _in_thread(_processes), volatile=True)
    port = _port(service)
    if port is not None:
        yield Source(f"port {port}", _in_thread(_listeners(port)), volatile=True)


def _port(service: Service) -> int | None:
    """Return the port that *service* is reached at, on this host as far as we know."""
    for check in service.checks:
        if isinstance(check, PortCheck):
            return check.port
        url = urlsplit(check.url)
        if url.hostname in {"localhost", "127.0.0.1", "::1"}:
            return url.port or (443 if url.scheme == "https" else 80)
    return None


# --- each kind, called in a thread ----------------------------------------------------------------

_Blocking = Callable[[int | None], Sequence[str]]


def _in_thread(read: _Blocking) -> Read:
    """Return *read* in threads that do not pile up where one hangs, as on a server that is gone."""
    under_way: dict[object, float] = {}  # -> when it began

    async def run(_run: str, pid: int | None) -> Sequence[str]:
        now = time.monotonic()
        waiting = now - min(list(under_way.values()), default=now)  # threads take out of it
        if waiting > _HANGS:  # a younger one may be of a gathering that this one overlaps
            return [f"still waiting since {waiting:.0f} s; not asked again until that ends"]
        mark = object()
        under_way[mark] = now

        def marked() -> Sequence[str]:
            try:
                return read(pid)
            finally:
                del under_way[mark]

        return await in_thread(marked)

    return run


def _processes(pid: int | None) -> Sequence[str]:
    from watchdog.evidence.cgroup import memory_lines
    from watchdog.evidence.process import process_snapshot

    return [*memory_lines(pid), *process_snapshot(pid)] if pid is not None else ()


def _host(_pid: int | None) -> Sequence[str]:
    from watchdog.evidence.host import host_lines

    return host_lines()


def _listeners(port: int) -> _Blocking:
    def read(_pid: int | None) -> Sequence[str]:
        from watchdog.probes.listeners import listener_lines

        return listener_lines(port)

    return read


def _log(path: str) -> _Blocking:
    def read(_pid: int | None) -> Sequence[str]:
        from watchdog.evidence.logfile import log_lines

        return log_lines(Path(path))

    return read


def _output(path: str) -> _Blocking:
    def read(_pid: int | None) -> Sequence[str]:
        from watchdog.evidence.logfile import last_lines

        return last_lines(Path(path))

    return read


def _command(command: Sequence[str], service: Service) -> Read:
    known = {"service": service.name}
    port = next((each.port for each in service.checks if isinstance(each, PortCheck)), None)
    if port is not None:
        known["port"] = str(port)

    def read(pid: int | None) -> Sequence[str]:
        from watchdog.evidence.command import command_lines, filled_in

        values = known if pid is None else known | {"main_pid": str(pid)}
        words = filled_in(command, values)
        if any("{main_pid}" in word for word in words):
            return ["not run: nobody knows the main process"]
        return command_lines(words)

    return _in_thread(read)
