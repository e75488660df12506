"""Opening the dashboard: settings of the terminal library first, as it reads them on import."""

from __future__ import annotations

import asyncio
import codecs
import gc
import locale
import os
import re
import shutil
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.core.config import Config
from stepflow_tui.core.errors import StepflowError, StoreProblem
from stepflow_tui.core.glyphs import use_ascii

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.target import Target
    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live

_FPS, _FPS_OVER_SSH = 120, 10
"""Frames per second at most: for the shortest delay, and for the fewest bytes."""

_TAKEN = {
    "TEXTUAL_FPS": "[1-9][0-9]{0,2}",
    "TEXTUAL_ANIMATIONS": "(?i)none|basic|full",
    "TEXTUAL_SMOOTH_SCROLL": "[01]",
    "TEXTUAL_COLOR_SYSTEM": "auto|standard|256|truecolor",
    "TEXTUAL_DISABLE_KITTY_KEY": "[01]",
    "TEXTUAL_DIM_FACTOR": "[0-9]{1,2}|100",
    "TEXTUAL_ALLOW_SIGNALS": ".*",
    "ESCDELAY": "[1-9][0-9]{0,3}",
}
"""What may be set of the terminal library, and to what; it has more, for its developers, that ends
the dashboard, presses keys or writes files."""

_NOTHING = "(?!)"

_WRITER = "textual-output"
_HUNG_UP = 129


def start_dashboard(home: Home, config: Config | None = None, target: Target | None = None) -> int:
    """Show the dashboard of this home until the user leaves it.

    Args:
        home: what it shows.
        config: how the user wants it; None for defaults.
        target: where it begins; None where it was left.

    Returns:
        The exit code: 0, or 130 after an interrupt.

    Raises:
        UsageProblem: something that the configuration names is not known.
        DashboardFault: it ended by a fault of its own.
    """
    gc.disable()  # until the first screen stands there: hardly anything is garbage before
    environ = dict(os.environ)  # Textual changes it, and scripts that are run again inherit it
    config = config or Config()
    _set_defaults(environ, config.fps)
    use_ascii(on=_is_ascii(config))
    check_config(config)
    threading.excepthook = _leave_with_terminal
    try:
        return asyncio.run(_run(home, environ, config, target))
    except StepflowError:
        raise
    except Exception as error:
        from stepflow_tui.tui.ending import fault

        raise fault(error, home.dashboard_log) from error
    finally:
        gc.enable()
        _let_go_of_lost_terminal()


def check_config(config: Config) -> None:
    """See whether the dashboard knows all that the configuration names.

    Raises:
        UsageProblem: it does not.
    """
    from stepflow_tui.tui.choices import check_choices

    check_choices(config)


def _is_ascii(config: Config) -> bool:
    """Whether only ASCII may be drawn: if so chosen, or in a locale that knows no more."""
    if config.ascii is not None:
        return config.ascii
    return codecs.lookup(locale.getencoding()).name != "utf-8"


def _set_defaults(environ: Mapping[str, str], fps: int | None = None) -> None:
    """Set what the user has not: fewer frames over a thin line, nothing that moves by itself."""
    if sys.stdout.isatty():
        for name in ("LINES", "COLUMNS"):  # the terminal itself knows better
            os.environ.pop(name, None)
    for name in [name for name in os.environ if name.startswith("TEXTUAL") or name in _TAKEN]:
        if not re.fullmatch(_TAKEN.get(name, _NOTHING), os.environ[name]):
            del os.environ[name]
    fps = fps or (_FPS_OVER_SSH if environ.get("SSH_CONNECTION") else _FPS)
    for name, value in (
        ("TEXTUAL_FPS", str(fps)),
        ("TEXTUAL_ANIMATIONS", "none"),
        ("TEXTUAL_SMOOTH_SCROLL", "0"),
        ("ESCDELAY", "25"),
    ):
        os.environ.setdefault(name, value)


async def _run(
    home: Home, environ: Mapping[str, str], config: Config, target: Target | None
) -> int:
    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.app import StepflowApp
    from stepflow_tui.tui.ending import fault, leaving_on_signals
    from stepflow_tui.tui.keyboard import take_anything
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.memory import Memory, recall, remember
    from stepflow_tui.tui.orders import Orders
    from stepflow_tui.tui.screens.main.remembering import turn_back

    async with Feed(home) as feed:
        live = Live(feed)
        memory = recall(home.root) if config.remember else Memory()
        if target is not None:
            live.select(target.number)
        else:
            turn_back(live, memory)
        await _read_first_screen(feed, live)
        take_anything()  # before Textual begins to read
        app = StepflowApp(
            home.root,
            feed,
            live,
            Orders(home, environ),
            colours="NO_COLOR" not in environ,
            config=config,
            environ=environ,
        )
        app.restore(memory, target)
        with leaving_on_signals(app.leave):
            await app.run_async()
        if app.fault is not None:
            raise fault(app.fault, home.dashboard_log)
        if config.remember:
            remember(home.root, app.memory)
        return app.return_code or 0


async def _read_first_screen(feed: Feed, live: Live) -> None:
    """Read what is shown first, so that the first frame is whole."""
    from stepflow_tui.tui.live import Window

    await feed.next_change()
    rows = range(shutil.get_terminal_size().lines)
    with suppress(StoreProblem):
        await live.refresh(Window(rows=rows, lines=rows, follow=True))


def _leave_with_terminal(failure: threading.ExceptHookArgs) -> None:
    """Leave at once when the terminal is gone for the thread that writes to it.

    Textual's writer dies of the error, and the next writes to its queue would block for ever.
    Nothing is lost: the dashboard reads, and what it was asked for is in files.
    """
    is_writer = failure.thread is not None and failure.thread.name == _WRITER
    if is_writer and issubclass(failure.exc_type, OSError):
        os._exit(_HUNG_UP)
    threading.__excepthook__(failure)


def _let_go_of_lost_terminal() -> None:
    """What was left to write to a terminal that is gone must not fail the exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
