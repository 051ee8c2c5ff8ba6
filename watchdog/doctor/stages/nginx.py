"""The boxes of the web server before the service: does it run, is it valid, does it listen?"""

from __future__ import annotations

from watchdog.core.model import Verdict
from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.sockets import is_of, listener_at
from watchdog.doctor.facts.web import addresses_here, another_configuration, is_proxied
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.rules import nginx_config, nginx_unit, proxy_port
from watchdog.nginx.complaint import complaint
from watchdog.root_job import RootJob

NOT_PROXIED = Answer(Mark.SKIPPED, "neither proxied nor external is configured")


async def is_running(case: Case) -> Answer:
    """Ask systemd for the unit of nginx."""
    if not is_proxied(case):
        return NOT_PROXIED
    unit = case.deployment.nginx
    shown = await case.shown(unit)
    state = shown.get("ActiveState")
    if state is None:
        return Answer(Mark.UNKNOWN, f"systemd does not tell about {unit}")
    if state in {"active", "reloading", "refreshing"}:
        return Answer(Mark.GOOD, f"{unit} is {state}")
    if state in {"activating", "deactivating"}:
        return Answer(Mark.UNKNOWN, f"{unit} is {state}; ask again in a moment")
    words = _NOT_LOADED.get(shown.get("LoadState", ""), state)
    return Answer(await _how_bad(case, words), f"{unit} is {words}")


_NOT_LOADED = {"not-found": "not installed", "masked": "masked"}


async def _how_bad(case: Case, words: str) -> Mark:
    """Return whether it matters that nginx does not run: a container may stand in its place."""
    if case.deployment.proxied is None:
        return Mark.SKIPPED if words == _NOT_LOADED["not-found"] else Mark.BAD
    seen = await case.probed("proxied")
    return Mark.SKIPPED if seen is not None and seen.verdict is Verdict.PASS else Mark.BAD


async def is_valid(case: Case) -> Answer:
    """Ask nginx itself, as root, about its configuration."""
    if not is_proxied(case):
        return NOT_PROXIED
    if another := await another_configuration(case):
        return Answer(Mark.UNKNOWN, f"not tested: {another}")
    ran = await case.root(RootJob.NGINX_TEST)
    if ran.code is None:
        return Answer(Mark.UNKNOWN, ran.trouble)
    if ran.code == 0:
        return Answer(Mark.GOOD, "nginx -t: the configuration is valid")
    return Answer(Mark.BAD, f"nginx -t: {complaint(ran.err).words}")


async def is_heard(case: Case) -> Answer:
    """Ask the kernel who takes connections at the addresses of this host that the URLs lead to."""
    if not is_proxied(case):
        return NOT_PROXIED
    needed = await addresses_here(case)
    if not needed:
        return Answer(Mark.SKIPPED, "no configured URL leads to an address of this host")
    unit = case.deployment.nginx
    is_active = (await case.shown(unit)).get("ActiveState") == "active"
    for address in needed:
        try:
            listener = await listener_at(case, address)
        except OSError as error:
            return Answer(Mark.UNKNOWN, f"the kernel does not tell who listens: {error.strerror}")
        if listener is None:
            return Answer(Mark.BAD, f"nothing listens at {address}")
        if is_active and await is_of(case, listener, unit) is False:
            who = await proxy_port.named(listener)
            return Answer(Mark.BAD, f"port {address.port} is not nginx's: {who} listens there")
    return Answer(Mark.GOOD, f"listening at {', '.join(map(str, needed))}")


NGINX_RUNNING = Stage("nginx", "does nginx run?", is_running, nginx_unit.RULES)
NGINX_CONFIG = Stage(
    "nginx-config", "is the configuration of nginx valid?", is_valid, nginx_config.RULES
)
PROXY_PORT = Stage("proxy-port", "does nginx listen?", is_heard, proxy_port.RULES)
