"""What was late is told from what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lateness import ONLY_LATE, SECOND_TRY, Late, in_time, is_late

ROOT = Path(__file__).parents[1]
CONFTEST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.conftest import pytest_configure
"""
TESTS = {
    "late": "from tests.lateness import in_time\nin_time(2.0, 1.0, 'it')",
    "waited": "raise TimeoutError('waited 60 s in vain')",
    "wrong": "assert 1 == 2",
    "good": "pass",
}


def status(
    directory: Path, *names: str, workers: int = 0, environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """The exit status and the output of pytest with these tests."""
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "pytest.ini").write_text("[pytest]\n")
    for name in names:
        body = TESTS[name].replace("\n", "\n    ")
        (directory / f"test_{name}.py").write_text(f"def test_{name}():\n    {body}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), str(directory)]
    environ = {"PATH": "/usr/bin:/bin", "SEED": "7", **(environment or {})}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_only_lateness_has_a_status_of_its_own(tmp_path: Path, workers: int) -> None:
    code, output = status(tmp_path, "late", "waited", "good", workers=workers)
    assert code == ONLY_LATE
    assert "LATE test_late.py::test_late (seed 7): it took 2 where 1 are allowed" in output
    assert "LATE test_waited.py::test_waited (seed 7): waited 60 s in vain" in output


@pytest.mark.parametrize("workers", [0, 2])
def test_one_wrong_result_fails_the_run(tmp_path: Path, workers: int) -> None:
    assert status(tmp_path, "late", "wrong", "good", workers=workers)[0] == 1


def test_what_passes_at_the_second_try_is_named(tmp_path: Path) -> None:
    code, output = status(tmp_path, "good", environment={SECOND_TRY: "1"})
    assert code == 0
    assert "FLAKY test_good.py::test_good (seed 7)" in output


def test_lateness_says_how_late() -> None:
    in_time(1.0, 1.0, "it")
    with pytest.raises(Late, match=r"^the end took 3 where 2\.5 are allowed$"):
        in_time(3.0, 2.5, "the end")


@pytest.mark.parametrize(
    ("error", "late"),
    [
        (TimeoutError("waited"), True),
        (subprocess.TimeoutExpired("stepflow", 5), True),
        (Late("slow"), True),
        (AssertionError("1 == 2"), False),
        (KeyError("x"), False),
        (OSError(5, "Input/output error"), False),
    ],
)
def test_kinds_of_errors(error: Exception, late: bool) -> None:
    assert is_late(error) is late
