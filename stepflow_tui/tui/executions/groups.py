"""The list of executions by name: a row for each name, which stands for its latest run."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from stepflow_tui.core.clock import now
from stepflow_tui.store import listing
from stepflow_tui.store.listing import MAX_GROUPS
from stepflow_tui.tui.executions.listing import Listing

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.listing import Group
    from stepflow_tui.tui.executions.view import View
    from stepflow_tui.tui.source import Source

_NAMES_KEPT = 20_000


class Groups(Listing):
    """Names of executions that pass a filter; what stands at a place is the latest of the name."""

    def __init__(self, source: Source, view: View) -> None:
        super().__init__(source, view)
        self._groups: list[Group] = []
        self._places: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def group(self, index: int) -> Group | None:
        """The group at this place."""
        return self._groups[index] if 0 <= index < len(self._groups) else None

    def place(self, execution: Execution) -> None:
        """Give this execution the place of its name, whether or not it is the latest."""
        self._names[execution.number] = execution.name

    async def _read_numbers(self) -> array[int]:
        query = listing.groups(self.view.wanted, self.view.order, now().wall_ms)
        self._groups = await self._source.all(query)
        self.is_cut = len(self._groups) == MAX_GROUPS
        self._places = {group.name: index for index, group in enumerate(self._groups)}
        # An earlier run of a name, which may be the one that is looked at, keeps its place.
        latest = {group.latest: group.name for group in self._groups}
        self._names = latest if len(self._names) > _NAMES_KEPT else self._names | latest
        return array("Q", [group.latest for group in self._groups])

    def _find(self, number: int) -> int | None:
        return self._places.get(self._names.get(number, ""))
