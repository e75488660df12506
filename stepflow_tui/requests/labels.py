"""Checking what people want to say about executions: tags and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.request import MAX_NOTE, MAX_TAG, is_note, is_tag

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 40


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Tags as they can be put on an execution, or taken from it, each once.

    Raises:
        UsageProblem: one is empty, too long, or no text.
    """
    wanted = list(dict.fromkeys(tags))
    for tag in wanted:
        if not tag:
            raise UsageProblem("a tag cannot be empty")
        if len(tag) > MAX_TAG:
            raise UsageProblem(
                f"the tag {clean_line(tag[:_SHOWN])}… is too long; {MAX_TAG} characters at most"
            )
        if not is_tag(tag):
            raise UsageProblem(f"the tag {clean_line(tag)} is no text; tags are UTF-8")
    return wanted


def checked_note(text: str) -> str:
    """A note as it can be written on an execution, without blank lines around it.

    Raises:
        UsageProblem: it is too long, or no text.
    """
    note = text.strip()
    if is_note(note):
        return note
    size = len(note.encode("utf-8", "surrogatepass"))
    if size > MAX_NOTE:
        raise UsageProblem(f"the note has {size:,} bytes; {MAX_NOTE:,} at most")
    raise UsageProblem("the note is no text; notes are UTF-8")
