from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.control.ownership import is_made_by_systemd, is_made_in, root_of, usual_cgroup
from watchdog.ports import Listener


def listener(path: Path) -> Listener:
    return Listener("127.0.0.1", 80, 1, path.stat().st_ino)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in ("init.scope", "system.slice/web.service/app/worker", "system.slice/web.socket"):
        (tmp_path / path).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("place", ["", "app", "app/worker"])
def test_a_socket_made_in_the_units_cgroup_or_below_is_its_own(root: Path, place: str) -> None:
    made = listener(root / "system.slice/web.service" / place)
    assert is_made_in(made, "/system.slice/web.service", str(root))


@pytest.mark.parametrize("place", ["init.scope", "system.slice", "system.slice/web.socket"])
def test_a_socket_made_elsewhere_is_a_strangers(root: Path, place: str) -> None:
    assert not is_made_in(listener(root / place), "/system.slice/web.service", str(root))


@pytest.mark.parametrize("cgroup", ["", "/system.slice/gone.service"])
def test_no_cgroup_owns_nothing(root: Path, cgroup: str) -> None:
    assert not is_made_in(listener(root), cgroup, str(root))
    assert not is_made_in(Listener("::", 80, 1, 0), "/system.slice/web.service", str(root))


@pytest.mark.parametrize(
    ("place", "is_handed_on"),
    [("init.scope", True), ("system.slice/web.socket", True), ("system.slice/web.service", False)],
)
def test_systemd_makes_the_sockets_of_socket_units(
    root: Path, place: str, is_handed_on: bool
) -> None:
    made = listener(root / place)
    assert is_made_by_systemd(made, ["", "/system.slice/web.socket"], str(root)) is is_handed_on


@pytest.mark.parametrize(
    ("slice_", "path"),
    [
        ("system.slice", "/system.slice/web.service"),
        ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice/web.service"),
        ("-.slice", "/web.service"),
        ("", "/web.service"),
    ],
)
def test_a_slice_lies_in_the_slices_that_its_name_begins_with(slice_: str, path: str) -> None:
    assert usual_cgroup(slice_, "web.service") == path


def test_beside_v1_the_cgroups_of_v2_are_one_level_below(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()  # of v1
    assert root_of(str(tmp_path)) == str(tmp_path)
    (tmp_path / "unified").mkdir()
    (tmp_path / "unified/cgroup.procs").touch()
    assert root_of(str(tmp_path)) == f"{tmp_path}/unified"
