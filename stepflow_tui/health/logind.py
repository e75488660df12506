"""What systemd's login manager does to the runner when its user logs out.

A process of a login session ends with the session where `KillUserProcesses` says so; lingering
does not help it. A process beneath the user's own service manager ends with the last session,
unless the user lingers; `KillUserProcesses` has no say there.
"""

from __future__ import annotations

import os
import pwd
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ROOT = Path("/")
_DIRECTORIES = (
    "etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd",
)  # fmt: skip
"""Where settings lie, from strong to weak."""

_SESSION = lazy_pattern(r"/session-[^/]+\.scope(/|$)", re.MULTILINE)
_USER_MANAGER = lazy_pattern(r"/user@[0-9]+\.service(/|$)", re.MULTILINE)
_BUILT_IN = lazy_pattern(r"^#\s*KillUserProcesses=(\w+)", re.MULTILINE)
_TRUTH = {
    **dict.fromkeys(("1", "yes", "y", "true", "t", "on"), True),
    **dict.fromkeys(("0", "no", "n", "false", "f", "off"), False),
}
_END = "the runner and its scripts end when you log out"


def logout_notes(pid: int | None, root: Path = _ROOT) -> Iterator[str]:
    """What a logout of this user would do to the runner and its scripts, as sentences.

    Args:
        pid: the live runner; None if there is none and we would start it.
        root: where the system's files are.
    """
    if not (root / "run/systemd/system").is_dir():
        return  # another init, or a container
    place = _text(root / f"proc/{pid or 'self'}/cgroup")
    user = user_name()
    lingering = lingers(user, root)
    if _USER_MANAGER.search(place):
        if not lingering:
            yield f"{_END} for the last time; run: loginctl enable-linger"
    elif _SESSION.search(place) and _ends_sessions_of(user, root):
        also = "" if lingering else ", and loginctl enable-linger"
        yield f"{_END} (KillUserProcesses in logind.conf); run: stepflow runner install{also}"


def user_name() -> str:
    """The name of the user we work as; the number where it has none."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def lingers(user: str, root: Path = _ROOT) -> bool:
    """Whether the user's service manager runs without a login, from boot to shutdown."""
    return (root / "var/lib/systemd/linger" / user).exists()


def _ends_sessions_of(user: str, root: Path) -> bool:
    kill = _built_in(root)
    names: dict[str, list[str]] = {}
    for key, value in _settings(root):
        if key == "KillUserProcesses":
            kill = _TRUTH.get(value.lower(), kill)
        elif key in {"KillOnlyUsers", "KillExcludeUsers"}:
            names[key] = [*names.get(key, []), *value.split()] if value else []
    if user in names.get("KillExcludeUsers", ["root"]):
        return False
    if only := names.get("KillOnlyUsers"):
        return user in only
    return kill


def _built_in(root: Path) -> bool:
    """The default, which is the distribution's choice; its file names it in a comment."""
    for directory in reversed(_DIRECTORIES):
        if found := _BUILT_IN.search(_text(root / directory / "logind.conf")):
            return _TRUTH.get(found[1].lower(), False)
    return False


def _settings(root: Path) -> Iterator[tuple[str, str]]:
    """All settings of logind in the order in which they come into effect."""
    for path in _files(root):
        section = ""
        for line in map(str.strip, _text(path).replace("\\\n", " ").splitlines()):
            if line.startswith("["):
                section = line
            elif section == "[Login]" and not line.startswith(("#", ";")):
                key, _, value = line.partition("=")
                yield key.strip(), value.strip()


def _files(root: Path) -> Iterable[Path]:
    """The strongest main file, then the drop-ins by name; one hides its weaker namesakes."""
    drop_ins: dict[str, Path] = {}
    main = [root / directory / "logind.conf" for directory in _DIRECTORIES]
    for directory in reversed(_DIRECTORIES):
        for path in (root / directory / "logind.conf.d").glob("*.conf"):
            drop_ins[path.name] = path
    first = [path for path in main if path.exists()][:1]
    return [*first, *(drop_ins[name] for name in sorted(drop_ins))]


def _text(path: Path) -> str:
    with suppress(OSError):  # what we may not read, or is not there, says nothing
        return path.read_text(encoding="utf-8", errors="replace")
    return ""
