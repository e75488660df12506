"""What can be set: read from environment variables named `STEPFLOW_` and the field's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from stepflow_tui.core.durations import parse_duration, parse_size
from stepflow_tui.core.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text.strip()):
        raise ValueError("a count is a whole number")
    return int(text)


def _share(text: str) -> float:
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if rest or not 0 <= share <= 1:
        raise ValueError("a share is a number from 0 to 1, or a percentage such as 5%")
    return share


def _leftovers(text: str) -> str:
    if text not in ("keep", "stop"):
        raise ValueError("it is keep or stop")
    return text


def _setting(default: Any, read: Callable[[str], object]) -> Any:  # noqa: ANN401 - the field's type
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a home's runner. Times are in seconds, sizes in bytes, shares from 0 to 1.

    Users write `90`, `10m`, `24h`; `500MB`, `1GiB`; `0.05` or `5%`.

    Attributes:
        idle_exit: the runner leaves after this time without work.
        grace: between TERM and KILL when an execution is stopped.
        drain: how long after its end an execution waits for what background jobs still write.
        orphans: `keep` or `stop` the processes of an execution that is lost.
        keep_spools: how long a finished spool is kept in case the database is damaged.
        keep_spools_bytes: how much all kept spools may take.
        max_log_bytes: of one execution; its first and its last half of that are kept.
        max_artifact_bytes: of all artifacts of one execution.
        max_artifact_files: of one execution.
        artifact_timeout: an artifact is given up if nothing of it can be read for so long.
        max_steps: of one execution.
        max_queue: executions that may wait to be started; more are refused.
        min_free_bytes, min_free_share: nothing is started while less than both is free on the
            disk of the home.
        ballast_bytes: set aside on the disk, and given back when it is full.
        retain_age: finished executions are removed after this time; 0 keeps them.
        retain_count: so many finished executions are kept; 0 keeps all.
        retain_bytes: the oldest are removed while the history takes more; 0 keeps all.
        alert_wal_bytes: a write-ahead log larger than this is reported.
        alert_memory_bytes: a runner larger than this is reported.
        alert_error_rate: failed commits, as a share, from which on it is reported.
        alert_response: a commit slower than this is reported.
    """

    idle_exit: float = _setting(600.0, parse_duration)
    grace: float = _setting(10.0, parse_duration)
    drain: float = _setting(2.0, parse_duration)
    orphans: str = _setting("keep", _leftovers)
    keep_spools: float = _setting(86_400.0, parse_duration)
    keep_spools_bytes: int = _setting(10**9, parse_size)
    max_log_bytes: int = _setting(10**9, parse_size)
    max_artifact_bytes: int = _setting(10**9, parse_size)
    max_artifact_files: int = _setting(1000, _count)
    artifact_timeout: float = _setting(30.0, parse_duration)
    max_steps: int = _setting(10_000, _count)
    max_queue: int = _setting(10_000, _count)
    min_free_bytes: int = _setting(10**9, parse_size)
    min_free_share: float = _setting(0.05, _share)
    ballast_bytes: int = _setting(16 * 1024**2, parse_size)
    retain_age: float = _setting(0.0, parse_duration)
    retain_count: int = _setting(0, _count)
    retain_bytes: int = _setting(0, parse_size)
    alert_wal_bytes: int = _setting(50 * 10**6, parse_size)
    alert_memory_bytes: int = _setting(500 * 10**6, parse_size)
    alert_error_rate: float = _setting(0.001, _share)
    alert_response: float = _setting(0.010, parse_duration)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that `environment` asks for, defaults for the others.

        Raises:
            UsageProblem: a value cannot be read.
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            variable = f"STEPFLOW_{setting.name.upper()}"
            if variable in environment:
                values[setting.name] = _read(variable, environment[variable], setting.metadata)
        return cls(**values)


def _read(variable: str, text: str, metadata: Mapping[str, Any]) -> object:
    try:
        return metadata["read"](text)
    except ValueError as error:
        raise UsageProblem(f"{variable}={text}: {error}") from error
