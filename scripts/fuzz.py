"""Runs one target of tests/fuzz under atheris, guided by which lines of ours its bytes reach.

Arguments: the target's name, then libFuzzer's (https://llvm.org/docs/LibFuzzer.html). Without any
it names the targets.
"""

from __future__ import annotations

import sys
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    """Run the target that the arguments name."""
    if len(sys.argv) == 1:
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415

        print("\n".join(TARGETS))
        return
    import atheris  # noqa: PLC0415 - installed by scripts/fuzz

    with atheris.instrument_imports(include=["watchdog"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    name, *options = sys.argv[1:]
    if name not in TARGETS:
        sys.exit(f"cannot fuzz {name}: there are {', '.join(TARGETS)}")
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
