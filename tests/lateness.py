"""Tells what came too late from what is wrong, so that only the former is tried again.

A shared machine may stall for seconds. `scripts/test` runs the tests that were late a second time,
with nothing beside them and with the same seed; a test that failed in any other way fails the run.
"""

from __future__ import annotations

import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from textual.pilot import WaitForScreenTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator

ONLY_LATE = 75
"""Exit status of pytest when every failure was one of lateness: EX_TEMPFAIL of sysexits.h."""
SECOND_TRY = "SECOND_TRY"
"""Names the environment variable that is set while late tests are tried again."""
PROPERTY = "late"
"""The user property of a report on a test that was late, with the reason as its value."""


class Late(AssertionError):
    """Something took longer than it may, and what came of it was right."""


def in_time(took: float, allowed: float, what: str) -> None:
    """Check how long something took.

    Args:
        took, allowed: in the same unit.
        what: the subject of the sentence that a failure says.

    Raises:
        Late: it took longer.
    """
    if took > allowed:
        raise Late(f"{what} took {took:.3g} where {allowed:.3g} are allowed")


def is_late(error: BaseException) -> bool:
    """Whether an error says that something took too long, rather than that it was wrong."""
    if isinstance(error, pytest.fail.Exception):
        return "from pytest-timeout" in str(error)
    late = (Late, TimeoutError, subprocess.TimeoutExpired, WaitForScreenTimeout)
    return isinstance(error, late)


def seed() -> int:
    """What decides all that tests leave to chance: `SEED`, else a new one in each call."""
    return int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))


class LatenessReport:
    """A pytest plugin that sets the exit status `ONLY_LATE`, and names what was flaky."""

    def __init__(self) -> None:
        self._failed: list[pytest.TestReport] = []
        self._passed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Iterator[pytest.TestReport | None]:
        """Mark the report of a test that was late. It may be sent to another process then."""
        report: pytest.TestReport = yield  # type: ignore[misc,assignment]
        if report.failed and call.excinfo is not None and is_late(call.excinfo.value):
            reason = str(call.excinfo.value).partition("\n")[0] or call.excinfo.typename
            report.user_properties.append((PROPERTY, reason))
        return report  # type: ignore[return-value]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the results, those of other processes too."""
        if report.failed:
            self._failed.append(report)
        elif report.when == "call" and report.passed:
            self._passed.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Change the exit status if nothing but lateness was found."""
        reports_all = len(self._failed) and not hasattr(session.config, "workerinput")
        if exitstatus != pytest.ExitCode.TESTS_FAILED or not reports_all:
            return
        if all(_reason(report) is not None for report in self._failed):
            session.exitstatus = ONLY_LATE

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name each test that was late, or passed at the second try only."""
        number = os.environ.get("SEED", "unknown")
        for report in self._failed:
            if reason := _reason(report):
                terminalreporter.write_line(f"LATE {report.nodeid} (seed {number}): {reason}")
        if SECOND_TRY in os.environ:
            for test in self._passed:
                terminalreporter.write_line(f"FLAKY {test} (seed {number}): late, then passed")


def _reason(report: pytest.TestReport) -> str | None:
    return next((str(value) for name, value in report.user_properties if name == PROPERTY), None)
