"""What stands in the fields of a form about a run, and what it means."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.command_line import read_words, typed
from stepflow_tui.core.durations import parse_duration
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.quoting import shown_command, shown_path
from stepflow_tui.core.redaction import REDACTED
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.directory import current_directory, working_directory
from stepflow_tui.requests.labels import checked_tags
from stepflow_tui.requests.prepare import check_timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepflow_tui.requests.draft import Draft


class BadField(Struct, frozen=True):
    """A field that cannot stay as it is, and why."""

    field: str
    sentence: str


class RunForm:
    """The fields of one run.

    Not everything that can be run can be shown in a line. So a field that was left alone means
    what it was made from, to the byte; only what the user has changed is read.

    Attributes:
        shown: what stands in each field at first.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.shown = {
            "command": _shown_command(draft) if draft.command else "",
            "cwd": shown_path(draft.cwd),
            "name": clean_line(draft.name),
            "tags": show_tags(draft.tags),
            "timeout": "" if draft.timeout_s is None else f"{draft.timeout_s:g}s",
            "env": "\n".join(map(_pair, draft.env, draft.env.values())),
        }

    def cwd(self, text: str) -> str:
        """The directory that a text in its field means."""
        if text == self.shown["cwd"]:
            return self._draft.cwd
        try:
            return str(current_directory() / Path(text).expanduser())
        except (UsageProblem, RuntimeError):  # no such user, or our own directory is gone
            return text

    def read(self, values: Mapping[str, str], *, shell: bool) -> tuple[Draft, list[BadField]]:
        """The run that these fields mean, and what is wrong with them. Looks at the disk."""
        problems: list[BadField] = []
        draft = self._draft

        def put(field: str, change: Callable[[], Draft]) -> None:
            nonlocal draft
            try:
                draft = change()
            except (UsageProblem, ValueError) as problem:
                problems.append(BadField(field, str(problem)))

        put("command", lambda: self._with_command(draft, values["command"], shell=shell))
        put("cwd", lambda: replace(draft, cwd=self._directory(values["cwd"])))
        put("tags", lambda: replace(draft, tags=tuple(self._tags(values["tags"]))))
        put("timeout", lambda: replace(draft, timeout_s=self._timeout(values["timeout"])))
        put("env", lambda: replace(draft, env=self._env(values["env"])))
        if values["name"] != self.shown["name"]:
            draft = replace(draft, name=values["name"].strip())
        return draft, problems

    def _with_command(self, draft: Draft, text: str, *, shell: bool) -> Draft:
        is_changed = text != self.shown["command"]
        if draft.command_is_hidden and (not is_changed or REDACTED in text):
            raise UsageProblem("a secret stood here and was not stored; write it anew")
        if not text.strip():
            raise UsageProblem("the command is empty")
        if not is_changed and shell == draft.shell:
            return draft
        if shell:
            whole = text if is_changed else typed(draft.command, shell=draft.shell)
            return replace(draft, command=(whole,), shell=shell)
        return replace(draft, command=tuple(typed_words(text)), shell=shell)

    def _directory(self, text: str) -> str:
        try:
            return str(working_directory(Path(self.cwd(text))))
        except UsageProblem as problem:
            raise UsageProblem("there is no such directory to work in") from problem

    def _tags(self, text: str) -> list[str]:
        return read_tags(text, self._draft.tags)

    def _timeout(self, text: str) -> float | None:
        if text == self.shown["timeout"]:
            return self._draft.timeout_s
        seconds = parse_duration(text) if text.strip() else None
        check_timeout(seconds)
        return seconds

    def _env(self, text: str) -> dict[str, str]:
        before = {_pair(name, value): (name, value) for name, value in self._draft.env.items()}
        pairs: dict[str, str] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            name, equals, value = line.partition("=")
            if not equals or not name.strip():
                raise UsageProblem(f"line {number} is not of the form NAME=value")
            known = before.get(line)
            name, value = known or (name.strip(), value)
            if value == REDACTED and name in self._draft.secrets:
                raise UsageProblem(f"the value of {clean_line(name)} was not stored; type it again")
            pairs[name] = value
        return pairs


def _shown_command(draft: Draft) -> str:
    """As one would type it, which means the same when it is read; else as much as can be shown."""
    line = typed(draft.command, shell=draft.shell)
    if clean_line(line) == line or draft.shell:
        return clean_line(line)
    return shown_command(draft.command)


def show_tags(tags: tuple[str, ...] | list[str]) -> str:
    """Tags as one types them: with blanks between, and quotes where they hold some."""
    return " ".join(map(_shown_tag, tags))


def read_tags(text: str, known: tuple[str, ...] | list[str] = ()) -> list[str]:
    """The tags that were typed; what is shown of a known one means that.

    Raises:
        UsageProblem: a quote is not closed, or one cannot be a tag.
    """
    shown = {clean_line(tag): tag for tag in known}
    return checked_tags(shown.get(tag, tag) for tag in typed_words(text))


def _shown_tag(tag: str) -> str:
    shown = clean_line(tag)
    return shown if shown and not set(shown) & set(" \t'\"\\") else shlex.quote(shown)


def typed_words(text: str) -> list[str]:
    """The words of a line, as a shell tells them apart.

    Raises:
        UsageProblem: a quote is not closed, or a last backslash has nothing behind it.
    """
    try:
        return read_words(text)
    except ValueError as problem:
        raise UsageProblem("a quote is not closed, or a last \\ has nothing behind it") from problem


def _pair(name: str, value: str) -> str:
    return f"{clean_line(name)}={clean_line(value)}"
