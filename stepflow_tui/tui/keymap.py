"""All keys, as data: the footer and the help are made from it. Every binding has an id."""

from __future__ import annotations

from msgspec import Struct
from textual.binding import Binding


class Group(Struct, frozen=True):
    """Keys that belong together in the help.

    Attributes:
        title: heads them in the help.
        bindings: the keys.
        word: what they have to do with, for the palette.
    """

    title: str
    bindings: tuple[Binding, ...]
    word: str = ""


OPENERS = frozenset({"palette", "start", "edit_rerun", "tag", "note"})
"""Actions that open a dialog for text. As `search` their keys have priority: what is typed ahead,
or comes in one go over a slow line, must not be taken for commands."""


def key(
    keys: str,
    action: str,
    description: str,
    display: str,
    *,
    footer: bool = False,
    priority: bool = False,
    title: str = "",
) -> Binding:
    """A binding whose id is made of its action; `display` is what the footer and help call it.

    The palette calls it by its `title`, where the description needs the footer around it.
    """
    return Binding(
        keys,
        action,
        description,
        show=footer,
        key_display=display,
        priority=priority,
        tooltip=title,
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
    "moving",
)

SIDEWAYS = Group(
    "Moving in the log",
    (
        key("left,h", "sideways(-8)", "left", "← h"),
        key("right,l", "sideways(8)", "right", "→ l"),
    ),
    "log",
)

STEPS = Group("Steps", (key("enter", "choose", "show its lines", "enter"),), "steps")

LIST = Group(
    "The list",
    (
        key("S", "sort", "sort by the next column", "S"),
        key("backslash", "reverse", "turn the order round", "\\"),
        key("p", "groups", "a row for each name, with its last results", "p"),
        key("enter", "open_group", "in a row for a name: its executions", "enter"),
        key("v", "select", "select it, beside others", "v"),
        key("V", "select_none", "select none", "V"),
    ),
    "list",
)

PANES = Group(
    "Panes",
    (
        key("tab", "next_pane", "pane", "tab", footer=True, title="next pane"),
        key("shift+tab", "previous_pane", "previous pane", "shift+tab"),
        key("z", "zoom", "one pane as large as the screen", "z"),
        key("escape", "back", "one layer back", "esc"),
    ),
    "panes",
)

EXECUTION = Group(
    "The current execution, or all that are selected",
    (
        key("enter", "details", "details", "enter", footer=True),
        key("s", "start", "start a new one", "s", priority=True),
        key("x", "cancel", "cancel", "x", footer=True),
        key("X", "force_cancel", "kill at once", "X"),
        key("r", "rerun", "re-run", "r", footer=True),
        key("R", "edit_rerun", "re-run with edits", "R", priority=True),
        key("T", "tag", "tags", "T", priority=True),
        key("i", "note", "note", "i", priority=True),
        key("m", "mark", "mark: keep for good; or let go", "m"),
        key("D", "remove", "remove from the history", "D"),
    ),
    "run",
)

VIEWS = Group(
    "Other screens",
    (
        key("a", "artifacts", "artifacts of the execution", "a", footer=True),
        key("c", "compare", "compare it with the one before, or two selected", "c"),
        key("I", "interleave", "the logs of those selected as one", "I"),
        key("H", "health", "health of the home and its runner", "H"),
        key("B", "watch", "tell its end, or not", "B"),
    ),
    "screens",
)

READING = (
    key("e", "next_problem", "next error or warning", "e"),
    key("E", "previous_problem", "error or warning before", "E"),
    key("right_square_bracket", "next_step", "next step", "]"),
    key("left_square_bracket", "previous_step", "step before", "["),
    key("full_stop", "fold", "fold the step, or unfold it", "."),
    key("comma", "fold_all", "fold all steps, or unfold them", ","),
    key("M", "markers", "markers: as headings, as printed, hidden", "M"),
    key("J", "pretty", "the JSON of a line, indented", "J"),
    key("v", "select_lines", "select lines; y copies them", "v"),
)
"""What the view of the log does by itself, whichever pane has the focus."""

END_SELECTION = key("escape", "end_selection", "end the selection", "esc")

LOG = Group(
    "Its log",
    (
        key("f", "follow", "follow", "f", footer=True),
        key("slash", "search", "search", "/", footer=True, priority=True),
        key("n", "next_match", "next match", "n"),
        key("N", "previous_match", "previous match", "N"),
        key("w", "wrap", "wrap", "w", footer=True),
        key("t", "timestamps", "time", "t", footer=True),
        key("y", "copy", "copy line", "y", footer=True),
        key("o", "pager", "pager", "o", footer=True),
        *READING,
        key("ampersand", "sift", "only lines with it, only those without, all", "&"),
        key("L", "matches", "list all matches", "L"),
        key("O", "editor", "in your editor", "O"),
        key("W", "save", "save to a file", "W"),
    ),
    "log",
)

WORDS_IN_LIST = {"stepflow.search": "filter"}
"""What the footer calls keys that do something else while the focus is in the list, by their id."""

SEARCH = Group(
    "While searching",
    (
        key("ctrl+r", "search_regex", "regular expression, or plain text", "ctrl+r"),
        key("ctrl+t", "search_case", "exact case, or any", "ctrl+t"),
    ),
    "search",
)

GENERAL = Group(
    "Program",
    (
        key("ctrl+p,colon", "palette", "commands", ":", footer=True, priority=True),
        key("ctrl+l", "app.redraw", "draw the screen anew", "ctrl+l"),
        key("ctrl+z", "app.suspend_process", "to the shell; fg comes back", "ctrl+z"),
        key("question_mark", "help", "help", "?", footer=True),
        key("q", "quit", "quit", "q", footer=True),
    ),
    "program",
)

INTERRUPT = key("ctrl+c", "interrupt", "copy the selection; twice: quit", "ctrl+c")

SCREEN = tuple(
    binding for group in (EXECUTION, VIEWS, LOG, PANES, GENERAL) for binding in group.bindings
)

CLOSE = (key("escape,q", "close", "close", "esc"),)

PALETTE = (
    key("escape", "close", "close", "esc"),
    key("down,ctrl+n", "down", "down", "↓", priority=True),
    key("up,ctrl+p", "up", "up", "↑", priority=True),
    key("pagedown", "page_down", "a page down", "pgdn", priority=True),
    key("pageup", "page_up", "a page up", "pgup", priority=True),
)

CONFIRM = (
    key("y", "yes", "yes", "y"),
    key("n,escape,q", "no", "no", "n"),
    key("left,h,right,l", "app.focus_next", "other button", "tab"),
)

FORM = (
    key("ctrl+enter,ctrl+s", "submit", "done", "ctrl+s"),
    key("escape", "leave", "close", "esc"),
)

COMPLETING = (
    key("down", "choose_candidate(1)", "next offer", "↓"),
    key("up", "choose_candidate(-1)", "offer before", "↑"),
    key("tab", "complete", "complete, or next field", "tab"),
    key("enter", "take_candidate", "take the offer, or next field", "enter"),
    key("escape", "close_candidates", "close the offers", "esc"),
)

HELP = (
    PANES,
    MOVE,
    LIST,
    SIDEWAYS,
    STEPS,
    EXECUTION,
    VIEWS,
    LOG,
    SEARCH,
    Group(GENERAL.title, (*GENERAL.bindings, INTERRUPT), GENERAL.word),
)
"""What the help shows, in this order."""

FOOTER = tuple(
    binding for binding in (*PANES.bindings, *EXECUTION.bindings, *LOG.bindings) if binding.show
)
FOOTER_END = tuple(binding for binding in GENERAL.bindings if binding.show)
