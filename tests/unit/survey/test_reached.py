from __future__ import annotations

import pytest

from watchdog.nginx import Location
from watchdog.survey.reached import is_name, public_path

APP = (("127.0.0.1", 8000),)


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
    assert public_path(Location(modifier, pattern, APP, uri), "/health") == public


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
