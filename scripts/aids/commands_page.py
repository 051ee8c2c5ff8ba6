"""service-watchdog(1), from the parsers, by argparse-manpage."""

from __future__ import annotations

import os
import re
from unittest.mock import patch

from argparse_manpage.manpage import Manpage

import watchdog
from scripts.aids.parsers import whole_parser, with_commands
from scripts.aids.roff import bold, escaped, title

NAME = "service-watchdog"

_FILES = {
    "/etc/service-watchdog/config.toml": "The configuration: service-watchdog.toml(5).",
    "/etc/service-watchdog/credentials/": "Secrets, one a file, which systemd hands over.",
    "/var/lib/service-watchdog/state.db": "What the daemon knows: incidents, alerts to be sent.",
    "/run/service-watchdog/control.sock": "Where the daemon answers; root's and the group's.",
}
_CODES = {
    "0": "Fine.",
    "1": "The service is not, or the alert has not arrived.",
    "2": "Wrong usage, an unknown name, or a configuration that cannot be used.",
    "3": "Could not ask: the daemon is down, no permission, or the probe could not run.",
    "4": "In progress: starting, restarting, recovering, held, paused, not judged yet.",
    "130": "Ctrl-C.",
}
_ENVIRONMENT = {"SERVICE_WATCHDOG_CONFIG": "The configuration, where --config is not given."}


def page() -> str:
    """Return the page."""
    parser = whole_parser()
    for command in with_commands(parser):
        command.epilog = None  # the sections below say it
    # argparse wraps by the terminal that it happens to have.
    with patch.dict(os.environ, {"COLUMNS": "80"}):
        made = str(Manpage(parser, {"description": "keeps a web service alive", "date": "-"}))
    made = re.sub(r"\A\.TH .*", lambda _: title(NAME, 1, watchdog.__version__), made)
    made = re.sub(r"(?m)^\.SH\n(?=.)", ".SH ", made)
    return "\n".join(
        [
            _quiet(made),
            *_section("EXIT STATUS", _CODES),
            ".PP\nOf several services the worst counts: 1 before 3 before 4 before 0.",
            *_section("ENVIRONMENT", _ENVIRONMENT),
            *_section("FILES", _FILES),
            ".SH SEE ALSO",
            ".BR service\\-watchdog.toml (5),",
            ".BR systemctl (1),",
            ".BR journalctl (1)",
            "",
        ]
    )


def _quiet(page: str) -> str:
    """Return *page* without the empty lines, which man(7) does not want."""
    return "\n".join(line for line in page.splitlines() if line.strip())


def _section(heading: str, entries: dict[str, str]) -> list[str]:
    lines = [f".SH {heading}"]
    for term, meaning in entries.items():
        lines += [".TP", bold(term), escaped(meaning)]
    return lines
