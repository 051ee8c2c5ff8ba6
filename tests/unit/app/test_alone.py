"""Two daemons must not share directories, nor must a start that fails end in a traceback."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from watchdog.app import log as logging
from watchdog.app.alone import alone
from watchdog.errors import WatchdogError


def test_a_second_daemon_in_the_same_directory_is_refused_until_the_first_has_ended(
    tmp_path: Path,
) -> None:
    with (
        alone([str(tmp_path), str(tmp_path)]),
        pytest.raises(WatchdogError, match="another service-watchdog uses"),
        alone([f"{tmp_path}/."]),
    ):
        pass
    with alone([str(tmp_path), str(tmp_path / "missing")]):
        pass


@pytest.mark.adapter
def test_a_socket_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    config = tmp_path / "config.toml"
    config.write_text(
        '[[service]]\nname = "a"\ncommand = ["true"]\n'
        f'[daemon]\nstate_dir = "{tmp_path}/state"\nruntime_dir = "{tmp_path}/{"x" * 120}"\n'
    )
    config.chmod(0o600)
    command = [sys.executable, "-m", "watchdog.cli.main", "run", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3
    assert "AF_UNIX path too long" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    before = structlog.get_config()
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        try:
            logging.set_up()
            for _ in range(3):
                structlog.get_logger().warning("a is suspect", reason="x" * 10_000)
        finally:
            structlog.configure(**before)
            monkeypatch.undo()
            with contextlib.suppress(OSError):
                full.close()
