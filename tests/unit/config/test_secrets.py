"""Secrets: found where they are kept, refused where everybody can read, shown nowhere."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from tests.unit.config.conftest import SERVICE, Load, Problems
from watchdog.config import Secret
from watchdog.config.secret import HiddenText
from watchdog.config.showing import effective, show
from watchdog.core.service import (
    HttpCheck,
    ProcessControl,
)

CANARY = "xoxb-canary-4711"

EVERYWHERE = """
[[service]]
name = "api"
command = ["api"]
environment = {{ API_KEY = {secret}, DATABASE_URL = "postgres://user:xoxb-canary-4711@db/x" }}

[service.health]
url = "http://127.0.0.1/"
headers = {{ Authorization = {secret}, Cookie = "session=xoxb-canary-4711" }}

[slack]
token = {secret}
channel = "#ops"

[email]
to = ["alice@example.com"]
from = "watchdog@example.com"
host = "mail.example.com"
username = "watchdog"
password = {secret}

[webhook]
url = "https://hooks.example.com/xoxb-canary-4711"
headers = {{ X-Api-Key = {secret} }}

[[alertmanager]]
urls = ["https://am.example.com"]
username = "watchdog"
password = {secret}

[[alertmanager]]
name = "by-token"
urls = ["https://am.example.com"]
token = {secret}

[apprise]
urls = ["tgram://xoxb-canary-4711/123"]
"""


def slack(token: str) -> str:
    return f'{SERVICE}[slack]\ntoken = {token}\nchannel = "#ops"\n'


@pytest.fixture
def credentials(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a daemon that systemd gave a credential."""
    directory = tmp_path / "credentials"
    directory.mkdir()
    (directory / "slack-token").write_text(f"{CANARY}\n")
    (directory / "credentials_webhook").write_text(f"{CANARY}\n")  # of a whole directory
    (directory / "credentials_slack-token").write_text("the one with the plain name comes first")
    (directory / "slack-token").chmod(0o444)  # systemd's own files are nobody else's to judge
    return {"CREDENTIALS_DIRECTORY": str(directory), "TOKEN": CANARY}


def token_of(loaded: Load, token: str, environ: dict[str, str], *, mode: int = 0o644) -> str:
    settings = loaded(slack(token), environ, mode=mode).slack[0]
    secret = getattr(settings, "token")  # noqa: B009 - only a bot has one
    assert isinstance(secret, Secret)
    return secret.reveal()


def test_a_secret_comes_from_a_credential_the_environment_or_a_file(
    loaded: Load, credentials: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{CANARY}\n")
    file.chmod(0o640)
    assert token_of(loaded, '{ credential = "slack-token" }', credentials) == CANARY
    assert token_of(loaded, '{ credential = "webhook" }', credentials) == CANARY
    assert token_of(loaded, '{ env = "TOKEN" }', credentials) == CANARY
    assert token_of(loaded, f'{{ file = "{file}" }}', credentials) == CANARY


def test_it_is_known_which_variables_children_must_not_inherit(
    loaded: Load, credentials: dict[str, str]
) -> None:
    assert loaded(slack('{ env = "TOKEN" }'), credentials).variables == {"TOKEN"}
    assert loaded(slack('{ credential = "webhook" }'), credentials).variables == frozenset()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_a_secret_may_stand_in_a_file_that_is_not_open_to_everybody(
    loaded: Load, mode: int
) -> None:
    assert token_of(loaded, f'"{CANARY}"', {}, mode=mode) == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o602])
def test_a_secret_in_a_file_that_is_open_to_everybody_is_refused_with_the_fix(
    loaded: Load, mode: int
) -> None:
    with pytest.raises(Exception, match=r"chmod 640 config\.toml; chown root:") as no:
        token_of(loaded, f'"{CANARY}"', {}, mode=mode)
    assert CANARY not in str(no.value)
    assert f"(mode {mode:03o})" in str(no.value)


def test_without_a_secret_in_it_the_file_may_be_open_to_everybody(loaded: Load) -> None:
    assert loaded(SERVICE, mode=0o644).services


def test_plain_headers_and_variables_are_no_secrets(loaded: Load) -> None:
    config = loaded(
        '[[service]]\nname = "a"\ncommand = ["a"]\nenvironment = { PORT = "80" }\n'
        'health = { url = "http://h/", headers = { Host = "example.org" } }\n',
        mode=0o644,
    )
    assert "example.org" in repr(config)
    assert 'environment = { PORT = "80" }' in show(config)


def test_a_secret_file_that_is_open_to_everybody_is_refused_with_the_fix(
    problems: Problems, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(0o644)
    assert problems(slack(f'{{ file = "{file}" }}')) == [
        (
            "config.toml:4: slack.token: the secret is in a file that is open to everybody"
            f" (mode 644); run: chmod 640 {file}; chown root:service-watchdog {file}"
        )
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected the secret in it"),
        (b"\n\n", "is empty; expected the secret in it"),
        (b"two\nlines\n", "the secret has control characters; expected one line of text"),
        (b"a\0b", "the secret has a NUL character; expected text"),
        (b"\xff\xfe", "is not UTF-8; expected one line of text"),
        (b"x" * 70_000, "is larger than a secret can be; expected one line"),
    ],
)
def test_a_secret_file_with_something_else_in_it_is_refused(
    problems: Problems, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    [problem] = problems(slack(f'{{ file = "{file}" }}'))
    assert problem.startswith("config.toml:4: slack.token: ")
    assert problem.endswith(message)


def test_a_pipe_in_place_of_a_secret_file_does_not_hold_up_the_start(
    problems: Problems, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    [problem] = problems(slack(f'{{ file = "{tmp_path}/pipe" }}'))
    assert problem.endswith("is no regular file; expected one with the secret in it")


def test_a_credential_that_systemd_did_not_give_is_told_with_what_the_unit_lacks(
    problems: Problems, credentials: dict[str, str]
) -> None:
    assert problems(slack('{ credential = "other" }'), credentials) == [
        (
            'config.toml:4: slack.token: systemd gave no credential "other";'
            " expected /etc/service-watchdog/credentials/other when the daemon starts"
        )
    ]


def test_a_person_who_lacks_the_daemons_secrets_can_still_check_the_rest(loaded: Load) -> None:
    config = loaded(
        slack('{ credential = "slack-token" }')
        + '[[email]]\nto = ["a@b.c"]\nfrom = "a@b.c"\nhost = "h"\n'
        + 'username = "u"\npassword = { env = "MAIL_PASSWORD" }\n',
        for_daemon=False,
    )
    assert config.unchecked == (
        (
            'slack.token: systemd gave no credential "slack-token";'
            " expected /etc/service-watchdog/credentials/slack-token when the daemon starts"
        ),
        "email[1].password: the environment has no MAIL_PASSWORD; expected the secret in it",
    )
    assert 'token = { credential = "slack-token" }' in show(config)


def test_a_secret_file_that_only_the_daemon_may_read_is_no_problem_to_a_person(
    loaded: Load, problems: Problems, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(0o000)
    text = slack(f'{{ file = "{file}" }}')
    if os.geteuid():
        config = loaded(text, for_daemon=False)
        assert config.unchecked == (f"slack.token: cannot read {file}: Permission denied",)
        assert problems(text) == [
            f"config.toml:4: slack.token: cannot read {file}: Permission denied"
        ]
    else:
        assert token_of(loaded, f'{{ file = "{file}" }}', {}) == CANARY


def test_a_person_is_told_of_secrets_that_are_there_and_wrong(
    problems: Problems, credentials: dict[str, str]
) -> None:
    [problem] = problems(slack('{ credential = "other" }'), credentials, for_daemon=False)
    assert "systemd gave no credential" in problem


@pytest.mark.parametrize("secret", [f'"{CANARY}"', '{ env = "TOKEN" }'])
def test_no_secret_is_ever_shown(loaded: Load, secret: str) -> None:
    config = loaded(EVERYWHERE.format(secret=secret), {"TOKEN": CANARY})
    for shown in (repr(config), str(config), f"{config}", show(config), repr(effective(config))):
        assert CANARY not in shown
    for service in config.services:
        assert CANARY not in repr(service)
        assert CANARY not in f"{service.control} {service.checks}"


def test_secrets_reach_those_who_have_to_send_them(loaded: Load) -> None:
    config = loaded(EVERYWHERE.format(secret=f'"{CANARY}"'))
    service = config.services[0]
    assert isinstance(service.control, ProcessControl)
    assert dict(service.control.environment) == {
        "API_KEY": CANARY,
        "DATABASE_URL": f"postgres://user:{CANARY}@db/x",
    }
    [check] = service.checks
    assert isinstance(check, HttpCheck)
    assert dict(check.headers) == {"Authorization": CANARY, "Cookie": f"session={CANARY}"}
    assert config.email[0].password == Secret(CANARY)
    assert config.webhook[0].url.reveal() == f"https://hooks.example.com/{CANARY}"
    assert dict(config.webhook[0].headers) == {"X-Api-Key": CANARY}
    assert [cluster.password for cluster in config.alertmanager] == [Secret(CANARY), None]
    assert [cluster.token for cluster in config.alertmanager] == [None, Secret(CANARY)]
    assert config.apprise[0].urls[0] == Secret(f"tgram://{CANARY}/123")


def test_a_variable_may_hold_a_secret_of_several_lines(loaded: Load) -> None:
    config = loaded(
        '[[service]]\nname = "a"\ncommand = ["a"]\nenvironment = { CERT = { env = "PEM" } }\n',
        {"PEM": "one\ntwo\n"},
    )
    assert config.services[0].control == ProcessControl(("a",), environment=(("CERT", "one\ntwo"),))


def test_a_secret_prints_as_a_mask_and_is_written_nowhere() -> None:
    secret = Secret(CANARY)
    assert repr(secret) == str(secret) == f"{secret}" == "<secret>"
    assert secret == Secret(CANARY)
    assert hash(secret) == hash(Secret(CANARY))
    assert secret != Secret("other")
    assert secret != CANARY
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="a secret is never written anywhere"):
            write(secret)


def test_hidden_text_is_text_but_for_its_repr() -> None:
    text = HiddenText(CANARY)
    assert text == CANARY
    assert f"{text}" == CANARY
    assert repr((text,)) == "(<secret>,)"
