"""The effective configuration, the schema, the reference and the example."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.config.conftest import SERVICE, Load
from watchdog.config import load
from watchdog.config.describing import describe, tables_of
from watchdog.config.reference import reference
from watchdog.config.schema import schema
from watchdog.config.showing import show
from watchdog.config.tables import ConfigFile
from watchdog.core.service import Policy

ROOT = Path(__file__).parents[3]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
SWITCHED_OFF = re.compile(r"^#(?=\S)", re.MULTILINE)


@pytest.fixture
def everything(tmp_path: Path) -> str:
    """Return the example with every key switched on."""
    key = tmp_path / "worker-key"
    key.write_text("canary-4711")
    key.chmod(0o600)
    return SWITCHED_OFF.sub("", EXAMPLE).replace("/etc/service-watchdog/worker-key", str(key))


def test_the_example_is_fine_as_it_is_even_if_everybody_can_read_it(loaded: Load) -> None:
    config = loaded(EXAMPLE, mode=0o644)
    assert [service.name for service in config.services] == ["langchain-api"]


def test_the_example_is_fine_with_every_key_switched_on(loaded: Load, everything: str) -> None:
    config = loaded(everything, mode=0o644, for_daemon=False)
    assert [service.name for service in config.services] == ["langchain-api", "worker", "postgres"]
    assert config.destinations == (
        "slack",
        "email:alice@example.com",
        "local:root@localhost",
        "on-call:pager@example.com",
        "webhook",
        "alertmanager",
        "central",
        "apprise:unknown",
        "apprise:unknown-2",
    )


def test_the_defaults_that_the_example_shows_are_the_defaults(
    loaded: Load, everything: str
) -> None:
    bare, full = loaded(EXAMPLE), loaded(everything, for_daemon=False)
    assert full.services[0].policy == bare.services[0].policy == Policy()
    assert full.daemon.state_dir == bare.daemon.state_dir
    assert full.daemon.runtime_dir == bare.daemon.runtime_dir
    assert full.daemon.log == bare.daemon.log
    assert full.daemon.language == bare.daemon.language


def test_the_example_has_every_key(everything: str) -> None:
    shown = set(re.findall(r"[\w.]+(?= *=)", everything))
    shown |= set(re.findall(r"^\[+([\w.]+)\]", everything, re.MULTILINE))
    shown = {name for key in shown for name in key.split(".")}
    keys = {key.name for table in tables_of(ConfigFile).values() for key in describe(table)}
    assert keys <= shown


def test_what_is_shown_means_the_same_when_it_is_read_again(
    loaded: Load, everything: str, config_file: Callable[..., str]
) -> None:
    environ = {"HEALTH_TOKEN": "canary-4711"}
    config = loaded(everything, environ, for_daemon=False)
    again = load(config_file(show(config)), environ, for_daemon=False)
    assert again.services == config.services
    assert again.daemon == config.daemon
    assert again.slack == config.slack
    assert again.email == config.email
    assert again.webhook == config.webhook
    assert again.alertmanager == config.alertmanager
    assert again.apprise == config.apprise
    assert again.redact_emails == config.redact_emails
    assert again.subscriptions == config.subscriptions
    assert again.delivery == config.delivery
    assert again.heartbeat == config.heartbeat


@pytest.mark.parametrize("seconds", ["0.1234567", "59.9999", "1e2", "3600.25"])
def test_a_duration_is_shown_exactly(loaded: Load, seconds: str) -> None:
    config = loaded(f"{SERVICE}interval = {seconds}\n")
    assert loaded(show(config)).services == config.services


def test_text_of_every_kind_is_shown_as_valid_toml(loaded: Load) -> None:
    arguments = ['"', "\\", "\n", "\t", "\x7f", "\x01", "é", "한", "😀", "''' \"\"\"", ""]
    written = ", ".join(
        '"' + "".join(f"\\U{ord(character):08x}" for character in argument) + '"'
        for argument in arguments
    )
    config = loaded(f'[[service]]\nname = "a"\ncommand = ["a", {written}]\n')
    assert tomllib.loads(show(config))["service"][0]["command"] == ["a", *arguments]


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def accepted(content: Any) -> bool:
    return bool(validator().is_valid(content))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_schema_accepts_the_example(everything: str) -> None:
    assert accepted(tomllib.loads(EXAMPLE))
    assert accepted(tomllib.loads(everything))


def test_the_schema_accepts_what_is_shown(loaded: Load, everything: str) -> None:
    assert accepted(tomllib.loads(show(loaded(everything, for_daemon=False))))


@pytest.mark.parametrize(
    "name",
    [
        "alertmanager-details",
        "apprise-details",
        "command-as-a-line",
        "daemon",
        "durations",
        "email-addresses",
        "evidence",
        "empty",
        "headers",
        "missing-keys",
        "names",
        "nothing-keeps-it",
        "out-of-range",
        "secret-references",
        "service-in-single-brackets",
        "slack-choices",
        "two-keepers",
        "unknown-keys",
        "urls",
        "webhook-details",
        "wrong-types",
    ],
)
def test_the_schema_refuses_bad_files(name: str) -> None:
    bad = Path(__file__).with_name("bad") / f"{name}.toml"
    assert not accepted(tomllib.loads(bad.read_text(encoding="utf-8")))


def test_the_schema_describes_every_key_and_tells_its_default() -> None:
    definitions = schema()["$defs"]
    for table in tables_of(ConfigFile).values():
        if table is ConfigFile:
            continue
        for key, content in definitions[table.__name__]["properties"].items():
            assert content["description"], key
    interval = definitions["ServiceTable"]["properties"]["interval"]
    assert interval["description"].endswith("Default: 30s.")


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
    fix = "python -m watchdog.config.reference > docs/reference/configuration.md"
    assert written == reference(), f"run: {fix}"


def test_the_reference_has_every_key() -> None:
    text = reference()
    for table in tables_of(ConfigFile).values():
        for key in describe(table):
            assert f"| `{key.name}` |" in text
