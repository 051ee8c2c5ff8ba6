"""What the outer boxes go by: names of certificates, circles of redirects, whose address it is."""

from __future__ import annotations

import pytest

from watchdog.doctor.facts.addresses import public, stands_before
from watchdog.doctor.facts.presented import Presented
from watchdog.doctor.facts.reached import is_loop
from watchdog.doctor.rules.proxy_port import stopping


@pytest.mark.parametrize(
    ("host", "is_for"),
    [
        ("shop.example", True),
        ("SHOP.example.", True),
        ("a.star.example", True),
        ("a.b.star.example", False),
        ("star.example", False),
        ("192.0.2.1", True),
        ("example", False),
        ("other.tld", False),
        ("evilshop.example", False),
    ],
)
def test_a_star_stands_for_one_label_and_nothing_else_is_guessed(host: str, is_for: bool) -> None:
    names = ("shop.example", "*.star.example", "192.0.2.1", "*.", "*.tld")
    assert Presented(0, 0, names, "", "").is_for(host) is is_for


def test_redirects_go_in_circles_when_they_come_back_or_never_end() -> None:
    assert is_loop(["a", "b", "a"])
    assert is_loop(["a", "a"])
    assert is_loop(list("abcdefg"))
    assert not is_loop(["a", "b"])
    assert not is_loop(["a"])


def test_whose_address_it_is() -> None:
    assert stands_before("104.16.1.1") == stands_before("2606:4700::1") == "Cloudflare"
    assert stands_before("192.0.2.1") == ""
    mixed = ["10.0.0.1", "8.8.8.8", "fd00::1", "2a00:1450:4001::1", "100.64.0.1"]
    assert public(mixed) == ["8.8.8.8", "2a00:1450:4001::1"]


@pytest.mark.parametrize(
    ("who", "command"),
    [
        ("nginx (pid 7, nginx.service)", "systemctl disable --now nginx.service"),
        ("one of a, b (web.service)", "systemctl disable --now web.service"),
        ("docker-proxy (pid 7, docker.service)", "docker ps --filter publish=80"),
        ("python3 (pid 7)", "ss -ltnp sport = :80"),
        ("a process that cannot be named (uid 0)", "ss -ltnp sport = :80"),
    ],
)
def test_whoever_holds_the_port_is_stopped_by_what_keeps_it(who: str, command: str) -> None:
    assert stopping(who, 80) == command
