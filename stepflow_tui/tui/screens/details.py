"""Everything that is known about an execution."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import work

from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_duration, format_size
from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.quoting import shown_command, shown_path, shown_shell
from stepflow_tui.core.text import clean, clean_line
from stepflow_tui.store import queries
from stepflow_tui.tui.clock import execution_time
from stepflow_tui.tui.screens.sheet import Sheet, colour_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType
    from textual.timer import Timer

    from stepflow_tui.core.models import Artifact, Execution
    from stepflow_tui.tui.source import Source

    Pair = tuple[str, str]

_REFRESH_S = 1.0


class Details(Sheet):
    """Command, times, metadata, environment, warnings, artifacts and the error."""

    def __init__(self, source: Source, execution: Execution, artifacts: Sequence[Artifact]) -> None:
        """Makes the sheet.

        Args:
            source: where the execution is read again as long as it runs.
            execution: as it was read.
            artifacts: of the execution.
        """
        super().__init__(f"#{execution.number} {clean_line(execution.name)}", id="details")
        self._source = source
        self._execution = execution
        self._artifacts = artifacts
        self._clock: Timer | None = None

    def on_mount(self) -> None:
        """Look again every second as long as it runs."""
        if not self._execution.status.is_final:
            self._clock = self.set_interval(_REFRESH_S, self._read)

    @work(group="details", exclusive=True)
    async def _read(self) -> None:
        number = self._execution.number
        try:
            execution = await self._source.first(queries.execution(number))
            artifacts = await self._source.all(queries.artifacts(number))
        except StoreProblem:
            return  # the main screen says so
        if execution is not None:
            self._execution, self._artifacts = execution, artifacts
            self.show_anew()
        if self._clock is not None and (execution is None or execution.status.is_final):
            self._clock.stop()

    def text(self) -> RenderableType:
        """The facts, then what there is more of."""
        execution, colours = self._execution, self.app.theme_variables
        status = Text(
            f"{GLYPHS[execution.status]} {execution.word}",
            colour_of(colours, f"status-{execution.status}"),
        )
        if execution.error:
            status.append(f"  {clean_line(execution.error)}", "default")
        table = self._table([("status", status), *_as_text(_facts(execution))])
        return Group(table, *self._sections())

    def _sections(self) -> Iterator[RenderableType]:
        execution = self._execution
        metadata = {key: str(value) for key, value in execution.metadata.items()}
        for title, pairs in (
            ("Metadata", _cleaned(metadata)),
            ("Environment", _cleaned(execution.env)),
            ("Artifacts", [_artifact(artifact) for artifact in self._artifacts]),
        ):
            if pairs:
                yield Text(f"\n{title}", "bold")
                yield self._table(_as_text(pairs))
        if execution.warnings:
            yield Text("\nWarnings", "bold")
            yield from (Text(f"· {clean_line(warning)}") for warning in execution.warnings)

    def _table(self, rows: Iterable[tuple[str, Text]]) -> Table:
        dim = colour_of(self.app.theme_variables, "dim")
        table = Table.grid(padding=(0, 2))
        table.add_column(max_width=24, min_width=9)
        table.add_column(overflow="fold")
        for label, value in rows:
            table.add_row(Text(label, dim), value)
        return table


def command_line(execution: Execution) -> str:
    """The command as one would type it."""
    if execution.shell:
        return "\n".join(map(shown_shell, execution.command[0].split("\n")))
    return shown_command(execution.command, lines=True)


def _facts(execution: Execution) -> Iterator[Pair]:
    yield "command", "\n".join(map(clean, command_line(execution).splitlines()))
    yield "directory", shown_path(execution.cwd)
    for label, moment in (
        ("submitted", execution.created_at),
        ("started", execution.started_at),
        ("finished", execution.finished_at),
    ):
        if moment is not None:
            yield label, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment / 1000))
    if execution.started_at is not None:
        yield "took" if execution.status.is_final else "running", execution_time(execution, now())
    if execution.timeout_s is not None:
        yield "timeout", format_duration(round(execution.timeout_s * 1000))
    yield from _options(execution)
    if execution.signal is not None:
        yield "signal", str(execution.signal)
    if execution.exit_code is not None:
        yield "exit code", str(execution.exit_code)
    yield "log", f"{execution.line_count:,} lines, {format_size(execution.byte_count)}"
    if execution.tags:
        yield "tags", clean_line(", ".join(execution.tags))
    if execution.note:
        yield "note", "\n".join(map(clean, execution.note.split("\n")))
    yield "user", clean_line(execution.user)
    yield "id", execution.id


def _options(execution: Execution) -> Iterator[Pair]:
    if execution.tty:
        yield "terminal", execution.terminal
    if not execution.added_env:
        yield "added env", "none"


def _artifact(artifact: Artifact) -> Pair:
    parts = [shown_path(artifact.path)]
    if artifact.description:
        parts.append(clean_line(artifact.description))
    if artifact.size is not None:
        parts.append(format_size(artifact.size))
    if artifact.reason:
        parts.append(f"not stored: {clean_line(artifact.reason)}")
    return shown_path(artifact.name), " · ".join(parts)


def _cleaned(pairs: Mapping[str, str]) -> list[Pair]:
    return [(clean_line(name), clean_line(value)) for name, value in pairs.items()]


def _as_text(pairs: Iterable[Pair]) -> Iterator[tuple[str, Text]]:
    return ((label, Text(value)) for label, value in pairs)
