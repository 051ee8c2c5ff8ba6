"""Whose a listening socket is, as far as can be told from outside the daemon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from watchdog.config import Config
from watchdog.control import proc
from watchdog.core.service import CommandControl, ProcessControl
from watchdog.ports import Listener
from watchdog.survey.wanted import Wanted
from watchdog.tool import run

_SYSTEMD = "init.scope"


class Ownership:
    """Knows which units' sockets systemd itself has made, and which processes are children."""

    def __init__(self, config: Config, sockets: Mapping[str, Iterable[str]]) -> None:
        self._controls = {each.name: each.control for each in config.services}
        self._runtime_dir = Path(config.daemon.runtime_dir)
        self._sockets = {unit: set(units) for unit, units in sockets.items()}

    def owns(self, wanted: Wanted, listener: Listener, unit: str) -> bool | None:
        """Tell whether *listener*, made in the cgroup of *unit*, is the one that is *wanted*."""
        control = self._controls.get(wanted.service)
        match control:
            case CommandControl():
                return True  # its commands do not tell which sockets are its own
            case ProcessControl():
                return self._is_childs(wanted.service, listener)
            case _:
                pass
        if not unit:
            return None
        made = self._sockets.get(wanted.unit, set())
        return unit == wanted.unit or unit in made or (bool(made) and unit == _SYSTEMD)

    def _is_childs(self, service: str, listener: Listener) -> bool | None:
        """Tell whether a process that writes to the daemon's log of *service* has it open."""
        log = self._runtime_dir / f"{service}.log"
        pids = [each.pid for writer in proc.writers(log) for each in proc.session(writer.session)]
        seen = proc.socket_inodes(pids)
        if listener.inode in seen:
            return True
        return False if seen else None


async def sockets_of(units: Iterable[str]) -> dict[str, list[str]]:
    """Return the socket units that start each of *units*."""
    names = sorted(set(units))
    if not names:
        return {}
    answer = await run("systemctl", "show", "--property=Id,TriggeredBy", "--", *names)
    found: dict[str, list[str]] = {}
    for block in answer.out.split("\n\n"):
        shown = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        by = [name for name in shown.get("TriggeredBy", "").split() if name.endswith(".socket")]
        if by:
            found[shown.get("Id", "")] = by
    return found
