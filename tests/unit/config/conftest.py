"""What the tests of the configuration share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from watchdog.config import Config, load
from watchdog.errors import ConfigError

Load = Callable[..., Config]
Problems = Callable[..., list[str]]

SERVICE = '[[service]]\nunit = "api"\n'


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that writes config.toml and returns its name as messages show it."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, mode: int = 0o640) -> str:
        path = Path("config.toml")
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    return write


@pytest.fixture
def loaded(config_file: Callable[..., str]) -> Load:
    """Return a function that loads a text; with nothing in the environment but what is given."""

    def load_text(
        text: str, environ: dict[str, str] | None = None, *, mode: int = 0o640, **options: bool
    ) -> Config:
        return load(config_file(text, mode), environ or {}, **options)

    return load_text


@pytest.fixture
def problems(loaded: Load) -> Problems:
    """Return a function that loads a text and returns all that is wrong with it."""

    def load_text(text: str, environ: dict[str, str] | None = None, **options: bool) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(text, environ, **options)
        return list(caught.value.problems)

    return load_text
