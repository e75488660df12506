"""A line to type in that offers how it may go on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from textual import work
from textual.actions import SkipAction
from textual.content import Content
from textual.widgets import OptionList

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.binding import BindingType

_OFFERED = 8


class Candidate(Struct, frozen=True):
    """What the line may become.

    Attributes:
        text: of the whole line.
        note: what is shown beside it.
        cwd: the directory that belongs to it; None where any does.
    """

    text: str
    note: str = ""
    cwd: str | None = None


class Completing(OneLine):
    """Shows candidates below while one types: tab completes, the arrows choose, enter takes."""

    BINDINGS: ClassVar[list[BindingType]] = list(keymap.COMPLETING)

    def __init__(
        self,
        value: str,
        *,
        id: str,  # noqa: A002 - Textual's name for it
        complete: Callable[[str], Sequence[str]],
        recall: Callable[[str], Sequence[Candidate]] = lambda _: (),
        taken: Callable[[Candidate], object] = lambda _: None,
    ) -> None:
        """Makes the line.

        Args:
            value: what stands in it.
            id: of the widget.
            complete: texts that the line may become; may block, so it is called in a thread.
            recall: what was typed before and is like it; must be quick.
            taken: called with a candidate that the user has chosen.
        """
        super().__init__(value, id=id)
        self._complete = complete
        self._recall = recall
        self._taken = taken
        self._offers: list[Candidate] = []
        self._settled = value
        self.candidates = Candidates(id=f"{id}-candidates")

    @property
    def is_offering(self) -> bool:
        """Whether candidates are to be seen."""
        return self.candidates.has_class("-open")

    def on_input_changed(self) -> None:
        """Offer what the line may become, but not what it was just made to be."""
        if self.value != self._settled and self.has_focus:
            self._settled = self.value
            self._offer()

    def on_blur(self) -> None:
        """Nobody types here any more."""
        self._show([])

    @work(group="candidates", exclusive=True)
    async def _offer(self, *, even_empty: bool = False) -> None:
        text = self.value
        offers = list(self._recall(text)) if text or even_empty else []
        offers += [Candidate(found) for found in await self._completions(text)]
        if text == self.value and self.has_focus:
            self._show([offer for offer in offers if offer.text != text][:_OFFERED])

    async def _completions(self, text: str) -> Sequence[str]:
        if not text or self.cursor_position != len(text):
            return []
        return await asyncio.to_thread(self._complete, text)

    def _show(self, offers: list[Candidate]) -> None:
        if offers != self._offers:
            self._offers = offers
            self.candidates.show(offers)

    def action_choose_candidate(self, by: int) -> None:
        """Choose another one; without any, show what was typed before."""
        if self._offers:
            self.candidates.choose(by)
        elif by > 0:
            self._offer(even_empty=True)

    async def action_take_candidate(self) -> None:
        """Put the chosen candidate into the line; without any, the line is done."""
        chosen = self.candidates.highlighted
        if chosen is None:
            await self.action_submit()
        else:
            self.take(chosen)

    def take(self, index: int) -> None:
        """Put a candidate into the line."""
        offer = self._offers[index]
        self._settle(offer.text)
        self._show([])
        self._taken(offer)

    def _settle(self, text: str) -> None:
        self._settled = self.value = text
        self.cursor_position = len(text)

    def action_close_candidates(self) -> None:
        """Send the candidates away."""
        if not self._offers:
            raise SkipAction
        self._show([])

    @work(group="candidates", exclusive=True)
    async def action_complete(self) -> None:
        """Go on as far as is certain; where nothing can be completed, to the next field."""
        chosen = self.candidates.highlighted
        if chosen is not None:
            self.take(chosen)
            return
        text = self.value
        found = await self._completions(text)
        if text != self.value or not self.has_focus:
            return
        if not found:
            self.screen.focus_next()
            return
        self._settle(os.path.commonprefix(found))  # noqa: RUF071 - letter by letter
        offers = [Candidate(one) for one in found if one != self.value][:_OFFERED]
        self._show(offers if len(found) > 1 else [])


class Candidates(OptionList, can_focus=False):
    """The list below such a line, over whatever stands there."""

    def show(self, offers: Sequence[Candidate]) -> None:
        """Show these, with none of them chosen; without any, be out of sight."""
        self.clear_options()
        self.add_options(
            [
                Content.assemble(clean_line(offer.text), (f"  {clean_line(offer.note)}", "$dim"))
                for offer in offers
            ]
        )
        self.highlighted = None
        self.set_class(bool(offers), "-open")

    def choose(self, by: int) -> None:
        """Choose the next one, or the one before; beyond the ends none."""
        places = [None, *range(self.option_count)]
        self.highlighted = places[(places.index(self.highlighted) + by) % len(places)]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The mouse has chosen one."""
        event.stop()
        line = self.screen.query_one(f"#{(self.id or '').removesuffix('-candidates')}", Completing)
        line.take(event.option_index)
