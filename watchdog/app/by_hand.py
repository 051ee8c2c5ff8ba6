"""What commands share that ask services themselves: which ones, and what of them can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchdog.config import Config
from watchdog.core.chain import start_order
from watchdog.core.service import PortCheck, ProcessControl, Service
from watchdog.errors import ConfigError

_NAMED = 10  # services that an error names at most


def chosen(config: Config, names: Sequence[str]) -> Sequence[Service]:
    """Return the services called *names*, all if none is, each after those it depends on.

    Raises ConfigError for a name that there is not.
    """
    known = {service.name: service for service in config.services}
    if wrong := [name for name in names if name not in known]:
        there = ", ".join(list(known)[:_NAMED]) or "none"
        raise ConfigError(
            tuple(
                f"cannot find service {name!r}: it is not in {config.path}; there is {there}"
                for name in wrong
            )
        )
    return [known[name] for name in start_order(config.services) if not names or name in names]


def askable(service: Service, *, blind: bool = False) -> Service:
    """Return *service* with the checks that can be asked without the daemon.

    Whose sockets the daemon's own child has only the daemon can tell, and nobody of a unit that
    cannot be seen (*blind*): then none is a stranger's.
    """
    if not blind and not isinstance(service.control, ProcessControl):
        return service
    checks = tuple(
        replace(check, any_owner=True) if isinstance(check, PortCheck) else check
        for check in service.checks
    )
    return replace(service, checks=checks)
