"""A command as one types it in a line, and as it is run."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_SINGLE_QUOTED = r"'[^']*'"
_DOUBLE_QUOTED = r'"(?:[^"\\$`]|\\.)*"'
_PLAIN = lazy_pattern(
    rf"(?:{_SINGLE_QUOTED}|{_DOUBLE_QUOTED}|\\.|[^'\"\\|&;<>()$`*?\[\n#~]|(?<=\S)[#~])*", re.DOTALL
)
"""Text in which a shell would do no more than split words and take quotes away."""

_KEYWORD = lazy_pattern(
    r"\s*(?:[A-Za-z_][A-Za-z_0-9]*=|(?:!|\{|if|for|while|until|case|function)(?:\s|$))"
)
"""What makes the words behind it something else than arguments: `A=1 cmd`, `! cmd`, `if …`."""


def needs_shell(text: str) -> bool:
    """Whether a typed command means something only to a shell: a pipe, a variable, a pattern."""
    if _KEYWORD.match(text):
        return True
    match = _PLAIN.match(text)
    rest = text[match.end() :] if match else text
    # A quote that is not closed is a mistake in either case; behind it nothing is known.
    return bool(rest) and rest[0] not in "'\\" and not _is_open_quote(rest)


def _is_open_quote(rest: str) -> bool:
    return rest[0] == '"' and re.match(r'"(?:[^"\\$`]|\\.)*\\?$', rest, re.DOTALL) is not None


def read_words(text: str) -> list[str]:
    """The words of a typed command.

    Raises:
        ValueError: a quote is not closed, or nothing follows a last backslash.
    """
    return shlex.split(text)


def typed(words: Sequence[str], *, shell: bool) -> str:
    """A command as one would type it."""
    return words[0] if shell else shlex.join(words)
