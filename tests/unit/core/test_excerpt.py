"""Evidence in groups: what fits is a part of each, not all of the last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.excerpt import excerpt, plain, titled

JOURNAL = titled("journal, last lines", [f"journal {n}" for n in range(20)])
STACK = titled("py-spy dump", [f"frame {n}" for n in range(20)])
HOST = titled("host", ["load 0.1", "memory 20 %"])


def test_what_fits_stays_as_it_is() -> None:
    assert excerpt([*JOURNAL, *HOST], 40, 6000) == [*JOURNAL, *HOST]
    assert excerpt([], 40, 6000) == []


def test_the_longest_groups_give_way_and_short_ones_stay_whole() -> None:
    shown = excerpt([*JOURNAL, *STACK, *HOST], 15, 6000)
    assert shown[-3:] == HOST
    assert sum(line.startswith("journal") for line in shown) == 5
    assert sum(line.startswith("frame") for line in shown) == 5


def test_of_last_lines_the_end_is_kept_and_of_others_the_beginning() -> None:
    shown = excerpt([*JOURNAL, *STACK], 6, 6000)
    assert shown == [
        "== journal, last lines ==",
        "journal 18",
        "journal 19",
        "== py-spy dump ==",
        "frame 0",
        "frame 1",
        "… 18 more lines",
    ]


def test_lines_without_a_title_keep_their_end() -> None:
    assert excerpt([f"line {n}" for n in range(9)], 2, 6000) == ["line 7", "line 8"]


def test_where_there_is_no_room_for_all_groups_the_last_ones_go() -> None:
    shown = excerpt([*titled("a", ["1"]), *titled("b", ["2"]), *titled("c", ["3"])], 4, 6000)
    assert shown == ["== a ==", "1", "== b ==", "2"]


def test_a_long_line_counts_for_no_more_than_will_be_shown_of_it() -> None:
    lines = titled("answer", ["x" * 5000, "status 500"])
    assert excerpt(lines, 10, 400, width=300) == lines
    assert excerpt(lines, 10, 400) == []


@given(
    st.lists(st.one_of(st.text(max_size=30), st.builds("== {} ==".format, st.text("ab last")))),
    st.integers(0, 20),
    st.integers(0, 400),
)
def test_an_excerpt_is_bounded_and_in_order(lines: list[str], count: int, size: int) -> None:
    shown = [line for line in excerpt(lines, count, size) if not line.startswith("… ")]
    left = iter(lines)
    assert all(line in left for line in shown)
    assert len(shown) <= count
    assert sum(len(line.encode("utf-8", "replace")) + 1 for line in shown) <= size + len(shown)


def test_a_line_that_reads_like_a_title_is_made_plain() -> None:
    assert plain("== port 80 ==") == " == port 80 =="
    assert plain("a == b") == "a == b"
