from __future__ import annotations

import pytest

from tests.unit.nginx.test_syntax import dump
from watchdog.nginx.passing import Passage
from watchdog.nginx.syntax import parse
from watchdog.survey.reached import is_name, public_path, ways


@pytest.mark.parametrize(
    ("modifier", "pattern", "uri", "public"),
    [
        ("", "/", "", "/health"),
        ("", "/", "/", "/health"),
        ("", "/api/", "/", "/api/health"),
        ("", "/api/", "", None),
        ("", "/api/", "/internal/", None),
        ("", "/up", "/health", "/up"),
        ("^~", "/he", "", "/health"),
        ("=", "/health", "", "/health"),
        ("=", "/up", "/health", "/up"),
        ("=", "/up", "", None),
        ("~", "^/(health|ping)$", "", "/health"),
        ("~", "^/HEALTH$", "", None),
        ("~*", "^/HEALTH$", "", "/health"),
        ("~", "(", "", None),
    ],
)
def test_the_public_path_is_what_nginx_passes_on(
    modifier: str, pattern: str, uri: str, public: str | None
) -> None:
    assert public_path(Passage(modifier, pattern, (), uri), "/health") == public


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("api.example.com", True),
        ("xn--9t4b11yi5a.example", True),
        ("_", False),
        ("localhost", False),
        ("*.example.com", False),
        (".example.com", False),
        ("~^www\\d+\\.example\\.com$", False),
        ("", False),
        ("evil\n.example.com", False),
        ("-x.example.com", False),
    ],
)
def test_a_server_name_may_be_no_name(name: str, is_one: bool) -> None:
    assert is_name(name) is is_one


def test_each_address_of_the_site_is_a_way_the_plain_ones_first() -> None:
    site = """http { server {
        server_name _ api.example.com;
        listen 443 ssl; listen 443 quic; listen 8080; listen [::]:80;
        location / { proxy_pass http://localhost:8000; }
    } }"""
    found = list(ways(parse(dump(site)), "127.0.0.1", 8000, "/health"))
    assert [each.url for each in found] == [
        "http://127.0.0.1:8080/health",
        "http://[::1]/health",
        "https://127.0.0.1/health",
    ]
    assert {(each.host, each.external) for each in found} == {
        ("api.example.com", "https://api.example.com/health")
    }
