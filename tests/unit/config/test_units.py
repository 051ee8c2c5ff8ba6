from __future__ import annotations

import pytest

from watchdog.config.units import service_unit


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("nginx", "nginx.service"),
        ("nginx.service", "nginx.service"),
        ("worker@1", "worker@1.service"),
        ("a@b@.service", "a@b@.service"),
        ("foo.bar", "foo.bar.service"),
        (r"srv-my\x20app", r"srv-my\x20app.service"),
        ("a:b_c-d.e", "a:b_c-d.e.service"),
        ("a" * 247, "a" * 247 + ".service"),
    ],
)
def test_a_unit_gets_the_suffix_that_it_lacks(written: str, unit: str) -> None:
    assert service_unit(written) == unit


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "expected a unit name"),
        (".service", "expected a unit name"),
        ("a b", "expected a unit name"),
        ("a/b.service", "expected a unit name"),
        ("é", "expected a unit name"),
        ("@1.service", "expected a unit name"),
        ("a\n", "expected a unit name"),
        ("a" * 248, "at most 255 characters"),
        ("worker@.service", "expected an instance such as worker@1.service"),
        ("backup.timer", "a timer has no process to watch"),
    ],
)
def test_what_systemd_would_not_take_for_a_service_is_refused(written: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        service_unit(written)
