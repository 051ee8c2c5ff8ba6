"""The JSON Schema of the configuration file, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from watchdog.config.describing import describe, tables_of
from watchdog.config.tables import ConfigFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) of the configuration file.

    It holds each key to what can be said of it alone; ``config check`` also knows what keys mean
    to each other and whether the secrets are there.
    """
    generated = msgspec.json.schema(ConfigFile)
    definitions = generated["$defs"]
    for name, table in tables_of(ConfigFile).items():
        properties = definitions[name]["properties"]
        for key in describe(table):
            if key.default:
                properties[key.name]["description"] = f"{key.meaning} Default: {key.default}."
    root = definitions.pop(ConfigFile.__name__)
    return {
        "$schema": _DIALECT,
        **_plain(root),
        "title": "service-watchdog",
        "$defs": _plain(definitions),
    }


def _plain(node: Any) -> Any:
    """Return *node* without what msgspec adds to a kind that is written in other ways."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node and "type" in node:
        # A duration is a float once it is read, and a number or text in the file.
        node = {key: part for key, part in node.items() if key not in {"type", "default"}}
    # Only Python's $ takes a final newline for the end.
    return {
        key: part.removesuffix(r"(?!\n)") if key == "pattern" else _plain(part)
        for key, part in node.items()
    }
