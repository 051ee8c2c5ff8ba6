"""The box behind nginx: does the service answer through it?"""

from __future__ import annotations

from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.failing import asked
from watchdog.doctor.finding import Answer
from watchdog.doctor.rules import redirect, site, tls, upstream


async def ask(case: Case) -> Answer:
    """Ask the URL that goes through nginx on this host."""
    return await asked(case, "proxied", case.deployment.proxied)


RULES = (*tls.RULES, *redirect.RULES, *site.RULES, *upstream.RULES)

PROXIED = Stage("proxied", "does it answer through nginx?", ask, RULES)
