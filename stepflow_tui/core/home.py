"""Where everything lies on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class Home(Struct, frozen=True):
    """The one directory that holds all state; owned by one user, mode 0700."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file that only the runner writes."""
        return self.root / "stepflow.db"

    @property
    def wal(self) -> Path:
        """The write-ahead log beside the database."""
        return self.root / "stepflow.db-wal"

    @property
    def runner_lock(self) -> Path:
        """Locked by the live runner; says who that is."""
        return self.root / "runner.lock"

    @property
    def runner_log(self) -> Path:
        """What the runner has to tell its operator."""
        return self.root / "runner.log"

    @property
    def dashboard_log(self) -> Path:
        """Where the last fault of the dashboard came up."""
        return self.root / "dashboard.log"

    @property
    def ballast(self) -> Path:
        """Space set aside, to be given back when the disk is full."""
        return self.root / "ballast"

    @property
    def requests(self) -> Path:
        """Where clients drop what they ask of the runner."""
        return self.root / "requests"

    @property
    def refused(self) -> Path:
        """Requests that could not be taken, each with its reason."""
        return self.root / "requests" / "refused"

    @property
    def spool(self) -> Path:
        """What scripts write, until it is safe in the database."""
        return self.root / "spool"

    @property
    def artifacts(self) -> Path:
        """Copies of collected artifacts, a directory per execution."""
        return self.root / "artifacts"

    @property
    def directories(self) -> tuple[Path, ...]:
        """All directories, parents first."""
        return (self.root, self.requests, self.refused, self.spool, self.artifacts)
