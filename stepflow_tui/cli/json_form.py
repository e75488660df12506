"""What `--json` prints: the one place that names the keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from stepflow_tui.cli.terminal import standard_output, write_bytes
from stepflow_tui.core.clock import elapsed_ms
from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stepflow_tui.core.comparison import Comparison, Line, Timing
    from stepflow_tui.core.models import Artifact, Execution, Instant, Step

Object: TypeAlias = dict[str, Any]

_CONTROLS = lazy_pattern("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What is escaped beside what has to be: a terminal, which may be at the end of the pipe, obeys it;
and UTF-8 has no place for the halves of surrogate pairs, which stand for bytes of a path."""

_LAST_MS = 253_402_300_799_000
"""The last second of the year 9999, in UTC milliseconds."""


def execution_object(execution: Execution, moment: Instant) -> Object:
    """An execution without its steps and artifacts; what still runs is measured to `moment`."""
    return {
        "id": execution.id,
        "number": execution.number,
        "name": execution.name,
        "command": execution.command,
        "shell": execution.shell,
        "tty": execution.tty,
        "tty_size": execution.tty_size,
        "added_env": execution.added_env,
        "cwd": execution.cwd,
        "status": execution.status.value,
        "collecting": execution.is_collecting,
        "exit_code": execution.exit_code,
        "signal": execution.signal,
        "error": execution.error,
        "created_at": iso(execution.created_at),
        "started_at": iso(execution.started_at),
        "finished_at": iso(execution.finished_at),
        "duration_s": _seconds(elapsed_ms(execution, execution.boot_id, moment)),
        "timeout_s": execution.timeout_s,
        "limits": execution.limits,
        "kill_leftovers": execution.kill_leftovers,
        "marked": execution.marked,
        "user": execution.user,
        "tags": execution.tags,
        "note": execution.note,
        "metadata": execution.metadata,
        "env": execution.env,
        "progress": execution.progress,
        "step_count": execution.step_count,
        "steps_done": execution.steps_done,
        "line_count": execution.line_count,
        "byte_count": execution.byte_count,
        "end_line": execution.end_line,
        "warnings": execution.warnings,
    }


def step_object(step: Step, boot_id: str, moment: Instant) -> Object:
    """A step of an execution of this boot; what still runs is measured to `moment`."""
    return {
        "index": step.index,
        "name": step.name,
        "status": step.status.value,
        "started_at": iso(step.started_at),
        "finished_at": iso(step.finished_at),
        "duration_s": _seconds(elapsed_ms(step, boot_id, moment)),
        "estimated_s": step.estimated_s,
        "progress": step.progress,
        "error": step.error,
        "first_line": step.first_line,
        "last_line": step.last_line,
        "metadata": step.metadata,
    }


def artifact_object(artifact: Artifact) -> Object:
    """An artifact; `stored` is the path of its copy in the home."""
    return {
        "index": artifact.index,
        "name": artifact.name,
        "description": artifact.description,
        "path": artifact.path,
        "size": artifact.size,
        "mime": artifact.mime,
        "type": artifact.type,
        "step": artifact.step,
        "status": artifact.status.value,
        "exists": artifact.exists,
        "stored": artifact.stored,
        "reason": artifact.reason,
    }


def full_object(
    execution: Execution, steps: Sequence[Step], artifacts: Sequence[Artifact], moment: Instant
) -> Object:
    """An execution with its steps and artifacts."""
    return {
        **execution_object(execution, moment),
        "steps": [step_object(step, execution.boot_id, moment) for step in steps],
        "artifacts": [artifact_object(artifact) for artifact in artifacts],
    }


def comparison_object(comparison: Comparison) -> Object:
    """Two executions side by side."""
    return {
        "now": comparison.now.number,
        "before": None if comparison.before is None else comparison.before.number,
        "whole": _comparison_line(comparison.whole),
        "steps": [
            {"name": line.name, "occurrence": line.occurrence, **_comparison_line(line)}
            for line in comparison.steps
        ],
    }


def _comparison_line(line: Line) -> Object:
    return {
        "now": _timing(line.now),
        "before": _timing(line.before),
        "difference_s": _seconds(line.difference_ms),
        "median_s": _seconds(line.usual.median_ms if line.usual else None),
        "median_of": line.usual.count if line.usual else 0,
        "mark": line.mark,
    }


def _timing(timing: Timing | None) -> Object | None:
    if timing is None:
        return None
    index = {"index": timing.index} if timing.index else {}
    return {**index, "status": timing.status.value, "duration_s": _seconds(timing.ms)}


def print_json(value: Object) -> None:
    """Put an object on standard output."""
    _write(json.dumps(value, indent=2, ensure_ascii=_must_be_ascii()))


def print_json_lines(values: Iterable[Object]) -> None:
    """Put an array of objects on standard output, each on a line of its own."""
    # An indented form would be made by slow Python code.
    encoder = json.JSONEncoder(ensure_ascii=_must_be_ascii())
    lines = ",\n".join(encoder.encode(value) for value in values)
    _write(f"[\n{lines}\n]" if lines else "[]")


def _must_be_ascii() -> bool:
    """Before a person's eyes, as C1 and bidi characters would act on the terminal."""
    return standard_output().is_terminal


def _write(text: str) -> None:
    """Write JSON as UTF-8, whatever the locale is."""
    text = _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    write_bytes(text.encode() + b"\n")


def iso(moment_ms: int | None) -> str | None:
    """UTC milliseconds as ISO 8601, such as `2026-11-23T19:41:00.000Z`; within 1970 to 9999."""
    if moment_ms is None:
        return None
    moment_ms = min(max(moment_ms, 0), _LAST_MS)  # a clock may have told anything
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
