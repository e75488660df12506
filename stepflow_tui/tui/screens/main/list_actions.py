"""What one can do with the list of executions, and the header above it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import on, work
from textual.actions import SkipAction

from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.filters import (
    ALL,
    Filter,
    FilterProblem,
    Key,
    Term,
    filter_text,
    parse_filter,
    parse_typed,
)
from stepflow_tui.store import listing, queries
from stepflow_tui.tui.executions.view import PLAIN, View
from stepflow_tui.tui.messages import FilterChanged, FilterClosed, GroupChosen, ViewWanted
from stepflow_tui.tui.screens.main.monitor import Monitor
from stepflow_tui.tui.vitals.activity import Activity
from stepflow_tui.tui.widgets.filter_bar import FilterBar
from stepflow_tui.tui.widgets.header import Header

if TYPE_CHECKING:
    from textual.timer import Timer

    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.orders import Orders

_SAMPLE_MS = 1_900
_SOON_S = 0.05
_ROOM_TO_TYPE = 40


class ListActions(Monitor):
    """Filtering, sorting, grouping."""

    def __init__(self, feed: Feed, live: Live, orders: Orders) -> None:
        super().__init__(feed, live, orders)
        self._activity = Activity(feed)
        self._header = Header(id="header")
        self._filter = FilterBar(id="filter")
        self._filter_problem = ""
        self._groups: View | None = None
        self._catch_up: Timer | None = None

    def _show_list(self) -> None:
        """Show what is listed, and of how many."""
        live = self._live
        self._executions.show(live.executions, live.number, live.usual)
        self._show_filter()
        self._follow_up()

    def _follow_up(self) -> None:
        """See to it that a list that is not up to date yet will be."""
        behind_s = self._live.executions.behind_s
        if self._catch_up is not None:
            self._catch_up.stop()
            self._catch_up = None
        if behind_s is not None:
            self._catch_up = self.set_timer(max(_SOON_S, behind_s), self._pump.wake)

    def _look(self, view: View) -> None:
        self._live.look(view)
        self._pump.wake()

    @on(ViewWanted)
    def _arrange(self, message: ViewWanted) -> None:
        self._groups = None
        self._look(message.view)

    @on(GroupChosen)
    def _open_group(self, message: GroupChosen) -> None:
        """List the runs of a name; escape comes back to the names."""
        self._groups = self._live.view
        others = [term for term in self._groups.wanted.terms if term.key is not Key.NAME]
        wanted = Filter((*others, Term(Key.NAME, message.name, exact=True)))
        self._filter.fill(filter_text(wanted))
        self._look(View(wanted))

    async def _place_of(self, number: int) -> int:
        """Where an execution stands; a filter or an arrangement that hides it is let go."""
        place = await self._live.place_of(number)
        if place is None:
            self._live.hurry()
            await self._pump.refreshed()
            place = await self._live.place_of(number)
        if place is None:
            self._groups = None
            self._filter.close()
            self._live.look(PLAIN)
            await self._pump.refreshed()
            place = await self._live.place_of(number)
        return place or 0

    # The filter

    def _fill_filter(self, text: str) -> None:
        self._filter.fill(text)

    @property
    def _is_filtered(self) -> bool:
        return self._filter.is_open

    def action_filter(self) -> None:
        """Type which executions to list."""
        if self.focused is self._filter.input:
            raise SkipAction  # a slash to look for
        self._filter.open()
        self._learn_words()

    @work(group="words", exclusive=True)
    async def _learn_words(self) -> None:
        """Read what can be completed."""
        with suppress(StoreProblem):
            self._filter.known = {
                Key.TAG: await self._feed.all(queries.tags()),
                Key.NAME: await self._feed.all(listing.recent_names()),
                Key.USER: await self._feed.all(listing.recent_users()),
            }
            self._show_filter()

    @on(FilterChanged)
    def _change_filter(self, message: FilterChanged) -> None:
        try:
            wanted = self._read_filter(message)
        except FilterProblem as problem:
            self._filter_problem = str(problem)
        else:
            self._filter_problem = ""
            self._look(replace(self._live.view, wanted=wanted))
        self._show_filter()
        if message.entered and self._filter_problem:
            self._filter.open()
        elif message.entered:
            self._go_to("executions")
            if not message.text.strip():
                self._filter.close()

    def _read_filter(self, message: FilterChanged) -> Filter:
        if message.entered:
            return parse_filter(message.text)
        return parse_typed(message.text, self._filter.known)

    @on(FilterClosed)
    def _end_filter(self) -> None:
        """List all again, or the names from which we came."""
        view = self._groups or replace(self._live.view, wanted=ALL)
        self._groups, self._filter_problem = None, ""
        if view.wanted.terms:
            self._filter.fill(filter_text(view.wanted))
        else:
            self._filter.close()
        self._look(view)
        self._go_to("executions")

    def _show_filter(self) -> None:
        """Say how many pass the filter, or what is wrong with it."""
        bar = self._filter
        if not bar.is_open:
            return
        if self._filter_problem:
            bar.say(self._filter_problem, bad=True)
            return
        executions = self._live.executions
        told = [f"{executions.total:,} of {self._live.total:,}"]
        if self._live.view.grouped:
            told = [f"{executions.total:,} names"]
        if self.focused is bar.input and (
            candidates := bar.candidates((self.size.width - _ROOM_TO_TYPE) // 2)
        ):
            told.insert(0, f"tab: {candidates}")
        bar.say("  ".join(told) if executions.is_read else "")

    # The header

    def _sample(self) -> None:
        """Bring the header up to date, unless it was a moment ago, or nothing goes on."""
        activity, moment = self._activity, now()
        is_quiet = activity.is_flat and not self._live.unfinished
        if is_quiet and activity.counts == self._live.counts:
            return
        is_due = moment.wall_ms - activity.now_ms >= _SAMPLE_MS
        if is_due or not self._live.unfinished:  # at rest the next look is some seconds away
            self._take_sample()

    @work(group="sample", exclusive=True)
    async def _take_sample(self) -> None:
        with suppress(StoreProblem):  # the panes tell of it
            await self._activity.sample(self._live.counts, now())
            self._header.show(self._activity)
