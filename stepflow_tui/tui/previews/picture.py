"""Pictures in half blocks: two pixels to a cell, where Pillow is there and colours can be shown."""

from __future__ import annotations

import io
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stepflow_tui.core.durations import format_size
from stepflow_tui.tui.previews.page import Page, notes_page
from stepflow_tui.tui.previews.picture_facts import picture_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Frame, Looks
    from stepflow_tui.tui.previews.picture_facts import PictureFacts

    Pixel = tuple[int, int, int]

MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_HALF = "▀"
_MISSING = "to see it here: pip install 'stepflow-tui[images]'"


def picture_page(material: Material, frame: Frame) -> Page[Strip] | Page[str]:
    """What the picture is, and below it the picture, no larger than the view."""
    facts = picture_facts(material.data)
    assert facts is not None  # noqa: S101 - that is what made it a picture
    about = f"{facts}, {format_size(material.size)}"
    problem = _obstacle(material, frame, facts)
    if problem is not None:
        return notes_page(about, "", problem)
    try:
        rows = _pixels(material.data, frame)
    except ImportError:
        return notes_page(about, "", _MISSING)
    except Exception:  # noqa: BLE001 - a decoder raises anything when a file is broken
        return notes_page(about, "", "it cannot be drawn: the file is damaged")
    return Page([Strip([Segment(about)]), Strip([]), *_strips(rows)], _draw)


def _obstacle(material: Material, frame: Frame, facts: PictureFacts) -> str | None:
    if frame.background is None:
        return "it is not drawn where there are no colours"
    if not material.is_whole:
        return "it is not drawn: the file is too large"
    if facts.width * facts.height > MAX_PIXELS:
        return "it is not drawn: it has too many pixels"
    return None


def _pixels(data: bytes, frame: Frame) -> list[Sequence[Pixel]]:
    """Rows of pixels, an even number of them.

    Raises:
        ImportError: Pillow is not there.
    """
    from PIL import Image

    size = (max(1, frame.width), max(2, 2 * (frame.height - 3)))
    with Image.open(io.BytesIO(data), formats=FORMATS) as source:
        source.draft("RGB", size)
        picture = source.convert("RGBA")
    picture.thumbnail(size)
    ground = Image.new("RGBA", (picture.width, picture.height + picture.height % 2))
    ground.paste((*(frame.background or (0, 0, 0)), 255), (0, 0, *ground.size))
    ground.alpha_composite(picture)
    data, row = ground.convert("RGB").tobytes(), 3 * ground.width
    pixels = [(data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 3)]
    return [pixels[at : at + row // 3] for at in range(0, len(pixels), row // 3)]


def _strips(rows: list[Sequence[Pixel]]) -> list[Strip]:
    return [_strip(upper, lower) for upper, lower in list(pairwise(rows))[::2]]


def _strip(upper: Sequence[Pixel], lower: Sequence[Pixel]) -> Strip:
    cells = groupby(zip(upper, lower, strict=True))
    return Strip([Segment(_HALF * len(list(run)), _style(*cell)) for cell, run in cells])


def _style(upper: Pixel, lower: Pixel) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


def _draw(strip: Strip, _looks: Looks) -> Strip:
    return strip
