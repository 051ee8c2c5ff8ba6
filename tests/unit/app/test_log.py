"""The log keeps secrets back, whoever quotes them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from watchdog.app import log
from watchdog.evidence.redact import Redactor

SECRET = "hook-4711-canary"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def fail_with(secret: str) -> None:
    raise ValueError(f"cannot parse https://example.test/{secret}")


def log_a_failure(style: str) -> None:
    redactor = Redactor()
    redactor.configure(known=[SECRET])
    log.set_up("console" if style == "console" else "json", redactor.known)
    try:
        fail_with(SECRET)
    except ValueError:
        structlog.get_logger().exception("cannot send", via=f"https://{SECRET}@example.test/")


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_secret_that_a_librarys_error_quotes_is_not_written(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_a_failure(style)
    written = capsys.readouterr().err
    assert "cannot parse https://example.test/[redacted]" in written
    assert SECRET not in written


def test_a_line_stays_json_without_its_secret(capsys: pytest.CaptureFixture[str]) -> None:
    log_a_failure("json")
    assert json.loads(capsys.readouterr().err)["via"] == "https://[redacted]@example.test/"


def test_a_traceback_on_a_terminal_shows_no_locals(capsys: pytest.CaptureFixture[str]) -> None:
    """As it would by itself where the library rich happens to be installed."""
    log.set_up("console")
    formatter = structlog.get_config()["processors"][-1]._exception_formatter
    assert formatter is structlog.dev.plain_traceback
