"""What a unit has that the one from the template will not have."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

_DECIDED = frozenset({"Before", "ExecReload"})
"""What the template has in one variant, and leaves out of another on purpose."""


def lost(old: str, new: str, arguments: Sequence[str]) -> str:
    """Return what of the unit file *old* is not in *new*; empty if that is nothing.

    *arguments* of its ExecStart= are not carried over either. Values are not told: they may be
    secrets.
    """
    kept = dict.fromkeys(key for key, _ in _settings(new))
    missing = dict.fromkeys(
        f"{key}="
        for key, value in _settings(old)
        if key not in kept and key not in _DECIDED and not _is_own_socket(key, value)
    )
    missing.pop("Environment=", None)
    missing |= dict.fromkeys(f"Environment={name}" for name in _variables(old) - _variables(new))
    command = [f"ExecStart=… {shlex.join(arguments)}"] if arguments else []
    return ", ".join((*command, *sorted(missing)))


def _is_own_socket(key: str, value: str) -> bool:
    return key == "Requires" and value.endswith(".socket")


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.replace("\\\n", " ").splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip().isalnum():
            yield key.strip(), value.strip()


def _variables(text: str) -> set[str]:
    names = set()
    for key, value in _settings(text):
        if key == "Environment":
            try:
                words = shlex.split(value)
            except ValueError:  # systemd is not as strict
                words = value.split()
            names |= {word.partition("=")[0] for word in words}
    return names
