"""Who may press: users by their id, and members of user groups, who are asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from watchdog.buttons.errors import ButtonsError
from watchdog.ports import Clock

KEEP = 300.0
"""Seconds that the members of a group are taken for known."""

Ask = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the members of a user group; raises ButtonsError if Slack does not tell them."""


class Permission:
    """Knows who may press the buttons of one channel."""

    def __init__(self, users: Sequence[str], ask: Ask, clock: Clock) -> None:
        self._users = frozenset(user for user in users if not user.startswith("S"))
        self._groups = tuple(user for user in users if user.startswith("S"))
        self._ask = ask
        self._clock = clock
        self._members: dict[str, tuple[float, frozenset[str]]] = {}  # group -> known until

    async def is_given_to(self, user: str) -> bool:
        """Tell whether *user* may press.

        Raises ButtonsError if a group cannot be asked for and *user* is in none of the others.
        """
        if user in self._users:
            return True
        trouble: ButtonsError | None = None
        for group in self._groups:
            try:
                if user in await self._members_of(group):
                    return True
            except ButtonsError as error:  # another group may know them
                trouble = error
        if trouble is not None:
            raise trouble
        return False

    async def _members_of(self, group: str) -> frozenset[str]:
        mono = self._clock.now().mono
        until, members = self._members.get(group, (mono, frozenset()))
        if mono < until:
            return members
        members = frozenset(await self._ask(group))
        self._members[group] = (mono + KEEP, members)
        return members
