"""From a service's table to the core's Service."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from watchdog.config.conditions import parse_condition
from watchdog.config.deployments import deployment_of
from watchdog.config.durations import format_duration
from watchdog.config.evidence import evidence_of
from watchdog.config.fetching import Secrets
from watchdog.config.policy import policy_of, sure
from watchdog.config.problems import Path, Problems, listing
from watchdog.config.reading import stated
from watchdog.config.service_tables import (
    ControlTable,
    HealthTable,
    PolicyTable,
    PortTable,
    ServiceTable,
)
from watchdog.config.settings import Deployment
from watchdog.config.units import service_unit
from watchdog.config.warnings import limits_of
from watchdog.core.service import (
    CommandControl,
    Control,
    HttpCheck,
    PortCheck,
    ProcessControl,
    Service,
    UnitControl,
)

_KEEPERS = ("unit", "command", "control")
_WITH_COMMAND = ("directory", "environment", "stop_timeout")
_CHECK_TIMEOUT = 5.0
_STOP_TIMEOUT = 10.0


class ServiceBuilder:
    """Builds one service from its table at *path*; notes what is wrong with it."""

    def __init__(
        self, table: ServiceTable, defaults: PolicyTable, path: Path, secrets: Secrets
    ) -> None:
        self._table = table
        self._defaults = defaults
        self._path = path
        self._secrets = secrets
        self._problems: Problems = secrets.problems

    def build(self) -> Service:
        """Return the service; parts of it are empty if there is a problem with them."""
        table = self._table
        control = self._control()
        policy = policy_of(table, self._defaults, self._path, self._problems)
        checks: list[PortCheck | HttpCheck] = []
        if isinstance(table.port, PortTable):
            checks.append(self._port(table.port, policy.interval))
        elif table.port is not UNSET:
            timeout = self._timeout("port", UNSET, policy.interval)
            checks.append(PortCheck(table.port, timeout=timeout))
        if isinstance(table.health, HealthTable):
            timeout = self._timeout("health", table.health.timeout, policy.interval)
            checks.append(self._http(table.health, "health", timeout))
        elif table.health is not UNSET:
            timeout = self._timeout("health", UNSET, policy.interval)
            checks.append(HttpCheck(table.health, timeout=timeout))
        evidence = evidence_of(
            table.evidence,
            (*self._path, "evidence"),
            self._problems,
            has_port=self._stated("port"),
            has_control=self._stated("control"),
        )
        name, needs = self._name(), tuple(table.depends_on)
        place, has_control = (*self._path, "limits"), self._stated("control")
        limits = limits_of(table.limits, place, self._problems, has_control=has_control)
        return Service(name, control, tuple(checks), policy, needs, evidence, limits)

    def deployment(self) -> Deployment | None:
        """Return what only commands at a terminal need to know of it, if that is stated."""
        return deployment_of(self._table, self._path, self._problems, self._asked_by_hand)

    def _asked_by_hand(self, table: HealthTable, name: str) -> HttpCheck:
        timeout = _CHECK_TIMEOUT if table.timeout is UNSET else table.timeout
        return self._http(table, name, timeout)

    def _wrong(self, key: str, message: str) -> None:
        self._problems.add((*self._path, key), message)

    def _stated(self, key: str) -> bool:
        return stated(self._table, key, self._path, self._problems)

    def _name(self) -> str:
        if self._table.name is not UNSET:
            return self._table.name
        if self._table.unit is not UNSET:
            return service_unit(self._table.unit).removesuffix(".service")
        if not (self._stated("name") or self._stated("unit") or self._problems.at(self._path)):
            self._wrong("name", "missing; expected a name, as there is no unit to take it from")
        return ""

    def _control(self) -> Control:
        table = self._table
        keepers = [key for key in _KEEPERS if self._stated(key)]
        if not keepers and not self._problems.at(self._path):
            self._problems.add(
                self._path, f"nothing keeps this service; expected one of {listing(_KEEPERS)}"
            )
        for key in keepers[1:]:
            self._wrong(key, f"{keepers[0]} is given as well; expected one of the two")
        for key in _WITH_COMMAND:
            if keepers and "command" not in keepers and self._stated(key):
                self._wrong(key, f"has no meaning with {keepers[0]}; expected only with command")
        if table.unit is not UNSET:
            return UnitControl(service_unit(table.unit))
        if table.control is not UNSET:
            return self._command_control(table.control)
        return self._process(table)

    def _process(self, table: ServiceTable) -> ProcessControl:
        variables = {} if table.environment is UNSET else table.environment
        path = (*self._path, "environment")
        return ProcessControl(
            command=self._command(table.command, (*self._path, "command")),
            directory=None if table.directory is UNSET else table.directory,
            environment=tuple(
                (name, self._secrets.fetch_text(name, value, (*path, name), several_lines=True))
                for name, value in variables.items()
            ),
            stop_timeout=_STOP_TIMEOUT if table.stop_timeout is UNSET else table.stop_timeout,
        )

    def _command_control(self, table: ControlTable) -> CommandControl:
        path = (*self._path, "control")
        return CommandControl(
            start=self._command(table.start, (*path, "start")),
            stop=self._command(table.stop, (*path, "stop")),
            status=self._command(table.status, (*path, "status")),
            timeout=table.timeout,
        )

    def _command(self, words: list[str] | UnsetType, path: Path) -> tuple[str, ...]:
        if words is UNSET:
            return ()
        if words and not words[0] and not self._problems.touch((*path, 0)):
            self._problems.add((*path, 0), "empty; expected the program to run")
        return tuple(words)

    def _port(self, table: PortTable, interval: float) -> PortCheck:
        timeout = self._timeout("port", table.timeout, interval)
        return PortCheck(table.port, table.host, table.any_owner, timeout)

    def _http(self, table: HealthTable, name: str, timeout: float) -> HttpCheck:
        latency = None if table.max_latency is UNSET else table.max_latency
        if latency is not None and latency > timeout:
            self._problems.add(
                (*self._path, name, "max_latency"),
                f"max_latency {format_duration(latency)} exceeds"
                f" timeout {format_duration(timeout)}; expected at most that",
            )
        conditions = [table.expect] if isinstance(table.expect, str) else table.expect
        return HttpCheck(
            url=table.url,
            timeout=timeout,
            status=_accepted(table.status),
            max_latency=latency,
            expect=tuple(parse_condition(text) for text in conditions if text),
            headers=self._secrets.fetch_headers(table.headers, (*self._path, name, "headers")),
            verify_tls=table.verify_tls,
        )

    def _timeout(self, check: str, stated: float | UnsetType, interval: float) -> float:
        if stated is UNSET:
            return min(_CHECK_TIMEOUT, interval / 2)
        if stated >= interval and sure("interval", self._path, self._problems):
            self._problems.add(
                (*self._path, check, "timeout"),
                f"timeout {format_duration(stated)} is not below"
                f" interval {format_duration(interval)}; expected less, so that rounds keep pace",
            )
        return stated


def _accepted(status: int | list[int] | UnsetType) -> tuple[int, ...]:
    if status is UNSET:
        return ()
    return (status,) if isinstance(status, int) else tuple(status)
