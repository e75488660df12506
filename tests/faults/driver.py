"""Plays one trial of a scenario: a house, jobs, a fault, and the verdict after it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest import mock

from stepflow_tui.core.errors import NoDatabase, StoreProblem
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store import queries
from stepflow_tui.store.queries import Query
from tests.faults import verdict
from tests.faults.job import Jobs, any_ending
from tests.faults.verdict import OtherSqlite
from tests.house import PATIENCE_S, House, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from stepflow_tui.core.models import Execution
    from tests.faults.job import Job

RUNNER = (sys.executable, "-m", "stepflow_tui.runner")

_MOST_FAILURES, _LONGEST_FAILURE = 20, 500
_ENDED = "SELECT id FROM executions WHERE status NOT IN ('pending', 'running') AND id >= ?"


@dataclass(slots=True)
class Tally:
    """What trials came to.

    Attributes:
        tries: how often the fault was applied.
        failures: what should not have been, a sentence each.
        late: what was right and took longer than it may, a sentence each.
        counts: what adds up over the trials, by its name.
        most: the largest of each figure, by its name.
    """

    tries: int = 0
    failures: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    most: dict[str, float] = field(default_factory=dict)

    def fail(self, *sentences: str) -> None:
        """Something was not as it should be; the first ones are kept."""
        kept = sentences[: max(0, _MOST_FAILURES - len(self.failures))]
        self.failures += [sentence[:_LONGEST_FAILURE] for sentence in kept]

    def largest(self, name: str, figure: float) -> None:
        """Keep the figure if it is the largest of its name."""
        self.most[name] = max(figure, self.most.get(name, figure))

    def add(self, other: Tally) -> None:
        """Take in another trial."""
        self.tries += other.tries
        self.fail(*other.failures)
        self.late += other.late
        self.counts += other.counts
        for name, figure in other.most.items():
            self.largest(name, figure)


class Trial:
    """One round of a scenario. Use it as a context manager: at the end nothing of it lives.

    Attributes:
        seed: decides all that is left to chance here.
        going: jobs that were submitted and not judged yet, by id.
    cleanup: what is to be undone when nothing of the trial lives any more.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - any seed will do
        self.tally = Tally()
        self.house = House(root)
        self.going: dict[str, Job] = {}
        self.jobs = Jobs(self.house)
        self._judged: list[Job] = []
        self._runners: list[subprocess.Popen[bytes]] = []
        self._at_end = ExitStack()
        self.cleanup = self._at_end.enter_context(ExitStack())
        self._other = OtherSqlite()

    def __enter__(self) -> Self:
        self._at_end.callback(self._other.close)
        self._at_end.enter_context(mock.patch.dict(os.environ))
        self._at_end.callback(self._end_runners)
        self._at_end.callback(self.house.tear_down)
        for name in [name for name in os.environ if name.startswith("STEPFLOW")]:
            del os.environ[name]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._at_end.close()

    def _end_runners(self) -> None:
        for runner in self._runners:
            runner.kill()
            runner.wait()

    # Settings and the runner

    def set(self, **settings: object) -> None:
        """Settings of the runners to come."""
        os.environ.update({f"STEPFLOW_{name.upper()}": str(v) for name, v in settings.items()})

    @contextmanager
    def environment(self, **pairs: str) -> Iterator[None]:
        """What a runner started inside finds in its environment."""
        with mock.patch.dict(os.environ, pairs):
            yield

    def spawn_runner(self, program: Sequence[str] = RUNNER) -> subprocess.Popen[bytes]:
        """Start a runner and do not wait for it."""
        log = os.open(self.house.home.runner_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            runner = subprocess.Popen(
                [*program, "--home", str(self.house.home.root)],
                env={**os.environ, "STEPFLOW_RUNNER": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._runners.append(runner)
        return runner

    def start_runner(self, program: Sequence[str] = RUNNER) -> subprocess.Popen[bytes]:
        """Start a runner; it holds its lock, or has died already."""
        runner = self.spawn_runner(program)

        def is_up() -> bool:
            found = live_runner(self.house.home)
            return runner.poll() is not None or (found is not None and found.pid == runner.pid)

        wait_for(is_up)
        return runner

    def take_up(self, program: Sequence[str] = RUNNER) -> subprocess.Popen[bytes]:
        """Start a runner and measure the time to its first commit, which ends its recovery."""
        began, before = time.monotonic(), self._record()
        runner = self.start_runner(program)
        wait_for(lambda: runner.poll() is not None or self._record() != before)
        self.tally.largest("s until a new runner has taken up", time.monotonic() - began)
        return runner

    def _record(self) -> int | None:
        try:
            records = self.house.read(queries.runner_record())
        except StoreProblem:
            return None
        return records[0].started_at if records else None

    def kill(self, runner: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        runner.send_signal(signal.SIGKILL)
        self.wait_dead(runner)

    def wait_dead(self, runner: subprocess.Popen[bytes]) -> int:
        """The exit status of a runner, once it has one; it was told to leave or was killed."""
        status = runner.wait(PATIENCE_S)
        self._runners.remove(runner)
        return status

    # Jobs

    def submit(self, *jobs: Job) -> None:
        """Ask for these jobs to be run; whatever happens now, they must be, once."""
        self.going |= {job.id: job for job in jobs}
        inbox.submit(self.house.home, *(job.request for job in jobs))

    def random_job(self, *, lines: tuple[int, int] = (1, 400), pause_s: float = 0.05) -> Job:
        """A job of random length and ending."""
        ending = any_ending(self.chance)
        return self.jobs.new(self.chance.randint(*lines), ending, pause_s=pause_s)

    def keep_going(self, count: int, make: Callable[[], Job] | None = None) -> None:
        """Submit new jobs until so many go on."""
        missing = [(make or self.random_job)() for _ in range(count - len(self.going))]
        if missing:
            self.submit(*missing)

    def running(self, job: Job) -> Execution:
        """The execution of a job, once it has printed something."""
        execution = self.house.wait_running(job.id)
        wait_for(lambda: self.house.log(execution))
        return execution

    # Verdict

    def expect(self, found: object, wanted: object, what: str) -> bool:
        """Note a failure unless both are equal."""
        if found != wanted:
            self.tally.fail(f"{what}: {found!r} instead of {wanted!r}")
        return found == wanted

    def in_time(self, took_s: float, allowed_s: float, what: str) -> None:
        """Note how long something took, and that it was late if that is more than allowed."""
        self.tally.largest(f"s {what}", took_s)
        if took_s >= allowed_s:
            self.tally.late.append(f"{what}: {took_s:.2f} s where {allowed_s:.2f} are allowed")

    def judge(self) -> None:
        """The verdict in between: of the database, and of each job, whether it has ended or not."""
        self.tally.fail(*verdict.of_database(self.house, self._other))
        for job in list(self.going.values()):
            execution = self.house.find(job.id)
            if execution is None:
                self.tally.fail(*verdict.of_starts(job, at_least=0))
            elif execution.status.is_final:
                self._judge_final(job, execution)
            else:
                self.tally.fail(*verdict.of_beginning(self.house, job, execution))

    def _judge_final(self, job: Job, execution: Execution) -> None:
        del self.going[job.id]
        self._judged.append(job)
        self.tally.counts["runs"] += 1
        self.tally.counts["lines"] += job.lines
        self.tally.fail(*verdict.of_job(self.house, job, execution))

    def judge_ended(self) -> None:
        """Judge the jobs that have ended, and leave the others alone."""
        for execution in self._ended():
            self._judge_final(self.going[execution], self.house.wait(execution))

    def _ended(self) -> AbstractSet[str]:
        if not self.going:
            return frozenset()
        query = Query(_ENDED, (min(self.going),), lambda row: str(row[0]))
        try:
            return self.going.keys() & set(self.house.read(query))
        except NoDatabase:
            return frozenset()

    def end(self, *, patience_s: float = PATIENCE_S, quiet: bool = True) -> None:
        """The verdict at the end: everything has ended, and all of it is as it should be.

        Args:
            patience_s: how long it may take until all has ended.
            quiet: the runner has nothing to complain of.
        """
        if live_runner(self.house.home) is None:
            self.start_runner()
        deadline = time.monotonic() + patience_s
        for job in list(self.going.values()):
            self._judge_final(job, self.house.wait(job.id, deadline - time.monotonic()))
        wait_for(lambda: not self.house.read(queries.open_streams()))
        with suppress(TimeoutError):  # the verdict names what is left
            wait_for(lambda: not list(verdict.of_inbox(self.house)), patience_s=5.0)
        for job in self._judged:
            self.tally.fail(*verdict.of_starts(job, at_least=1))
        self.tally.fail(*verdict.of_inbox(self.house))
        if quiet:
            self.tally.fail(*verdict.of_runner_log(self.house))
        self.house.kill_runner()
        self.tally.fail(*verdict.of_database(self.house, self._other))
        self.tally.fail(*verdict.of_reading(self.house, self._other))
