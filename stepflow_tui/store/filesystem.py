"""Which file system a path lies on, and whether several processes may share a database there.

SQLite's write-ahead log wants memory that all who have the database open share. A file that is
mapped gives it on a file system that one kernel alone serves. Where a server, another machine or a
program stands behind it, each side has its own cache, and the database breaks sooner or later.
"""

from __future__ import annotations

import os
from pathlib import Path

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern

NETWORK_HOME = "STEPFLOW_NETWORK_HOME"
"""An environment variable; `1` lets a home lie where it is refused otherwise."""

MOUNTS = Path("/proc/self/mountinfo")

_SHARED = frozenset({
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "fhgfs", "gfs", "gfs2", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3",
    "smbfs", "vboxsf", "virtiofs", "vmhgfs",
})  # fmt: skip
_FUSE_OVERLAY = "fuse.fuse-overlayfs"
"""The root of rootless containers. The other one to pass is `fuseblk`, a local disk such as NTFS:
the kernel lets one machine mount it, and its page cache serves all who map a file."""

_OCTAL = lazy_pattern(rb"\\([0-3][0-7]{2})")


def check_file_system(root: Path, mounts: Path = MOUNTS) -> None:
    """Refuse a home on a file system that may be shared; where nobody knows, all is well.

    Raises:
        HomeProblem: with a directory to take instead.
    """
    if os.environ.get(NETWORK_HOME) == "1":
        return
    try:
        table = mounts.read_bytes()
    except OSError:  # not Linux, or no /proc
        return
    found = file_system_type(root, table)
    if is_shared(found):
        raise HomeProblem(
            f"{root} lies on {found}, where a database that several processes use can break; "
            f"{_way_out(table)}, or set {NETWORK_HOME}=1 at your own risk"
        )


def is_shared(file_system: str | None) -> bool:
    """Whether more than one kernel may serve this type of file system, or a program does."""
    if file_system is None:
        return False
    if file_system == "fuse" or file_system.startswith("fuse."):
        return file_system != _FUSE_OVERLAY
    return file_system in _SHARED


def file_system_type(path: Path, mounts: bytes) -> str | None:
    """The type of the file system on which a path lies, or will lie once it is made.

    Args:
        path: may be missing, and may lead through symbolic links.
        mounts: the content of `/proc/self/mountinfo`.
    """
    real = Path(os.path.realpath(path))
    above = {os.fsencode(directory) for directory in (real, *real.parents)}
    longest, found = b"", None
    for line in mounts.split(b"\n"):
        place, _, source = line.partition(b" - ")
        fields = place.split(b" ")
        point = _unescaped(fields[4]) if len(fields) > 4 else b""
        if point in above and len(point) >= len(longest):  # of two in one place the last is on top
            longest, found = point, source.partition(b" ")[0]
    return None if found is None else os.fsdecode(found)


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field)


def _way_out(mounts: bytes) -> str:
    for candidate in _candidates():
        if not is_shared(file_system_type(candidate, mounts)):
            return f"name a local directory, such as --home {candidate}"
    return "name a local directory with --home"


def _candidates() -> list[Path]:
    temporary = Path(f"/var/tmp/stepflow-{os.geteuid()}")  # noqa: S108 - a hint, checked like any
    try:
        return [Path.home() / ".local/state/stepflow", temporary]
    except RuntimeError:  # nobody says where it is
        return [temporary]
