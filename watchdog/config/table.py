"""What all tables of the configuration file are made of."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from watchdog.config.kinds import (
    AbsolutePath,
    SecretText,
    ServicePatterns,
    Severities,
    Text,
    VariableName,
)


def key(description: str, *, default: str = "") -> Meta:
    """Describe a key; *default* says in words what holds where that is not one fixed value."""
    return Meta(description=description, extra={"default": default})


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the configuration file."""


class SecretReference(Table, frozen=True):
    """Where a secret is kept: exactly one of the keys."""

    credential: Annotated[Text | UnsetType, key("Name of a systemd credential.")] = UNSET
    file: Annotated[
        AbsolutePath | UnsetType, key("A file that holds it, not readable by everybody.")
    ] = UNSET
    env: Annotated[VariableName | UnsetType, key("The environment variable that holds it.")] = UNSET


Reference = Annotated[
    SecretReference, Meta(extra_json_schema={"minProperties": 1, "maxProperties": 1})
]
SecretValue = SecretText | Reference
SecretUrls = Annotated[
    list[SecretValue],
    Meta(min_length=1, extra={"expected": 'an array of secrets such as [{ credential = "NAME" }]'}),
]
TakenSeverities = Annotated[
    Severities | UnsetType,
    key("Which alerts go there; [] for a channel that is only a fallback.", default="all"),
]
TakenServices = Annotated[
    ServicePatterns | UnsetType,
    key("Of which services: names and globs.", default="all"),
]
