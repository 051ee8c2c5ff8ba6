"""The box of AWS: do public address, route, network ACL and security groups let users in?"""

from __future__ import annotations

from functools import wraps
from pathlib import Path

from watchdog.core.model import Verdict
from watchdog.doctor.aws.api import Why
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
    look,
)
from watchdog.doctor.aws.troubles import SIGHT_RULES, SightRule, no_public_address
from watchdog.doctor.case import Case, Rule, Stage
from watchdog.doctor.finding import Answer, Finding, Mark

_WHY = {
    Why.NO_EXTRA: "boto3 is not installed",
    Why.NO_CREDENTIALS: "no credentials that it takes",
    Why.DENIED: "not allowed",
    Why.OTHER_ACCOUNT: "the credentials are of another account",
    Why.UNREACHABLE: "its API does not answer",
    Why.REFUSED: "it refuses",
}


def stage(dmi: Path = DMI, service: tuple[str, int] = SERVICE) -> Stage:
    """Return the box, for a host with this firmware and metadata service."""

    async def see(case: Case) -> Sight:
        return await case.once("aws", lambda: look(case, dmi, service))

    async def ask(case: Case) -> Answer:
        return await _answer(case, await see(case))

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


async def _answer(case: Case, sight: Sight) -> Answer:
    match sight:
        case Skipped():
            return Answer(Mark.SKIPPED, sight.why)
        case NoMetadata():
            return Answer(Mark.UNKNOWN, f"the metadata service cannot be asked: {sight.why}")
        case Untold():
            what = f" ({sight.what})" if sight.what else ""
            return Answer(Mark.UNKNOWN, f"AWS cannot be asked: {_WHY[sight.why]}{what}")
        case Unresolved():
            return Answer(Mark.UNKNOWN, f"cannot resolve {sight.host}: {sight.why}")
        case Elsewhere():
            return await _answer_elsewhere(case, sight)
        case Seen():
            return _answer_seen(sight)


async def _answer_elsewhere(case: Case, sight: Elsewhere) -> Answer:
    addresses = ", ".join(sight.addresses)
    if no_public_address(sight) is not None:
        external = await case.probed("external")
        if external is not None and external.verdict is Verdict.FAIL:
            return Answer(Mark.BAD, f"{sight.me.instance} has no public address")
    owner = f" ({sight.owner})" if sight.owner else ""
    return Answer(
        Mark.UNKNOWN,
        f"{sight.host} leads to {addresses}{owner}, not to {sight.me.instance}:"
        " what stands there is not looked at",
    )


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
