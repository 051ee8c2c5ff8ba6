"""Which parts a configuration needs."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import pytest

from tests.unit.clock import FakeClock
from watchdog.app.assemble import Assembly
from watchdog.config import Config, DaemonSettings
from watchdog.control import permission
from watchdog.core.service import (
    Check,
    Control,
    HttpCheck,
    Policy,
    PortCheck,
    ProcessControl,
    Service,
    UnitControl,
)

DAEMON = DaemonSettings("/var/lib/sw", "/run/sw", "json", "web-1")
LOCAL = (PortCheck(80), HttpCheck("http://localhost:8000/"), HttpCheck("https://[::1]/"))
REMOTE = (PortCheck(80, "10.0.0.5"), HttpCheck("https://api.example/"))


@pytest.mark.parametrize(("checks", "asks"), [(LOCAL, False), (REMOTE, True)])
def test_only_a_check_that_may_leave_this_host_asks_for_its_network(
    checks: tuple[Check, ...], asks: bool
) -> None:
    service = Service("api", ProcessControl(("true",)), checks)
    questions = Assembly(DAEMON, FakeClock()).parts(service).questions
    assert {question.excuse is not None for question in questions} == {asks}


NEVER = Policy(restart_after=dict.fromkeys(Policy().restart_after, 0))


@pytest.mark.parametrize(
    ("control", "policy", "said"),
    [
        (UnitControl("api.service"), Policy(), "cannot restart"),
        (UnitControl("api.service"), NEVER, ""),
        (ProcessControl(("true",)), Policy(), ""),
    ],
)
async def test_that_no_unit_can_be_restarted_is_said_where_one_would_be(
    monkeypatch: pytest.MonkeyPatch, control: Control, policy: Policy, said: str
) -> None:
    async def obstacle(_: object) -> str:
        return "cannot restart"

    monkeypatch.setattr(permission, "obstacle", obstacle)
    assembly = Assembly(DAEMON, FakeClock())
    monkeypatch.setattr(assembly, "_bus", object())
    config = Config("config.toml", DAEMON, (Service("api", control, LOCAL, policy),))
    assert await assembly.obstacle(config) == said


@pytest.mark.adapter
def test_the_network_is_not_imported_for_checks_of_this_host() -> None:
    program = (
        "import sys, watchdog.app.daemon, watchdog.probes.http, watchdog.probes.port;"
        "sys.exit('watchdog.probes.own_network' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_service_takes_a_few_kilobytes() -> None:
    assembly = Assembly(DAEMON, FakeClock())
    services = [Service(f"s{number}", ProcessControl(("true",)), LOCAL) for number in range(100)]
    assembly.parts(services[0])  # what is imported for the first of them is there for all
    tracemalloc.start()
    try:
        kept = [assembly.parts(service) for service in services]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(kept) < 8_000
