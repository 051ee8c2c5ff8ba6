"""Real Alertmanagers on a test host, and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.host.host import Host, wait_for

CONFIG = """\
route:
  receiver: nobody
  group_by: [host, service]
  group_wait: 1s
receivers:
  - name: nobody
"""

Shown = dict[str, Any]


@dataclass(frozen=True)
class Alertmanager:
    """A member of the cluster, on ports of its own."""

    host: Host
    number: int = 1
    members: int = 1

    @property
    def unit(self) -> str:
        return f"alertmanager-{self.number}.service"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{9090 + self.number}"

    def start(self) -> None:
        """Start it, new or again, and return when it answers."""
        home = f"/run/alertmanager-{self.number}"
        options = [
            f"--config.file={home}/config.yml",
            f"--storage.path={home}/data",
            f"--web.listen-address=127.0.0.1:{9090 + self.number}",
            f"--cluster.listen-address=127.0.0.1:{9190 + self.number}",
            *(
                f"--cluster.peer=127.0.0.1:{9190 + other}"
                for other in range(1, self.members + 1)
                if other != self.number
            ),
        ]
        self.host.write(f"{home}/config.yml", CONFIG)
        command = " ".join(["/usr/bin/prometheus-alertmanager", *options])
        self.host.write_unit(self.unit, f"[Service]\nExecStart={command}\n")
        self.host.systemctl("start", self.unit)
        wait_for(self._answers, 20, f"{self.unit} to answer")

    def stop(self) -> None:
        """End it as a crash would; alerts are in its memory only."""
        self.host.kill(self.unit)
        self.host.wait_for_unit_state(self.unit, "failed")

    def amtool(self, *arguments: str) -> str:
        """Return what amtool says."""
        done = self.host.run("amtool", f"--alertmanager.url={self.url}", *arguments)
        return done.stdout

    def alerts(self) -> Sequence[Shown]:
        """Return the alerts that hold now, silenced ones too."""
        found: Sequence[Shown] = self._get("alerts")
        return found

    def groups(self) -> Sequence[Shown]:
        """Return the alerts by group."""
        found: Sequence[Shown] = self._get("alerts/groups")
        return found

    def one(self, condition: Callable[[Shown], object] = lambda _: True) -> Shown:
        """Return the only alert, as soon as there is just one and *condition* holds for it."""

        def found() -> Shown | None:
            alerts = self.alerts()
            return alerts[0] if len(alerts) == 1 and condition(alerts[0]) else None

        alert = wait_for(found, 30, "one alert, as it should be")
        assert alert is not None
        return alert

    def none(self) -> None:
        """Return as soon as no alert holds."""
        wait_for(lambda: not self.alerts(), 30, "no alert")

    def _get(self, what: str) -> Any:
        reply = self.host.http(f"{self.url}/api/v2/{what}")
        assert reply.status == 200, reply
        return json.loads(reply.text)

    def _answers(self) -> bool:
        try:
            return self.host.http(f"{self.url}/-/ready").status == 200
        except OSError:
            return False


def moment(text: str) -> float:
    """Return the UNIX seconds of a time that Alertmanager shows."""
    return datetime.fromisoformat(text).timestamp()
