"""All keys, as data: the footer and the help are made from it. Every binding has an id."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that belong together in the help."""

    title: str
    bindings: tuple[Binding, ...]


def key(
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
        key("j,down", "cursor_down", "down", "j ↓"),
        key("k,up", "cursor_up", "up", "k ↑"),
        key("ctrl+d", "half_page_down", "half a page down", "ctrl+d"),
        key("ctrl+u", "half_page_up", "half a page up", "ctrl+u"),
        key("space,pagedown", "page_down", "a page down", "space"),
        key("b,pageup", "page_up", "a page up", "b"),
        key("g,home", "first", "to the first", "g"),
        key("G,end", "last", "to the last; in the log follow again", "G"),
    ),
)

SIDEWAYS = Group(
    "Moving in the log",
    (
        key("left,h", "sideways(-8)", "left", "← h"),
        key("right,l", "sideways(8)", "right", "→ l"),
    ),
)

STEPS = Group("Steps", (key("enter", "choose", "show its lines", "enter"),))

PANES = Group(
    "Panes",
    (
        key("tab", "next_pane", "pane", "tab", footer=True),
        key("shift+tab", "previous_pane", "previous pane", "shift+tab"),
        key("escape", "back", "one layer back", "esc"),
    ),
)

EXECUTION = Group(
    "The selected execution",
    (
        key("enter", "details", "details", "enter", footer=True),
        key("x", "cancel", "cancel", "x", footer=True),
        key("r", "rerun", "re-run", "r", footer=True),
    ),
)

LOG = Group(
    "Its log",
    (
        key("f", "follow", "follow", "f", footer=True),
        # With priority, so that text typed ahead is not taken for commands.
        key("slash", "search", "search", "/", footer=True, priority=True),
        key("n", "next_match", "next match", "n"),
        key("N", "previous_match", "previous match", "N"),
        key("w", "wrap", "wrap", "w", footer=True),
        key("t", "timestamps", "time", "t", footer=True),
        key("y", "copy", "copy line", "y", footer=True),
        key("o", "pager", "pager", "o", footer=True),
    ),
)

GENERAL = Group(
    "Program",
    (
        key("ctrl+z", "app.suspend_process", "to the shell; fg comes back", "ctrl+z"),
        key("question_mark", "help", "help", "?", footer=True),
        key("q", "quit", "quit", "q", footer=True),
    ),
)

INTERRUPT = key("ctrl+c", "interrupt", "copy the selection; twice: quit", "ctrl+c")

SCREEN = (*EXECUTION.bindings, *LOG.bindings, *PANES.bindings, *GENERAL.bindings)

CLOSE = (key("escape,q", "close", "close", "esc"),)

CONFIRM = (
    key("y", "yes", "yes", "y"),
    key("n,escape,q", "no", "no", "n"),
    key("left,h,right,l", "app.focus_next", "other button", "tab"),
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
