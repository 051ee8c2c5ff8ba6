"""What helps at a shell, from the code: the manual pages, and the completion of each shell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.aids import commands_page, completion, config_page

ROOT = Path(__file__).parent.parent
NAME = "service-watchdog"


def generated() -> dict[Path, str]:
    """Return each file as it should be now."""
    return {
        ROOT / f"manual/{NAME}.1": commands_page.page(),
        ROOT / f"manual/{NAME}.toml.5": config_page.page(),
        ROOT / f"completion/{NAME}.bash": completion.script("bash"),
        ROOT / f"completion/_{NAME}": completion.script("zsh"),
        ROOT / f"completion/{NAME}.fish": completion.script("fish"),
    }


def stale() -> list[str]:
    """Return the names of the files that say something else than the code does."""
    return [
        path.name
        for path, text in generated().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


def main() -> int:
    """Write the files, or check them."""
    parser = argparse.ArgumentParser(prog="manual", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell which files are stale")
    if parser.parse_args().check:
        if names := stale():
            print(f"{', '.join(names)}: the code has changed since; run: scripts/manual")
            return 1
        return 0
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
