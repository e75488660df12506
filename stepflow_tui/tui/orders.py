"""What the dashboard asks of the runner, by request files like every other client.

What an order needs it imports: most sessions give none, and the first screen comes sooner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from stepflow_tui.core.identity import new_id
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.draft import Draft
    from stepflow_tui.requests.request import Request, RunRequest
    from stepflow_tui.requests.runner import RunnerIdentity

Executions: TypeAlias = "Sequence[Execution]"


class Orders:
    """Hands requests to the runner of a home. Its methods block for some milliseconds.

    Each that hands something over raises `StepflowError` if that could not be done.
    """

    def __init__(self, home: Home, environ: Mapping[str, str]) -> None:
        """Makes a client.

        Args:
            home: where the runner works.
            environ: what scripts that are started from here inherit.
        """
        self._home = home
        self._environ = environ

    def hand_over(self, *requests: Request) -> None:
        """Submit requests; see to it that somebody reads them."""
        from stepflow_tui.requests import inbox
        from stepflow_tui.requests.runner import check_settings, ensure_runner

        prepare_home(self._home)  # it may be the first request of all
        check_settings(self._home)
        inbox.submit(self._home, *requests)
        ensure_runner(self._home)

    def prepare(self, draft: Draft) -> RunRequest:
        """The request for a run, checked, and not handed over.

        Raises:
            StepflowError: it cannot be run like this.
        """
        return draft.request(self._environ)

    def start(self, request: RunRequest) -> None:
        """Have a prepared run started."""
        self.hand_over(request)

    def rerun(self, execution: Execution) -> RunRequest:
        """Run the same command once more.

        Raises:
            StepflowError: it cannot be run, or the request could not be written.
        """
        from stepflow_tui.requests.prepare import rerun_request

        request = rerun_request(execution, environ=self._environ)
        self.hand_over(request)
        return request

    def cancel(self, executions: Executions, *, force: bool = False) -> list[Request]:
        """Stop executions with all their processes; with `force` without time to clean up."""
        from stepflow_tui.requests.request import CancelRequest

        return self._ask([CancelRequest(new_id(), execution.id, force) for execution in executions])

    def stop_leftovers(self, executions: Executions, *, force: bool = False) -> list[Request]:
        """Stop what executions that have ended left in the background."""
        from stepflow_tui.requests.request import CancelRequest

        return self._ask(
            [CancelRequest(new_id(), one.id, force, leftovers=True) for one in executions]
        )

    def remove(self, executions: Executions) -> list[Request]:
        """Remove executions with their logs and artifacts."""
        from stepflow_tui.requests.request import remove_requests

        return self._ask(remove_requests([execution.id for execution in executions]))

    def tag(
        self, executions: Executions, *, add: Sequence[str], remove: Sequence[str]
    ) -> list[Request]:
        """Put tags on executions, and take others away."""
        from stepflow_tui.requests.labels import checked_tags
        from stepflow_tui.requests.request import TagRequest

        ids = [execution.id for execution in executions]
        tags = TagRequest(new_id(), ids, add=checked_tags(add), remove=list(remove))
        return self._ask([tags])

    def note(self, executions: Executions, text: str) -> list[Request]:
        """Write a note on executions; an empty one takes theirs away."""
        from stepflow_tui.requests.labels import checked_note
        from stepflow_tui.requests.request import NoteRequest

        ids = [execution.id for execution in executions]
        return self._ask([NoteRequest(new_id(), ids, checked_note(text))])

    def mark(self, executions: Executions, *, marked: bool) -> list[Request]:
        """Keep executions from being removed, or let them go again."""
        from stepflow_tui.requests.request import MarkRequest

        ids = [execution.id for execution in executions]
        return self._ask([MarkRequest(new_id(), ids, marked=marked)])

    def _ask(self, requests: Sequence[Request]) -> list[Request]:
        self.hand_over(*requests)
        return list(requests)

    def is_waiting(self, request: Request) -> bool:
        """Whether the runner is not done with a request yet, or has not seen it."""
        from stepflow_tui.requests import inbox

        return inbox.path_of(self._home, request.id, request.kind).exists()

    def refusal(self, request: Request) -> str | None:
        """Why the runner refused this request; None if it did not."""
        from stepflow_tui.requests import inbox

        return inbox.refusal(self._home, request)

    def runner(self) -> RunnerIdentity | None:
        """The runner at work, with what troubles it.

        Raises:
            StepflowError: there is no way to tell.
        """
        from stepflow_tui.requests.runner import live_runner

        return live_runner(self._home)
