from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from watchdog.config import Config, load
from watchdog.survey.draft import FoundService, draft, names_of
from watchdog.survey.health import Health
from watchdog.survey.reached import Way
from watchdog.survey.units import FoundUnit

NASTY = st.text(alphabet="ab/ \"'\\\n\r\t#[]{}=\x00\x7f\x1b\u202e한😀", max_size=30)
UNITS = st.text(alphabet=r"abZ09:_.\@-x", min_size=1, max_size=30)


def loaded(text: str) -> Config:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "config.toml"
        file.write_text(text, encoding="utf-8", newline="")
        return load(file, for_daemon=False)


@given(
    program=NASTY,
    fragment=NASTY,
    directory=NASTY,
    env_file=NASTY,
    venv=NASTY,
    log=NASTY.map("/".__add__),
    said=NASTY,
    note=NASTY,
)
def test_whatever_the_host_calls_things_the_file_is_valid(
    program: str, fragment: str, directory: str, env_file: str, venv: str, log: str, said: str,
    note: str,
) -> None:  # fmt: skip
    unit = FoundUnit(
        "api.service", fragment, directory, (env_file,), program, venv, venv, (log, log + "2"),
        (("127.0.0.1", 8000), ("0.0.0.0", 9000)),
    )  # fmt: skip
    way = Way("http://127.0.0.1/x", "", tls=False, external="", answered=False, said=said)
    found = FoundService("api", unit, port=8000, health=Health(said=said), way=way)
    config = loaded(draft([found], "web-1", "2026-11-23", [note]))
    assert [service.name for service in config.services] == ["api"]


@given(st.lists(UNITS.map(lambda stem: f"{stem}.service"), min_size=1, max_size=6, unique=True))
def test_each_unit_gets_a_name_of_its_own_that_is_valid(units: list[str]) -> None:
    names = names_of(units)
    assert len(set(names)) == len(units)
    table = "".join(
        f'[[service]]\nname = "{name}"\nunit = "a{n}"\n' for n, name in enumerate(names)
    )
    assert len(loaded(table).services) == len(units)


def test_the_name_of_a_unit_is_unescaped() -> None:
    assert names_of([r"shop\x2dfront@eu-1.service", "a.service", "a@.service"]) == [
        "shop-front-eu-1", "a", "a-2",
    ]  # fmt: skip


def test_with_nothing_found_an_example_is_written() -> None:
    text = draft([], "web-1", "2026-11-23", [])
    assert "Nothing was found to watch" in text
    assert [service.name for service in loaded(text).services] == ["my-app"]


def test_what_is_not_certain_is_a_question_and_switched_off() -> None:
    unit = FoundUnit("api.service", sockets=(("::1", 8000),))
    health = Health(speaks_http=True, said="/health answered 404")
    way = Way("https://127.0.0.1/health", "a.example.com", tls=True,
              external="https://a.example.com/health", answered=False, said="refused")  # fmt: skip
    text = draft([FoundService("api", unit, "::1", 8000, (), health, way)], "h", "d", [])
    assert '#health = "http://[::1]:8000/health"' in text
    assert "# ? It speaks HTTP, but none of the usual paths answered 2xx" in text
    assert '\n#proxied = { url = "https://127.0.0.1/health"' in text
    assert '\n#external = "https://a.example.com/health"' in text
    [service] = loaded(text).services
    assert len(service.checks) == 1
    switched_on = text.replace("\n#health", "\nhealth").replace("\n#proxied", "\nproxied")
    assert loaded(switched_on.replace("\n#external", "\nexternal")).deployments["api"].proxied
