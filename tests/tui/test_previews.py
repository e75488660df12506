from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from rich.style import Style

from stepflow_tui.tui.previews.compose import page_of
from stepflow_tui.tui.previews.kind import Kind, kind_of
from stepflow_tui.tui.previews.material import Entry, Material
from stepflow_tui.tui.previews.page import MAX_ROWS, Frame, Looks, Page
from stepflow_tui.tui.previews.picture_facts import picture_facts

FRAME = Frame(80, 24, (0, 0, 0))
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)


def material(data: bytes, kind: Kind = Kind.TEXT, size: int | None = None) -> Material:
    return Material("name", kind, data, len(data) if size is None else size)


def texts(page: Page[Any]) -> list[str]:
    return [page.strip(index, Looks()).text.rstrip() for index in range(len(page))]


def shown(data: bytes, kind: Kind = Kind.TEXT, size: int | None = None) -> list[str]:
    return texts(page_of(material(data, kind, size), FRAME))


@pytest.mark.parametrize(
    ("name", "mime", "head", "kind"),
    [
        ("a.txt", "text/plain", b"text", Kind.TEXT),
        ("Makefile", None, b"all:\n\tcc\n", Kind.TEXT),
        ("a.log", None, b"\x1b[31mred\x1b[0m\x07\r\n" * 9, Kind.TEXT),
        ("a.txt", None, "eine größere Zahl ".encode("latin-1") * 9, Kind.TEXT),
        ("a.txt", None, "ä".encode() * 40_000, Kind.TEXT),  # the last one is cut in two
        ("a.MD", None, b"# a", Kind.MARKDOWN),
        ("a", "application/json", b"{}", Kind.JSON),
        ("a.json", None, b"\0\1\2", Kind.BINARY),
        ("a.jsonl", None, b"{}", Kind.JSON_LINES),
        ("a.csv", "text/csv", b"a,b", Kind.TABLE),
        ("a.tsv", None, b"a\tb", Kind.TABLE),
        ("a.txt", "text/plain", b"a\0b", Kind.BINARY),
        ("a.txt", None, b"\x01\x02\x03" * 9, Kind.BINARY),
        ("a", None, bytes(range(0x80, 0x100)), Kind.BINARY),
        ("a.txt", "text/plain", PNG, Kind.PICTURE),
        ("a.png", "image/png", b"no picture", Kind.TEXT),
        ("a", None, b"", Kind.TEXT),
    ],
)
def test_kinds(name: str, mime: str | None, head: bytes, kind: Kind) -> None:
    assert kind_of(name, mime, head) is kind


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (PNG, "PNG, 640 by 480 pixels"),
        (b"GIF89a" + struct.pack("<HH", 3, 4), "GIF, 3 by 4 pixels"),
        (
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc4\0\x02\xff\xc2\0\x11\x08"
            + struct.pack(">HH", 1200, 1600),
            "JPEG, 1,600 by 1,200 pixels",
        ),
        (b"BM" + b"\0" * 12 + struct.pack("<Iii", 40, 7, -9), "BMP, 7 by 9 pixels"),
        (
            b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 5, 6),
            "WEBP, 5 by 6 pixels",
        ),
        (b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x04\0\0\x05\0\0", "WEBP, 5 by 6 pixels"),
        (
            b"RIFF\0\0\0\0WEBPVP8L" + b"\0" * 5 + struct.pack("<I", 4 | 5 << 14),
            "WEBP, 5 by 6 pixels",
        ),
        (PNG[:20], None),
        (b"\xff\xd8\xff", None),
        (b"BMX is no bitmap", None),
        (b"", None),
    ],
)
def test_pictures_tell_their_size(head: bytes, told: str | None) -> None:
    facts = picture_facts(head)
    assert (facts and str(facts)) == told


def test_text_is_cleaned_and_keeps_its_colours() -> None:
    page = page_of(
        material(b"\xef\xbb\xbf\x1b[31mred\x1b]52;c;aGk=\x07\r\n\tb\nSTEP_START:a"), FRAME
    )
    assert texts(page) == ["red", "        b", "STEP_START:a"]
    (segment,) = page.strip(0, Looks())
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.color.number == 1


def test_text_ends_with_what_is_left_out() -> None:
    assert shown(b"a\nb", size=34_200_000)[-2:] == [
        "",
        "… this is the first 3 B of 34.2 MB; o opens all of it",
    ]
    rows = shown(b"\n" * (MAX_ROWS + 1))
    assert len(rows) == MAX_ROWS + 2
    assert rows[-1] == "… these are the first 20,000 rows of 20.0 kB; o opens all of it"
    assert shown(b"a\n" * MAX_ROWS) == ["a"] * MAX_ROWS


def test_a_long_line_says_how_much_longer_it_is() -> None:
    (row,) = shown(b"x" * 20_000)
    assert row == "x" * 16_384 + " … 3.6 kB more"


def test_an_empty_file_says_so() -> None:
    assert shown(b"") == ["an empty file"]


def test_json_is_indented_in_its_own_words() -> None:
    data = b'{"a":[1.10,{"b":null,"b":"x\\"y: {"}],"n":12345678901234567890,"e":[ ],"o":{}}'
    assert shown(data, Kind.JSON) == [
        "{",
        '  "a": [',
        "    1.10,",
        "    {",
        '      "b": null,',
        '      "b": "x\\"y: {"',
        "    }",
        "  ],",
        '  "n": 12345678901234567890,',
        '  "e": [],',
        '  "o": {}',
        "}",
    ]


def test_json_has_colours() -> None:
    page = page_of(material(b'{"a": "b", "c": -1.5e3, "d": true}', Kind.JSON), FRAME)
    looks = Looks(**{part: _link(part) for part in ("dim", "name", "string", "number", "word")})
    parts = [(text, style and style.link) for text, style, _ in page.strip(1, looks)]
    assert parts == [("  ", "dim"), ('"a"', "name"), (": ", "dim"), ('"b"', "string"), (",", "dim")]
    assert [style and style.link for _, style, _ in page.strip(2, looks)][3] == "number"
    assert [style and style.link for _, style, _ in page.strip(3, looks)][3] == "word"


def _link(part: str) -> Style:
    return Style(link=part)


@pytest.mark.parametrize("data", [b'{"a": ', b"[" * 100_000, b"{'a': 1}", b"NaN,", b'["\x01"]'])
def test_what_is_no_json_is_text(data: bytes) -> None:
    assert shown(data, Kind.JSON)[0].startswith(data[:1].decode())


def test_json_that_is_cut_is_text() -> None:
    assert shown(b'{"a":', Kind.JSON, size=9)[0] == '{"a":'


def test_deep_json_stays_within_bounds() -> None:
    deep = 900
    rows = shown(b"[" * deep + b"1,2" + b"]" * deep, Kind.JSON)
    assert max(map(len, rows)) < 100


def test_json_is_cleaned() -> None:
    data = json.dumps({"a\x9b31m": "\u202e\x9d0;t\x07"}, ensure_ascii=False).encode()
    assert shown(data, Kind.JSON)[1] == '  "a": "'


def test_json_lines() -> None:
    assert shown(b'{"a": 1}\n{"b": 2}\n', Kind.JSON_LINES) == ['{"a": 1}', '{"b": 2}']


def test_a_table_lines_up() -> None:
    data = 'name,ms,note\r\nbuild,1200,"a, b\nc"\r\n日本,7,\x1b]0;t\x07x\r\n\r\nlast\r\n'.encode()
    page = page_of(material(data, Kind.TABLE), FRAME)
    assert texts(page) == [
        "name     ms  note",
        "─────  ────  ──────",
        "build  1200  a, b c",
        "日本      7  x",
        "last",
    ]
    assert page.head == 2


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separators_are_found(separator: str) -> None:
    assert shown(f"a{separator}b\n1{separator}2".encode(), Kind.TABLE)[0] == "a  b"


def test_a_table_is_bounded() -> None:
    wide = ",".join(["x" * 99] * 300)
    rows = shown(f"{wide}\n{wide}\n".encode(), Kind.TABLE)
    assert rows[2].endswith("  " + "x" * 39 + "…  …")
    long = shown(b"a,b\n" + b"1,2\n" * MAX_ROWS, Kind.TABLE)
    assert long[-1].startswith("… these are the first 20,000 rows of ")
    assert shown(b"a,b\n1,2\n3,", Kind.TABLE, size=99)[:4] == ["a  b", "─  ─", "1  2", ""]


def test_a_table_that_cannot_be_read_is_text() -> None:
    data = b'a,"b\n' + b"x" * 200_000
    assert shown(data, Kind.TABLE)[0] == 'a,"b'


def test_markdown_is_laid_out_and_harmless() -> None:
    data = b"# Title\n\nsome *text* and [a link](https://e.org)\x1b]8;;http://evil\x07\n\n- item\n"
    page = page_of(material(data, Kind.MARKDOWN), FRAME)
    assert texts(page) == ["Title", "", "some text and a link (https://e.org)", "", " • item"]
    links = [s.link for i in range(len(page)) for _, s, _ in page.strip(i, Looks()) if s]
    assert set(links) <= {None}


def test_markdown_is_laid_out_in_the_width_there_is() -> None:
    data = b"word " * 40
    narrow = page_of(material(data, Kind.MARKDOWN), Frame(30, 20))
    assert max(map(len, texts(narrow))) <= 30
    cut = texts(page_of(material(b"word\n\n" * 30_000, Kind.MARKDOWN), FRAME))
    assert cut[-1].startswith(("… this is the first 100.0 kB of 180.0 kB", "… these are the first"))


def test_bytes_in_hexadecimal() -> None:
    data = bytes(range(20)) + b"Az~\x7f\x80\x9b"
    assert shown(data, Kind.BINARY) == [
        "00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ················",
        "00000010  10 11 12 13 41 7a 7e 7f 80 9b                    ····Az~···",
    ]
    narrow = texts(page_of(material(data, Kind.BINARY), Frame(30, 20)))
    assert narrow[5] == "00000014  41 7a 7e 7f  Az~·"
    assert shown(bytes(9_000), Kind.BINARY)[-1] == "… this is the first 4.1 kB of 9.0 kB"


def test_a_directory_is_listed() -> None:
    entries = [Entry("b\x1b[2J", None), Entry("c", 1_500)]
    listed = Material("d", Kind.DIRECTORY, entries=entries, more_entries=7)
    assert texts(page_of(listed, FRAME)) == [
        "           $'b\\e[2J'/",
        "   1.5 kB  c",
        "… 7 more",
    ]
    assert texts(page_of(Material("d", Kind.DIRECTORY), FRAME)) == ["an empty directory"]
