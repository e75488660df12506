"""Stands in for the runner where a test is about its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest, RunRequest, decode
from stepflow_tui.runner.pending import pending_execution

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.cli.recording import Recording


class FakeRunner:
    """Takes requests the moment it is asked to be there."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.taken: list[RunRequest | CancelRequest] = []
        self.refuses = ""

    def ensure(self, home: Home) -> None:
        for path in list(inbox.waiting(home)):
            request = decode(path.read_bytes())
            assert isinstance(request, RunRequest | CancelRequest)
            self.taken.append(request)
            if self.refuses:
                inbox.refuse(home, path, self.refuses)
                continue
            inbox.discard(path)
            if isinstance(request, RunRequest):
                self.record(request)
            else:
                self.stop(request)

    def record(self, request: RunRequest) -> None:
        with self.recording.writer.transaction(durable=True) as transaction:
            number = transaction.insert_execution(pending_execution(request, "boot"))
        assert number is not None
        self.recording.log(number, b"working\n")
        self.recording.finish(number, Status.FAILED, exit_code=7)

    def stop(self, request: CancelRequest) -> None:
        for number in range(1, 10):
            if self.recording.find(number).id == request.execution:
                self.recording.finish(number, Status.CANCELLED)
                return
