"""The lock files agree with each other, and extras stay such."""

from __future__ import annotations

import re

import pytest

from tests.markdown import ROOT


def locked(name: str) -> dict[str, str]:
    """Return the versions that requirements/NAME.lock has."""
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


def test_the_base_installation_has_nothing_of_the_extras() -> None:
    assert {"aiohttp", "msgspec"} <= locked("run").keys()
    assert not {"apprise", "requests", "pyyaml", "boto3", "urllib3"} & locked("run").keys()
    assert "apprise" in locked("apprise")
    assert "boto3" in locked("aws")


@pytest.mark.parametrize(
    ("base", "more"), [("run", "apprise"), ("run", "aws"), ("apprise", "dev"), ("aws", "dev")]
)
def test_what_is_installed_with_more_is_of_the_same_versions(base: str, more: str) -> None:
    assert locked(base).items() <= locked(more).items()


def test_two_extras_can_be_installed_together() -> None:
    both = locked("apprise").keys() & locked("aws").keys()
    assert {"urllib3"} <= both
    assert all(locked("apprise")[name] == locked("aws")[name] for name in both)


@pytest.mark.parametrize("name", ["run", "apprise", "aws", "build", "dev", "audit"])
def test_nothing_is_installed_that_nobody_has_hashed(name: str) -> None:
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) == len(locked(name))
    assert all("--hash=sha256:" in package for package in packages)
