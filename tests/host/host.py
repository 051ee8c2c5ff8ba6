"""A throw-away Debian host with a real systemd, that a test may break as it likes.

`with Host(layers) as host: host.systemctl("status")`. How to get layers, and more: README.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.host.journal import Entry, JournalFollower
from tests.host.machine import RUN_SECONDS, CommandError, HostError, Machine
from tests.host.network import HttpReply, http_over, in_network_of

__all__ = ["CommandError", "Host", "HostError", "wait_for"]

REPOSITORY = Path(__file__).resolve().parents[2]

WAIT_SECONDS = 10.0
POLL_SECONDS = 0.02
"""How often wait_for asks; nothing else in the tests may poll."""

PEER_UNIT = """\
[Service]
Type={type}
WorkingDirectory=/src
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart=/opt/peers/bin/python -m tests.host.peers.{command}
{more}
"""

WRITE = """\
set -e
mkdir -p "$(dirname "$1")"
umask 077
cat >"$1.new"
chown "$3" "$1.new"
chmod "$2" "$1.new"
mv -fT -- "$1.new" "$1"
"""

T = TypeVar("T")


def wait_for(condition: Callable[[], T], timeout: float = WAIT_SECONDS, what: str = "") -> T:
    """Return the first true value of *condition*, which is asked again until *timeout*.

    For what sends no event; prefer `follow_journal`, or a read that blocks, where there is one.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise HostError(
                f"cannot go on: {what or condition!r} did not come true within {timeout:g} s; "
                f"at last it was {value!r}"
            )
        time.sleep(POLL_SECONDS)
    return value


class Host(Machine):
    """A booted Debian, and what a test says to it. The repository is at /src, read-only."""

    def __init__(
        self,
        layers: Sequence[Path],
        *,
        name: str = "testhost",
        binds: Mapping[str, Path] | None = None,
        disk: Path | None = None,
    ) -> None:
        super().__init__(layers, name=name, binds={"/src": REPOSITORY, **(binds or {})}, disk=disk)

    wait_for = staticmethod(wait_for)

    # --------------------------------------------------------- commands

    async def arun(
        self,
        *argv: str,
        input: str | None = None,  # noqa: A002
        check: bool = True,
        timeout: float = RUN_SECONDS,  # noqa: ASYNC109
        user: str = "root",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Do as `run`, and leave the event loop free meanwhile."""
        return await asyncio.to_thread(
            self.run, *argv, input=input, check=check, timeout=timeout, user=user, env=env
        )

    def sh(
        self,
        script: str,
        *args: str,
        check: bool = True,
        timeout: float = RUN_SECONDS,
        user: str = "root",
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell *script*, which sees *args* as $1 and so on."""
        return self.run("sh", "-c", script, "sh", *args, check=check, timeout=timeout, user=user)

    # ------------------------------------------------------------ files

    def write(self, path: str, text: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Put a file in place in one step, with the directories above it."""
        self.run("sh", "-c", WRITE, "sh", path, f"{mode:o}", owner, input=text)

    def read(self, path: str) -> str:
        return self.run("cat", "--", path).stdout

    def exists(self, path: str) -> bool:
        return self.run("test", "-e", path, check=False).returncode == 0

    def copy_in(self, source: Path, target: str) -> None:
        """Copy our file or directory *source* to be *target*, owned by root, modes kept."""
        if source.is_dir():
            into, members = target, [f"--directory={source}", "."]
        else:
            into, name = os.path.split(target)
            members = [f"--directory={source.parent}", f"--transform=s|^.*$|{name}|", source.name]
        unpack = 'mkdir -p "$1" && exec tar -C "$1" --no-same-owner -xpf-'
        with (
            subprocess.Popen(["tar", "-cf-", *members], stdout=subprocess.PIPE) as packed,
            self.popen("sh", "-c", unpack, "sh", into, stdin=packed.stdout) as unpacked,
        ):
            output, errors = unpacked.communicate()
        if packed.returncode or unpacked.returncode:
            raise HostError(f"cannot copy {source} to {target} on {self.name}: {output}{errors}")

    # ---------------------------------------------------------- systemd

    def systemctl(
        self, *args: str, check: bool = True, timeout: float = RUN_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        return self.run("systemctl", "--no-pager", *args, check=check, timeout=timeout)

    def write_unit(self, name: str, text: str) -> None:
        """Install a unit file and let systemd know it."""
        self.write(f"/etc/systemd/system/{name}", text)
        self.systemctl("daemon-reload")

    def unit(self, name: str, *properties: str) -> dict[str, str]:
        """Return what `systemctl show` says of the unit: these *properties*, or all."""
        shown = self.systemctl("show", *(f"--property={each}" for each in properties), "--", name)
        return dict(line.partition("=")[::2] for line in shown.stdout.splitlines() if "=" in line)

    def wait_for_unit_state(
        self, name: str, active: str, sub: str | None = None, *, timeout: float = WAIT_SECONDS
    ) -> dict[str, str]:
        """Return the unit's properties once its ActiveState is *active* (and SubState *sub*).

        This asks rather than listens: a second subscriber would make systemd send signals even
        where the daemon under test forgot to subscribe.
        """

        def reached() -> dict[str, str] | None:
            shown = self.unit(name)
            last.update(shown)
            right = shown["ActiveState"] == active and sub in (None, shown["SubState"])
            return shown if right else None

        last: dict[str, str] = {}
        try:
            return wait_for(reached, timeout) or {}
        except HostError:
            wanted = f"{active}/{sub}" if sub else active
            raise HostError(
                f"cannot see {name} become {wanted} within {timeout:g} s: it is "
                f"{last['ActiveState']}/{last['SubState']}, result {last.get('Result')}; "
                f"its journal:\n{self.journal_text(name, lines=30)}"
            ) from None

    def kill(self, unit: str, signal_number: int = signal.SIGKILL) -> float:
        """Signal the unit's main process, and return the CLOCK_MONOTONIC at which it was done.

        The signal comes from outside, so that systemd learns of it only by what it does.
        """
        pid = int(self.unit(unit, "MainPID")["MainPID"])
        if pid == 0:
            raise HostError(f"cannot signal {unit} on {self.name}: it has no main process")
        outer = self.outer_pid(pid)
        now = time.monotonic()
        os.kill(outer, signal_number)
        return now

    def outer_pid(self, pid: int) -> int:
        """Return what we call the host's process *pid*."""
        for outer in self.outer_pids():
            try:
                status = Path(f"/proc/{outer}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            numbers = status.partition("\nNSpid:")[2].partition("\n")[0].split()
            if len(numbers) > 1 and numbers[-1] == str(pid):
                return outer
        raise HostError(f"cannot find process {pid} of {self.name}: it is gone")

    def outer_pids(self) -> list[int]:
        """Return all processes of the host, as we call them."""
        found: list[int] = []
        for folder, _, _ in os.walk(self.cgroup):  # passes over what ends meanwhile
            with contextlib.suppress(OSError):
                found += map(int, Path(folder, "cgroup.procs").read_text().split())
        return found

    def start_peer(
        self, program: str, *options: str, unit: str = "", type_: str = "notify", more: str = ""
    ) -> str:
        """Start a program of tests/host/peers as a unit, and return the unit's name once ready.

        *more*: further lines for its [Service] section.
        """
        unit = unit or f"{program}.service"
        command = shlex.join([program, *options])
        self.write_unit(unit, PEER_UNIT.format(type=type_, command=command, more=more))
        self.systemctl("start", unit)
        return unit

    # ---------------------------------------------------------- journal

    def journal(
        self, unit: str | None = None, *, since: str | None = None, grep: str | None = None
    ) -> list[Entry]:
        """Return the entries logged up to now, oldest first; *since* as journalctl takes it."""
        options = [*_about(unit), *([f"--since={since}"] if since else [])]
        options += [f"--grep={grep}"] if grep else []
        found = self.sh(
            'journalctl --sync; exec journalctl --quiet --all --output=json "$@"',
            *options,
            check=False,  # journalctl fails when it finds nothing
        )
        return [Entry.parse(line) for line in found.stdout.splitlines()]

    def journal_text(self, unit: str | None = None, *, lines: int = 200) -> str:
        """Return the last *lines* of the journal for a person to read."""
        script = 'journalctl --sync; exec journalctl --quiet --output=short-precise "$@"'
        return self.sh(script, *_about(unit), f"--lines={lines}", check=False).stdout

    def follow_journal(self, unit: str | None = None, *matches: str) -> JournalFollower:
        """Return a reader of everything logged from now on; use it in a `with`."""
        last = self.sh("journalctl --sync; exec journalctl --quiet --lines=1 --output=json")
        # Not --after-cursor: if the entry at the cursor is not of the unit, the first that is gets
        # skipped in its place, once it was logged before journalctl is ready.
        since = int(Entry.parse(last.stdout)["__REALTIME_TIMESTAMP"]) + 1
        process = self.popen(
            *("journalctl", "--quiet", "--all", "--output=json", "--follow", "--no-tail"),
            *(f"--since=@{since // 1_000_000}.{since % 1_000_000:06d}", *_about(unit), *matches),
            stderr=subprocess.DEVNULL,
        )
        return JournalFollower(process, unit or self.name)

    # ---------------------------------------------------------- network

    @property
    def bus_address(self) -> str:
        """The host's system bus, for a D-Bus client on our side."""
        return f"unix:path=/proc/{self.pid}/root/run/dbus/system_bus_socket"

    def netns(self, *argv: str) -> list[str]:
        """Return the command that runs our program *argv* in the host's network."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]

    def connect(
        self, address: str = "127.0.0.1", port: int = 80, timeout: float = WAIT_SECONDS
    ) -> socket.socket:
        """Return a connection made inside the host, for use out here."""
        return in_network_of(
            self.pid, lambda: socket.create_connection((address, port), timeout=timeout)
        )

    def listen(self, port: int = 0, address: str = "127.0.0.1") -> socket.socket:
        """Return a socket that listens inside the host, for a server out here."""
        return in_network_of(self.pid, lambda: socket.create_server((address, port)))

    def http(
        self,
        url: str,
        *,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = WAIT_SECONDS,
    ) -> HttpReply:
        """Return the answer to one request made inside the host."""
        return http_over(
            self.connect, url, method=method, body=body, headers=headers or {}, timeout=timeout
        )


def _about(unit: str | None) -> list[str]:
    return [f"--unit={unit}"] if unit else []
