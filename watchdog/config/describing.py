"""What can be said of each key to a person: for the schema and the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET

from watchdog.config.durations import format_duration
from watchdog.config.reading import Shape, keys_of
from watchdog.config.table import Table
from watchdog.core.service import Policy

_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Description:
    """A key: its name in the file, what may stand there, what holds without it, what it means."""

    name: str
    expected: str
    default: str  # empty: there is none, because the key is required or its absence is a choice
    fixed: bool  # the default is a value; otherwise it is words
    meaning: str
    required: bool


def describe(table: type[Table]) -> list[Description]:
    """Return the descriptions of the keys of *table*, in their order."""
    keys = keys_of(table)
    descriptions = []
    for info in msgspec.structs.fields(table):
        key = keys[info.encode_name]
        meta = next(meta for meta in _metas(info.type) if meta.description)
        words = str((meta.extra or {}).get("default", ""))
        descriptions.append(
            Description(
                name=info.encode_name,
                expected=key.shape.expected,
                default=words or _default(info, key.shape),
                fixed=not words,
                meaning=meta.description or "",
                required=key.required,
            )
        )
    return descriptions


def _metas(kind: Any) -> list[msgspec.Meta]:
    return list(get_args(kind)[1:]) if get_origin(kind) is Annotated else []


def _default(info: msgspec.structs.FieldInfo, shape: Shape) -> str:
    value = info.default if info.default_factory is NODEFAULT else info.default_factory()
    if value is UNSET:
        value = getattr(_POLICY, info.name, NODEFAULT)
    if value is NODEFAULT or isinstance(value, Table):
        return ""
    if "parse" in shape.extra:
        return format_duration(value)
    return msgspec.json.encode(value).decode()


def tables_of(table: type[Table]) -> dict[str, type[Table]]:
    """Return *table* and all tables within it by their class names, each before its own."""
    found = {table.__name__: table}
    for key in keys_of(table).values():
        for shape in (key.shape, key.shape.items, key.shape.values):
            if shape is not None and shape.table is not None:
                found |= tables_of(shape.table)
    return found
