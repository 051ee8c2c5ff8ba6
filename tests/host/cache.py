"""Where built root file systems are kept: each is complete, or not there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEEP = 2
"""How many versions of an entry stay: the ones used last."""


class Cache:
    """Entries NAME-KEY below *root*, outside the work tree.

    An entry is built beside its place and renamed into it, under a lock of its own, so two runs
    do not collide and an aborted one leaves nothing to be taken for an entry. Whoever uses an
    entry shares its lock until `close`, or its process ends; only what nobody uses is removed.
    """

    def __init__(
        self, root: Path | None = None, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self.root = root or default_root()
        self._report = report
        self._used: dict[Path, int] = {}

    def entry(self, name: str, key: str, build: Callable[[Path], object], about: str) -> Path:
        """Return entry *name* of *key*, which *build* makes in the new directory it is given.

        *about* tells a waiting person what is built.
        """
        place = self.root / f"{name}-{key}"
        if place in self._used:
            return place
        for directory in (self.root, self.root / "locks", self.root / "building"):
            directory.mkdir(parents=True, exist_ok=True)
        lock = self._open_lock(place.name)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not place.exists():
                # A lock of its own: who has built an entry goes on to share the other one for as
                # long as it runs, and those who waited to build it too would wait for that.
                building = self._open_lock(f"{place.name}.building")
                try:
                    fcntl.flock(building, fcntl.LOCK_EX)
                    if not place.exists():
                        self._build(place, build, about)
                finally:
                    os.close(building)
        except BaseException:
            os.close(lock)
            raise
        self._used[place] = lock
        os.utime(place)
        self._remove_stale(name, place)
        return place

    def close(self) -> None:
        """Use none of the entries any longer."""
        while self._used:
            os.close(self._used.popitem()[1])

    def _open_lock(self, name: str) -> int:
        path = self.root / "locks" / name
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _build(self, place: Path, build: Callable[[Path], object], about: str) -> None:
        started = time.monotonic()
        self._report(f"building {about}")
        building = self.root / "building" / place.name
        _remove(building)  # what a killed build left
        building.mkdir()
        try:
            build(building)
            building.rename(place)
        finally:
            _remove(building)
        self._report(f"built {about} in {time.monotonic() - started:.0f} s")

    def _remove_stale(self, name: str, newest: Path) -> None:
        versions = []
        for path in self.root.iterdir():
            if path.name.rpartition("-")[0] == name:
                with suppress(FileNotFoundError):  # another run removes as well
                    versions.append((path.stat().st_mtime, path))
        for _, stale in sorted(versions, reverse=True)[KEEP:]:
            with self._unused(stale) as unused:
                if unused and stale != newest and stale.exists():
                    # Out of its place in one step: half an entry must never be found there.
                    doomed = self.root / "building" / f"{stale.name}.removed"
                    stale.rename(doomed)
                    _remove(doomed)

    @contextmanager
    def _unused(self, place: Path) -> Iterator[bool]:
        """Hold the lock of *place* for oneself, if nobody else has it."""
        lock = self._open_lock(place.name)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unused = True
            except BlockingIOError:
                unused = False
            yield unused
        finally:
            os.close(lock)


def default_root() -> Path:
    """Return where this user keeps the test host, or where SERVICE_WATCHDOG_TEST_CACHE says."""
    if chosen := os.environ.get("SERVICE_WATCHDOG_TEST_CACHE"):
        return Path(chosen).resolve()
    caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(caches).resolve() / "service-watchdog-test-host"


def key_of(*inputs: str | Path) -> str:
    """Return a short hash of texts, and of files and directories with all that they contain."""
    digest = hashlib.sha256()
    for item in inputs:
        for label, content in _contents(item):
            digest.update(f"{len(label)}:{label}{len(content)}:".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def _contents(item: str | Path) -> Iterator[tuple[str, bytes]]:
    if isinstance(item, str):
        yield "", item.encode()
    elif item.is_file():
        yield f"{item.name} {item.stat().st_mode & 0o111:o}", item.read_bytes()
    elif item.is_dir():
        for path in sorted(item.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                label = f"{path.relative_to(item)} {path.stat().st_mode & 0o111:o}"
                yield f"{item.name}/{label}", path.read_bytes()
    else:
        yield f"{item.name} is missing", b""


def _remove(tree: Path) -> None:
    subprocess.run(["rm", "-rf", "--one-file-system", "--", tree], check=True)
