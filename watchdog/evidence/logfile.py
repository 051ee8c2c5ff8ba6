"""The end of a log file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LINES = 20

_TAIL = 16 * 1024

_END = 400  # characters of a line that does not fit in _TAIL

_LINKS = 40  # as many as the kernel follows, path_resolution(7)

_HELD = Path("/run/credentials")  # systemd.exec(5), LoadCredential=

_NO_LOGS = (Path("/proc"), Path("/sys"), Path("/dev"))


def last_lines(path: Path) -> Sequence[str]:
    """Return the last lines of the file at *path*, oldest first; none if there is no such file.

    Of a line that begins further up nothing is returned: what names a secret may be missing. Only
    if that is all there is, its last words are. Blocks. Raises OSError if it cannot be read.
    """
    try:
        with opened(path) as descriptor:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            start = max(0, size - _TAIL)
            tail = os.pread(descriptor, _TAIL, start)
    except FileNotFoundError:
        return []
    if start:
        cut, _, tail = tail.partition(b"\n")
        if not tail:
            return _end_of(cut.decode("utf-8", "replace"))
    return tail.decode("utf-8", "replace").splitlines()[-LINES:]


def log_lines(path: Path) -> Sequence[str]:
    """Return the last lines of the configured log at *path*, or why there are none. Blocks."""
    try:
        return last_lines(path) or [f"{path} is empty or does not exist"]
    except PermissionError:
        # Which group it is may be hidden from us: in a user namespace it has no name.
        grant = f"SupplementaryGroups= adds the group that `ls -l {path}` names to this daemon"
        return [f"cannot read {path}: not permitted; {grant}"]
    except OSError as error:
        return [f"cannot read {path}: {error.strerror}"]


def _end_of(line: str) -> Sequence[str]:
    """Return the end of the last line, from a blank on: a word that is cut may be half a secret."""
    said = f"the last line is longer than {_TAIL // 1024} KiB"
    _, _, words = line[-_END:].partition(" ")
    return [f"{said}; its end:", f"… {words}"] if words.strip() else [said]


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open the regular file at *path* for reading, in a way that whoever writes it cannot misuse.

    Its directory may be a watched service's own, which could put a link there to what only this
    daemon may read. So each link on the way must be root's or of the file's own owner, which is
    the rule of protected_symlinks, proc_sys_fs(5), and some places are never read. Owners that a
    user namespace hides are all the same to us. Each step is taken from the one before it, so
    nothing can be exchanged in between. Raises OSError.
    """
    place = _Place(path)
    try:
        owners = place.find(path)
        found = os.fstat(place.descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise place.refused("it is no regular file")
        for owner in owners:
            if owner not in {0, found.st_uid}:
                whose = "of another user than the file it leads to"
                raise place.refused(f"a link on the way is {whose}; configure the file's own path")
        # Not blocking: what is a file here may be something else to a foreign file system.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(f"/proc/self/fd/{place.descriptor}", flags)
    finally:
        place.close()
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class _Place:
    """Where in the file system we are, by a descriptor that can be neither read nor written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._where = Path("/")
        self.descriptor = os.open("/", os.O_PATH | os.O_CLOEXEC)

    def find(self, path: Path) -> Sequence[int]:
        """Go to *path* and return who owns the links on the way. Raises OSError."""
        owners: list[int] = []
        left = list(reversed(path.absolute().parts))
        while left:
            if target := self._step(left.pop()):
                owners.append(target[1])
                if len(owners) > _LINKS:
                    raise self.refused(os.strerror(errno.ELOOP))
                left += reversed(Path(target[0]).parts)
        return owners

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    def refused(self, why: str) -> OSError:
        """Return the error to raise."""
        return OSError(None, why, os.fspath(self._path))

    def _step(self, name: str) -> tuple[str, int] | None:
        """Go to *name*; if that is a link, stay and return where it leads and whose it is."""
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        entry = os.open(name, flags, dir_fd=self.descriptor)
        found = os.fstat(entry)
        if stat.S_ISLNK(found.st_mode):
            try:
                return os.readlink("", dir_fd=entry), found.st_uid
            finally:
                os.close(entry)
        os.close(self.descriptor)
        self.descriptor = entry
        self._where = self._where.parent if name == ".." else self._where / name
        self._check()
        return None

    def _check(self) -> None:
        own = os.environ.get("CREDENTIALS_DIRECTORY")
        held = (_HELD, Path(own)) if own else (_HELD,)
        if any(self._where.is_relative_to(place) for place in held):
            raise self.refused("it is a credential")
        for place in _NO_LOGS:
            if self._where.is_relative_to(place):
                raise self.refused(f"it is in {place}, where no logs are")
