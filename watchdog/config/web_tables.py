"""The table of what is served over HTTP: status page, API and metrics."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from watchdog.config.kinds import AbsolutePath, Flag, Hosts, Listen
from watchdog.config.table import SecretValue, Table, key


class WebTable(Table, frozen=True):
    """Status page, API and metrics over HTTP; without this table nothing listens."""

    listen: Annotated[Listen, key("Where: HOST:PORT, or unix:/PATH of a socket.")] = (
        "127.0.0.1:9099"
    )
    token: Annotated[
        SecretValue | UnsetType,
        key(
            "What lets one act; needed to read as well unless listen is this host's alone.",
            default="none: read-only",
        ),
    ] = UNSET
    read_token: Annotated[
        SecretValue | UnsetType,
        key("What lets one read and not act, as for Prometheus.", default="none"),
    ] = UNSET
    names: Annotated[
        Hosts, key("Names of the page besides those of this host, as behind a proxy.")
    ] = field(default_factory=list)
    certificate: Annotated[
        AbsolutePath | UnsetType, key("For https: its certificate with the chain, as PEM.")
    ] = UNSET
    key_file: Annotated[
        AbsolutePath | UnsetType, key("For https: the private key of the certificate.")
    ] = UNSET
    insecure: Annotated[
        Flag, key("Allow other hosts to be served without https: the token travels in the clear.")
    ] = False


WebChoice = Annotated[
    WebTable,
    Meta(
        extra_json_schema={
            "dependentRequired": {"certificate": ["key_file"], "key_file": ["certificate"]}
        }
    ),
]
