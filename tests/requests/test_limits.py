from __future__ import annotations

import os
import re
import resource
import subprocess
import sys

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.requests import limits
from stepflow_tui.requests.limits import caller_limits, caller_niceness, check_limits
from stepflow_tui.requests.request import RLIMITS


def test_the_limits_of_the_caller_are_told() -> None:
    told = caller_limits()
    assert told.keys() == RLIMITS
    assert told["NOFILE"] == list(resource.getrlimit(resource.RLIMIT_NOFILE))
    assert caller_niceness() == os.nice(0)


def test_a_limit_that_is_none_is_minus_one() -> None:
    code = (
        "from stepflow_tui.requests.limits import *\n"
        "told = caller_limits(); print(told['NOFILE'], told['FSIZE'], caller_niceness())"
    )
    shell = 'ulimit -S -n 77; ulimit -H -n 88; ulimit -S -f 2; exec nice -n 5 "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    assert done.stdout == f"[77, 88] [1024, {hard}] {os.nice(0) + 5}\n"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"memory": 1, "cpu": 1, "file_size": 1, "nice": 19},
        {"memory": 4 << 30, "cpu": 60, "file_size": 1000},
        {"nice": 0},
    ],
)
def test_what_the_caller_may_set(given: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    hard = {"AS": [1, 4 << 30], "CPU": [1, 60], "FSIZE": [1, 1000]}
    monkeypatch.setattr(limits, "caller_limits", lambda: hard)
    check_limits(given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"memory": 0}, "a memory limit must be more than nothing"),
        ({"cpu": -1}, "a cpu limit must be more than nothing"),
        ({"file_size": 2**63}, "a file size limit of this size is the same as none; leave it out"),
        (
            {"memory": (4 << 30) + 1},
            "a memory limit of 4.3 GB is above your own hard limit of 4.3 GB; give a lower one",
        ),
        (
            {"cpu": 61},
            "a cpu limit of 1m 01s is above your own hard limit of 1m 00s; give a lower one",
        ),
        (
            {"file_size": 1001},
            "a file size limit of 1.0 kB is above your own hard limit of 1.0 kB; give a lower one",
        ),
        ({"nice": 20}, "a niceness goes from -20 to 19"),
        ({"nice": -21}, "a niceness goes from -20 to 19"),
        ({"nice": -1}, "only root may set a negative niceness; give one from 0 to 19"),
    ],
)
def test_what_the_caller_may_not_set(
    given: dict[str, int], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hard = {"AS": [1, 4 << 30], "CPU": [1, 60], "FSIZE": [1, 1000]}
    monkeypatch.setattr(limits, "caller_limits", lambda: hard)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageProblem, match=f"^{re.escape(sentence)}$"):
        check_limits(given)


def test_who_may_set_a_negative_niceness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    check_limits({"nice": -20})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(limits, "caller_niceness", lambda: -5)
    check_limits({"nice": -5})
    with pytest.raises(UsageProblem):
        check_limits({"nice": -6})
