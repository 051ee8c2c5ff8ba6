"""Run scripts/demo on a terminal of its own and draw what it printed as docs/demo.svg."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/demo.svg"

SIZE, ADVANCE, LEADING, MARGIN = 13.0, 7.83, 18.0, 22.0  # pixels
BAR = 34.0  # the window's title bar

INK = "#d6dae0"
# What the demo uses of ECMA-48's SGR: bold, and four colours.
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff"}
BOLD = "1"

PAGE = f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{{width}}" height="{{height}}" role="img"
     viewBox="0 0 {{width}} {{height}}" aria-label="A terminal that shows a run of scripts/demo">
<!-- Written by scripts/record. Do not edit. -->
<rect width="{{width}}" height="{{height}}" rx="10" fill="#0d1117"/>
<circle cx="22" cy="17" r="6" fill="#ff5f57"/>
<circle cx="42" cy="17" r="6" fill="#febc2e"/>
<circle cx="62" cy="17" r="6" fill="#28c840"/>
<text x="{{centre:g}}" y="22" fill="#8b949e" text-anchor="middle"
      font-family="sans-serif" font-size="{SIZE:g}">scripts/demo</text>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
   font-size="{SIZE:g}" fill="{INK}" style="white-space: pre" xml:space="preserve">
{{rows}}
</g>
</svg>
"""

_SGR = re.compile(r"\x1b\[([0-9;]*)m")


def record(command: Sequence[str]) -> str:
    """Return what *command* prints to a terminal, colours included. Raises SystemExit."""
    primary, secondary = pty.openpty()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=secondary) as process:
        os.close(secondary)
        chunks = []
        while chunk := _read(primary):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            chunks.append(chunk)
    os.close(primary)
    if process.returncode:
        raise SystemExit(f"cannot record: the demo ended with {process.returncode}; no new picture")
    return b"".join(chunks).decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: the last one who could write to the terminal has ended (pty(7))
        return b""


def runs(line: str) -> Iterator[tuple[str, str]]:
    """Return the parts of *line* and the SGR code of each; empty for plain text."""
    code = ""
    for index, part in enumerate(_SGR.split(line)):
        if index % 2:
            code = "" if part in {"", "0"} else part
        elif part:
            yield code, part


def drawn(text: str) -> str:
    """Return *text* as an SVG image."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    columns = max(len(_SGR.sub("", line)) for line in lines)
    width = round(2 * MARGIN + columns * ADVANCE)
    height = round(BAR + 2 * MARGIN + (len(lines) - 1) * LEADING)
    rows = [
        _row(line, BAR + MARGIN + number * LEADING)
        for number, line in enumerate(lines)
        if line.strip()
    ]
    return PAGE.format(width=width, height=height, centre=width / 2, rows="\n".join(rows))


def _row(line: str, y: float) -> str:
    """Return one line; each part begins at its column, and is as wide as its columns."""
    column, parts = 0, []
    for code, part in runs(line):
        words = part.strip(" ")
        if words:
            start = column + part.index(words)
            look = f' fill="{COLOURS[code]}"' if code in COLOURS else ""
            look += ' font-weight="bold"' if code == BOLD else ""
            parts.append(
                f'<text x="{MARGIN + start * ADVANCE:.1f}" y="{y:g}"{look} '
                f'textLength="{len(words) * ADVANCE:.1f}">{escape(words)}</text>'
            )
        column += len(part)
    return "".join(parts)


def main() -> int:
    """Record, draw, and say where."""
    text = record([sys.executable, "-m", "scripts.demo"])
    PICTURE.write_text(drawn(text), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
