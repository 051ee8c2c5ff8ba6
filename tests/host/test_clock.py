"""The wall clock jumps by a day, either way, and nobody is the worse for it.

All hosts and containers of this machine share one wall clock, so it is the daemon alone that is
shown another, by a library of ours (wall_clock.c) between it and clock_gettime(2): what is seen is
what the daemon makes of it. systemd, the journal and Slack keep the true time. libfaketime would
not do: waiting goes wrong with it, that of Python's threads for each other included.
"""

from __future__ import annotations

import struct
import subprocess
import time
from pathlib import Path

import pytest

from tests.host.installed import InstalledHost
from tests.host.watched_host import API, SLACK, UNIT, WatchedHost

SOURCE = Path(__file__).with_name("wall_clock.c")
LIBRARY = "/opt/wall_clock.so"
CLOCK = "/run/clock"
"""Says by how many seconds the daemon's wall clock is wrong."""

DAY = 86_400
BUDGET = 5


@pytest.fixture
def watching(installed_host: InstalledHost, tmp_path: Path) -> WatchedHost:
    library = tmp_path / "wall_clock.so"
    compiler = ("cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror")
    subprocess.run([*compiler, SOURCE, "-o", library, "-ldl"], check=True)
    watching = WatchedHost(installed_host)
    watching.start_slack()
    watching.slack_dedup()
    watching.start_sample()
    installed_host.copy_in(library, LIBRARY)
    installed_host.run("truncate", "--size=8", CLOCK)
    watching.daemon_option(f"Environment=LD_PRELOAD={LIBRARY}")
    watching.watch('max_failures = 1\nflap_window = "0s"\n', tables=SLACK)
    return watching


def jump_by(watching: WatchedHost, seconds: int) -> None:
    """Write to the file that the daemon has mapped, not to another in its place."""
    octal = "".join(f"\\{byte:03o}" for byte in struct.pack("=q", seconds))
    watching.host.sh(f"printf '{octal}' | dd of={CLOCK} conv=notrunc status=none")


@pytest.mark.soak
@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_a_wall_clock_that_jumps_by_a_day_makes_no_failure_and_hides_none(
    watching: WatchedHost, jump: int
) -> None:
    jump_by(watching, jump)
    assert wrong_by(watching) == round(jump / DAY)
    watching.wait_for_phase("healthy")
    run = watching.run_id()
    watching.host.kill(UNIT)
    watching.wait_for(lambda now: now["phase"] == "healthy" and now["run"] != run, 30)
    watching.kill_daemon()
    left = watching.wait_for_phase("healthy")["restarts_left"]
    assert left == BUDGET - 1, "the restart is remembered, and no other was made"
    happened = [kind for kind in watching.kinds() if kind not in {"paused", "resumed"}]
    assert happened == ["failed", "opened", "restart", "closed"]
    watching.delivered("slack")
    [message] = watching.in_channel()
    assert message["body"]["text"].startswith(f"RESOLVED {API}")


def wrong_by(watching: WatchedHost) -> int:
    """Return by how many days the time is wrong that the daemon writes down."""
    watching.command("pause", API, "--for", "1h")
    watching.command("resume", API, code=None)
    days: float = (watching.notes()[-1]["wall"] - time.time()) / DAY
    return round(days)
