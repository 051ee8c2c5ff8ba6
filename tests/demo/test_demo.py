"""The demo, run as a stranger would run it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.markdown import ROOT

pytestmark = pytest.mark.timeout(180)

SPAN = r"\d+(?:\.\d)? (?:ms|s)"


def test_the_demo_kills_and_hangs_a_service_and_both_times_it_is_healed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = done.stdout.rpartition("what was done")[2]
    assert re.search(rf"^killed \(kill -9\) +{SPAN} +{SPAN} +nobody", summary, re.MULTILINE)
    assert re.search(rf"^hung \(kill -STOP\) +{SPAN} +{SPAN} +#ops, in one", summary, re.MULTILINE)
    assert [line for line in done.stdout.splitlines() if "│ FIRING demo" in line]
    assert [line for line in done.stdout.splitlines() if "│ RESOLVED demo" in line]
    assert done.stderr == ""
