"""What is measured of a service for warnings, and what that takes from what it has."""

from __future__ import annotations

import shutil
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.host.peers.certificate import self_signed
from tests.unit.doubles import ScriptedControl
from watchdog.app.gauges import LastCertificate, gauges
from watchdog.core.service import HttpCheck, Policy, Service, UnitControl
from watchdog.core.standing import Reading
from watchdog.core.telling import CircumstanceKind
from watchdog.core.thresholds import Warnings
from watchdog.core.warning import of_service

DAY = 86400.0
HTTPS = Service("api", UnitControl("api.service"), (HttpCheck("https://shop.example:8443/health"),))
STEPS = of_service(Warnings())(CircumstanceKind.CERTIFICATE)


def read(
    service: Service, control: ScriptedControl, certificate: LastCertificate, wall: float = 0.0
) -> list[Reading]:
    found = gauges(service, control, certificate)
    return [reading for gauge in found for reading in gauge(wall)]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")
@pytest.mark.parametrize(
    ("life", "left", "level"),
    [(365, 22, 0), (365, 20.9, 1), (90, 6.9, 2), (6, 2.0, 0), (6, 1.3, 1), (6, 0.05, 3)],
)
def test_a_short_lived_certificate_is_held_to_its_steps_in_proportion(
    tmp_path: Path, life: int, left: float, level: int
) -> None:
    certificate = LastCertificate()
    pem = self_signed(tmp_path, days=life)[1].read_text()
    certificate(ssl.PEM_cert_to_DER_cert(pem))
    now = time.time() + (life - left) * DAY
    [reading] = read(HTTPS, ScriptedControl(), certificate, now)
    assert reading.about.subject == "https://shop.example:8443"
    assert abs(reading.about.value - left * DAY) < 60
    assert reading.value is not None
    assert STEPS.reached(reading.value) == level


def test_before_the_first_session_nothing_is_known() -> None:
    [reading] = read(HTTPS, ScriptedControl(), LastCertificate())
    assert reading.value is None


def test_a_plain_http_check_has_no_certificate() -> None:
    plain = replace(HTTPS, checks=(HttpCheck("http://shop.example/health"),))
    assert read(plain, ScriptedControl(), LastCertificate()) == []


def test_the_memory_of_a_unit_is_held_against_its_own_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("950\n")
    (tmp_path / "memory.stat").write_text("inactive_file 30\n")
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.events").write_text("oom 1\noom_kill 1\n")
    plain = replace(HTTPS, checks=())
    memory, kills = read(plain, ScriptedControl(cgroup=str(tmp_path)), LastCertificate())
    assert (memory.about.value, memory.about.limit, memory.value) == (920.0, 1000.0, 92.0)
    assert (kills.about.count, kills.value) == (1, 1.0)


def test_a_unit_without_a_memory_controller_is_near_no_limit(tmp_path: Path) -> None:
    plain = replace(HTTPS, checks=())
    memory, kills = read(plain, ScriptedControl(cgroup=str(tmp_path)), LastCertificate())
    assert (memory.value, kills.value) == (0.0, None)


def test_what_is_switched_off_is_not_measured(tmp_path: Path) -> None:
    off = Policy(warnings=Warnings(certificate=(), memory=(), oom_kills=False))
    service = replace(HTTPS, policy=off)
    assert read(service, ScriptedControl(cgroup=str(tmp_path)), LastCertificate()) == []
