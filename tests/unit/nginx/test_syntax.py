"""The configuration of nginx is taken apart as nginx does it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog.nginx.syntax import Directive, files_of, parse

MAIN = "/etc/nginx/nginx.conf"


def dump(text: str, **included: str) -> str:
    """Return what ``nginx -T`` prints of *text* and what it includes."""
    files = {MAIN: text, **{f"/etc/nginx/{name}.conf": each for name, each in included.items()}}
    return "".join(f"# configuration file {name}:\n{each}\n\n" for name, each in files.items())


def shape(directive: Directive) -> object:
    """Return names, arguments and blocks alone."""
    return [(each.name, *each.arguments, shape(each)) for each in directive.block]


def test_directives_blocks_comments_and_quotes() -> None:
    text = """
    user www-data;  # who
    http {
        log_format main '$remote_addr; "$request" {ok}' "it\\"s";
        server { listen 80; location ~ \\.php$ { return 200 "a;b"; } }
        map $http_upgrade $connection { default upgrade; '' close; }
    }
    """
    assert shape(parse(dump(text))) == [
        ("user", "www-data", []),
        (
            "http",
            [
                ("log_format", "main", '$remote_addr; "$request" {ok}', 'it"s', []),
                (
                    "server",
                    [
                        ("listen", "80", []),
                        ("location", "~", "\\.php$", [("return", "200", "a;b", [])]),
                    ],
                ),
                (
                    "map",
                    "$http_upgrade",
                    "$connection",
                    [("default", "upgrade", []), ("", "close", [])],
                ),
            ],
        ),
    ]


def test_a_variable_in_braces_is_part_of_its_word() -> None:
    assert shape(parse(dump("set $x ${host}_a; }"))) == [("set", "$x", "${host}_a", [])]


def test_lines_are_counted_across_quotes_and_comments() -> None:
    tree = parse(dump("a 'x\ny';\n# c\n\nb;\n"))
    assert [each.place for each in tree.block] == [f"{MAIN}:1", f"{MAIN}:5"]


def test_includes_stand_where_they_are_named_with_their_own_file_and_line() -> None:
    text = dump("http {\n  include sites/*.conf;\n  c;\n}", **{"sites/b": "b;", "sites/a": "\na;"})
    (http,) = parse(text).block
    assert [(each.name, each.place) for each in http.block] == [
        ("a", "/etc/nginx/sites/a.conf:2"),
        ("b", "/etc/nginx/sites/b.conf:1"),
        ("c", f"{MAIN}:3"),
    ]


def test_a_star_is_no_slash() -> None:
    text = dump("include sites/*.conf;", **{"sites/deep/a": "a;"})
    assert parse(text).block == ()


def test_relative_names_begin_where_the_main_file_lies() -> None:
    text = "# configuration file /opt/nginx/nginx.conf:\ninclude sites/*;\n"
    text += "# configuration file /opt/nginx/sites/a:\na;\n"
    assert shape(parse(text)) == [("a", [])]


def test_includes_that_go_in_circles_end() -> None:
    text = dump("include a.conf;", a="x; include b.conf;", b="include a.conf; include b.conf; y;")
    assert shape(parse(text)) == [("x", []), ("y", [])]


def test_what_nginx_says_before_is_no_file() -> None:
    text = "nginx: the configuration file is ok\n" + dump("a;")
    assert files_of(text) == (MAIN,)
    assert shape(parse(text)) == [("a", [])]
    assert parse("").block == ()


WORDS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cs", "Z", "Cc"], exclude_characters="\\\"'{};#$"
    ),
    min_size=1,
)
QUOTED = st.text(st.characters(codec="utf-8", exclude_characters='\\"\r'))


@given(st.lists(st.tuples(WORDS, st.lists(QUOTED, max_size=3)), max_size=5))
def test_what_is_written_is_read_again(lines: list[tuple[str, list[str]]]) -> None:
    written = "".join(
        f"{name} {' '.join(f'{chr(34)}{each}{chr(34)}' for each in arguments)};\n"
        for name, arguments in lines
    )
    text = f"# configuration file {MAIN}:\n{written}"
    if "# configuration file" in written:
        return
    assert [(each.name, list(each.arguments)) for each in parse(text).block] == lines


@given(st.text(st.sampled_from("ab {};#\"'\\$\n\t~")))
def test_nothing_that_is_no_configuration_does_harm(text: str) -> None:
    for each in parse(dump(text)).within("a"):
        assert each.line <= text.count("\n") + 1


def test_blocks_that_never_end_do_no_harm() -> None:
    assert parse(dump("a {" * 5000)).block
