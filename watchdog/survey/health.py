"""Which path of a service answers like a health check?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchdog.core.model import Verdict
from watchdog.core.service import HttpCheck
from watchdog.probes.http import make_http_probe

PATHS = ("/health", "/healthz", "/api/health", "/status", "/ping")

_NOWHERE = "/service-watchdog-looks-whether-every-path-answers"
_WITHIN = 2.0  # seconds for each question

# Ports where a GET would only be an error in somebody's log.
_SPEAK_OTHERWISE = {
    21: "FTP", 22: "SSH", 25: "SMTP", 53: "DNS", 110: "POP3", 143: "IMAP", 389: "LDAP",
    465: "SMTP", 587: "SMTP", 636: "LDAP", 993: "IMAP", 995: "POP3", 1433: "SQL Server",
    1521: "Oracle", 2181: "ZooKeeper", 3306: "MySQL", 4369: "Erlang", 5432: "PostgreSQL",
    5433: "PostgreSQL", 5672: "AMQP", 6379: "Redis", 6432: "PgBouncer", 9042: "Cassandra",
    11211: "memcached", 26379: "Redis Sentinel", 27017: "MongoDB", 33060: "MySQL",
}  # fmt: skip
_DATABASES = ("postgres", "mysql", "mariadb", "redis", "valkey", "memcached", "mongo", "rabbitmq")


@dataclass(frozen=True, slots=True)
class Health:
    """What came of asking."""

    path: str = ""  # the first that answered 2xx; empty: none
    others: tuple[str, ...] = ()  # that answered so, too
    speaks_http: bool = False
    answers_all: bool = False  # also to what cannot exist: the answer proves little
    said: str = ""  # why there is no path


def not_asked(unit: str, port: int) -> str:
    """Return why a port is better not asked for a path; empty if it may be."""
    if port in _SPEAK_OTHERWISE:
        return f"port {port} is usually {_SPEAK_OTHERWISE[port]}, which was not asked for a path"
    if any(word in unit for word in _DATABASES):
        return "it is called like a database, which was not asked for a path"
    return ""


async def ask(
    host: str, port: int, paths: Sequence[str] = PATHS, headers: Mapping[str, str] | None = None
) -> Health:
    """Ask *host*:*port* for each of *paths*."""
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    fine: list[str] = []
    said = ""
    for path in paths:
        is_fine, is_http, answer = await asked(base + path, headers or {})
        if not is_http:
            return Health(said=answer)
        if is_fine:
            fine.append(path)
        said = said or answer
    if not fine:
        return Health(speaks_http=True, said=said)
    answers_all = (await asked(base + _NOWHERE, headers or {}))[0]
    return Health(fine[0], tuple(fine[1:]), speaks_http=True, answers_all=answers_all)


async def asked(
    url: str, headers: Mapping[str, str], *, verify_tls: bool = True
) -> tuple[bool, bool, str]:
    """Return whether *url* answers 2xx, whether that was HTTP at all, and what was said."""
    seen: list[str] = []
    check = HttpCheck(url, timeout=_WITHIN, headers=tuple(headers.items()), verify_tls=verify_tls)
    try:
        async with asyncio.timeout(_WITHIN):
            observation = await make_http_probe(check, keep=seen.extend)()
    except TimeoutError:
        return False, False, f"no answer within {_WITHIN:g} s"
    except ValueError as error:
        return False, False, str(error)
    is_fine = observation.verdict is Verdict.PASS
    return is_fine, is_fine or bool(seen), observation.reason
