"""How a unit's run ended, in words. Names and numbers from systemd.exec(5), section exit codes."""

from __future__ import annotations

import signal

from watchdog.control.unit_state import Exit

CLD_EXITED, CLD_KILLED, CLD_DUMPED = 1, 2, 3
"""Values of ExecMainCode (waitid(2))."""

_EXEC_NAMES = [
    "CHDIR",
    "NICE",
    "FDS",
    "EXEC",
    "MEMORY",
    "LIMITS",
    "OOM_ADJUST",
    "SIGNAL_MASK",
    "STDIN",
    "STDOUT",
    "CHROOT",
    "IOPRIO",
    "TIMERSLACK",
    "SECUREBITS",
    "SETSCHEDULER",
    "CPUAFFINITY",
    "GROUP",
    "USER",
    "CAPABILITIES",
    "CGROUP",
    "SETSID",
    "CONFIRM",
    "STDERR",
    "-",
    "PAM",
    "NETWORK",
    "NAMESPACE",
    "NO_NEW_PRIVILEGES",
    "SECCOMP",
    "SELINUX_CONTEXT",
    "PERSONALITY",
    "APPARMOR",
    "ADDRESS_FAMILIES",
    "RUNTIME_DIRECTORY",
    "-",
    "CHOWN",
    "SMACK_PROCESS_LABEL",
    "KEYRING",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "NUMA_POLICY",
    "CREDENTIALS",
    "BPF",
]

_EXEC_MEANINGS = {
    200: "WorkingDirectory= is missing or not accessible",
    203: "executable not found or not runnable",
    209: "cannot set up standard output",
    216: "the group of Group= does not exist",
    217: "the user of User= does not exist",
    224: "PAM refused",
    226: "cannot set up the mount namespace: a path named in the unit is missing",
    228: "a system call filter could not be set up",
    233: "cannot make RuntimeDirectory=",
    238: "cannot make StateDirectory=",
    239: "cannot make CacheDirectory=",
    240: "cannot make LogsDirectory=",
    243: "a credential of LoadCredential= or SetCredential= is missing",
}

_RESULTS = {
    "core-dump": "crashed with a core dump",
    "exec-condition": "its ExecCondition= said no",
    "exit-code": "failed in a command before or after its main process",
    "oom-kill": "ran out of memory",
    "protocol": "did not say that it is ready as its Type= asks for",
    "resources": "systemd could not get the resources to run it",
    "signal": "had a command before or after its main process killed",
    "start-limit-hit": "started too often",
    "timeout": "timed out",
    "watchdog": "its own watchdog got no ping in time (WatchdogSec=)",
}


_OUT_OF_MEMORY = Exit("oom-kill", CLD_KILLED, signal.SIGKILL)
"""The main process itself; if it was another of the unit, systemd ends the main one by SIGTERM."""


def exit_in_words(exit_: Exit) -> str:
    """Say how a run ended: ``killed by SIGKILL``, ``exited with status 203/EXEC (…)``."""
    if exit_ == _OUT_OF_MEMORY:
        return "killed by SIGKILL, out of memory"
    process = _process_in_words(exit_.code, exit_.status)
    result = "" if exit_.result == "success" else _RESULTS.get(exit_.result, exit_.result)
    if not process:
        return result or "ended"
    if exit_.result in {"success", "exit-code", "signal", "core-dump"}:
        return process  # the result says less
    return f"{result}: {process}"


def _process_in_words(code: int, status: int) -> str:
    if code == CLD_EXITED:
        return f"exited with status {_status_in_words(status)}"
    if code == CLD_KILLED:
        return f"killed by {signal_name(status)}"
    if code == CLD_DUMPED:
        return f"crashed with {signal_name(status)} and a core dump"
    return ""


def _status_in_words(status: int) -> str:
    name = _EXEC_NAMES[status - 200] if 0 <= status - 200 < len(_EXEC_NAMES) else "-"
    words = str(status) if name == "-" else f"{status}/{name}"
    meaning = _EXEC_MEANINGS.get(status)
    return f"{words} ({meaning})" if meaning else words


def signal_name(number: int) -> str:
    """Return a signal's name: ``SIGKILL``; its number if it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
