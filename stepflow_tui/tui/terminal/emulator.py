"""What the terminal around us can tell the user beyond its cells, and by which sequences.

It cannot be asked, so it is known by the variables that it sets. A sequence that a terminal does
not know it ignores, but some take one for another: `OSC 9;4` for a notification with the text
"4;1;50". So progress is sent only where it is known to be understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.glyphs import shown
from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.core.config import Notify

BELL = "\a"
_ESCAPE = "\x1b"
_END = "\x1b\\"
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;0t", "\x1b[23;0t"

_MAX_TEXT = 160
_VTE_PROGRESS = 8000
_ITERM_PROGRESS = (3, 6, 6)
_NO_SEQUENCES = ("dumb", "linux", "vt1", "vt2", "vt3", "vt4", "vt5")
_RXVT_LIKE = ("ghostty", "wezterm", "kitty", "foot", "rxvt", "konsole", "contour", "vte")
"""They show `OSC 777`, which has a title and a text; of the others most know `OSC 9`, if any."""

_WITH_PROGRESS = ("ghostty", "wezterm", "windows", "conemu", "mintty")


class Emulator(Struct, frozen=True):
    """A terminal, with what was chosen to be used of it.

    Attributes:
        desktop: `osc9` or `osc777`; empty where notifications do not come up.
        progress: it shows how far something is.
        title: it has a title that we may set.
        wrapped: we are inside tmux, which passes on what is wrapped for it.
    """

    desktop: str = ""
    progress: bool = False
    title: bool = False
    wrapped: bool = False

    @classmethod
    def detect(cls, environ: Mapping[str, str], wanted: Notify) -> Emulator:
        """The terminal that these variables tell of."""
        if (environ.get("TERM") or "dumb").startswith(_NO_SEQUENCES):
            return cls()
        in_tmux = bool(environ.get("TMUX"))
        reached = wanted.tmux or not in_tmux  # tmux keeps to itself what is not wrapped
        names = _names(environ)
        auto = "osc777" if any(name in names for name in _RXVT_LIKE) else "osc9"
        desktop = {"auto": auto, "off": ""}.get(wanted.desktop, wanted.desktop)
        knows = wanted.progress == "on" or (
            wanted.progress == "auto" and _shows_progress(environ, names)
        )
        return cls(
            desktop=desktop if reached else "",
            progress=knows and reached,
            title=wanted.title,
            wrapped=in_tmux,
        )

    def notification(self, title: str, text: str) -> str:
        """Asks for a notification on the user's desktop."""
        title, text = _field(title), _field(text)
        if not self.desktop:
            return ""
        return self._osc(f"9;{text}" if self.desktop == "osc9" else f"777;notify;{title};{text}")

    def show_progress(self, share: float | None) -> str:
        """Shows that something is under way: how far it is, or None where nobody knows."""
        if not self.progress:
            return ""
        return self._osc("9;4;3;0" if share is None else f"9;4;1;{round(100 * share)}")

    def end_progress(self) -> str:
        """Shows that nothing is under way any more."""
        return self._osc("9;4;0;0") if self.progress else ""

    def set_title(self, text: str) -> str:
        """Gives the terminal a title."""
        return f"\x1b]2;{_field(text)}{_END}" if self.title else ""

    def _osc(self, command: str) -> str:
        sequence = f"\x1b]{command}{_END}"
        if not self.wrapped:
            return sequence
        return f"\x1bPtmux;{sequence.replace(_ESCAPE, 2 * _ESCAPE)}{_END}"


def _field(text: str) -> str:
    """A text that ends no sequence and begins none, nor a new part of one."""
    return shown(clean_line(text)).replace(";", ",")[:_MAX_TEXT]


def _names(environ: Mapping[str, str]) -> str:
    """What the terminal is called; over SSH and inside tmux only some of it is left."""
    names = [environ.get(name, "") for name in ("TERM_PROGRAM", "LC_TERMINAL", "TERM")]
    by_variable = {
        "KITTY_WINDOW_ID": "kitty",
        "GHOSTTY_RESOURCES_DIR": "ghostty",
        "WEZTERM_PANE": "wezterm",
        "KONSOLE_VERSION": "konsole",
        "VTE_VERSION": "vte",
        "WT_SESSION": "windows",
        "ConEmuPID": "conemu",
        "ITERM_SESSION_ID": "iterm",
    }
    names += [name for variable, name in by_variable.items() if environ.get(variable)]
    return " ".join(names).lower()


def _shows_progress(environ: Mapping[str, str], names: str) -> bool:
    if any(name in names for name in _WITH_PROGRESS):
        return True
    if "iterm" in names:  # older ones show it as a notification
        told = environ.get("TERM_PROGRAM_VERSION") or environ.get("LC_TERMINAL_VERSION", "")
        return _version(told) >= _ITERM_PROGRESS
    vte = environ.get("VTE_VERSION", "")
    return vte.isdecimal() and int(vte) >= _VTE_PROGRESS


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())
