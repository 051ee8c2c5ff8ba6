"""The check "limits": does the service use more than it may, for several rounds in a row?

Measured at the pace of a calm service and not faster, however fast the rounds come; in between the
last answer holds. What was too much is kept until it is asked for, for a warning, at a slower pace.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

from watchdog.core.limits import Usage, average_cpu, exceeded
from watchdog.core.model import Observation, Verdict
from watchdog.core.standing import Reading
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.core.thresholds import LimitAction, Limits
from watchdog.core.warning_words import in_english, size
from watchdog.ports import ServiceControl
from watchdog.probes.resources import CPU, MEMORY, OPEN_FILES, measure

CHECK = "limits"

_EARLY = 0.9  # of an interval: a round that comes so soon after another is no regular one
_IN_A_ROW = 3.0  # intervals; after a longer pause the count begins anew

_NAMES = {MEMORY: "memory", CPU: "CPU", OPEN_FILES: "open files"}
_KINDS = (
    CircumstanceKind.MEMORY_LIMIT,
    CircumstanceKind.CPU_LIMIT,
    CircumstanceKind.OPEN_FILES_LIMIT,
)


class LimitsCheck:
    """Measures one service; ``ask`` is its probe, ``readings`` what there is to warn of."""

    def __init__(
        self,
        limits: Limits,
        control: ServiceControl,
        interval: float,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._control = control
        self._interval = interval
        self._mono = mono
        self._run = ""
        self._usages: deque[Usage] = deque(maxlen=limits.rounds + 1)
        self._troubles: dict[str, str] = {}
        self._unmeasured = 0  # times in a row
        self._noted: dict[CircumstanceKind, Circumstance] = {}  # exceeded since the last readings
        self._answer = Observation(Verdict.UNKNOWN, CHECK, "not measured yet")

    async def ask(self) -> Observation:
        """Answer the check; UNKNOWN if something that is limited cannot be measured."""
        began = self._mono()
        if self._run != self._control.identity:
            self._run = self._control.identity
            self._usages.clear()
            self._noted.clear()
        elif self._usages and began - self._usages[-1].mono < _EARLY * self._interval:
            return self._answer
        if self._usages and began - self._usages[-1].mono > _IN_A_ROW * self._interval:
            self._usages.clear()
        usage, self._troubles = measure(self._control, self._limits, began)
        self._unmeasured = self._unmeasured + 1 if self._troubles else 0
        self._usages.append(usage)
        self._answer = self._judge()
        return self._answer

    def readings(self, _wall: float = 0.0) -> Iterator[Reading]:
        """Yield what is measured, for warnings: a limit that does nothing must be told of."""
        over, self._noted = self._noted, {}
        for kind in _KINDS if self._limits.action is LimitAction.WARN else ():
            yield Reading(over.get(kind, Circumstance(kind)), float(kind in over))
        is_lasting = self._unmeasured >= self._limits.rounds
        for name, words in _NAMES.items():
            if getattr(self._limits, name) is not None:
                why = self._troubles.get(name, "")
                told = Circumstance(CircumstanceKind.UNMEASURED, why, words)
                yield Reading(told, float(bool(why) and is_lasting))

    def _judge(self) -> Observation:
        over = exceeded(self._limits, tuple(self._usages))
        self._noted |= {told.kind: told for told in over}
        if over and self._limits.action is LimitAction.RESTART:
            reason = "; ".join(map(in_english, over))
            return Observation(Verdict.FAIL, CHECK, reason, circumstance=over[0])
        if self._troubles:
            told = [f"cannot measure {_NAMES[name]}: {why}" for name, why in self._troubles.items()]
            return Observation(Verdict.UNKNOWN, CHECK, "; ".join(told))
        return Observation(Verdict.PASS, CHECK, ", ".join(self._in_use()))

    def _in_use(self) -> Iterator[str]:
        limits, usage = self._limits, self._usages[-1]
        cpu = average_cpu(self._usages)
        if limits.memory is not None and usage.memory is not None:
            yield f"memory {size(usage.memory)} of {size(limits.memory)}"
        if limits.cpu is not None and cpu is not None:
            yield f"CPU {cpu * 100:.0f} % of {limits.cpu * 100:.0f} %"
        if limits.open_files is not None and usage.open_files is not None:
            yield f"{usage.open_files} of {limits.open_files} open files"
