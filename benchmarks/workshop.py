"""Where a section works: homes that go with it, runners, and how much it may take on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from stepflow_tui.core.home import Home
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

_POLL_S = 0.002
PATIENCE_S = 120.0


@dataclass
class Workshop:
    """Use it as a context manager: at the end nothing of it is left.

    Attributes:
        quick: less of everything, for a look.
        say: tells how far a section has come.
    """

    quick: bool
    say: Callable[[str], None] = print
    root: Path = field(init=False)
    _at_end: ExitStack = field(default_factory=ExitStack, init=False)
    _homes: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        self.root = Path(tempfile.mkdtemp(prefix="stepflow-bench-"))
        self._at_end.callback(shutil.rmtree, self.root, ignore_errors=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._at_end.close()

    def choose(self, quick: T, full: T) -> T:
        """The amount for this run."""
        return quick if self.quick else full

    def home(self) -> Home:
        """A new home; its runner, if one is started, ends with the workshop."""
        self._homes += 1
        home = Home(self.root / f"home-{self._homes}")
        prepare_home(home)
        self._at_end.callback(self._stop_runner, home)
        return home

    def directory(self, name: str) -> Path:
        """A new directory."""
        path = self.root / name
        path.mkdir()
        return path

    def compiled(self, name: str) -> Path:
        """The program of that name, built from its C source beside this module at first use.

        Raises:
            FileNotFoundError: there is no C compiler.
        """
        program, source = self.root / name, Path(__file__).with_name(f"{name}.c")
        if not program.exists():
            subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)  # noqa: S607
        return program

    def start_runner(self, home: Home, **settings: object) -> int:
        """Start a runner in the background; returns its process id."""
        environ = {**os.environ, "STEPFLOW_RUNNER": "1"}
        environ |= {f"STEPFLOW_{name.upper()}": str(value) for name, value in settings.items()}
        with home.runner_log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "stepflow_tui.runner", "--home", str(home.root)],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._at_end.callback(process.wait)
        self._at_end.callback(process.kill)
        self._at_end.callback(self._stop_runner, home)  # first of these three
        wait_for(lambda: live_runner(home))
        return process.pid

    def stepflow(self, home: Home, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a whole command of the product."""
        command = [sys.executable, "-m", "stepflow_tui", "--home", str(home.root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _stop_runner(self, home: Home) -> None:
        if live_runner(home) is not None:
            self.stepflow(home, "runner", "stop", "--cancel-all")


def wait_for(holds: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """What `holds` gives once that is true.

    Raises:
        TimeoutError: it never was.
    """
    deadline = time.monotonic() + patience_s
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_s:.0f} s in vain")
        time.sleep(_POLL_S)
    return found
