"""How full a file system is, as df(1) counts it."""

from __future__ import annotations

import os
from typing import NamedTuple


class Filesystem(NamedTuple):
    """A mounted file system, seen as a user who is not root."""

    path: str  # where it is mounted
    used: float  # percent of what users may fill
    free: float  # bytes that users may still fill
    inodes_used: float | None  # percent; None where there are as many as there is room


def filesystem_of(path: str) -> Filesystem:
    """Return the file system that *path* lies on. Raises OSError; blocks, on a dead NFS for ever.

    Blocks reserved for root count neither as used nor as free.
    """
    status = os.stat(path)  # noqa: PTH116 - what else is asked of it speaks str as well
    if not status.st_mode & 0o777 and os.geteuid():
        # What ProtectHome= puts in its place lies on another file system.
        raise PermissionError(None, "the daemon's own sandbox hides it (see systemd.exec(5))")
    space, mount_point = os.statvfs(path), _mount_point(path)
    if not space.f_bfree and _is_image(mount_point):
        return Filesystem(mount_point, 0.0, 0.0, None)
    used = space.f_blocks - space.f_bfree
    fillable = used + space.f_bavail
    inodes = space.f_files - space.f_ffree
    return Filesystem(
        mount_point,
        100.0 * used / fillable if fillable else 0.0,
        float(space.f_bavail * space.f_frsize),
        100.0 * inodes / space.f_files if space.f_files else None,
    )


def _mount_point(path: str) -> str:
    path = os.path.realpath(path)
    while not os.path.ismount(path):
        path = os.path.dirname(path)  # noqa: PTH120 - str in, str out
    return path


def _is_image(mount_point: str) -> bool:
    """Tell whether nobody can write there: squashfs, or the root of an image-based system.

    It is as full as it was made. The mount's own "ro" is no answer: the daemon's sandbox sets it.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        for line in reversed(file.readlines()):  # the last mount there hides the others
            mount, _, superblock = line.partition(" - ")
            if mount.split()[4] == mount_point:
                return "ro" in superblock.split()[2].split(",")
    return False
