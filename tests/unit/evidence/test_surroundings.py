"""What is around a failing service: its processes, its host, its logs, its port."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog.evidence import host, process
from watchdog.evidence.host import host_lines
from watchdog.evidence.process import SHOWN, process_snapshot
from watchdog.probes.listeners import listener_lines

pytestmark = pytest.mark.adapter


def test_the_host_is_described_in_numbers() -> None:
    lines = host_lines()
    for pattern in (
        r"load \d+\.\d\d, \d+\.\d\d, \d+\.\d\d \(1, 5, 15 min\) on \d+ CPUs",
        r"memory [\d.]+ [GM]B of [\d.]+ [GM]B available, .*swap.*",
        r"disk / [\d.]+ [GM]B of [\d.]+ [GM]B free.*",
        r"booted \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, [\d.]+ hours ago",
    ):
        assert any(re.fullmatch(pattern, line) for line in lines), pattern


def test_pressure_is_told_where_the_kernel_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "PRESSURE", tmp_path)
    assert not any("waiting" in line for line in host_lines())
    for kind, share in {"cpu": "12.34", "memory": "0.00", "io": "80.10"}.items():
        some = f"some avg10={share} avg60=1.00 avg300=0.00 total=7\n"
        (tmp_path / kind).write_text(f"{some}full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
    [line] = [line for line in host_lines() if "waiting" in line]
    assert line == "waiting in the last 10 s: CPU 12 %, memory 0 %, I/O 80 % of the time"


def test_all_processes_of_a_unit_are_counted_and_the_largest_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleepers = [subprocess.Popen(["sleep", "1000"]) for _ in range(SHOWN)]
    try:
        pids = [os.getpid(), *(each.pid for each in sleepers)]
        (tmp_path / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
        monkeypatch.setattr(process, "unit_cgroup", lambda _: tmp_path)
        main = sleepers[0].pid
        first, *shown, more = process_snapshot(main)
    finally:
        for each in sleepers:
            each.kill()
            each.wait()
    assert re.fullmatch(rf"{SHOWN + 1} processes, RSS \d+ MB in all", first)
    assert shown[0].startswith(f"process {main} sleep: ")
    assert shown[1].startswith(f"process {os.getpid()} ")
    assert len(shown) == SHOWN
    assert more == "and 1 more processes"


def test_a_process_that_spins_is_told_from_one_that_waits() -> None:
    program = "print(1, flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as spinning:
        assert spinning.stdout is not None
        spinning.stdout.readline()
        pattern = r"CPU [\d.]+ s \((\d+)% now\), 1 threads, \d+ open files"
        shares = []
        for _ in range(50):  # a busy host may not let it run at every look
            [line] = process_snapshot(spinning.pid)
            found = re.search(pattern, line)
            assert found is not None, line
            shares.append(int(found[1]))
            if shares[-1]:
                break
        spinning.kill()
    assert shares[-1] > 0


def test_who_listens_is_named_with_its_queue() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=7) as server:
        port = server.getsockname()[1]
        [line] = listener_lines(port)
    assert line.startswith(f"127.0.0.1 port {port}: ")
    assert f"pid {os.getpid()}" in line
    assert line.endswith("0 connections wait to be accepted (backlog 7)")
    assert listener_lines(port) == [f"nothing listens on port {port}"]
