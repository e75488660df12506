"""The screen with the three panes."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.actions import SkipAction
from textual.app import SuspendNotSupported
from textual.constants import MAX_FPS
from textual.containers import Container
from textual.screen import Screen

from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import NoDatabase, StepflowError, StoreProblem
from stepflow_tui.core.text import clean_line, plain
from stepflow_tui.store import queries
from stepflow_tui.tui import keymap, pager
from stepflow_tui.tui.clock import execution_time
from stepflow_tui.tui.finder import Finder
from stepflow_tui.tui.live import Window
from stepflow_tui.tui.messages import (
    ExecutionHighlighted,
    LogMoved,
    SearchChanged,
    StepHighlighted,
    Wanted,
)
from stepflow_tui.tui.pump import Pump
from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.screens.details import Details
from stepflow_tui.tui.screens.help import Help
from stepflow_tui.tui.widgets.executions import Executions
from stepflow_tui.tui.widgets.key_bar import KeyBar
from stepflow_tui.tui.widgets.log_view import LogView
from stepflow_tui.tui.widgets.notice import Notice
from stepflow_tui.tui.widgets.pane import Pane
from stepflow_tui.tui.widgets.search_bar import SearchBar
from stepflow_tui.tui.widgets.status_bar import REST, Rest, StatusBar
from stepflow_tui.tui.widgets.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus
    from textual.timer import Timer

    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.log_search import LogSearch
    from stepflow_tui.tui.orders import Orders

_WIDTHS = [(0, "-narrow"), (60, "-medium"), (100, "-wide")]
_HEIGHTS = [(0, "-low"), (18, "-high")]
_PANES = ("executions", "steps", "log")
_BUSY_TICK_S, _IDLE_TICK_S = 1.0, 5.0
_ACCEPTED_WITHIN_S, _ACCEPTED_POLL_S = 5.0, 0.05
_CLIPBOARD_BYTES = 74_000
"""What terminals and tmux take in one OSC 52 sequence."""

_ABOVE_A_MATCH = 5


class MainScreen(Screen[None]):
    """Executions, the steps of the selected one, and its log."""

    AUTO_FOCUS = "#executions"
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.SCREEN)
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(self, root: Path, feed: Feed, live: Live, orders: Orders) -> None:
        """Makes the screen.

        Args:
            root: of the home, to be named.
            feed: where everything is read.
            live: what is shown; it may have been refreshed already.
            orders: where everything is asked for.
        """
        super().__init__(id="main", classes=f"-at-{_PANES[0]}")
        self._pane = _PANES[0]
        self._root = root
        self._feed = feed
        self._live = live
        self._orders = orders
        self._finder = Finder(feed)
        self._pump = Pump(feed, live, window=self._window, show=self._show, floor_s=0.5 / MAX_FPS)
        self._runner: RunnerIdentity | Rest | None = None
        self._counted: LogSearch | None = None
        self._busy = False
        self._clock: Timer | None = None
        self._executions = Executions(id="executions")
        self._steps = Steps(id="steps")
        self._log = LogView(id="log")
        self._notice = Notice(id="notice", markup=False)
        self._status = StatusBar(id="status")

    def compose(self) -> ComposeResult:
        """The panes, or what stands in their place, above three lines."""
        with Container(id="body"):
            with Container(id="lists"):
                yield self._executions
                yield self._steps
            yield self._log
        yield self._notice
        yield SearchBar(id="search")
        yield self._status
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Show what was read already, and begin to follow."""
        self._show(self._feed.problem)
        self.run_worker(self._pump.listen(), group="listen")
        self.run_worker(self._pump.run(), group="refresh")

    # What is shown

    def _window(self) -> Window:
        rows, height = self._executions.visible_rows, self._executions.height
        return Window(
            rows=range(max(0, rows.start - height), rows.start + 2 * max(1, height)),
            lines=self._log.wanted_lines,
            follow=self._log.follow,
        )

    def _show(self, problem: StoreProblem | None) -> None:
        live = self._live
        self._set_pace(busy=live.unfinished > 0)
        if self._show_notice(problem):
            return
        if self._finder.search is None or self._finder.search.number != live.number:
            self._finder.turn_to(live.number)
        self._executions.show(live.executions, live.number)
        self._steps.show(live.selected, live.steps)
        self._log.show(live.log, live.selected)
        self._show_status()
        self._count_matches()

    def _show_notice(self, problem: StoreProblem | None) -> bool:
        """Whether there is nothing else to show."""
        notice = self._notice
        nothing = problem is not None or self._live.executions.total == 0
        self.set_class(nothing, "-nothing")
        if isinstance(problem, NoDatabase) or (nothing and problem is None):
            notice.say_empty(self._root)
        elif problem is not None:
            notice.say_problem(problem)
        if nothing:
            self._show_status()
        return nothing

    def _show_status(self) -> None:
        live = self._live
        self._status.show(
            live.counts,
            runner=self._runner,
            execution=live.selected,
            log=self._log,
        )

    def _set_pace(self, *, busy: bool) -> None:
        """Be quick while something runs; nothing moves in the meantime."""
        self._feed.quick = busy
        if self._clock is None or busy != self._busy:
            if self._clock is not None:
                self._clock.stop()
            period = _BUSY_TICK_S if busy else _IDLE_TICK_S
            self._busy, self._clock = busy, self.set_interval(period, self._tick, name="clock")
            self._tick()

    def _tick(self) -> None:
        """Move the clocks on, and look for the runner."""
        self._executions.repaint()
        self._steps.repaint()
        self.run_worker(self._look_for_runner(), group="runner", exclusive=True)

    async def _look_for_runner(self) -> None:
        try:
            self._runner = await asyncio.to_thread(self._orders.runner) or REST
        except StepflowError:
            self._runner = None
        self._show_status()

    @on(Wanted)
    def _read_more(self) -> None:
        self._pump.wake()

    @on(LogMoved)
    def _log_moved(self) -> None:
        self._show_status()
        self._show_matches()

    @on(ExecutionHighlighted)
    def _select(self, message: ExecutionHighlighted) -> None:
        if message.number != self._live.number:
            self._live.select(message.number)
            self._log.follow = True
            self._pump.wake()

    @on(StepHighlighted)
    def _show_step(self, message: StepHighlighted) -> None:
        self._log.jump(message.step.first_line - 1, above=1)
        if message.chosen:
            self._go_to("log")

    # Panes

    @property
    def _shows_one_pane(self) -> bool:
        return self.has_class("-narrow") or self.has_class("-low")

    def _go_to(self, pane: str) -> None:
        self._note_pane(pane)
        self.set_focus(self.query_one(f"#{pane}", Pane))

    def _note_pane(self, pane: str) -> None:
        self.remove_class(f"-at-{self._pane}")
        self.add_class(f"-at-{pane}")
        self._pane = pane

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A click may have brought us to another pane."""
        if event.widget.id in _PANES:
            self._note_pane(event.widget.id)

    def _turn(self, by: int) -> None:
        self._go_to(_PANES[(_PANES.index(self._pane) + by) % len(_PANES)])

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._turn(1)

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self._turn(-1)

    def action_back(self) -> None:
        """Undo one layer: the search, the selection, the pane; never the program."""
        search = self.query_one(SearchBar)
        if search.is_open:
            self._end_search()
        elif self.selections:
            self.clear_selection()
        elif self._shows_one_pane:
            self._go_to("executions")

    # The log

    def action_follow(self) -> None:
        """Follow the log, or stop following."""
        if self._log.follow:
            self._log.follow = False
            self._log_moved()
        else:
            self._log.resume()
            self._steps.forget_cursor()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self._log.toggle_wrap()

    def action_timestamps(self) -> None:
        """No times, since the start, by the clock."""
        self._log.cycle_timestamps()

    def action_copy(self) -> None:
        """Copy the current line."""
        line = self._log.current
        if line is None:
            self._say("there is no line to copy")
        else:
            self._copy(plain(line.text), "the head of a long line: " if line.truncated else "")

    def action_copy_text(self) -> None:
        """Copy what is marked; ctrl+c goes on to the program if nothing is."""
        text = self.get_selected_text()
        if text is None:
            raise SkipAction
        self._copy(text)
        self.clear_selection()

    def _copy(self, text: str, what: str = "") -> None:
        if len(text.encode()) > _CLIPBOARD_BYTES:
            self._say("too long for a terminal's clipboard; o opens the log in a pager", bad=True)
        else:
            self.app.copy_to_clipboard(text)
            self._say(
                f"{what}sent {len(text):,} characters to the terminal's clipboard (OSC 52); "
                "if nothing arrives, press o"
            )

    @work(group="pager", exclusive=True)
    async def action_pager(self) -> None:
        """Show the log in the user's pager."""
        number = self._live.number
        if number is None:
            return
        try:
            async with pager.log_file(self._feed, number) as path:
                problem = self._run_pager(path)
        except (StepflowError, OSError, SuspendNotSupported) as error:
            problem = str(error)
        if problem is not None:
            self._say(f"no pager: {problem}", bad=True)

    def _run_pager(self, path: Path) -> str | None:
        command = pager.pager_command(os.environ, path, self._log.cursor + 1)
        with self.app.suspend():
            return pager.run_pager(command)

    # Searching the log

    def action_search(self) -> None:
        """Type what to look for."""
        search = self.query_one(SearchBar)
        if self.focused is search.input:
            raise SkipAction  # a slash to look for
        search.open()

    @on(SearchChanged)
    def _search(self, message: SearchChanged) -> None:
        self._finder.begin(message.text, self._live.number)
        needle = self._finder.needle
        self._log.set_pattern(needle.pattern if needle else None)
        self._count_matches()
        self._show_matches()
        if message.entered and needle:
            self._go_to("log")
            self._find(backward=self._log.follow, here=True)
        elif message.entered:
            self._end_search()

    def _end_search(self) -> None:
        self._finder.begin("", None)
        self.workers.cancel_group(self, "count")
        self._log.set_pattern(None)
        self.query_one(SearchBar).close()
        self._go_to("log")

    def action_next_match(self) -> None:
        """To the next match."""
        self._find(backward=False)

    def action_previous_match(self) -> None:
        """To the match before."""
        self._find(backward=True)

    @work(group="find", exclusive=True)
    async def _find(self, *, backward: bool, here: bool = False) -> None:
        """Go to a match; with `here` the current line may be it."""
        bar, log = self.query_one(SearchBar), self._log
        if self._finder.needle is None:
            bar.open()
            return
        start = log.cursor if not here else log.cursor + (1 if backward else -1)
        try:
            hit = await self._finder.find(start, log.view.count, backward=backward)
        except StoreProblem as problem:
            bar.say(str(problem), bad=True)
            return
        if hit is None:
            bar.say("not found", bad=True)
            return
        log.jump(hit.line, above=_ABOVE_A_MATCH)
        if hit.wrapped:
            self._say("the search went on from the " + ("end" if backward else "beginning"))

    def _count_matches(self) -> None:
        search = self._finder.search
        if search is None or search is self._counted or search.is_capped:
            return
        if search.scanned < self._log.view.count:
            self._counted = search
            self._count(search)

    @work(group="count", exclusive=True)
    async def _count(self, search: LogSearch) -> None:
        try:
            await search.scan(self._log.view.count)
        except StoreProblem as problem:
            self.query_one(SearchBar).say(str(problem), bad=True)
        else:
            self._show_matches()
        finally:
            if self._counted is search:
                self._counted = None

    def _show_matches(self) -> None:
        if self._finder.search is not None:
            summary = self._finder.summary(self._log.cursor, self._log.view.count)
            self.query_one(SearchBar).say(summary)

    # The selected execution

    @work(group="details", exclusive=True)
    async def action_details(self) -> None:
        """Show all that is known of the execution."""
        execution = self._live.selected
        if execution is None:
            return
        try:
            artifacts = await self._feed.all(queries.artifacts(execution.number))
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
        else:
            self.app.push_screen(Details(execution, artifacts))

    @work(group="cancel", exclusive=True)
    async def action_cancel(self) -> None:
        """Stop the execution, if the user is sure."""
        execution = self._live.selected
        if execution is None:
            return
        name = f"#{execution.number} {clean_line(execution.name)}"
        if execution.status.is_final:
            self._say(f"{name} has ended already")
        elif await self.app.push_screen_wait(_cancel_question(execution, name)):
            await self._cancel(execution, name)

    async def _cancel(self, execution: Execution, name: str) -> None:
        try:
            found = await self._feed.first(queries.execution(execution.number))
            if found is None or found.status.is_final:
                self._say(f"{name} has ended meanwhile")
                return
            await asyncio.to_thread(self._orders.cancel, execution)
        except StepflowError as error:
            self._say(str(error), bad=True)
        else:
            self._say(f"asked the runner to stop {name}")

    @work(group="rerun")
    async def action_rerun(self) -> None:
        """Run the same command once more, and turn to it."""
        execution = self._live.selected
        if execution is None:
            return
        try:
            request = await asyncio.to_thread(self._orders.rerun, execution)
            number = await self._number_of(request)
        except StepflowError as error:
            self._say(str(error), bad=True)
            return
        if number is None:
            self._say(f"submitted as {request.id}; it starts as soon as a runner is up")
            return
        self._say(f"#{execution.number} runs again as #{number}")
        if self._live.number == execution.number:
            await self._pump.refreshed()
            self._executions.move_cursor(await self._place_of(number))

    async def _number_of(self, request: RunRequest) -> int | None:
        """The number that the runner gives to a request; None if it takes its time."""
        for _ in range(round(_ACCEPTED_WITHIN_S / _ACCEPTED_POLL_S)):
            found = await self._feed.first(queries.executions_with_prefix(request.id))
            if found is not None:
                return found.number
            refusal = self._orders.refusal(request)
            if refusal is not None:
                raise StepflowError(refusal)
            await asyncio.sleep(_ACCEPTED_POLL_S)
        return None

    async def _place_of(self, number: int) -> int:
        place = self._live.executions.index_of(number)
        if place is None:
            place = await self._feed.first(queries.newer_count(number))
        return place or 0

    # The program

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help())

    def action_quit(self) -> None:
        """Leave; runs go on."""
        self.app.exit()

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.notify(clean_line(text), severity="error" if bad else "information", markup=False)


def _cancel_question(execution: Execution, name: str) -> Confirm:
    elapsed = execution_time(execution, now())
    state = f"has been running for {elapsed}" if elapsed else "has not started yet"
    return Confirm(
        f"Cancel {name}?",
        f"{name} {state}.\nIt is stopped with all its processes.",
        yes="Stop it",
        no="Let it run",
    )
