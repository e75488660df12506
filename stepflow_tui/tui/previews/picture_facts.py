"""Format and size of a picture, read from its first bytes; nothing is decoded."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (40, 52, 56, 64, 108, 124))
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


class PictureFacts(Struct, frozen=True):
    """What a picture says of itself; width and height in pixels."""

    format: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.format}, {self.width:,} by {self.height:,} pixels"


def picture_facts(head: bytes) -> PictureFacts | None:
    """What these bytes say of the picture they begin; None if they begin none that we know."""
    for name, begins, size in _FORMATS:
        if begins(head):
            try:
                width, height = size(head)
            except (struct.error, IndexError):
                return None
            return PictureFacts(name, width, height)
    return None


def _png(head: bytes) -> tuple[int, ...]:
    return struct.unpack_from(">II", head, 16)


def _gif(head: bytes) -> tuple[int, ...]:
    return struct.unpack_from("<HH", head, 6)


def _bmp(head: bytes) -> tuple[int, ...]:
    width, height = struct.unpack_from("<ii", head, 18)
    return width, abs(height)


def _webp(head: bytes) -> tuple[int, ...]:
    kind = head[12:16]
    if kind == b"VP8X":
        return tuple(1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(head: bytes) -> tuple[int, ...]:
    at = 2
    while True:
        while head[at + 1] == 0xFF:
            at += 1
        marker = head[at + 1]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        length = 0 if marker in _NO_LENGTH else struct.unpack_from(">H", head, at + 2)[0]
        at += 2 + length


_FORMATS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[int, ...]]], ...] = (
    ("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    ("JPEG", lambda head: head.startswith(b"\xff\xd8\xff"), _jpeg),
    ("GIF", lambda head: head[:6] in (b"GIF87a", b"GIF89a"), _gif),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp),
    ("BMP", lambda head: head[:2] == b"BM" and head[14:18] in _BMP_HEADERS, _bmp),
)
