"""Collecting artifacts: what a script named with `ARTIFACT:` is copied into the home.

The runner's loop never waits for a copy: it submits orders, and takes what is finished. A copy
whose disk does not answer holds up nobody else, and is given up after a time.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.models import CANCELLED_REASON, COLLECTING, TIMED_OUT_REASON
from stepflow_tui.runner.beneath import Beneath
from stepflow_tui.runner.collection import Collection, refused, unread
from stepflow_tui.runner.copier import Budget, remove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

__all__ = ["COLLECTING", "Collected", "Collector", "Order"]

_WORKERS = 2
_QUIET_S = 1.0
"""Who gets nowhere for so long is not counted among the workers: others go on."""

_MAX_STALLS = 3
"""After so many artifacts that were given up nothing more of an execution is tried."""

_MAX_THREADS = 100
"""With so many that wait for a disk nothing more is tried."""

_CLOSING_S = 1.0


class _GivenUp(Exception):
    """Nobody waits for this order any more."""


class Order(Struct, frozen=True):
    """One `ARTIFACT:` marker to be carried out.

    Attributes:
        execution: its id.
        cwd: the execution's working directory, absolute.
        artifact: as it was recorded, with its index and the path as the script gave it.
        names: other paths by which the script may name that directory.
        shim: pid and start time of who works there as long as it lives, wherever it is moved.
        masked: hides secrets in the name of a file that is found.
    """

    execution: str
    cwd: str
    artifact: Artifact
    names: tuple[str, ...] = ()
    shim: tuple[int, int] | None = None
    masked: Callable[[str], str] = str


class Collected(Struct, frozen=True):
    """What an order came to.

    Attributes:
        artifacts: at least one. The first has the order's index; the others, further matches of
            a pattern, have index 0.
    """

    order: Order
    artifacts: list[Artifact]


class _Job:
    """An order at work in a thread.

    Attributes:
        moved_at: monotonic seconds at which it last got on.
        is_open: the working directory has answered.
        is_given_up: its result is not wanted; it ends as soon as its thread wakes.
    """

    def __init__(self, order: Order, place: Path, budget: Budget) -> None:
        self.order = order
        self.place = place
        self.budget = budget
        self.moved_at = time.monotonic()
        self.is_open = False
        self.is_given_up = False


class Collector:
    """Carries out orders in threads of its own, those of one execution one after the other.

    Args:
        max_bytes, max_files: for all artifacts of one execution together.
        wake: called, in any thread, when there is something to take.
        timeout_s: an artifact that gets nowhere for so long is given up.
    """

    def __init__(
        self,
        home: Home,
        *,
        max_bytes: int,
        max_files: int,
        wake: Callable[[], None],
        timeout_s: float = 30.0,
    ) -> None:
        self._home = home
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._wake = wake
        self._timeout_s = timeout_s
        self._budgets: dict[str, Budget] = {}
        self._queues: dict[str, deque[Order]] = {}  # of executions that have a job or are ready
        self._ready: deque[str] = deque()
        self._jobs: dict[str, _Job] = {}
        self._limits: dict[str, float] = {}
        self._stalls: Counter[str] = Counter()
        self._finished: deque[Collected] = deque()
        self._threads: set[Thread] = set()
        self._lock = Lock()
        self._closing = Event()

    @property
    def is_busy(self) -> bool:
        """Whether orders wait to be finished, so that `look` has something to see to."""
        return bool(self._queues)

    def submit(self, order: Order) -> None:
        """Have an order carried out; never blocks."""
        with self._lock:
            if self._stalls[order.execution] >= _MAX_STALLS:
                self._answer(order, TIMED_OUT_REASON)
                return
            if order.execution not in self._queues:
                self._queues[order.execution] = deque()
                self._ready.append(order.execution)
            self._queues[order.execution].append(order)
            self._start_ready()

    def take(self) -> list[Collected]:
        """What was finished since the last call; never blocks."""
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def forget(self, execution: str) -> None:
        """Drop what is kept of an execution that has ended; a late order counts its copies anew."""
        self._budgets.pop(execution, None)
        self._limits.pop(execution, None)
        self._stalls.pop(execution, None)

    def hasten(self, execution: str, timeout_s: float) -> None:
        """Give up sooner what gets nowhere of an execution; with 0 all that is not finished."""
        with self._lock:
            self._limits[execution] = timeout_s
            if timeout_s <= 0 and execution in self._queues:
                self._give_up_all(execution, CANCELLED_REASON)
                self._start_ready()

    def look(self) -> None:
        """Give up what has got nowhere for too long; never blocks. To be called now and then."""
        now = time.monotonic()
        with self._lock:
            for execution, job in list(self._jobs.items()):
                if now - job.moved_at >= self._limits.get(execution, self._timeout_s):
                    self._time_out(execution, job)
            self._start_ready()

    def close(self) -> None:
        """End the threads, but for those whose disk does not answer.

        Unfinished orders leave no result, and no copy.
        """
        with self._lock:
            self._closing.set()
            threads = list(self._threads)
        deadline = time.monotonic() + _CLOSING_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    # All of these are called with the lock.

    def _start_ready(self) -> None:
        if self._closing.is_set():
            return
        awake_since = time.monotonic() - _QUIET_S
        awake = sum(job.moved_at > awake_since for job in self._jobs.values())
        while self._ready and awake < _WORKERS:
            if len(self._threads) >= _MAX_THREADS:  # none of them is awake
                self._give_up_all(self._ready[0], TIMED_OUT_REASON)
            elif self._start(self._ready[0]):
                self._ready.popleft()
                awake += 1
            else:
                return  # `look` tries it again

    def _start(self, execution: str) -> bool:
        order = self._queues[execution][0]
        place = self._home.artifacts / execution / str(order.artifact.index)
        job = _Job(order, place, self._budget(execution))
        if not self._spawn(lambda: self._carry_out(job)):
            return False
        self._queues[execution].popleft()
        self._jobs[execution] = job
        return True

    def _budget(self, execution: str) -> Budget:
        if execution not in self._budgets:
            self._budgets[execution] = Budget(self._max_bytes, self._max_files)
        return self._budgets[execution]

    def _spawn(self, work: Callable[[], None]) -> bool:
        """A thread that does not keep the process alive: its disk may never answer.

        Returns:
            False if the system gives us none now.
        """

        def run() -> None:
            try:
                work()
            finally:
                self._threads.discard(thread)

        thread = Thread(target=run, name="artifacts", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            return False
        return True

    def _time_out(self, execution: str, job: _Job) -> None:
        self._stalls[execution] += 1
        if not job.is_open or self._stalls[execution] >= _MAX_STALLS:
            self._give_up_all(execution, TIMED_OUT_REASON)
        else:
            self._give_up(job, TIMED_OUT_REASON)
            self._go_on(execution)

    def _give_up_all(self, execution: str, reason: str) -> None:
        if execution in self._jobs:
            self._give_up(self._jobs.pop(execution), reason)
        if execution in self._ready:
            self._ready.remove(execution)
        for order in self._queues.pop(execution):
            self._answer(order, reason)

    def _give_up(self, job: _Job, reason: str) -> None:
        job.is_given_up = True
        self._budgets.pop(job.order.execution, None)  # what it has claimed is counted anew
        self._spawn(lambda: _discard(job.place))
        self._answer(job.order, reason)

    def _answer(self, order: Order, reason: str) -> None:
        self._finished.append(Collected(order, [unread(order.artifact, order.cwd, reason)]))
        self._wake()

    def _go_on(self, execution: str) -> None:
        """Its job is over: the next of its orders waits for its turn."""
        del self._jobs[execution]
        if self._queues[execution]:
            self._ready.append(execution)
        else:
            del self._queues[execution]

    # The threads

    def _carry_out(self, job: _Job) -> None:
        try:
            artifacts = self._collect(job)
        except _GivenUp:
            _discard(job.place)
            return
        with self._lock:
            if not job.is_given_up:
                self._finished.append(Collected(job.order, artifacts))
                self._go_on(job.order.execution)
                self._start_ready()
        if job.is_given_up:
            _discard(job.place)
        else:
            self._wake()

    def _collect(self, job: _Job) -> list[Artifact]:
        order = job.order
        try:
            remove(job.place)  # what a runner that was killed has left
            job.budget.begin(self._home.artifacts / order.execution)
            closed = (self._home.root, self._home.artifacts)
            with Beneath(order.cwd, closed, names=order.names, shim=order.shim) as tree:
                job.is_open = True
                collection = Collection(
                    self._home,
                    order.cwd,
                    tree,
                    job.budget,
                    check=lambda: self._get_on(job),
                    masked=order.masked,
                )
                return collection.collect(order.artifact, job.place)
        except _GivenUp:
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens, an order has its answer
            return [refused(order.artifact, order.cwd, error)]

    def _get_on(self, job: _Job) -> None:
        """Called between two steps of a copy, each of which may have taken long."""
        self._check()
        if job.is_given_up:
            raise _GivenUp
        job.moved_at = time.monotonic()

    def _check(self) -> None:
        if self._closing.is_set():
            raise _GivenUp


def _discard(place: Path) -> None:
    """Remove a copy that is not wanted."""
    with suppress(OSError):  # it stays, and goes with the execution
        remove(place)
