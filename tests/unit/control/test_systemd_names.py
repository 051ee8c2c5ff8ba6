from __future__ import annotations

import pytest

from watchdog.control.systemd_names import unit_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("web.service", "web_2eservice"),
        ("web@1.service", "web_401_2eservice"),
        ("a-b_c.service", "a_2db_5fc_2eservice"),
        ("7zip.service", "_37zip_2eservice"),
        ("dev-disk\\x2d1.swap", "dev_2ddisk_5cx2d1_2eswap"),
    ],
)
def test_a_units_object_has_the_path_that_systemd_gives_it(name: str, path: str) -> None:
    assert unit_path(name) == f"/org/freedesktop/systemd1/unit/{path}"
