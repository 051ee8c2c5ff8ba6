"""What an alert tells in our own words, as data: words in a language are made of it elsewhere.

Foreign text (of systemd, of an errno, of an HTTP body) is carried as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MeasureKind(StrEnum):
    """What was done about an incident, or what happens next."""

    RESTARTING = "restarting"  # now: restart number ``count`` of ``limit``
    RESTARTING_ONCE_MORE = "restarting-once-more"  # now, though the budget is spent
    RESTART_ASKED = "restart-asked"  # now, because a person wants it: ``words``
    RECOVERING = "recovering"  # restarted; health is not proven yet
    RECOVERING_ONCE_MORE = "recovering-once-more"  # the same, though the budget is spent
    SETTLING = "settling"  # healthy, not for the first time; believed after ``lasted``
    HELD = "held"  # not judged now; why is in ``words``
    RESTART_DUE = "restart-due"  # at ``next_try``
    RESTART_AFTER = "restart-after"  # ``limit`` failures
    NO_RESTART_HELPS = "no-restart-helps"
    RESTARTS_OFF = "restarts-off"  # for the check that failed
    NO_RESTART_POSSIBLE = "no-restart-possible"  # one more is tried at ``next_try``
    GAVE_UP = "gave-up"  # after ``count`` restarts; one more is tried at ``next_try``
    LEFT_TO_KEEPER = "left-to-keeper"  # systemd's Restart= brings it back
    HEALED = "healed"  # by a restart
    DEPLOYED = "deployed"  # by a person: ``words``
    CAME_BACK = "came-back"  # without our doing
    STAYED_HEALTHY = "stayed-healthy"  # for ``lasted`` seconds
    NO_LONGER_WATCHED = "no-longer-watched"  # taken out of the configuration
    NO_LONGER_MEASURED = "no-longer-measured"  # what was warned of
    RESTARTED = "restarted"  # and healthy again
    WORDED = "worded"  # by an older version of this program, in ``words``


@dataclass(frozen=True, slots=True)
class Measure:
    """What was done and what happens next; which of the numbers count is up to ``kind``."""

    kind: MeasureKind
    count: int = 0
    limit: int = 0
    next_try: float = 0.0  # wall
    lasted: float = 0.0  # seconds
    words: str = ""


class CircumstanceKind(StrEnum):
    """What the reason of an alert is about, if not the answer of a check."""

    RESTART_FAILED = "restart-failed"
    CRASH_LOOP = "crash-loop"  # ``count`` crashes within ``lasted`` seconds
    FLAPPING = "flapping"  # ``count`` losses of health within ``lasted`` seconds
    TEST = "test"  # asked for by ``subject``
    DATABASE_GONE = "database-gone"  # what was left of it is now ``aside``
    DATABASE_MOVED = "database-moved"  # in use; what took its place, if anything, is now ``aside``
    DATABASE_REPLACED = "database-replaced"  # unusable, now ``aside``; ``count`` alerts, ``states``
    STATE_UNREADABLE = "state-unreadable"  # of the service ``subject``
    ALERT_UNREADABLE = "alert-unreadable"  # on its way to ``subject``
    BLIND = (
        "blind"  # services that cannot be judged: ``subject`` and ``count`` more, for ``lasted``
    )
    SEES_AGAIN = "sees-again"
    # This host's own, so that the same cannot be judged; for ``reason``, for ``lasted``.
    NETWORK_DOWN = "network-down"
    NETWORK_BACK = "network-back"
    CANARY = "canary"  # the daily test of every destination
    UNDELIVERED = "undelivered"  # a canary, for ``lasted``, at the destination ``subject``
    # Of a warning, which is known by its kind and its subject:
    CERTIFICATE = "certificate"  # of ``subject`` ends in ``value`` seconds
    DISK = "disk"  # file system ``subject`` is full to ``value`` percent, ``limit`` bytes are free
    INODES = "inodes"  # of file system ``subject``: used to ``value`` percent
    MEMORY = "memory"  # ``value`` bytes of the ``limit`` that its unit sets
    OOM_KILLS = "oom-kills"  # ``count`` processes of this run
    SLOW_START = "slow-start"  # ``value`` seconds, formerly ``limit``
    HEALED_OFTEN = "healed-often"  # ``count`` times within ``lasted`` seconds
    MEMORY_LIMIT = "memory-limit"  # ``value`` bytes, more than our ``limit``
    CPU_LIMIT = "cpu-limit"  # ``value`` CPUs, more than our ``limit``
    OPEN_FILES_LIMIT = "open-files-limit"  # ``value`` of one process, more than our ``limit``
    UNMEASURED = "unmeasured"  # ``subject``, because of ``reason``


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What a reason consists of; which of the fields count is up to ``kind``."""

    kind: CircumstanceKind
    reason: str = ""  # foreign text
    subject: str = ""  # a path, a service, a destination, a person
    count: int = 0
    states: int = 0
    lasted: float = 0.0  # seconds
    aside: str = ""  # file name
    value: float = 0.0
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class Diversion:
    """Why an alert comes by way of the fallback: the destination it was for has not taken it."""

    destination: str
    since: float  # wall: when it was addressed there
    reason: str
    refused: bool = False  # for good: it will never arrive there


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to the daemon itself; ``text`` says it in English, for the log."""

    text: str
    circumstance: Circumstance
