"""Where requests are passed on to, and by which location."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.nginx.test_syntax import dump
from watchdog.nginx.log_files import log_files
from watchdog.nginx.passing import backends, passages
from watchdog.nginx.servers import servers
from watchdog.nginx.syntax import Directive, parse


def http(text: str) -> Directive:
    return parse(dump(f"http {{ {text} }}"))


def test_where_requests_are_passed_on_to() -> None:
    tree = http(
        "upstream app { server 127.0.0.1:8000; server 10.0.0.9 down; server unix:/run/a; }"
        "server { location / { proxy_pass http://app; } location /b { proxy_pass https://b/x; } "
        "location /c { proxy_pass http://unix:/run/c:/uri; } location /d { proxy_pass $there; } "
        "location /e { proxy_pass http://[::1]:9000; } location /f { proxy_pass http://a:b; } }"
    )
    found = [(each.host, each.port, each.path) for each in backends(tree, servers(tree)[0])]
    assert found == [
        ("127.0.0.1", 8000, ""),
        ("", 0, "/run/a"),
        ("b", 443, ""),
        ("", 0, "/run/c"),
        ("::1", 9000, ""),
    ]


def test_a_location_tells_what_it_takes_and_what_becomes_of_its_path() -> None:
    tree = http(
        "upstream front { server 127.0.0.1:8001 max_fails=0; server backend:9000 backup; }"
        "server {"
        "  location / { proxy_pass http://127.0.0.1:8000; location /in { proxy_pass http://in; } }"
        "  location ^~ /front/ { if ($x) { return 405; } proxy_pass http://front/; }"
        "  location =/exact { proxy_pass http://[::1]:8002/health; }"
        "  location /var { proxy_pass http://$upstream/x; }"
        "  location /sock { proxy_pass http://unix:/run/x.sock:/up; }"
        "  location /if { if ($x) { proxy_pass http://a; } }"
        "  location @named { proxy_pass http://a; }"
        "}"
    )
    found = passages(tree, servers(tree)[0])
    assert [
        (each.modifier, each.pattern, [(to.host, to.port) for to in each.backends], each.uri)
        for each in found
    ] == [
        ("", "/", [("127.0.0.1", 8000)], ""),
        ("", "/in", [("in", 80)], ""),
        ("^~", "/front/", [("127.0.0.1", 8001), ("backend", 9000)], "/"),
        ("=", "/exact", [("::1", 8002)], "/health"),
        ("", "/var", [], ""),
        ("", "/sock", [("", 0)], "/up"),
    ]


@given(st.text(alphabet="ab{};\"'\\#$ \n/*:[]", max_size=200))
def test_whatever_stands_there_is_read_without_an_error(text: str) -> None:
    for tree in (parse(dump(text)), http(f"server {{ location / {{ proxy_pass {text}; }} }}")):
        log_files(tree)
        for server in servers(tree):
            passages(tree, server)
            backends(tree, server)
