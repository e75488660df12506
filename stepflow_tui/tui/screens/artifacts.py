"""The artifacts of an execution: which there are, what is in them, and getting them out."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on, work
from textual.app import SuspendNotSupported
from textual.screen import Screen

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.errors import StepflowError, StoreProblem, reason_of
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.directory import current_directory
from stepflow_tui.store import queries
from stepflow_tui.store.collected import LeftOut, copy_collected
from stepflow_tui.tui import keymap
from stepflow_tui.tui.forms.path_completion import target_path
from stepflow_tui.tui.log import pager
from stepflow_tui.tui.previews import opening
from stepflow_tui.tui.previews.compose import FITTED, page_of
from stepflow_tui.tui.previews.kind import Kind
from stepflow_tui.tui.previews.material import read_material
from stepflow_tui.tui.previews.page import notes_page
from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.screens.help import KEY, Help
from stepflow_tui.tui.screens.once import ClosesOnce
from stepflow_tui.tui.widgets.artifact_list import (
    ArtifactHighlighted,
    ArtifactList,
    state_of,
)
from stepflow_tui.tui.widgets.keys_line import KeysLine
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.path_bar import PathBar, PathEntered
from stepflow_tui.tui.widgets.preview_pane import FrameChanged, PreviewPane

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact, Execution
    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.source import Source

KEYS = keymap.Group(
    "Artifacts",
    (
        keymap.key("enter,o", "open_artifact", "open", "enter", footer=True),
        keymap.key("y", "copy_path", "copy path", "y", footer=True),
        keymap.key("s", "save_artifact", "save as", "s", footer=True),
        keymap.key("tab,shift+tab", "other_pane", "list or preview", "tab", footer=True),
        KEY,
        keymap.key("q", "leave_artifacts", "back to the runs", "q"),
        # With priority, as Textual takes a selection away by itself, and then goes on.
        keymap.key("escape", "artifacts_back", "back", "esc", footer=True, priority=True),
    ),
)
"""What one can do here."""

_REFRESH_S = 1.0
_FRAME_ROWS = 2
_LIST_SHARE = 0.4


class Artifacts(ClosesOnce, Screen[None]):
    """A list above, and below it what is in the selected artifact."""

    AUTO_FOCUS = "#artifacts"
    CSS_PATH = "artifacts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS.bindings)

    def __init__(self, source: Source, home: Home, execution: Execution) -> None:
        """Makes the screen.

        Args:
            source: where the list is read.
            home: where the copies lie.
            execution: whose artifacts are shown.
        """
        super().__init__(id="artifacts-screen")
        self._source = source
        self._home = home
        self._execution = execution
        self._found: list[Artifact] = []
        self._material: Material | None = None
        self._list = ArtifactList(id="artifacts")
        self._preview = PreviewPane(id="preview")
        self._bar = PathBar(id="path-bar")
        self._sum = Line(id="artifacts-sum")

    def compose(self) -> ComposeResult:
        """The list, the preview, and the lines at the bottom."""
        yield self._list
        yield self._preview
        yield self._bar
        yield self._sum
        yield KeysLine(KEYS.bindings, id="artifacts-keys")

    async def on_mount(self) -> None:
        """Read the list, and read it again as long as it may grow."""
        await self._read()
        if not self._execution.status.is_final:
            self.set_interval(_REFRESH_S, self._read)

    async def _read(self) -> None:
        number = self._execution.number
        try:
            found = await self._source.all(queries.artifacts(number))
            steps = await self._source.all(queries.steps(number)) if found else []
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
            return
        if found == self._found and found:
            return
        self._found = found
        self._fit_list()
        self._list.show(found, {step.index: step.name for step in steps})
        self._sum_up()
        if not found:
            self._preview.show("Preview", notes_page("this run has no artifacts"))

    def _fit_list(self) -> None:
        """As high as the list is long, up to a share of the screen."""
        most = max(1, round(self.size.height * _LIST_SHARE) - _FRAME_ROWS)
        self._list.styles.height = max(1, min(len(self._found), most)) + _FRAME_ROWS

    def on_resize(self) -> None:
        """The list keeps its share."""
        self._fit_list()

    def _sum_up(self) -> None:
        execution, found = self._execution, self._found
        stored = [artifact for artifact in found if artifact.stored]
        size = format_size(sum(artifact.size or 0 for artifact in stored))
        name = f" #{execution.number} {clean_line(execution.name)}  "
        told = f"{len(stored):,} of {len(found):,} stored, {size} "
        self._sum.set_parts([(name, "")], [(told, "line--dim")])

    # The preview

    @on(ArtifactHighlighted)
    def _turn(self) -> None:
        self._material = None
        self._load()

    @on(FrameChanged)
    def _lay_out_anew(self) -> None:
        if self._material is not None and self._material.kind in FITTED:
            self._lay_out()

    @work(group="preview", exclusive=True)
    async def _load(self) -> None:
        artifact = self._list.current
        if artifact is None:
            return
        if artifact.stored is None:
            self._preview.show(_title(artifact, None), notes_page(*_why_not(artifact)))
            return
        try:
            self._material = await asyncio.to_thread(read_material, self._home, artifact)
        except (StepflowError, OSError) as error:
            self._preview.show(_title(artifact, None), notes_page(clean_line(reason_of(error))))
            return
        await self._show_page(artifact, self._material, again=False)

    @work(group="preview", exclusive=True)
    async def _lay_out(self) -> None:
        if self._list.current is not None and self._material is not None:
            await self._show_page(self._list.current, self._material, again=True)

    async def _show_page(self, artifact: Artifact, material: Material, *, again: bool) -> None:
        page = await asyncio.to_thread(page_of, material, self._preview.frame)
        if artifact.reason is not None:
            page = replace(page, notes=[*page.notes, "", state_of(artifact)])
        self._preview.show(_title(artifact, material), page, again=again)

    # Keys

    def action_other_pane(self) -> None:
        """To the list, or to the preview."""
        self.set_focus(self._list if self.focused is self._preview else self._preview)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self, keymap.MOVE, keymap.SIDEWAYS, KEYS))

    def action_leave_artifacts(self) -> None:
        """Back to where we came from."""
        self.dismiss()

    def action_artifacts_back(self) -> None:
        """Undo one layer: the path, the selection, the screen."""
        if self._bar.is_open:
            self._close_bar()
        elif self.selections:
            self.clear_selection()
        else:
            self.dismiss()

    def _stored(self) -> tuple[Artifact, Path] | None:
        """The selected artifact and its copy; without one, the user is told why."""
        artifact = self._list.current
        if artifact is None:
            return None
        if artifact.stored is None:
            name = shown_path(artifact.name)
            self._say(f"{name} is not there: {state_of(artifact)}", bad=True)
            return None
        return artifact, self._home.root / artifact.stored

    def action_copy_path(self) -> None:
        """Copy the path of the copy."""
        if found := self._stored():
            shown = shown_path(str(found[1]))  # as it can be pasted to a shell
            self.app.copy_to_clipboard(shown)
            self._say(f"sent to the terminal's clipboard (OSC 52): {shown}")

    @work(group="open", exclusive=True)
    async def action_open_artifact(self) -> None:
        """Show it with another program: text in the pager, the rest where there is a way."""
        found, material = self._stored(), self._material
        if found is None or material is None:
            return
        try:
            problem = await self._open(*found, material.kind)
        except (StepflowError, OSError, SuspendNotSupported) as error:
            problem = reason_of(error)
        if problem is not None:
            self._say(f"cannot open it: {problem}", bad=True)

    async def _open(self, artifact: Artifact, path: Path, kind: Kind) -> str | None:
        if kind.is_text:
            copying = opening.clean_copy(self._home, artifact)
            copy = await asyncio.to_thread(copying.__enter__)
            try:
                return self._give_screen_to(pager.pager_command(os.environ, copy, 1))
            finally:
                copying.__exit__(None, None, None)
        if kind is Kind.PICTURE and (command := opening.picture_command(path)):
            failed = self._give_screen_to(command) is not None
            return "the picture is damaged or too large" if failed else None
        if command := opening.window_command(os.environ, path):
            await asyncio.to_thread(opening.start, command)
            self._say(f"given to {command[0]}")
        else:
            self._say(f"nothing here shows this kind; it is at {shown_path(str(path))}")
        return None

    def _give_screen_to(self, command: list[str]) -> str | None:
        with self.app.suspend():
            return pager.run_pager(command)

    # Saving

    def action_save_artifact(self) -> None:
        """Ask where to."""
        if found := self._stored():
            self._bar.open(shown_path(found[0].name))

    @on(PathEntered)
    async def _path_entered(self, message: PathEntered) -> None:
        self._close_bar()
        if message.path and (found := self._stored()):
            self._save(found[0], message.path)

    def _close_bar(self) -> None:
        self._bar.close()
        self.set_focus(self._list)

    @work(group="save")
    async def _save(self, artifact: Artifact, text: str) -> None:
        try:
            if text == shown_path(artifact.name):
                text = artifact.name
            target = await asyncio.to_thread(target_path, text, artifact.name, current_directory())
            exists = await asyncio.to_thread(os.path.lexists, target)
            if exists and not await self._may_replace(target):
                return
            stored = str(artifact.stored)
            left_out = await asyncio.to_thread(
                copy_collected, self._home, stored, target, replace=exists
            )
        except StepflowError as error:
            self._say(str(error), bad=True)
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._say(f"cannot save as {shown_path(text)}: {reason}", bad=True)
        else:
            self._tell_saved(target, left_out)

    def _tell_saved(self, target: Path, left_out: Sequence[LeftOut]) -> None:
        self._say(f"saved as {shown_path(str(target))}")
        if left_out:
            first = left_out[0]
            more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            self._say(f"not saved: {shown_path(str(first.target))}: {first.reason}{more}", bad=True)

    async def _may_replace(self, target: Path) -> bool:
        if await asyncio.to_thread(target.is_dir):
            self._say(f"{shown_path(str(target))} is a directory; name a file", bad=True)
            return False
        question = f"{shown_path(str(target))} is there already. What is in it would be lost."
        title = f"Replace {shown_path(target.name)}?"
        confirm = Confirm(title, question, yes="Replace it", no="Leave it")
        may_replace = await self.app.push_screen_wait(confirm)
        return may_replace is True

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.notify(clean_line(text), severity="error" if bad else "information", markup=False)


def _title(artifact: Artifact, material: Material | None) -> str:
    parts = [shown_path(artifact.name)]
    if material is not None:
        parts.append(material.kind.value)
    if artifact.size is not None:
        parts.append(format_size(artifact.size))
    if artifact.description:
        parts.append(clean_line(artifact.description))
    return " · ".join(parts)


def _why_not(artifact: Artifact) -> list[str]:
    named = shown_path(artifact.path)
    return [f"not stored: {state_of(artifact)}", "", f"the script named {named}"]
