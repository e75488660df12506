"""`stepflow show`: all that is known of one execution, but its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.json_form import full_object, print_json
from stepflow_tui.cli.lookup import execution_argument, one_execution, reread
from stepflow_tui.cli.table import lined_up
from stepflow_tui.cli.terminal import BOLD, standard_output, write
from stepflow_tui.cli.wording import collecting_note, execution_title, signal_name
from stepflow_tui.core.clock import elapsed_ms, now
from stepflow_tui.core.durations import format_age, format_duration, format_size
from stepflow_tui.core.quoting import shown_command, shown_path, shown_shell
from stepflow_tui.core.text import clean, clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact, Execution, Instant, Step
    from stepflow_tui.store.reader import Reader

_LIMITS: dict[str, Callable[[int], str]] = {
    "memory": format_size,
    "cpu": lambda seconds: format_duration(seconds * 1000),
    "file_size": format_size,
    "nice": str,
}


@click.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print one object")
@execution_argument
@with_home
def command(home: Home, *, wanted: str, as_json: bool) -> None:
    """Show an execution, its steps and artifacts."""
    with one_execution(home, wanted) as (reader, execution):
        if as_json:
            print_execution_json(reader, execution)
            return
        steps = reader.all(queries.steps(execution.number))
        artifacts = reader.all(queries.artifacts(execution.number))
        reread(reader, execution)
    write("".join(f"{line}\n" for line in _page(execution, steps, artifacts)))


def print_execution_json(reader: Reader, execution: Execution) -> None:
    """Put an execution with its steps and artifacts on standard output as JSON."""
    steps = reader.all(queries.steps(execution.number))
    artifacts = reader.all(queries.artifacts(execution.number))
    reread(reader, execution)  # else it would be shown without what was removed with it
    print_json(full_object(execution, steps, artifacts, now()))


def _page(
    execution: Execution, steps: Sequence[Step], artifacts: Sequence[Artifact]
) -> Iterator[str]:
    terminal, moment = standard_output(), now()
    title = terminal.paint(execution_title(execution), BOLD)
    yield f"{title}  {terminal.status(execution.status, execution.word)}"
    facts = ((name, value) for name, value in _facts(execution, moment) if value)
    yield from _indented(lined_up(facts))
    yield from (f"  warning: {clean_line(warning)}" for warning in execution.warnings)
    if execution.is_collecting:
        yield f"  {collecting_note(execution)}"
    if steps:
        yield terminal.paint("steps", BOLD)
        yield from _indented(
            lined_up([_step_row(step, execution.boot_id, moment) for step in steps])
        )
    if artifacts:
        yield terminal.paint("artifacts", BOLD)
        yield from _indented(lined_up(artifact_rows(artifacts)))


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in lines)


def _facts(execution: Execution, moment: Instant) -> Iterator[tuple[str, str]]:
    age = format_age(moment.wall_ms - execution.created_at)
    yield "id", execution.id
    yield "command", _command_line(execution)
    yield "directory", shown_path(execution.cwd)
    yield "created", f"{age} ago by {clean_line(execution.user)}"
    yield "duration", format_duration(elapsed_ms(execution, execution.boot_id, moment))
    yield "ended with", _ending(execution)
    yield "error", clean_line(execution.error or "")
    yield "timeout", format_duration(_ms(execution.timeout_s)) if execution.timeout_s else ""
    yield "limits", _limits(execution.limits)
    yield "leftovers", "are stopped" if execution.kill_leftovers else ""
    yield "terminal", execution.terminal
    yield "added env", "" if execution.added_env else "none"
    yield "marked", "it is never removed" if execution.marked else ""
    yield "tags", " ".join(map(clean_line, execution.tags))
    for index, line in enumerate((execution.note or "").splitlines()):
        yield "" if index else "note", clean(line) or " "
    yield "metadata", _pairs(execution.metadata)
    yield "variables", _pairs(execution.env)
    yield "log", f"{execution.line_count:,} lines, {format_size(execution.byte_count)}"


def _command_line(execution: Execution) -> str:
    if execution.shell:
        return shown_shell(execution.command[0])
    return shown_command(execution.command)


def _ending(execution: Execution) -> str:
    if execution.signal is not None:
        return signal_name(execution.signal)
    return f"exit {execution.exit_code}" if execution.exit_code is not None else ""


def _pairs(pairs: Mapping[str, object]) -> str:
    return clean_line(", ".join(f"{name}={value}" for name, value in pairs.items()))


def _limits(limits: Mapping[str, int]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {shown(limits[name])}"
        for name, shown in _LIMITS.items()
        if name in limits
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _step_row(step: Step, boot_id: str, moment: Instant) -> tuple[str, ...]:
    last = "" if step.last_line is None else step.last_line
    expected = f" of {format_duration(_ms(step.estimated_s))}" if step.estimated_s else ""
    share = f"{step.progress:.0%} " if step.progress is not None else ""
    return (
        f"{standard_output().glyph(step.status)} {step.index}",
        clean_line(step.name),
        step.status.word,
        f"{share}{format_duration(elapsed_ms(step, boot_id, moment))}{expected}",
        f"lines {step.first_line}-{last}",
        clean_line(step.error or _pairs(step.metadata)),
    )


def _state(artifact: Artifact) -> str:
    """Whether it was stored; of a directory also what of it was not."""
    if artifact.stored is None:
        return clean_line(artifact.reason or "not stored yet")
    return clean_line(f"stored, {artifact.reason}" if artifact.reason else "stored")


def artifact_rows(artifacts: Sequence[Artifact]) -> list[tuple[str, ...]]:
    """Cells of a table of artifacts: index, path, size, type, step and what became of it."""
    return [
        (
            str(artifact.index),
            shown_path(artifact.path),
            "-" if artifact.size is None else format_size(artifact.size),
            clean_line(artifact.type or artifact.mime or "-"),
            "-" if artifact.step is None else f"step {artifact.step}",
            _state(artifact),
            clean_line(artifact.description or ""),
        )
        for artifact in artifacts
    ]
