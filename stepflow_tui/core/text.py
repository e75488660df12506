"""The one sanitiser between a script's output and a terminal, and a reader of its colours.

Whatever a script prints may reach a terminal, so only printable text, the tab and colours (SGR,
`ESC [ ... m`) pass here; sequences that move the cursor, set the clipboard or the title, and
characters that turn the reading direction do not.
"""

from __future__ import annotations

import codecs
from collections import deque
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING
from unicodedata import category, combining, east_asian_width

from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_CSI = "(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+"
_STRING = "(?:\x1b[PX\\]^_]|[\x90\x98\x9d-\x9f])[^\x07\n\x18\x1a\x1b\x9c]*+"
_ESCAPE = "\x1b[ -/]*+"
_HIDDEN = lazy_pattern(
    # The one kept by `clean_keeping_colours`: SGR of at most 64 characters.
    "(?P<sgr>\x1b\\[(?P<codes>[0-9;:]{0,61})m)"
    # CSI; one without its last character ends where it breaks off.
    f"|{_CSI}[@-~]?"
    # DCS, SOS, OSC, PM and APC with what they carry; an open one ends with its line.
    f"|{_STRING}(?:[\x07\x18\x1a\x9c]|\x1b\\\\)?"
    # Every other escape sequence, and an ESC alone.
    f"|{_ESCAPE}[0-~]?"
    # C0 but the tab, DEL, C1; bidi controls, line separators, halves of surrogate pairs.
    "|[\x00-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_OPEN = lazy_pattern(f"{_CSI}|{_STRING}|{_ESCAPE}")
"""A control sequence that lacks its end."""

_OPEN_LENGTH = 80
"""So much of it tells what it is, and that it is too long for a colour."""


_AS_WRITTEN = bytes({*range(32, 127), *b"\t\n"})
_PLAIN_LINE = bytes({*range(32, 127), *b"\t"})


def is_plain(data: bytes) -> bool:
    """Whether these are lines of ASCII, without control characters but tabs: shown as they are."""
    return not data.translate(None, _AS_WRITTEN)  # what is left of them: the quickest way to tell


def clean(text: str) -> str:
    """The text without control sequences and characters, colours included; tabs stay."""
    # All that is hidden is unprintable, so this saves most lines the search.
    return text if text.isprintable() else _HIDDEN.sub("", text)


def clean_keeping_colours(text: str) -> str:
    """The text without control sequences and characters; tabs and SGR colours stay."""
    return text if text.isprintable() else _HIDDEN.sub(_colour, text)


def clean_line(text: str) -> str:
    """The text cleaned for one cell or label: line ends and tabs become blanks."""
    return " ".join(map(clean, text.splitlines())).expandtabs(1)


def clean_path(text: str) -> str:
    """The text without control sequences and characters; what stands for raw bytes stays too.

    Args:
        text: as `os.fsdecode` makes it, with a lone surrogate for each byte that is no UTF-8.
    """
    return text if text.isprintable() else _HIDDEN.sub(_raw_byte, text)


def _raw_byte(match: re.Match[str]) -> str:
    return match[0] if "\udc80" <= match[0] <= "\udcff" else ""


def show_line(line: bytes) -> str:
    """A log line as a terminal would leave it, with its colours; see `core.visible`."""
    if not line.translate(None, _PLAIN_LINE):
        return line.decode("ascii")
    from stepflow_tui.core.visible import visible_line  # it builds on this module

    return visible_line(line)


def current_state(line: bytes) -> bytes:
    """The line without the states that were replaced; see `core.visible`."""
    from stepflow_tui.core import visible

    return visible.current_state(line)


class LineCleaner:
    """Cleans one line that comes in parts, wherever these were cut; colours stay."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""

    def feed(self, part: bytes, *, final: bool) -> str:
        """What may be shown of the line with this part, and was not returned before."""
        text = self._open + self._decoder.decode(part, final)
        self._open = ""
        last = () if text.isprintable() else deque(_HIDDEN.finditer(text), maxlen=1)
        if last and last[0].end() == len(text) and _OPEN.fullmatch(last[0][0]):
            self._open = last[0][0][:_OPEN_LENGTH]
            text = text[: last[0].start()]
        return clean_keeping_colours(text)


def with_reset(shown: str) -> str:
    """A line whose colours end where it ends."""
    is_open = "\x1b" in shown and not shown.endswith("\x1b[0m")
    return f"{shown}\x1b[0m" if is_open else shown


def plain(line: bytes) -> str:
    """A log line as a terminal would leave it, without colours."""
    return clean(show_line(line))


def _colour(match: re.Match[str]) -> str:
    return match["sgr"] or ""


class Style(Struct, frozen=True):
    """How a run of text looks.

    Attributes:
        foreground, background: an index of the 256-colour palette (0 to 15 are the terminal's own
            colours), `#rrggbb`, or None for the default.
    """

    foreground: str | int | None = None
    background: str | int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Style()
_FOREGROUND, _BACKGROUND, _UNDERLINE_COLOUR = 38, 48, 58
_UNDERLINE, _NO_UNDERLINE = 4, 24
_SWITCHES: dict[int, dict[str, bool]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    _UNDERLINE: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    _NO_UNDERLINE: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
}
_SET_BY = (
    ("1", attrgetter("bold")),
    ("2", attrgetter("dim")),
    ("3", attrgetter("italic")),
    ("4", attrgetter("underline")),
    ("7", attrgetter("reverse")),
    ("9", attrgetter("strike")),
)
_PALETTE: dict[int, tuple[int, int | None]] = {39: (_FOREGROUND, None), 49: (_BACKGROUND, None)} | {
    code + colour: (ground, first + colour)
    for code, ground, first in (
        (30, _FOREGROUND, 0),
        (40, _BACKGROUND, 0),
        (90, _FOREGROUND, 8),
        (100, _BACKGROUND, 8),
    )
    for colour in range(8)
}


def spans(text: str) -> list[tuple[str, Style]]:
    """Splits text into runs of one style; the runs hold no control sequence at all.

    SGR codes that have no place in `Style` change nothing.
    """
    if text.isprintable():
        return [(text, PLAIN)] if text else []
    return [
        ("".join(run for run, _ in runs), style)
        for style, runs in groupby(_runs(text), key=itemgetter(1))
    ]


def cut_to_width(text: str, width: int) -> str:
    """The beginning of a visible line that takes at most so many cells; tabs become one blank."""
    parts: list[str] = []
    for run, style in spans(text):
        kept = ""
        for character in run.replace("\t", " "):
            width -= cell_width(character)
            if width < 0:
                break
            kept += character
        parts.append(f"{sgr(style)}{kept}\x1b[0m" if style != PLAIN else kept)
        if width < 0:
            break
    return "".join(parts)


def cell_width(character: str) -> int:
    """How many cells of a terminal a printable character takes: 0, 1 or 2."""
    if character.isascii():
        return 1
    if combining(character) or category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _runs(text: str) -> Iterator[tuple[str, Style]]:
    style, position = PLAIN, 0
    for match in _HIDDEN.finditer(text):
        if position < match.start():
            yield text[position : match.start()], style
        if match["sgr"]:
            style = styled(style, match["codes"])
        position = match.end()
    if position < len(text):
        yield text[position:], style


@lru_cache(maxsize=1024)
def sgr(style: Style) -> str:
    """The control sequence that sets this style where none was set; empty for the plain one."""
    codes = [code for code, switch in _SET_BY if switch(style)]
    for ground, colour in ((_FOREGROUND, style.foreground), (_BACKGROUND, style.background)):
        if isinstance(colour, int):
            codes.append(_palette_code(ground, colour))
        elif colour is not None:
            red, green, blue = bytes.fromhex(colour[1:])
            codes.append(f"{ground};2;{red};{green};{blue}")
    return f"\x1b[{';'.join(codes)}m" if codes else ""


def _palette_code(ground: int, colour: int) -> str:
    first = ground - 8
    if colour < 8:
        return str(first + colour)
    return str(first + 60 + colour - 8) if colour < 16 else f"{ground};5;{colour}"


@lru_cache(maxsize=1024)
def styled(style: Style, codes: str) -> Style:
    """The style after one SGR sequence with these codes."""
    parts = codes.split(";")
    while parts:
        code, *arguments = [int(number or 0) for number in parts.pop(0).split(":")]
        if code in (_FOREGROUND, _BACKGROUND, _UNDERLINE_COLOUR):
            colour = _colour_of(arguments or _take_colour(parts))
            style = style if colour is None else _on_ground(style, code, colour)
        elif code == _UNDERLINE and arguments == [0]:
            style = _switched(style, _NO_UNDERLINE)
        else:
            style = _switched(style, code)
    return style


def _take_colour(parts: list[str]) -> list[int]:
    """Removes the arguments of an extended colour, `5;n` or `2;r;g;b`, from the codes."""
    count = {"5": 2, "2": 4}.get(parts[0], 1) if parts else 0
    taken, parts[:] = parts[:count], parts[count:]
    return [int(part) if part.isdecimal() else 0 for part in taken]


def _colour_of(arguments: list[int]) -> str | int | None:
    """The colour that the arguments of an extended colour name; None if they name none."""
    if any(number > 255 for number in arguments):
        return None
    match arguments:
        case [5, index]:
            return index
        # Between the 2 and red, the form with colons has room for a colour space.
        case [2, red, green, blue] | [2, _, red, green, blue, *_]:
            return f"#{red:02x}{green:02x}{blue:02x}"
        case _:
            return None


def _on_ground(style: Style, ground: int, colour: str | int | None) -> Style:
    if ground == _FOREGROUND:
        return replace(style, foreground=colour)
    return replace(style, background=colour) if ground == _BACKGROUND else style


def _switched(style: Style, code: int) -> Style:
    if code == 0:
        return PLAIN
    if code in _PALETTE:
        return _on_ground(style, *_PALETTE[code])
    return replace(style, **_SWITCHES.get(code, {}))
