"""Why nginx has no answer of the service to give: what its error log says."""

from __future__ import annotations

from shlex import quote

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.failing import answer_of, failing
from watchdog.doctor.facts.nginx_run import changed_since_load, error_logs, size
from watchdog.doctor.facts.sockets import asked_at
from watchdog.doctor.facts.upstream_log import logged
from watchdog.doctor.facts.web import request_of, server_for
from watchdog.doctor.finding import Finding, Remedy
from watchdog.nginx.error_log import Trouble

_GATEWAY = {502, 503, 504}


async def upstream_refused(case: Case) -> Finding | None:
    """Nobody listens at the address that nginx passes requests on to.

    If the service listens, then at another address: mend proxy_pass.
    """
    trouble = await logged(case, "refused", "unreachable")
    if trouble is None:
        return None
    return _finding(
        "upstream-refused",
        f"nginx cannot connect to {trouble.upstream}",
        "nobody takes connections there; the service is asked at "
        f"{_address(case)} and answers, so the two addresses differ",
        ("grep -rn proxy_pass /etc/nginx", *case.nginx_reload),
        trouble,
    )


async def upstream_timeout(case: Case) -> Finding | None:
    """The service took longer to answer than nginx waits.

    Find out why it is slow; a longer proxy_read_timeout only hides it.
    """
    trouble = await logged(case, "timeout", "timeout-connecting")
    if trouble is None:
        return None
    connecting = trouble.kind == "timeout-connecting"
    return _finding(
        "upstream-timeout",
        f"nginx waited for {trouble.upstream} in vain"
        + (" and got no connection" if connecting else ""),
        "packets to it are dropped, or its queue is full"
        if connecting
        else "the connection was taken, and no answer came in time",
        (
            "grep -rn proxy_.*_timeout /etc/nginx",
            f"service-watchdog logs {quote(case.service.name)}",
        ),
        trouble,
    )


async def upstream_none_live(case: Case) -> Finding | None:
    """nginx has set all servers of the upstream aside after failures, and asks none of them.

    With a single server this only prolongs an outage: set max_fails=0.
    """
    trouble = await logged(case, "no-live-upstreams")
    if trouble is None:
        return None
    return _finding(
        "upstream-none-live",
        f'nginx has no server left in the upstream "{trouble.upstream}"',
        "after max_fails failures each is left alone for fail_timeout, though it may be back",
        ("grep -rn -A5 upstream /etc/nginx", *case.nginx_reload),
        trouble,
    )


async def upstream_closed(case: Case) -> Finding | None:
    """The service took the connection and closed it without an answer.

    A worker that dies does that: see its log.
    """
    trouble = await logged(case, "closed")
    if trouble is None:
        return None
    return _finding(
        "upstream-closed",
        f"{trouble.upstream} closed the connection before it had answered",
        "its worker died or was killed, or it speaks another protocol there",
        (f"service-watchdog logs {quote(case.service.name)}",),
        trouble,
    )


async def upstream_not_http(case: Case) -> Finding | None:
    """What answers at the service's address does not speak HTTP as nginx expects it.

    Use https:// in proxy_pass if it speaks TLS, or the port that speaks HTTP.
    """
    trouble = await logged(case, "invalid", "handshake")
    if trouble is None:
        return None
    return _finding(
        "upstream-not-http",
        f"{trouble.upstream} does not speak what nginx expects",
        "proxy_pass says http:// to one that speaks TLS, or https:// to one that does not",
        ("grep -rn proxy_pass /etc/nginx", *case.nginx_reload),
        trouble,
    )


async def upstream_socket_forbidden(case: Case) -> Finding | None:
    """nginx's user may not open the Unix socket of the service.

    Give the socket a group that nginx's user is in, and let it enter the directories above.
    """
    trouble = await logged(case, "socket-forbidden")
    if trouble is None:
        return None
    path = trouble.upstream.removeprefix("unix:")
    return _finding(
        "upstream-socket-forbidden",
        f"nginx may not open {path}",
        "its user needs to write to the socket and to enter the directories above it",
        (f"namei -l {path}", f"chgrp www-data {path}", f"chmod g+rw {path}"),
        trouble,
    )


async def upstream_socket_missing(case: Case) -> Finding | None:
    """The Unix socket that nginx passes requests on to is not there, or nobody listens on it.

    Have the service listen there, or mend proxy_pass.
    """
    trouble = await logged(case, "socket-missing")
    if trouble is None:
        return None
    path = trouble.upstream.removeprefix("unix:")
    return _finding(
        "upstream-socket-missing",
        f"nobody listens on {path}",
        "nginx passes requests on to a socket that is not the service's",
        (f"ls -l {path}", "grep -rn unix: /etc/nginx", *case.nginx_reload),
        trouble,
    )


async def upstream_forbidden(case: Case) -> Finding | None:
    """The host forbids nginx to connect: SELinux, on Red Hat and its kin.

    Allow it with the boolean that is made for this.
    """
    trouble = await logged(case, "forbidden")
    if trouble is None:
        return None
    return _finding(
        "upstream-forbidden",
        f"nginx is not allowed to connect to {trouble.upstream}",
        "SELinux keeps web servers from connections to others unless it is told otherwise",
        ("setsebool -P httpd_can_network_connect 1",),
        trouble,
    )


async def upstream_big_header(case: Case) -> Finding | None:
    """The headers of the service's answer are larger than nginx's buffer for them.

    Large cookies do that; enlarge proxy_buffer_size.
    """
    trouble = await logged(case, "big-header")
    if trouble is None:
        return None
    return _finding(
        "upstream-big-header",
        f"{trouble.upstream} sends larger headers than nginx takes",
        "nginx answers 502 though the service has answered",
        (
            "editor /etc/nginx/nginx.conf  # proxy_buffer_size 16k; proxy_buffers 8 16k;",
            *case.nginx_reload,
        ),
        trouble,
    )


async def upstream_unresolved(case: Case) -> Finding | None:
    """nginx cannot resolve the name in proxy_pass when it is asked.

    Set a resolver that works, or use an address.
    """
    trouble = await logged(case, "name")
    if trouble is None:
        return None
    return _finding(
        "upstream-unresolved",
        "nginx cannot resolve the name that it passes requests on to",
        "a proxy_pass with a variable is resolved at each request, by nginx's own resolver",
        ("grep -rn -e resolver -e proxy_pass /etc/nginx", *case.nginx_reload),
        trouble,
    )


async def requests_limited(case: Case) -> Finding | None:
    """nginx turns requests away because there are more than limit_req or limit_conn allow.

    Leave the check's address out of the limit.
    """
    trouble = await logged(case, "limited", "connections")
    if trouble is None:
        return None
    return _finding(
        "requests-limited",
        "nginx turns requests away by a limit of its own",
        "the service was not asked",
        (
            "grep -rn -e limit_req -e limit_conn -e worker_connections /etc/nginx",
            *case.nginx_reload,
        ),
        trouble,
    )


async def nginx_reload_forgotten(case: Case) -> Finding | None:
    """The configuration has changed since nginx loaded it, and what is loaded answers wrongly.

    Reload nginx.
    """
    check = await failing(case)
    if check is None or await server_for(case, check) is None:
        return None
    changed = await changed_since_load(case)
    if not changed:
        return None
    return Finding(
        "nginx-reload-forgotten",
        f"{changed} was changed after nginx last loaded its configuration",
        "nginx goes on with the configuration from before",
        Remedy(case.nginx_reload, safe=True),
    )


async def gateway_error(case: Case) -> Finding | None:
    """nginx answers that it has no answer of the service, and its log is silent or hidden.

    Look into the log as root.
    """
    found = await answer_of(case)
    if found is None or found[1].status not in _GATEWAY or "nginx" not in found[1].server:
        return None
    check, reached = found
    logs = await error_logs(case, await server_for(case, check))
    hidden = [path for path in logs if size(path) is None]
    return Finding(
        "gateway-error",
        f"{check.url} answers {reached.status} by nginx, not by the service",
        f"{hidden[0]} may say why, and is not ours to read: run this with sudo"
        if hidden
        else f"{logs[0]} does not say why",
        Remedy(tuple(f"tail -n 20 {path}" for path in logs)),
    )


async def gateway_silent(case: Case) -> Finding | None:
    """nginx takes the connection, and no answer comes in the time that the check has.

    The service is slow behind nginx, or hangs for requests that come this way.
    """
    found = await answer_of(case)
    if found is None or not found[1].timed_out or found[1].address is None:
        return None
    check, reached = found
    if await request_of(case, check) is None:
        return None
    return Finding(
        "gateway-silent",
        f"{check.url}: {reached.address} takes the connection, and answers nothing within "
        f"{check.timeout:g} s",
        "nginx itself waits for the service as long as proxy_read_timeout says, 60 s by default",
        Remedy((f"service-watchdog logs {quote(case.service.name)}", f"curl -v {check.url}")),
    )


def _finding(
    rule: str, fact: str, meaning: str, commands: tuple[str, ...], trouble: Trouble
) -> Finding:
    return Finding(rule, fact, meaning, Remedy(commands), (trouble.line,))


def _address(case: Case) -> str:
    own = asked_at(case)
    return f"{own[0]}:{own[1]}" if own else "another address"


RULES: tuple[Rule, ...] = (
    upstream_refused,
    upstream_timeout,
    upstream_none_live,
    upstream_closed,
    upstream_not_http,
    upstream_socket_forbidden,
    upstream_socket_missing,
    upstream_forbidden,
    upstream_big_header,
    upstream_unresolved,
    requests_limited,
    nginx_reload_forgotten,
    gateway_error,
    gateway_silent,
)
