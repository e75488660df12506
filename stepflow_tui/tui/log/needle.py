"""What is looked for: a text or a pattern, and a bound on the time that looking for it takes."""

from __future__ import annotations

import math
import re
import time
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.tui.log.shown import hides_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    import regex

_MAX_LENGTH = 1000
_MAX_REPEATS = 10_000
_STRETCH_S, _LINE_S, _HIGHLIGHT_S = 0.5, 0.05, 0.01
_MAX_HIGHLIGHTS = 500
_MANY = 16_384
"""Bytes."""

_COMMON = "()[]=,'\"_:/.9876543210-vbkgwyfpmcudlhrnsioate"
"""What stands in most logs, the rarer first; what is not among it is rarer still."""

_BY_LINE = lazy_pattern(
    r"\(\?(?!:)"  # lookaround, atomic groups, flags
    r"|\\[AzZGKRX]"  # ends of the text, not of a line
    r"|[*+?}]\+"  # possessive repeats
    r"|\(\*"  # verbs
)
"""A pattern with one of these may match otherwise where more lines follow."""


class Found(Struct, frozen=True):
    """What came of looking through a stretch of lines.

    Attributes:
        lines: indexes of the lines that match, in order.
        skipped: lines that were given up, as they took too long.
        is_open: the last line has no end yet.
    """

    lines: list[int]
    skipped: int = 0
    is_open: bool = False


class Needle:
    """A text or a regular expression to look for, in one line at a time.

    Attributes:
        text: as it was typed.
        is_regex: it is a regular expression.
        exact_case: upper and lower case differ. Unless it is said, they do if `text` has an upper
            case letter.
    """

    def __init__(
        self, text: str, *, is_regex: bool = False, exact_case: bool | None = None
    ) -> None:
        """Makes a needle.

        Raises:
            UsageProblem: it is no regular expression, or one that would be too large.
        """
        self.text = text
        self.is_regex = is_regex
        self.exact_case = has_upper(text, is_regex=is_regex) if exact_case is None else exact_case
        self._pattern = self._compiled()
        self._bytes = self._compiled_bytes()
        self._rarest = None if self._bytes is None else self._rarest_byte()
        self._by_line = is_regex and _BY_LINE.search(text) is not None
        self._is_slow = False

    def _compiled(self) -> regex.Pattern[str]:
        import regex  # only now: the first screen need not wait for it

        if not self.is_regex:
            text = regex.escape(self.text, literal_spaces=True)
        elif len(self.text) > _MAX_LENGTH or _repeats(self.text) > _MAX_REPEATS:
            raise UsageProblem("too large a pattern")
        else:
            text = self.text
        flags = regex.MULTILINE | (0 if self.exact_case else regex.IGNORECASE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                return regex.compile(text, flags)
        except regex.error as error:
            raise UsageProblem(_in_words(error)) from error
        except (RecursionError, OverflowError, ValueError) as error:
            raise UsageProblem("too deep or too large a pattern") from error

    def _compiled_bytes(self) -> regex.Pattern[bytes] | None:
        import regex

        if self.is_regex or not self.text.isascii():
            return None
        flags = 0 if self.exact_case else regex.IGNORECASE
        return regex.compile(regex.escape(self.text.encode(), literal_spaces=True), flags)

    def _rarest_byte(self) -> bytes | None:
        """The byte that is found in the fewest lines; looking for one byte is quickest of all."""
        letters = self.text if self.exact_case else re.sub("[A-Za-z]", "", self.text)
        rarest = min(letters.replace(" ", ""), key=_COMMON.rfind, default=None)
        return None if rarest is None else rarest.encode()

    def is_like(self, other: Needle | None) -> bool:
        """Whether the other one finds the same."""
        return other is not None and self.traits == other.traits

    @property
    def traits(self) -> tuple[object, ...]:
        """All that tells it from other needles."""
        return self.text, self.is_regex, self.exact_case

    def finditer(self, text: str) -> Iterator[regex.Match[str]]:
        """Where it stands in a line, to be highlighted; none if it takes long to tell."""
        if self._is_slow:
            return
        try:
            matches = self._pattern.finditer(text, timeout=_HIGHLIGHT_S)
            for _, match in zip(range(_MAX_HIGHLIGHTS), matches, strict=False):
                if match.end() > match.start():
                    yield match
        except TimeoutError:
            self._is_slow = True

    def is_not_in(self, data: bytes, *, is_plain: bool = False) -> bool:
        """Whether lines as they were written surely hold it nowhere: quick, and true of most.

        Args:
            data: the lines.
            is_plain: they are known to be; see `core.text`.
        """
        if self._bytes is None:
            return False
        if self._rarest is not None and self._rarest not in data:
            return True
        if not is_plain and (not data.isascii() or hides_controls(data)):
            return False
        if b"\t" in data and " " in self.text:
            return False
        # Letting others run costs more than looking through some lines.
        return self._bytes.search(data, concurrent=len(data) > _MANY) is None

    def found_in(self, text: str, first_line: int) -> Found:
        """Looks through the lines of `text`, the first of which is line `first_line`.

        Takes no longer than about a second, and lets other threads run meanwhile.
        """
        if not self.is_regex:
            return Found(self._lines_with_text(text, first_line))
        if not self._by_line:
            try:
                return Found(self._lines_in(text, first_line))
            except TimeoutError:
                self._by_line = True  # it may run on from line to line
        return self._each_line_of(text, first_line)

    def _lines_with_text(self, text: str, line: int) -> list[int]:
        if self._pattern.search(text, concurrent=True) is None:
            return []  # as most often; what follows is for many matches
        word = self.text
        if not self.exact_case:
            text, word = text.lower(), word.lower()
        found: list[int] = []
        counted, position = 0, text.find(word)
        while position >= 0:
            line += text.count("\n", counted, position)
            counted = position
            found.append(line)
            end = text.find("\n", position)
            position = text.find(word, end) if end >= 0 else -1
        return found

    def _lines_in(self, text: str, line: int) -> list[int]:
        """All lines at once.

        A match may begin in a line and go on behind it. So only the line in which it begins counts
        as tried, and the search goes on in the next one.

        Raises:
            TimeoutError: it takes too long.
        """
        found: list[int] = []
        counted, position = 0, 0
        deadline = time.monotonic() + _STRETCH_S
        search = self._pattern.search
        while match := search(text, position, timeout=_left(deadline), concurrent=True):
            start = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", match.start())
            end = len(text) if end < 0 else end
            line += text.count("\n", counted, start)
            counted = start
            if match.end() <= end or search(text[start:end], timeout=_LINE_S):
                found.append(line)
            if end == len(text):
                break
            position = end + 1
        return found

    def _each_line_of(self, text: str, first_line: int) -> Found:
        lines = text.split("\n")
        found: list[int] = []
        slow, deadline = 0, time.monotonic() + _STRETCH_S
        for place, line in enumerate(lines):
            if time.monotonic() > deadline:
                return Found(found, slow + len(lines) - place)
            try:
                if self._pattern.search(line, timeout=_LINE_S, concurrent=True):
                    found.append(first_line + place)
            except TimeoutError:
                slow += 1
        return Found(found, slow)


def _in_words(error: regex.error) -> str:
    """`missing ) at 7`, counted from 1."""
    return re.sub(r"position (\d+)", lambda found: str(int(found[1]) + 1), str(error))


def has_upper(text: str, *, is_regex: bool) -> bool:
    """Whether a text or a pattern names an upper case letter."""
    letters = re.sub(r"\\.", "", text) if is_regex else text
    return letters != letters.lower()


def _repeats(text: str) -> int:
    """How often the innermost part of nested repeats is written out, at most."""
    return math.prod(max(1, int(count)) for count in re.findall(r"\{(\d{1,9})", text))


def _left(deadline: float) -> float:
    """Seconds until then; not 0, which would mean no bound."""
    return max(0.001, deadline - time.monotonic())
