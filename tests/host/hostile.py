"""What somebody would try who has taken over the daemon; run in its place, under its unit.

Standard library only. Prints one JSON object: what was tried, in groups, and how each went: "done",
or why not.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import platform
import resource
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
LOGIN = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
HOSTNAME = ("org.freedesktop.hostname1", "/org/freedesktop/hostname1", "org.freedesktop.hostname1")
TIMEDATE = ("org.freedesktop.timedate1", "/org/freedesktop/timedate1", "org.freedesktop.timedate1")

MINE, OTHER, GHOST = "langchain-api.service", "other.service", "ghost.service"
JOBS = ("service-watchdog-nginx-test.service", "service-watchdog-firewall.service")

AS_ROOT = (
    "1",
    "ExecStart",
    "a(sasb)",
    "1",
    "/bin/touch",
    "2",
    "/bin/touch",
    "/pwned",
    "false",
    "0",
)
MARK = "was-here"
"""Left in every directory that it can write to."""

MODES = ("isolate", "triggering")  # of a job; they would stop others

libc = ctypes.CDLL(None, use_errno=True)


def said(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return "done" if ran.returncode == 0 else ran.stderr.strip()


def call(target: Sequence[str], method: str, *arguments: str) -> str:
    return said("busctl", "--timeout=10", "call", "--", *target, method, *arguments)


def unit_object(unit: str) -> tuple[str, str, str]:
    escaped = "".join(
        letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):02x}"
        for letter in unit
    )
    return MANAGER[0], f"{MANAGER[1]}/unit/{escaped}", "org.freedesktop.systemd1.Unit"


class Tried(dict[str, str]):
    """What was tried over the bus, and how it went."""

    def manager(self, method: str, *arguments: str) -> None:
        self[" ".join((method, *arguments))] = call(MANAGER, method, *arguments)


def of_units() -> dict[str, str]:
    """What only some may do to units."""
    tried = Tried()
    manager = tried.manager
    for unit in (MINE, OTHER):
        for method in ("StartUnit", "StopUnit", "ReloadUnit", "TryRestartUnit"):
            manager(method, "ss", unit, "replace")
        manager("KillUnit", "ssi", unit, "all", "9")
        manager("SetUnitProperties", "sba(sv)", unit, "true", "1", "CPUWeight", "t", "1")
        manager("CleanUnit", "sas", unit, "1", "all")
        manager("FreezeUnit", "s", unit)
        manager("BindMountUnit", "sssbb", unit, "/tmp", "/mnt", "false", "true")
        manager("AttachProcessesToUnit", "ssau", unit, "", "1", str(os.getpid()))
        manager("EnqueueUnitJob", "sss", unit, "stop", "replace")
        whole = ("true", "true")
        manager("EnableUnitFiles", "asbb", "1", unit, *whole)
        manager("MaskUnitFiles", "asbb", "1", unit, *whole)
        tried[f"Unit.Stop {unit}"] = call(unit_object(unit), "Stop", "s", "replace")
        tried[f"Unit.Kill {unit}"] = call(unit_object(unit), "Kill", "si", "all", "9")
    for unit in (OTHER, "nginx.service", "service-watchdog.service", "-.slice", "init.scope"):
        manager("RestartUnit", "ss", unit, "replace")
    manager("ReloadOrRestartUnit", "ss", OTHER, "replace")
    manager("ResetFailedUnit", "s", OTHER)
    manager("ResetFailed")
    tried[f"Unit.Restart {OTHER}"] = call(unit_object(OTHER), "Restart", "s", "replace")
    # Names that a rule could take for a listed one.
    for name in (
        *("langchain-api@x.service", "tmpl@b.service", "tmpl@.service", "other-by-name.service"),
        *("Langchain-API.service", "langchain-api.service\n", "langchain-api.service\u200b"),
        *("l\u0430ngchain-api.service", "langchain-api.service.service", "langchain-api", "*"),
        *("langchain-api.service other.service", f"{MINE}\0{OTHER}".replace("\0", "%00")),
        *("../system/other.service", "/etc/systemd/system/other.service", "", "length", "0"),
    ):
        manager("RestartUnit", "ss", name, "replace")
    for unit in (MINE, GHOST, OTHER, "new.service", *JOBS):
        manager("StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", *AS_ROOT)
    for job in JOBS:
        manager("RestartUnit", "ss", job, "replace")
        manager("StopUnit", "ss", job, "replace")
        manager("SetUnitProperties", "sba(sv)", job, "true", "1", "CPUWeight", "t", "1")
    for mode in MODES:
        manager("RestartUnit", "ss", MINE, mode)
        manager("StartUnit", "ss", JOBS[0], mode)
    return tried


def of_the_host() -> dict[str, str]:
    """What would change or end the host as a whole."""
    tried = Tried()
    manager = tried.manager
    for method in ("Reload", "Reexecute", "PowerOff", "Reboot", "Halt", "KExec"):
        manager(method)
    manager("SetEnvironment", "as", "1", "LD_PRELOAD=/tmp/x.so")
    manager("SetDefaultTarget", "sb", "rescue.target", "true")
    manager("LinkUnitFiles", "asbb", "1", "/var/lib/service-watchdog/x.service", "true", "true")
    manager("SwitchRoot", "ss", "/var/lib/service-watchdog", "")
    for method in ("PowerOff", "Reboot"):
        tried[f"login1.{method}"] = call(LOGIN, method, "b", "false")
    tried["login1.SetUserLinger"] = call(LOGIN, "SetUserLinger", "ubb", "0", "true", "false")
    tried["hostname1.SetHostname"] = call(HOSTNAME, "SetHostname", "sb", "pwned", "false")
    tried["timedate1.SetTime"] = call(TIMEDATE, "SetTime", "xbb", "1", "true", "false")
    return tried


def allowed() -> dict[str, str]:
    """What it is there for."""
    return {
        "restart": call(MANAGER, "RestartUnit", "ss", MINE, "replace"),
        "restart by another name": call(
            MANAGER, "RestartUnit", "ss", "api-by-name.service", "replace"
        ),
        "restart an instance": call(MANAGER, "RestartUnit", "ss", "tmpl@a.service", "replace"),
        "reset-failed": call(MANAGER, "ResetFailedUnit", "s", MINE),
        **{job: call(MANAGER, "StartUnit", "ss", job, "replace") for job in JOBS},
    }


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except ValueError as error:  # of resource.setrlimit
        return str(error)
    return "done"


def libc_call(name: str, *arguments: object) -> Callable[[], None]:
    def attempt() -> None:
        if getattr(libc, name)(*arguments) == -1:
            raise OSError(ctypes.get_errno(), name)

    return attempt


NUMBERS: Mapping[str, tuple[int, int]] = {  # x86_64, aarch64
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "pidfd_getfd": (438, 438),
    "open_by_handle_at": (304, 265),
}


def of_the_kernel(victim: int) -> dict[str, str]:
    """What would get at other processes or out of the sandbox; *victim* is another's process."""
    column = 0 if platform.machine() == "x86_64" else 1
    numbered = {
        name: libc_call("syscall", numbers[column], 0, 0, 0, 0, 0)
        for name, numbers in NUMBERS.items()
    }
    null = ctypes.c_void_p()
    attempts: dict[str, Callable[[], object]] = {
        **numbered,
        "signal another": lambda: os.kill(victim, 15),
        "signal PID 1": lambda: os.kill(1, 15),
        "ptrace another": libc_call("ptrace", 16, victim, null, null),
        "ptrace PID 1": libc_call("ptrace", 16, 1, null, null),
        "memory of another": lambda: Path(f"/proc/{victim}/mem").read_bytes(),
        "environment of another": lambda: Path(f"/proc/{victim}/environ").read_bytes(),
        "files of another": lambda: os.listdir(f"/proc/{victim}/fd"),  # noqa: PTH208
        "root of another": lambda: os.listdir(f"/proc/{victim}/root"),  # noqa: PTH208
        "priority of another": lambda: os.setpriority(os.PRIO_PROCESS, victim, 19),
        "a higher priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
        "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        "mount": libc_call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "remount": libc_call("mount", b"none", b"/", b"", 32, None),
        "umount": libc_call("umount2", b"/var/tmp", 2),
        "namespace of users": libc_call("unshare", 0x10000000),
        "namespace of mounts": libc_call("unshare", 0x00020000),
        "namespace of PID 1": lambda: open("/proc/1/ns/mnt").close(),  # noqa: PTH123
        "chroot": lambda: os.chroot("/tmp"),
        "be root": lambda: os.setuid(0),
        "groups of root": lambda: os.setgroups([0]),
        "a device": lambda: os.mknod("/tmp/sda", 0o600 | stat.S_IFBLK, os.makedev(8, 0)),
        "a set-user-id file": lambda: os.fchmod(
            os.open("/tmp/suid", os.O_CREAT | os.O_WRONLY), 0o4755
        ),
        "give away a file": lambda: os.chown("/tmp/suid", 0, 0),
        "reboot": libc_call("reboot", 0x1234567),
        "swapon": libc_call("swapon", b"/tmp/suid", 0),
        "the clock": libc_call("clock_settime", 0, ctypes.byref((ctypes.c_long * 2)(0, 0))),
        "the host's name": libc_call("sethostname", b"pwned", 5),
        "ports of the hardware": libc_call("iopl", 3),
        "memory to write and run": lambda: mmap.mmap(
            -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        ),
        "cores": lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30)),
        "never killed for memory": lambda: Path("/proc/self/oom_score_adj").write_text("-1000"),
    }
    for name, family, kind in (
        ("packets", socket.AF_PACKET, socket.SOCK_RAW),
        ("raw IP", socket.AF_INET, socket.SOCK_RAW),
        ("raw IPv6", socket.AF_INET6, socket.SOCK_RAW),
        ("the kernel's ciphers", socket.AF_ALG, socket.SOCK_SEQPACKET),
        ("the hypervisor", socket.AF_VSOCK, socket.SOCK_STREAM),
    ):
        attempts[name] = lambda family=family, kind=kind: socket.socket(  # type: ignore[misc]
            family, kind, 1 if kind == socket.SOCK_RAW else 0
        ).close()
    return {name: outcome(attempt) for name, attempt in attempts.items()}


def effective_user_of(program: str) -> str:
    ran = subprocess.run([program, "-un"], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def walk() -> dict[str, list[str]]:
    """What it can write to, what it can read though others may not, and which sockets answer."""
    writable, secret, sockets = [], [], []
    for path, directories, files in os.walk("/"):
        if path == "/":
            directories[:] = sorted({*directories} - {"proc"})
        if os.access(path, os.W_OK):
            writable.append(path)
            with suppress(OSError):
                Path(path, MARK).touch()
        for name in files:
            full = os.path.join(path, name)  # noqa: PTH118
            with suppress(OSError):
                mode = os.lstat(full).st_mode
                if stat.S_ISSOCK(mode):
                    sockets += [full] if can_connect(full) else []
                elif stat.S_ISREG(mode):
                    writable += [full] if os.access(full, os.W_OK) else []
                    if not mode & stat.S_IROTH and os.access(full, os.R_OK):
                        secret.append(full)
                elif stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
                    writable += [full] if os.access(full, os.W_OK) else []
    return {"writable": writable, "secret": secret, "sockets": sockets}


def can_connect(path: str) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with closing(socket.socket(socket.AF_UNIX, kind)) as asking:
            asking.settimeout(1)
            with suppress(OSError):
                asking.connect(path)
                return True
    return False


def main() -> None:
    victim = int(sys.argv[1])
    print(
        json.dumps(
            {
                "allowed": allowed(),
                "files": walk(),
                "kernel": of_the_kernel(victim),
                "user": effective_user_of("/srv/id-as-root"),
                "units": of_units() | of_the_host(),
            }
        )
    )


main()
