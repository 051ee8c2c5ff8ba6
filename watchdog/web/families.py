"""Every metric: its name, its kind, its labels, and what it says.

Names and units by https://prometheus.io/docs/practices/naming/. Labels are names out of the
configuration and words out of fixed lists: never a URL, never what an answer said.
docs/reference/metrics.md is made of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "service_watchdog_"


class Kind(StrEnum):
    """What can be done with the values."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its labels; *more* is for the reference alone."""

    short: str  # without PREFIX, and a counter's without _total
    text: str
    labels: Sequence[str] = ()
    kind: Kind = Kind.GAUGE
    more: str = ""

    @property
    def name(self) -> str:
        """Return the name by which OpenMetrics knows it."""
        return PREFIX + self.short

    @property
    def sample(self) -> str:
        """Return the name that its values have, and queries use."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name


_SERVICE, _CHECK, _CHANNEL = ("service",), ("service", "check"), ("channel",)

HEALTHY = Family("service_healthy", "Whether all checks pass.", _SERVICE)
PHASE = Family(
    "service_phase",
    "1 for the phase that the service is in, 0 for all others.",
    ("service", "phase"),
    more="[The phases](state-machine.md).",
)
UNIT_STATE = Family(
    "unit_state",
    "1 for the ActiveState that systemd gives the unit, 0 for all others.",
    ("service", "unit", "state"),
    more="As of the last signal. Absent while systemd cannot be heard, and of services that are"
    " not units. The rare `maintenance` and `refreshing` are there only while they last.",
)
FAILURES = Family("service_failures", "Failures in a row since health was last proven.", _SERVICE)
BUDGET = Family(
    "service_restart_budget", "Restarts that its window allows.", _SERVICE, more="`restart_budget`."
)
BUDGET_LEFT = Family(
    "service_restart_budget_left",
    "Restarts left of the budget.",
    _SERVICE,
    more="0 from giving up to health.",
)
INCIDENT = Family("service_incident_open", "Whether an incident is open.", _SERVICE)
SILENCED = Family("service_silenced", "Whether alerts are kept back.", _SERVICE)
WARNINGS = Family("service_warnings", "Warnings that stand.", _SERVICE)
LAST_ROUND = Family("service_last_round_timestamp_seconds", "When the last round began.", _SERVICE)
NEXT_ROUND = Family(
    "service_next_round_timestamp_seconds",
    "When the next round is due.",
    _SERVICE,
    more="In the past while a round is under way, and for good if the watch has come to a halt."
    " Absent while a restart is under way.",
)
MEMORY = Family(
    "service_memory_bytes",
    "Memory of all processes of the service, without what the kernel can take back.",
    _SERVICE,
    more="Read from the cgroup when scraped; absent where it cannot be.",
)
CPU = Family(
    "service_cpu_seconds",
    "CPU that the service's processes have used.",
    _SERVICE,
    Kind.COUNTER,
    more="Begins anew with the unit's next run.",
)
CHECK_SUCCESS = Family(
    "check_success",
    "Whether the check passed in the last round; absent while it cannot be judged.",
    _CHECK,
    more="A round ends with the first check that does not pass, so those behind it are absent.",
)
CHECK_DURATION = Family(
    "check_duration_seconds", "How long the check took in the last round.", _CHECK
)
EVENTS = Family(
    "events",
    "What happened, by kind.",
    ("service", "event"),
    Kind.COUNTER,
    more="`failed`, `opened`, `closed`, `healed`, `restart`, `restart-failed`, `gave-up`, `crashed`"
    " from 0; each other [kind of the ledger](../how-to/ledger.md) from the first time on.",
)
RESTARTS = Family(
    "restarts",
    "Restarts by the daemon that are over, by how they ended.",
    ("service", "result"),
    Kind.COUNTER,
    more="`done`: a new run is there; `failed`; `yielded`: to a job of somebody else's;"
    " `impossible`: the unit cannot be restarted. Whether it has helped is `events_total`.",
)
WAITING = Family("outbox_alerts", "Alerts that wait to be delivered.", _CHANNEL)
OLDEST = Family(
    "outbox_oldest_age_seconds", "How long the oldest of them waits; 0 if none does.", _CHANNEL
)
DEAD = Family("dead_letters", "Alerts that were refused for good.", _CHANNEL)
FAILING = Family("channel_failing", "Whether the last alert was not taken.", _CHANNEL)
NOTIFICATIONS = Family(
    "notifications",
    "Alerts that were sent, by what came of it.",
    ("channel", "result"),
    Kind.COUNTER,
    more="`delivered`; `failed`: it is tried again; `rejected`: never again.",
)
BUILD = Family("build_info", "The version that runs.", ("version",))
HOST = Family(
    "host_info",
    "What alerts call this host.",
    ("host",),
    more="`[daemon] host`: to join with alerts of the daemon's own in Alertmanager.",
)
RELOADED = Family(
    "config_last_reload_successful",
    "Whether the configuration in force is that of the last reload.",
)
CONFIGURED = Family(
    "config_last_reload_success_timestamp_seconds",
    "When the configuration in force was taken.",
)
TROUBLES = Family(
    "troubles", "Sentences about the daemon's own trouble in its status.", more="`status` has them."
)
LAG = Family(
    "loop_lag_seconds",
    "How late regular rounds began, which is how late the event loop was.",
    kind=Kind.HISTOGRAM,
    more="Counted from the end of the first rounds.",
)

SECTIONS = {
    "Services": (
        *(HEALTHY, PHASE, UNIT_STATE, FAILURES, BUDGET, BUDGET_LEFT, INCIDENT, SILENCED, WARNINGS),
        *(LAST_ROUND, NEXT_ROUND, MEMORY, CPU, EVENTS, RESTARTS),
    ),
    "Checks": (CHECK_SUCCESS, CHECK_DURATION),
    "Channels": (WAITING, OLDEST, DEAD, FAILING, NOTIFICATIONS),
    "The daemon": (BUILD, HOST, RELOADED, CONFIGURED, TROUBLES, LAG),
}
"""All of them, as the reference has them."""
