"""Stopping runs: at the very moment they end, with all that they started, and quickly."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.runner import proc
from stepflow_tui.runner.stop import tag_of
from stepflow_tui.store.queries import Query
from stepflow_tui.store.reader import Reader
from tests.faults import verdict
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.requests.request import Request, RunRequest
    from tests.faults.driver import Trial

_CHANGED = """SELECT rev, id, status, exit_code, signal, error, finished_at FROM executions
    WHERE rev > ? ORDER BY rev"""
_RANK = {Status.PENDING: 0, Status.RUNNING: 1}


EVERY_S, LIFE_S = 0.01, 0.1
"""Between two submissions, and about how long a run lives from its submission to its end."""


class History:
    """Sees how executions change, as a reader who looks again and again."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._reader = Reader(trial.house.home.database)
        self._rev = 0
        self._last: dict[str, tuple[Status, tuple[object, ...]]] = {}

    def saw_the_end_of(self, ids: list[str]) -> bool:
        """Look once more; True if all of these are final."""
        self.look()
        return self.are_final(ids)

    def look(self) -> None:
        """Note what changed; nothing goes back, and what is final stays as it is."""
        query = Query(_CHANGED, (self._rev,), lambda row: row)
        for rev, execution, word, *rest in self._reader.all(query):
            self._rev = max(self._rev, rev)
            status, outcome = Status(word), tuple(rest)
            before, was = self._last.get(execution, (Status.PENDING, outcome))
            if before.is_final and (status, outcome) != (before, was):
                self._trial.tally.fail(f"{before} {was} became {status} {outcome}")
            if _RANK.get(status, 2) < _RANK.get(before, 2):
                self._trial.tally.fail(f"{before} was followed by {status}")
            self._last[execution] = (status, outcome)

    def are_final(self, executions: Iterable[str]) -> bool:
        """Whether all of these have ended."""
        return all(
            execution in self._last and self._last[execution][0].is_final
            for execution in executions
        )

    def last(self, execution: str) -> tuple[Status, tuple[object, ...]]:
        """Its latest status, and exit code, signal, error and end."""
        return self._last[execution]

    def close(self) -> None:
        """Look no more."""
        self._reader.close()


def _survivors(mark: str) -> list[int]:
    """Processes that have this among their arguments; a shim, which has it too, is none."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if mark.encode() in arguments and arguments[0] != b"/bin/sh":
            found.append(int(process.name))
    return found


def _tagged(executions: Iterable[str]) -> int:
    table = proc.ProcessTable()
    return len(set[int]().union(*(table.tagged(tag_of(execution)) for execution in executions)))


@scenario(
    fault="cancel when a run ends, is pending, twice, and with SIGKILL of the runner right after",
    passes="one final status each, and no way back from it; nothing of any tree is left",
    quick={"rounds": 2, "races": 100, "kills": 1},
    full={"rounds": 50, "races": 200, "kills": 5},
)
def test_cancel_races(trial: Trial, races: int, kills: int) -> None:
    trial.set(grace=0.2)
    runner = trial.take_up()
    requests = [_brief(trial, number) for number in range(races)]
    history = History(trial)
    events = sorted(_events(trial, requests), key=lambda event: event[0])
    deaths = set(trial.chance.sample(range(len(events)), kills))
    began = time.monotonic()
    for number, (at_s, orders) in enumerate(events):
        while time.monotonic() < began + at_s:
            history.look()
        inbox.submit(trial.house.home, *orders)
        if number in deaths:
            trial.kill(runner)
            runner = trial.take_up()
    ids = [request.id for request in requests]
    wait_for(lambda: history.saw_the_end_of(ids))
    wait_for(lambda: not list(verdict.of_inbox(trial.house)))
    history.look()
    _judge_races(trial, history, requests)
    history.close()
    trial.end()


def _brief(trial: Trial, number: int) -> RunRequest:
    pause = trial.chance.choice(["", f"sleep {trial.chance.uniform(0.0, LIFE_S / 2):.3f};"])
    line = f"echo started >> {trial.house.root}/{number}.started; {pause} exit {number % 5}"
    return trial.house.request("/bin/sh", "-c", line)


def _events(trial: Trial, requests: list[RunRequest]) -> Iterable[tuple[float, list[Request]]]:
    """What to submit at which second: runs one after the other, and cancels of each."""
    chance = trial.chance
    for number, run in enumerate(requests):
        at_s = number * EVERY_S
        cancels: list[Request] = [
            CancelRequest(new_id(), run.id, force=chance.random() < 0.3)
            for _ in range(chance.choice([1, 1, 2]))
        ]
        at_once = chance.random() < 0.2
        yield at_s, [run, *cancels] if at_once else [run]
        if not at_once:
            yield from ((at_s + chance.uniform(0.0, LIFE_S), [cancel]) for cancel in cancels)
        trial.tally.tries += 1


def _judge_races(trial: Trial, history: History, requests: list[RunRequest]) -> None:
    for number, request in enumerate(requests):
        status, (code, killed_by, *_) = history.last(request.id)
        trial.tally.counts[f"were {status}"] += 1
        if status is not Status.CANCELLED:
            natural = Status.FAILED if number % 5 else Status.COMPLETED
            wanted = (natural, number % 5, None)
            trial.expect((status, code, killed_by), wanted, "how one ended that was cancelled late")
        started = trial.house.root / f"{number}.started"
        starts = len(started.read_text().splitlines()) if started.exists() else 0
        trial.expect(starts <= 1, True, f"{starts} starts are few enough")
        trial.expect(starts or status is Status.CANCELLED, True, f"{status} needs a start")
    trial.expect(_tagged(request.id for request in requests), 0, "processes that are left")


SEVEN = r"""#!/bin/bash
# NAME OUTPUT LAST: where the output of the seven goes, and what the main one does at last.
exec 3>&1
if [ "$2" = null ]; then exec >/dev/null 2>&1; fi
sit='exec -a "$0" sleep 1000'
bash -c "$sit" "$1" &
setsid bash -c "$sit" "$1" &
setsid bash -c "($sit) & exit" "$1" &
nohup bash -c "$sit" "$1" &
setsid env -i /bin/bash -c "$sit" "$1" &
setsid bash -c "trap '' TERM; $sit" "$1" &
read -r < "$4"
echo "STEP_START:All are up [stop_on_error=true]" >&3
eval "$3"
"""
WAYS = {
    "cancel": (":; sleep 1000", Status.CANCELLED),
    "timeout": ("sleep 1000", Status.TIMED_OUT),
    "stop on error": ("echo STEP_ERROR:bad >&3; sleep 1000", Status.FAILED),
    "exit": ("exit 0", Status.COMPLETED),
}
"""How a script comes to its end, what it does for that, and the status it has then."""


@scenario(
    fault="cancel, timeout, stop on error, and exit where nothing may be left, of seven escapees",
    passes="none of the seven survives, wherever its output goes",
    quick={"times": 1},
    full={"rounds": 20, "times": 5},
)
def test_escapees(trial: Trial, times: int) -> None:
    trial.set(grace=0.3)
    trial.start_runner()
    for turn in range(times):
        runs = [
            Seven(trial, f"{trial.seed}-{turn}-{how}-{output}", how, output)
            for how in WAYS
            for output in ("kept", "null")
        ]
        for run in runs:
            run.begin()
        for run in runs:
            run.judge()
    trial.end()


class Seven:
    """One run of the script of seven."""

    def __init__(self, trial: Trial, name: str, how: str, output: str) -> None:
        self._trial, self._how, self._name = trial, how, name.replace(" ", "_")
        self._gate = trial.house.root / f"{self._name}.gate"
        last, self._status = WAYS[how]
        script = trial.house.script(SEVEN, "seven.sh")
        self._request = trial.house.request(
            script,
            *(self._name, output, last, self._gate),
            timeout_s=3.0 if how == "timeout" else None,
            kill_leftovers=how == "exit",
        )

    def begin(self) -> None:
        """Start it; once all seven are there, let what is to end it happen."""
        os.mkfifo(self._gate)
        inbox.submit(self._trial.house.home, self._request)
        wait_for(lambda: len(_survivors(self._name)) == 7)
        self._gate.write_text("go\n")
        if self._how == "cancel":
            self._trial.house.cancel(self._request.id)

    def judge(self) -> None:
        """See that it has ended as it should have, with all seven."""
        execution = self._trial.house.wait(self._request.id)
        self._trial.tally.tries += 7
        self._trial.expect(execution.status, self._status, f"the status after {self._name}")
        left = len(_survivors(self._name))
        self._trial.expect(left, 0, f"survivors of {self._name}")


BOMB = r"""#!/bin/bash
# COUNT: so many processes at a time, each of which soon makes another and ends; for a minute.
exec 9<> <(:)
go_on() { read -r -t 0.2 -u 9; if ((SECONDS < 60)); then go_on & fi; exit; }
for ((i = 0; i < $1; i++)); do go_on & done
echo STEP_START:Bomb
wait
read -r -t 60 -u 9
"""
STOPPED_S = 5.0


@scenario(
    fault="cancel of 300 processes that make new ones all the time",
    passes="all of them are gone in < 5 s, the other runs are untouched",
    quick={"processes": 80},
    full={"rounds": 20, "processes": 300},
)
def test_bomb(trial: Trial, processes: int) -> None:
    trial.take_up()
    trial.keep_going(10, lambda: trial.random_job(lines=(100, 300)))
    bomb = trial.house.request(trial.house.script(BOMB, "bomb.sh"), processes)
    inbox.submit(trial.house.home, bomb)
    wait_for(lambda: _tagged([bomb.id]) > processes)
    began = time.monotonic()
    trial.house.cancel(bomb.id, force=True)
    execution = trial.house.wait(bomb.id)
    took = time.monotonic() - began
    trial.tally.tries += 1
    trial.in_time(took, STOPPED_S, "until all were gone")
    trial.expect(execution.status, Status.CANCELLED, "the bomb")
    trial.expect(_tagged([bomb.id]), 0, "processes that are left of it")
    trial.end()
