"""Which commands there are, and what finding one of them costs."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib import import_module

import pytest

from watchdog.cli.main import COMMANDS


@pytest.mark.parametrize("module", COMMANDS)
def test_each_module_adds_the_commands_that_it_is_listed_with(module: str) -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    import_module(f"watchdog.cli.{module}").add_commands(commands)
    assert tuple(commands.choices) == COMMANDS[module]


@pytest.mark.adapter
def test_a_command_loads_no_other_and_nothing_that_it_does_not_need() -> None:
    program = (
        "import sys, watchdog.cli.main as main; main.parser_of('status');"
        "heavy = ('asyncio', 'watchdog.config', 'watchdog.core.model', 'watchdog.cli.act');"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
