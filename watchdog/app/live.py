"""What a page shows of services and daemon, and how it is known that there is news of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

import watchdog
from watchdog.app.describing import describe, warnings
from watchdog.trend import EVERY
from watchdog.web.control_socket import RefusalError

if TYPE_CHECKING:
    from watchdog.app.engine import Engine


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Shown:
    """A source of what is live (web/live.py)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._marks: dict[str, tuple[object, ...]] = {}

    def marks(self) -> Mapping[str, object]:
        """Return a mark for each service; another object whenever there is news of it.

        State and observations are never changed, only replaced, so to be the same is to be equal.
        """
        before, self._marks = self._marks, {}
        for name, worker in self._engine.workers.items():
            found = (worker.state, worker.seen)
            known = before.get(name)
            same = known is not None and known[0] is found[0] and known[1] is found[1]
            self._marks[name] = known if same and known is not None else found
        return self._marks

    def services(self, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Describe the services of these names."""
        mono, workers = self._engine.clock.now().mono, self._engine.workers
        return [describe(workers[name], mono) for name in names if name in workers]

    async def latency_day(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Tell how long the last check of the rounds of a day took, some minutes in each row."""
        name = msgspec.convert(arguments, _Named).name
        worker = self._engine.workers.get(name)
        if worker is None:
            raise RefusalError(f"cannot find service {name!r}: it is not configured")
        trend = worker.latency.trend
        now = self._engine.clock.now().wall
        rows = trend.rows() if trend is not None else ()
        return {"name": name, "now": round(now), "every": EVERY, "rows": rows}

    def daemon(self) -> Mapping[str, Any]:
        """Describe the daemon, as far as a page shows it."""
        engine = self._engine
        return {
            "version": watchdog.__version__,
            "host": engine.host,
            "trouble": engine.troubles(),
            "warnings": warnings(engine.warner.state),
        }
