from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.store.home_watch import watch_home
from stepflow_tui.store.inotify_watch import InotifyWatch
from stepflow_tui.store.portable_watch import PortableWatch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", [InotifyWatch, PortableWatch])
async def test_writes_and_new_files_are_noticed(
    tmp_path: Path, kind: type[InotifyWatch | PortableWatch]
) -> None:
    seen: dict[str, bool] = {}
    changed = asyncio.Event()

    def notice(name: str, *, is_other: bool) -> None:
        seen[name] = seen.get(name, False) or is_other
        changed.set()

    async def until(name: str) -> None:
        async with asyncio.timeout(20):
            while name not in seen:
                await changed.wait()
                changed.clear()

    (tmp_path / "old").write_text("x")
    inode = os.stat(tmp_path).st_ino  # noqa: PTH116 - a call that takes no time
    watch = kind(tmp_path, notice)
    assert watch.inode == inode
    if kind is PortableWatch:
        async with asyncio.timeout(20):
            while "begun" not in seen:  # its thread begins at its own time
                (tmp_path / "begun").touch()
                await asyncio.sleep(0.01)
                (tmp_path / "begun").unlink()
        seen.clear()
    with (tmp_path / "old").open("a") as file:
        file.write("y")
    await until("old")
    (tmp_path / "new").touch()
    await until("new")
    assert seen["new"]
    watch.close()
    if isinstance(watch, PortableWatch):
        await watch._task


async def test_here_it_is_inotify(tmp_path: Path) -> None:
    watch = watch_home(tmp_path, lambda _name, *, is_other: None)  # noqa: ARG005 - as it is called
    assert isinstance(watch, InotifyWatch)
    watch.close()


@pytest.mark.parametrize("kind", [InotifyWatch, PortableWatch])
async def test_what_is_not_there_cannot_be_watched(
    tmp_path: Path, kind: type[InotifyWatch | PortableWatch]
) -> None:
    with pytest.raises(FileNotFoundError):
        kind(tmp_path / "missing", lambda _name, *, is_other: None)  # noqa: ARG005 - as it is called
