"""Which steps of a log are folded, and what that hides."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from stepflow_tui.tui.log.line_map import END

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stepflow_tui.core.models import Step


def heading_of(step: Step) -> int:
    """The line that the step begins with, as an index from 0."""
    return step.first_line - 1


def body_of(step: Step) -> range:
    """The lines behind its heading, as indexes from 0; of an open step all that will come."""
    return range(step.first_line, END if step.last_line is None else step.last_line)


class Folds:
    """The steps of one log. A folded step hides all its lines but the heading.

    Attributes:
        steps: in the order of their headings.
        folded: indexes of the steps that are folded, as `Step` counts them.
        headings: the lines that the steps begin with, as indexes from 0.
    """

    def __init__(self) -> None:
        self.steps: Sequence[Step] = ()
        self.folded: set[int] = set()
        self.headings: list[int] = []

    def show(self, steps: Sequence[Step]) -> None:
        """Take these steps, as they are now."""
        self.steps = steps
        self.headings = [heading_of(step) for step in steps]

    def heading_at(self, line: int) -> Step | None:
        """The step whose heading this line is."""
        place = bisect_left(self.headings, line)
        found = place < len(self.headings) and self.headings[place] == line
        return self.steps[place] if found else None

    def around(self, line: int) -> Step | None:
        """The innermost step that this line belongs to, its heading included."""
        return next(self._all_around(line), None)

    def _all_around(self, line: int) -> Iterator[Step]:
        for place in range(bisect_right(self.headings, line) - 1, -1, -1):
            step = self.steps[place]
            if self.headings[place] == line or line in body_of(step):
                yield step

    def following(self, line: int) -> int | None:
        """The first heading behind this line."""
        place = bisect_right(self.headings, line)
        return self.headings[place] if place < len(self.headings) else None

    def preceding(self, line: int) -> int | None:
        """The last heading ahead of this line."""
        place = bisect_left(self.headings, line)
        return self.headings[place - 1] if place else None

    def toggle(self, step: Step) -> None:
        """Fold the step, or unfold it."""
        self.folded ^= {step.index}

    def toggle_all(self) -> bool:
        """Unfold all if all are folded, else fold all; returns whether they are folded now."""
        every = {step.index for step in self.steps}
        self.folded = set() if self.folded >= every else every
        return bool(self.folded)

    def open_to(self, line: int) -> bool:
        """Unfold what hides this line; False if nothing does."""
        hiding = {step.index for step in self._all_around(line) if heading_of(step) != line}
        found = bool(self.folded & hiding)
        self.folded -= hiding
        return found

    def hidden(self) -> tuple[list[int], list[range]]:
        """The headings of folded steps, and the lines that are hidden, apart and in order."""
        headings: list[int] = []
        ranges: list[range] = []
        for step in self.steps:
            if step.index not in self.folded:
                continue
            heading, body = heading_of(step), body_of(step)
            if not ranges or heading >= ranges[-1].stop:
                headings.append(heading)
                ranges.append(body)
            elif body.stop > ranges[-1].stop:  # it begins in another one and outlasts it
                ranges[-1] = range(ranges[-1].start, body.stop)
        return headings, [lines for lines in ranges if lines]
