from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from scripts import manual
from tests.markdown import ROOT
from watchdog.cli.main import COMMANDS

OF_NO_PERSON = {"root-job", "names"}
NO_DATE = 'WARNING: missing date, using "": TH'  # the version says it better
PAGES = sorted((ROOT / "manual").iterdir())


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse's usage differs by version")
def test_manual_and_completion_say_what_the_code_does() -> None:
    assert manual.stale() == [], "run: scripts/manual"


def test_the_manual_has_every_command() -> None:
    page = (ROOT / "manual/service-watchdog.1").read_text().replace("\\-", "-")
    for command in {each for commands in COMMANDS.values() for each in commands} - OF_NO_PERSON:
        assert f"usage: service-watchdog {command} " in page, command


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is missing: scripts/bootstrap")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_clean(page: object) -> None:
    said = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(page)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert [line for line in said.stdout.splitlines() if not line.endswith(NO_DATE)] == []
