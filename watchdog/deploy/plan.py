"""A deploy as data: which steps, in which order, and how long each may take."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from watchdog.config import Deployment
from watchdog.core.service import (
    CommandControl,
    HttpCheck,
    PortCheck,
    Service,
    UnitControl,
)

TRIES = 5
"""Failed answers in a row after which a step that looks has failed."""

RESTART = 300.0
"""Seconds for a restart whose own bound only its control knows; a bound for the lease alone."""

NGINX = 30.0
"""Seconds to test, and to reload, nginx."""

_MARGIN = 60.0  # seconds by which a lease is longer than its steps may take


class Kind(StrEnum):
    """What a step does."""

    LEASE = "lease"  # the daemon stops acting and alerting
    BEFORE = "before"  # a command
    ROLLBACK = "rollback"  # a command
    RESTART = "restart"
    UNIT = "unit"  # is it up?
    PORT = "port"  # does it listen?
    HEALTH = "health"  # does it answer as it should?
    NGINX_TEST = "nginx-test"
    NGINX_RELOAD = "nginx-reload"
    PROXIED = "proxied"  # the same through nginx
    EXTERNAL = "external"  # the same as its users reach it
    AFTER = "after"  # a command
    PROOF = "proof"  # several rounds in a row pass, of one run
    RELEASE = "release"  # the daemon judges anew


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    kind: Kind
    subject: str  # a unit, an address, a URL, a command as it is typed
    patience: float  # seconds that it may take
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one service's deploy."""

    service: str
    steps: tuple[Step, ...]
    rollback: tuple[Step, ...] = ()  # after a failed step; empty: none is configured
    verify: tuple[Step, ...] = ()  # the same without a restart: nothing was restarted yet

    @property
    def longest(self) -> float:
        """Return for how many seconds all of it may go on, the rollback included."""
        return _MARGIN + sum(step.patience for step in (*self.steps, *self.rollback))


def plan_of(service: Service, deployment: Deployment, redacted: Callable[[str], str] = str) -> Plan:
    """Return how *service* is deployed, as it may be shown once it is *redacted*."""
    name, own = service.name, deployment
    proof = Step(Kind.PROOF, name, _looking(service, sum(c.timeout for c in service.checks)))
    restart = Step(Kind.RESTART, kept_by(service), RESTART)
    looks = (*_local(service), *_nginx(deployment))
    undo = _commands(Kind.ROLLBACK, own.rollback, own.timeout)
    steps = (
        Step(Kind.LEASE, name, RESTART),
        *_commands(Kind.BEFORE, own.before, own.timeout),
        restart,
        *looks,
        *_commands(Kind.AFTER, own.after, own.timeout),
        proof,
        Step(Kind.RELEASE, name, proof.patience),
    )
    back = (*undo, restart, *looks, proof) if undo else ()
    verify = (*undo, *looks, proof) if undo else ()
    return Plan(name, *(_shown(part, redacted) for part in (steps, back, verify)))


def _shown(steps: Sequence[Step], redacted: Callable[[str], str]) -> tuple[Step, ...]:
    return tuple(replace(step, subject=redacted(step.subject)) for step in steps)


def _commands(kind: Kind, commands: Sequence[tuple[str, ...]], timeout: float) -> tuple[Step, ...]:
    return tuple(Step(kind, shlex.join(command), timeout, command) for command in commands)


def _local(service: Service) -> tuple[Step, ...]:
    steps = [Step(Kind.UNIT, kept_by(service), _looking(service))]
    for check in service.checks:
        match check:
            case PortCheck():
                host = f"[{check.host}]" if ":" in check.host else check.host
                where = f"{host}:{check.port}"
                steps.append(Step(Kind.PORT, where, _looking(service, check.timeout)))
            case HttpCheck():
                steps.append(Step(Kind.HEALTH, check.url, _looking(service, check.timeout)))
    return tuple(steps)


def _nginx(own: Deployment) -> tuple[Step, ...]:
    """Return the way through nginx and from outside, as far as there is one."""
    steps = []
    if own.proxied is not None:
        steps.append(Step(Kind.NGINX_TEST, "nginx -t", NGINX))
        steps.append(Step(Kind.NGINX_RELOAD, own.nginx, 2 * NGINX))
        steps.append(Step(Kind.PROXIED, own.proxied.url, _trying(own.proxied.timeout)))
    if own.external is not None:
        steps.append(Step(Kind.EXTERNAL, own.external.url, _trying(own.external.timeout)))
    return tuple(steps)


def _looking(service: Service, timeout: float = 0.0) -> float:
    """Return how long a look at a service that may still be starting goes on at most."""
    return service.policy.start_timeout + _trying(timeout)


def _trying(timeout: float) -> float:
    return TRIES * (timeout + 1.0) + 5.0


def kept_by(service: Service) -> str:
    """Name what keeps the process."""
    match service.control:
        case UnitControl():
            return service.control.unit
        case CommandControl():
            return shlex.join(service.control.status)
        case _:
            return "the daemon"
