"""What one can do with executions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import StepflowError, StoreProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries
from stepflow_tui.tui.clock import execution_time
from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.screens.details import Details
from stepflow_tui.tui.screens.monitor import Monitor

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest

_ACCEPTED_WITHIN_S, _ACCEPTED_POLL_S = 5.0, 0.05


class RunActions(Monitor):
    """Looking closer, stopping, running again."""

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


def _cancel_question(execution: Execution, name: str) -> Confirm:
    elapsed = execution_time(execution, now())
    state = f"has been running for {elapsed}" if elapsed else "has not started yet"
    return Confirm(
        f"Cancel {name}?",
        f"{name} {state}.\nIt is stopped with all its processes.",
        yes="Stop it",
        no="Let it run",
    )
