from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.style import Style

from stepflow_tui.tui.log.line_map import LineMap
from stepflow_tui.tui.widgets.log.minimap import Kind, Minimap, MinimapRender

if TYPE_CHECKING:
    from collections.abc import Sequence

RED, GREY = Style(color="red"), Style(color="white")


def lines_of(count: int) -> LineMap:
    lines = LineMap()
    lines.count = count
    return lines


def update(minimap: Minimap, lines: LineMap, height: int, top: int, kinds: Sequence[Kind]) -> bool:
    version = [(kind.sign, len(kind.lines)) for kind in kinds]
    return minimap.update(lines, height, top, version, lambda: kinds)


def signs(minimap: Minimap) -> str:
    return "".join(mark[0] if mark else "." for mark in minimap.marks)


def test_marks_stand_where_their_lines_are() -> None:
    minimap = Minimap()
    kinds = [Kind("E", RED, [0, 555]), Kind("-", GREY, [20, 500, 999])]
    assert update(minimap, lines_of(1000), 10, 0, kinds)
    assert signs(minimap) == "E....E...-"
    assert minimap.marks[0] == ("E", RED)


def test_what_is_folded_away_takes_no_room() -> None:
    lines, minimap = lines_of(1000), Minimap()
    lines.fold((), [range(500)])
    update(minimap, lines, 10, 0, [Kind("E", RED, [100, 555])])
    assert signs(minimap) == ".E........"


def test_a_log_that_is_wholly_in_view_has_no_map() -> None:
    minimap = Minimap()
    update(minimap, lines_of(8), 10, 0, [Kind("E", RED, [3])])
    assert minimap.marks == []


@pytest.mark.parametrize("count", [11, 13, 25])
def test_in_a_short_log_every_mark_is_to_be_seen(count: int) -> None:
    for line in range(count):
        minimap = Minimap()
        update(minimap, lines_of(count), 10, 0, [Kind("E", RED, [line])])
        assert signs(minimap).count("E") == 1


def test_the_bar_is_drawn_only_when_it_changes() -> None:
    lines, minimap = lines_of(1_000_000), Minimap()
    errors = [5]
    kinds = [Kind("E", RED, errors)]
    assert update(minimap, lines, 40, 999_960, kinds)
    lines.count += 1
    assert not update(minimap, lines, 40, 999_961, kinds)
    assert update(minimap, lines, 40, 0, kinds)
    errors.append(500_000)
    assert update(minimap, lines, 40, 0, kinds)
    assert not update(minimap, lines, 40, 0, kinds)


def test_the_marks_lie_on_the_bar_and_the_mouse_finds_it() -> None:
    minimap = Minimap()
    update(minimap, lines_of(100), 10, 0, [Kind("E", RED, [5, 95])])
    bar = MinimapRender.of(minimap)(
        virtual_size=100, window_size=20, position=0, style=Style(color="blue", bgcolor="black")
    )
    console = Console(width=1, height=10, color_system="truecolor")
    cells = [cell for cell in console.render(bar) if cell.text.strip("\n")]
    assert [cell.text for cell in cells] == ["E", " ", *" " * 7, "E"]
    styles = [cell.style or Style() for cell in cells]
    assert (styles[0].color, styles[9].color) == (RED.color, RED.color)
    assert styles[0].bgcolor is not None
    assert styles[0].bgcolor.name == "blue"
    assert [styles[y].meta["@mouse.down"] for y in (0, 1, 9)] == ["grab", "grab", "scroll_down"]
