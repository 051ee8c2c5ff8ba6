"""What a soak has shown, as tables in docs/explanation/soak.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/soak.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put(name: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands in *page* between the comments ``<!-- name -->`` and ``<!-- end -->``."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    written, count = pattern.subn(
        lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page.read_text()
    )
    if count != 1:
        raise ValueError(f"cannot write into {page}: it has no one place named {name}")
    page.write_text(written)
