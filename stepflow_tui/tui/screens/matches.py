"""All matches of a search in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.content import Content
from textual.screen import ModalScreen

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.messages import Wanted
from stepflow_tui.tui.screens.help import KEY, Help
from stepflow_tui.tui.screens.once import ClosesOnce
from stepflow_tui.tui.widgets.keys_line import KeysLine
from stepflow_tui.tui.widgets.match_list import MatchList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from stepflow_tui.tui.log.interleaved import Interleaved
    from stepflow_tui.tui.log.search import LogSearch
    from stepflow_tui.tui.log.source import LogPages

_TICK_S = 1.0

BINDINGS = (
    keymap.key("enter", "go_to_match", "go there", "enter", footer=True),
    keymap.key("c", "context", "lines around", "c", footer=True),
    KEY,
    keymap.key("escape,q,L", "close", "close", "esc", footer=True),
)


class Matches(ClosesOnce, ModalScreen[int | None]):
    """Gives the index of the line that was chosen, or None.

    The search goes on behind it; the list grows with what it finds.
    """

    CSS_PATH = "matches.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)

    def __init__(
        self, log: LogPages | Interleaved, search: LogSearch, *, title: str, line: int
    ) -> None:
        """Makes the list.

        Args:
            log: where lines are read; nobody else uses it, if it is a `LogPages`.
            search: what was found, and is being found.
            title: whose log it is.
            line: the list begins at the match at this line or behind it.
        """
        super().__init__(id="matches")
        self._log = log
        self._search = search
        self._title = title
        self._line = line
        self._list = MatchList(log, search, id="match-list")

    def compose(self) -> ComposeResult:
        """The list, and its keys."""
        yield self._list
        yield KeysLine(BINDINGS, id="match-keys")

    def on_mount(self) -> None:
        """Begin where the reader is, and look again from time to time."""
        needle = clean_line(self._search.needle.text)
        self._list.border_title = Content(f"“{needle}” in {clean_line(self._title)}")
        self._list.focus()
        self._show()
        self.set_interval(_TICK_S, self._show)

    def on_resize(self) -> None:
        """Now that there is a height, the cursor can be put in view."""
        if self._list.height and self._search.matches and self._line >= 0:
            self._list.go_to(self._search.place_of(self._line))
            self._line = -1

    def _show(self) -> None:
        self._list.show()
        self._tell()
        self._read()

    def _tell(self) -> None:
        search, place = self._search, self._list.index
        total = f"{search.count:,}"
        if len(search.matches) < search.count:
            total += f", the first {len(search.matches):,} listed"
        where = f"{place + 1:,} of " if place is not None else ""
        self._list.border_subtitle = Content(f"{where}{total}" if search.count else "no match yet")

    @on(Wanted)
    def _moved(self) -> None:
        self._tell()
        self._read()

    @work(group="read", exclusive=True)
    async def _read(self) -> None:
        log, count = self._log, self._search.scanned
        if count > log.line_count:
            log.resize(count, log.byte_count)
        log.picked = self._list.wanted_lines
        try:
            await log.load(range(0))
        except StoreProblem as problem:
            self.notify(clean_line(str(problem)), severity="error", markup=False)
        else:
            self._list.repaint()

    def action_context(self) -> None:
        """Show or hide the lines around each match."""
        self._list.toggle_context()
        self._read()

    def action_go_to_match(self) -> None:
        """Go to the line at the cursor."""
        self.dismiss(self._list.line)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self, keymap.MOVE, keymap.Group("Matches", BINDINGS)))

    def action_close(self) -> None:
        """Stay where we were."""
        self.dismiss(None)
