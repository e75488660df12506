"""Collecting artifacts: what a script named with `ARTIFACT:` is copied into the home.

The runner's loop never waits for a copy: it submits orders, and takes what is finished.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from threading import Event, Lock
from typing import TYPE_CHECKING

from stepflow_tui.runner.beneath import Beneath, Refused
from stepflow_tui.runner.copier import Budget, Copier, remove
from stepflow_tui.runner.pattern import Pattern, is_pattern

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact
    from stepflow_tui.runner.beneath import Parts

COLLECTING = "being collected"
"""The reason of an artifact while its copy is under way."""

_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Order:
    """One `ARTIFACT:` marker to be carried out.

    Attributes:
        execution: its id.
        cwd: the execution's working directory, absolute.
        artifact: as it was recorded, with its index and the path as the script gave it.
    """

    execution: str
    cwd: str
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Collected:
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
        try:
            place = self._home.artifacts / order.execution / str(order.artifact.index)
            remove(place)  # what a runner that was killed has left
            budget = self._budget(order.execution)
            closed = (self._home.root, self._home.artifacts)
            with Beneath(order.cwd, closed) as tree:
                return _Collection(order, self._home, tree, budget, self._check).artifacts(place)
        except _Closed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens, an order has its answer
            return [_refused(_named(order.artifact, order.cwd), error)]

    def _budget(self, execution: str) -> Budget:
        if execution not in self._budgets:
            budget = Budget(self._max_bytes, self._max_files)
            budget.count(self._home.artifacts / execution)
            self._budgets[execution] = budget
        return self._budgets[execution]

    def _check(self) -> None:
        if self._closing.is_set():
            raise _Closed


class _Closed(Exception):
    """The collector is being closed."""


class _Collection:
    """One order at work."""

    def __init__(
        self, order: Order, home: Home, tree: Beneath, budget: Budget, check: Callable[[], None]
    ) -> None:
        self._order = order
        self._home = home
        self._tree = tree
        self._budget = budget
        self._check = check
        self._copier = Copier(tree, budget, check)

    def artifacts(self, place: Path) -> list[Artifact]:
        """What becomes of the order; copies go into `place`."""
        wanted = self._order.artifact
        parts = self._tree.relative(wanted.path)
        if is_pattern(wanted.path) and not self._is_there(parts):
            first, *others = self._matches(wanted, Pattern(parts), place)
            return [first, *(replace(other, index=0) for other in others)]
        return [self._store(wanted, parts, place)]

    def _is_there(self, parts: Parts) -> bool:
        try:
            self._tree.resolve(parts)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _matches(self, wanted: Artifact, pattern: Pattern, place: Path) -> list[Artifact]:
        room = self._budget.files_left
        try:
            found = list(islice(pattern.matches(self._tree, self._check), room + 1))
        except (FileNotFoundError, NotADirectoryError):
            found = []
        if not found:
            raise Refused("nothing matches")
        artifacts = [
            self._store(replace(wanted, path="/".join(parts)), parts, place / str(number))
            for number, parts in enumerate(found[:room], 1)
        ]
        if len(found) > room:
            reason = f"further matches are {self._budget.too_many}"
            artifacts.append(replace(_named(wanted, self._order.cwd), exists=True, reason=reason))
        return artifacts

    def _store(self, wanted: Artifact, parts: Parts, place: Path) -> Artifact:
        artifact = _named(wanted, self._order.cwd)
        try:
            real = self._tree.resolve(parts)
            if artifact.path != wanted.path:
                return replace(artifact, exists=True, reason="has a name that is not valid UTF-8")
            copy = self._copier.copy(real, place, artifact.name)
        except (OSError, Refused) as error:
            return _refused(artifact, error)
        return replace(
            artifact,
            mime="inode/directory" if copy.is_directory else _mime(artifact.name),
            size=copy.size,
            exists=True,
            stored=str((place / artifact.name).relative_to(self._home.root)),
            reason=copy.left_out,
        )


def _named(artifact: Artifact, cwd: str) -> Artifact:
    """The artifact with the name of its copy, and without what a database does not take."""
    name = os.path.basename(os.path.normpath(os.path.join(cwd, artifact.path)))
    return replace(artifact, name=_clean(name) or "root", path=_clean(artifact.path), reason=None)


def _refused(artifact: Artifact, error: Exception) -> Artifact:
    found = error.found if isinstance(error, Refused) else None
    is_file = found is not None and stat.S_ISREG(found.st_mode)
    return replace(
        artifact,
        exists=found is not None,
        size=found.st_size if found and is_file else None,
        reason=_clean(_reason(error)),
    )


def _reason(error: Exception) -> str:
    match error:
        case Refused():
            return error.reason
        case FileNotFoundError() | NotADirectoryError():
            return "no such file"
        case OSError():
            return error.strerror or str(error)
        case _:
            return f"{type(error).__name__}: {error}"


def _mime(name: str) -> str | None:
    mime, encoding = mimetypes.guess_type(name)
    return f"application/{encoding}" if encoding else mime


def _clean(text: str) -> str:
    """The text with replacement characters where a file name is no valid UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
