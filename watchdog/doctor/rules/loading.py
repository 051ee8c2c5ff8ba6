"""Why systemd has no such unit, or will not have it as it stands."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import last
from watchdog.doctor.facts.unit import again, shown
from watchdog.doctor.finding import Finding, Remedy

_OF_SYSTEMD = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
               "/usr/lib/systemd/system", "/lib/systemd/system")  # fmt: skip
_ELSEWHERE = ("/etc/systemd/user", "/usr/lib/systemd/user", "/usr/local/lib/systemd/user",
              "/etc/systemd", "/usr/lib/systemd", "/etc/init.d")  # fmt: skip
_DEPLOYED = ("/opt", "/srv", "/var/www", "/home")


async def unit_masked(case: Case) -> Finding | None:
    """The unit is masked: systemd refuses to start it, and so does everybody who asks systemd.

    Somebody has masked it on purpose, so unmasking is theirs: `systemctl unmask`.
    """
    if (await shown(case)).get("LoadState") != "masked":
        return None
    unit = shlex.quote(case.unit)
    return Finding(
        "unit-masked",
        f"{case.unit} is masked",
        "somebody has forbidden to start it; nobody can, until it is unmasked",
        Remedy((f"systemctl unmask {unit}", f"systemctl start {unit}")),
    )


async def unit_link_broken(case: Case) -> Finding | None:
    """The unit file is a link to a file that is not there: systemd finds no unit.

    Put the file back, or link the one that is meant.
    """
    if not await _is_missing(case):
        return None
    for directory in _OF_SYSTEMD:
        link = Path(directory, case.unit)
        if link.is_symlink() and not link.exists():
            target = link.resolve()
            return Finding(
                "unit-link-broken",
                f"{link} is a link to {target}, which is not there",
                "systemd has nothing to start",
                Remedy((f"ln -sf FILE {link}", "systemctl daemon-reload", *again(case, {}))),
            )
    return None


async def unit_misplaced(case: Case) -> Finding | None:
    """There is a file of that name in a directory where systemd does not look for units.

    Copy it to /etc/systemd/system, and have systemd read it: `systemctl daemon-reload`.
    """
    if not await _is_missing(case):
        return None
    for file in _files_of_that_name(case.unit):
        target = f"/etc/systemd/system/{case.unit}"
        return Finding(
            "unit-misplaced",
            f"{case.unit} is in {file.parent}, where systemd does not look for it",
            "to systemd there is no such unit",
            Remedy(
                (
                    f"cp {shlex.quote(str(file))} {target}",
                    "systemctl daemon-reload",
                    f"systemctl enable --now {shlex.quote(case.unit)}",
                )
            ),
        )
    return None


async def unit_unread(case: Case) -> Finding | None:
    """The unit file is there, and systemd has not read it since.

    `systemctl daemon-reload`, then start it: loses nothing.
    """
    if not await _is_missing(case):
        return None
    files = [Path(directory, case.unit) for directory in _OF_SYSTEMD]
    file = next((file for file in files if file.exists()), None)
    if file is None:
        return None
    return Finding(
        "unit-unread",
        f"{file} is there, and systemd has not read it yet",
        "to systemd there is no such unit",
        Remedy(("systemctl daemon-reload", *again(case, {})), safe=True),
    )


async def unit_name_close(case: Case) -> Finding | None:
    """There is no such unit, but one whose name is nearly the same: a slip in the configuration.

    Correct the name there, and have the daemon read it: `systemctl reload service-watchdog`.
    """
    if not await _is_missing(case):
        return None
    listed = await case.ran("systemctl", "list-unit-files", "--no-legend", "--type=service")
    names = [line.split()[0] for line in listed.lines if line.strip()]
    close = difflib.get_close_matches(case.unit, names, n=1, cutoff=0.8)
    if not close:
        return None
    wrong, right = (re.escape(case.unit.removesuffix(".service")), close[0])
    edit = rf"s/^(\s*unit\s*=\s*[\"']){wrong}(\.service)?([\"'])/\1{right}\3/"
    return Finding(
        "unit-name-close",
        f"there is no {case.unit}; did you mean {close[0]}?",
        f"{case.config} names a unit that systemd does not have",
        Remedy(
            (
                f"sed -i -E {shlex.quote(edit)} {shlex.quote(case.config)}",
                "systemctl reload service-watchdog",
            )
        ),
    )


async def unit_missing(case: Case) -> Finding | None:
    """There is no such unit, nor a file of that name in any likely place.

    Write its unit file, or correct the name in the configuration.
    """
    if not await _is_missing(case):
        return None
    unit = shlex.quote(case.unit)
    return Finding(
        "unit-missing",
        f"there is no {case.unit} on this host",
        "systemd has nothing to start; nor is there a file of that name in any likely place",
        Remedy((f"systemctl edit --force --full {unit}", f"systemctl enable --now {unit}")),
    )


async def unit_syntax(case: Case) -> Finding | None:
    """The unit file has a mistake for which systemd refuses it as a whole.

    The line is shown; mend it, `systemctl daemon-reload`, start.
    """
    properties = await shown(case)
    if properties.get("LoadState") not in {"bad-setting", "error"}:
        return None
    file = properties.get("FragmentPath") or case.unit
    said = await case.ran("systemd-analyze", "verify", case.unit)
    lines = [line for line in said.err.splitlines() if line.startswith((file, case.unit))]
    why = properties.get("LoadError", "").strip('" ') or "a setting is wrong"
    return Finding(
        "unit-syntax",
        f"systemd refuses {file}: {lines[0] if lines else why}",
        "it cannot be started before its file is mended",
        Remedy((f"systemctl edit --full {shlex.quote(case.unit)}", *again(case, properties))),
        last(lines),
    )


async def unit_changed(case: Case) -> Finding | None:
    """The unit file was changed after systemd read it: what runs, or fails, is the old one.

    `systemctl daemon-reload`, then restart: loses nothing.
    """
    properties = await shown(case)
    if properties.get("NeedDaemonReload") != "yes":
        return None
    return Finding(
        "unit-changed",
        f"{properties.get('FragmentPath') or case.unit} was changed after systemd read it",
        "systemd still goes by what it said before",
        Remedy(("systemctl daemon-reload", *again(case, properties)), safe=True),
    )


async def _is_missing(case: Case) -> bool:
    return (await shown(case)).get("LoadState") == "not-found"


def _files_of_that_name(unit: str) -> Iterator[Path]:
    """Yield regular files called *unit*, in the likelier places first; few levels deep."""
    for directory in _ELSEWHERE:
        yield from _is_file(Path(directory, unit))
    for top in _DEPLOYED:
        for pattern in (unit, f"*/{unit}", f"*/*/{unit}", f"*/*/*/{unit}"):
            yield from sorted(Path(top).glob(pattern.replace("[", "[[]")))[:1]


def _is_file(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path


RULES = (
    unit_masked,
    unit_link_broken,
    unit_unread,
    unit_misplaced,
    unit_name_close,
    unit_missing,
    unit_syntax,
    unit_changed,
)
