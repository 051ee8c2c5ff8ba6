"""Answers that send somewhere else."""

from __future__ import annotations

from urllib.parse import urljoin

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.failing import answer_of
from watchdog.doctor.facts.reached import is_loop, redirects
from watchdog.doctor.finding import Finding, Remedy

_REDIRECTS = range(300, 400)


async def redirect_loop(case: Case) -> Finding | None:
    """Redirects lead back to where they began, so that browsers give up.

    Mostly http is sent to https by two who do not know of each other: a proxy that speaks http to
    nginx, and nginx that sends it to https. Have nginx go by X-Forwarded-Proto, or the proxy speak
    https.
    """
    found = await answer_of(case)
    if found is None or found[1].status not in _REDIRECTS:
        return None
    check, reached = found
    seen = await redirects(check, reached)
    if not is_loop(seen):
        return None
    return Finding(
        "redirect-loop",
        f"{check.url} is redirected in a circle: {' → '.join(seen)}",
        "browsers give up after some turns, and so does every client",
        Remedy(("grep -rn 'return 30[128]' /etc/nginx", *case.nginx_reload)),
    )


async def redirected(case: Case) -> Finding | None:
    """The URL answers with a redirect, which checks do not follow.

    Configure the URL that it leads to.
    """
    found = await answer_of(case)
    if found is None or found[1].status not in _REDIRECTS or not found[1].location:
        return None
    check, reached = found
    target = urljoin(check.url, reached.location)
    return Finding(
        "redirected",
        f"{check.url} answers {reached.status} with a redirect to {target}",
        "a redirect proves nothing of the service, so it is not followed",
        Remedy((f"editor /etc/service-watchdog/config.toml  # {target}",)),
    )


RULES: tuple[Rule, ...] = (redirect_loop, redirected)
