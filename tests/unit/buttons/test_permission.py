"""Who may press: the users that are listed, and members of the groups that are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.clock import FakeClock
from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.permission import KEEP, Permission

GROUPS = {"S0OPS": ["U0BOB"], "S0DEV": ["U0EVE"]}


class Asked:
    """Knows who is in which group, unless a test says that it does not."""

    def __init__(self, *silent: str) -> None:
        self.silent = set(silent)
        self.groups: list[str] = []

    async def __call__(self, group: str) -> Sequence[str]:
        self.groups.append(group)
        if group in self.silent:
            raise ButtonsError("cannot reach Slack")
        return GROUPS[group]


async def test_a_listed_user_may_and_nobody_is_asked() -> None:
    asked = Asked()
    assert await Permission(["U0ALICE", "S0OPS"], asked, FakeClock()).is_given_to("U0ALICE")
    assert asked.groups == []


async def test_a_member_of_a_listed_group_may_and_others_may_not() -> None:
    permission = Permission(["S0OPS", "S0DEV"], Asked(), FakeClock())
    assert await permission.is_given_to("U0BOB")
    assert await permission.is_given_to("U0EVE")
    assert not await permission.is_given_to("U0MALLORY")


async def test_a_group_is_not_a_user_even_if_one_should_be_called_so() -> None:
    assert not await Permission(["S0OPS"], Asked(), FakeClock()).is_given_to("S0OPS")


async def test_members_are_asked_for_again_after_some_minutes() -> None:
    asked, clock = Asked(), FakeClock()
    permission = Permission(["S0OPS"], asked, clock)
    await permission.is_given_to("U0BOB")
    await clock.advance(KEEP - 1)
    await permission.is_given_to("U0MALLORY")
    assert asked.groups == ["S0OPS"]
    await clock.advance(1)
    await permission.is_given_to("U0BOB")
    assert asked.groups == ["S0OPS", "S0OPS"]


async def test_who_cannot_be_asked_for_may_not() -> None:
    permission = Permission(["S0OPS"], Asked("S0OPS"), FakeClock())
    with pytest.raises(ButtonsError, match="cannot reach Slack"):
        await permission.is_given_to("U0BOB")


async def test_a_failure_is_not_remembered() -> None:
    asked = Asked("S0OPS")
    permission = Permission(["S0OPS"], asked, FakeClock())
    with pytest.raises(ButtonsError):
        await permission.is_given_to("U0BOB")
    asked.silent.clear()
    assert await permission.is_given_to("U0BOB")


async def test_a_group_that_answers_suffices() -> None:
    permission = Permission(["S0DEV", "S0OPS"], Asked("S0DEV"), FakeClock())
    assert await permission.is_given_to("U0BOB")
    with pytest.raises(ButtonsError):
        await permission.is_given_to("U0MALLORY")  # the other group may know them
