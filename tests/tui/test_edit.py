"""The dialogs for tags and notes."""

from __future__ import annotations

import pytest
from textual.widgets import Input, TextArea

from stepflow_tui.tui.screens.edit import EditNote, EditTags
from stepflow_tui.tui.widgets.field import Field
from tests.tui.forms import shown


@pytest.mark.parametrize(
    ("before", "typed", "change"),
    [
        (["a", "b"], "b c 'two words'", (["c", "two words"], ["a"])),
        (["two words"], "", ([], ["two words"])),
        ([], "x x", (["x"], [])),
        (["a", "b"], "b a", None),
        (["a", "draft"], "a draft +nightly -draft", (["nightly"], ["draft"])),
        (["a", "draft"], "+nightly -draft", (["nightly"], ["draft"])),
        (["a"], "-theirs +a", ([], ["theirs"])),
        (["-odd", "b"], "-odd +'two words' ++plus", (["two words", "+plus"], ["b"])),
        (["two words"], "-'two words'", ([], ["two words"])),
    ],
)
async def test_what_is_typed_tells_what_is_put_on_and_taken_away(
    before: list[str], typed: str, change: tuple[list[str], list[str]] | None
) -> None:
    async with shown(EditTags("Tags of #1 deploy", before, hint="blanks between")) as dialog:
        line = dialog.app.screen.query_one(Input)
        assert dialog.focus == "tags"
        assert all(text in dialog.text for text in ("Tags of #1 deploy", "blanks between"))
        line.value = typed
        await dialog.press("enter")
        await dialog.until(lambda: dialog.given == [change])


async def test_tags_that_cannot_be_shown_stay_what_they_are() -> None:
    odd = ["\x1b[31mred", "quote'd", "two  words"]
    async with shown(EditTags("Tags", odd, hint="")) as dialog:
        assert "\x1b" not in dialog.text
        await dialog.press(*"new", "ctrl+s")
        await dialog.until(lambda: dialog.given == [(["new"], [])])


async def test_a_bad_tag_is_said_and_nothing_is_lost() -> None:
    async with shown(EditTags("Tags", ["a"], hint="blanks between")) as dialog:
        await dialog.press(*"'b", "ctrl+s")
        await dialog.until_text("! a quote is not closed")
        assert dialog.given == []
        assert dialog.app.screen.query_one(Input).value == "a 'b"
        await dialog.press("'", "ctrl+enter")
        await dialog.until(lambda: dialog.given == [(["b"], [])])


async def test_an_empty_line_begins_without_a_blank() -> None:
    async with shown(EditTags("Tags", [], hint="")) as dialog:
        assert dialog.app.screen.query_one(Input).value == ""
        await dialog.press("+", "ctrl+s")
        await dialog.until_text("! a tag cannot be empty")


async def test_a_note_has_lines_and_is_gone_on_with_at_its_end() -> None:
    async with shown(EditNote("Note on #1", "it \x1b[31mfell", hint="empty: none")) as dialog:
        assert "it fell" in dialog.text
        await dialog.press("enter", *"at 3")
        await dialog.pilot.click("#submit")
        await dialog.until(lambda: dialog.given == ["it fell\nat 3"])


async def test_an_empty_note_and_an_unchanged_one_differ() -> None:
    for text, given in (("", ""), ("old", None), (" old\n", None)):
        async with shown(EditNote("Note", "old", hint="")) as dialog:
            dialog.app.screen.query_one(TextArea).text = text
            await dialog.press("ctrl+s")
            await dialog.until(lambda given=given: dialog.given == [given])  # type: ignore[misc]


async def test_a_note_that_is_too_long_is_said() -> None:
    async with shown(EditNote("Note", "", hint="")) as dialog:
        dialog.app.screen.query_one(TextArea).text = "é" * 2049
        await dialog.press("ctrl+s")
        await dialog.until_text("the note has 4,098 bytes; 4,096 at most")
        assert dialog.app.screen.query_one(Field).problem
        await dialog.press("escape")
        await dialog.until(lambda: dialog.given == [None])


async def test_what_is_pasted_is_cleaned() -> None:
    async with shown(EditNote("Note", "", hint="")) as dialog:
        area = dialog.app.screen.query_one(TextArea)
        area.insert("a\x1b]52;c;aGk=\x07b\nc\x9b31md")
        assert area.text == "ab\ncd"


@pytest.mark.parametrize("size", [(300, 60), (80, 24), (40, 20)])
async def test_dialogs_fit(size: tuple[int, int]) -> None:
    async with shown(EditNote("Note on #1 deploy", "", hint="empty: none"), size) as dialog:
        assert all(text in dialog.text for text in ("Note on", "empty: none", "Save", "Cancel"))
