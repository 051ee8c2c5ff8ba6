"""A service as it is configured: how it is kept, what is asked of it, and the policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchdog.core.thresholds import Limits, Warnings


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds, pace, backoff and budget of one service. Durations in seconds."""

    max_failures: int = 3
    restart_after: Mapping[str, int] = field(  # check -> failures before a restart; 0 = never
        default_factory=lambda: {
            "unit": 1,
            "process": 1,
            "status": 1,
            "port": 1,
            "http": 3,
            "limits": 1,  # it has been beyond them for several rounds by then
        }
    )
    interval: float = 30.0
    fast_interval: float = 2.0  # while suspect, failing or waiting
    recovery_interval: float = 0.5  # while recovering
    recover_after: int = 2  # passing rounds in a row that prove health after a failure was acted on
    start_timeout: float = 30.0  # from the start of a process to its first passing round
    stopped_grace: float = 120.0
    restart_budget: int = 5
    restart_window: float = 1800.0
    backoff_first: float = 5.0
    backoff_max: float = 300.0
    retry_every: float = 900.0  # half-open retries after gave-up
    stable_after: float = 300.0  # health for so long re-arms backoff and gave-up
    crash_limit: int = 3  # restarts by systemd itself within crash_window: a crash loop
    crash_window: float = 300.0
    crash_quiet: float = 60.0  # without a crash for so long, the loop is over
    flap_limit: int = 5  # losses of health within flap_window: flapping; 0: that many do not count
    flap_window: float = 1800.0  # an incident so soon after the last is flapping; 0: none ever is
    remind_after: float = 3600.0  # an incident that lasts is told again; 0: never
    notify_healed: bool = False  # tell of restarts that healed before max_failures
    warnings: Warnings = field(default_factory=Warnings)


@dataclass(frozen=True, slots=True)
class UnitControl:
    """A systemd unit keeps the process."""

    unit: str


@dataclass(frozen=True, slots=True)
class ProcessControl:
    """The daemon itself keeps the process, as its own child."""

    command: tuple[str, ...]
    directory: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    stop_timeout: float = 10.0  # seconds from TERM to KILL


@dataclass(frozen=True, slots=True)
class CommandControl:
    """Three commands keep the process: Docker, OpenRC and the like."""

    start: tuple[str, ...]
    stop: tuple[str, ...]
    status: tuple[str, ...]  # exit status 0: running
    timeout: float = 30.0  # seconds for each command


@dataclass(frozen=True, slots=True)
class PortCheck:
    """Is somebody, and the right one, listening?"""

    port: int
    host: str = "127.0.0.1"
    any_owner: bool = False  # True: whose socket it is does not matter
    timeout: float = 5.0


class Comparison(StrEnum):
    """How a JSON condition compares."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a JSON body: ``path`` (keys and list indexes) compared with ``value``."""

    path: tuple[str, ...]
    comparison: Comparison
    value: str | float | bool | None

    def __str__(self) -> str:
        value = json.dumps(self.value, ensure_ascii=False)
        return f"{'.'.join(self.path)} {self.comparison.value} {value}"


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """Does GET ``url`` answer as it should?"""

    url: str
    timeout: float = 5.0  # seconds, for the whole exchange
    status: tuple[int, ...] = ()  # accepted status codes; empty: 200-299
    max_latency: float | None = None  # seconds
    expect: tuple[Condition, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    verify_tls: bool = True


Control = UnitControl | ProcessControl | CommandControl
Check = PortCheck | HttpCheck


PLACEHOLDERS = ("main_pid", "service", "port")
"""What ``{…}`` in a command of Evidence may stand for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else tells why a service fails, beside what is gathered of every one."""

    logs: tuple[str, ...] = ()  # files whose last lines are read
    commands: tuple[tuple[str, ...], ...] = ()  # run before a restart; with PLACEHOLDERS


@dataclass(frozen=True, slots=True)
class Service:
    """A configured service: how it is kept, what is asked of it, and the policy."""

    name: str
    control: Control
    checks: tuple[Check, ...] = ()  # in order, after the control's own
    policy: Policy = field(default_factory=Policy)
    depends_on: tuple[str, ...] = ()
    evidence: Evidence = Evidence()
    limits: Limits = field(default_factory=Limits)
