"""``init``: writes a first configuration, from what runs on this host."""

from __future__ import annotations

import argparse
import grp
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import watchdog
from watchdog.cli.options import Commands, add_config_option
from watchdog.errors import ConfigError, WatchdogError

_MODE = 0o640
_GROUP = "service-watchdog"
# What an installation begins with; a work tree has none there.
_EXAMPLE = Path(watchdog.__file__).parent / "config" / "example.toml"


class _ExistsError(WatchdogError):
    code = 1


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "look at this host, and write a first configuration, explained line by line"
    init = commands.add_parser("init", help=text, description=text)
    init.add_argument(
        "--output", metavar="FILE", help="where to write it; - prints it (default: --config)"
    )
    add_config_option(init)
    init.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import asyncio

    from watchdog.survey.draft import draft
    from watchdog.survey.found import look

    wanted = options.output or options.config
    path = None if wanted == "-" else Path(wanted)
    if path is not None:
        _refuse_to_overwrite(path)
    survey = asyncio.run(look())
    for trouble in survey.troubles:
        print(trouble, file=sys.stderr)
    day = time.strftime("%Y-%m-%d")
    text = draft(survey.services, os.uname().nodename, day, survey.notes)
    _check(text)
    done = ""
    if path is None:
        print(text, end="")
    else:
        done = _write(path, text)
    said = sys.stdout if path is not None else sys.stderr
    if not survey.services:
        print("found nothing to watch: what is written is an example to fill in", file=said)
    for service in survey.services:
        port = f", port {service.port}" if service.port else ""
        health = f", health {service.health.path}" if service.health.path else ""
        print(f"found {service.name}: {service.unit.unit}{port}{health}", file=said)
    if done:
        check = f"service-watchdog config check --config {path}"
        print(f"{done}; read it, say who is told, then: {check}")
    return 0


def _refuse_to_overwrite(path: Path) -> None:
    if os.path.lexists(path) and not _is_example(path):
        beside = path.with_name(f"{path.stem}.new{path.suffix}")
        raise _ExistsError(
            f"cannot write {path}: it is there already; nothing was changed. "
            f"`--output {beside}` writes beside it, `--output -` prints"
        )


def _is_example(path: Path) -> bool:
    """Tell whether *path* is still as the installation wrote it, with nothing of anybody's."""
    try:
        return not path.is_symlink() and path.read_bytes() == _EXAMPLE.read_bytes()
    except OSError:
        return False


def _check(text: str) -> None:
    """Load *text* as the daemon would. Raises WatchdogError if it cannot be used."""
    from watchdog.config import load

    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "config.toml"
        file.touch(_MODE)
        file.write_text(text, encoding="utf-8")
        try:
            load(file, for_daemon=False)
        except ConfigError as error:
            problems = "\n".join(error.problems)
            raise WatchdogError(
                f"cannot write a configuration of what was found, nothing is written: {problems}"
            ) from None


def _write(path: Path, text: str) -> str:
    """Write *text* to *path*, all of it or nothing, and never over what is somebody's.

    Return what was done.
    """
    try:
        with _unnamed(path.parent) as (descriptor, name):
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
            if _is_example(path):
                os.replace(name, path)  # noqa: PTH105 - mkstemp speaks str
                return f"wrote {path} in place of the example"
            os.link(name, path)  # unlike a rename it fails if somebody was faster
            return f"wrote {path}"
    except FileExistsError:
        _refuse_to_overwrite(path)
        raise
    except OSError as error:
        use = "; use sudo" if isinstance(error, PermissionError) else ""
        raise WatchdogError(f"cannot write {path}: {error.strerror}{use}") from error


@contextmanager
def _unnamed(directory: Path) -> Iterator[tuple[int, str]]:
    """Make a file for the daemon's group that is gone again in the end."""
    descriptor, name = tempfile.mkstemp(prefix=".config.", dir=directory)
    try:
        with suppress(KeyError, PermissionError):  # no such group, or not root: then it is ours
            os.fchown(descriptor, -1, grp.getgrnam(_GROUP).gr_gid)
        os.fchmod(descriptor, _MODE)
        yield descriptor, name
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):  # it has taken its place
            os.unlink(name)  # noqa: PTH108 - mkstemp speaks str
