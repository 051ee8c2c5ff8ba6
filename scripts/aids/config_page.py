"""service-watchdog.toml(5), from the reference of the configuration and its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

import watchdog
from scripts.aids.roff import bold, escaped, prose, title
from watchdog.config.reference import reference

_CELL = re.compile(r"(?<!\\)\|")
_HEADER_ROWS = 2


def page() -> str:
    """Return the page."""
    return "\n".join(
        [
            title("service-watchdog.toml", 5, watchdog.__version__),
            ".SH NAME\nservice\\-watchdog.toml \\- configuration of service\\-watchdog",
            ".SH DESCRIPTION",
            *_blocks(reference()),
            ".SH SEE ALSO\n.BR service\\-watchdog (1)\n",
        ]
    )


def _blocks(markdown: str) -> Iterator[str]:
    """Yield the blocks of *markdown*, of those kinds that the reference has."""
    text = re.sub(r"<!--.*?-->\n*", "", markdown, flags=re.DOTALL).partition("\n")[2]
    first = True
    for block in _split(text):
        if block.startswith("```"):
            code = block.partition("\n")[2].removesuffix("```").rstrip()
            yield f".PP\n.nf\n{escaped(code)}\n.fi"
        elif block.startswith("|"):
            yield from _rows(block)
        elif heading := re.fullmatch(r"(#+) (.+)", block):
            macro = ".SH" if len(heading[1]) == 2 else ".SS"
            yield f'{macro} "{_plain(heading[2])}"'
            first = True
            continue
        else:
            yield prose(block) if first else f".PP\n{prose(block)}"
        first = False


def _split(text: str) -> Iterator[str]:
    """Yield blocks: code as a whole, and what empty lines divide."""
    for part in re.split(r"(?ms)^(```.*?^```)$", text):
        if part.startswith("```"):
            yield part
        else:
            yield from (block.strip() for block in part.split("\n\n") if block.strip())


def _rows(table: str) -> Iterator[str]:
    """Yield an entry for each row: what is told of a key, or of a command."""
    for row in table.splitlines()[_HEADER_ROWS:]:
        cells = [_cell(cell) for cell in _CELL.split(row)[1:-1]]
        term, *told, meaning = cells
        yield f".TP\n{bold(term.strip('`'))}"
        if told:
            expected, default = told
            need = "required" if default == "required" else f"default: {default}" if default else ""
            yield prose(f"{meaning.rstrip('.')}. ({'; '.join(filter(None, (expected, need)))})")
        else:
            yield prose(meaning)


def _cell(text: str) -> str:
    return text.strip().replace(r"\|", "|").replace(r"\<", "<")


def _plain(heading: str) -> str:
    return escaped(heading.replace("`", "")).replace('"', r"\(dq")
