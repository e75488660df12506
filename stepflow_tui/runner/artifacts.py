"""Collecting artifacts: what a script named with `ARTIFACT:` is copied into the home.

The runner's loop never waits for a copy: it submits orders, and takes what is finished.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.runner.beneath import Beneath
from stepflow_tui.runner.collection import Collection, refused
from stepflow_tui.runner.copier import Budget, remove

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

COLLECTING = "being collected"
"""The reason of an artifact while its copy is under way."""

_WORKERS = 2


class _Closed(Exception):
    """The collector is being closed."""


class Order(Struct, frozen=True):
    """One `ARTIFACT:` marker to be carried out.

    Attributes:
        execution: its id.
        cwd: the execution's working directory, absolute.
        artifact: as it was recorded, with its index and the path as the script gave it.
        names: other paths by which the script may name that directory.
        shim: pid and start time of who works there as long as it lives, wherever it is moved.
    """

    execution: str
    cwd: str
    artifact: Artifact
    names: tuple[str, ...] = ()
    shim: tuple[int, int] | None = None


class Collected(Struct, frozen=True):
    """What an order came to.

    Attributes:
        artifacts: at least one. The first has the order's index; the others, further matches of
            a pattern, have index 0.
    """

    order: Order
    artifacts: list[Artifact]


class Collector:
    """Carries out orders in threads of its own, those of one execution one after the other.

    Args:
        max_bytes, max_files: for all artifacts of one execution together.
        wake: called, in a thread of the collector, when there is something to take.
    """

    def __init__(
        self, home: Home, *, max_bytes: int, max_files: int, wake: Callable[[], None]
    ) -> None:
        self._home = home
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._wake = wake
        self._budgets: dict[str, Budget] = {}
        # The first order of each queue is at work, or handed to the pool.
        self._queues: dict[str, deque[Order]] = {}
        self._finished: deque[Collected] = deque()
        self._lock = Lock()
        self._closing = Event()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="artifacts")

    def submit(self, order: Order) -> None:
        """Have an order carried out; never blocks."""
        with self._lock:
            queue = self._queues.setdefault(order.execution, deque())
            queue.append(order)
            if len(queue) == 1:
                self._pool.submit(self._carry_out, order)

    def take(self) -> list[Collected]:
        """What was finished since the last call; never blocks."""
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def forget(self, execution: str) -> None:
        """Drop what is kept of an execution that has ended; a late order counts its copies anew."""
        self._budgets.pop(execution, None)

    def close(self) -> None:
        """End the threads. Unfinished orders leave no copy, and no result."""
        with self._lock:
            self._closing.set()
        self._pool.shutdown(cancel_futures=True)

    def _carry_out(self, order: Order) -> None:
        try:
            artifacts = self._collect(order)
        except _Closed:
            return
        self._finished.append(Collected(order, artifacts))
        self._go_on(order.execution)
        self._wake()

    def _go_on(self, execution: str) -> None:
        with self._lock:
            queue = self._queues[execution]
            queue.popleft()
            if not queue:
                del self._queues[execution]
            elif not self._closing.is_set():
                self._pool.submit(self._carry_out, queue[0])

    def _collect(self, order: Order) -> list[Artifact]:
        place = self._home.artifacts / order.execution / str(order.artifact.index)
        try:
            remove(place)  # what a runner that was killed has left
            budget = self._budget(order.execution)
            closed = (self._home.root, self._home.artifacts)
            with Beneath(order.cwd, closed, names=order.names, shim=order.shim) as tree:
                collection = Collection(self._home, order.cwd, tree, budget, self._check)
                return collection.collect(order.artifact, place)
        except _Closed:
            remove(place)
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens, an order has its answer
            return [refused(order.artifact, order.cwd, error)]

    def _budget(self, execution: str) -> Budget:
        budget = self._budgets.get(execution)
        if budget is None:
            budget = Budget(self._max_bytes, self._max_files)
            budget.count(self._home.artifacts / execution)
            self._budgets[execution] = budget
        return budget

    def _check(self) -> None:
        if self._closing.is_set():
            raise _Closed
