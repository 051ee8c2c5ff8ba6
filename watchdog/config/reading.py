"""From parsed TOML to tables, key by key, so that every problem is found and not just the first.

What is wrong is noted and stands as if it were absent; what is missing is filled with something
empty. Neither reaches anybody: a file with a problem is refused as a whole.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType

from watchdog.config.problems import Path, Problems, did_you_mean, found, listing
from watchdog.config.table import Table

T = TypeVar("T", bound=Table)

_WRONG = object()
_FEW = 12  # keys that a message can list


@dataclass(slots=True)
class Shape:
    """What a key may hold: one scalar, a table, an array or a free table, or several of these."""

    scalar: Any = None  # the type that msgspec checks
    table: type[Table] | None = None
    items: Shape | None = None
    filled: bool = False  # with ``items``: at least one
    array: str = ""  # with ``items``: the words for them
    hint: Callable[[str], str] | None = None  # what to write in place of text
    keys: Shape | None = None  # with ``values``
    values: Shape | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # of the scalar, see kinds.py

    @property
    def expected(self) -> str:
        """The words for what may stand here."""
        words = []
        if self.scalar is not None:
            words.append(self.extra["expected"])
        if self.items is not None:
            words.append(self.array or "an array of them")
        if (self.table is not None or self.values is not None) and "secret" not in self.extra:
            words.append("a table")
        return listing(words)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table, and what may stand there."""

    attribute: str
    shape: Shape
    required: bool


@cache
def keys_of(table: type[Table]) -> dict[str, Key]:
    """Return the keys of *table* by their names in the file."""
    return {
        info.encode_name: Key(
            info.name,
            shape_of(info.type),
            info.default is NODEFAULT and info.default_factory is NODEFAULT,
        )
        for info in msgspec.structs.fields(table)
    }


def shape_of(kind: Any) -> Shape:
    """Return the shape that the annotation *kind* describes."""
    shape = Shape()
    for member in _members(kind):
        base, *metas = get_args(member) if get_origin(member) is Annotated else (member,)
        if get_origin(base) is list:
            shape.items = shape_of(get_args(base)[0])
            for meta in metas:
                shape.filled |= bool(meta.min_length)
                shape.array = (meta.extra or {}).get("expected", shape.array)
                shape.hint = (meta.extra or {}).get("hint", shape.hint)
        elif get_origin(base) is dict:
            shape.keys, shape.values = map(shape_of, get_args(base))
        elif isinstance(base, type) and issubclass(base, Table):
            shape.table = base
        else:
            shape.scalar = member
            for meta in metas:
                shape.extra |= meta.extra or {}
            if get_origin(base) is Literal:
                shape.extra["expected"] = listing(f'"{word}"' for word in get_args(base))
    return shape


def _members(kind: Any) -> list[Any]:
    origin = get_origin(kind)
    if origin is Annotated and get_origin(get_args(kind)[0]) in {Union, types.UnionType}:
        return _members(get_args(kind)[0])
    if origin in {Union, types.UnionType}:
        return [member for part in get_args(kind) for member in _members(part)]
    return [] if kind is UnsetType else [kind]


def read_table(kind: type[T], found_table: dict[str, Any], path: Path, problems: Problems) -> T:
    """Return *found_table*, which stands at *path*, as a *kind*; note what is wrong with it."""
    keys = keys_of(kind)
    values: dict[str, Any] = {}
    for name, value in found_table.items():
        if key := keys.get(name):
            result = _read(value, key.shape, (*path, name), problems)
            if result is not _WRONG:
                values[key.attribute] = result
        else:
            problems.add((*path, name), f"unknown key; {_known(name, keys)}")
    for name, key in keys.items():
        if key.required and key.attribute not in values:
            if name not in found_table:
                problems.add((*path, name), f"missing; expected {key.shape.expected}")
            values[key.attribute] = _blank(key.shape)
    return kind(**values)


def stated(table: Table, attribute: str, path: Path, problems: Problems) -> bool:
    """Tell whether the file has this key of *table*, be its value right or wrong."""
    return getattr(table, attribute) is not UNSET or problems.touch((*path, attribute))


def _known(name: str, keys: Iterable[str]) -> str:
    if hint := did_you_mean(name, keys):
        return hint
    few = list(keys)
    if len(few) > _FEW:
        return "`service-watchdog config schema` lists the keys"
    return f"expected {listing(few)}"


def _read(value: Any, shape: Shape, path: Path, problems: Problems) -> Any:
    match value:
        case dict() if shape.table is not None:
            return read_table(shape.table, value, path, problems)
        case dict() if shape.values is not None and shape.keys is not None:
            for key in value:
                _read(key, shape.keys, (*path, key), problems)
            items = {
                key: _read(item, shape.values, (*path, key), problems)
                for key, item in value.items()
            }
            return {key: item for key, item in items.items() if item is not _WRONG}
        case list() if shape.items is not None:
            if shape.filled and not value:
                problems.add(path, "empty; expected at least one element")
            elements = [
                _read(item, shape.items, (*path, index), problems)
                for index, item in enumerate(value)
            ]
            # Places are kept: a later step names the elements by their index.
            return [_blank(shape.items) if item is _WRONG else item for item in elements]
        case _ if shape.scalar is not None:
            return _read_scalar(value, shape, path, problems)
        case _:
            problems.add(path, _unexpected(value, shape))
            return _WRONG


def _read_scalar(value: Any, shape: Shape, path: Path, problems: Problems) -> Any:
    try:
        if parse := shape.extra.get("parse"):
            return parse(value)
        result = msgspec.convert(value, shape.scalar)
    except (msgspec.ValidationError, ValueError):
        problems.add(path, _unexpected(value, shape))
        return _WRONG
    if check := shape.extra.get("check"):
        try:
            check(result)
        except ValueError as wrong:
            problems.add(path, str(wrong))
            return _WRONG
    return result


def _unexpected(value: Any, shape: Shape) -> str:
    # Who forgets the brackets around a secret has still written a secret.
    parts = (shape, shape.items, shape.values)
    secret = any(part.extra.get("secret", False) for part in parts if part is not None)
    expected = shape.expected
    if shape.scalar is not None and not isinstance(value, dict | list):
        expected = shape.extra["expected"]  # who wrote one value meant one value
    hint = shape.hint(value) if shape.hint and isinstance(value, str) else ""
    return f"expected {expected}, found {found(value, secret=secret)}{hint}"


def _blank(shape: Shape) -> Any:
    """Return something empty that fits *shape* well enough for the other checks to go on."""
    if shape.scalar is not None:
        base = get_args(shape.scalar)[0] if get_args(shape.scalar) else shape.scalar
        return base() if isinstance(base, type) else ""
    if shape.table is not None:
        return shape.table(
            **{
                key.attribute: _blank(key.shape)
                for key in keys_of(shape.table).values()
                if key.required
            }
        )
    return [] if shape.items is not None else {}
