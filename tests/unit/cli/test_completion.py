"""Completion in a real bash, which asks the real command for names."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import ROOT
from watchdog.cli.main import main

CONFIG = """\
[[service]]
unit = "langchain-api.service"

[[service]]
name = "landing page"
command = ["x"]

[[slack]]
name = "ops"

[email]
"""
SCRIPT = ROOT / "completion/service-watchdog.bash"
ASK = r"""
source "$1"
function=$(complete -p service-watchdog)
function=${function#* -F }
while read -ra words; do
  COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1)) COMPREPLY=()
  "${function%% *}"
  echo "${COMPREPLY[@]}"
done
"""
# What the line has become is printed; for names the command itself is asked.
TYPE = """\
PS1= PS2=
bind 'set enable-bracketed-paste off'
source "$COMPLETION"
service-watchdog() { [[ $1 == names ]] && command service-watchdog "$@" || echo "<$*>"; }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    monkeypatch.setenv("SERVICE_WATCHDOG_CONFIG", os.fspath(path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return path


def complete(*lines: str) -> dict[str, str]:
    """Return what bash offers for the last word of each line."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", SCRIPT],
        input="".join(f"service-watchdog {line}\n" for line in lines),
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return dict(zip(lines, done.stdout.splitlines(), strict=True))


@pytest.mark.adapter
def test_commands_options_and_names_are_completed(config: Path) -> None:
    expected = {
        "sta": "status",
        "config s": "show schema",
        "status --js": "--json",
        "deploy --dry-run lang": "langchain-api",
        "incidents --service lang": "langchain-api",
        "test-alert o": "ops",
        "root": "",
        "nam": "",
    }
    assert complete(*expected) == expected


@pytest.mark.adapter
def test_tab_in_a_terminal_completes_the_line(config: Path) -> None:
    typed = f"{TYPE}service-watchdog sta\tlang\t\nexit\n"
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "COMPLETION": os.fspath(SCRIPT), "TERM": "dumb", "HISTFILE": ""},
    ) as shell:
        os.close(slave)
        os.write(master, typed.encode())
        said = b""
        while chunk := _read(master):
            said += chunk
        assert shell.wait() == 0
    os.close(master)
    assert b"<status langchain-api>" in said


def _read(master: int) -> bytes:
    try:
        return os.read(master, 4096)
    except OSError:  # how a pty says that the other side has ended
        return b""


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[[service]]\nunit = 'a.service'\n[[service]]\nname = 'b'\n", "a\nb\n"),
        ("service = [1, {}, {name = 2}, {name = 'c'}]\n", "c\n"),
        ("service = [{name = 'a$(id)'}, {name = '`id`'}, {name = 'two words'}]\n", ""),
        ("service = 3\n", ""),
        ("[[service\n", ""),
    ],
)
def test_names_are_told_of_any_file_and_nothing_is_said_of_a_bad_one(
    toml: str, expected: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(toml)
    main(["names", "services"])
    assert capsys.readouterr() == (expected, "")
