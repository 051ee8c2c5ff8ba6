"""The last box: does the service answer as its users reach it?"""

from __future__ import annotations

from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.addresses import stands_before
from watchdog.doctor.facts.failing import asked
from watchdog.doctor.facts.web import resolved
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.rules import dns, redirect, site, tls, upstream


async def ask(case: Case) -> Answer:
    """Ask the external URL from here; who stands before this host is named."""
    check = case.deployment.external
    answer = await asked(case, "external", check)
    if check is None or answer.mark is not Mark.BAD:
        return answer
    names = {stands_before(each.host) for each in await resolved(case, check)} - {""}
    by_way = f" (by way of {', '.join(sorted(names))})" if names else ""
    return Answer(answer.mark, f"{answer.text}{by_way}")


RULES = (
    *dns.RULES,
    *tls.RULES,
    *redirect.RULES,
    *site.RULES,
    *upstream.RULES,
    dns.nobody_answers,
)

EXTERNAL = Stage("external", "does it answer as its users reach it?", ask, RULES)
