"""What is served over HTTP: where, to whom, and what is refused."""

from __future__ import annotations

import pytest

from tests.unit.config.conftest import SERVICE, Load, Problems
from watchdog.config import WebSettings

TOKEN = "0123456789abcdef"


def test_without_the_table_nothing_is_served(loaded: Load) -> None:
    assert loaded(SERVICE).web is None


def test_an_empty_table_serves_this_host_read_only(loaded: Load) -> None:
    assert loaded(SERVICE + "[web]\n").web == WebSettings("127.0.0.1", 9099)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("localhost:80", WebSettings("localhost", 80)),
        ("[::1]:65535", WebSettings("::1", 65535)),
        ("unix:/run/web.sock", WebSettings("", 0, "/run/web.sock")),
    ],
)
def test_it_listens_where_it_is_told_to(loaded: Load, listen: str, expected: WebSettings) -> None:
    assert loaded(f'{SERVICE}[web]\nlisten = "{listen}"\n').web == expected


@pytest.mark.parametrize(
    "listen", ["9099", "127.0.0.1", ":80", "a:0", "a:65536", "unix:web", "::1:80"]
)
def test_what_is_no_address_is_refused(problems: Problems, listen: str) -> None:
    (problem,) = problems(f'{SERVICE}[web]\nlisten = "{listen}"\n')
    assert problem.startswith("config.toml:4: web.listen: expected an address such as")


def test_other_hosts_need_a_token_and_https(problems: Problems) -> None:
    assert problems(SERVICE + '[web]\nlisten = "0.0.0.0:9099"\n') == [
        (
            'config.toml:4: web.listen: "0.0.0.0:9099" is open to other hosts;'
            " expected token or read_token beside it"
        ),
        (
            "config.toml:4: web.listen: the token would travel in the clear;"
            " expected certificate and key_file, or insecure = true beside it"
        ),
    ]


def test_with_both_or_if_it_is_meant_they_are_served(loaded: Load) -> None:
    table = f'{SERVICE}[web]\nlisten = "0.0.0.0:1"\ntoken = "{TOKEN}"\n'
    tls = 'certificate = "/c.pem"\nkey_file = "/k.pem"\n'
    served = loaded(table + tls).web
    assert served is not None
    assert served.token is not None
    assert served.token.reveal() == TOKEN
    assert (served.certificate, served.key_file) == ("/c.pem", "/k.pem")
    assert loaded(table + "insecure = true\n").web is not None


def test_half_of_a_pair_is_refused(problems: Problems) -> None:
    assert problems(SERVICE + '[web]\ncertificate = "/c.pem"\n') == [
        "config.toml:3: web: key_file is missing; https needs certificate and key_file"
    ]


def test_a_token_that_can_be_guessed_is_refused(problems: Problems) -> None:
    (problem,) = problems(SERVICE + '[web]\ntoken = "secret"\n')
    assert "web.token: a token of 6 characters can be guessed" in problem


def test_a_host_that_others_only_read_needs_no_token_that_acts(loaded: Load) -> None:
    table = f'{SERVICE}[web]\nlisten = "0.0.0.0:1"\nread_token = "{TOKEN}"\ninsecure = true\n'
    served = loaded(table).web
    assert served is not None
    assert served.token is None
    assert served.read_token is not None


def test_a_token_that_only_reads_is_another_one(problems: Problems) -> None:
    table = f'{SERVICE}[web]\ntoken = "{TOKEN}"\nread_token = "{TOKEN}"\n'
    (problem,) = problems(table)
    assert problem.startswith("config.toml:5: web.read_token: is the token that acts; expected")


def test_tokens_are_kept_secret(loaded: Load) -> None:
    table = f'{SERVICE}[web]\ntoken = "{TOKEN}"\nread_token = "{TOKEN}x"\n'
    assert list(loaded(table).secrets()) == [TOKEN, f"{TOKEN}x"]
