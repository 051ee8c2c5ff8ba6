"""Which site of nginx answers: ours, another, or one that is not loaded."""

from __future__ import annotations

import os
import re
from pathlib import Path
from shlex import quote

from watchdog.doctor.case import Case, Rule, read
from watchdog.doctor.facts.addresses import is_here
from watchdog.doctor.facts.failing import failing
from watchdog.doctor.facts.sockets import asked_at
from watchdog.doctor.facts.web import configuration, passing_to, request_of
from watchdog.doctor.finding import Finding, Remedy
from watchdog.nginx.listening import listens
from watchdog.nginx.passing import backends
from watchdog.nginx.servers import Request, answering, location, names
from watchdog.nginx.syntax import Directive, parse

_AVAILABLE = Path("/etc/nginx/sites-available")
_ENABLED = Path("/etc/nginx/sites-enabled")
_MOST_FILES = 200


async def site_not_enabled(case: Case) -> Finding | None:
    """A site that passes requests on to the service is in sites-available, and not enabled.

    Link it into sites-enabled, and reload nginx.
    """
    tree, own = await configuration(case), asked_at(case)
    if tree is None or own is None or passing_to(tree, own[1]):
        return None
    try:
        files = sorted(_AVAILABLE.iterdir())[:_MOST_FILES]
    except OSError:
        return None
    for file in files:
        if os.path.lexists(_ENABLED / file.name):
            continue  # it is; or a copy that was edited in its place, which nginx reads instead
        site = parse(f"# configuration file {file}:\nhttp {{\n{read(file) or ''}\n}}")
        if passing_to(site, own[1]):
            return Finding(
                "site-not-enabled",
                f"{file} passes requests on to port {own[1]}, and is not enabled",
                "nginx does not read it, so another site answers",
                Remedy((f"ln -s {quote(str(file))} /etc/nginx/sites-enabled/", *case.nginx_reload)),
            )
    return None


async def site_shadowed(case: Case) -> Finding | None:
    """Another server block than the service's answers for this name: the default one, mostly.

    Remove Debian's default site, or give the service's own block the name that is asked for.
    """
    check, tree, own = await failing(case), await configuration(case), asked_at(case)
    if check is None or tree is None or own is None:
        return None
    request = await request_of(case, check)
    ours = passing_to(tree, own[1])
    if request is None or not ours:
        return None
    answers = answering(tree, request)
    if answers is None or answers in ours:
        return None
    there = [each for each in ours if request.port in {one.port for one in listens(each)}]
    mine = (there or ours)[0]
    if not there:
        fact = f"{mine.place}, the server block of the service, does not listen on {request.port}"
    else:
        fact = f"{answers.place} answers for {request.host}, not {mine.place}"
    return Finding(
        "site-shadowed",
        fact,
        f"{_why(answers, request)}; {mine.place} has: server_name {' '.join(names(mine)) or '—'}",
        Remedy((*_commands(answers, mine, request), *case.nginx_reload)),
    )


def _why(answers: Directive, request: Request) -> str:
    if request.host in names(answers):
        return f"{answers.place} has the very name {request.host}"
    if any(each.default and each.port == request.port for each in listens(answers)):
        return f"{answers.place} is the default_server, which takes every name that no other has"
    return f"{answers.place} comes first, and takes every name that no other has"


def _commands(answers: Directive, mine: Directive, request: Request) -> tuple[str, ...]:
    if answers.file == "/etc/nginx/sites-enabled/default":
        return (f"rm {answers.file}",)
    return (f"editor +{mine.line} {mine.file}  # server_name {request.host};",)


async def upstream_elsewhere(case: Case) -> Finding | None:
    """nginx passes requests on to another port, or another host, than the service's.

    Mend the address in proxy_pass or upstream, or the port in the configuration.
    """
    check, tree, own = await failing(case), await configuration(case), asked_at(case)
    if check is None or tree is None or own is None:
        return None
    request = await request_of(case, check)
    server = answering(tree, request) if request else None
    if request is None or server is None:
        return None
    targets = [each for each in backends(tree, location(server, request.path)) if not each.path]
    if not targets or any(each.port == own[1] and is_here(each.host) for each in targets):
        return None
    first = targets[0]
    host = f"[{first.host}]" if ":" in first.host else first.host
    return Finding(
        "upstream-elsewhere",
        f"{first.directive.place} passes {request.path} on to {host}:{first.port}; "
        f"the service is at port {own[1]}",
        "requests reach something else, or nobody",
        Remedy((f"editor +{first.directive.line} {first.directive.file}", *case.nginx_reload)),
        (f"{first.directive.name} {' '.join(first.directive.arguments)};",),
    )


async def location_not_proxied(case: Case) -> Finding | None:
    """The server block of the service serves this path from files instead of passing it on.

    Add a location that passes it on.
    """
    check, tree, own = await failing(case), await configuration(case), asked_at(case)
    if check is None or tree is None or own is None:
        return None
    request = await request_of(case, check)
    server = answering(tree, request) if request else None
    if request is None or server is None or server not in passing_to(tree, own[1]):
        return None
    place = location(server, request.path)
    passed = re.compile(r"(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$|return$|rewrite$")
    if place.name == "location" and any(passed.match(each.name) for each in place.descendants()):
        return None
    return Finding(
        "location-not-proxied",
        f"{place.place} takes {request.path}, and passes nothing on",
        "nginx looks for a file of that name instead of asking the service",
        Remedy((f"editor +{place.line} {place.file}", *case.nginx_reload)),
    )


RULES: tuple[Rule, ...] = (
    site_not_enabled,
    site_shadowed,
    upstream_elsewhere,
    location_not_proxied,
)
