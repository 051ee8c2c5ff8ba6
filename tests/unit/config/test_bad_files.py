"""Bad files, each beside all that must be said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from watchdog.config import load
from watchdog.errors import ConfigError

BAD = sorted(Path(__file__).with_name("bad").glob("*.toml"))
CANARY = "canary-4711"
ENVIRON = {
    "SLACK_TOKEN": f"xoxb-{CANARY}",
    "SLACK_APP_TOKEN": f"xapp-1-{CANARY}",
    "SLACK_WEBHOOK": f"https://hooks.slack.com/services/{CANARY}",
    "WRONG_TOKEN": CANARY,
    "CLEAR_WEBHOOK": f"http://hooks.example.com/{CANARY}",
    "LINES": f"https://hooks.example.com/\n{CANARY}",
    "PASSWORD": CANARY,
    "USER_WEBHOOK": f"https://me:{CANARY}@hooks.example.com/",
    "APPRISE": f"tgram://{CANARY}/1",
    "SHORT_SECRET": "whsec_Y2FuYXJ5LTQ3MTE=",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.stem)
def test_every_problem_is_told_by_file_line_and_key(
    bad: Path, config_file: Callable[..., str]
) -> None:
    file = config_file(bad.read_text(encoding="utf-8"), 0o644)
    with pytest.raises(ConfigError) as caught:
        load(file, ENVIRON)
    said = [f"{problem}\n" for problem in caught.value.problems]
    expected = bad.with_suffix(".txt").read_text(encoding="utf-8").splitlines(keepends=True)
    assert said == expected
    assert CANARY not in str(caught.value)


def test_every_bad_file_has_its_messages_and_every_message_its_file() -> None:
    messages = {path.stem for path in Path(__file__).with_name("bad").glob("*.txt")}
    assert {bad.stem for bad in BAD} == messages
    assert len(BAD) >= 25
