"""The box of AWS: do public address, route, network ACL and security groups let users in?"""

from __future__ import annotations

from functools import wraps
from pathlib import Path

from watchdog.doctor.aws.dmi import DMI
from watchdog.doctor.aws.imds import SERVICE
from watchdog.doctor.aws.rules import PATH_RULES, PathRule
from watchdog.doctor.aws.sight import (
    Elsewhere,
    NoMetadata,
    Seen,
    Sight,
    Skipped,
    Unresolved,
    Untold,
    sight_of,
)
from watchdog.doctor.aws.troubles import SIGHT_RULES, SightRule, aws_no_public_address
from watchdog.doctor.case import Case, Rule, Stage
from watchdog.doctor.finding import Answer, Finding, Mark


def stage(dmi: Path = DMI, service: tuple[str, int] = SERVICE) -> Stage:
    """Return the box, for a host with this firmware and metadata service."""

    async def see(case: Case) -> Sight:
        return await sight_of(case, dmi, service)

    async def ask(case: Case) -> Answer:
        return _answer(await see(case))

    def of_sight(rule: SightRule) -> Rule:
        @wraps(rule)
        async def found(case: Case) -> Finding | None:
            return rule(await see(case))

        return found

    def of_paths(rule: PathRule) -> Rule:
        @wraps(rule)
        async def found(case: Case) -> Finding | None:
            sight = await see(case)
            paths = sight.paths if isinstance(sight, Seen) else ()
            return next(filter(None, map(rule, paths)), None)

        return found

    return Stage(
        "aws",
        "does AWS let its users in?",
        ask,
        (*map(of_sight, SIGHT_RULES), *map(of_paths, PATH_RULES)),
    )


AWS = stage()


def _answer(sight: Sight) -> Answer:
    match sight:
        case Skipped():
            return Answer(Mark.SKIPPED, sight.why)
        case Seen():
            return _answer_seen(sight)
        case Unresolved():
            return Answer(Mark.UNKNOWN, f"cannot resolve {sight.host}: {sight.why}")
        case Elsewhere() if aws_no_public_address(sight) is not None:
            return Answer(Mark.BAD, f"{sight.me.instance} has no public address")
        case Elsewhere():
            owner = f" ({sight.owner})" if sight.owner else ""
            return Answer(
                Mark.UNKNOWN,
                f"{sight.host} leads to {', '.join(sight.addresses)}{owner},"
                f" not to {sight.me.instance}: what stands there is not looked at",
            )
        case NoMetadata() | Untold():
            return _answer_blind(sight)


def _answer_blind(sight: NoMetadata | Untold) -> Answer:
    """Return why nothing is seen, and how to see it: a box that is not bad has no finding."""
    finding = next(filter(None, (rule(sight) for rule in SIGHT_RULES)), None)
    if finding is not None:
        return Answer(Mark.UNKNOWN, finding.fact, finding.remedy)
    what = sight.what if isinstance(sight, Untold) else sight.why
    return Answer(Mark.UNKNOWN, f"AWS does not tell what it lets in: {what}")


def _answer_seen(sight: Seen) -> Answer:
    closed = [path for path in sight.paths if any(rule(path) for rule in PATH_RULES)]
    if closed:
        return Answer(Mark.BAD, f"nobody reaches port {closed[0].port} over IPv{closed[0].version}")
    mark = Mark.GOOD
    said = []
    for path in sight.paths:
        if path.led_elsewhere and not path.routed:
            mark = Mark.UNKNOWN
            said.append(f"{path.table.id} leads to {path.led_elsewhere}, which is not looked at")
            continue
        if not path.is_open:
            mark = Mark.UNKNOWN
        said.append(path.describe())
    return Answer(mark, "; ".join(said))
