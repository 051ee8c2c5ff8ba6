"""``grant``: writes the polkit rule for exactly the configured units."""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.errors import ConfigError

if TYPE_CHECKING:
    from watchdog.cli.options import Commands

USER = "service-watchdog"
RULE_PATH = Path("/etc/polkit-1/rules.d/50-service-watchdog.rules")
RULE_MODE = 0o644  # polkitd, which is not root, must read it
BUSCTL_SECONDS = 10.0


def add_commands(commands: Commands) -> None:
    """Add the command that writes the polkit rule."""
    from watchdog.cli.options import add_config_option

    parser = commands.add_parser(
        "grant",
        help="let the daemon restart the configured units and nothing else; as root",
        description=f"Writes {RULE_PATH}. The daemon's unit does it at every start and reload.",
    )
    add_config_option(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--print", action="store_true", help="show the rule and write nothing")
    instead.add_argument("--remove", action="store_true", help="remove the rule")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        if options.remove:
            return _remove()
        return _grant(Path(options.config), show=options.print)
    except ConfigError as error:
        print("cannot grant: the configuration is not usable; the rule stays", file=sys.stderr)
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except FileNotFoundError:
        print(
            f"cannot grant: {RULE_PATH.parent} is missing, and without polkit's rules no restart "
            "is allowed; install polkit 0.106 or newer (Debian: polkitd), then run this again",
            file=sys.stderr,
        )
        return 3
    except OSError as error:
        hint = "" if os.geteuid() == 0 else "; run it as root"
        print(f"cannot grant: {error}; the rule stays{hint}", file=sys.stderr)
        return 3


def _grant(config: Path, *, show: bool) -> int:
    from watchdog.control.grant import polkit_rule

    units = configured_units(config)
    rule = polkit_rule((*units, *primary_names(units)), USER)
    if show:
        print(rule, end="")
        return 0
    require_trusted(config)
    if not units:
        return _remove()
    write_rule(RULE_PATH, rule)
    print(f"{USER} may restart {', '.join(units)}")
    return 0


def _remove() -> int:
    RULE_PATH.unlink(missing_ok=True)
    print(f"{USER} may restart no unit")
    return 0


def configured_units(config: Path) -> tuple[str, ...]:
    """Return the units that *config* names. Raises ConfigError."""
    from watchdog.config import load
    from watchdog.core.service import UnitControl

    # A rule needs no secrets, so that one which is missing cannot keep it from being made.
    services = load(config, {}, for_daemon=False).services
    controls = (service.control for service in services)
    return tuple(control.unit for control in controls if isinstance(control, UnitControl))


def primary_names(units: Iterable[str]) -> tuple[str, ...]:
    """Return the names under which systemd asks polkit about *units*: an alias becomes its unit.

    Without systemd, as where an image is built, there is nobody to ask: the names as configured
    must do until the daemon's first start.
    """
    import subprocess

    import msgspec

    # systemd would load what merely looks like a name, and complain about what does not.
    plain = [unit for unit in units if re.fullmatch(r"[A-Za-z0-9:_.\\@-]+", unit)]
    if not plain:
        return ()
    # All in one call: `systemctl show` takes milliseconds for each.
    manager = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
    method = ("org.freedesktop.systemd1.Manager", "ListUnitsByNames", "as")
    command = ["busctl", "--json=short", "call", *manager, *method, str(len(plain)), *plain]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command; the names are names
            command, capture_output=True, timeout=BUSCTL_SECONDS, check=False
        )
        [listed] = msgspec.json.decode(answer.stdout)["data"]
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError):
        return ()
    return tuple(entry[0] for entry in listed)


def require_trusted(config: Path) -> None:
    """Raise ConfigError if others than root could choose the units, by changing *config*.

    Its units may be restarted with root's consent, so whoever writes the file grants. A directory
    with the sticky bit, such as /tmp, does not let others replace what is in it.
    """
    trusted = {0, os.geteuid()}
    place = config.resolve(strict=True)
    for path in (place, *place.parents):
        status = path.stat()
        others = status.st_mode & (stat.S_IWOTH | (stat.S_IWGRP if status.st_gid else 0))
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if status.st_uid not in trusted or (others and not sticky):
            problem = (
                f"{path}: others than root may change it, and so what the daemon may restart; "
                f"run: chown root {path}; chmod go-w {path}"
            )
            raise ConfigError((problem,))


def write_rule(path: Path, rule: str) -> None:
    """Put *rule* at *path* in one step. Raises OSError.

    polkitd takes it up by itself, within milliseconds, and reads no file but those that end in
    ".rules", so never half of one.
    """
    if _is(path, rule):
        return  # on a full disk, too, a start that changes nothing must not complain
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("x", encoding="ascii") as file:
            new.chmod(RULE_MODE)
            file.write(rule)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _is(path: Path, rule: str) -> bool:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        return mode == RULE_MODE and path.read_bytes() == rule.encode("ascii")
    except FileNotFoundError:
        return False
