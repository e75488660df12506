from __future__ import annotations

from stepflow_tui.tui.log.folds import Folds
from stepflow_tui.tui.log.line_map import END
from tests.tui.record import step


def folds(*spans: tuple[int, int | None]) -> Folds:
    found = Folds()
    found.show([step(i, f"S{i}", a, last_line=b) for i, (a, b) in enumerate(spans, 1)])
    return found


def test_a_folded_step_keeps_its_heading() -> None:
    found = folds((2, 5), (8, None))
    found.toggle(found.steps[0])
    assert found.hidden() == ([1], [range(2, 5)])
    found.toggle(found.steps[1])
    assert found.hidden() == ([1, 7], [range(2, 5), range(8, END)])
    found.toggle(found.steps[0])
    assert found.hidden() == ([7], [range(8, END)])


def test_steps_within_others_are_hidden_with_them() -> None:
    found = folds((1, 20), (5, 8), (15, 30))
    assert found.toggle_all()
    assert found.hidden() == ([0], [range(1, 30)])
    assert not found.toggle_all()
    assert found.hidden() == ([], [])


def test_the_innermost_step_is_meant() -> None:
    found = folds((1, 20), (5, 8), (30, None))
    around = [found.around(line) for line in (0, 3, 4, 7, 8, 25)]
    assert [one and one.name for one in around] == ["S1", "S1", "S2", "S2", "S1", None]
    assert found.around(1_000_000) == found.steps[2]


def test_a_line_is_uncovered() -> None:
    found = folds((1, 20), (5, 8), (30, 40))
    found.toggle_all()
    assert found.open_to(6)
    assert found.folded == {3}
    assert not found.open_to(29)
    assert found.folded == {3}


def test_headings_are_found_in_both_directions() -> None:
    found = folds((2, 5), (8, None))
    assert [found.following(line) for line in (0, 1, 7)] == [1, 7, None]
    assert [found.preceding(line) for line in (0, 1, 2, 7, 9)] == [None, None, 1, 1, 7]
    assert found.heading_at(7) == found.steps[1]
    assert found.heading_at(6) is None
