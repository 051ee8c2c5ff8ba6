"""What a service uses: of real processes, and of a cgroup's files as the kernel writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.doubles import ScriptedControl
from watchdog.core.thresholds import Limits
from watchdog.probes import resources
from watchdog.probes.resources import measure, oom_kills, unit_memory

pytestmark = pytest.mark.adapter

ALL = Limits(memory=1e9, cpu=1.0, open_files=100)

# cgroup v2's own files, Linux 6.8 (cgroup-v2.rst)
FILES = {
    "memory.current": "838860800\n",
    "memory.stat": (
        "anon 524288000\nfile 209715200\nshmem 41943040\n"
        "inactive_file 104857600\nactive_file 62914560\nslab_reclaimable 10485760\n"
    ),
    "memory.max": "1073741824\n",
    "memory.high": "max\n",
    "memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
    "cpu.stat": "usage_usec 12500000\nuser_usec 12000000\nsystem_usec 500000\n",
    "cgroup.procs": "",
}

EATER = """
import os, sys, time
eaten = b"x" * (64 << 20)
held = [os.dup(0) for _ in range(50)]
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="cgroup")
def fixture_cgroup(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(name="eater")
def fixture_eater() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", EATER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        assert process.stdin is not None
        process.stdin.close()


def test_processes_are_measured_where_there_is_no_cgroup(eater: int) -> None:
    usage, troubles = measure(ScriptedControl(main_pid=eater), ALL, 7.0)
    assert troubles == {}
    assert usage.mono == 7.0
    assert usage.memory is not None
    assert 64 << 20 < usage.memory < 100 << 20
    assert usage.cpu_time is not None
    assert 0.25 < usage.cpu_time < 5
    assert usage.open_files is not None
    assert 53 <= usage.open_files < 60


def test_the_processes_of_a_cgroup_without_controllers_are_measured(
    eater: int, tmp_path: Path
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / "cgroup.procs").write_text(f"{eater}\n")
    usage, troubles = measure(ScriptedControl(main_pid=None, cgroup=str(tmp_path)), ALL, 0.0)
    assert troubles == {}
    assert (usage.memory or 0) > 64 << 20
    assert (usage.open_files or 0) > 50


def test_memory_that_the_kernel_would_give_back_does_not_count(cgroup: Path) -> None:
    control = ScriptedControl(cgroup=str(cgroup))
    usage, _ = measure(control, Limits(memory=1e9, cpu=1.0), 0.0)
    assert usage.memory == 838860800 - 104857600 - 62914560 - 10485760
    assert usage.cpu_time == 12.5


def test_only_what_is_limited_is_measured(cgroup: Path) -> None:
    usage, troubles = measure(ScriptedControl(cgroup=str(cgroup)), Limits(cpu=1.0), 0.0)
    assert (usage.memory, usage.open_files, troubles) == (None, None, {})


def test_what_cannot_be_measured_is_said() -> None:
    usage, troubles = measure(ScriptedControl(main_pid=None), ALL, 0.0)
    assert (usage.memory, usage.cpu_time, usage.open_files) == (None, None, None)
    assert set(troubles.values()) == {"its processes are not known"}


def test_a_process_that_has_gone_is_no_longer_there() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    _, troubles = measure(ScriptedControl(main_pid=process.pid), ALL, 0.0)
    assert set(troubles) == {"memory", "cpu", "open_files"}


def test_an_old_kernel_is_asked_in_the_old_way(eater: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_counts_open_files", lambda: False)
    usage, _ = measure(ScriptedControl(main_pid=eater), Limits(open_files=9), 0.0)
    assert usage.open_files is not None
    assert 53 <= usage.open_files < 60
    assert "Linux 6.2" in resources.open_files_trouble()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a user who is not root")
def test_files_of_others_that_an_old_kernel_hides_are_said_to_be_hidden() -> None:
    program = (
        "import os\n"
        "from tests.unit.doubles import ScriptedControl\n"
        "from watchdog.core.thresholds import Limits\n"
        "from watchdog.probes import resources\n"
        "resources._counts_open_files = lambda: False\n"
        "os.setuid(65534)\n"
        "print(resources.measure(ScriptedControl(main_pid=1), Limits(open_files=9), 0.0)[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "before Linux 6.2 only a process's own user may see them" in done.stdout


def test_the_lower_of_a_units_limits_counts(cgroup: Path) -> None:
    used = 660602880.0
    assert unit_memory(str(cgroup)) == (used, 1073741824.0)
    (cgroup / "memory.high").write_text("943718400\n")
    assert unit_memory(str(cgroup)) == (used, 943718400.0)
    (cgroup / "memory.high").write_text("max\n")
    (cgroup / "memory.max").write_text("max\n")
    assert unit_memory(str(cgroup)) is None


def test_kills_for_want_of_memory_are_counted(cgroup: Path) -> None:
    assert oom_kills(str(cgroup)) == 2
    (cgroup / "memory.events").unlink()
    assert oom_kills(str(cgroup)) is None
