from __future__ import annotations

import pytest

from watchdog.logs.tracebacks import Blocks

PYTHON = [
    "Traceback (most recent call last):",
    '  File "/srv/app.py", line 42, in health',
    "    raise ValueError",
    "ValueError: no",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "/srv/app.py", line 44, in health',
    "sqlite3.OperationalError: database is locked",
]
JAVA = [
    "Exception in thread main java.lang.IllegalStateException: no",
    "\tat com.example.App.main(App.java:4)",
    "Caused by: java.io.IOException: disk",
    "\tat com.example.App.read(App.java:9)",
    "\t... 12 more",
]


@pytest.mark.parametrize("block", [PYTHON, JAVA, ["boom", *PYTHON]])
def test_the_lines_of_a_traceback_belong_to_its_first(block: list[str]) -> None:
    blocks = Blocks()
    blocks.goes_on("before")
    blocks.goes_on(block[0])
    goes_on = [blocks.goes_on(line) for line in block[1:]]
    # An empty line between two chained tracebacks is nobody's, and parts nothing.
    assert all(on or not line for on, line in zip(goes_on, block[1:], strict=True))
    assert not blocks.goes_on("INFO: the next thing")


def test_a_line_after_a_traceback_that_was_cut_off_is_its_own() -> None:
    blocks = Blocks()
    blocks.goes_on("Traceback (most recent call last):")
    assert not blocks.goes_on("INFO:     Shutting down the server")
    assert not blocks.goes_on("ValueError: much later")
