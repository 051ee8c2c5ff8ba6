"""Out of memory: said by whom the kernel killed, and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watchdog.evidence import cgroup
from watchdog.evidence.cgroup import memory_lines, pids_in, unit_cgroup
from watchdog.evidence.oom import OomKills, oom_in_words

LIMIT = [
    "python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    (
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
        "oom_memcg=/system.slice/api.service,task_memcg=/system.slice/api.service,task=python3,"
        "pid=4711,uid=998"
    ),
    (
        "Memory cgroup out of memory: Killed process 4711 (python3) total-vm:2097152kB, "
        "anon-rss:512000kB, file-rss:8kB, shmem-rss:0kB, UID:998 pgtables:1100kB oom_score_adj:0"
    ),
]
HOST = [
    (
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=api.service,mems_allowed=0,"
        "global_oom,task_memcg=/system.slice/api.service/workers,task=gunicorn: x,pid=12,uid=0"
    ),
]


def test_a_limit_that_was_reached_is_named() -> None:
    assert oom_in_words(LIMIT, "api.service") == [
        (
            "out of memory: the kernel killed python3 (pid 4711, RSS 512 MB): "
            "the limit of /system.slice/api.service was reached"
        )
    ]


def test_when_it_was_is_told_for_it_may_have_been_an_earlier_run() -> None:
    log = [f"2026-11-22T23:55:46+0000 web-1 kernel: {line}" for line in LIMIT]
    assert oom_in_words(log, "api.service") == [
        (
            "out of memory at 2026-11-22T23:55:46+0000: the kernel killed python3 "
            "(pid 4711, RSS 512 MB): the limit of /system.slice/api.service was reached"
        )
    ]


def test_a_host_without_memory_is_told_apart_from_a_limit() -> None:
    assert oom_in_words(HOST, "api.service") == [
        "out of memory: the kernel killed gunicorn: x (pid 12): the host had none left"
    ]


def test_the_dead_of_other_units_are_no_evidence() -> None:
    assert oom_in_words([*LIMIT, *HOST], "pi.service") == []


def test_the_kernels_log_is_read_only_when_it_has_killed_again(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    kills = OomKills(vmstat)
    assert kills.are_new()  # it does not count
    for count, is_new in [(0, False), (2, True), (2, False), (3, True)]:
        vmstat.write_text(f"nr_free_pages 7\noom_kill {count}\ndrop_slab 1\n")
        assert kills.are_new() is is_new


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A unit with a cgroup of its own within, as /proc and /sys/fs/cgroup show it."""
    unit = tmp_path / "cgroup/system.slice/api.service"
    (unit / "workers").mkdir(parents=True)
    (unit / "cgroup.procs").write_text("7\n")
    (unit / "workers/cgroup.procs").write_text("9\n8\n")
    for pid, path in {
        "7": "/system.slice/api.service/main",
        "self": "/system.slice/us.service",
    }.items():
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "cgroup").write_text(f"1:name=x:/\n0::{path}\n")
    monkeypatch.setattr(cgroup, "ROOTS", (tmp_path / "cgroup",))
    return tmp_path


def test_the_processes_of_a_unit_are_those_of_all_its_cgroups(host: Path) -> None:
    found = unit_cgroup(7, host / "proc")
    assert found == host / "cgroup/system.slice/api.service"
    assert pids_in(found) == [7, 8, 9]


def test_our_own_unit_is_no_services(host: Path) -> None:
    (host / "proc/7/cgroup").write_text("0::/system.slice/us.service\n")
    assert unit_cgroup(7, host / "proc") is None
    assert unit_cgroup(os.getpid()) is None


def test_a_worker_that_the_kernel_killed_is_told_of(host: Path) -> None:
    unit = host / "cgroup/system.slice/api.service"
    proc = host / "proc"
    assert memory_lines(7, proc) == ()  # no memory controller
    (unit / "memory.events").write_text("low 0\nmax 9\noom 2\noom_kill 0\n")
    assert memory_lines(7, proc) == ()
    (unit / "memory.events").write_text("low 0\nmax 9\noom 2\noom_kill 2\n")
    assert memory_lines(7, proc) == ["out of memory: the kernel has killed 2 processes of this run"]
