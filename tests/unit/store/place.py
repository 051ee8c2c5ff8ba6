"""What happens to the files of a database, done from outside."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

PAGE = 4096


def put(path: Path, content: bytes | bytearray) -> None:
    """Write *content* to *path*."""
    path.write_bytes(content)


def get(path: Path) -> bytes:
    """Return the content of *path*."""
    return path.read_bytes()


def names(path: Path) -> list[str]:
    """Return what lies in the directory of *path*."""
    return sorted(member.name for member in path.parent.iterdir())


def delete(path: Path) -> None:
    """Delete everything that belongs to the database at *path*."""
    for member in path.parent.glob(f"{path.name}*"):
        member.unlink()


def query(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run *statements* on the database as sqlite3(1) would; return the rows of the last."""
    raw = sqlite3.connect(path)
    with raw:
        rows = [raw.execute(statement).fetchall() for statement in statements][-1]
    raw.close()
    return rows


def page_of(path: Path, table: str) -> int:
    """Return the number of the first page of *table*, from 1."""
    ((page,),) = query(path, f"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")  # noqa: S608
    return int(page)


def overwrite(path: Path, page: int) -> None:
    """Overwrite a page with what no page looks like."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def alter(path: Path, page: int, old: str, new: str) -> None:
    """Replace the last *old* on a page by *new*, as a bit that flips would."""
    content = path.read_bytes()
    start = (page - 1) * PAGE
    place = content.rindex(old.encode(), start, start + PAGE)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(new.encode())
