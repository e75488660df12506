from __future__ import annotations

import os
import random
import signal
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.house import House

SCRIPTS = 50
LINES = 400
KILLS = 20

# Each start leaves a line in a file of its own, so that a second start would show.
NUMBERED = f"""#!/bin/bash
echo started >> "$1.starts"
echo STEP_START:Count
for i in $(seq 1 {LINES}); do
  echo "$2 line $i"
  if [ $((i % 20)) = 0 ]; then sleep 0.05; fi
done
echo STEP_COMPLETE:Count
exit $(($2 % 7))
"""


def test_nothing_is_lost_when_the_runner_is_killed_twenty_times(house: House) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    print(f"SEED={seed}")  # noqa: T201 - shown with a failure, to run it again
    chance = random.Random(seed)  # noqa: S311 - any seed will do
    script = house.script(NUMBERED)
    requests = [
        house.request(script, house.root / f"script{number}", str(number))
        for number in range(SCRIPTS)
    ]
    inbox.submit(house.home, *requests)
    for _ in range(KILLS):
        runner = house.start_runner()
        wait_for(house.home.database.exists)
        # A random life: until the runner has used that much processor time, or a while has passed.
        signal.sigtimedwait([], chance.uniform(0.0, 0.15))
        os.kill(runner.pid, signal.SIGKILL)
        house.kill_runner()
    house.start_runner()
    for number, request in enumerate(requests):
        execution = house.wait(request.id)
        assert execution.exit_code == number % 7
        assert execution.status is (Status.FAILED if number % 7 else Status.COMPLETED)
        expected = [f"{number} line {line}" for line in range(1, LINES + 1)]
        expected = ["STEP_START:Count", *expected, "STEP_COMPLETE:Count"]
        assert house.log(execution).decode().splitlines() == expected
        starts = (house.root / f"script{number}.starts").read_text()
        assert starts == "started\n"
        [step] = house.steps(execution)
        assert (step.first_line, step.last_line) == (1, LINES + 2)
        assert (step.status, step.explicit_end) == (Status.COMPLETED, True)
