"""The last box: does the service answer as its users reach it?"""

from __future__ import annotations

import socket

from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.addresses import stands_before
from watchdog.doctor.facts.failing import asked
from watchdog.doctor.facts.web import hears, listeners, resolved
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.rules import dns, ipv6, redirect, site, tls, upstream


async def ask(case: Case) -> Answer:
    """Ask the external URL from here; and whether each of its addresses that is ours listens."""
    check = case.deployment.external
    answer = await asked(case, "external", check)
    if check is None:
        return answer
    addresses = await resolved(case, check)
    if answer.mark is Mark.GOOD:
        # A client of both kinds does not notice which of them is dead.
        for each in addresses:
            if each.family != socket.AF_INET6 or not each.is_local() or each.host == "::1":
                continue
            if not any(hears(found, each.family) for found in await listeners(case, each.port)):
                return Answer(Mark.BAD, f"nothing listens at {each}")
        return answer
    before = sorted({name for each in addresses if (name := stands_before(each.host))})
    if answer.mark is Mark.BAD and before:
        return Answer(answer.mark, f"{answer.text} (by way of {before[0]})")
    return answer


RULES = (
    *ipv6.RULES,
    *dns.RULES,
    *tls.RULES,
    *redirect.RULES,
    *site.RULES,
    *upstream.RULES,
)

EXTERNAL = Stage("external", "does it answer as its users reach it?", ask, RULES)
