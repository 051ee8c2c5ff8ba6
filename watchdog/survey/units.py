"""The units of this host that somebody may want watched, and what systemd says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from watchdog.probes.owner import unit_of
from watchdog.probes.sock_diag import Listening
from watchdog.tool import Ran, run

# What a host has for itself: a watch over these is for other tools, or for nobody.
_OWN = (
    "accounts-daemon", "acpid", "amazon-ssm-agent", "atd", "auditd", "avahi-daemon", "chrony",
    "chronyd", "cloud-*", "containerd", "cron", "crond", "cups*", "dbus*", "docker", "exim4",
    "firewalld", "fwupd", "getty@*", "gdm*", "google-*", "ifup@*", "irqbalance", "libvirtd",
    "lightdm", "lvm2-*", "ModemManager", "multipathd", "networking", "NetworkManager", "nscd",
    "ntp*", "packagekit", "podman", "polkit*", "postfix*", "qemu-guest-agent", "rpc-*", "rpcbind",
    "rsyslog", "rtkit-daemon", "serial-getty@*", "service-watchdog", "smartmontools", "smartd",
    "snap.*", "snapd*", "ssh", "ssh@*", "sshd", "sshd@*", "sssd*", "syslog-ng", "systemd-*",
    "thermald", "udisks2", "ufw", "unattended-upgrades", "upower", "user@*", "wpa_supplicant*",
)  # fmt: skip

_ADMINS = ("/etc/systemd/system/", "/usr/local/lib/systemd/system/", "/run/systemd/")
_PROPERTIES = (
    "Id", "FragmentPath", "WorkingDirectory", "EnvironmentFiles", "ExecStart", "MainPID", "Type",
    "TriggeredBy",
)  # fmt: skip
_PROGRAM = re.compile(r"path=(\S+) ; argv\[\]=(.*?) ; ignore_errors=")
_OUTPUT = re.compile(
    r"^Standard(?:Output|Error)=(?:append|file|truncate):(/[^\x00-\x1f\x7f%]+)$", re.MULTILINE
)
_STREAM = re.compile(r"Listen=(\S+):(\d{1,5}) \(Stream\)")


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A running service."""

    unit: str
    fragment: str = ""  # its unit file
    directory: str = ""
    env_files: tuple[str, ...] = ()
    program: str = ""
    venv: str = ""
    requirements: str = ""
    logs: tuple[str, ...] = ()
    sockets: tuple[tuple[str, int], ...] = ()  # hosts and ports that it listens on
    by_systemd: bool = False  # systemd listens for it


@dataclass(slots=True)
class Units:
    """What was found, and what was passed over."""

    found: list[FoundUnit] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)  # sentences
    trouble: str = ""


async def running(listeners: Iterable[Listening]) -> Units:
    """Return the running services that are not the system's own, those of *listeners* with them."""
    listed = await _list("running")
    if listed.code != 0:
        why = listed.trouble or listed.err.strip().partition("\n")[0]
        return Units(trouble=f"cannot ask systemd for its units: {why}")
    names = _names(listed)
    shown = await _shown(names)
    sockets, strangers = _by_unit(listeners, names)
    units = Units()
    for name in sorted(names):
        if _is_own(name):
            if name in sockets and name not in {"ssh.service", "sshd.service"}:
                ports = ", ".join(str(port) for _, port in sockets[name])
                units.passed_over.append(f"{name} (port {ports}): one of the system's own")
            continue
        unit = await _unit(name, shown.get(name, {}), sockets.get(name, ()))
        if unit.sockets or unit.fragment.startswith(_ADMINS):
            units.found.append(unit)
    units.passed_over += [*strangers, *await _down()]
    return units


async def _list(*states: str) -> Ran:
    return await run(
        "systemctl", "list-units", "--type=service", f"--state={','.join(states)}", "--plain",
        "--full", "--no-legend", "--no-pager",
    )  # fmt: skip


def _names(listed: Ran) -> list[str]:
    return [line.split()[0] for line in listed.lines if line.split()]


def _is_own(name: str) -> bool:
    stem = name.removesuffix(".service")
    return any(fnmatch(stem, pattern) for pattern in _OWN)


async def _down() -> list[str]:
    """Return in words which services of the administrator's should run and do not."""
    names = _names(await _list("failed", "activating"))
    return [
        f"{name}: it does not run; start it, and run init again"
        for name, shown in sorted((await _shown(names)).items())
        if not _is_own(name) and _first(shown, "FragmentPath").startswith(_ADMINS)
    ]


def _by_unit(
    listeners: Iterable[Listening], names: Sequence[str]
) -> tuple[Mapping[str, Sequence[tuple[str, int]]], Sequence[str]]:
    """Return the addresses of each unit, and in words those that are of no running service."""
    found: dict[str, dict[tuple[str, int], None]] = {}
    strangers: dict[str, None] = {}
    for each in listeners:
        unit = unit_of(each)
        if unit in names:
            found.setdefault(unit, {})[each.host, each.port] = None
        elif unit != "init.scope":
            whose = unit or "a process of no unit"
            strangers[f"port {each.port} on {each.host}: {whose} is no running system service"] = (
                None
            )
    return {unit: tuple(addresses) for unit, addresses in found.items()}, tuple(strangers)


async def _unit(
    name: str, shown: Mapping[str, Sequence[str]], sockets: Sequence[tuple[str, int]]
) -> FoundUnit:
    directory = _first(shown, "WorkingDirectory").lstrip("!-")
    program = _PROGRAM.search(_first(shown, "ExecStart"))
    path = program[1] if program else ""
    triggers = [each for each in _first(shown, "TriggeredBy").split() if each.endswith(".socket")]
    by_systemd = [] if sockets or not triggers else await _made_for(triggers)
    text = await run("systemctl", "cat", "--", name)
    requirements = Path(directory) / "requirements.txt" if directory.startswith("/") else None
    return FoundUnit(
        name,
        fragment=_first(shown, "FragmentPath"),
        directory=directory,
        env_files=tuple(
            each.partition(" (ignore_errors")[0] for each in shown.get("EnvironmentFiles", ())
        ),
        program=path,
        venv=_venv(path, program[2] if program else ""),
        requirements=str(requirements) if requirements and _is_there(requirements) else "",
        logs=tuple(dict.fromkeys(_OUTPUT.findall(text.out))),
        sockets=tuple(sockets) or tuple(by_systemd),
        by_systemd=bool(by_systemd),
    )


async def _shown(names: Sequence[str]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the properties of each unit; one may stand there several times."""
    if not names:
        return {}
    answer = await run("systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *names)
    found: dict[str, Mapping[str, Sequence[str]]] = {}
    for block in answer.out.split("\n\n"):
        shown: dict[str, list[str]] = {}
        for line in block.splitlines():
            name, separator, value = line.partition("=")
            if separator:
                shown.setdefault(name, []).append(value)
        found[_first(shown, "Id")] = shown
    return found


async def _made_for(triggers: Sequence[str]) -> list[tuple[str, int]]:
    """Return where systemd listens with the socket units *triggers*."""
    answer = await run("systemctl", "show", "--property=Listen", "--", *triggers)
    return [(host.strip("[]"), int(port)) for host, port in _STREAM.findall(answer.out)]


def _venv(program: str, arguments: str) -> str:
    """Return the virtual environment that *program*, or a word of its arguments, is in."""
    for word in (program, *arguments.split()[:3]):
        path = Path(word)
        if path.parent.name == "bin" and _is_there(path.parent.parent / "pyvenv.cfg"):
            return str(path.parent.parent)
    return ""


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # not ours to see


def _first(shown: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(shown.get(name, ())), "")


def as_text(value: str) -> str:
    """Return *value* as a string of TOML."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
