"""Whom a signal concerns: two dictionary look-ups, whatever the number of units on the host."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Routes(Generic[T]):
    """Followers by object path and by unit name; several may follow the same unit."""

    def __init__(self) -> None:
        self._keys: dict[T, tuple[str, str]] = {}
        self._by_path: dict[str, tuple[T, ...]] = {}
        self._by_name: dict[str, tuple[T, ...]] = {}

    def put(self, follower: T, path: str, name: str) -> None:
        """Have *follower* found at *path* and as *name*, and nowhere else."""
        if self._keys.get(follower) == (path, name):
            return
        self.drop(follower)
        self._keys[follower] = (path, name)
        self._by_path[path] = (*self._by_path.get(path, ()), follower)
        self._by_name[name] = (*self._by_name.get(name, ()), follower)

    def drop(self, follower: T) -> None:
        """Have *follower* found nowhere."""
        path, name = self._keys.pop(follower, ("", ""))
        for table, key in ((self._by_path, path), (self._by_name, name)):
            rest = tuple(other for other in table.get(key, ()) if other is not follower)
            if rest:
                table[key] = rest
            else:
                table.pop(key, None)

    def at(self, path: str) -> tuple[T, ...]:
        """Return the followers of the object *path*."""
        return self._by_path.get(path, ())

    def named(self, name: str) -> tuple[T, ...]:
        """Return the followers of the unit called *name*."""
        return self._by_name.get(name, ())
