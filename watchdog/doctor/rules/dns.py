"""Names: those that do not exist, and those that lead elsewhere."""

from __future__ import annotations

import socket

from watchdog.doctor.aws.sight import Elsewhere, Seen, known_public, sight_of
from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.addresses import own_addresses, public, stands_before
from watchdog.doctor.facts.failing import answer_of
from watchdog.doctor.finding import Finding, Remedy

# What a load balancer or a CDN answers that cannot reach us: then the name is right.
_BEFORE_US = {502, 503, 504, *range(520, 531)}


async def dns_no_such_name(case: Case) -> Finding | None:
    """The name of the URL has no address.

    Mend the name, or the record at the provider of the domain; a new one takes its time.
    """
    found = await answer_of(case)
    if found is None or not found[1].no_such_name:
        return None
    host = found[1].target.host
    return Finding(
        "dns-no-such-name",
        f"{host} has no address",
        "nobody who types that name gets here",
        Remedy((f"getent ahosts {host}", f"dig +short {host} A {host} AAAA")),
    )


async def dns_elsewhere(case: Case) -> Finding | None:
    """The name leads to an address that is not one of this host's.

    Right if a load balancer or a CDN stands there; otherwise change the record.
    """
    found = await answer_of(case)
    if found is None or found[1].status in _BEFORE_US:
        return None
    check, reached = found
    ours = public(own_addresses())
    if check == case.deployment.external:
        sight = await sight_of(case)
        if isinstance(sight, Seen) or (isinstance(sight, Elsewhere) and sight.by_balancer):
            return None  # as it should
        ours = [*ours, *known_public(sight)]
    theirs = [each for each in reached.addresses if ":" not in each.host]
    comparable = [each for each in ours if ":" not in each]
    if not theirs or not comparable:
        # Behind an address translation other than EC2's the public address is not ours to see.
        theirs = [each for each in reached.addresses if ":" in each.host]
        comparable = [each for each in ours if ":" in each]
    if not theirs or not comparable:
        return None
    if any(
        each.is_local() or each.host in comparable or stands_before(each.host) for each in theirs
    ):
        return None
    kind = "AAAA" if theirs[0].family == socket.AF_INET6 else "A"
    return Finding(
        "dns-elsewhere",
        f"{reached.target.host} leads to {', '.join(each.host for each in theirs)}; "
        f"this host has {', '.join(comparable)}",
        "unless a load balancer stands there, requests go to another host",
        Remedy((f"dig +short {reached.target.host} {kind}",)),
        (f"set: {reached.target.host}. {kind} {comparable[0]}",),
    )


async def cdn_cannot_reach_us(case: Case) -> Finding | None:
    """Cloudflare answers in place of this host, for it gets no answer here.

    Its number says why; its own address of the origin, or the firewall, is wrong.
    """
    found = await answer_of(case)
    if found is None or found[1].status not in _CLOUDFLARE_SAYS:
        return None
    _, reached = found
    if reached.server.lower() != "cloudflare":
        return None
    return Finding(
        "cdn-cannot-reach-us",
        f"Cloudflare answers {reached.status} for {reached.target.host}: "
        f"{_CLOUDFLARE_SAYS[reached.status]}",
        "the name is right; the way from Cloudflare to this host is not",
        Remedy(("ss -ltn", "nft list ruleset")),
    )


_CLOUDFLARE_SAYS = {
    520: "this host answers what it does not understand",
    521: "this host refuses its connections",
    522: "its connections to this host time out",
    523: "it cannot reach this host's address",
    524: "this host takes too long to answer",
    525: "the TLS handshake with this host fails",
    526: "this host's certificate is not valid",
}
"""https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/"""


async def nobody_answers(case: Case) -> Finding | None:
    """Nobody takes the connection, or nobody answers, where the name leads.

    On the way there are firewalls, load balancers and address translation; from a host to its own
    public address some routers lead nowhere, so try it from elsewhere as well.
    """
    found = await answer_of(case)
    if found is None or found[1].status or found[1].tls:
        return None
    check, reached = found
    if not reached.addresses or any(each.is_local() for each in reached.addresses):
        return None
    why = reached.refused or "no answer in time"
    return Finding(
        "nobody-answers",
        f"{check.url}: {why}",
        "something before this host, or its address, keeps requests away; or only this host's own",
        Remedy((f"curl -v {check.url}",)),
    )


RULES: tuple[Rule, ...] = (dns_no_such_name, dns_elsewhere, cdn_cannot_reach_us)
