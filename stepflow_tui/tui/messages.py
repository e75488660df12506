"""What widgets tell the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from stepflow_tui.tui.executions.view import View


class Wanted(Message):
    """Rows or lines came into view that may have to be read."""

    def can_replace(self, message: Message) -> bool:
        """One of them is enough."""
        return isinstance(message, Wanted)


class LogMoved(Message):
    """The log shows other lines, or follows no longer, or again."""

    def can_replace(self, message: Message) -> bool:
        """One of them is enough."""
        return isinstance(message, LogMoved)


@dataclass(eq=False, repr=False)
class SearchChanged(Message):
    """Another text is looked for; `entered` when the line was ended."""

    text: str
    entered: bool = False


@dataclass(eq=False, repr=False)
class ViewWanted(Message):
    """Other executions are to be listed, or the same ones in another way."""

    view: View


@dataclass(eq=False, repr=False)
class GroupChosen(Message):
    """The executions of this name are to be listed."""

    name: str


@dataclass(eq=False, repr=False)
class FilterChanged(Message):
    """Another filter is typed; `entered` when the line was ended."""

    text: str
    entered: bool = False


class FilterClosed(Message):
    """No filter is wanted any more."""
