"""What is wrong with the configuration of nginx, in its own words and in ours."""

from __future__ import annotations

import re
from pathlib import Path

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.web import another_configuration
from watchdog.doctor.finding import Finding, Remedy
from watchdog.nginx.complaint import Complaint, complaint
from watchdog.root_job import RootJob

STILL_OLD = "nginx goes on with the configuration it has, and cannot be restarted"
_MISSING = re.compile(r"open\(\) \"(?P<path>[^\"]+)\" failed \(2:")
_CERTIFICATE = re.compile(r"cannot load certificate(?: key)? \"(?P<path>[^\"]+)\"")
_KEYS = "key values mismatch"
_HOST = re.compile(r"host not found in (?:upstream|resolver) \"(?P<host>[^\"]+)\"")
_DEFAULT = re.compile(r"a duplicate default server for (?P<where>\S+)")


async def nginx_include_missing(case: Case) -> Finding | None:
    """nginx's configuration includes a file that does not exist.

    Put it back, or remove the line; nginx starts with neither.
    """
    told = await _complaint(case)
    found = _MISSING.search(told.words) if told else None
    if told is None or found is None or not told.place:
        return None
    return Finding(
        "nginx-include-missing",
        f"{told.place} names {found['path']}, which does not exist",
        STILL_OLD,
        _edit(told),
        (told.words,),
    )


async def nginx_certificate_missing(case: Case) -> Finding | None:
    """A certificate or key that nginx's configuration names is missing, or cannot be used.

    Renew it, or mend the path.
    """
    told = await _complaint(case)
    found = _CERTIFICATE.search(told.words) if told else None
    if told is None or found is None:
        return None
    path = found["path"]
    what = "does not exist" if "No such file" in told.words else "cannot be loaded"
    live = re.match(r"/etc/letsencrypt/live/([^/]+)/", path)
    commands = (f"certbot certonly --nginx -d {live[1]}",) if live else (f"ls -l {path}",)
    return Finding(
        "nginx-certificate-missing",
        f"{path}, which nginx needs as a certificate or its key, {what}",
        STILL_OLD,
        Remedy((*commands, "nginx -t")),
        (told.words,),
    )


async def nginx_key_of_another_certificate(case: Case) -> Finding | None:
    """The key does not belong to the certificate beside it: one of them was replaced alone.

    Put the pair in place, and reload nginx.
    """
    told = await _complaint(case)
    if told is None or _KEYS not in told.words:
        return None
    return Finding(
        "nginx-key-of-another-certificate",
        f"{told.subject} does not belong to its certificate",
        STILL_OLD,
        Remedy((f"ls -l {Path(told.subject).parent}", "nginx -t")),
        (told.words,),
    )


async def nginx_upstream_unresolved(case: Case) -> Finding | None:
    """nginx looks names of upstreams up when it starts, and does not start without an answer.

    Mend the name or the resolver, or use an address.
    """
    told = await _complaint(case)
    found = _HOST.search(told.words) if told else None
    if told is None or found is None:
        return None
    host = found["host"].rpartition(":")[0] or found["host"]
    return Finding(
        "nginx-upstream-unresolved",
        f"{told.place or 'an upstream'} names {found['host']}, and {host} has no address",
        "nginx resolves it once, when it starts; until then it does not start",
        Remedy((f"getent hosts {host}", *_edit(told).commands)),
        (told.words,),
    )


async def nginx_two_defaults(case: Case) -> Finding | None:
    """Two server blocks claim to be the default of the same port.

    Remove default_server from one of them; Debian's own site has it.
    """
    told = await _complaint(case)
    found = _DEFAULT.search(told.words) if told else None
    if told is None or found is None:
        return None
    return Finding(
        "nginx-two-defaults",
        f"{told.place} is the second default_server of {found['where']}",
        STILL_OLD,
        _edit(told),
        (told.words,),
    )


async def nginx_config_error(case: Case) -> Finding | None:
    """nginx's configuration has a mistake: file, line and directive are named.

    Mend the line, test, and reload.
    """
    told = await _complaint(case)
    if told is None:
        return None
    where = told.place or "the configuration of nginx"
    return Finding(
        "nginx-config-error",
        f"{where}: {told.words.removesuffix(f' in {told.place}')}",
        STILL_OLD,
        _edit(told),
        (told.words,),
    )


async def _complaint(case: Case) -> Complaint | None:
    if await another_configuration(case):
        return None
    ran = await case.root(RootJob.NGINX_TEST)
    return complaint(ran.err) if ran.code else None


def _edit(told: Complaint) -> Remedy:
    edit = (f"editor +{told.line} {told.file}",) if told.file else ()
    return Remedy((*edit, "nginx -t", "systemctl reload-or-restart nginx"))


RULES: tuple[Rule, ...] = (
    nginx_include_missing,
    nginx_key_of_another_certificate,
    nginx_certificate_missing,
    nginx_upstream_unresolved,
    nginx_two_defaults,
    nginx_config_error,
)
