"""Who ran out of memory, in the words of the kernel's own log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from watchdog.evidence.journal import journalctl

MINUTES = 10
"""How far back the kernel's log is read; a death is looked into within seconds."""

# mm/oom_kill.c, dump_oom_victim and __oom_kill_process: who it was, and what it had.
_CHOICE = re.compile(
    r"(?:^(?P<at>\d{4}-\d\d-\d\dT\S+) .*?)?"
    r"oom-kill:constraint=(?P<why>\w+).*?(?:oom_memcg=(?P<limit>[^,\s]+),)?"
    r"task_memcg=(?P<cgroup>[^,\s]+),task=(?P<name>.+?),pid=(?P<pid>\d+),"
)
_KILLED = re.compile(r"Killed process (?P<pid>\d+) \(.*?anon-rss:(?P<rss>\d+)kB")


WITHIN = 0.5
"""Seconds that reading it may take; what else is known must not be lost for it."""


class OomKills:
    """Tells whether the kernel's log is worth reading, which costs more than a restart."""

    def __init__(self, vmstat: Path = Path("/proc/vmstat")) -> None:
        self._vmstat = vmstat
        self._seen = 0

    def are_new(self) -> bool:
        """Tell whether the host has killed for want of memory since this was last asked.

        The first time: since it booted. True if the kernel does not count (before Linux 4.13).
        """
        try:
            counted = re.search(r"^oom_kill (\d+)$", self._vmstat.read_text(), re.MULTILINE)
        except OSError:
            return True
        if counted is None:
            return True
        before, self._seen = self._seen, int(counted[1])
        return self._seen != before


async def kernel_oom_lines(unit: str) -> Sequence[str]:
    """Say which processes of *unit* the kernel killed for want of memory a moment ago.

    Needs the group systemd-journal. Raises OSError if journalctl(1) cannot be run.
    """
    since = f"--since=-{MINUTES}min"
    # Older ones show the first lines since a time; backwards they show the last.
    last = ("--lines=500", "--reverse")
    log = await journalctl("--dmesg", since, "--output=short-iso", *last, within=WITHIN)
    return oom_in_words(log[::-1], unit)


def oom_in_words(log: Sequence[str], unit: str) -> Sequence[str]:
    """Return a sentence for each process of *unit* that *log*, the kernel's, says was killed."""
    memory = {
        found["pid"]: int(found["rss"]) / 1000 for line in log if (found := _KILLED.search(line))
    }
    sentences = []
    for line in log:
        choice = _CHOICE.search(line)
        if choice is None or unit not in choice["cgroup"].split("/"):
            continue
        had = f", RSS {memory[choice['pid']]:.0f} MB" if choice["pid"] in memory else ""
        at = f" at {choice['at']}" if choice["at"] else ""  # it may have been an earlier run
        if choice["why"] == "CONSTRAINT_MEMCG":
            why = f"the limit of {choice['limit']} was reached"
        else:
            why = "the host had none left"
        who = f"{choice['name']} (pid {choice['pid']}{had})"
        sentences.append(f"out of memory{at}: the kernel killed {who}: {why}")
    return sentences
