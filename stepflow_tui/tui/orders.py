"""What the dashboard asks of the runner, by request files like every other client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.requests import inbox
from stepflow_tui.requests.prepare import rerun_request
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.requests.runner import ensure_runner, live_runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.requests.runner import RunnerIdentity


class Orders:
    """Hands requests to the runner of a home. Its methods block for some milliseconds."""

    def __init__(self, home: Home, environ: Mapping[str, str]) -> None:
        """Makes a client.

        Args:
            home: where the runner works.
            environ: what scripts that are run again inherit.
        """
        self._home = home
        self._environ = environ

    def rerun(self, execution: Execution) -> RunRequest:
        """Run the same command once more.

        Raises:
            StepflowError: it cannot be run, or the request could not be written.
        """
        request = rerun_request(execution, environ=self._environ)
        inbox.submit(self._home, request)
        ensure_runner(self._home)
        return request

    def cancel(self, execution: Execution) -> None:
        """Stop an execution with all its processes.

        Raises:
            StepflowError: the request could not be written.
        """
        inbox.submit(self._home, CancelRequest(new_id(), execution.id))
        ensure_runner(self._home)

    def refusal(self, request: RunRequest) -> str | None:
        """Why the runner refused this request; None if it did not."""
        return inbox.refusal(self._home, request)

    def runner(self) -> RunnerIdentity | None:
        """The runner at work, with what troubles it.

        Raises:
            StepflowError: there is no way to tell.
        """
        return live_runner(self._home)
