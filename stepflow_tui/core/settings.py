"""What can be set: read from environment variables named `STEPFLOW_` and the field's name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import parse_duration
from stepflow_tui.core.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the runner. Times are in seconds (`90`, `10m`, `24h`), sizes in bytes.

    Attributes:
        idle_exit: the runner leaves after this time without work.
        grace: between TERM and KILL when an execution is stopped.
        drain: how long after its end an execution waits for what background jobs still write.
        keep_spools: how long a finished spool is kept in case the database is damaged.
        keep_spools_bytes: how much all kept spools may take.
        max_artifact_bytes: of all artifacts of one execution.
        max_artifact_files: of one execution.
        max_steps: of one execution.
    """

    idle_exit: float = 600.0
    grace: float = 10.0
    drain: float = 2.0
    keep_spools: float = 86_400.0
    keep_spools_bytes: float = 1e9
    max_artifact_bytes: float = 1e9
    max_artifact_files: float = 1000
    max_steps: float = 10_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that `environment` asks for, defaults for the others.

        Raises:
            UsageProblem: a value cannot be read.
        """
        values: dict[str, float] = {}
        for setting in fields(cls):
            variable = f"STEPFLOW_{setting.name.upper()}"
            if variable in environment:
                values[setting.name] = _read(variable, environment[variable])
        return cls(**values)


def _read(variable: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageProblem(f"{variable}={text}: {error}") from error
