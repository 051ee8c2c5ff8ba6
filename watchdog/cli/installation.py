"""The installation of a template: shown, asked for, done, and told of."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.cli.terminal import painted
from watchdog.errors import TemplateError, WatchdogError

if TYPE_CHECKING:
    from watchdog.templates.existing import Existing
    from watchdog.templates.installing import Plan
    from watchdog.templates.placing import Planned

_GREEN, _RED = "32", "31"


def install(plan: Plan, before: Existing, *, sure: bool) -> int:
    """Show what would change, ask, and do it. Raises WatchdogError."""
    from watchdog.templates.placing import require_free

    for file in plan.files:
        require_free(file)
    wanted = [file for file in plan.files if not file.is_there]
    if not wanted:
        return _confirm(plan)
    if before.load_state not in {"loaded", "not-found"}:
        raise TemplateError(f"cannot install over a unit that is {before.load_state}")
    _show(plan, wanted, before)
    if os.geteuid() != 0:
        raise WatchdogError("cannot install: not root; nothing was changed, run it with sudo")
    if not sure and not _agreed(len(wanted)):
        print("nothing was changed")
        return 1
    return _carry_out(plan, wanted)


def _confirm(plan: Plan) -> int:
    """Say that all is there; whoever was killed as they wrote it has not tested it."""
    from watchdog.templates.installing import carry_out, settle

    if os.geteuid() == 0:
        tested, _ = asyncio.run(carry_out(plan, ()))
        if tested.code != 0:
            print((tested.err or tested.out or tested.trouble).rstrip(), file=sys.stderr)
            print("the files are as they should be, and the test has failed", file=sys.stderr)
            return 1
        asyncio.run(settle(plan))
    print(f"nothing to do: {', '.join(str(file.path) for file in plan.files)} as it should be")
    return 0


def _carry_out(plan: Plan, wanted: Sequence[Planned]) -> int:
    """Write, test, and say what came of it."""
    from watchdog.templates.installing import carry_out, settle

    for ending in (signal.SIGTERM, signal.SIGHUP):  # a lost connection, too, is a Ctrl-C
        signal.signal(ending, signal.default_int_handler)
    try:
        tested, backups = asyncio.run(carry_out(plan, wanted))
    except KeyboardInterrupt:
        print("interrupted; all is as it was", file=sys.stderr)
        raise
    if tested.code != 0:
        print((tested.err or tested.out or tested.trouble).rstrip(), file=sys.stderr)
        print("the test has failed; all is as it was", file=sys.stderr)
        return 1
    asyncio.run(settle(plan))
    for warning in tested.err.splitlines():
        print(f"note: {warning}")
    for file in wanted:
        print(f"installed {file.path}")
    for backup in backups:
        print(f"what was there is kept in {backup}")
    print("left to do:", *(f"  {command}" for command in plan.left), sep="\n")
    return 0


def _show(plan: Plan, wanted: Sequence[Planned], before: Existing) -> None:
    """Print what would change, and what else matters then."""
    from watchdog.templates.lost import lost
    from watchdog.templates.placing import difference

    for file in wanted:
        shadowed = Path(before.path) if before.path.endswith(f"/{file.path.name}") else None
        _print_difference(difference(file, shadowed))
        if shadowed and (what := lost(_read(shadowed), file.text, before.arguments)):
            print(
                f"note: not carried over: {what}; what you need of it goes into a drop-in: "
                f"systemctl edit {file.path.name}"
            )
    for drop_in in before.drop_ins:
        print(f"note: {drop_in} stays in force")
    for remark in plan.remarks:
        print(f"note: {remark}")


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def _agreed(count: int) -> bool:
    """Ask; what cannot be asked is not agreed to."""
    if not sys.stdin.isatty():
        raise TemplateError(
            "cannot ask: there is no terminal; nothing was changed, add --yes if this is right"
        )
    files = "this file" if count == 1 else f"these {count} files"
    try:
        return input(f"write {files}? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False
    except KeyboardInterrupt:
        print("\nnothing was changed")
        raise


def _print_difference(lines: Sequence[str]) -> None:
    colours = {"+": _GREEN, "-": _RED}
    for line in lines:
        colour = colours.get(line[:1])
        print(line if colour is None else painted(line, colour))
