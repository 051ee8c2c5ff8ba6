"""Programs that serve the daemon: the kernel's first choice when memory runs out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from watchdog.control import child
from watchdog.evidence.command import command_lines
from watchdog.program import FIRST_TO_GO, Program, raise_oom_score

pytestmark = pytest.mark.adapter

# To wait until it was raised: that happens beside what the program does first.
RAISED = "until grep -qx 500 /proc/$$/oom_score_adj; do :; done; cat /proc/self/oom_score_adj"


def test_a_command_is_the_kernels_first_choice() -> None:
    assert command_lines(["sh", "-c", RAISED], within=30) == [str(FIRST_TO_GO)]


def test_a_score_is_raised_and_never_lowered() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as cat:
        adjusted = Path(f"/proc/{cat.pid}/oom_score_adj")
        raise_oom_score(cat.pid, 700)
        assert adjusted.read_text() == "700\n"
        raise_oom_score(cat.pid, FIRST_TO_GO)
        assert adjusted.read_text() == "700\n"
        cat.communicate()
    raise_oom_score(cat.pid, 700)  # it is no more


def test_one_that_was_stopped_before_it_began_does_not_begin(tmp_path: Path) -> None:
    program = Program(["touch", str(tmp_path / "begun")])
    program.stop()
    with pytest.raises(OSError, match="canceled"):
        program.start()
    assert not (tmp_path / "begun").exists()


def score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def test_a_service_that_is_our_child_does_not_inherit_our_protection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert child._OOM_SCORE == 0
    monkeypatch.setattr(child, "_OOM_SCORE", 300)  # to lower our own takes a privilege
    started = child.Child.start(["sleep", "600"], subprocess.DEVNULL)
    try:
        assert score(started.pid) == 300
    finally:
        started.kill()
        await started.exited
        assert started._popen is not None
        started._popen.wait()
        started.close()
