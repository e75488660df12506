"""Anything in any order, with the real runner, against a model that only keeps the books."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.runner.spool import OUTPUT, Spool
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.requests.request import RunRequest
    from tests.faults.driver import Trial

MOST_RUNS = 3

# Does what it is told, line by line.
OBEDIENT = """#!/bin/bash
echo started >> "$2"
exec 9<> "$1"
while IFS= read -r order <&9; do eval "$order"; done
"""


@dataclass(slots=True)
class StepModel:
    """A step as it should be recorded."""

    name: str
    first_line: int
    status: Status = Status.RUNNING
    last_line: int | None = None
    explicit: bool = False

    def end(self, status: Status, line: int, *, explicit: bool) -> None:
        """It ends with this line."""
        self.status, self.last_line, self.explicit = status, line, explicit


@dataclass(slots=True)
class RunModel:
    """A run as it should be recorded.

    Attributes:
        orders: the way to the script, kept open so that what is sent waits for it.
        ends: the statuses that it may come to; none while nothing has been done about its end.
        is_raced: it was cancelled when it was about to start, so it may have printed anything.
    """

    request: RunRequest
    orders: int
    starts: Path
    lines: list[str] = field(default_factory=list)
    steps: list[StepModel] = field(default_factory=list)
    ends: set[Status] = field(default_factory=set)
    is_raced: bool = False

    @property
    def id(self) -> str:
        """Of the execution."""
        return self.request.id

    @property
    def current(self) -> StepModel | None:
        """The step that has no end."""
        found = self.steps[-1:]
        return found[0] if found and found[0].status is Status.RUNNING else None

    def send(self, order: str) -> None:
        """Let the script do something."""
        os.write(self.orders, f"{order}\n".encode())

    def say(self, line: str) -> None:
        """Let the script print a line."""
        self.send(f"echo '{line}'")
        self.lines.append(line)

    def log(self) -> bytes:
        """What it has printed."""
        return "".join(f"{line}\n" for line in self.lines).encode()


class Model(RuleBasedStateMachine):
    """A home whose runner comes and goes. `trial` is set before it is played."""

    trial: Trial

    def __init__(self) -> None:
        super().__init__()
        self.script = self.trial.house.script(OBEDIENT, "obedient.sh")
        self.runner: subprocess.Popen[bytes] | None = None
        self.runs: list[RunModel] = []

    # What can happen

    @property
    def going(self) -> list[RunModel]:
        """Runs about whose end nothing was done."""
        return [run for run in self.runs if not run.ends]

    def has_going(self) -> bool:
        """Whether there is a run that can do something."""
        return bool(self.going)

    def is_down(self) -> bool:
        """Whether no runner lives."""
        return self.runner is None

    def is_up(self) -> bool:
        """Whether a runner lives."""
        return self.runner is not None

    @precondition(lambda self: len(self.going) < MOST_RUNS)
    @rule()
    def submit(self) -> None:
        """A client asks for a run."""
        place = self.trial.house.root / "orders"
        place.mkdir(exist_ok=True)
        number = len(list(place.iterdir()))
        fifo, starts = place / str(number), self.trial.house.root / f"{number}.started"
        os.mkfifo(fifo)
        request = self.trial.house.request(self.script, fifo, starts)
        self.runs.append(RunModel(request, os.open(fifo, os.O_RDWR), starts))
        inbox.submit(self.trial.house.home, request)

    @precondition(has_going)
    @rule(data=st.data(), text=st.sampled_from(["hello", "  x", "STEP_", "größe", "%s"]))
    def print_line(self, data: st.DataObject, text: str) -> None:
        """A script prints a line."""
        self._pick(data).say(text)

    @precondition(has_going)
    @rule(data=st.data())
    def start_step(self, data: st.DataObject) -> None:
        """A script starts a step, which ends the one before it."""
        run = self._pick(data)
        line = len(run.lines) + 1
        if run.current is not None:
            run.current.end(Status.COMPLETED, line - 1, explicit=False)
        run.steps.append(StepModel(f"step {line}", line))
        run.say(f"STEP_START:step {line}")

    @precondition(lambda self: any(run.current for run in self.going))
    @rule(data=st.data(), well=st.booleans())
    def end_step(self, data: st.DataObject, well: bool) -> None:
        """A script ends its step, or says that it failed."""
        run = data.draw(st.sampled_from([run for run in self.going if run.current]))
        step = run.current
        assert step is not None
        run.say(f"STEP_COMPLETE:{step.name}" if well else "STEP_ERROR:bad")
        status = Status.COMPLETED if well else Status.FAILED
        step.end(status, len(run.lines), explicit=True)

    @precondition(has_going)
    @rule(data=st.data(), code=st.sampled_from([0, 0, 1, 7, 137]))
    def exit(self, data: st.DataObject, code: int) -> None:
        """A script ends."""
        run = self._pick(data)
        run.send(f"exit {code}")
        run.ends = {Status.FAILED if code else Status.COMPLETED}
        if self._has_started(run):
            wait_for(lambda: not self._is_alive(run))

    @precondition(has_going)
    @rule(data=st.data(), force=st.booleans())
    def cancel(self, data: st.DataObject, force: bool) -> None:
        """A client cancels a run whose output has all reached the spool."""
        run = self._pick(data)
        if self.is_up():
            self.trial.house.wait_running(run.id)
        if self._has_started(run):
            spool = self.trial.house.home.spool / f"{run.id}{OUTPUT}"
            wait_for(lambda: spool.exists() and spool.read_bytes() == run.log())
        else:
            run.is_raced = True
        run.ends = {Status.CANCELLED}
        self.trial.house.cancel(run.id, force=force)

    @precondition(is_down)
    @rule()
    def start_runner(self) -> None:
        """A runner comes."""
        self.runner = self.trial.start_runner()

    @precondition(is_up)
    @rule()
    def kill_runner(self) -> None:
        """It is killed."""
        assert self.runner is not None
        self.trial.kill(self.runner)
        self.runner = None
        self.trial.tally.counts["kills"] += 1

    @precondition(is_up)
    @rule()
    def settle(self) -> None:
        """Given a moment, everything that was printed is recorded."""
        for run in self.runs:
            if not run.ends:
                wait_for(lambda: self._matches(run))  # noqa: B023

    # What must hold

    def _pick(self, data: st.DataObject) -> RunModel:
        return data.draw(st.sampled_from(self.going))

    def _has_started(self, run: RunModel) -> bool:
        return Spool(self.trial.house.home, run.id).start() is not None

    def _is_alive(self, run: RunModel) -> bool:
        start = Spool(self.trial.house.home, run.id).start()
        return start is not None and start.is_alive()

    def _steps(self, execution: Execution) -> list[Step]:
        return self.trial.house.steps(execution)

    def _matches(self, run: RunModel) -> bool:
        execution = self.trial.house.find(run.id)
        if execution is None or execution.status is Status.PENDING:
            return False
        return self._difference(run, execution) is None

    def _difference(self, run: RunModel, execution: Execution) -> str | None:
        found = self.trial.house.log(execution)
        if found != run.log():
            return f"log {found!r}, not {run.log()!r}"
        steps = [
            (step.name, step.first_line, step.status, step.last_line, step.explicit_end)
            for step in self._steps(execution)
        ]
        wanted = [
            (step.name, step.first_line, step.status, step.last_line, step.explicit)
            for step in run.steps
        ]
        return None if steps == wanted else f"steps {steps}, not {wanted}"

    @invariant()
    def nothing_is_ahead_of_the_scripts(self) -> None:
        """What is recorded is the beginning of what was printed, whatever goes on."""
        for run in self.runs:
            execution = self.trial.house.find(run.id)
            if execution is None:
                continue
            found, printed = self.trial.house.log(execution), run.log()
            assert printed.startswith(found), f"log {found!r} of {printed!r}"
            if not run.ends:
                assert execution.status in (Status.PENDING, Status.RUNNING), execution.status

    def teardown(self) -> None:
        """Let all end, and compare."""
        if self.runner is None:
            self.runner = self.trial.start_runner()
        for run in self.going:
            run.send("exit 0")
            run.ends = {Status.COMPLETED}
        try:
            for run in self.runs:
                self._compare(run)
        finally:
            for run in self.runs:
                os.close(run.orders)
            self.trial.kill(self.runner)
            self.trial.tally.tries += 1
            self.trial.tally.counts["runs"] += len(self.runs)

    def _compare(self, run: RunModel) -> None:
        execution = self.trial.house.wait(run.id)
        assert execution.status in run.ends, f"{execution.error}, not {run.ends}"
        starts = run.starts.read_text() if run.starts.exists() else ""
        assert starts == "started\n" or (not starts and run.is_raced)
        if run.is_raced:
            return
        if run.current is not None:
            run.current.end(execution.status, len(run.lines), explicit=False)
        difference = self._difference(run, execution)
        assert difference is None, difference


@scenario(
    fault="submit, print, start and end steps, exit, cancel, kill and restart in any order",
    passes="what is recorded is what a model in memory says, always",
    quick={"examples": 5, "steps": 20},
    full={"rounds": 40, "examples": 50, "steps": 40},
)
def test_state_machine(trial: Trial, examples: int, steps: int) -> None:
    trial.set(grace=0.2)
    trial.kill(trial.take_up())

    class Played(Model):
        pass

    Played.trial = trial
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(trial.seed)(Played), settings=wanted)
    trial.end()
