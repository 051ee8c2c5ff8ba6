"""``logs``: the journal, log files and nginx's logs as one, by time."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from watchdog import places
from watchdog.cli.options import Commands, add_client_options
from watchdog.errors import ConfigError

if TYPE_CHECKING:
    from watchdog.cli.log_lines import Printer
    from watchdog.config import Config
    from watchdog.core.service import Service
    from watchdog.logs.cleaning import Cleaner
    from watchdog.logs.journal import Journal
    from watchdog.logs.line import Line, Window
    from watchdog.logs.logfile import LogFile
    from watchdog.logs.merging import Once
    from watchdog.logs.sources import Sources
    from watchdog.logs.tail import Tail

_LAST = 50  # lines, if nothing else is asked for
_MOST = 1_000_000
_BEFORE, _AFTER = 60.0, 30.0  # seconds round an incident


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "show the journal, log files and nginx's logs of a service, merged by time"
    logs = commands.add_parser("logs", help=text, description=text)
    logs.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument(
        "-n", "--lines", type=int, metavar="N", help=f"only the last N lines (default: {_LAST})"
    )
    logs.add_argument("--since", metavar="WHEN", help='as in 10m, "2026-11-23 07:00", yesterday')
    logs.add_argument("--until", metavar="WHEN", help="the same")
    logs.add_argument("--incident", metavar="ID", help="from a minute before it began to its end")
    logs.add_argument(
        "--history", metavar="FILE", help="with --incident: read this database, or a copy"
    )
    add_client_options(logs)
    logs.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import asyncio

    from watchdog.config import load
    from watchdog.logs.sources import sources_of

    path = options.config or os.environ.get("SERVICE_WATCHDOG_CONFIG") or places.CONFIG
    now = time.time()
    window = _window(options, now)
    config = load(path, for_daemon=False)
    story = _story(options)
    services = _services(config, options.name or (story["service"] if story else ""), story)
    if story is not None:
        window = _round(story, options, now)
    sources = asyncio.run(sources_of(config, services))
    reading = _Reading(config, sources, story, is_json=options.json, one=len(services) == 1)
    reading.show(window, now, follow=options.follow)
    return 0


class _Reading:
    """One reading of several logs."""

    def __init__(
        self,
        config: Config,
        sources: Sources,
        story: dict[str, Any] | None,
        *,
        is_json: bool,
        one: bool,
    ) -> None:
        from watchdog.cli.log_lines import Printer
        from watchdog.evidence.redact import Redactor
        from watchdog.logs.cleaning import Cleaner
        from watchdog.logs.journal import Journal
        from watchdog.logs.logfile import LogFile
        from watchdog.logs.merging import Once

        redactor = Redactor()
        redactor.configure(emails=config.redact_emails, known=config.secrets())
        self._complain: Once = Once(lambda said: print(said, file=sys.stderr))
        self._printer: Printer = Printer(is_json=is_json, one_service=one)
        self._story = story
        self._units = sources.units
        self._journal: Journal | None = Journal(sources.units) if sources.units else None
        self._files: Sequence[LogFile] = [LogFile(origin) for origin in sources.files]
        names = [None, *(file.origin for file in self._files)]
        self._cleaners: dict[Any, Cleaner] = {name: Cleaner(redactor) for name in names}

    def show(self, window: Window, now: float, *, follow: bool) -> None:
        """Print what is in *window*, and go on with what comes, if asked to."""
        from watchdog.logs.merging import merged

        tails = self._begun() if follow else []
        for line in merged(self._past(window, now), window.last):
            self._printer.show(line)
        self._say_troubles(tails)
        if not self._printer.shown and not follow:
            self._complain(f"nothing found in {self._places()}")
        if follow:
            try:
                self._follow(tails, now)
            finally:
                for tail in tails:
                    tail.close()
                if self._journal is not None:
                    self._journal.close()

    def _begun(self) -> Sequence[Tail]:
        """Return what follows each file, from where its past is to end."""
        from watchdog.logs.tail import Tail

        tails = [Tail(file.origin) for file in self._files]
        for tail, file in zip(tails, self._files, strict=True):
            tail.begin()
            file.end = tail.offset
        return tails

    def _past(self, window: Window, now: float) -> Iterator[Iterable[Line]]:
        if self._story is not None:
            from watchdog.cli.log_lines import happened

            yield happened(self._story)
        if self._journal is not None:
            yield self._cleaners[None].all(self._journal.past(window))
        for file in self._files:
            yield self._cleaners[file.origin].all(file.past(window, now))

    def _follow(self, tails: Sequence[Tail], begun: float) -> None:
        from watchdog.logs.following import follow
        from watchdog.logs.merging import in_order

        if self._journal is not None:
            self._journal.follow(begun)
        keys = [*([None] if self._journal is not None else []), *(tail.origin for tail in tails)]
        self._printer.flush()
        for batches in follow(tails, self._journal, sys.stdout.fileno()):
            fresh = [
                list(self._cleaners[key].clean(batch))
                for key, batch in zip(keys, batches, strict=False)
                if batch
            ]
            for line in in_order(fresh):
                self._printer.show(line)
            if fresh:
                self._printer.flush()
            self._say_troubles(tails)

    def _places(self) -> str:
        units = [f"the journal of {unit}" for unit in self._units]
        return ", ".join([*units, *(file.origin.path for file in self._files)]) or "no log at all"

    def _say_troubles(self, tails: Sequence[Tail]) -> None:
        if self._journal is not None:
            self._complain(self._journal.trouble)
        for file in self._files:
            self._complain(file.trouble)
        for tail in tails:
            self._complain(tail.trouble)


def _window(options: argparse.Namespace, now: float) -> Window:
    from watchdog.logs.line import Window

    since, until = _moment("since", options.since, now), _moment("until", options.until, now)
    if since is not None and until is not None and until < since:
        raise ConfigError(("cannot show logs: --until is before --since",))
    if options.follow and until is not None:
        raise ConfigError(("cannot show logs: --follow has no end; expected no --until",))
    if options.incident is not None and (since is not None or until is not None):
        raise ConfigError(("cannot show logs: --incident has its own --since and --until",))
    if options.lines is not None and not 0 <= options.lines <= _MOST:
        raise ConfigError((f"cannot show {options.lines} lines; expected 0 to {_MOST}",))
    last = options.lines
    if last is None and since is None and options.incident is None:
        last = _LAST
    return Window(since, until, last)


def _moment(name: str, text: str | None, now: float) -> float | None:
    from watchdog.logs.moments import moment

    if text is None:
        return None
    try:
        return moment(text, now)
    except ValueError as error:
        raise ConfigError((f"cannot show logs: --{name} {text}: {error}",)) from None


def _story(options: argparse.Namespace) -> dict[str, Any] | None:
    if options.incident is None:
        return None
    from watchdog.cli.ledger import ask_ledger

    story: dict[str, Any] = ask_ledger(options, id=options.incident)["incident"]
    return story


def _round(story: dict[str, Any], options: argparse.Namespace, now: float) -> Window:
    """Return the time of an incident, and a little before and after."""
    from watchdog.logs.line import Window

    began = min(story["began"], story["opened"]) - _BEFORE
    ended = None if story["closed"] is None else max(story["closed"], began) + _AFTER
    if options.follow and ended is not None and ended < now:
        raise ConfigError((f"cannot follow incident {story['id']}: it is over",))
    return Window(began, None if options.follow else ended, options.lines)


def _services(config: Config, name: str, story: dict[str, Any] | None) -> Sequence[Service]:
    if story is not None and name != story["service"]:
        why = f"incident {story['id']} is of {story['service']}"
        raise ConfigError((f"cannot show logs of {name}: {why}",))
    if not name:
        return config.services
    with suppress(StopIteration):
        return [next(each for each in config.services if each.name == name)]
    known = ", ".join(each.name for each in config.services)
    raise ConfigError((f"cannot show logs of {name}: no such service; there are: {known}",))
