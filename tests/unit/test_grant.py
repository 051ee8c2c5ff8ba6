"""The polkit rule, evaluated by a JavaScript engine where there is one, and how it is written."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from watchdog.cli.grant import configured_units, primary_names, require_trusted, write_rule
from watchdog.cli.main import main
from watchdog.control.grant import polkit_rule
from watchdog.errors import ConfigError

USER = "service-watchdog"
MANAGE_UNITS = "org.freedesktop.systemd1.manage-units"

CONFIG = """\
[[service]]
name = "api"
unit = "api.service"
port = 8000

[[service]]
name = "child"
command = ["/bin/true"]
"""

# What polkit offers to a rule. Each line of input is a rule and questions, each of output answers.
POLKIT = """\
const Result = { YES: "yes", NO: "no", NOT_HANDLED: null };
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [text, questions] = JSON.parse(line);
  const rules = [];
  const polkit = { addRule: (rule) => rules.push(rule), Result };
  require("node:vm").runInNewContext(text, { polkit });
  if (rules.length !== 1) throw new Error(rules.length + " rules");
  console.log(JSON.stringify(questions.map(([user, id, details]) =>
    rules[0]({ id, lookup: (key) => details[key] }, { user }))));
});
"""

Question = tuple[str, str, dict[str, str]]


class Polkit(Protocol):
    def __call__(self, rule: str, *questions: Question) -> list[str | None]: ...


@pytest.fixture(scope="module", name="ask")
def javascript_engine() -> Iterator[Polkit]:
    """Ask a JavaScript engine, started once, what a rule answers."""
    if shutil.which("node") is None:
        pytest.skip("node is missing; tests/host asks the real polkit")
    with subprocess.Popen(
        ["node", "-e", POLKIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as engine:
        asked, answered = engine.stdin, engine.stdout
        assert asked is not None
        assert answered is not None

        def ask(rule: str, *questions: Question) -> list[str | None]:
            print(json.dumps([rule, questions]), file=asked, flush=True)
            answers: list[str | None] = json.loads(answered.readline())
            return answers

        yield ask


def restart_of(unit: str, user: str = USER) -> tuple[str, str, dict[str, str]]:
    return user, MANAGE_UNITS, {"unit": unit, "verb": "restart"}


@pytest.mark.parametrize("verb", ["restart", "reload-or-restart", "reset-failed", "ref"])
def test_a_listed_unit_may_be_restarted_and_kept_in_memory(ask: Polkit, verb: str) -> None:
    rule = polkit_rule(["a.service", "b.service"], USER)
    question = (USER, MANAGE_UNITS, {"unit": "b.service", "verb": verb})
    assert ask(rule, question) == ["yes"]


@pytest.mark.parametrize(
    ("action", "details"),
    [
        (MANAGE_UNITS, {"unit": "a.service", "verb": "start"}),
        (MANAGE_UNITS, {"unit": "a.service", "verb": "stop"}),
        (MANAGE_UNITS, {"unit": "a.service", "verb": "kill"}),
        (MANAGE_UNITS, {"unit": "a.service"}),
        (MANAGE_UNITS, {"verb": "restart"}),
        (MANAGE_UNITS, {}),
        (MANAGE_UNITS, {"unit": "b.service", "verb": "restart"}),
        (MANAGE_UNITS, {"unit": "length", "verb": "restart"}),
        ("org.freedesktop.systemd1.manage-unit-files", {"unit": "a.service", "verb": "restart"}),
        ("org.freedesktop.login1.reboot", {}),
    ],
)
def test_the_daemon_is_refused_whatever_else_it_asks_for(
    ask: Polkit, action: str, details: dict[str, str]
) -> None:
    assert ask(polkit_rule(["a.service"], USER), (USER, action, details)) == ["no"]


def test_the_rule_has_no_opinion_on_anybody_else(ask: Polkit) -> None:
    rule = polkit_rule(["a.service"], USER)
    assert ask(rule, restart_of("a.service", "alice"), ("root", "any", {})) == [None, None]


@pytest.mark.parametrize(
    "name",
    [
        '"];});polkit.addRule(function(){return "yes";});//.service',
        "\\",
        "a\\x2db@1:2.service",
        "line\nbreak.service",
        "\u2028\u2029.service",
        "*/ /* // ${a} `b` {c}.service",
        "서비스.service",
        "</script>",
    ],
)
def test_a_hostile_name_stands_for_itself_and_nothing_more(ask: Polkit, name: str) -> None:
    rule = polkit_rule([name], USER)
    assert rule.isascii()
    assert ask(rule, restart_of(name), restart_of("a.service")) == ["yes", "no"]


def test_a_hostile_user_name_stands_for_itself(ask: Polkit) -> None:
    rule = polkit_rule(["a.service"], 'x" || "1')
    assert ask(rule, restart_of("a.service", 'x" || "1'), restart_of("a.service")) == ["yes", None]


def test_the_rule_does_not_depend_on_the_order_or_repetition_of_units() -> None:
    assert polkit_rule(["b", "a", "b"], USER) == polkit_rule(["a", "b"], USER)


def test_only_services_of_systemd_are_granted_and_their_secrets_are_not_needed(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'{CONFIG}\n[slack]\ntoken = {{ credential = "no-such-token" }}\nchannel = "#ops"\n'
    )
    assert configured_units(config) == ("api.service",)


def test_names_that_systemctl_would_take_for_patterns_are_not_resolved() -> None:
    assert primary_names(["*.service", "[a-z].service", "?", "a b"]) == ()


def test_the_file_is_replaced_in_one_step_and_readable_by_polkitd(tmp_path: Path) -> None:
    path = tmp_path / "50-x.rules"
    previous = os.umask(0o077)
    try:
        write_rule(path, "old")
        first = path.stat()
        write_rule(path, "new")
    finally:
        os.umask(previous)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.stat().st_ino != first.st_ino
    assert list(tmp_path.iterdir()) == [path]


def test_an_unchanged_rule_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "50-x.rules"
    write_rule(path, "rule")
    before = path.stat()
    write_rule(path, "rule")
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_rule_that_polkitd_cannot_read_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "50-x.rules"
    write_rule(path, "rule")
    path.chmod(0o600)
    write_rule(path, "rule")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_failed_write_leaves_the_old_rule_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "50-x.rules"
    write_rule(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_rule(path, "not ASCII: \u2028")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o602, 0o662, 0o666])
def test_a_configuration_that_others_may_change_grants_nothing(tmp_path: Path, mode: int) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    config.chmod(mode)
    with pytest.raises(ConfigError, match="others than root may change it"):
        require_trusted(config)


def test_a_configuration_in_a_directory_that_others_may_change_grants_nothing(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(0o777)
    config = directory / "config.toml"
    config.write_text(CONFIG)
    with pytest.raises(ConfigError, match=f"^{directory}: others than root"):
        require_trusted(config)


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    config = tmp_path / "real.toml"
    config.write_text(CONFIG)
    config.chmod(0o666)
    link = tmp_path / "config.toml"
    link.symlink_to(config)
    with pytest.raises(ConfigError, match=str(config)):
        require_trusted(link)


def test_a_configuration_of_root_is_trusted(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    config.chmod(0o640)
    require_trusted(config)


def test_print_shows_the_rule_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    assert main(["grant", "--config", str(config), "--print"]) == 0
    assert '"api.service"' in capsys.readouterr().out


def test_a_bad_configuration_is_told_in_full_and_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[service]]\nname = "api"\nunit = "*.service"\nprot = 8000\n')
    assert main(["grant", "--config", str(config)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("cannot grant: the configuration is not usable; the rule stays\n")
    assert f"{config}:3" in told
    assert f"{config}:4" in told
