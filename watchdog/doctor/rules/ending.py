"""How the last run ended, where nothing more telling is known."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from watchdog.control.exits import CLD_EXITED, CLD_KILLED, exit_in_words
from watchdog.control.unit_state import Exit
from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import is_hidden, last, log_lines
from watchdog.doctor.facts.raised import TRACEBACK, may_have_raised
from watchdog.doctor.facts.unit import Shown, again, is_down, last_exit, restarts, shown
from watchdog.doctor.finding import Finding, Remedy

_ERROR = re.compile(
    r"^(?:\w+\.)*(\w*(?:Error|Exception|Exit|Interrupt|Timeout|Refused|Failed)\w*)(?:: .*)?$"
)
_RAN = re.compile(
    r"argv\[\]=(?P<argv>[^;]*?) ; ignore_errors=(?P<ignored>yes|no) ; "
    r"[^}]*?; code=(?P<how>exited|killed|dumped) ; status=(?P<status>\d+)"
)
_REFUSED = re.compile(r"""(?ix) (?: connect(?:ion)? [^\n]*? refused | ECONNREFUSED )""")
_PEER = re.compile(
    r"(?i)(?:host |server at |server on |to |\()?[\"']?(?P<host>localhost|[\w.-]*\d[\w.-]*|::1)"
    r"[\"']?(?:,? port |', |:)(?P<port>\d{2,5})"
)
_NAMES = {3306: "MySQL", 5432: "PostgreSQL", 5672: "RabbitMQ", 6379: "Redis", 9200: "Elasticsearch",
          27017: "MongoDB"}  # fmt: skip


async def peer_refuses(case: Case) -> Finding | None:
    """The service cannot reach what it needs itself: a database, a queue; its log names it.

    Start that first.
    """
    properties, lines = await shown(case), await log_lines(case)
    for line in reversed(lines):
        peer = _PEER.search(line) if _REFUSED.search(line) else None
        if peer is None:
            continue
        port = int(peer["port"])
        name = f"{_NAMES[port]} at " if port in _NAMES else ""
        where = f"{name}{peer['host']} port {port}"
        return Finding(
            "peer-refuses",
            f"{case.unit or case.service.name} cannot connect to {where}: refused",
            "what it needs does not run there, or not at that address",
            Remedy((f"ss -ltnp 'sport = :{port}'", "systemctl --failed", *again(case, properties))),
            last(lines),
        )
    return None


async def python_error(case: Case) -> Finding | None:
    """The application ended with an exception of Python's; its last line is the reason.

    Mend what it names, or go back to the version before.
    """
    lines = await log_lines(case)
    begins = [index for index, line in enumerate(lines) if line.strip() == TRACEBACK]
    if not begins or not await may_have_raised(case):
        return None
    told = [line.strip() for line in lines[begins[-1] :] if _ERROR.match(line.strip())]
    if not told:
        return None
    name = case.unit or case.service.name
    ended = f"{name} ended with" if is_down(await shown(case)) else f"{name} has logged"
    return Finding(
        "python-error",
        f"{ended} {last([told[-1]])[0]}",
        "an exception that the application does not handle: a setting, or its code",
        Remedy((*_look(case), *again(case, await shown(case)))),
        last(lines),
    )


async def control_failed(case: Case) -> Finding | None:
    """A command before or after the main process (`ExecStartPre=`, `ExecStartPost=` …) failed.

    systemd starts nothing then. Mend what the command says; a leading `-` lets it fail.
    """
    properties = await shown(case)
    if not is_down(properties):
        return None
    for key in ("ExecCondition", "ExecStartPre", "ExecStartPost"):
        for found in _RAN.finditer(properties.get(key, "")):
            status = int(found["status"])
            if found["ignored"] == "yes" or not status:
                continue
            how = CLD_EXITED if found["how"] == "exited" else CLD_KILLED
            words = exit_in_words(Exit("success", how, status))
            return Finding(
                "control-failed",
                f"{key}={found['argv']} of {case.unit} {words}",
                "systemd does not start a unit whose commands before it fail",
                Remedy((*_look(case), *again(case, properties))),
                last(await log_lines(case)),
            )
    return None


async def failed(case: Case) -> Finding | None:
    """The unit has failed; its exit status or signal is told in words, with its last lines.

    Mend what they name; then start it again.
    """
    properties, lines = await shown(case), await log_lines(case)
    ended = last_exit(properties, lines)
    failing = properties.get("ActiveState") == "failed" or restarts(properties)
    failing = failing or "auto-restart" in properties.get("SubState", "")
    if not failing or (ended.code == CLD_EXITED and not ended.status):
        return None
    tries = f", {restarts(properties)} times" if restarts(properties) > 1 else ""
    return Finding(
        "failed",
        f"{case.unit} {exit_in_words(ended)}{tries}",
        "it ended by itself; the last lines of its log may say why"
        if ended.code in {0, CLD_EXITED}
        else "it crashed, or somebody killed it; the last lines of its log may say why",
        Remedy((*_look(case), *again(case, properties))),
        last(lines),
    )


async def start_limit(case: Case) -> Finding | None:
    """systemd refuses to start the unit: too many starts within a short time.

    `systemctl reset-failed`, then start: loses nothing. Why it ended each time is in its log.
    """
    properties, lines = await shown(case), await log_lines(case)
    refused = any("Start request repeated too quickly" in line for line in lines)
    if properties.get("Result") != "start-limit-hit" and not refused:
        return None
    if properties.get("ActiveState") != "failed":
        return None
    return Finding(
        "start-limit",
        f"systemd refuses to start {case.unit}: too many starts in a short time (start limit)",
        "it ended again and again, each time without an error; now nobody starts it any more",
        Remedy(again(case, properties), safe=True),
        last(lines),
    )


async def stopped(case: Case) -> Finding | None:
    """Somebody stopped the unit: `systemctl stop`.

    That was on purpose, so starting it is theirs.
    """
    properties = await shown(case)
    seen = await case.probed("unit")
    if seen is None or not is_down(properties):
        return None
    told = "stopped by an operator" in seen.reason
    rests = properties.get("ActiveState") == "inactive"
    if not told and not (rests and was_stopped(properties, await log_lines(case))):
        return None
    fact = f"{case.unit} was stopped by an operator (systemctl stop)"
    return Finding(
        "stopped",
        seen.reason.partition(";")[0] if told else fact,
        "it stays down until somebody starts it, or the daemon does after stopped_grace",
        Remedy((f"systemctl start {shlex.quote(case.unit)}",)),
    )


async def never_started(case: Case) -> Finding | None:
    """The unit has not been started since the host booted; often it is not enabled.

    Enable and start it: loses nothing.
    """
    properties = await shown(case)
    if properties.get("ActiveState") != "inactive" or properties.get("InvocationID"):
        return None
    if int(properties.get("InactiveEnterTimestampMonotonic") or 0):
        return None
    if await log_lines(case) or await is_hidden(case):
        return None  # systemd forgets the runs of a unit that nothing refers to; the journal not
    enabled = properties.get("UnitFileState") in {
        "enabled",
        "enabled-runtime",
        "static",
        "generated",
    }
    unit = shlex.quote(case.unit)
    start = f"systemctl start {unit}" if enabled else f"systemctl enable --now {unit}"
    why = "" if enabled else ", and is not enabled at boot"
    return Finding(
        "never-started",
        f"{case.unit} has not been started since this host booted{why}",
        "nothing has asked systemd to run it",
        Remedy((start,), safe=True),
    )


async def ended(case: Case) -> Finding | None:
    """The unit is down, without an error and without a job that stopped it.

    Start it; `Restart=always` in its unit would have brought it back.
    """
    properties, lines = await shown(case), await log_lines(case)
    if properties.get("ActiveState") != "inactive":
        return None
    words = exit_in_words(last_exit(properties, lines))
    fact, meaning = f"it {words}", "it ended without an error, and Restart= does not bring it back"
    if not lines and not properties.get("InvocationID"):
        fact = "neither systemd nor the journal, as far as we may read it, know why"
        meaning = "it was stopped, has ended by itself, or was never started"
    return Finding(
        "ended",
        f"{case.unit} is not running: {fact}",
        meaning,
        Remedy(again(case, properties), safe=bool(lines)),
        last(lines),
    )


def was_stopped(properties: Shown, lines: Sequence[str]) -> bool:
    """Tell whether *lines* end with a job that stopped the unit: an end of its own has none."""
    names = tuple(name for key in ("Id", "Description") if (name := properties.get(key)))
    for line in reversed(lines):
        verb, _, rest = line.partition(" ")
        if verb in {"Starting", "Started", "Stopped", "Stopping"} and rest.startswith(names):
            return verb in {"Stopped", "Stopping"}
    return False


def _look(case: Case) -> tuple[str, ...]:
    return (f"journalctl -e --unit {shlex.quote(case.unit)}",) if case.unit else ()


RULES = (control_failed, failed, start_limit, stopped, never_started, ended)
