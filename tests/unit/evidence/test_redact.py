"""Secrets go, whatever they stand in; everything else stays as it is."""

from __future__ import annotations

import base64
import html
import json
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.model import (
    Crashed,
    Observation,
    Paused,
    RestartFinished,
    RestartOutcome,
    Verdict,
)
from watchdog.evidence.redact import LONGEST, Redactor
from watchdog.evidence.secret_rules import MASK

REDACTOR = Redactor()

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"

# What a key has as its value, in the forms that configurations, logs and programs give it.
NAMED = [
    "password={}",
    "db.password = {}",
    "DB_PASSWORD={}",
    "POSTGRES_PASSWORD_PROD={}",
    "export API_KEY={}",
    'apiKey: "{}",',
    '{{"password": "{}", "user": "bob"}}',
    '{{"auth": {{"client_secret":"{}"}}}}',
    r"{{\"access_token\": \"{}\", \"n\": 1}}",
    r'"{{\\\"token\\\": \\\"{}\\\"}}"',
    "{{'secret_key': '{}', 'debug': True}}",
    "{{'token': b'{}'}}",
    'os.environ["SECRET_KEY"] = "{}"',
    "GET /login?user=bob&token={}&next=/ HTTP/1.1",
    "worker --api-key {} --port 80",
    "worker --password={} --port 80",
    "<db><password>{}</password></db>",
    "aws_secret_access_key = {}",
    "Authorization: Bearer {}",
    "authorization: {}",
    "{{'Authorization': 'Basic {}', 'Accept': '*/*'}}",
    "[(b'authorization', b'Bearer {}'), (b'host', b'example.com')]",
    "curl -H 'Proxy-Authorization: Basic {}' http://example.com/",
    "Cookie: session={}; theme=dark",
    "set-cookie: id={}; Path=/; HttpOnly",
    "X-Api-Key: {}",
    "postgres://app:{}@db.example.com:5432/app",
    "amqps://guest:{}@[::1]/%2f, retrying",
    "redis://:{}@127.0.0.1/0",
    "mongodb://a:{}@h1:27017,h2:27017/db?authSource=admin",
    "https://hooks.slack.com/services/{}",
    "postgres://a:x1@h/db,postgres://b:{}@h/db",
    "authorization=Basic {}",
    "API key: {}",
    "curl -u bob:{} http://example.com/",
    "\x1b[36mpassword\x1b[0m=\x1b[35m{}\x1b[0m \x1b[36muser\x1b[0m=bob",
    'password      = "{}"',
    "password:        {}",
    "{{'password': ['{}']}}",
    'password=("{}")',
    "[('user', 'bob'), ('password', '{}')]",
    '["password", "{}"]',
    "['mysql', '--password', '{}']",
    "mysql --password '{}' db",
    'mysql --db-password "{}" db',
    "DB_PASS: {}",
    "smtp_pass: '{}'",
    "password: str = '{}'",
    "token: str | None = '{}'",
    "password=ab&{}",
    'PGPASSWORD=ab"{}',
    "password=it's{}",
    'Authorization: Digest username="b", response="{}"',
    'Cookie: a="x"; sid={}',
    '"Authorization": ["Bearer {}"]',
    '{{"name":"DB_PASSWORD","value":"{}"}}',
    '<add key="Password" value="{}"/>',
    "ALTER USER x WITH PASSWORD '{}'",
    "CREATE USER x IDENTIFIED BY '{}'",
    'Invalid password "{}" for user bob',
    "next=%2Flogin%3Ftoken%3D{}",
    "user%5Bpassword%5D={}",
    "https://x.blob.core.windows.net/c/b?sv=2022&sig={}&se=1",
]
BARE = st.text(LETTERS + DIGITS + "_-.!$%*+,;:~^()[]{}|", min_size=8, max_size=60).map(
    lambda text: f"x{text}x"
)

# What is known by its look, wherever it stands.
PLAIN = st.text(LETTERS + DIGITS, min_size=20, max_size=60)
LOOKS = st.one_of(
    st.builds("xoxb-{}".format, PLAIN),
    st.builds("ghp_{}".format, PLAIN),
    st.builds("github_pat_{}".format, PLAIN),
    st.builds("sk_live_{}".format, PLAIN),
    st.builds("sk-proj-1{}".format, PLAIN),
    st.builds("AKIA{}".format, st.text(LETTERS[:26] + DIGITS, min_size=16, max_size=16)),
    st.builds("eyJ{}.eyJ{}.{}".format, PLAIN, PLAIN, PLAIN),
    st.builds("glpat-{}".format, PLAIN),
    st.builds("123456789:AA{}".format, PLAIN),
    st.builds("lsv2_pt_{}_0".format, PLAIN),
    st.builds("{}{}".format, st.sampled_from(["gsk_", "hvs.", "dckr_pat_", "shpat_"]), PLAIN),
    st.builds("dop_v1_{}".format, PLAIN),
)
AROUND = [
    "{}",
    "using {} for the upload",
    "'{}'",
    '["{}"]',
    "(key {})",
    "a={} b=2",
    "https://{}@github.com/x/y",
    "/repo?x={}&y=1",
    "2026-11-22T23:55:52+0000 web-1 app[71]: ERROR got {}, expected another",
    "value:{}",
]

ORDINARY = [
    "systemd[1]: langchain-api.service: Main process exited, code=killed, status=9/KILL",
    'INFO: 127.0.0.1:51234 - "GET /health?full=1 HTTP/1.1" 500 Internal Server Error',
    'http://127.0.0.1:8000/health answered 500 after 0.01 s: "database is locked"',
    'connect() failed, upstream: "http://127.0.0.1:8000/users?email=a@b.c", host: "example.com"',
    '  File "/srv/app/venv/lib/python3.11/site-packages/langchain_core/tokenizers/bpe.py", line 3',
    '{"prompt_tokens": 812, "completion_tokens": 17, "eos_token_id": 2}',
    "max_tokens=1024 token_count=829",
    "invalid token at line 3, column 14",
    "passwords must match",
    "basic authentication failed for user bob",
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 deployed",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "com.example.billing.InvoiceControllerV2IntegrationTestConfiguration started",
    "process 4711 python: sleeping, RSS 13 MB, CPU 0.0 s, 1 thread",
    "PWD=/srv/app OLDPWD=/root",
    "POSTGRES_PASSWORD_FILE=/run/secrets/postgres",
    '"password": null, "token": ""',
    "compass=3 monkey: 2 keyword=x",
    'Thread 0x7F3A (active): "MainThread"',
    "k3f9ta",
    "tests: pass: 3 fail: 0",
    "Access denied for user 'a'@'b' (using password: YES)",
    "token.py:42: error",
    'File "auth/token.py", line 3: password.c:12: segfault',
    "credentials.json: No such file or directory",
    "secret.yaml: permission denied",
    "secret: not found",
    "ValueError: secret: must be 32 bytes",
    "signature: invalid, token: expired; credentials: missing.",
    "AWS credentials: could not be found",
    "Authorization: user bob is not allowed to restart nginx",
    "authorization: denied for role reader on table users, code 42501",
    "cookie: too large (8192 bytes)",
    "Authorization: ",
    'exit sig="SIGKILL"',
    "killed by sig=9",
    "pass=3 fail=0",
    '{"pass": 12, "fail": 0}',
    "token_budget=4096",
    "Error at token = 5: missing",
    "",
]


@given(st.sampled_from(NAMED), BARE)
def test_what_is_named_a_secret_goes(surroundings: str, secret: str) -> None:
    line = surroundings.format(secret)
    shown = REDACTOR.text(line)
    assert secret not in shown
    assert MASK in shown
    assert REDACTOR.text(shown) == shown


@given(st.sampled_from(NAMED), BARE)
def test_a_secret_that_was_cut_short_goes_with_what_is_left_of_it(
    surroundings: str, secret: str
) -> None:
    line = surroundings.format(secret)
    cut = line[: line.index(secret) + 5]
    assert secret[:5] not in REDACTOR.text(f"{cut}…")


@given(st.sampled_from(AROUND), LOOKS)
def test_what_looks_like_a_secret_goes(surroundings: str, secret: str) -> None:
    shown = REDACTOR.text(surroundings.format(secret))
    assert not any(part in shown for part in secret.split(".") if len(part) > 8)
    assert MASK in shown


def test_the_token_of_a_telegram_bot_goes_out_of_a_url() -> None:
    url = "https://api.telegram.org/bot{}/sendMessage"
    shown = REDACTOR.text(url.format("123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"))
    assert shown == url.format(MASK)


@given(st.sampled_from(['"', "'", r"\""]), st.text("ab '\"@/&=<>;,", min_size=1))
def test_a_quoted_secret_goes_up_to_its_end_whatever_it_holds(quote: str, text: str) -> None:
    secret = f"canary{text.replace(quote[-1], '')}4711"
    shown = REDACTOR.text(f"password = {quote}{secret}{quote} user=bob")
    assert "canary" not in shown
    assert "4711" not in shown
    assert shown.endswith("user=bob")


def test_an_aws_secret_key_is_known_by_its_look() -> None:
    shown = REDACTOR.text("signing with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY now")
    assert shown == f"signing with {MASK} now"


WORDS = [
    *("token", "the", "passwords", "GET", "/health", "500", "0.01s", "->", "(pid", "4711)"),
    *("key", "secret", "basic", "8/8", "--port", "8000", "https://example.com/a:b", "a@b.example"),
]


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert REDACTOR.text(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "DB_PASS=4711",
        "password=4711",
        "token=471100",
        "Authorization: bearer of bad news",
        "Authorization: a=b of the",
        f"Authorization:{40 * ' '}4711",
        "Authorization: { 4711 }",
        "password=no&4711",
        "password: not4711",
    ],
)
def test_what_only_resembles_prose_or_a_count_goes(line: str) -> None:
    assert REDACTOR.text(line).endswith(MASK)


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_ordinary_words_stay_as_they_are(words: Sequence[str]) -> None:
    line = " ".join(words)
    assert REDACTOR.text(line) == line


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


KEY = [
    "-----BEGIN RSA PRIVATE KEY-----",
    "MIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi8Wl7Sg0vN1RkqfXJmQ2cT5aB0",
    "y7Vx0mW1PkQ4Zr6YdN8sLf3HjE9tGcUbAi2DoKpRwXnTvMzCqBhFgJlSeIuOyPa5",
    "-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize(
    "kept",
    [slice(0, 4), slice(0, 3), slice(1, 4), slice(1, 3)],
    ids=["whole", "head", "tail", "middle"],
)
@pytest.mark.parametrize("prefix", ["", "2026-11-22T23:55:52+0000 web-1 app[71]: "])
def test_a_private_key_goes_even_if_one_end_is_missing(kept: slice, prefix: str) -> None:
    lines = [f"{prefix}{line}" for line in ["loading", *KEY[kept], "loaded"]]
    shown = REDACTOR.lines(lines)
    assert len(shown) == len(lines)
    assert shown[0] == f"{prefix}loading"
    assert not any(line in text for line in KEY[1:3] for text in shown)


def test_a_private_key_on_one_line_goes() -> None:
    shown = REDACTOR.text(r'{"key": "' + r"\n".join(KEY) + r'", "id": 7}')
    assert KEY[1] not in shown
    assert KEY[2] not in shown


def test_addresses_go_only_if_asked() -> None:
    line = "no mailbox for alice.b@mail.example.com here"
    assert REDACTOR.text(line) == line
    shy = Redactor()
    shy.configure(emails=True)
    assert shy.text(line) == "no mailbox for [email] here"


def test_a_secret_that_the_configuration_holds_goes_wherever_it_stands() -> None:
    knowing = Redactor()
    knowing.configure(known=["correct horse", "abc", "postgres"])
    assert knowing.text("it said correct horse, abc") == f"it said {MASK}, abc"
    assert knowing.text("postgres is down") == "postgres is down"
    knowing.configure(known=["Bearer k3y-of-mine"])
    assert knowing.text("it sent k3y-of-mine") == f"it sent {MASK}"


CANARY = 'Zq8#pL2!vN"4tRes\\Tless/99é'
PHRASE = "correcthorsebatterystaple"


@pytest.mark.parametrize("secret", [CANARY, PHRASE])
@pytest.mark.parametrize("user", ["", "a:", "bo:", "bob:"])
def test_a_known_secret_goes_however_programs_write_it(secret: str, user: str) -> None:
    knowing = Redactor()
    knowing.configure(known=[secret])
    login = base64.b64encode(f"{user}{secret}".encode()).decode()
    assert login[6:-4] not in knowing.text(f"it sent {login}, no more")
    for written in (
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
    ):
        assert knowing.text(f"it sent <{written}> to us") == f"it sent <{MASK}> to us"


@pytest.mark.parametrize("secret", [CANARY, PHRASE])
@pytest.mark.parametrize("end", ["", "…", '…"', '"', "… (7 characters left out)"])
def test_a_known_secret_that_a_cut_goes_through_shows_little_of_itself(
    secret: str, end: str
) -> None:
    knowing = Redactor()
    knowing.configure(known=[secret, "https://example.com/hook/4711/secret"])
    for length in range(len(secret) * 2 // 3, len(secret)):
        assert secret[:8] not in knowing.text(f"it sent {secret[:length]}{end}")
    assert knowing.text("it sent correcthorse") == "it sent correcthorse"
    assert knowing.text("see https://example.com") == "see https://example.com"


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "-",
            " ",
            '"',
            "\\",
            "=",
            "@",
            "a@",
            "://",
            "://a:",
            "eyJ",
            "A1b",
            "<",
            "a.",
            "sk-a",
        ),
        *("x-x-", "password & ", "password=&a", "('a", "password%25", 'token": [(', "--token ' "),
        *("password", "password_a", "--password ", "x-", "cookie:", "bearer ", '\\"', 'token "'),
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_line_of_a_megabyte_takes_no_longer_than_its_beginning(piece: str) -> None:
    line = piece * (1_000_000 // len(piece))
    began = time.process_time()
    [shown] = REDACTOR.lines([line])
    assert time.process_time() - began < 0.25
    assert len(shown) < 3 * LONGEST
    assert "characters left out" in shown or MASK in shown


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (
            Observation(Verdict.FAIL, "http", 'answered 500: "token=abc"'),
            f'answered 500: "token={MASK}"',
        ),
        (RestartFinished(RestartOutcome.FAILED, "token=abc"), f"token={MASK}"),
        (Crashed(1, "token=abc"), f"token={MASK}"),
    ],
)
def test_the_reason_of_an_event_is_redacted(
    event: Observation | RestartFinished | Crashed, reason: str
) -> None:
    assert REDACTOR.event(event) == replace(event, reason=reason)


def test_an_event_without_foreign_words_stays_the_very_same() -> None:
    for event in (
        Observation(Verdict.PASS, "http", "answered 200"),
        Observation(Verdict.FAIL, "port", "nothing listens"),
        Paused(1.0, "bob", "token=abc"),  # a person's own words
    ):
        assert REDACTOR.event(event) is event
