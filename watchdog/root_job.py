"""What only root may see: each is a job with a name and nothing to choose.

Root does it at once. Others have it done by a oneshot unit of that name, which polkit lets them
start, and read what it said in the journal.
"""

from __future__ import annotations

import os
from enum import StrEnum

from watchdog.tool import Ran, run


class RootJob(StrEnum):
    """What root can be asked for."""

    NGINX_TEST = "nginx-test"  # nginx -t -T: is the configuration valid, and what is it?
    FIREWALL = "firewall"  # the rules of this host's packet filter


_COMMANDS = {
    RootJob.NGINX_TEST: ("nginx", "-T"),
    RootJob.FIREWALL: ("nft", "--json", "list", "ruleset"),
}


async def ask_root(job: RootJob) -> Ran:
    """Return what *job* said."""
    if os.geteuid() != 0:
        return Ran(None, trouble=f"{job.value} needs root; run this with sudo")
    return await run(*_COMMANDS[job])
