from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import Static

import stepflow_tui.tui
from stepflow_tui.core.config import Config
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.tui import choices, keymap
from stepflow_tui.tui.active_keys import keys_here, shown_keys
from stepflow_tui.tui.choices import check_choices
from stepflow_tui.tui.screens.help import Help
from tests.tui.dashboard import dashboard
from tests.tui.furnished import furnish
from tests.tui.tour import BY_NAME, STOPS, leave

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder

TESTS = Path(__file__).parents[1]
CONTROLS = {"\x1a": "ctrl+z", "\x0c": "ctrl+l"}
INTERRUPT = "stepflow.interrupt"
"""Stands behind what Textual binds to the same key."""

ELSEWHERE = "Where another pane has the focus"
WITH_HELP = ("executions", "steps", "log", "health", "gauges", "artifacts", "preview", "compare")

BY_TEXTUAL = {"stepflow.app.focus_next"}
"""A question takes the arrows for it; tab does it there too, but by a binding of Textual's."""

SHADOWS = {
    ("open_group", "details"): "enter opens a row for a name; in other rows it is not active",
    ("choose", "details"): "enter on a step shows its lines",
    ("select", "select_lines"): "v selects what the pane shows: executions, or else lines",
    ("end_selection", "back"): "escape undoes one layer; active only while lines are selected",
    ("clear", "back"): "escape in the filter ends the filter",
    ("complete(1)", "next_pane"): "tab in the filter completes",
    ("complete(-1)", "previous_pane"): "shift+tab in the filter completes backwards",
    ("submit", "details"): "enter in a line that is typed in is the end of typing",
    ("submit", "submit_name"): "the line and its dialog mean the same",
    ("copy", "interrupt"): "copies what is marked in the line; is passed on if nothing is",
    ("screen.copy_text", "interrupt"): "copies what is marked; is passed on if nothing is",
    ("choose_candidate(1)", "scroll_down"): "the arrows choose what is offered for the line",
    ("choose_candidate(-1)", "scroll_up"): "the arrows choose what is offered for the line",
    ("complete", "app.focus_next"): "tab completes, and goes on where nothing can be completed",
    ("close_candidates", "leave"): "escape undoes one layer: what is offered, then the form",
    ("scroll_down", "down"): "what is typed in the palette is one line; the arrows choose below it",
    ("scroll_up", "up"): "what is typed in the palette is one line; the arrows choose below it",
    ("page_down", "page_down"): "as the arrows do",
    ("page_up", "page_up"): "as the arrows do",
}
"""Keys that mean something else farther inside, by the actions of the inner and the outer one."""


@pytest.fixture
def furnished(recorder: Recorder) -> Home:
    return furnish(recorder)


def active(board: Dashboard) -> Iterator[tuple[DOMNode, str, Binding]]:
    """What is bound where the focus is, from inside to outside."""
    for node, bindings in board.app.screen._modal_binding_chain:
        yield from ((node, key, binding) for key, binding in bindings)


def our_bindings() -> Iterator[tuple[type[DOMNode], Binding]]:
    """What the classes of the dashboard bind."""
    package = stepflow_tui.tui
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for _, thing in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if thing.__module__ == module.name and issubclass(thing, DOMNode):
                bindings = thing.__dict__.get("BINDINGS", ())
                assert all(isinstance(binding, Binding) for binding in bindings)
                yield from ((thing, binding) for binding in bindings)


def method_of(board: Dashboard, node: DOMNode, action: str) -> bool:
    prefix, _, name = action.partition("(")[0].rpartition(".")
    target = {"app": board.app, "screen": board.app.screen}.get(prefix, node)
    return hasattr(target, f"action_{name}")


def shadows(board: Dashboard) -> set[tuple[str, str]]:
    """Which actions stand in the way of which; ours only, and not of those that are the same."""
    found: set[tuple[str, str]] = set()
    inner: dict[str, list[Binding]] = {}
    for node, key, binding in active(board):
        assert method_of(board, node, binding.action), (node, key, binding.action)
        for one in inner.setdefault(key, []):
            if (one.id or binding.id) and one.id != binding.id:
                found.add((one.action, binding.action))
        inner[key].append(binding)
    return found


def bound_twice(board: Dashboard) -> list[str]:
    """Keys for which one and the same widget or screen has two bindings."""
    return [
        f"{node}: {key}"
        for node, bindings in board.app.screen._modal_binding_chain
        for key, bound in bindings.key_to_bindings.items()
        if len(bound) > 1
    ]


async def test_no_key_means_two_things(furnished: Home) -> None:
    found: set[tuple[str, str]] = set()
    common: dict[str, set[str]] = {}
    async with dashboard(furnished) as board:
        for stop in STOPS:
            await stop.visit(board)
            here = shadows(board)
            assert here <= SHADOWS.keys(), stop.name
            assert bound_twice(board) == []
            found |= here
            for id_, keys in keys_here(board.app.screen).items():
                common[id_] = common.get(id_, set(keys)) & set(keys)
            await leave(board)
    assert found == SHADOWS.keys()
    # Who has learnt a key in one place finds it in the others.
    assert len(common) > 70
    assert {id_ for id_, keys in common.items() if not keys} == BY_TEXTUAL


def test_every_binding_has_an_id() -> None:
    bindings = list(our_bindings())
    assert len(bindings) > 100
    without = [(node.__name__, one.key) for node, one in bindings if not one.id]
    assert without == []
    assert all(one.id and one.id.startswith("stepflow.") for _, one in bindings)


def test_what_shares_an_id_does_the_same() -> None:
    actions: dict[str, set[str]] = {}
    for _, binding in our_bindings():
        actions.setdefault(binding.id or "", set()).add(binding.action)
    assert {id_: found for id_, found in actions.items() if len(found) > 1} == {}


def rows_of(board: Dashboard) -> list[str]:
    """What stands in the help, without the blanks between."""
    text = board.app.screen.query_one(Static)
    return [" ".join(text.render_line(y).text.split()) for y in range(text.size.height)]


async def open_help(board: Dashboard) -> None:
    await board.press("question_mark")
    await board.until(lambda: isinstance(board.app.screen, Help))
    await board.until_text("Runs belong to the runner")


async def test_help_shows_what_applies_here(furnished: Home) -> None:
    ours = [binding for _, binding in our_bindings()]
    async with dashboard(furnished, (120, 130)) as board:
        for name in WITH_HELP:
            await BY_NAME[name].visit(board)
            keys = keys_here(board.app.screen)
            active = [one.binding for one in board.app.screen.active_bindings.values()]
            await open_help(board)
            rows = rows_of(board)
            here = set(rows[: rows.index(ELSEWHERE)] if ELSEWHERE in rows else rows)
            ids = {one.id: one.description for one in active if one.id}
            ids.pop(INTERRUPT, None)
            assert len(ids) > 10
            for id_, does in ids.items():
                alike = [one for one in ours if (one.id, one.description) == (id_, does)]
                assert {f"{shown_keys(one, keys)} {does}" for one in alike} & here, (name, id_)
            await leave(board)


async def test_what_other_panes_do_comes_last(furnished: Home) -> None:
    titles = {"executions": "The list", "steps": "Steps", "log": "Moving in the log"}
    async with dashboard(furnished, (120, 130)) as board:
        for name, title in titles.items():
            await BY_NAME[name].visit(board)
            await open_help(board)
            rows = rows_of(board)
            place = rows.index(ELSEWHERE)
            assert title in rows[:place]
            assert {*titles.values()} - {title} <= set(rows[place:])
            await leave(board)


async def test_remapped_keys_are_shown_and_do_it(furnished: Home) -> None:
    async with dashboard(furnished, (120, 130)) as board:
        keys = {"cancel": "ctrl+x,f8", "search_regex": "f2", "compare": "slash"}
        board.app.set_keymap({f"stepflow.{name}": key for name, key in keys.items()})
        await board.until_text("Executions", "site")
        await open_help(board)
        rows = rows_of(board)
        assert "ctrl+x f8 cancel" in rows
        assert "f2 regular expression, or plain text" in rows
        assert "/ compare it with the one before, or two selected" in rows
        assert "x cancel" not in rows
        assert "/ search" not in rows
        await board.press("escape", "f8")
        await board.until_text("Cancel #10 site?")


@pytest.mark.parametrize(
    ("written", "key"),
    [
        *((key, key) for key in ("x", "ctrl+x", "shift+f5", "slash", "é")),
        ("/", "slash"),
        ("?", "question_mark"),
        ("ctrl++", "ctrl+plus"),
    ],
)
def test_a_key_may_be_written_by_its_name_or_its_sign(written: str, key: str) -> None:
    config = Config(keys={"cancel": (written,)})
    check_choices(config)
    assert choices.keymap(config) == {"stepflow.cancel": key}


@pytest.mark.parametrize("written", ["notakey!!", "ctrl+", "foo+x", "f99", "ctrl x"])
def test_a_key_that_nobody_can_press_is_told(written: str) -> None:
    with pytest.raises(UsageProblem, match="there is no key"):
        check_choices(Config(keys={"cancel": ("x", written)}))


async def test_the_footer_shows_remapped_keys(furnished: Home) -> None:
    async with dashboard(furnished) as board:
        board.app.set_keymap({"stepflow.compare_older": "f7", "stepflow.leave_comparison": "f9"})
        await BY_NAME["compare"].visit(board)
        footer = board.text.split("\n")[-1]
        assert " f7 older " in footer
        assert footer.endswith(" f9 back")


async def test_the_footer_says_where_a_key_filters(furnished: Home) -> None:
    async with dashboard(furnished) as board:
        for name, word in (("executions", "filter"), ("steps", "search"), ("log", "search")):
            await BY_NAME[name].visit(board)
            await board.until(lambda word=word: f" / {word} " in board.text.split("\n")[-1])  # type: ignore[misc]
            await leave(board)


def pressed_somewhere() -> set[str]:
    """Keys that tests of the dashboard press, and what they type into a terminal."""
    found: set[str] = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name_of(node.func) in {"press", "send", "Stop"}:
                texts = (one for one in ast.walk(node) if isinstance(one, ast.Constant))
                found |= {str(one.value) for one in texts}
            elif isinstance(node, ast.For):  # keys that a loop presses one by one
                texts = (one for one in ast.walk(node.iter) if isinstance(one, ast.Constant))
                found |= {str(one.value) for one in texts}
    return found | {CONTROLS[text] for text in found & CONTROLS.keys()}


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_action_is_pressed_by_a_test() -> None:
    pressed = pressed_somewhere()
    keys: dict[str, set[str]] = {}
    for _, binding in our_bindings():
        own = {one.key for one in Binding.make_bindings([binding])}
        keys[binding.action] = keys.get(binding.action, set()) | own
    assert {action for action, own in keys.items() if not own & pressed} == set()


async def until_line(board: Dashboard, number: int) -> None:
    await board.until(lambda: board.log.cursor + 1 == number)


async def test_keys_of_the_log_work_from_every_pane(furnished: Home) -> None:
    for name in ("executions", "steps"):
        async with dashboard(furnished) as board:
            await BY_NAME[name].visit(board)
            await board.until_text("broken link")
            await board.press("E")
            await until_line(board, 10)
            await board.press("left_square_bracket")
            assert board.log.cursor == 8
            await board.press("M")
            assert board.messages[-1:] == ["all lines, as printed"]


def test_the_footer_is_a_part_of_the_help() -> None:
    told = {binding.id for group in keymap.HELP for binding in group.bindings}
    assert {binding.id for binding in keymap.FOOTER + keymap.FOOTER_END} <= told
