"""From the table of what is served over HTTP to its settings."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from watchdog.config.fetching import Secrets
from watchdog.config.kinds import is_loopback
from watchdog.config.problems import quoted
from watchdog.config.secret import Secret
from watchdog.config.settings import WebSettings
from watchdog.config.table import SecretValue
from watchdog.config.web_tables import WebTable

SHORTEST = 16
"""Characters of a token; what is shorter can be guessed."""

_PLACE = ("web",)


def build_web(table: WebTable | UnsetType, secrets: Secrets) -> WebSettings | None:
    """Return what *table* says is served, and where; note what is wrong with it."""
    problems = secrets.problems
    if isinstance(table, UnsetType) or problems.touch((*_PLACE, "listen")):
        return None
    path, host, port = split_listen(table.listen)
    token = _fetched(table.token, "token", secrets)
    read_token = _fetched(table.read_token, "read_token", secrets)
    if token is not None and token.reveal() and token == read_token:  # empty: it cannot be seen
        why = "is the token that acts; expected another one, which only reads"
        problems.add((*_PLACE, "read_token"), why)
    is_own = bool(path) or is_loopback(host)
    if not is_own and table.token is UNSET and table.read_token is UNSET:
        why = (
            f"{quoted(table.listen)} is open to other hosts; expected token or read_token beside it"
        )
        problems.add((*_PLACE, "listen"), why)
    pair = (table.certificate, table.key_file)
    for missing, name in zip(pair, ("certificate", "key_file"), strict=True):
        if missing is UNSET and pair != (UNSET, UNSET):
            problems.add(_PLACE, f"{name} is missing; https needs certificate and key_file")
    if not is_own and pair == (UNSET, UNSET) and not table.insecure:
        why = "the token would travel in the clear; expected certificate and key_file, or"
        problems.add((*_PLACE, "listen"), f"{why} insecure = true beside it")
    return WebSettings(
        host=host,
        port=port,
        path=path,
        token=token,
        read_token=read_token,
        names=tuple(name.lower() for name in table.names),
        certificate=None if table.certificate is UNSET else table.certificate,
        key_file=None if table.key_file is UNSET else table.key_file,
        insecure=table.insecure,
    )


def split_listen(text: str) -> tuple[str, str, int]:
    """Return path, host and port that *text* names; no path or no host is empty."""
    if text.startswith("unix:"):
        return text.removeprefix("unix:"), "", 0
    host, _, port = text.rpartition(":")
    return "", host.strip("[]"), int(port)


def _fetched(value: SecretValue | UnsetType, name: str, secrets: Secrets) -> Secret | None:
    if isinstance(value, UnsetType):
        return None
    return secrets.fetch(value, (*_PLACE, name), _check_token)


def _check_token(token: str) -> None:
    if len(token) < SHORTEST:
        raise ValueError(
            f"a token of {len(token)} characters can be guessed;"
            f" expected at least {SHORTEST}, as from: openssl rand -hex 32"
        )
