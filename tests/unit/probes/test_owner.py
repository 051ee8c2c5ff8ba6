"""A listening socket is traced to a process and a unit, as far as we may look."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from watchdog.ports import Listener
from watchdog.probes import owner
from watchdog.probes.owner import describe
from watchdog.probes.sock_diag import SockDiag

NOWHERE = 2**40  # no socket has this inode


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a tree of cgroups in which this process is in every unit."""
    for name in (
        "",
        "system.slice",
        "system.slice/nginx.service",
        "system.slice/nginx.service/sub",
    ):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        (directory / "cgroup.procs").write_text("")
    monkeypatch.setattr(owner, "_CGROUPS", (tmp_path,))
    return tmp_path


def listener(cgroup: Path | None, inode: int = NOWHERE) -> Listener:
    number = cgroup.stat().st_ino if cgroup is not None else 0
    return Listener("127.0.0.1", 80, inode=inode, cgroup=number, uid=33)


def fill(cgroup: Path, *pids: int) -> None:
    (cgroup / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))


def my_name() -> str:
    return Path("/proc/self/comm").read_text().strip()


def test_the_process_that_has_the_socket_is_named() -> None:
    diag = SockDiag()
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = diag.lookup(socket.AF_INET, *server.getsockname())
        assert found is not None
        assert describe(found).startswith(f"{my_name()} (pid {os.getpid()}")
    diag.close()


@pytest.mark.parametrize("name", ["nginx.service", "nginx.service/sub"])
def test_the_unit_is_that_of_the_sockets_cgroup(tree: Path, name: str) -> None:
    cgroup = tree / "system.slice" / name
    fill(cgroup, os.getpid())
    assert describe(listener(cgroup)) == f"{my_name()} (pid {os.getpid()}, nginx.service)"


def test_of_several_processes_alike_the_first_stands_for_all(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroup = tree / "system.slice/nginx.service"
    fill(cgroup, 79, 77, 78)
    monkeypatch.setattr(owner, "_name", lambda _: "nginx")
    assert describe(listener(cgroup)) == "nginx (pid 77, nginx.service)"


def test_of_several_processes_that_differ_it_may_be_any(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroup = tree / "system.slice/nginx.service"
    fill(cgroup, *range(2**22 + 1, 2**22 + 6))  # beyond every possible pid
    monkeypatch.setattr(owner, "_name", lambda pid: f"p{pid - 2**22}")
    assert describe(listener(cgroup)) == "one of p1, p2, p3 and 2 more (nginx.service)"


def test_an_empty_unit_is_at_least_named(tree: Path) -> None:
    cgroup = tree / "system.slice/nginx.service"
    assert describe(listener(cgroup)) == ("a process that cannot be named (uid 33, nginx.service)")


def test_a_cgroup_of_no_unit_tells_little(tree: Path) -> None:
    fill(tree / "system.slice", os.getpid())
    assert describe(listener(tree / "system.slice")) == (
        "a process that cannot be named (uid 33, cgroup system.slice)"
    )
    assert describe(listener(tree)) == "a process that cannot be named (uid 33)"


@pytest.mark.usefixtures("tree")
def test_an_unknown_cgroup_tells_nothing() -> None:
    assert describe(listener(None)) == "a process that cannot be named (uid 33)"


def test_control_characters_in_a_name_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "comm").write_bytes(b"ev\x1b[31mil\xff\n")
    monkeypatch.setattr(owner, "_PROC", tmp_path)
    assert owner._name(77) == "ev [31mil\ufffd"
    assert owner._name(78) == "a process that has gone"
