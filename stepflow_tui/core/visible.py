"""One line of output as a terminal leaves it: the only place that reads movements of the cursor.

A line as it was written falls into raw parts, each of which began anew at the first column
(`raw_parts`), and has one visible text (`visible_line`), which is what is shown and searched, and
where a marker is looked for. What was written over or erased is in the store, and not in the text.

Interpreted are carriage return, backspace, tab, the movements of the cursor, and what erases,
inserts and deletes in a line. A carriage return begins a new state of its row, which replaces the
old one as soon as it shows something. Text in other rows than the line's own (above it, or
anywhere on the screen) is parted from it by two blanks. Where all was erased, the last state that
showed anything is left.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.text import (
    PLAIN,
    Style,
    cell_width,
    clean,
    clean_keeping_colours,
    sgr,
    styled,
    with_reset,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_COLUMN = 1000
"""Cells behind which a movement of the cursor never leads; no terminal is as wide."""

MAX_BYTES = 64 * 1024
"""Of a longer line only the last state is looked at, and if that is too long no movements."""

_MAX_ROWS = 100
_TAB = 8
_SPACER = "  "
_MOVES = lazy_pattern(rb"\x1b(?:\[[0-9;]{0,64}(?:[A-IZ`adefu]|[12]K)|[8DEM])")
_C1_MOVES = lazy_pattern(rb"\x9b[0-9;]{0,64}(?:[A-IZ`adefu]|[12]K)")

_NEW_STATE = (b"\r", b"\x1b[G", b"\x1b[1G", b"\x1b[0G", b"\x1b[2K")
_GOES_ON = lazy_pattern(
    rb"(?:\x1b\[[0-9;:?]*[hlmK]|[\r\x00\x07])*(?:(?:\x1b\[|\x9b|\xc2\x9b)[0-9;]*[CG`a@P]|\t)"
)
"""A state that begins so lies over the one before."""

_LEAVES_ROW = lazy_pattern(rb"\x1b(?:\[[0-9;]*[ABEFHdefsu]|[78DEM])")
TOKEN = lazy_pattern(
    "(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    "|(?:\x1b\\[|\x9b)(?P<codes>[0-9;:]{0,64})(?P<final>[@-~])"
    "|(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    "|(?:\x1b[PX\\]^_]|[\x90\x98\x9d-\x9f])[^\x07\n\x18\x1a\x1b\x9c]*+(?:[\x07\x18\x1a\x9c]|\x1b\\\\)?"
    "|\x1b(?P<escape>[78DEM])"
    "|\x1b[ -/]*+[0-~]?"
    "|(?P<control>[\x08\t\r])"
    "|[\x00-\x1f\x7f-\x9f]"
)
"""Text, and control sequences of all kinds, of which those that may matter are named."""

_C1_SEQUENCE = lazy_pattern(
    "\udc9b(?=[0-9;?]+[@-~]|[GHJKm])"
    "|[\udc90\udc9d][0-9A-Za-z$+][^\x07\n\x18\x1a\x1b\udc9c]{0,256}(?:\x07|\udc9c|\x1b\\\\)"
)
_C1 = {0xDC00 + code: code for code in (0x90, 0x9B, 0x9C, 0x9D)}


def decoded(line: bytes) -> str:
    """The text of a line; a byte that is not UTF-8 becomes U+FFFD.

    Single bytes that stand for control sequences, as 8-bit terminals know them, become these.
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
        if not any(control in line for control in (b"\x9b", b"\x9d", b"\x90")):
            return text
    escaped = line.decode("utf-8", "surrogateescape")
    if _C1_SEQUENCE.search(escaped) is None:
        return text
    text = _C1_SEQUENCE.sub(lambda found: found[0].translate(_C1), escaped)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def has_moves(data: bytes) -> bool:
    """Whether some line is not shown as it was written, beside what is left out of it.

    What erases or edits behind the cursor changes nothing where the cursor never went back.
    """
    return (
        b"\r" in data
        or b"\b" in data
        or (b"\x1b" in data and _MOVES.search(data) is not None)
        or (b"\x9b" in data and _C1_MOVES.search(data) is not None)
    )


def raw_parts(line: bytes) -> list[bytes]:
    """The line cut where it begins anew at the first column; together they are the line."""
    cuts = sorted({0, *(start for new in _NEW_STATE for start in _places(line, new)), len(line)})
    return [line[start:end] for start, end in pairwise(cuts)]


def _places(line: bytes, what: bytes) -> Iterator[int]:
    """Where each of these ends in the line."""
    start = line.find(what)
    while start >= 0:
        yield start + len(what)
        start = line.find(what, start + len(what))


def current_state(line: bytes) -> bytes:
    """The line without the states that were replaced by a later one.

    It begins with the last state that shows anything; behind that there may be empty ones.
    """
    end = len(line)
    news = _NEW_STATE if b"\x1b" in line else _NEW_STATE[:1]
    places = dict.fromkeys(news, end)
    while True:
        for new, place in places.items():
            if place >= end:
                places[new] = line.rfind(new, 0, end)
        new = max(news, key=lambda new: places[new] + len(new) if places[new] >= 0 else -1)
        if places[new] < 0:
            return line
        start = places[new] + len(new)
        if clean(decoded(line[start:end])).strip():
            return line[start:]
        end = places[new]


def visible_line(line: bytes, style: Style = PLAIN) -> str:
    """What a terminal shows of the line, with its colours.

    Args:
        line: as it was written, without its newline.
        style: what earlier lines have set.
    """
    text = decoded(line)
    if text.isprintable():  # as most are, which need no look at movements
        return text if style is PLAIN else _coloured(text, style)
    return _SPACER.join(visible_rows(line, style))


def visible_rows(line: bytes, style: Style = PLAIN) -> list[str]:
    """As `visible_line`, in parts: the row that the line stands in, and others that it wrote to.

    The first one is another if nothing is left in its own row. None but the last ends in a colour.
    """
    line = line.rstrip(b"\r")
    if not has_moves(line):
        return [_as_written(line, style)]
    state = line
    if b"\x1b" not in line and b"\x9b" not in line:
        state = current_state(line)  # as nearly all progress bars are
    elif b"\x9b" not in line and not _LEAVES_ROW.search(line):
        state = current_state(line)
        if len(state) < len(line) <= MAX_BYTES and _GOES_ON.match(state):
            state = line  # it lies over what was written before
    if len(state) > MAX_BYTES:
        state = current_state(line)
    if len(state) < len(line):
        style = style_after(line[: len(line) - len(state)], style)
    if len(state) > MAX_BYTES:
        return [_as_written(state.partition(b"\r")[0], style)]
    return (
        [_as_written(state, style)]
        if not has_moves(state)
        else _Rows(style).written(decoded(state))
    )


def _as_written(line: bytes, style: Style) -> str:
    return _coloured(clean_keeping_colours(decoded(line)), style)


def _coloured(text: str, style: Style) -> str:
    return text if style == PLAIN else sgr(style) + text


def style_after(data: bytes, style: Style = PLAIN) -> Style:
    """The colours that hold behind these bytes, if `style` holds before them."""
    if b"\x1b[" not in data:
        return style
    start = max(data.rfind(b"\x1b[0m"), data.rfind(b"\x1b[m"))
    if start >= 0:
        style = PLAIN
    for match in _SGR.finditer(data, max(0, start)):
        style = styled(style, match[1].decode())
    return style


_SGR = lazy_pattern(rb"\x1b\[([0-9;:]{0,61})m")


_Cell = tuple[str, Style]
_BLANK: _Cell = (" ", PLAIN)
_Key = tuple[bool, int]
_OWN: _Key = (False, 0)


class _Rows:
    """What one line of output has written on a screen, and where the cursor is.

    A row is a list of cells; of a character that takes two the second one is empty.
    """

    def __init__(self, style: Style) -> None:
        self._style = style
        self._rows: dict[_Key, list[_Cell]] = {}
        self._key = _OWN
        self._row: list[_Cell] = []
        self._column = 0
        self._under: list[_Cell] = []  # what a carriage return has left to be replaced
        self._erased: list[_Cell] = []
        self._edited = False
        self._saved = (_OWN, 0, style)

    def written(self, text: str) -> list[str]:
        """Plays the text, and returns what is visible in each row at its end."""
        for token in TOKEN.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                self._print(token[0])
            elif kind == "final":
                self._sequence(token["final"], token["codes"])
            elif kind == "escape":
                self._escape(token["escape"])
            elif kind == "control":
                self._control(token["control"])
        self._leave()
        return self._result()

    def _print(self, text: str) -> None:
        text = clean(text)
        if self._column > len(self._row):
            self._row += [_BLANK] * (self._column - len(self._row))
        if text.isascii():
            cells = [(character, self._style) for character in text]
            self._put(cells)
            return
        for character in text:
            width = cell_width(character)
            if width == 0:
                self._join(character)
            else:
                self._put([(character, self._style), ("", self._style)][:width])

    def _put(self, cells: list[_Cell]) -> None:
        start, stop = self._column, self._column + len(cells)
        row = self._row
        if start < len(row):
            self._edited = True
            self._split_wide(start)
            self._split_wide(stop)
        row[start:stop] = cells
        self._column = stop

    def _split_wide(self, column: int) -> None:
        """Leave blanks of a character that takes the cells before and behind this place."""
        row = self._row
        if not 0 < column < len(row) or row[column][0]:
            return
        first = column - 1
        while first > 0 and not row[first][0]:
            first -= 1
        stop = column
        while stop < len(row) and not row[stop][0]:
            stop += 1
        row[first:stop] = [_BLANK] * (stop - first)

    def _join(self, character: str) -> None:
        place = min(self._column, len(self._row)) - 1
        while place > 0 and not self._row[place][0]:
            place -= 1
        if place >= 0:
            text, style = self._row[place]
            self._row[place] = (text + character, style)

    def _control(self, control: str) -> None:
        if control == "\r":
            self._begin_state()
        elif control == "\b":
            self._move_to(self._column - 1)
        else:
            self._tab()

    def _tab(self) -> None:
        count = _TAB - self._column % _TAB
        if self._column < len(self._row):
            self._move_to(min(self._column + count, len(self._row)))
        else:
            self._print("")
            self._put([("\t", self._style), *[("", self._style)] * (count - 1)])

    def _escape(self, final: str) -> None:
        absolute, row = self._key
        if final == "7":
            self._save()
        elif final == "8":
            self._restore()
        else:
            self._go(absolute, row - 1 if final == "M" else row + 1)
            if final == "E":
                self._begin_state()

    def _save(self) -> None:
        self._saved = (self._key, self._column, self._style)

    def _restore(self) -> None:
        (absolute, row), column, self._style = self._saved
        self._go(absolute, row)
        self._move_to(column)

    def _sequence(self, final: str, codes: str) -> None:
        if final == "m":
            self._style = styled(self._style, codes)
            return
        first, _, second = codes.partition(";")
        count, column = _number(first), _number(second)
        if final in "ABEFHdef":
            self._move_row(final, count, column, first)
        elif final in "CDGZIa`":
            self._move_column(final, count)
        elif final in "KXP@" or (final == "J" and first in ("", "0")):
            self._edit(final, 0 if final in "JK" and first in ("", "0") else count)
        elif final == "s" and not codes:
            self._save()
        elif final == "u" and not codes:
            self._restore()

    def _move_row(self, final: str, count: int, column: int, first: str) -> None:
        absolute, row = self._key
        if final in "Hf":
            self._go(absolute=True, row=count)
            self._move_to(column - 1)
        elif final == "d":
            self._go(absolute=True, row=count)
        else:
            if first == "0":
                count = 1
            self._go(absolute, row + (-count if final in "AF" else count))
            if final in "EF":
                self._begin_state()

    def _move_column(self, final: str, count: int) -> None:
        if final in "G`":
            if count == 1:
                self._begin_state()
            else:
                self._move_to(count - 1)
        elif final in "ZI":
            here = self._column // _TAB * _TAB
            self._move_to(here + _TAB * count if final == "I" else self._column - _TAB * count)
        else:
            self._move_to(self._column + (-count if final == "D" else count))

    def _edit(self, final: str, count: int) -> None:
        row, column = self._row, self._column
        if final in "JK":
            self._erase(count)
            return
        if column >= len(row):
            return
        self._edited = True
        count = min(count, len(row))
        self._split_wide(column)
        if final == "@":
            row[column:column] = [_BLANK] * min(count, MAX_COLUMN)
            del row[max(MAX_BYTES, len(row) - count) :]
            return
        stop = min(column + count, len(row))
        self._split_wide(stop)
        row[column:stop] = [_BLANK] * (stop - column) if final == "X" else []

    def _erase(self, which: int) -> None:
        """Erase to the end (0) or from the beginning (1) of the row, or all of it."""
        column = self._column
        self._edited |= column < len(self._row)
        if column == 0 and which == 0:
            which = 2
        if which >= 2 or (which == 1 and column + 1 >= len(self._row)):
            self._keep_erased()
            self._row = []
        elif which == 1:
            self._split_wide(column + 1)
            self._row[: column + 1] = [_BLANK] * (column + 1)
        else:
            self._split_wide(column)
            del self._row[column:]

    def _keep_erased(self) -> None:
        for row in (self._under, self._row):
            if _shows(row):
                self._erased = row
        self._under = []
        self._column = min(self._column, MAX_COLUMN)

    def _begin_state(self) -> None:
        if _shows(self._row):
            self._under = self._row
        self._row = []
        self._column = 0
        if not self._key[0]:  # a bar elsewhere on the screen is what was there before
            for key in [key for key in self._rows if key[0]]:
                row = self._rows.pop(key)
                self._erased = row if _shows(row) else self._erased

    def _take_under(self) -> None:
        """What was there before the carriage return is not replaced, but written over."""
        if self._under and not self._row:
            self._row, self._under = self._under, []
            if len(self._row) > MAX_COLUMN:
                self._row = self._row[:MAX_COLUMN]

    def _move_to(self, column: int) -> None:
        if column > 0:
            self._take_under()
        self._column = max(0, min(column, max(MAX_COLUMN, self._column)))

    def _go(self, absolute: bool, row: int) -> None:
        """Go on in another row, in the same column."""
        row = max(-_MAX_ROWS, min(_MAX_ROWS, row))
        self._leave()
        self._key = (absolute, row)
        self._row = self._rows.get(self._key, [])
        if self._column > max(len(self._row), MAX_COLUMN):
            self._column = MAX_COLUMN

    def _leave(self) -> None:
        if self._under and not _shows(self._row):
            self._row = self._under
        self._under = []
        self._rows[self._key] = self._row

    def _result(self) -> list[str]:
        own = self._rows.pop(_OWN, [])
        rows = [own, *(self._rows[key] for key in sorted(self._rows))]
        rows = [row for row in rows if _shows(row)]
        if not rows:
            rows = [self._erased or own]
        if len(rows) == 1 and not self._edited and rows[0] is own:
            return [_with_colours(own)]
        texts = [_with_colours(_trimmed(row, start=row is not own)) for row in rows]
        return [*map(with_reset, texts[:-1]), texts[-1]]


def _number(digits: str) -> int:
    """A number of a control sequence, bounded; at least 1."""
    return max(1, int(digits[:9])) if digits.isdecimal() else 1


def _shows(row: list[_Cell]) -> bool:
    return any(text not in ("", " ", "\t") for text, _ in row)


def _trimmed(row: list[_Cell], *, start: bool) -> list[_Cell]:
    """The row without blanks at its end, and at its start too if that is asked for."""
    stop, first = len(row), 0
    while stop and row[stop - 1][0] in ("", " ") and not _is_tail(row, stop - 1):
        stop -= 1
    while start and first < stop and row[first][0] == " ":
        first += 1
    return row[first:stop]


def _is_tail(row: list[_Cell], place: int) -> bool:
    """Whether the cell belongs to a character before it."""
    while place and not row[place][0]:
        place -= 1
    return row[place][0] not in ("", " ", "\t")


def _with_colours(row: list[_Cell]) -> str:
    parts: list[str] = []
    current = PLAIN
    for text, style in row:
        if style is not current and style != current and text:
            parts.append(sgr(style) if current == PLAIN else f"\x1b[0m{sgr(style)}")
            current = style
        parts.append(text)
    return "".join(parts)
