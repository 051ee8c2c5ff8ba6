from __future__ import annotations

import os
from typing import TYPE_CHECKING

from watchdog.cli.findings import Tree, typed
from watchdog.doctor.case import Case, Stage
from watchdog.doctor.finding import Answer, Mark, Remedy

if TYPE_CHECKING:
    import pytest


async def nothing(_: Case) -> Answer:
    raise AssertionError


AWS = Stage("aws", "does AWS let its users in?", nothing)


def test_what_it_takes_to_see_stands_below_what_is_not_seen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    remedy = Remedy(("systemd/install.sh --with aws", "aws ec2 describe-instances"))
    Tree(str)(AWS, Answer(Mark.UNKNOWN, "AWS cannot be asked", remedy))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "      to know: sudo systemd/install.sh --with aws",
        "               aws ec2 describe-instances",
    ]


def test_root_types_no_sudo_and_nobody_looks_for_roots_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert typed("nginx -t") == "nginx -t"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert typed("nginx -t") == "sudo nginx -t"
    assert typed("aws sts get-caller-identity") == "aws sts get-caller-identity"
