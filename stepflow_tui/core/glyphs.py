"""The signs that are drawn, each one cell wide, and what stands for them in plain ASCII.

Statuses are told apart by shape, never by colour alone. Everything is drawn with the signs of
Unicode; where a terminal shows nothing but ASCII, `use_ascii` is called before anything is drawn,
and what goes to the screen passes through `ascii_twin`.
"""

# ruff: noqa: RUF001 - signs that look like others are what this module is about

from __future__ import annotations

import unicodedata

from stepflow_tui.core.models import Status

GLYPHS: dict[Status, str] = {
    Status.PENDING: "○",
    Status.RUNNING: "●",
    Status.COMPLETED: "✓",
    Status.FAILED: "✗",
    Status.CANCELLED: "⊘",
    Status.TIMED_OUT: "⧖",
    Status.LOST: "?",
}

ASCII_GLYPHS: dict[Status, str] = {
    Status.PENDING: ".",
    Status.RUNNING: ">",
    Status.COMPLETED: "+",
    Status.FAILED: "x",
    Status.CANCELLED: "-",
    Status.TIMED_OUT: "t",
    Status.LOST: "?",
}
"""For terminals that show nothing else."""

ELLIPSIS = "…"
"""Text was cut here."""

MORE = "→"
"""The line goes on at the right."""

AFTER_END = "┆"
"""Before a line that was written after the end of its execution."""

BAR, BAR_REST = "━", "─"
"""The full part of a bar, and the empty one."""

SPARKS = "▁▂▃▄▅▆▇█"
"""Of a sparkline, from low to high."""

MARK = "★"
"""An execution that is never removed."""

DOT = "·"
"""Between parts of a line."""

_UNKNOWN = "?"
_TWINS = (
    ("▔", "-"),
    ("─┄┅┈┉╌╍╴╶╸╺╼╾‐‑‒–—―−⎯", "-"),
    ("━═▬", "="),
    ("│┃┆┇┊┋╎╏╵╷╹╻╽╿║▏▎▍▌▐▕❘⏐¦", "|"),
    ("╱⁄", "/"),
    ("╲", "\\"),
    ("→▶▸►❯›»⟩↪⇒⟶⏵↳", ">"),
    ("←◀◂◄❮‹«⟨↩⇐⟵⏎↵", "<"),
    ("↑▲▴⇑⌃", "^"),
    ("↓▼▾⇓⌄", "v"),
    ("•★☆◆◇□▪▫❖✱✻⏺⬤◉◎", "*"),
    ("·∙⋅░", "."),
    ("…⋯", "~"),
    ("⚠❗", "!"),
    ("✔☑", "+"),
    ("✘✕✖×☒╳⨯", "x"),
    ("‘’‚′", "'"),
    ("“”„″▀", '"'),
    ("▒", ":"),
    ("▓", "%"),
    ("█▉▊▋■", "#"),
    (SPARKS[:-1], "_.:-=+*"),
    ("⏱⏲", "t"),
    ("⏸", "="),
    ("⏹", "#"),
    ("Σ", "S"),
    ("Δ", "D"),
    ("µμ", "u"),
    ("≤", "<"),
    ("≥", ">"),
    ("±", "+"),
    ("°", "o"),
    ("⠀", " "),
)


def _table() -> dict[str, str]:
    table = {chr(code): "+" for code in range(0x2500, 0x2580)}  # corners and crossings of frames
    table |= {chr(code): "#" for code in range(0x2580, 0x25A0)}  # blocks
    table |= {chr(code): ":" for code in range(0x2801, 0x2900)}  # braille dots, as plots use them
    for signs, twins in _TWINS:
        table |= dict(zip(signs, twins if len(twins) > 1 else twins * len(signs), strict=True))
    return table | {GLYPHS[status]: ASCII_GLYPHS[status] for status in Status}


_ASCII = _table()


class _Charset:
    """Which signs are in use, in the whole program."""

    ascii = False


def use_ascii(*, on: bool = True) -> None:
    """Have nothing outside ASCII drawn from now on; to be called before anything is."""
    _Charset.ascii = on


def is_ascii() -> bool:
    """Whether nothing outside ASCII may be drawn."""
    return _Charset.ascii


def has_twin(character: str) -> bool:
    """Whether ASCII has a sign that stands for this one."""
    return character.isascii() or character in _ASCII


def ascii_twin(grapheme: str, cells: int = 1) -> str:
    """What stands in ASCII for one character with all that joins it, in so many cells."""
    twin = _ASCII.get(grapheme[:1])
    if twin is None:
        base = unicodedata.normalize("NFKD", grapheme)[:1]
        twin = base if base.isascii() and base.isprintable() else _UNKNOWN
    return (twin * cells if twin == _UNKNOWN else twin.ljust(cells))[:cells]


def shown(text: str) -> str:
    """The text as the terminal can show it, where it needs not keep its width."""
    if not _Charset.ascii or text.isascii():
        return text
    return "".join(
        character if character.isascii() else ascii_twin(character)
        for character in unicodedata.normalize("NFC", text)
        if not unicodedata.combining(character)
    )
