"""``doctor``: why does it not answer? And ``doctor --fix``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from watchdog.cli.hands import at_hand, hands_options
from watchdog.cli.options import Commands, ask_daemon
from watchdog.cli.output import print_json
from watchdog.errors import WatchdogError

if TYPE_CHECKING:
    from watchdog.app.hands import Hands
    from watchdog.core.service import Service
    from watchdog.doctor.finding import Finding
    from watchdog.doctor.fixing import Course
    from watchdog.doctor.flowchart import Examination

_IN_PROGRESS = 4
_AT_WORK = {"restarting", "recovering"}
"""Phases in which the daemon is acting on the service."""


def add_commands(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="find out why a service does not answer",
        description="Walks from the unit to the outside world, stops at the first thing that is "
        "wrong, and tells its cause, what it means, and the command that fixes it.",
    )
    hands_options(parser)
    parser.add_argument(
        "--fix", action="store_true", help="perform the remedies that can lose nothing; needs root"
    )
    parser.add_argument("--yes", action="store_true", help="with --fix: do not ask before each")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.yes and not options.fix:
        print("cannot use --yes: it goes with --fix; nothing is changed", file=sys.stderr)
        return 2
    if options.fix and os.geteuid() != 0:
        print("cannot fix: not root; run it with sudo; nothing is changed", file=sys.stderr)
        return 3
    return at_hand(options, lambda hands: _Doctor(options, hands).run())


class _Doctor:
    """One run of the command."""

    def __init__(self, options: argparse.Namespace, hands: Hands) -> None:
        from watchdog.cli.findings import Tree

        self._options = options
        self._hands = hands
        self._redacted: Callable[[str], str] = hands.redactor.text
        self._tree = Tree(self._redacted)
        self._found: dict[str, Examination] = {}
        self._told: dict[tuple[str, ...], str] = {}  # a cause -> of which service

    async def run(self) -> int:
        """Examine, or treat, the services that are asked for; return the exit code."""
        from watchdog.app.describing import worst
        from watchdog.cli.findings import as_json, code_of

        answers, codes = [], []
        for index, service in enumerate(self._hands.services(self._options.name)):
            if index and not self._options.json:
                print()
            course = await self._treat(service) if self._options.fix else None
            found = course.examination if course else await self._examine(service)
            code = _IN_PROGRESS if course and course.end.value == "in-progress" else code_of(found)
            codes.append(code)
            if self._options.json:
                answers.append(as_json(found, self._redacted) | self._fixed(course))
                answers[-1]["code"] = code
            elif course is None:
                self._conclude(found)
        code = worst(codes)
        if self._options.json:
            print_json({"services": answers, "code": code})
        return code

    async def _examine(self, service: Service) -> Examination:
        from watchdog.doctor.flowchart import examine

        case = await self._hands.case(service)
        if self._options.json:
            found = await examine(case)
        else:
            self._tree.begin(service.name)
            found = await examine(case, self._tree)
        self._found[service.name] = await self._blame(service, found)
        return self._found[service.name]

    async def _blame(self, service: Service, found: Examination) -> Examination:
        """Return *found*, explained by what *service* depends on if that is ill."""
        from watchdog.core.chain import dependencies
        from watchdog.doctor.flowchart import blamed, examine

        known = {each.name: each for each in self._hands.services()}
        if found.finding is None:
            return found
        needs = dependencies(service.name, {name: s.depends_on for name, s in known.items()})
        for name in needs:
            if name not in self._found:
                self._found[name] = await examine(await self._hands.case(known[name]))
        return blamed(found, [self._found[name] for name in needs])

    async def _treat(self, service: Service) -> Course:
        """Examine and fix *service*, telling each step."""
        from watchdog.doctor.fixing import fix
        from watchdog.doctor.flowchart import examine

        async def look() -> Examination:
            self._options.doing = ""
            self._found.clear()  # a remedy may have mended more than one
            found = await self._examine(service)
            if not self._options.json:
                self._conclude(found)
            return found

        async def glance() -> Examination:
            return await examine(await self._hands.case(service))

        course = await fix(
            look,
            glance,
            self._confirm,
            self._is_held(service),
            self._performing,
            service.policy.start_timeout,
        )
        if not self._options.json:
            print(_ending(course))
        return course

    def _conclude(self, found: Examination) -> None:
        """Print what was found; a cause that was told of another service only by name."""
        from watchdog.cli.findings import print_finding

        for trouble in found.troubles:
            print(f"  ! {trouble}")
        finding = found.finding
        if finding is None:
            for step in found.unanswered:
                print(f"\nnot known: {step.stage.name}: {self._redacted(step.answer.text)}")
            return
        # What is looked at or done first names the place: a file system, a port, a unit.
        first = self._told.setdefault(finding.remedy.commands[:1], found.service)
        if first != found.service and finding.rule != "unexplained":
            print(f"\nfinding: the same as of {first}: {self._redacted(finding.fact)}")
            return
        print_finding(finding, self._redacted)

    async def _confirm(self, finding: Finding) -> bool:
        del finding
        if self._options.yes:
            return True
        if not sys.stdin.isatty():
            print("cannot ask for consent: no terminal; --yes gives it", file=sys.stderr)
            return False
        print("\nrun this now? [y/N] ", end="", file=sys.stderr, flush=True)
        return (await _typed()).strip().lower() in {"y", "yes"}

    def _performing(self, command: str) -> None:
        self._options.doing = command
        print(f"running: {command}", file=sys.stderr if self._options.json else sys.stdout)

    def _is_held(self, service: Service) -> Callable[[], Awaitable[str]]:
        """Return what says why the daemon must not be disturbed; it may not be running."""

        async def held() -> str:
            try:
                answer = ask_daemon(self._options, "status", name=service.name)
            except WatchdogError:
                return ""
            phase = answer["services"][0]["phase"]
            if phase not in _AT_WORK:
                return ""
            return f"the daemon is {phase} {service.name} now; look again when it is done"

        return held

    def _fixed(self, course: Course | None) -> dict[str, Any]:
        if course is None:
            return {}
        done = [{"rule": each.rule, "commands": each.remedy.commands} for each in course.done]
        return {"fixed": done, "end": course.end.value, "trouble": course.trouble}


async def _typed() -> str:
    """Return the line that a person types; unlike readline alone it can be interrupted."""
    loop, come = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, come.set)
    try:
        await come.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


def _ending(course: Course) -> str:
    """Say in a line why there is nothing more to fix."""
    from watchdog.doctor.fixing import End

    match course.end:
        case End.HEALTHY:
            count = len(course.done)
            return "\nhealthy" + (f" after {count} fix{'es' * (count > 1)}" if count else "")
        case End.NOT_SAFE:
            return "\nnot fixed: the remedy is for you to decide; see above"
        case End.REPEATED:
            return "\nnot fixed: the same remedy was tried, and did not help"
        case End.REFUSED:
            return "\nnot fixed: nothing was done"
        case End.BUSY:
            return f"\nin progress: {course.trouble or 'something is starting; look again'}"
        case End.FAILED:
            return f"\n{course.trouble}"
