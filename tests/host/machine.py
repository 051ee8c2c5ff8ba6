"""Boots a root file system in namespaces of its own, runs programs in it, and ends it."""

from __future__ import annotations

import itertools
import os
import select
import shlex
import signal
import socket
import struct
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

BOOT_SCRIPT = Path(__file__).with_name("boot.sh")

BOOT_SECONDS = 60.0
RUN_SECONDS = 60.0
STOP_SECONDS = 20.0

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}

# Runs inside the host: joins its cgroup, says so, and becomes the command. nsenter stays outside,
# alive, and reaps it: who reaps orphans out there may take seconds, and the host could not end.
ENTER = """\
echo 0 >"/sys/fs/cgroup/test/$1/cgroup.procs" || exit 125
user=$2 ready=$3
shift 3
echo >&"$ready"
exec {ready}>&-
if [[ $user == root ]]; then exec "$@"; fi
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
"""


class HostError(Exception):
    """The host could not do what the test asked of it."""


class CommandError(HostError):
    """A command failed on the host; `result` has its exit status and output."""

    def __init__(self, message: str, result: subprocess.CompletedProcess[str]) -> None:
        super().__init__(message)
        self.result = result


class Process(subprocess.Popen[str]):
    """A command on the host, with all that it started: they are signalled together."""

    cgroup: Path

    def send_signal(self, sig: int) -> None:
        with suppress(FileNotFoundError):  # it ended with its host
            if sig == signal.SIGKILL:
                (self.cgroup / "cgroup.kill").write_text("1")
                return
            for pid in (self.cgroup / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), sig)


class Machine:
    """A booted stack of *layers*, the lowest first; `with` ends it without a trace.

    *binds* are directories of ours that it sees read-only, by their path there. *disk* is a
    directory that keeps what it writes, so that it can be stopped and started again; without one
    that is in memory and gone at the end.
    """

    _count = itertools.count(1)

    def __init__(
        self,
        layers: Sequence[Path],
        *,
        name: str = "testhost",
        binds: Mapping[str, Path] | None = None,
        disk: Path | None = None,
    ) -> None:
        self.name = name
        self.pid = 0
        """Its PID 1, as we count."""
        self.cgroup = cgroup_root() / f"service-watchdog-test-{os.getpid()}-{next(self._count)}"
        """Its root cgroup, as we name it."""
        self._layers = layers
        self._binds = binds or {}
        self._disk = disk
        self._boot: subprocess.Popen[bytes] | None = None
        self._calls = itertools.count(1)
        self._processes = weakref.WeakSet[Process]()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Boot, and return when systemd says that it is done: about half a second."""
        state = Path(tempfile.mkdtemp(prefix="service-watchdog-host-"))
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
            tempfile.TemporaryFile() as log,
        ):
            notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            _bind(notify, state / "notify")
            self._boot = subprocess.Popen(
                [BOOT_SCRIPT],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._boot_environment(state),
                # Ctrl-C is for the test run, which then ends its hosts in turn.
                start_new_session=True,
            )
            try:
                self.pid = self._wait_for_systemd(notify)
                (self.cgroup / "test").mkdir()
            except BaseException as error:
                said = _read_if_there(state / "console.log")
                self.stop()
                if not isinstance(error, HostError):
                    raise
                log.seek(0)
                said += log.read().decode(errors="replace")
                raise HostError(f"{error}; it said:\n{said or 'nothing'}") from None

    def stop(self) -> None:
        """End it as a power cut would, and return when nothing is left of it."""
        if self._boot is None:
            return
        boot, self._boot, self.pid = self._boot, None, 0
        assert boot.stdin is not None
        boot.stdin.close()  # the lifeline of boot.sh
        try:
            boot.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            boot.kill()
            boot.wait()
            raise HostError(
                f"cannot end host {self.name}: its processes outlive SIGKILL by "
                f"{STOP_SECONDS:g} s; {self.cgroup} is left behind"
            ) from None
        for process in self._processes:
            process.wait(STOP_SECONDS)

    def popen(
        self,
        *argv: str,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        stdin: int | IO[str] | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[str] | None = subprocess.PIPE,
        stderr: int | IO[str] | None = subprocess.PIPE,
    ) -> Process:
        """Start *argv* on the host."""
        if self._boot is None:
            raise HostError(f"cannot use host {self.name}: it is not running; start it first")
        call = str(next(self._calls))
        cgroup = self.cgroup / "test" / call
        cgroup.mkdir()
        joined, ready = os.pipe()
        try:
            process = Process(
                [
                    *("nsenter", f"--target={self.pid}", "--all", "--"),
                    *("bash", "-c", ENTER, "enter", call, user, str(ready), *argv),
                ],
                encoding="utf-8",
                errors="replace",
                env={**ENVIRONMENT, **(env or {})},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(ready,),
            )
            process.cgroup = cgroup
            self._processes.add(process)
            os.close(ready)
            ready = -1
            # From here on a signal finds it.
            os.read(joined, 1)
        finally:
            os.close(joined)
            if ready >= 0:
                os.close(ready)
        return process

    def run(
        self,
        *argv: str,
        input: str | None = None,  # noqa: A002
        check: bool = True,
        timeout: float = RUN_SECONDS,
        user: str = "root",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run *argv* on the host to its end, and return its output.

        What it leaves running lives on, unless *timeout* seconds pass: then all of it is killed.
        """
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        with self.popen(*argv, user=user, env=env, stdin=stdin) as process:
            try:
                output, errors = process.communicate(input, timeout)
            except BaseException as error:
                process.kill()
                output, errors = process.communicate()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                raise HostError(
                    f"cannot run {shlex.join(argv)} on {self.name}: not done within {timeout:g} s, "
                    f"so it was killed; it said:\n{output}{errors}"
                ) from None
        with suppress(OSError):  # what still runs there goes with the host
            process.cgroup.rmdir()
        result = subprocess.CompletedProcess(argv, process.returncode, output, errors)
        if check and result.returncode != 0:
            raise CommandError(
                f"cannot run {shlex.join(argv)} on {self.name}: exit status {result.returncode}; "
                f"it said:\n{output}{errors}",
                result,
            )
        return result

    def _boot_environment(self, state: Path) -> dict[str, str]:
        paths = [*reversed(self._layers), state, *([self._disk] if self._disk else [])]
        for path in paths:
            if set(os.fspath(path)) & set(":,\\\n\t"):
                raise HostError(f"cannot mount {path}: overlay allows no : , or \\ in a path")
        return {
            "PATH": os.environ.get("PATH", ENVIRONMENT["PATH"]),
            "HOST_STATE": os.fspath(state),
            "HOST_LOWER": ":".join(os.fspath(layer.resolve()) for layer in reversed(self._layers)),
            "HOST_UPPER": os.fspath(self._disk.resolve()) if self._disk else "",
            "HOST_NAME": self.name,
            "HOST_CGROUP": os.fspath(self.cgroup),
            "HOST_CGROUPS": os.fspath(cgroup_root()),
            "HOST_BINDS": "\n".join(f"{ours}\t{theirs}" for theirs, ours in self._binds.items()),
        }

    def _wait_for_systemd(self, notify: socket.socket) -> int:
        """Return the pid of the host's systemd once it notifies us that it is ready."""
        assert self._boot is not None
        deadline = time.monotonic() + BOOT_SECONDS
        died = os.pidfd_open(self._boot.pid)
        try:
            while True:
                wait = max(0.0, deadline - time.monotonic())
                ready, _, _ = select.select([notify.fileno(), died], [], [], wait)
                if notify.fileno() in ready:
                    message, ancillary, _, _ = notify.recvmsg(
                        4096, socket.CMSG_SPACE(struct.calcsize("iII"))
                    )
                    if b"READY=1" in message.split(b"\n"):
                        # The kernel says who sent it, in our numbers.
                        pid, _, _ = struct.unpack("iII", ancillary[0][2])
                        return int(pid)
                elif died in ready:
                    raise HostError(f"cannot boot host {self.name}: it ended by itself")
                else:
                    raise HostError(
                        f"cannot boot host {self.name}: not ready within {BOOT_SECONDS:g} s"
                    )
        finally:
            os.close(died)


def cgroup_root() -> Path:
    """Return where cgroup v2 is mounted: alone, or beside version 1."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    raise HostError("cannot boot a host: cgroup v2 is not mounted on this machine")


def _bind(sock: socket.socket, path: Path) -> None:
    """Bind to *path*, which may be longer than the hundred characters of a socket's address."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


def _read_if_there(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
