"""Limits: beyond them for several rounds in a row, and not a round earlier."""

from __future__ import annotations

from watchdog.core.limits import Usage, average_cpu, exceeded
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.core.thresholds import Limits

MEMORY = Limits(memory=100.0, rounds=3)
CPU = Limits(cpu=1.5, rounds=3)
FILES = Limits(open_files=900, rounds=3)


def memory(*used: float | None) -> list[Usage]:
    return [Usage(30.0 * place, memory=value) for place, value in enumerate(used)]


def cpu(*busy: float) -> list[Usage]:
    """Return usages 30 s apart, with so many CPUs busy in between."""
    times = [sum(busy[:place]) * 30 for place in range(len(busy) + 1)]
    return [Usage(30.0 * place, cpu_time=spent) for place, spent in enumerate(times)]


def test_memory_above_its_limit_in_each_of_the_last_rounds_is_too_much() -> None:
    too_much = Circumstance(CircumstanceKind.MEMORY_LIMIT, value=130.0, limit=100.0)
    assert exceeded(MEMORY, memory(90, 110, 120, 130)) == (too_much,)


def test_a_round_below_the_limit_begins_the_count_anew() -> None:
    assert exceeded(MEMORY, memory(120, 120, 99, 120, 120)) == ()
    assert exceeded(MEMORY, memory(120, 100, 120)) == (), "the limit itself is allowed"


def test_fewer_rounds_than_asked_for_are_not_enough() -> None:
    assert exceeded(MEMORY, memory(120, 120)) == ()
    assert exceeded(MEMORY, []) == ()


def test_a_round_that_could_not_be_measured_is_none_above_the_limit() -> None:
    assert exceeded(MEMORY, memory(120, None, 120)) == ()


def test_cpu_is_averaged_over_the_rounds() -> None:
    too_much = Circumstance(CircumstanceKind.CPU_LIMIT, value=1.6, limit=1.5)
    assert exceeded(CPU, cpu(0, 2.0, 0.8, 2.0)) == (too_much,)
    assert exceeded(CPU, cpu(0, 2.0, 0.4, 2.0)) == ()


def test_cpu_needs_as_many_intervals_as_rounds() -> None:
    assert exceeded(CPU, cpu(2.0, 2.0)) == ()


def test_cpu_that_cannot_be_known_is_not_known() -> None:
    assert average_cpu([]) is None
    assert average_cpu(cpu()) is None
    assert average_cpu([Usage(0.0), Usage(30.0, cpu_time=3.0)]) is None
    assert average_cpu([Usage(0.0, cpu_time=3.0), Usage(30.0)]) is None
    assert average_cpu([Usage(5.0, cpu_time=3.0), Usage(5.0, cpu_time=3.0)]) is None


def test_processes_that_have_ended_take_no_cpu_back() -> None:
    assert average_cpu([Usage(0.0, cpu_time=50.0), Usage(30.0, cpu_time=3.0)]) == 0.0


def test_open_files_above_the_limit_are_too_many() -> None:
    usages = [Usage(30.0 * place, open_files=901 + place) for place in range(3)]
    too_many = Circumstance(CircumstanceKind.OPEN_FILES_LIMIT, value=903, limit=900)
    assert exceeded(FILES, usages) == (too_many,)


def test_each_limit_is_held_to_by_itself() -> None:
    usages = [Usage(30.0 * place, memory=120.0, open_files=5) for place in range(3)]
    both = Limits(memory=100.0, open_files=900, rounds=3)
    assert [told.kind for told in exceeded(both, usages)] == [CircumstanceKind.MEMORY_LIMIT]


def test_no_limits_are_false_and_any_is_true() -> None:
    assert not Limits()
    assert MEMORY
    assert CPU
    assert FILES
