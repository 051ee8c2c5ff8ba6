"""Where secrets come from: the file itself, a systemd credential, another file, the environment."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET

from watchdog.config.problems import Path, Problems, listing, name_of, quoted
from watchdog.config.secret import HiddenText, Origin, Secret
from watchdog.config.table import SecretReference

_LONGEST = 65_536  # bytes of a file with a secret
_FROM_DIRECTORY = "credentials_"  # LoadCredential=credentials:DIRECTORY makes FILE credentials_FILE
_TELLING = re.compile(r"auth|cookie|token|secret|pass|key|credential|signature|dsn", re.IGNORECASE)
_USER_IN_URL = re.compile(r"//[^/@\s]*@")


class _UnseenError(ValueError):
    """Only the daemon can see it; a person who checks the configuration cannot."""


def open_to_everybody(mode: int) -> bool:
    """Tell whether a file of this *mode* can be read or written by others than owner and group."""
    return bool(mode & 0o007)


def _require_one_line(text: str) -> None:
    """Refuse what no header, token or password can hold."""
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("the secret has control characters; expected one line of text")


@dataclass(slots=True)
class Secrets:
    """Fetches the secrets of one configuration file; no problem ever repeats one."""

    problems: Problems
    file: str
    mode: int  # of the configuration file
    environ: Mapping[str, str]
    for_daemon: bool = True  # False: a person asks, who lacks what systemd gives to the daemon
    unchecked: list[str] = field(default_factory=list)  # what that person could not see
    variables: set[str] = field(default_factory=set)  # of the environment, that hold secrets

    def fetch(
        self,
        value: str | SecretReference,
        path: Path,
        check: Callable[[str], None] = lambda _: None,
        *,
        several_lines: bool = False,
    ) -> Secret | None:
        """Return the secret that *value*, standing at *path*, means; None if there is a problem.

        *check* raises ValueError for what is not such a secret.
        """
        origin = None if isinstance(value, str) else self._origin(value, path)
        try:
            if isinstance(value, str):
                text = self._inline(value)
            elif origin:
                text = self._text(origin)
            else:
                return None
            if not several_lines:
                _require_one_line(text)
            check(text)
        except _UnseenError as unseen:
            if not self.for_daemon:
                self.unchecked.append(f"{name_of(path)}: {unseen}")
                return Secret("", origin)
            self.problems.add(path, str(unseen))
        except ValueError as wrong:
            self.problems.add(path, str(wrong))
        else:
            return Secret(text, origin)
        return None

    def fetch_text(
        self,
        name: str,
        value: str | SecretReference,
        path: Path,
        *,
        several_lines: bool = False,
    ) -> str:
        """Return the text of the header or variable *name*; hidden if it must be a secret.

        Plain text is one if its name says so or if it is a URL with a user in it.
        """
        if isinstance(value, str) and not (_TELLING.search(name) or _USER_IN_URL.search(value)):
            return value
        secret = self.fetch(value, path, several_lines=several_lines)
        return HiddenText(secret.reveal(), secret.origin) if secret else ""

    def fetch_headers(
        self, headers: Mapping[str, str | SecretReference], path: Path
    ) -> tuple[tuple[str, str], ...]:
        """Return *headers*, which stand at *path*; note one that is given twice."""
        seen: dict[str, str] = {}
        for name in headers:
            if other := seen.get(name.lower()):
                self.problems.add((*path, name), f"{other} is given as well; expected one of them")
            seen.setdefault(name.lower(), name)
        return tuple(
            (name, self.fetch_text(name, value, (*path, name))) for name, value in headers.items()
        )

    def _origin(self, reference: SecretReference, path: Path) -> Origin | None:
        kinds = ("credential", "file", "env")
        given = [kind for kind in kinds if getattr(reference, kind) is not UNSET]
        if len(given) == 1:
            return given[0], getattr(reference, given[0])
        if not self.problems.touch(path):
            has = f"found {listing(given, 'and')}" if given else "found none"
            self.problems.add(path, f"expected exactly one of {listing(kinds)}, {has}")
        return None

    def _inline(self, text: str) -> str:
        if open_to_everybody(self.mode):
            raise ValueError(_closing("a secret", self.file, self.mode))
        return text

    def _text(self, origin: Origin) -> str:
        kind, name = origin
        if kind == "env":
            self.variables.add(name)
            text = self.environ.get(name, "")
            if not text:
                raise _UnseenError(f"the environment has no {name}; expected the secret in it")
        elif kind == "file":
            text = _read(name, guarded=True)
        else:
            text = self._credential(name)
        text = text.rstrip("\r\n")
        if "\0" in text:
            raise ValueError("the secret has a NUL character; expected text")
        if not text:
            raise ValueError(f"{kind} {quoted(name)} is empty; expected the secret in it")
        return text

    def _credential(self, name: str) -> str:
        if "/" in name or name in {".", ".."}:
            raise ValueError("expected the name of a credential, not a path")
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        # One that a drop-in names, or a file of the directory that the unit hands over as a whole.
        for file in (name, f"{_FROM_DIRECTORY}{name}"):
            if directory and os.path.lexists(path := f"{directory}/{file}"):
                # systemd keeps these to the service itself.
                return _read(path, guarded=False)
        wrong = _UnseenError if not directory else ValueError
        raise wrong(
            f"systemd gave no credential {quoted(name)};"
            f" expected /etc/service-watchdog/credentials/{name} when the daemon starts"
        )


def _closing(what: str, path: str, mode: int) -> str:
    return (
        f"{what} in a file that is open to everybody (mode {stat.S_IMODE(mode):03o});"
        f" run: chmod 640 {path}; chown root:service-watchdog {path}"
    )


def _read(path: str, *, guarded: bool) -> str:
    """Return the text of the secret file at *path*; *guarded*: refuse one open to everybody."""
    try:
        # Not blocking: a FIFO without a writer would hold up the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise ValueError(f"{path} is no regular file; expected one with the secret in it")
            if guarded and open_to_everybody(mode):
                raise ValueError(_closing("the secret is", path, mode))
            content = file.read(_LONGEST + 1)
    except PermissionError as error:
        raise _UnseenError(f"cannot read {path}: {error.strerror}") from None
    except OSError as error:
        raise ValueError(
            f"cannot read {path}: {error.strerror}; expected a file with the secret in it"
        ) from None
    if len(content) > _LONGEST:
        raise ValueError(f"{path} is larger than a secret can be; expected one line")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8; expected one line of text") from None
