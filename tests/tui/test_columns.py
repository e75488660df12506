from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stepflow_tui.core.config import COLUMNS
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.tui.executions.cells import group_columns
from stepflow_tui.tui.executions.columns import MOST_NAME, bar, execution_columns, fit, fit_right
from stepflow_tui.tui.theme.themes import ANSI_VARIABLES, THEME


@given(st.text(alphabet="ab日🚀é", max_size=30), st.integers(0, 20))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("abc", "abc  ", "  abc"),
        ("abcdef", "abcd…", "abcd…"),
        ("日本語", "日本…", "日本…"),
        ("日本", "日本 ", " 日本"),
    ],
)
def test_what_is_too_long_ends_in_an_ellipsis(text: str, left: str, right: str) -> None:
    assert (fit(text, 5), fit_right(text, 5)) == (left, right)


@pytest.mark.parametrize(("share", "full"), [(0.0, 0), (0.5, 4), (1.0, 8), (1.7, 8), (-1.0, 0)])
def test_a_bar_has_its_length(share: float, full: int) -> None:
    done, left = bar(share)
    assert (len(done), len(done + left)) == (full, 8)


@given(st.integers(20, 300), st.integers(0, 10**9))
def test_the_columns_of_the_list_fit_its_width(width: int, newest: int) -> None:
    columns = execution_columns(width, newest)
    if columns.name > 1:
        assert columns.total <= width
    assert columns.name == MOST_NAME or columns.total >= width


@given(st.integers(20, 300), st.permutations(COLUMNS), st.integers(1, 7))
def test_only_chosen_columns_are_shown_in_their_order(
    width: int, order: list[str], count: int
) -> None:
    chosen = tuple(order[:count])
    columns = execution_columns(width, 100, chosen)
    assert columns.shown == tuple(name for name in chosen if columns.width_of(name))
    assert not [name for name in COLUMNS if columns.width_of(name) and name not in chosen]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (200, (11, 16, 5, 5, 4, 40)),
        (100, (11, 8, 5, 5, 4, 12)),
        (70, (11, 8, 5, 5, 4, 0)),
        (60, (11, 0, 5, 5, 4, 0)),
        (50, (11, 0, 5, 0, 4, 0)),
        (46, (11, 0, 5, 0, 0, 0)),
        (38, (11, 0, 0, 0, 0, 0)),
        (30, (1, 0, 0, 0, 0, 0)),
    ],
)
def test_a_narrow_list_drops_what_matters_least(width: int, shown: tuple[int, ...]) -> None:
    columns = execution_columns(width, 100)
    widths = (columns.status, columns.bar, columns.progress, columns.left)
    assert (*widths, columns.age, columns.tags) == shown


@given(st.integers(8, 300))
def test_the_columns_of_the_groups_fit_their_width(width: int) -> None:
    columns = group_columns(width)
    if columns.name > 1:
        assert columns.total <= width


def test_glyphs_are_one_cell_each_and_all_different() -> None:
    assert set(GLYPHS) == set(Status)
    assert [cell_len(glyph) for glyph in GLYPHS.values()] == [1] * len(Status)
    assert len(set(GLYPHS.values())) == len(Status)
    assert Status.TIMED_OUT.word == "timed out"


def test_both_themes_know_every_colour() -> None:
    ours = set(THEME.variables) - {name for name in THEME.variables if name.startswith("screen-")}
    assert ours == set(ANSI_VARIABLES)
    assert {f"status-{status}" for status in Status} <= ours
