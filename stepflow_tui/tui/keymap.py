"""All keys, as data: the footer and the help are made from it. Every binding has an id."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that belong together in the help."""

    title: str
    bindings: tuple[Binding, ...]


def _key(
    keys: str,
    action: str,
    description: str,
    display: str,
    *,
    footer: bool = False,
    priority: bool = False,
) -> Binding:
    return Binding(
        keys,
        action,
        description,
        show=footer,
        key_display=display,
        priority=priority,
        id=f"stepflow.{action}",
    )


MOVE = Group(
    "Moving in a pane",
    (
        _key("j,down", "cursor_down", "down", "j ↓"),
        _key("k,up", "cursor_up", "up", "k ↑"),
        _key("ctrl+d", "half_page_down", "half a page down", "ctrl+d"),
        _key("ctrl+u", "half_page_up", "half a page up", "ctrl+u"),
        _key("space,pagedown", "page_down", "a page down", "space"),
        _key("b,pageup", "page_up", "a page up", "b"),
        _key("g,home", "first", "to the first", "g"),
        _key("G,end", "last", "to the last; in the log follow again", "G"),
    ),
)

SIDEWAYS = Group(
    "Moving in the log",
    (
        _key("left,h", "sideways(-8)", "left", "← h"),
        _key("right,l", "sideways(8)", "right", "→ l"),
    ),
)

STEPS = Group("Steps", (_key("enter", "choose", "show its lines", "enter"),))

PANES = Group(
    "Panes",
    (
        _key("tab", "next_pane", "pane", "tab", footer=True),
        _key("shift+tab", "previous_pane", "previous pane", "shift+tab"),
        _key("escape", "back", "one layer back", "esc"),
    ),
)

EXECUTION = Group(
    "The selected execution",
    (
        _key("enter", "details", "details", "enter", footer=True),
        _key("x", "cancel", "cancel", "x", footer=True),
        _key("r", "rerun", "re-run", "r", footer=True),
    ),
)

LOG = Group(
    "Its log",
    (
        _key("f", "follow", "follow", "f", footer=True),
        # With priority, so that text typed ahead is not taken for commands.
        _key("slash", "search", "search", "/", footer=True, priority=True),
        _key("n", "next_match", "next match", "n"),
        _key("N", "previous_match", "previous match", "N"),
        _key("w", "wrap", "wrap", "w", footer=True),
        _key("t", "timestamps", "time", "t", footer=True),
        _key("y", "copy", "copy line", "y", footer=True),
        _key("o", "pager", "pager", "o", footer=True),
    ),
)

GENERAL = Group(
    "Program",
    (
        _key("ctrl+z", "app.suspend_process", "to the shell; fg comes back", "ctrl+z"),
        _key("question_mark", "help", "help", "?", footer=True),
        _key("q", "quit", "quit", "q", footer=True),
    ),
)

INTERRUPT = _key("ctrl+c", "interrupt", "copy the selection; twice: quit", "ctrl+c")

SCREEN = (*EXECUTION.bindings, *LOG.bindings, *PANES.bindings, *GENERAL.bindings)

CLOSE = (_key("escape,q", "close", "close", "esc"),)

CONFIRM = (
    _key("y", "yes", "yes", "y"),
    _key("n,escape,q", "no", "no", "n"),
    _key("left,h,right,l", "app.focus_next", "other button", "tab"),
)

HELP = (
    PANES,
    MOVE,
    SIDEWAYS,
    STEPS,
    EXECUTION,
    LOG,
    Group(GENERAL.title, (*GENERAL.bindings, INTERRUPT)),
)
"""What the help shows, in this order."""

FOOTER = tuple(
    binding for binding in (*PANES.bindings, *EXECUTION.bindings, *LOG.bindings) if binding.show
)
FOOTER_END = tuple(binding for binding in GENERAL.bindings if binding.show)
