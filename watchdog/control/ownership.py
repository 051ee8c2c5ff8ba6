"""Whose socket is it? A listening socket names the cgroup in which it was made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from watchdog.ports import Listener


def root_of(mount_point: str = "/sys/fs/cgroup") -> str:
    """Return where cgroup v2 is: beside v1, systemd mounts it one level below."""
    below = f"{mount_point}/unified"
    return below if os.path.exists(f"{below}/cgroup.procs") else mount_point  # noqa: PTH110


CGROUP_ROOT = root_of()


def is_made_in(listener: Listener, control_group: str, root: str = CGROUP_ROOT) -> bool:
    """Tell whether *listener* was made in *control_group* or below it.

    A cgroup's id, which sock_diag(7) gives, is the inode of its directory in cgroup v2. One stat
    in the usual case; the directories below are looked at only if that one differs.
    """
    if not control_group or not listener.cgroup:
        return False
    top = root + control_group
    if _inode(top) == listener.cgroup:
        return True
    return any(_inode(path) == listener.cgroup for path in _below(top))


def is_made_by_systemd(listener: Listener, groups: Iterable[str], root: str) -> bool:
    """Tell whether systemd made *listener* for a socket unit of the cgroups *groups*.

    It makes it in that unit's cgroup, or in its own.
    """
    places = ["/init.scope", *groups]
    return any(_inode(root + place) == listener.cgroup for place in places if place)


def usual_cgroup(slice_: str, unit: str) -> str:
    """Return where systemd puts *unit* of *slice_*: ``a-b.slice`` lies in ``a.slice``."""
    parts = slice_.removesuffix(".slice").split("-") if slice_ not in {"", "-.slice"} else []
    levels = ("-".join(parts[: depth + 1]) for depth in range(len(parts)))
    return "".join(f"/{level}.slice" for level in levels) + f"/{unit}"


def _below(top: str) -> Iterator[str]:
    for parent, directories, _files in os.walk(top):
        for name in directories:
            yield os.path.join(parent, name)  # noqa: PTH118 - walk speaks str


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - a Path costs as much as the stat
    except OSError:
        return None
