"""The service listens, and /health does not answer as it should."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from watchdog.core.service import HttpCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.host import processes
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.sockets import asked_at, connects, listeners, own, takes
from watchdog.doctor.facts.unit import again, shown
from watchdog.doctor.finding import Finding, Remedy

_STATUS = re.compile(r" answered (\d{3})\b")
_SLOW = re.compile(r"answered \d{3}, but only after")
_TEACHES = {
    401: "it wants a login: give it in headers of the check, or let /health be asked without one",
    403: "it forbids us to ask: by address, or for want of a login",
    404: "there is nothing at that path: the URL is wrong, or another application runs there",
    405: "it takes no GET at that path",
    500: "an exception in the application: its log has it",
    501: "the server does not know how to answer a GET",
    502: "a proxy in between cannot reach what is behind it",
    503: "it says itself that it is not ready, or that something which it needs is missing",
    504: "a proxy in between has waited too long for what is behind it",
}
_REDIRECT = range(300, 400)


async def process_stopped(case: Case) -> Finding | None:
    """A process of the service is stopped (SIGSTOP): it is there, and does nothing.

    `kill -CONT` lets it go on: loses nothing. One that a debugger holds is left to that.
    """
    held = [each for each in await processes(case) if each.state in "Tt"]
    if not held:
        return None
    pids = " ".join(str(each.pid) for each in held)
    traced = any(each.traced for each in held)
    how = "held by a debugger" if traced else "stopped (SIGSTOP)"
    return Finding(
        "process-stopped",
        f"process {pids} ({held[0].name}) of {case.unit} is {how}",
        "connections are taken by the kernel, and nobody answers them",
        Remedy((f"kill -CONT {pids}",), safe=not traced),
    )


async def process_stuck(case: Case) -> Finding | None:
    """A process of the service is stuck in the kernel (state D): a disk or NFS does not answer.

    No signal and no restart helps before the device does.
    """
    stuck = [each for each in await processes(case) if each.state == "D"]
    answers = await case.probed("http")
    if not stuck or answers is None or "no answer within" not in answers.reason:
        return None
    pid = stuck[0].pid
    return Finding(
        "process-stuck",
        f"process {pid} ({stuck[0].name}) of {case.unit} waits in the kernel (state D)",
        "a disk or a network file system does not answer; a restart cannot end it",
        Remedy((f"cat /proc/{pid}/wchan /proc/{pid}/stack", "journalctl --dmesg --priority=err")),
    )


async def packets_dropped(case: Case) -> Finding | None:
    """It listens, there is room in its queue, and a connection does not come about.

    A packet filter of this host drops what comes by loopback, or `IPAddressDeny=` of its unit does.
    """
    seen, wanted = await case.probed("http"), asked_at(case)
    if seen is None or wanted is None or "no answer within" not in seen.reason:
        return None
    host, port = wanted
    here = [each for each in await listeners(case) if each.port == port and takes(each, host)]
    if not here or any(each.waiting >= each.backlog for each in here) or await connects(host, port):
        return None
    denied = (await shown(case)).get("IPAddressDeny", "")
    filters = ("nft list ruleset", "iptables -S")
    edit = (f"systemctl edit --full {shlex.quote(case.unit)}", *again(case, {})) if denied else ()
    because = "IPAddressDeny= of its unit, or a packet filter," if denied else "a packet filter"
    return Finding(
        "packets-dropped",
        f"{host} port {port} is listening, and no connection to it comes about",
        f"{because} drops the packets: a restart of the service cannot help",
        Remedy(edit or filters),
    )


async def other_network(case: Case) -> Finding | None:
    """The service runs in a network of its own (`PrivateNetwork=`): nobody out here reaches it.

    Take that out of its unit, or give it a socket unit.
    """
    properties = await shown(case)
    pid = properties.get("MainPID", "0")
    try:
        ours, theirs = (Path(f"/proc/{each}/ns/net").readlink() for each in ("self", pid))
    except OSError:
        return None
    if pid == "0" or ours == theirs:
        return None
    return Finding(
        "other-network",
        f"{case.unit} runs in a network of its own: what listens there, nobody here can reach",
        "PrivateNetwork= or NetworkNamespacePath= of its unit says so",
        Remedy((f"systemctl edit --full {shlex.quote(case.unit)}", *again(case, properties))),
    )


async def nobody_listens(case: Case) -> Finding | None:
    """The unit is active, and none of its processes listens anywhere.

    It hangs before it listens, or serves something else; its last lines are shown.
    """
    wanted = asked_at(case)
    if wanted is None or await own(case):
        return None
    host, port = wanted
    if any(each.port == port and takes(each, host) for each in await listeners(case)):
        return None
    properties, lines = await shown(case), await log_lines(case)
    return Finding(
        "nobody-listens",
        f"{case.unit or case.service.name} runs, and listens nowhere",
        f"it has not come to where it listens on port {port}: it waits for something, or hangs",
        Remedy((f"journalctl -e --unit {shlex.quote(case.unit)}", *again(case, properties))
               if case.unit else again(case, properties)),
        last(lines),
    )  # fmt: skip


async def hangs(case: Case) -> Finding | None:
    """The service takes connections and does not answer them in time.

    A restart ends what hangs; it answers nobody, so nothing more is lost.
    """
    seen = await case.probed("http")
    if seen is None or "no answer within" not in seen.reason:
        return None
    properties, lines = await shown(case), await log_lines(case)
    queue = next((one for one in await own(case) if one.waiting > one.backlog), None)
    full = f"; {queue.waiting} connections wait to be taken, the queue is full" if queue else ""
    return Finding(
        "hangs",
        f"{seen.reason}{full}",
        "all its workers are busy or blocked: a lock, a slow peer, a loop that does not end",
        Remedy(again(case, properties), safe=True),
        last(lines),
    )


async def too_slow(case: Case) -> Finding | None:
    """The service answers as it should, but later than `max_latency` allows.

    Look at what it waits for, and at the load of the host; or allow it more.
    """
    seen = await case.probed("http")
    if seen is None or not _SLOW.search(seen.reason):
        return None
    time = f"curl -so /dev/null -w '%{{time_total}} s\\n' {shlex.quote(_url(case))}"
    return Finding(
        "too-slow",
        seen.reason,
        "the host or something that the service waits for is slow",
        Remedy((time, "ps aux --sort=-%cpu", f"editor {shlex.quote(case.config)}")),
    )


async def wrong_status(case: Case) -> Finding | None:
    """The service answers with a status that is not accepted; the body's first line is quoted.

    What the status usually means is said; the log of the application has the rest.
    """
    seen = await case.probed("http")
    found = _STATUS.search(seen.reason) if seen is not None else None
    if seen is None or found is None or _SLOW.search(seen.reason):
        return None
    status = int(found[1])
    means = _TEACHES.get(status, "the application does not call itself well")
    if status in _REDIRECT:
        means = "it sends us elsewhere, and a check does not follow: configure that address"
    look = [f"journalctl -e --unit {shlex.quote(case.unit)}"] if case.unit else []
    return Finding(
        "wrong-status",
        seen.reason,
        means,
        Remedy((*look, f"curl -i {shlex.quote(_url(case))}")),
        last(await log_lines(case)),
    )


async def wrong_answer(case: Case) -> Finding | None:
    """The status is right, and the body is not as `expect` says.

    The service calls itself ill, or `expect` does not fit what it says.
    """
    seen = await case.probed("http")
    if seen is None or not re.search(r"expected|is not JSON", seen.reason):
        return None
    return Finding(
        "wrong-answer",
        seen.reason,
        "the service says itself that something is wrong, or expect does not fit its answer",
        Remedy((f"curl -i {shlex.quote(_url(case))}",)),
        last(await log_lines(case)),
    )


def _url(case: Case) -> str:
    return next((check.url for check in case.service.checks if isinstance(check, HttpCheck)), "")


RULES = (
    process_stopped,
    process_stuck,
    packets_dropped,
    hangs,
    too_slow,
    wrong_status,
    wrong_answer,
)
