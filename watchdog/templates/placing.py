"""A file put in its place: what would change, in one step, and back again.

Nothing is followed or overwritten that is not a plain file: a symbolic link may be a mask, or
lead into somebody's checkout.
"""

from __future__ import annotations

import difflib
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchdog.errors import WatchdogError

MODE = 0o644  # nginx and systemd read as root; what is in these files is no secret
DIRECTORY_MODE = 0o755


class PlacingError(WatchdogError):
    """A file cannot be put in its place."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A file, or a symbolic link, that is to be there."""

    path: Path
    text: str = ""
    link: str = ""  # not empty: a symbolic link to it
    brings_directory: bool = False

    @property
    def is_there(self) -> bool:
        """Tell whether it is as it should be."""
        if self.link:
            return self.path.is_symlink() and str(self.path.readlink()) == self.link
        return (
            not self.path.is_symlink()
            and self.path.is_file()
            and self.path.read_bytes() == self.text.encode()
            and stat.S_IMODE(self.path.stat().st_mode) == MODE
        )


def require_free(planned: Planned) -> None:
    """Raise PlacingError if something is in the way that is not ours to replace."""
    path, cannot = planned.path, f"cannot write {planned.path}"
    if path.is_symlink():
        if planned.link and planned.is_there:
            return
        target = path.readlink()
        if str(target) == os.devnull:
            raise PlacingError(f"{cannot}: it is masked; run: systemctl unmask {path.name}")
        raise PlacingError(f"{cannot}: it is a symbolic link to {target}; remove it first")
    if path.exists() and (planned.link or not path.is_file()):
        raise PlacingError(f"{cannot}: there is something else; move it away first")
    if not planned.brings_directory and not path.parent.is_dir():
        raise PlacingError(f"{cannot}: there is no directory {path.parent}")


def difference(planned: Planned, shadowed: Path | None = None) -> Sequence[str]:
    """Return what would change, as ``diff -u`` shows it; *shadowed* is in force up to now."""
    if planned.link:
        return (f"+ {planned.path} -> {planned.link}",)
    before = planned.path if planned.path.exists() else shadowed
    old = before.read_text("utf-8", "replace").splitlines() if before else []
    lines = list(
        difflib.unified_diff(
            old,
            planned.text.splitlines(),
            str(before) if before else os.devnull,
            str(planned.path),
            lineterm="",
        )
    )
    if before == planned.path and stat.S_IMODE(before.stat().st_mode) != MODE:
        lines.append(f"mode {stat.S_IMODE(before.stat().st_mode):o} -> {MODE:o}: {planned.path}")
    return lines


class Placement:
    """Files that were put in place, until it is known whether they can stay."""

    def __init__(self) -> None:
        self._done: list[tuple[Path, Path | None]] = []

    @property
    def backups(self) -> Sequence[Path]:
        """Return where what was there before is kept."""
        return [backup for _, backup in self._done if backup]

    def put(self, planned: Planned) -> None:
        """Put *planned* in place in one step; what was there is kept beside. Raises OSError."""
        path = planned.path
        if planned.brings_directory and not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            path.parent.chmod(DIRECTORY_MODE)  # whatever root's umask is
        backup = _keep(path) if path.exists() and not planned.link else None
        self._done.append((path, backup))
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            if planned.link:
                new.symlink_to(planned.link)
            else:
                with new.open("x", encoding="utf-8") as file:
                    new.chmod(MODE)
                    file.write(planned.text)
                    file.flush()
                    os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def take_back(self) -> None:
        """Have everything as it was; the backups have been moved back."""
        for path, backup in reversed(self._done):
            with suppress(FileNotFoundError):
                if backup is None:
                    path.unlink()
                elif backup.samefile(path):  # it was not replaced, and a rename would do nothing
                    backup.unlink()
                else:
                    backup.replace(path)
        self._done.clear()


def _keep(path: Path) -> Path:
    """Give what is at *path* a second name, which it keeps, and return that. Raises OSError.

    Not a copy: owner and mode stay, a secret is never open to others, and a full disk is no matter.
    """
    backup = path.with_name(f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
    backup.hardlink_to(path)
    return backup
