"""The tables of a service, key by key: what the file says, before anything follows from it.

UNSET means that the key is not there; what then holds is decided where the key is used.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from watchdog.config.deploy_tables import AppTable, DeployTable
from watchdog.config.kinds import (
    AbsolutePath,
    Command,
    Commands,
    ConditionText,
    Count,
    CountOrNever,
    Flag,
    Grace,
    HeaderName,
    HeaderValue,
    Host,
    LogFiles,
    Pace,
    PortNumber,
    ServiceName,
    ServiceNames,
    StatusCode,
    Timeout,
    UnitName,
    Url,
    VariableName,
    VariableValue,
    Window,
)
from watchdog.config.table import Reference, Table, key
from watchdog.config.warning_tables import LimitsTable, WarningsTable


class RestartAfterTable(Table, frozen=True):
    """Failures of a check in a row before a restart; 0 = this check never causes one."""

    unit: Annotated[CountOrNever | UnsetType, key("The unit is not active.", default="1")] = UNSET
    process: Annotated[CountOrNever | UnsetType, key("Our child has died.", default="1")] = UNSET
    status: Annotated[CountOrNever | UnsetType, key("The status command fails.", default="1")] = (
        UNSET
    )
    port: Annotated[CountOrNever | UnsetType, key("Nobody listens.", default="1")] = UNSET
    http: Annotated[
        CountOrNever | UnsetType,
        key("The health URL does not answer as it should.", default="max_failures"),
    ] = UNSET
    limits: Annotated[
        CountOrNever | UnsetType,
        key('It uses more than limits allow; with action = "restart".', default="1"),
    ] = UNSET


class PolicyTable(Table, frozen=True):
    """Thresholds, pace, backoff and budget. In [defaults] for all services, or in a service."""

    max_failures: Annotated[
        Count | UnsetType,
        key("Consecutive failures that open an incident and alert people."),
    ] = UNSET
    restart_after: Annotated[
        RestartAfterTable | UnsetType,
        key(
            "Failures of a check in a row before a restart.",
            default=(
                "{ unit = 1, process = 1, status = 1, port = 1, http = max_failures, limits = 1 }"
            ),
        ),
    ] = UNSET
    interval: Annotated[Pace | UnsetType, key("From one round of checks to the next.")] = UNSET
    fast_interval: Annotated[
        Pace | UnsetType, key("The same while something is wrong; not above interval.")
    ] = UNSET
    recovery_interval: Annotated[
        Pace | UnsetType, key("The same after a restart; not above interval.")
    ] = UNSET
    recover_after: Annotated[
        Count | UnsetType, key("Passing rounds in a row that prove health after a failure.")
    ] = UNSET
    start_timeout: Annotated[
        Timeout | UnsetType, key("From the start of a process to its first passing round.")
    ] = UNSET
    stopped_grace: Annotated[
        Grace | UnsetType, key("How long a service that somebody stopped is left alone.")
    ] = UNSET
    restart_budget: Annotated[
        Count | UnsetType, key("Restarts within restart_window; then the daemon gives up.")
    ] = UNSET
    restart_window: Annotated[Window | UnsetType, key("The window of restart_budget.")] = UNSET
    backoff_first: Annotated[
        Grace | UnsetType, key("The pause before a second restart; doubles with each further one.")
    ] = UNSET
    backoff_max: Annotated[
        Grace | UnsetType, key("The longest pause; not below backoff_first.")
    ] = UNSET
    retry_every: Annotated[
        Window | UnsetType, key("After giving up: one more try every so often.")
    ] = UNSET
    stable_after: Annotated[
        Grace | UnsetType, key("Health for so long forgets backoff and giving up.")
    ] = UNSET
    crash_limit: Annotated[
        Count | UnsetType, key("Restarts by systemd itself within crash_window: a crash loop.")
    ] = UNSET
    crash_window: Annotated[Window | UnsetType, key("The window of crash_limit.")] = UNSET
    crash_quiet: Annotated[
        Grace | UnsetType, key("Without a crash for so long, a crash loop is over.")
    ] = UNSET
    flap_limit: Annotated[
        CountOrNever | UnsetType,
        key("Losses of health within flap_window that open an incident, however short; 0 = never."),
    ] = UNSET
    flap_window: Annotated[
        Grace | UnsetType,
        key("An incident so soon after another is flapping; it ends when health lasts so long."),
    ] = UNSET
    remind_after: Annotated[
        Grace | UnsetType,
        key("An incident that lasts is told again, each time after twice as long; 0s = never."),
    ] = UNSET
    notify_healed: Annotated[
        Flag | UnsetType, key("Also tell of restarts that healed before max_failures.")
    ] = UNSET
    warnings: Annotated[
        WarningsTable | UnsetType,
        key("What is worth a warning, key by key.", default="see below"),
    ] = UNSET


class ControlTable(Table, frozen=True):
    """Commands that keep the process: Docker, OpenRC and the like."""

    start: Annotated[Command, key("Starts it; also restarts, after stop.")]
    stop: Annotated[Command, key("Stops it.")]
    status: Annotated[Command, key("Exit status 0 means that it runs.")]
    timeout: Annotated[Timeout, key("For each of the commands.")] = 30.0


class PortTable(Table, frozen=True):
    """Is somebody, and the right one, listening?"""

    port: Annotated[PortNumber, key("TCP port that must be listening.")]
    host: Annotated[Host, key("The address that must be reachable.")] = "127.0.0.1"
    any_owner: Annotated[
        Flag, key("Do not ask whether the socket belongs to the service itself.")
    ] = False
    timeout: Annotated[
        Timeout | UnsetType,
        key(
            "How long to wait for it; below interval.", default="5s, or half of a shorter interval"
        ),
    ] = UNSET


class HealthTable(Table, frozen=True):
    """Does a GET request answer as it should?"""

    url: Annotated[Url, key("What to ask, over a fresh connection each time.")]
    timeout: Annotated[
        Timeout | UnsetType,
        key("For the whole exchange; below interval.", default="5s, or half of a shorter interval"),
    ] = UNSET
    status: Annotated[
        StatusCode | Annotated[list[StatusCode], Meta(min_length=1)] | UnsetType,
        key("Accepted status code, or an array of them.", default="200 to 299"),
    ] = UNSET
    max_latency: Annotated[
        Timeout | UnsetType, key("A slower answer is a failure; not above timeout.", default="none")
    ] = UNSET
    expect: Annotated[
        ConditionText | list[ConditionText],
        key(
            'Conditions on the JSON body: PATH OPERATOR VALUE such as "checks[0].latency < 2".'
            " Operators: == != < <= > >=. Text stands in single or double quotes.",
        ),
    ] = field(default_factory=list)
    headers: Annotated[
        dict[HeaderName, HeaderValue | Reference],
        key("Headers of the request; values may be secrets.", default="{}"),
    ] = field(default_factory=dict)
    verify_tls: Annotated[Flag, key("Check the certificate of a https URL.")] = True


class ServiceEvidenceTable(Table, frozen=True):
    """What else tells why it failed; gathered before a restart, beside what always is."""

    logs: Annotated[LogFiles, key("Log files whose last lines are of interest.")] = field(
        default_factory=list
    )
    commands: Annotated[
        Commands,
        key(
            "Programs with their arguments, run without a shell while the process still lives."
            " {main_pid}, {service} and {port} are filled in."
        ),
    ] = field(default_factory=list)


class ServiceTable(PolicyTable, frozen=True):
    """A service: how its process is kept (unit, command or control), its checks and its policy."""

    name: Annotated[
        ServiceName | UnsetType,
        key("What it is called everywhere.", default="the unit's name without .service"),
    ] = UNSET
    unit: Annotated[
        UnitName | UnsetType,
        key("The systemd unit that keeps the process; .service may be left out."),
    ] = UNSET
    command: Annotated[
        Command | UnsetType,
        key("Program and arguments of a process that the daemon itself keeps."),
    ] = UNSET
    control: Annotated[
        ControlTable | UnsetType, key("Commands that keep the process in some other way.")
    ] = UNSET
    directory: Annotated[
        AbsolutePath | UnsetType,
        key("With command: where it runs.", default="the daemon's own"),
    ] = UNSET
    environment: Annotated[
        dict[VariableName, VariableValue | Reference] | UnsetType,
        key("With command: variables set for it; values may be secrets.", default="{}"),
    ] = UNSET
    stop_timeout: Annotated[
        Grace | UnsetType, key("With command: from SIGTERM to SIGKILL.", default="10s")
    ] = UNSET
    port: Annotated[PortNumber | PortTable | UnsetType, key("TCP port that must be listening.")] = (
        UNSET
    )
    health: Annotated[Url | HealthTable | UnsetType, key("URL that must answer.")] = UNSET
    proxied: Annotated[
        Url | HealthTable | UnsetType,
        key("The same through nginx on this host, for deploy, verify and doctor.", default="none"),
    ] = UNSET
    external: Annotated[
        Url | HealthTable | UnsetType,
        key("The same as its users reach it, for deploy, verify and doctor.", default="none"),
    ] = UNSET
    nginx: Annotated[
        UnitName | UnsetType, key("The unit of that nginx.", default="nginx.service")
    ] = UNSET
    depends_on: Annotated[
        ServiceNames,
        key("Services without which this one cannot be healthy; a failure is theirs first."),
    ] = field(default_factory=list)
    evidence: Annotated[ServiceEvidenceTable, key("What else tells why it failed.")] = (
        ServiceEvidenceTable()
    )
    limits: Annotated[
        LimitsTable | UnsetType, key("What it may use.", default="as much as it likes")
    ] = UNSET
    deploy: Annotated[DeployTable, key("What a deploy runs besides its own steps.")] = DeployTable()
    app: Annotated[AppTable, key("The files that it needs.")] = AppTable()
