from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from stepflow_tui.tui.previews.compose import page_of
from stepflow_tui.tui.previews.kind import Kind, kind_of
from stepflow_tui.tui.previews.material import Material
from stepflow_tui.tui.previews.page import Frame, Looks, Page
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

FRAME = Frame(40, 20, (1, 2, 3))


def encoded(picture: Image.Image, format_: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, format_)
    return file.getvalue()


def page(data: bytes, frame: Frame = FRAME, size: int | None = None) -> Page[Any]:
    assert kind_of("a", None, data) is Kind.PICTURE
    return page_of(Material("a", Kind.PICTURE, data, size or len(data)), frame)


def rows(shown: Page[Any]) -> list[str]:
    return [shown.strip(index, Looks()).text for index in range(len(shown))]


def colours(shown: Page[Any], row: int) -> list[tuple[str, str, str]]:
    cells = []
    for text, style, _ in shown.strip(row, Looks()):
        assert style is not None
        assert style.color is not None
        assert style.bgcolor is not None
        cells.append((text, style.color.name, style.bgcolor.name))
    return cells


def test_two_pixels_to_a_cell() -> None:
    picture = Image.new("RGBA", (3, 3), (255, 0, 0, 255))
    picture.putpixel((2, 0), (0, 0, 255, 255))
    picture.putpixel((0, 2), (0, 0, 0, 0))  # transparent: the ground shows
    data = encoded(picture)
    shown = page(data)
    assert rows(shown) == [f"PNG, 3 by 3 pixels, {len(data)} B", "", "▀▀▀", "▀▀▀"]
    assert colours(shown, 2) == [("▀▀", "#ff0000", "#ff0000"), ("▀", "#0000ff", "#ff0000")]
    assert colours(shown, 3) == [("▀", "#010203", "#010203"), ("▀▀", "#ff0000", "#010203")]


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("size", [(400, 100), (100, 400), (1, 999), (999, 1)])
def test_all_of_it_is_in_view(format_: str, size: tuple[int, int]) -> None:
    shown = page(encoded(Image.new("RGB", size, "red"), format_))
    assert rows(shown)[0].startswith(f"{format_}, {size[0]} by {size[1]} pixels")
    assert len(shown) <= FRAME.height
    assert max(map(len, rows(shown)[2:])) <= FRAME.width
    assert len(shown) > 2


def test_without_colours_it_is_described() -> None:
    told = rows(page(encoded(Image.new("RGB", (9, 9))), Frame(40, 20, None)))
    assert told[1:] == ["", "it is not drawn where there are no colours"]


def test_without_pillow_it_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("RGB", (9, 9)))
    monkeypatch.setitem(sys.modules, "PIL", None)
    told = rows(page(data))
    assert told == [
        f"PNG, 9 by 9 pixels, {len(data)} B",
        "",
        "to see it here: pip install 'stepflow-tui[images]'",
    ]


def test_what_is_damaged_or_too_large_is_described() -> None:
    data = encoded(Image.effect_noise((99, 99), 50))
    assert rows(page(data[:-500]))[-1] == "it cannot be drawn: the file is damaged"
    assert rows(page(data, size=30_000_000))[-1] == "it is not drawn: the file is too large"
    bomb = data[:16] + b"\0\0\xff\xff\0\0\xff\xff" + data[24:]
    assert rows(page(bomb))[-1] == "it is not drawn: it has too many pixels"


def viewer(path: Path) -> Terminal:
    command = [sys.executable, "-m", "stepflow_tui.tui.previews.show_picture", str(path)]
    return Terminal(command, {**os.environ, "TERM": "xterm-256color"}, 60, 20)


def test_a_picture_fills_the_screen_until_a_key_is_pressed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (90, 30), "red")))
    with viewer(tmp_path / "a.png") as terminal:
        terminal.wait_for("▀" * 60)
        assert "Timeout" not in terminal.text
        terminal.send("x")
        assert terminal.wait_exit() == 0
        assert terminal.received.count(b"\x1b[?1049h") == 1
        assert terminal.received.count(b"\x1b[?1049l") == 1


def test_a_damaged_picture_is_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.effect_noise((99, 99), 50))[:-500])
    with viewer(tmp_path / "a.png") as terminal:
        assert terminal.wait_exit() == 1
