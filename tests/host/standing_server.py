"""Runs on a test host: carries out commands of ``service-watchdog`` in one process, one a line.

Each line is a JSON list of arguments; the answer is a line too: exit code, output, errors.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from watchdog.cli.main import main


def carry_out(arguments: list[str]) -> tuple[int, str, str]:
    """Return exit code, output and errors of one command."""
    output, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
    return code, _text(output), _text(errors)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


for line in sys.stdin:
    print(json.dumps(carry_out(json.loads(line))), flush=True)
