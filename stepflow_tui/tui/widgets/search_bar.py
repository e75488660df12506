"""The line in which one types what to look for in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.log.needle import Needle, has_upper
from stepflow_tui.tui.messages import SearchChanged
from stepflow_tui.tui.widgets.bar import Bar
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from stepflow_tui.tui.widgets.line import Version


class _Text(OneLine):
    async def action_submit(self) -> None:
        """Let go of the keys at once: those that were typed ahead are commands again."""
        self.screen.set_focus(None)
        await super().action_submit()


class SearchBar(Bar):
    """Shown while something is looked for.

    Attributes:
        is_regex: what is typed is a regular expression.
        exact_case: upper and lower case differ; None if that depends on what is typed.
    """

    DEFAULT_CSS = """
    SearchBar {
        #search-mark { width: 3; padding: 0 1; }
        #search-text { width: 1fr; }
        #search-modes { width: 20%; max-width: 19; height: 1; background: $surface; }
        #search-result { height: 1; background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.SEARCH.bindings)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.is_regex = False
        self.exact_case: bool | None = None

    def content(self) -> ComposeResult:
        """A slash, the text, how it is looked for, and what came of it."""
        yield Static("/", id="search-mark")
        yield _Text("", id="search-text")
        yield Line(id="search-modes")
        result = Line(id="search-result")
        result.styles.width, result.styles.max_width = "40%", 44  # leaves room on a narrow terminal
        yield result

    @property
    def input(self) -> Input:
        """Where the text is typed."""
        return self.part("search-text", _Text)

    def needle(self) -> Needle | None:
        """What is looked for; None if nothing is.

        Raises:
            UsageProblem: what is typed is no regular expression.
        """
        text = self.input.value
        if not text:
            return None
        return Needle(text, is_regex=self.is_regex, exact_case=self.exact_case)

    def open(self) -> None:
        """Let the user type."""
        self.be_open(is_open=True)
        self.screen.set_focus(self.input)  # at once: the next keys are text, not commands
        self._show_modes()

    def close(self) -> None:
        """Go out of sight."""
        self.be_open(is_open=False)
        self.input.value = ""
        self.is_regex, self.exact_case = False, None
        self.say("")

    def say(self, text: str, *, bad: bool = False) -> None:
        """Tell what came of the search."""
        line = self.part("search-result", Line)
        line.set_parts([], [(clean_line(text), "line--warning" if bad else "line--dim"), (" ", "")])

    def _show_modes(self) -> None:
        regex, case = self.is_regex, self._tells_case_apart
        style = "line--key" if regex else "line--faint"
        words = ("regex" if regex else "plain", "exact case" if case else "any case")
        signs = (".*" if regex else "ab", "Aa" if case else "aA")
        versions: list[Version] = [
            ((), ((f" {way}", style), (f" {letters}", "line--faint")))
            for way, letters in (words, signs)
        ]
        self.part("search-modes", Line).set_versions(versions)

    @property
    def _tells_case_apart(self) -> bool:
        if self.exact_case is not None:
            return self.exact_case
        return has_upper(self.input.value, is_regex=self.is_regex)

    def action_search_regex(self) -> None:
        """Take what is typed for a regular expression, or for plain text again."""
        self.is_regex = not self.is_regex
        self._changed()

    def action_search_case(self) -> None:
        """Tell upper and lower case apart, or take them for one."""
        self.exact_case = not self._tells_case_apart
        self._changed()

    def _changed(self) -> None:
        self._show_modes()
        self.post_message(SearchChanged(self.input.value))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Highlight while typing."""
        event.stop()
        self._changed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the first match."""
        event.stop()
        self.post_message(SearchChanged(event.value, entered=True))
