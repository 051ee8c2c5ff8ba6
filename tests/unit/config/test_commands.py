"""``config check``, ``config show`` and ``config schema``."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable

import pytest

from tests.unit.config.conftest import SERVICE
from watchdog.cli import config
from watchdog.errors import ConfigError
from watchdog.probes import resources

CHANNELS = """
[[slack]]
token = { credential = "slack-token" }
channel = "#ops"

[[slack]]
name = "web"
webhook = { credential = "webhook" }

[email]
to = ["alice@example.com", "bob@example.com"]
from = "watchdog@example.com"
host = "mail.example.com"
"""


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    config.add_commands(parser.add_subparsers())
    options = parser.parse_args(["config", *arguments])
    code: int = options.run(options)
    return code


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("SERVICE_WATCHDOG_CONFIG", raising=False)


def test_check_says_what_is_watched_and_who_is_told(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = config_file(SERVICE + '[[service]]\nunit = "db"\n' + CHANNELS)
    assert run("check", "--config", file) == 0
    said, complained = capsys.readouterr()
    assert said.splitlines() == [
        (
            "config.toml: fine, 2 services, alerts to slack #ops, web webhook,"
            " email alice@example.com, email bob@example.com"
        ),
        (
            'config.toml: not checked: slack[1].token: systemd gave no credential "slack-token";'
            " expected /etc/service-watchdog/credentials/slack-token when the daemon starts"
        ),
        (
            'config.toml: not checked: slack[2].webhook: systemd gave no credential "webhook";'
            " expected /etc/service-watchdog/credentials/webhook when the daemon starts"
        ),
    ]
    assert complained == ""


def test_check_says_that_nobody_is_told(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--config", config_file(SERVICE)) == 0
    assert capsys.readouterr().out == (
        "config.toml: fine, 1 service, alerts to nobody: no channel is configured\n"
    )


def test_check_tells_all_problems_on_stderr_and_exits_2(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--config", config_file(SERVICE + "port = 0\nprot = 1\n")) == 2
    said, complained = capsys.readouterr()
    assert said == ""
    assert complained.splitlines() == [
        "config.toml:3: service[1].port: expected a port from 1 to 65535, found 0",
        'config.toml:4: service[1].prot: unknown key; did you mean "port"?',
    ]


def test_check_answers_programs_in_json(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--json", "--config", config_file(SERVICE)) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": "config.toml",
        "fine": True,
        "problems": [],
        "services": ["api"],
        "destinations": [],
        "unchecked": [],
        "unmeasured": [],
        "remarks": [],
    }
    assert run("check", "--json", "--config", config_file("[[service]]\nunit = 1\n")) == 2
    assert json.loads(capsys.readouterr().out) == {
        "path": "config.toml",
        "fine": False,
        "problems": ["config.toml:2: service[1].unit: expected a unit name, found 1"],
    }


def test_the_environment_may_name_the_file(
    config_file: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVICE_WATCHDOG_CONFIG", config_file(SERVICE))
    assert run("check") == 0
    assert capsys.readouterr().out.startswith("config.toml: fine")


def test_show_prints_toml_with_every_default(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "--config", config_file(SERVICE + CHANNELS)) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert shown["service"][0]["interval"] == "30s"
    assert shown["slack"][0]["token"] == {"credential": "slack-token"}


def test_show_prints_json_for_programs(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = config_file(SERVICE + '[slack]\ntoken = "xoxb-canary-4711"\nchannel = "#ops"\n')
    assert run("show", "--json", "--config", file) == 0
    said = capsys.readouterr().out
    assert json.loads(said)["slack"][0]["token"] == "<secret>"
    assert "canary" not in said


def test_show_of_a_bad_file_raises_its_problems(config_file: Callable[..., str]) -> None:
    with pytest.raises(ConfigError, match="expected tables headed"):
        run("show", "--config", config_file(""))


def test_schema_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "service-watchdog"


def test_check_says_which_limits_cannot_be_measured_on_an_old_kernel(
    config_file: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "_counts_open_files", lambda: False)
    limits = "limits = { open_files = 900 }\n"
    assert run("check", "--config", config_file(SERVICE + limits)) == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        "config.toml: not measured: open_files of api: before Linux 6.2 only a process's own user"
        " may see them"
    )
