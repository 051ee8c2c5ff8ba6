"""``preflight``: is everything right before a deploy, and after it?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from watchdog.cli.hands import at_hand, hands_options
from watchdog.cli.options import Commands
from watchdog.cli.output import print_json

if TYPE_CHECKING:
    from watchdog.app.hands import Hands
    from watchdog.cli.findings import Redacted
    from watchdog.core.service import Service
    from watchdog.doctor.checklist import Item
    from watchdog.doctor.finding import Mark


def add_commands(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "preflight",
        help="go through the checklists of a deploy",
        description="Checks for real what must be right before a deploy and after it, and tells "
        "for each item that is not the command that mends it.",
    )
    hands_options(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--before", action="store_true", help="only what must be right before")
    which.add_argument("--after", action="store_true", help="only what must be right after")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    return at_hand(options, lambda hands: _check_all(options, hands))


async def _check_all(options: argparse.Namespace, hands: Hands) -> int:
    from watchdog.app.describing import worst
    from watchdog.cli.findings import bold

    answers = []
    for index, service in enumerate(hands.services(options.name)):
        if not options.json:
            print(("\n" if index else "") + bold(service.name))
        answers.append(await _check(options, hands, service))
    code = worst([answer["code"] for answer in answers])
    if options.json:
        print_json({"services": answers, "code": code})
    return code


async def _check(options: argparse.Namespace, hands: Hands, service: Service) -> dict[str, Any]:
    """Check *service*, telling each item as it comes unless JSON is wanted; return all."""
    from watchdog.app.describing import worst
    from watchdog.cli.findings import finding_as_json, remedy_as_json
    from watchdog.doctor.checklist import AFTER, BEFORE, check

    redacted: Redacted = hands.redactor.text
    case = await hands.case(service)
    lists = {"before": () if options.after else BEFORE, "after": () if options.before else AFTER}
    answer: dict[str, Any] = {"name": service.name}
    codes = []
    for when, items in lists.items():
        if not items:
            continue
        if not options.json:
            print(f"{when} a deploy")
        tell = (lambda _: None) if options.json else (lambda item: _print(item, redacted))
        found = await check(case, items, tell)
        codes += [_code(item.answer.mark) for item in found]
        answer[when] = [
            {
                "name": item.name,
                "mark": item.answer.mark.value,
                "text": redacted(item.answer.text),
                "remedy": remedy_as_json(item.answer.remedy),
                "finding": finding_as_json(item.finding, redacted) if item.finding else None,
            }
            for item in found
        ]
    return {**answer, "code": worst(codes)}


def _print(item: Item, redacted: Redacted) -> None:
    """Print an item, and below it what mends it."""
    from watchdog.cli.findings import line, print_commands
    from watchdog.doctor.finding import Answer

    print(line(item.name, Answer(item.answer.mark, redacted(item.answer.text))))
    print_commands("to know:", item.answer.remedy)
    print_commands("to fix:", item.finding.remedy if item.finding else None)


def _code(mark: Mark) -> int:
    """Return the exit code of one item."""
    return {"bad": 1, "unknown": 3, "busy": 4}.get(mark.value, 0)
