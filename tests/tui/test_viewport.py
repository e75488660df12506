from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.tui.log.viewport import Viewport

HEIGHTS = st.lists(st.integers(1, 7), min_size=1, max_size=30)
MOVES = st.lists(st.integers(-40, 40), max_size=10)


def view_of(heights: list[int], height: int) -> Viewport:
    view = Viewport(lambda line: heights[line])
    view.count, view.height = len(heights), height
    return view


def flat(heights: list[int]) -> list[tuple[int, int]]:
    """All rows there are."""
    return [(line, row) for line, rows in enumerate(heights) for row in range(rows)]


@given(HEIGHTS, st.integers(1, 12), MOVES)
def test_scrolling_is_that_of_one_long_list_of_rows(
    heights: list[int], height: int, moves: list[int]
) -> None:
    view, rows, top = view_of(heights, height), flat(heights), 0
    for move in moves:
        view.scroll(move)
        top = max(0, min(top + move, len(rows) - height))
        assert list(view.rows()) == rows[top : top + height]


@given(HEIGHTS, st.integers(1, 12))
def test_the_end_shows_the_last_rows(heights: list[int], height: int) -> None:
    view = view_of(heights, height)
    view.to_end()
    assert list(view.rows()) == flat(heights)[-height:]
    assert view.bottom == len(heights)


@given(HEIGHTS, st.integers(1, 12), st.data())
def test_a_line_is_revealed_with_the_least_movement(
    heights: list[int], height: int, data: st.DataObject
) -> None:
    view, rows = view_of(heights, height), flat(heights)
    view.scroll(data.draw(st.integers(0, len(rows))))
    line = data.draw(st.integers(0, len(heights) - 1))
    before = list(view.rows())
    view.reveal(line)
    after = list(view.rows())
    assert (line, 0) in after
    if heights[line] <= height:
        assert (line, heights[line] - 1) in after
    whole = {(line, row) for row in range(min(heights[line], height))}
    if whole <= set(before) and (line, 0) in before:
        assert after == before


@given(HEIGHTS, st.integers(1, 12), st.integers(0, 29))
def test_a_line_can_be_put_at_the_top(heights: list[int], height: int, line: int) -> None:
    view, rows = view_of(heights, height), flat(heights)
    line = min(line, len(heights) - 1)
    view.put(line)
    top = min(rows.index((line, 0)), max(0, len(rows) - height))
    assert list(view.rows()) == rows[top : top + height]


def test_an_empty_view_has_no_rows() -> None:
    view = Viewport(lambda _: 1)
    view.height = 10
    view.to_end()
    view.scroll(3)
    assert (list(view.rows()), view.bottom, view.top) == ([], 0, 0)


def test_only_lines_in_view_are_measured() -> None:
    measured: list[int] = []

    def rows_of(line: int) -> int:
        measured.append(line)
        return 2

    view = Viewport(rows_of)
    view.count, view.height = 10_000_000, 20
    view.to_end()
    view.scroll(-30)
    assert len(list(view.rows())) == 20
    assert min(measured) >= 10_000_000 - 40


@given(HEIGHTS, st.integers(1, 12), st.sets(st.integers(0, 29)), MOVES)
def test_lines_that_are_not_shown_take_no_rows(
    heights: list[int], height: int, hidden: set[int], moves: list[int]
) -> None:
    view = view_of(heights, height)
    view.lines.fold((), [range(line, line + 1) for line in sorted(hidden) if line < len(heights)])
    rows = [(line, row) for line, row in flat(heights) if line not in hidden]
    view.clamp()
    top = 0
    for move in moves:
        view.scroll(move)
        top = max(0, min(top + move, len(rows) - height))
        assert list(view.rows()) == rows[top : top + height]


@given(HEIGHTS, st.integers(1, 12), st.integers(0, 29), st.integers(0, 12))
def test_a_line_can_be_put_under_others(
    heights: list[int], height: int, line: int, above: int
) -> None:
    view, rows = view_of(heights, height), flat(heights)
    line = min(line, len(heights) - 1)
    view.put(line, above=above)
    top = max(0, min(rows.index((line, 0)) - above, len(rows) - height))
    assert list(view.rows()) == rows[top : top + height]
