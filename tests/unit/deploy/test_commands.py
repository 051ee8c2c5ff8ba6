"""Commands of a deploy, run for real: what they print, how they end, what is left of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.unit.evidence.ending import has_ended
from watchdog.deploy import commands
from watchdog.deploy.commands import LINES, WIDTH, CommandFailedError, run_command

pytestmark = pytest.mark.adapter


async def lines_of(script: str, patience: float = 20.0) -> list[str]:
    lines: list[str] = []
    await run_command(["sh", "-c", script], patience, lines.append)
    return lines


async def test_both_outputs_are_shown_line_by_line() -> None:
    assert await lines_of("echo one; echo two >&2; printf three") == ["one", "two", "three"]


async def test_a_progress_bar_is_lines_and_an_endless_line_comes_in_pieces() -> None:
    assert await lines_of("printf '10%%\\r20%%\\n'") == ["10%", "20%"]
    lines = await lines_of(f"head -c {WIDTH + 5} /dev/zero | tr '\\0' x; echo")
    assert [len(line) for line in lines] == [WIDTH, 5]


async def test_a_flood_is_counted() -> None:
    lines = await lines_of(f"seq {LINES + 7}")
    assert (len(lines), lines[-1]) == (LINES + 1, "(7 lines more)")


async def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert await lines_of(r"printf '\377\n'") == ["\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize(
    ("script", "why"),
    [("exit 7", "exited with status 7"), ("kill -9 $$", "was killed by SIGKILL")],
)
async def test_a_failure_is_told_in_words(script: str, why: str) -> None:
    with pytest.raises(CommandFailedError, match=why):
        await lines_of(script)


async def test_what_cannot_be_run_is_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(CommandFailedError, match=re.escape(f"cannot run {missing}: No such file")):
        await run_command([missing], 5, print)


async def test_what_takes_too_long_is_ended_with_its_group() -> None:
    lines: list[str] = []
    with pytest.raises(CommandFailedError, match=r"did not end within 0\.3 s; killed"):
        await run_command(["sh", "-c", "sleep 600 & echo $!; wait"], 0.3, lines.append)
    assert has_ended(int(lines[0]))


async def test_what_ignores_a_polite_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GRACE", 0.1)
    with pytest.raises(CommandFailedError, match="killed"):
        await lines_of("trap '' TERM; while :; do sleep 0.05; done", 0.3)


async def test_a_service_that_a_command_leaves_behind_does_not_hold_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "LAST_WORDS", 0.1)
    lines: list[str] = []
    await run_command(["sh", "-c", "setsid sleep 5 & echo started"], 20, lines.append)
    assert lines == ["started"]


async def test_a_command_cut_short_ends_with_its_group() -> None:
    line = asyncio.get_running_loop().create_future()
    script = ["sh", "-c", "sleep 600 & echo $!; wait"]
    running = asyncio.ensure_future(run_command(script, 60, line.set_result))
    child = int(await line)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert has_ended(child)
