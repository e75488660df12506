"""Pictures of the dashboard, kept beside this file.

`UPDATE_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py` draws them anew; look at them before they
are committed. With other versions of Textual or Rich than they were drawn with they may look
different for no fault of ours, so they are not compared then.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.scrollbar import ScrollBar

from stepflow_tui.core import glyphs
from tests.tui.dashboard import dashboard
from tests.tui.frozen import freeze, picture
from tests.tui.furnished import furnish
from tests.tui.tour import BY_NAME, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder

PICTURES = Path(__file__).parent / "snapshots"
DRAWN_WITH = PICTURES / "drawn-with.txt"
PATIENCE_S = 5.0
_STILL_S = 0.5

LARGE, WIDE, SMALL, TINY = (120, 36), (200, 50), (80, 24), (40, 20)
LOG = Stop("log", ("tab", "tab", "z", "w", "t"), "compiled", "log")
FOUND = Stop("found", ("tab", "tab", "z", "slash", *"compiled", "enter"), "2 of 2", "log")
GROUPS = Stop("groups", ("p",), "by name", "executions")
FOLDED = Stop("folded", ("tab", "tab", "z", "comma"), "▸", "log")
HEALTH = Stop("health", ("H",), "2.9 GB", "health-trees")
ZOOMED = Stop("zoomed executions", ("z",), "训练-模型", "executions")


@dataclass(frozen=True)
class Shot:
    """A picture that is to be taken.

    Attributes:
        name: of its file.
        stop: where.
        size: columns and rows of the terminal.
        theme: of the dashboard.
    """

    name: str
    stop: Stop
    size: tuple[int, int] = LARGE
    theme: str = "stepflow"


SHOTS = (
    Shot("main", BY_NAME["executions"]),
    Shot("main-wide", BY_NAME["executions"], WIDE),
    Shot("main-small", BY_NAME["executions"], SMALL),
    Shot("main-tiny", BY_NAME["executions"], TINY),
    Shot("main-light", BY_NAME["steps"], theme="stepflow-light"),
    Shot("main-ansi", BY_NAME["executions"], SMALL, theme="ansi-dark"),
    Shot("executions-zoomed", ZOOMED, SMALL),
    Shot("groups", GROUPS),
    Shot("filter", BY_NAME["filter"]),
    Shot("log-wrapped-with-times", LOG, SMALL),
    Shot("log-searched", FOUND),
    Shot("log-folded", FOLDED, SMALL),
    Shot("matches", BY_NAME["matches"]),
    Shot("palette", BY_NAME["palette"], SMALL),
    Shot("help", BY_NAME["help"]),
    Shot("help-tiny", BY_NAME["help"], TINY),
    Shot("details", BY_NAME["details"]),
    Shot("confirm", BY_NAME["confirm"], SMALL),
    Shot("new-run", BY_NAME["new run"]),
    Shot("new-run-tiny", BY_NAME["new run"], TINY),
    Shot("artifacts", BY_NAME["artifacts"]),
    Shot("compare", BY_NAME["compare"]),
    Shot("health", HEALTH),
    Shot("health-tiny", HEALTH, TINY),
)


def versions() -> str:
    return "".join(f"{name} {version(name)}\n" for name in ("textual", "rich"))


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        freeze(patch)
        yield
    time.tzset()


async def taken(board: Dashboard, wanted: str | None) -> str:
    """A picture as soon as it is as it is wanted, or else as it is after some time."""
    now, since = picture(board), time.monotonic()
    rest_s = _STILL_S if wanted is None else PATIENCE_S
    while now != wanted and time.monotonic() - since < rest_s:
        await asyncio.sleep(0.02)
        before, now = now, picture(board)
        if wanted is None and now != before:
            since = time.monotonic()
    return now


async def check(board: Dashboard, name: str) -> None:
    """Compare what stands on the screen with its picture, or draw that anew."""
    kept, drawn = PICTURES / f"{name}.svg", PICTURES / f"{name}.new.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        kept.write_text(await taken(board, None), encoding="utf-8")
        DRAWN_WITH.write_text(versions(), encoding="utf-8")
        return
    if DRAWN_WITH.read_text(encoding="utf-8") != versions():
        pytest.skip("drawn with other versions of Textual or Rich; UPDATE_SNAPSHOTS=1 draws anew")
    wanted = kept.read_text(encoding="utf-8")
    found = await taken(board, wanted)
    if found != wanted:
        drawn.write_text(found, encoding="utf-8")
        pytest.fail(
            f"{name} looks different: compare {drawn} with {kept.name} beside it, in a browser or"
            " as `rsvg-convert FILE >FILE.png`; if it is right, UPDATE_SNAPSHOTS=1 keeps it"
        )
    drawn.unlink(missing_ok=True)


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
async def test_it_looks_as_it_did(recorder: Recorder, shot: Shot) -> None:
    async with dashboard(furnish(recorder), shot.size) as board:
        board.app.theme = shot.theme
        await shot.stop.visit(board)
        await check(board, shot.name)


async def test_in_ascii_it_looks_as_it_did(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScrollBar, "renderer", ScrollBar.renderer)  # the app exchanges it
    glyphs.use_ascii()
    try:
        async with dashboard(furnish(recorder), SMALL) as board:
            await BY_NAME["steps"].visit(board)
            await check(board, "main-ascii")
    finally:
        glyphs.use_ascii(on=False)


async def test_without_a_run_it_looks_as_it_did(home: Home) -> None:
    async with dashboard(home, SMALL) as board:
        await board.until_text("No executions yet")
        await check(board, "nothing-yet")


def test_nothing_of_this_machine_is_in_the_pictures() -> None:
    names = [shot.name for shot in SHOTS]
    kept = {path.stem: path.read_text(encoding="utf-8") for path in PICTURES.glob("*.svg")}
    assert set(names) | {"main-ascii", "nothing-yet"} == {
        name for name in kept if not name.endswith(".new")
    }
    assert len(set(names)) == len(names)
    for name, text in kept.items():
        assert not re.search(r"/tmp/|/root|pytest|python3?\.", text), name
