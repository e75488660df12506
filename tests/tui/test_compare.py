"""Two runs side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.tui.screens.compare import KEYS, Compare
from stepflow_tui.tui.widgets.comparison_rows import ComparisonRows, columns_of
from tests.tui.one_screen import shown
from tests.tui.record import step

if TYPE_CHECKING:
    from tests.tui.conftest import CountingSource
    from tests.tui.one_screen import Shown
    from tests.tui.record import Recorder


def add(
    recorder: Recorder,
    *steps: tuple[str, int],
    status: Status = Status.COMPLETED,
    name: str = "nightly",
) -> int:
    """Record a run with these steps; the last one ends as the run does."""
    number = recorder.execution(name, status=status, duration_ms=sum(ms for _, ms in steps))
    for index, (title, ms) in enumerate(steps, 1):
        ended = status if index == len(steps) else Status.COMPLETED
        recorder.steps(number, step(index, title, index, duration_ms=ms, status=ended))
    return number


def rows(board: Shown) -> list[str]:
    pane = board.app.screen.query_one(ComparisonRows)
    lines = [pane.render_line(y).text for y in range(pane.count)]
    return [re.sub(r"[\s━╸]{2,}", "  ", line).strip() for line in lines]


@pytest.fixture
def runs(recorder: Recorder) -> list[int]:
    usual = [add(recorder, ("fetch", 1_000), ("build", 5_000), ("old", 100)) for _ in range(4)]
    failed = add(recorder, ("fetch", 99_000), status=Status.FAILED)
    last = add(recorder, ("fetch", 1_050), ("build", 9_300), ("test", 700), status=Status.FAILED)
    return [*usual, failed, last]


async def test_a_run_against_the_latest_that_completed(
    runs: list[int], source: CountingSource
) -> None:
    async with shown(Compare(source, runs[-1])) as board:
        await board.until_text("slower")
        assert rows(board) == [
            "✓ fetch  1.0s  1.0s  0.0s  1.0s",
            "✓ build  9.3s  5.0s  +4.3s  5.0s ▲ slower",
            "old  -  0.1s  -  0.1s - gone",
            "✗ test  0.7s  -  -  - ✗ fails now",
            "✗ whole run  11.0s  6.1s  +4.9s  6.1s ✗ fails now",
        ]
        lines = board.text.splitlines()
        assert lines[0].startswith(" now    #6 nightly  ✗ failed")
        assert lines[1].startswith(" before #4 nightly  ✓ completed")
        assert "1 newly failing · 1 slower than usual · 1 gone" in board.text
        assert "median of 4 earlier runs" in board.text


async def test_bars_have_one_scale(runs: list[int], source: CountingSource) -> None:
    async with shown(Compare(source, runs[-1])) as board:
        await board.until_text("slower")
        pane = board.app.screen.query_one(ComparisonRows)
        width = columns_of(pane.width).bar
        bars = re.findall("[━╸]+", pane.render_line(1).text)
        assert [2 * bar.count("━") + bar.count("╸") for bar in bars] == [
            2 * width,
            round(2 * width * 5_000 / 9_300),
        ]
        assert "━" not in pane.render_line(4).text


async def test_the_heading_stands_above_the_columns(
    runs: list[int], source: CountingSource
) -> None:
    async with shown(Compare(source, runs[-1])) as board:
        await board.until_text("slower")
        lines = board.text.splitlines()
        head = next(line for line in lines if "change" in line)
        row = next(line for line in lines if "+4.3s" in line)
        for title, value in (("now", "9.3s"), ("before", "5.0s"), ("change", "+4.3s")):
            assert head.index(title) + len(title) == row.index(value) + len(value)
        assert len(head) == row.index(" ▲")


async def test_older_and_newer(runs: list[int], source: CountingSource) -> None:
    async with shown(Compare(source, runs[-1])) as board:
        await board.until_text("before #4")
        await board.press("left_square_bracket")
        await board.until_text("before #3")
        await board.press("right_square_bracket")
        await board.until_text("before #4")
        await board.press("right_square_bracket")
        await board.until_told("there is no newer run to compare with")
        await board.press(*["left_square_bracket"] * 4)
        await board.until_told("there is no older run to compare with")
        await board.until_text("before #1")


async def test_two_runs_that_were_chosen(runs: list[int], source: CountingSource) -> None:
    async with shown(Compare(source, runs[-2], runs[-1])) as board:
        await board.until_text("now    #6", "before #5")
        assert rows(board)[0].startswith("✓ fetch  1.0s  1m 39s  -1m 37s  1.0s")
        await board.press("left_square_bracket")
        await board.until_text("before #4")
        await board.press("right_square_bracket")
        await board.until_text("before #5")


@pytest.mark.parametrize(
    ("moves", "place"),
    [([], (6, 1)), (["j"], (6, 2)), (["j", "j"], (4, 3)), (["G"], (6, 0)), (["G", "k"], (6, 3))],
)
async def test_enter_goes_to_the_step(
    runs: list[int], source: CountingSource, moves: list[str], place: tuple[int, int]
) -> None:
    async with shown(Compare(source, runs[-1])) as board:
        await board.until_text("slower")
        await board.press(*moves, "enter")
        await board.until(lambda: board.app.results == [place])


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_leaving(runs: list[int], source: CountingSource, key: str) -> None:
    async with shown(Compare(source, runs[-1])) as board:
        await board.until_text("slower")
        await board.press(key)
        await board.until(lambda: board.app.results == [None])


async def test_the_first_run_of_its_name(recorder: Recorder, source: CountingSource) -> None:
    add(recorder, ("a", 100), status=Status.FAILED)
    async with shown(Compare(source, 1)) as board:
        await board.until_text("no earlier run of this name has completed", "nothing out of the")
        assert rows(board) == ["✗ a  0.1s  -  -  -", "✗ whole run  0.1s  -  -  -"]
        await board.press("left_square_bracket")
        await board.until_told("there is no older run to compare with")


async def test_a_run_that_goes_on_is_followed(recorder: Recorder, source: CountingSource) -> None:
    add(recorder, ("a", 100))
    number = recorder.execution("nightly")
    async with shown(Compare(source, number)) as board:
        await board.until_text("● running", "- gone")
        recorder.steps(number, step(1, "a", 1, duration_ms=100))
        recorder.finish(number)
        await board.until_text("✓ a ", "✓ completed", "nothing out of the ordinary")
        assert rows(board)[0] == "✓ a  0.1s  0.1s  0.0s  0.1s"


async def test_a_run_that_was_removed(recorder: Recorder, source: CountingSource) -> None:
    add(recorder, ("a", 100))
    async with shown(Compare(source, 9)) as board:
        await board.until(lambda: board.app.results == [None])


async def test_names_are_cleaned(recorder: Recorder, source: CountingSource) -> None:
    add(recorder, ("a\x1b]0;t\x07[b]", 100), name="x\x1b[2J[red]y")
    async with shown(Compare(source, 1)) as board:
        await board.until_text("#1 x[red]y", "✓ a[b] ")


@pytest.mark.parametrize("size", [(300, 40), (120, 36), (80, 24), (40, 20), (20, 10)])
async def test_every_size(runs: list[int], source: CountingSource, size: tuple[int, int]) -> None:
    async with shown(Compare(source, runs[-1]), size) as board:
        await board.until_text("9.3s")
        assert max(map(len, board.text.splitlines())) <= size[0]
        assert ("━" in board.text) == (size[0] >= 80)
        assert ("+4.3s" in board.text) == (size[0] >= 40)
        assert ("▲" in board.text) == (size[0] >= 40)


@pytest.mark.parametrize("width", range(10, 301, 7))
def test_columns_fill_the_width(width: int) -> None:
    columns = columns_of(width)
    assert columns.name >= 1
    assert columns.bar <= 40
    assert width < 60 or len(columns.head) <= width


def test_every_binding_has_an_id_of_its_own() -> None:
    ids = [binding.id for binding in KEYS.bindings]
    assert all(name and name.startswith("stepflow.") for name in ids)
    assert len(set(ids)) == len(ids)
