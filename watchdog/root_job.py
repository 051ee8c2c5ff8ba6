"""What only root may see: each is a job with a name and nothing to choose.

Root does it at once. Others have it done by a oneshot unit of that name, which polkit lets the
group start; it does the same and leaves the answer in /run.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

from watchdog.tool import Ran, run

GROUP = "service-watchdog"
"""Whose members may ask."""

PATIENCE = 30.0
"""Seconds for a run of the unit, which ends by itself before."""

_RUNTIME = Path("/run")
_NAME = "service-watchdog-{}"
_NEEDS = "{} needs root; run this with sudo"
# A run that was under way when we asked may have looked before; the one after it cannot.
_RUNS = 2


class RootJob(StrEnum):
    """What root can be asked for."""

    NGINX_TEST = "nginx-test"  # is the configuration valid, and what is it?
    FIREWALL = "firewall"  # the rules of this host's packet filter, as JSON: {tool: Ran}

    @property
    def unit(self) -> str:
        """Return the unit that does it for others than root."""
        return _NAME.format(self.value) + ".service"


_NGINX = ("nginx", "-T")
_FILTERS: Mapping[str, tuple[str, ...]] = {
    "nft": ("nft", "--json", "list", "ruleset"),
    "iptables": ("iptables-save",),
    "ip6tables": ("ip6tables-save",),
    "ufw": ("ufw", "status", "verbose"),
    "firewalld": ("firewall-cmd", "--list-all"),
}
_EACH = 8.0  # seconds


async def ask_root(job: RootJob) -> Ran:
    """Return what *job* said."""
    return await (do(job) if os.geteuid() == 0 else _ask_unit(job))


async def do(job: RootJob) -> Ran:
    """Do *job*, as root."""
    if job is RootJob.NGINX_TEST:
        return await run(*_NGINX, patience=_EACH)
    said = await asyncio.gather(*(run(*each, patience=_EACH) for each in _FILTERS.values()))
    told = {tool: asdict(ran) for tool, ran in zip(_FILTERS, said, strict=True)}
    return Ran(0, json.dumps(told))


async def _ask_unit(job: RootJob) -> Ran:
    asked = time.monotonic()
    for _ in range(_RUNS):
        started = await run(
            *("systemctl", "start", "--no-ask-password", "--", job.unit), patience=PATIENCE
        )
        if started.code != 0:
            return Ran(None, trouble=_why_not(job, started))
        try:
            began, ran = _read(job, _RUNTIME)
        except PermissionError:
            trouble = f"{_NEEDS.format(job.value)}, or log in again: you have joined {GROUP} since"
            return Ran(None, trouble=trouble)
        except (OSError, ValueError, TypeError, KeyError) as error:
            return Ran(None, trouble=f"{job.unit} left no answer: {error}")
        if began >= asked:
            return ran
    return Ran(None, trouble=f"{job.unit} gave no answer that is new enough; try again")


def _why_not(job: RootJob, started: Ran) -> str:
    said = (started.trouble or started.err).strip().partition("\n")[0].rstrip(".")
    if said.startswith("Job for"):
        return f"{job.unit} failed; see: journalctl -u {job.unit}"
    if "authentication required" in said or "denied" in said:
        return f"{_NEEDS.format(job.value)}, or join the group: usermod -aG {GROUP} USER"
    return f"{_NEEDS.format(job.value)} ({said})"


# --- the other side: the unit ------------------------------------------------------------------


def _place(job: RootJob, runtime: Path) -> Path:
    return runtime / _NAME.format(job.value) / "answer"


def _read(job: RootJob, runtime: Path) -> tuple[float, Ran]:
    """Return when the run that answered began, and the answer. Raises OSError, ValueError …"""
    told: dict[str, Any] = json.loads(_place(job, runtime).read_bytes())
    return float(told["began"]), Ran(**told["ran"])


def write(job: RootJob, began: float, ran: Ran, runtime: Path, group: int) -> None:
    """Leave the answer for members of *group*, in one step. Raises OSError.

    Not in the journal: that drops empty lines, splits long ones, and would keep for years what a
    configuration has of passwords.
    """
    place = _place(job, runtime)
    new = place.with_name(".new")  # one run at a time: systemd sees to that
    with suppress(FileNotFoundError):
        new.unlink()  # of a run that was killed
    with open(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:  # noqa: PTH123
        json.dump({"began": began, "ran": asdict(ran)}, file)
        os.fchown(file.fileno(), -1, group)
        os.fchmod(file.fileno(), 0o640)
    new.replace(place)


def leave_answer(job: RootJob) -> None:
    """Do *job* and leave the answer; what its unit runs. Raises OSError, KeyError."""
    import grp  # noqa: PLC0415 - only here

    began = time.monotonic()
    group = grp.getgrnam(GROUP).gr_gid
    write(job, began, asyncio.run(do(job)), _RUNTIME, group)
