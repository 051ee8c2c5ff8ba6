"""From settings to parts: which control, probes and evidence a configuration needs.

Only what the configuration needs is imported, so that a daemon without units has no D-Bus in its
memory; notifiers.py does the same for channels.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from watchdog.app.channels import Channel
from watchdog.app.evidence import Collector, LastAnswer
from watchdog.app.gauges import LastCertificate, gauges, shows_certificate
from watchdog.app.notifiers import notifier_of
from watchdog.app.services import Parts
from watchdog.config import Config, DaemonSettings
from watchdog.core.model import Alert
from watchdog.core.policy import may_restart
from watchdog.core.service import (
    Check,
    CommandControl,
    HttpCheck,
    PortCheck,
    ProcessControl,
    Service,
    UnitControl,
)
from watchdog.evidence.redact import Redactor
from watchdog.ports import Clock, Conversing, Renewing, ServiceControl
from watchdog.relay import Relay, Renewal, Talk
from watchdog.rounds import Question
from watchdog.store.durable import DurableStore
from watchdog.words.choosing import words_in

if TYPE_CHECKING:
    from watchdog.control.bus import SystemBus
    from watchdog.probes.own_network import OwnNetwork
    from watchdog.probes.reach import Reach

LIMITS_TIMEOUT = 5.0
"""Seconds. The check "limits" reads files of the kernel, which waits for nobody."""


class Assembly:
    """Makes parts; holds what they share, the bus, for as long as it is entered."""

    def __init__(
        self, daemon: DaemonSettings, clock: Clock, redactor: Redactor | None = None
    ) -> None:
        self.redactor = redactor or Redactor()
        """What everybody takes secrets out with who lets foreign text in."""
        self._daemon = daemon
        self._clock = clock
        self._bus: SystemBus | None = None
        self._network: OwnNetwork | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def connect(self, config: Config) -> None:
        """Open what the services of *config* share, unless it is open."""
        self.redactor.configure(emails=config.redact_emails, known=config.secrets())
        units = any(isinstance(service.control, UnitControl) for service in config.services)
        if units and self._bus is None:
            from watchdog.control.bus import SystemBus

            self._bus = await self._stack.enter_async_context(SystemBus())

    # --- services -------------------------------------------------------------------------------

    def parts(self, service: Service) -> Parts:
        """Return what *service* is watched with."""
        control = self._control(service)
        answer, certificate = LastAnswer(), LastCertificate()
        questions = [
            _question(check, service, control, answer, certificate, self._reach(check))
            for check in service.checks
        ]
        found = [*gauges(service, control, certificate)]
        if service.limits:
            from watchdog.probes.limits import CHECK, LimitsCheck

            limits = LimitsCheck(service.limits, control, service.policy.interval)
            found.append(limits.readings)
            questions.append(Question(CHECK, limits.ask, LIMITS_TIMEOUT, vital=False))
        runtime_dir = Path(self._daemon.runtime_dir)
        collect = Collector(service, self.redactor, runtime_dir, answer)
        return Parts(control, questions, collect, found)

    def _control(self, service: Service) -> ServiceControl:
        match service.control:
            case UnitControl():
                from watchdog.control.systemd import SystemdUnit

                assert self._bus is not None  # noqa: S101 - connected for just this
                return SystemdUnit(self._bus, service.control.unit, service.policy)
            case ProcessControl():
                from watchdog.control.process import EmbeddedProcess

                return EmbeddedProcess(
                    service.control, service.name, Path(self._daemon.runtime_dir)
                )
            case CommandControl():
                from watchdog.control.command import Commands

                return Commands(service.control)

    def _reach(self, check: Check) -> Reach | None:
        """Return what knows how far *check* comes; None if it never leaves this host."""
        from watchdog.probes.reach import Reach, may_leave_host

        host = check.host if isinstance(check, PortCheck) else urlsplit(check.url).hostname
        if not may_leave_host(host or ""):
            return None
        if self._network is None:
            from watchdog.probes.own_network import OwnNetwork

            self._network = OwnNetwork()
        return Reach(self._network)

    # --- for commands at a terminal ---------------------------------------------------------------

    def asked_by_hand(self, name: str, check: HttpCheck) -> Question:
        """Return what asks *check*, which the daemon does not, under the *name* it goes by."""
        from watchdog.probes.http import make_http_probe

        reach = self._reach(check)
        excuse = reach.own_trouble if reach is not None else None
        return Question(name, make_http_probe(check, reach=reach), check.timeout, excuse=excuse)

    async def may_restart(self, unit: str) -> str:
        """Say why systemd would not let this user restart *unit*; empty if it would.

        Asked for by what needs the same permission and does nothing else (RefUnit).
        """
        from watchdog.control.followed_unit import DENIED
        from watchdog.control.permission import obstacle
        from watchdog.errors import BusError

        assert self._bus is not None  # noqa: S101 - connected for just this
        try:
            await self._bus.call("RefUnit", "s", [unit])
        except BusError as error:
            if error.name not in DENIED:
                return ""
            return "polkit is not installed" if await obstacle(self._bus) else str(error)
        return ""

    # --- channels -------------------------------------------------------------------------------

    def channels(self, config: Config) -> Sequence[Channel]:
        """Return every destination of *config*."""
        daemon, delivery, fallbacks = config.daemon, config.delivery, config.fallbacks
        return [
            Channel(
                destination,
                settings,
                daemon.host,
                daemon.timezone,
                daemon.language,
                () if destination in fallbacks else fallbacks,  # a fallback has none itself
                delivery.fallback_after,
                delivery.canary is not None,
            )
            for settings in config.channels
            for destination in settings.destinations
        ]

    def relay(
        self,
        channel: Channel,
        wait: Callable[[], Awaitable[None]],
        *,
        store: DurableStore,
        evidence_ready: Callable[[str], Awaitable[None]],
        is_open: Callable[[Alert], bool],
        changed: Callable[[], None],
    ) -> Relay:
        """Return what drains the outbox into *channel*; *wait* returns when it may have grown."""
        notifier, pace = notifier_of(channel)
        renewal, talk = None, None
        if isinstance(notifier, Renewing):
            told = partial(store.standing, channel.destination)
            renewal = Renewal(notifier, told, is_open)
        if isinstance(notifier, Conversing):
            talk = Talk(notifier, partial(store.conversations, channel.destination))
        return Relay(
            channel.destination,
            notifier,
            store,
            self._clock,
            wait,
            evidence_ready,
            channel.host,
            _zone(channel.timezone),
            words_in(channel.language),
            pace,
            changed=changed,
            renewal=renewal,
            talk=talk,
        )

    # --- what is shared -------------------------------------------------------------------------

    def trouble(self) -> str:
        """Return what is wrong with what the services share; empty if nothing."""
        return self._bus.trouble if self._bus is not None else ""

    async def obstacle(self, config: Config) -> str:
        """Say why no unit at all can be restarted; empty if nothing is known against it.

        Where *config* has the daemon restart none, that is nobody's worry.
        """
        wanted = any(
            isinstance(service.control, UnitControl) and may_restart(service.policy)
            for service in config.services
        )
        if self._bus is None or not wanted:
            return ""
        from watchdog.control.permission import obstacle

        return await obstacle(self._bus)

    def is_stuck(self, mono: float) -> bool:
        """Tell whether the bus's consumer should have moved by now and has not."""
        return self._bus is not None and self._bus.is_stuck(mono)


def _question(
    check: Check,
    service: Service,
    control: ServiceControl,
    answer: LastAnswer,
    certificate: LastCertificate,
    reach: Reach | None,
) -> Question:
    excuse = reach.own_trouble if reach is not None else None
    if isinstance(check, PortCheck):
        from watchdog.probes.port import make_port_probe

        # What commands start may run anywhere: whose socket it is cannot be told.
        unknown = check.any_owner or isinstance(service.control, CommandControl)
        whose = None if unknown else control.owns
        probe = make_port_probe(check, whose, reach=reach)
        return Question("port", probe, check.timeout, excuse=excuse)
    from watchdog.probes.http import make_http_probe

    show = certificate if shows_certificate(check, service) else None
    probe = make_http_probe(check, answer, show, reach)
    return Question("http", probe, check.timeout, excuse=excuse)


def _zone(name: str) -> tzinfo:
    if name:
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    local = datetime.now().astimezone().tzinfo
    assert local is not None  # noqa: S101 - astimezone() gives one
    return local
