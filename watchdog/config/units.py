"""Names of systemd units, by the rules of unit_name_is_valid() in systemd's unit-name.c."""

from __future__ import annotations

import re

_LONGEST = 255
_CHARACTERS = re.compile(r"[A-Za-z0-9:_.\\@-]+")
_OTHER_TYPES = frozenset(
    {
        "automount",
        "device",
        "mount",
        "path",
        "scope",
        "slice",
        "socket",
        "swap",
        "target",
        "timer",
    }
)


def service_unit(name: str) -> str:
    """Return *name* with its suffix ``.service``. Raises ValueError if systemd has no such name."""
    _, dot, suffix = name.rpartition(".")
    if dot and suffix in _OTHER_TYPES:
        raise ValueError(f"a {suffix} has no process to watch; expected a unit of type service")
    unit = name if name.endswith(".service") else f"{name}.service"
    stem = unit.removesuffix(".service")
    if len(unit) > _LONGEST:
        raise ValueError(f"expected a unit name of at most {_LONGEST} characters")
    if not stem or stem.startswith("@") or not _CHARACTERS.fullmatch(stem):
        raise ValueError(r"expected a unit name: letters, digits and : - _ . \ @")
    if stem.find("@") == len(stem) - 1:
        raise ValueError(f"a template has no process; expected an instance such as {stem}1.service")
    return unit
