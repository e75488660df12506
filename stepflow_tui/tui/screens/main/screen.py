"""The screen with the three panes."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container
from textual.widgets import Input

from stepflow_tui.core.errors import NoDatabase, StepflowError, StoreProblem
from stepflow_tui.core.models import Status
from stepflow_tui.tui import keymap
from stepflow_tui.tui.active_keys import keys_anywhere
from stepflow_tui.tui.messages import LogMoved, Wanted
from stepflow_tui.tui.screens.main.list_actions import ListActions
from stepflow_tui.tui.screens.main.log_actions import LogActions
from stepflow_tui.tui.screens.main.palette_actions import PaletteActions
from stepflow_tui.tui.screens.main.panes import Panes
from stepflow_tui.tui.screens.main.remembering import Remembering
from stepflow_tui.tui.screens.main.run_actions import RunActions
from stepflow_tui.tui.screens.main.views import Views
from stepflow_tui.tui.widgets.key_bar import KeyBar
from stepflow_tui.tui.widgets.notice import Notice
from stepflow_tui.tui.widgets.search_bar import SearchBar
from stepflow_tui.tui.widgets.status_bar import REST, Rest, StatusBar

if TYPE_CHECKING:
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.dom import DOMNode
    from textual.events import ScreenResume
    from textual.geometry import Size
    from textual.timer import Timer

    from stepflow_tui.core.config import Config
    from stepflow_tui.core.models import Step
    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.notify.notifications import Notifications
    from stepflow_tui.tui.orders import Orders

_WIDTHS = [(0, "-narrow"), (60, "-medium"), (100, "-wide")]
_HEIGHTS = [(0, "-low"), (18, "-high"), (40, "-tall")]
_BUSY_TICK_S, _IDLE_TICK_S = 1.0, 5.0

_COUNT_S = 0.25
_SETTLE_S = 0.5


class MainScreen(
    ListActions, LogActions, RunActions, PaletteActions, Views, Remembering, Panes, is_whole=True
):
    """Executions, the steps of the selected one, and its log."""

    AUTO_FOCUS = "#executions"
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.SCREEN)
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(
        self,
        root: Path,
        feed: Feed,
        live: Live,
        orders: Orders,
        *,
        notifications: Notifications,
        config: Config,
    ) -> None:
        """Makes the screen.

        Args:
            root: of the home, to be named.
            feed: where everything is read.
            live: what is shown; it may have been refreshed already.
            orders: where everything is asked for.
            notifications: where the ends of runs are told.
            config: what the user has chosen.
        """
        super().__init__(feed, live, orders)
        self._executions.columns = config.columns
        self._root = root
        self._notifications = notifications
        self._runner: RunnerIdentity | Rest | None = None
        self._busy = False
        self._was_left = False
        self._turned = asyncio.Event()
        self._opens_at_error = False
        self._problems = (0, 0)
        self._has_said_so = False
        self._standing: tuple[int, StoreProblem | None] | None = None
        self._counted_at = 0.0
        self._clock: Timer | None = None
        self._notice = Notice(id="notice", markup=False)
        self._status = StatusBar(id="status")

    def compose(self) -> ComposeResult:
        """The panes, or what stands in their place, above three lines."""
        self._fit_to(self.app.size)
        yield self._header
        with Container(id="body"):
            with Container(id="lists"):
                yield self._executions
                yield self._steps
            yield self._log
        yield self._notice
        yield self._filter
        yield SearchBar(id="search")
        yield self._status
        yield KeyBar(id="keys")

    def _fit_to(self, size: Size) -> None:
        """Look from the beginning as Textual would have it after the first frame."""
        for least, extent in ((_WIDTHS, size.width), (_HEIGHTS, size.height)):
            self.add_class([name for bound, name in least if bound <= extent][-1], update=False)

    def on_screen_resume(self, event: ScreenResume) -> None:
        """The first time all styles are new."""
        event.refresh_styles &= self._was_left
        self._was_left = True

    def on_mount(self) -> None:
        """Show what was read already, and then begin to follow."""
        self._show(self._feed.problem)
        self.call_after_refresh(self._begin)
        self._restore_layout()

    def _begin(self) -> None:
        self.run_worker(self._pump.listen(), group="listen")
        self.run_worker(self._pump.run(), group="refresh")
        self.run_worker(self._samples.run(), group="samples")

    # What is shown

    def _show(self, problem: StoreProblem | None) -> None:
        if self._log.is_running:  # else the program ends
            self.draw_together(lambda: self._show_parts(problem))

    def _show_parts(self, problem: StoreProblem | None) -> None:
        live, standing = self._live, (self._live.edition, problem)
        is_other, self._standing = standing != self._standing, standing
        if is_other:
            self._set_pace(busy=live.unfinished > 0)
            self._show_notice(problem)
        if self.has_class("-nothing"):
            return
        if is_other:
            self._show_list()
        self._finder.turn_to(live.log)
        self._log.show(live.log, live.selected, live.steps)
        if is_other:
            self._steps.show(live.selected, live.steps, self._log.marks)
            self._notifications.note(live)
        if is_other or self._is_count_due:
            self._show_status()
        self._show_matches()
        self._count_problems()
        self._count_matches()
        if self._opens_at_error:
            self._open_at_error()
        if live.is_read:
            self._turned.set()

    async def settle(self, namespace: DOMNode | None) -> None:
        """Wait until the log that was turned to is shown, for what would act on the one before.

        The list itself may be moved through as quickly as one likes.
        """
        if self._live.is_read or namespace is self._executions or self.has_class("-nothing"):
            return
        self._turned.clear()
        with suppress(TimeoutError):  # a database that does not answer must not hold up `q`
            await asyncio.wait_for(self._turned.wait(), _SETTLE_S)

    def _show_notice(self, problem: StoreProblem | None) -> None:
        """Show what is wrong, or that there is nothing; both in place of the panes."""
        notice = self._notice
        nothing = problem is not None or self._live.total == 0
        self.set_class(nothing, "-nothing")
        if isinstance(problem, NoDatabase) or (nothing and problem is None):
            notice.say_empty(self._root)
        elif problem is not None:
            notice.say_problem(problem)
        if nothing:
            self._show_status()

    def _show_status(self) -> None:
        live, self._counted_at = self._live, time.monotonic()
        self._status.show(
            live.counts,
            counted_above=self._header.display,
            runner=self._runner,
            ended=self._log_has_ended,
            log=self._log,
        )

    @property
    def _is_count_due(self) -> bool:
        """A log that is followed is counted as often as one can read; the clock tells the last."""
        is_ticking = self._busy and self._log.follow
        return not is_ticking or time.monotonic() - self._counted_at >= _COUNT_S

    @property
    def _log_has_ended(self) -> bool | None:
        """Whether no more lines come; None if there is no log."""
        live = self._live
        if live.is_interleaved:
            return not live.unfinished
        return None if live.selected is None else live.selected.status.is_final

    def _set_pace(self, *, busy: bool) -> None:
        """Be quick while something runs; nothing moves in the meantime."""
        self._feed.quick = busy
        if self._clock is None or busy != self._busy:
            if self._clock is not None:
                self._clock.stop()
                self._samples.hurry()  # they begin behind the first screen, as the clock does
            period = _BUSY_TICK_S if busy else _IDLE_TICK_S
            self._busy, self._clock = busy, self.set_interval(period, self._tick, name="clock")
            self.call_after_refresh(self._tick)

    def _tick(self) -> None:
        """Move the clocks on, and look for the runner."""
        self._executions.repaint()
        self._steps.repaint()
        self._log.repaint()  # the headings of steps that run
        self._sample()
        self._look_at_processes()
        self.run_worker(self._look_for_runner(), group="runner", exclusive=True)

    async def _look_for_runner(self) -> None:
        try:
            self._runner = await asyncio.to_thread(self._orders.runner) or REST
            await self._notifications.look(self._feed)
            self._notifications.note(self._live)
        except StepflowError:
            self._runner = None
        self._show_status()
        self._say_without_events()

    def _say_without_events(self) -> None:
        """Say once that the database is polled, and why."""
        reason = self._feed.without_events
        if reason and not self._has_said_so:
            self.notify(
                f"no file events ({reason}): the dashboard looks for changes by a timer",
                severity="warning",
                markup=False,
            )
        self._has_said_so |= bool(reason)

    @on(LogMoved)
    def _count_problems(self) -> None:
        """More of the log was looked through: the steps say what it holds."""
        marks = self._log.marks
        found = (len(marks.errors), len(marks.warnings)) if marks else (0, 0)
        if found != self._problems:
            self._problems = found
            self._steps.repaint()

    @on(Wanted)
    def _read_more(self) -> None:
        self._pump.wake()

    def _select(self, number: int) -> None:
        if number != self._live.number:
            self._live.select(number)
            self._log.follow = True
            self._opens_at_error = True
            self._pump.wake()

    def _open_step(self, step: Step) -> None:
        """Show its first line, or if it failed its last one with what led there."""
        if step.status is Status.FAILED and step.last_line is not None:
            self._log.jump(step.last_line - 1, above=max(1, self._log.height * 2 // 3))
        else:
            self._log.jump(step.first_line - 1, above=1)

    def _open_at_error(self) -> None:
        """What was turned to has failed in a step: show where, once all of it is read."""
        execution, steps = self._live.selected, self._live.steps
        if execution is None or execution.number != self._live.number:
            return
        if not execution.status.is_final:
            self._opens_at_error = False
        elif len(steps) >= execution.step_count and self._log.view.count:
            self._opens_at_error = False
            failed = [step for step in steps if step.status is Status.FAILED]
            if failed and execution.status is Status.FAILED:
                self._steps.cursor = steps.index(failed[0])
                self._steps.repaint()
                self._open_step(failed[0])

    # The program

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that opens a dialog is text while one types."""
        if action in keymap.OPENERS and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """A key that is no text, and for which the line has no use, opens its dialog after all."""
        if not isinstance(self.focused, Input) or event.is_printable:
            return
        openers = [binding for binding in keymap.SCREEN if binding.action in keymap.OPENERS]
        keys = keys_anywhere(self.app, openers)
        for binding in openers:
            if event.key in keys.get(binding.id or "", ()):
                event.stop()
                getattr(self, f"action_{binding.action}")()

    def action_back(self) -> None:
        """Undo one layer: the search, the selection, the pane; never the program."""
        search = self.query_one(SearchBar)
        if search.is_open:
            self._end_search()
        elif self._log.clear_filter():
            self._go_to("log")
        elif self._live.is_interleaved:
            self._turn_to_one()
        elif self._is_filtered:
            self._end_filter()
        elif self.selections:
            self.clear_selection()
        elif self._executions.selected:
            self._executions.action_select_none()
        elif self.has_class("-zoomed"):
            self.action_zoom()
        elif self._shows_one_pane:
            self._go_to("executions")

    def action_search(self) -> None:
        """In the list type which executions to show, elsewhere what to look for in the log."""
        if self._executions.has_focus or self.focused is self._filter.input:
            self.action_filter()
        else:
            super().action_search()

    def action_help(self) -> None:
        """Show the keys."""
        from stepflow_tui.tui.screens.help import Help

        self.app.push_screen(Help(self))

    def action_quit(self) -> None:
        """Leave; runs go on."""
        self.app.exit()
