"""The daemon is killed wherever it commits, sends, or does something, and is none the worse for it.

Points are counted up until a life has no more of them, so that none is left out.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.unit.faults.story import Story, daemons

pytestmark = pytest.mark.adapter

AT_ONCE = 4
"""Stories told side by side: each mostly waits."""

Make = Callable[[Path, int], Story]


async def all_told(directory: Path, make: Make) -> Sequence[Story]:
    """Return the stories of the first, the second … death, up to one that was survived."""
    told: list[Story] = []
    numbers = itertools.count(1)

    async def tell() -> None:
        while not any(story.survived for story in told):
            number = next(numbers)
            story = make(directory / str(number), number)
            await story.tell(zygote)
            told.append(story)

    async with daemons(directory / "log") as zygote, asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(tell())
    return told


def check(story: Story) -> None:
    """Nothing is lost, nothing is restarted that need not be, all is well again by itself."""
    case = f"killed at {story.directory.name}"
    assert story.status == "ended 0", case
    # Told of once, or again with the same key; and in order.
    once = list(dict.fromkeys(zip(story.keys, story.told, strict=True)))
    assert [kind for _, kind in once] == ["alert.firing", "alert.resolved"], case
    assert story.ask("SELECT key FROM outbox WHERE status = 'sent' ORDER BY id") == [
        (key,) for key, _ in once
    ], case
    assert story.starts == ["start", "start"], case
    # Decided once more where it had not been made yet, and made once.
    restarts = story.ask("SELECT identity, outcome FROM restart ORDER BY id")
    assert len({run for run, _ in restarts}) == 1, case
    assert [outcome for _, outcome in restarts[:-1]] == ["superseded"] * (len(restarts) - 1), case
    assert restarts[-1][1] in {"done", None}, case  # or died with it: the run tells that it was
    kinds = [kind for (kind,) in story.ask("SELECT kind FROM note ORDER BY id")]
    assert kinds.count("opened") == kinds.count("closed") == 1, case
    assert kinds.count("restart") == len(restarts), case
    [(state,)] = story.ask("SELECT state FROM service_state")
    assert '"phase":"healthy"' in str(state), case


async def test_a_daemon_killed_at_any_commit_or_deed_of_its_own(tmp_path: Path) -> None:
    stories = await all_told(tmp_path, lambda place, number: Story(place, point=number))
    for story in stories:
        check(story)
    assert len(stories) > 30


async def test_a_daemon_killed_when_it_was_heard_or_believed(tmp_path: Path) -> None:
    """Before its words are taken, and before it hears that they were."""
    stories = await all_told(tmp_path, lambda place, number: Story(place, dies_when_told=number))
    for story in stories:
        check(story)
    assert len(stories) > 4
    assert any(len(story.told) == 3 for story in stories), "twice rather than never"


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_daemon_killed_again_and_again_at_the_same_point(tmp_path: Path) -> None:
    stories = await all_told(tmp_path, lambda place, number: Story(place, number, lives=3))
    for story in stories:
        check(story)
    assert any(len(story.daemons) == 4 for story in stories)
