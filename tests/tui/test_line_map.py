from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.tui.log.line_map import END, Except, LineMap, Only, Whole

COUNT = 60
LINES = st.sets(st.integers(0, COUNT - 1))
RANGES = st.lists(st.tuples(st.integers(0, COUNT), st.integers(1, 12)), max_size=6)


@dataclass
class Scan:
    low: int
    high: int
    lines: array[int] = field(default_factory=lambda: array("Q"))


def apart(ranges: list[tuple[int, int]]) -> list[range]:
    found: list[range] = []
    for start, size in sorted(ranges):
        if not found or start > found[-1].stop:
            found.append(range(start, start + size))
    return found


def checked(lines: LineMap, expected: list[int]) -> None:
    assert lines.size == len(expected)
    assert [lines.at(place) for place in range(len(expected))] == expected
    for line in range(-1, COUNT + 2):
        assert lines.below(line) == sum(shown < line for shown in expected)
        assert lines.after(line) == next((shown for shown in expected if shown >= line), None)
        assert lines.before(line) == next((s for s in expected[::-1] if s <= line), None)
        assert lines.has(line) == (line in expected)
        near = [s for s in expected if s >= line][:1] or expected[-1:] or [0]
        assert lines.nearest(line) == near[0]


def whole_map() -> LineMap:
    lines = LineMap()
    lines.count = COUNT
    return lines


def test_without_layers_every_line_is_shown() -> None:
    lines = whole_map()
    assert lines.is_whole
    checked(lines, list(range(COUNT)))


def test_an_empty_log_has_nothing_to_show() -> None:
    lines = LineMap()
    assert (lines.size, lines.after(0), lines.before(5), lines.nearest(3), lines.at(0)) == (
        0,
        None,
        None,
        0,
        0,
    )


@given(st.data(), LINES, LINES, RANGES, st.booleans())
def test_filter_headings_and_folds_are_as_sets(
    data: st.DataObject,
    found: set[int],
    headings: set[int],
    hidden: list[tuple[int, int]],
    only: bool,
) -> None:
    low = data.draw(st.integers(0, COUNT))
    high = data.draw(st.integers(low, COUNT))
    scan = Scan(low, high, array("Q", sorted(line for line in found if low <= line < high)))
    lines, ranges = whole_map(), apart(hidden)
    lines.sift(Only(scan) if only else Except(scan))
    lines.fold(sorted(headings), ranges)
    left = [line for line in range(low, high) if (line in found) == only]
    shown = sorted({*left, *headings})
    checked(lines, [line for line in shown if not any(line in lines for lines in ranges)])
    assert lines.passing(range(5, 20)) == len([line for line in left if 5 <= line < 20])
    for line in range(COUNT):
        assert lines.next_passing(line) == next((near for near in left if near >= line), None)
        assert lines.last_passing(line) == next((near for near in left[::-1] if near <= line), None)


@given(RANGES)
def test_folds_alone(hidden: list[tuple[int, int]]) -> None:
    lines, ranges = whole_map(), apart(hidden)
    lines.fold((), ranges)
    checked(lines, [line for line in range(COUNT) if not any(line in r for r in ranges)])


def test_a_fold_that_is_open_hides_what_comes() -> None:
    lines = whole_map()
    lines.fold([49], [range(50, END)])
    lines.count = 1000
    assert (lines.size, lines.at(49), lines.after(50), lines.before(999)) == (50, 49, None, 49)


def test_what_a_scan_finds_later_is_shown_later() -> None:
    lines, scan = whole_map(), Scan(0, 10, array("Q", [3, 5]))
    lines.sift(Only(scan))
    assert lines.size == 2
    scan.lines.extend([12, 14])
    scan.high = 20
    lines.refresh()
    assert [lines.at(place) for place in range(4)] == [3, 5, 12, 14]
    lines.sift(None)
    assert lines.is_whole


def test_questions_cost_the_same_in_a_log_of_any_length() -> None:
    lines = LineMap()
    lines.count = 10_000_000
    lines.sift(Except(Whole(0, 10_000_000, array("Q", range(0, 10_000_000, 10)))))
    assert lines.size == 9_000_000
    assert lines.at(4_500_000) == 5_000_001
    assert lines.below(5_000_001) == 4_500_000


@pytest.mark.parametrize("hidden", [[], [0], [3, 4, 9], list(range(2, 40)), list(range(COUNT))])
def test_hidden_lines_keep_their_numbers(hidden: list[int]) -> None:
    lines = LineMap()
    lines.count = COUNT
    lines.hide(array("Q", hidden))
    shown = [line for line in range(COUNT) if line not in hidden]
    checked(lines, shown)
    assert lines.is_whole == (not hidden)
    lines.reveal(3)
    checked(lines, sorted({*shown, 3}))
    lines.fold([2], [range(3, 6)])
    checked(lines, [line for line in sorted({*shown, 2}) if line not in range(3, 6)])
