"""What is wrong with a language, entry by entry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any, get_type_hints

from watchdog.core.model import AlertKind
from watchdog.words.catalogue import Catalogue

MOMENT = datetime(2031, 12, 27, 23, 45, 56, tzinfo=timezone(timedelta(hours=9), "KST"))
ENTRIES = Catalogue.__abstractmethods__ - {"labels"}


def complaints(language: type[Any]) -> list[str]:
    """Return what is wrong with *language*; empty if it may be used."""
    missing = [f"{name} is missing" for name in sorted(language.__abstractmethods__)]
    entries = {name for name in vars(language) if not name.startswith("_")}
    unknown = [f"{name} is no entry" for name in sorted(entries - ENTRIES - {"labels"})]
    renamed = [
        f"{name} takes {', '.join(there)}, not {', '.join(wanted)}"
        for name in sorted(entries & ENTRIES)
        if (there := arguments_of(language, name)) != (wanted := arguments_of(Catalogue, name))
    ]
    if wrong := [*missing, *unknown, *renamed]:
        return wrong
    words: Catalogue = language()
    said = [line for name in sorted(ENTRIES) for line in _said_wrong(words, name)]
    return [*_labelled_wrong(words), *said]


def arguments_of(language: type[Any], entry: str) -> list[str]:
    """Return the names of what *entry* is given."""
    return list(inspect.signature(getattr(language, entry)).parameters)[1:]


def said(words: Catalogue, entry: str, given: Mapping[str, Any]) -> str:
    """Return what *entry* says when it is *given* that, by name."""
    return str(getattr(words, entry)(**given))


def _labelled_wrong(words: Catalogue) -> Iterator[str]:
    labels = asdict(words.labels)
    for name, label in labels.items():
        if not label.strip() or ":" in label or not label.isprintable():
            yield f"labels.{name} is no label: {label!r}"
    if len(set(labels.values())) < len(labels):
        yield "two labels are the same"


def _said_wrong(words: Catalogue, entry: str) -> Iterator[str]:
    """Yield what is wrong with *entry*: it says all that it is given, on one line."""
    for kind in AlertKind:
        given = _samples(entry, kind)
        text = said(words, entry, given)
        if not text.strip() or not text.isprintable():
            yield f"{entry} says {text!r}"
        for name, value in given.items():
            if entry == "title" and name == "lasted" and kind is not AlertKind.RESOLVED:
                continue
            if not all(part in text for part in _parts(entry, value)):
                yield f"{entry} forgets {name}: {text!r}"


def _samples(entry: str, kind: AlertKind) -> dict[str, Any]:
    """Return something to give *entry* for each of its arguments, all of them different."""
    numbers = count(41)
    hints = get_type_hints(getattr(Catalogue, entry))
    samples: dict[type, Callable[[str], Any]] = {
        str: lambda name: f"«{name}»",
        int: lambda _: next(numbers),
        float: lambda _: next(numbers),
        bool: lambda _: True,
        datetime: lambda _: MOMENT,
        AlertKind: lambda _: kind,
    }
    return {name: samples[hints[name]](name) for name in arguments_of(Catalogue, entry)}


def _parts(entry: str, value: Any) -> list[str]:
    """Return what of *value* must be in the text."""
    match value:
        case bool() | AlertKind():
            return []
        case datetime():
            seconds = [] if entry == "short_stamp" else ["56"]
            return ["2031", "12", "27", "23:45", "KST", *seconds]
        case _:
            return [str(value)]
