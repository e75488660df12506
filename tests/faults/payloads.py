"""Texts that do something to a terminal which shows them as they are."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20_240_601


@dataclass(frozen=True, slots=True)
class Payload:
    """One attack, or one thing that only looks like one.

    Attributes:
        name: what it is.
        attack: as a script would write it, without a newline.
        shown: what a terminal may show of it, colours aside.
    """

    name: str
    attack: bytes
    shown: str

    @property
    def text(self) -> str:
        """As a name or another field can hold it."""
        return self.attack.decode("utf-8", "replace")


ENCODED = base64.b64encode(b"CANARY in the clipboard").decode()

_DROPPED = {
    "OSC 52 clipboard, BEL": f"\x1b]52;c;{ENCODED}\x07",
    "OSC 52 clipboard, ST": f"\x1b]52;c;{ENCODED}\x1b\\",
    "OSC 52 clipboard, C1 ST": f"\x1b]52;c;{ENCODED}\u009c",
    "OSC 52 clipboard, unterminated": f"\x1b]52;c;{ENCODED}",
    "OSC 52 query": "\x1b]52;c;?CANARY\x07",
    "OSC 0 title": "\x1b]0;CANARY\x07",
    "OSC 2 title": "\x1b]2;CANARY\x1b\\",
    "OSC 4 colour query": "\x1b]4;1;?CANARY\x07",
    "OSC 9 notification": "\x1b]9;CANARY\x07",
    "OSC 10 and 11 queries": "\x1b]10;?CANARY\x07\x1b]11;?CANARY\x1b\\",
    "OSC 50 font": "\x1b]50;$(CANARY)\x07",
    "OSC 777 notification": "\x1b]777;notify;CANARY;CANARY\x07",
    "OSC 1337 file": "\x1b]1337;File=inline=1:CANARY\x07",
    "DCS DECRQSS": "\x1bP$qCANARY\x1b\\",
    "DCS terminfo query": "\x1bP+qCANARY\x1b\\",
    "DCS sixel": "\x1bPq#0;2;0;0;0CANARY\x1b\\",
    "DCS unterminated": "\x1bP1;1|17/CANARY",
    "APC kitty graphics": "\x1b_Gf=100,a=T;CANARY\x1b\\",
    "APC unterminated": "\x1b_CANARY",
    "PM": "\x1b^CANARY\x1b\\",
    "SOS": "\x1bXCANARY\x1b\\",
    "C1 OSC": "\u009d0;CANARY\u009c",
    "C1 OSC, unterminated": f"\u009d52;c;{ENCODED}",
    "C1 DCS, SOS, PM and APC": "\u0090$qCANARY\u009c\u0098CANARY\u009c\u009eCANARY\u009c\u009f!",
    "CSI unterminated": "\x1b[31;1",
}
_AROUND = {
    "ESC c reset": "\x1bc",
    "CSI erase": "\x1b[2J\x1b[3J\x1b[K",
    "CSI cursor": "\x1b[H\x1b[10;10H\x1b[99A\x1b[99D\x1b[5d\x1b[3G\x1b[s\x1b[u",
    "CSI insert, delete, scroll": "\x1b[9L\x1b[9M\x1b[9P\x1b[9@\x1b[9S\x1b[9T\x1b[2;3r",
    "DSR query": "\x1b[6n\x1b[5n\x1b[?6n",
    "device attributes query": "\x1b[c\x1b[>c\x1b[=c\x1bZ",
    "ENQ": "\x05",
    "DECRQM and XTVERSION queries": "\x1b[?2026$p\x1b[>q",
    "XTWINOPS": "\x1b[8;1;1t\x1b[21t\x1b[14t\x1b[2t",
    "media copy": "\x1b[5i\x1b[4i",
    "bracketed paste end": "\x1b[201~",
    "mouse modes": "\x1b[?1000h\x1b[?1003h\x1b[?1006h",
    "screen modes": "\x1b[?1049h\x1b[?25l\x1b[?5h\x1b[?7l\x1b[?2004h\x1b[?2026h",
    "keyboard modes": "\x1b[>4;2m\x1b[>1u\x1b=\x1b[?1h",
    "soft reset and cursor shape": "\x1b[!p\x1b[4 q\x1b#8",
    "index, next line, reverse index": "\x1bD\x1bE\x1bM\x1b7\x1b8",
    "character sets": "\x1b(0\x1b)0\x1b%G\x1bn",
    "SO and SI": "\x0e\x0f",
    "DEL": "\x7f",
    "NUL": "\0",
    "BEL": "\x07",
    "backspaces": "\x08\x08\x08\x08\x08\x08",
    "other C0": "\x01\x02\x03\x04\x06\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a",
    "C1 CSI": "\u009b2J\u009b6n",
    "other C1": "\u0080\u0084\u0085\u008d\u008e\u008f\u0099\u009a",
    "vertical tab, form feed": "\x0b\x0c",
    "file, group, record, unit separators": "\x1c\x1d\x1e\x1f",
    "line and paragraph separators": "\u2028\u2029",
    "bidi controls": "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "SGR with 5000 parameters": f"\x1b[{'1;' * 5000}31m",
    "SGR that is none": "\x1b[31 m\x1b[?31m\x1b[>31m\x1b[31;\x1b[m",
    "ESC before SGR": "\x1b\x1b[1m\x1b\x1b\x1b[0m",
}
_MOVED = {  # what moves the cursor writes over, or elsewhere
    "CSI cursor": "CAN  ARY",
    "index, next line, reverse index": "CAN  ARY",
    "backspaces": "ARY",
}
_KEPT = (
    "[red]CANARY[/red]",
    "[/x]CANARY",
    "[link=https://example.org]CANARY[/link]",
    "[@click=app.quit]CANARY[/]",
    "[bold reverse]CANARY",
    "$primary CANARY [$error]",
    ":boom: CANARY \\[x]",
    "%s %d {0} {CANARY}",
    "日本語 é 🚀 CANARY e\u0301 \u200b",
)
_OTHERS = (
    ("OSC 8 hyperlink", "\x1b]8;;https://CANARY\x1b\\text\x1b]8;;\x1b\\", "text"),
    ("OSC 8 hyperlink, BEL", "\x1b]8;id=1;file:///CANARY\x07text\x1b]8;;\x07", "text"),
    ("OSC 8 inside SGR", "\x1b[31\x1b]8;;https://CANARY\x1b\\text\x1b[0m", "text"),
    ("OSC inside DCS (tmux)", "\x1bPtmux;\x1b\x1b]52;c;CANARY\x07\x1b\\text", "text"),
    ("CSI inside OSC", "\x1b]0;CANARY\x1b[2Jtext", "text"),
    ("concealed", "\x1b[8mCANARY\x1b[28m", "CANARY"),
    ("colours", "\x1b[1;31mCANARY\x1b[0m", "CANARY"),
    ("redrawn", "first\x1b[2J\rCANARY\x1b]0;x", "CANARY"),
)
_BYTES = (
    ("raw byte 9D", b"\x9d52;c;CANARY\x07", ""),
    ("raw byte 9D, unterminated", b"\x9d52;c;CANARY", "\ufffd52;c;CANARY"),
    ("raw byte 9B", b"\x9b2J\x9b6nCANARY", "CANARY"),
    ("raw C1 bytes", b"\x90\x98\x9c\x9e\x9fCANARY", "\ufffd" * 5 + "CANARY"),
    ("overlong ESC", b"\xc0\x9b]0;CANARY\x07", "\ufffd\ufffd]0;CANARY"),
    ("halves of surrogate pairs", b"\xed\xa0\x80\xed\xbf\xbfCANARY", "\ufffd" * 6 + "CANARY"),
    ("invalid UTF-8", b"\xff\xfe\xf8\x88CANARY\xe2\x80", "\ufffd" * 4 + "CANARY\ufffd"),
)

PAYLOADS: tuple[Payload, ...] = (
    *(Payload(name, text.encode(), "") for name, text in _DROPPED.items()),
    *(
        Payload(name, f"CAN{text}ARY".encode(), _MOVED.get(name, "CANARY"))
        for name, text in _AROUND.items()
    ),
    *(Payload(text, text.encode(), text) for text in _KEPT),
    *(Payload(name, text.encode(), shown) for name, text, shown in _OTHERS),
    *(Payload(*fields) for fields in _BYTES),
)

_PIECES: tuple[bytes, ...] = (
    *(
        piece.encode("utf-8", "surrogatepass")
        for piece in (
            *map(chr, range(10)),
            *map(chr, range(11, 32)),
            *("\x7f", "\u0080", "\u0085", "\u0090", "\u009b", "\u009c", "\u009d", "\u009f"),
            *("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1b\\", "\x1b("),
            *(
                "\x1b[31m",
                "\x1b[0m",
                "\x1b[2J",
                "\x1b[6n",
                "\x1b[?1049h",
                "\x1b]52;c;Q",
                "\x1b]8;;x",
            ),
            *(
                "[",
                "]",
                "m",
                "h",
                "l",
                "n",
                "c",
                ";",
                ":",
                "?",
                ">",
                "$",
                "0",
                "1",
                "52",
                "100",
                " ",
            ),
            *("\u202e", "\u2066", "\u200e", "\u061c", "\u2028", "\u200b", "\ufeff", "\ud800"),
            *(
                "a",
                "Z",
                "é",
                "漢",
                "🚀",
                "👩\u200d💻",
                "e\u0301",
                "\ufe0f",
                "[red]",
                "[/]",
                "\\",
                "/",
            ),
        )
    ),
    *(b"\x80", b"\x9b", b"\x9d", b"\xc2", b"\xe2\x80", b"\xf0\x9f", b"\xff", b"\xc0\x9b"),
)


def generated(count: int, seed: int = SEED) -> Iterator[bytes]:
    """So many random strings without newlines, always the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrets
    for _ in range(count):
        yield b"".join(chance.choices(_PIECES, k=chance.randint(1, 24)))
