"""Our commands on a test host without a new Python for each, where many are run."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.host.installed import InstalledHost
from tests.host.machine import HostError, Process
from tests.host.running import ended

SECONDS = 30.0

# The installation's own Python, by the directory that it really is in.
PYTHON = """\
bin=$(dirname "$(realpath /opt/service-watchdog/bin/service-watchdog)")
exec "$bin/python" -P /src/tests/host/standing_server.py
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The commands, loaded."""

    process: Process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Return what ``service-watchdog`` *arguments* says, root asking, not at a terminal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], SECONDS)[0]:
            raise HostError(f"cannot run {arguments}: no answer within {SECONDS:g} s")
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            raise HostError(f"cannot run {arguments}: {self.process.stderr.read()}")
        code, output, errors = json.loads(line)
        return subprocess.CompletedProcess(arguments, code, output, errors)


@contextmanager
def standing(host: InstalledHost) -> Iterator[Standing]:
    """Load the commands of the installation on *host*, for as long as it is entered."""
    with ended(host.popen("sh", "-c", PYTHON, stdin=subprocess.PIPE)) as process:
        yield Standing(process)
