"""Runs one target of tests/fuzz under atheris, guided by which lines of ours its bytes reach.

Arguments: the target's name, then libFuzzer's (https://llvm.org/docs/LibFuzzer.html). Without any
it names the targets.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import structlog

STRETCHED = 0.02
"""Of all inputs; they get longer with time, up to 64 KiB after hours."""

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    """Run the target that the arguments name."""
    if len(sys.argv) == 1:
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415

        print("\n".join(TARGETS))
        return
    import atheris  # noqa: PLC0415 - installed by scripts/fuzz

    with atheris.instrument_imports(include=["watchdog"]):
        # Instrumented as it is imported.
        from tests.fuzz.targets import SLOW, TARGETS, take  # noqa: PLC0415

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    name, *options = sys.argv[1:]
    if name not in TARGETS:
        sys.exit(f"cannot fuzz {name}: there are {', '.join(TARGETS)}")

    def give(octets: bytes) -> None:
        take(name, octets, 3 * SLOW)  # instrumented it takes up to three times as long

    def change(octets: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)  # noqa: S311 - nothing depends on it
        if octets and chance.random() < STRETCHED:
            return stretched(octets, most, chance)
        changed: bytes = atheris.Mutate(octets, most)
        return changed

    atheris.Setup([sys.argv[0], *options], give, custom_mutator=change)
    atheris.Fuzz()


def stretched(octets: bytes, most: int, chance: random.Random) -> bytes:
    """Return *octets* with a part of them repeated up to *most*: what takes its square shows."""
    start = chance.randrange(len(octets))
    end = min(start + chance.randint(1, 20), len(octets))
    return (octets[:start] + octets[start:end] * (most // (end - start)) + octets[end:])[:most]


if __name__ == "__main__":
    main()
