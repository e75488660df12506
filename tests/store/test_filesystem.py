from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.store.filesystem import MOUNTS, check_file_system, file_system_type, is_shared

TABLE = b"""\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 27 0:41 / /home rw,relatime shared:7 master:2 - nfs4 server:/home rw,vers=4.2
32 31 0:42 / /home/ann/scratch rw - xfs /dev/sdb rw
33 27 0:43 / /mnt/my\\040disk rw - cifs //server/my\\040disk rw
34 27 0:44 / /mnt/back\\134slash\\011tab rw - fuse.sshfs ann@server: rw
35 27 0:45 / /data rw - ext4 /dev/sdc rw
36 35 0:46 / /data rw - lustre server:/data rw
37 27 0:47 / /project rw - ceph server:/ rw
38 37 0:48 / /project rw - overlay overlay rw
39 27 0:49 / /mnt/a\rb\\777 rw - nfs server:/ rw
40 27 0:50 /a - b /dash - rw
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "ext4"),
        ("/var/tmp/x", "ext4"),
        ("/home", "nfs4"),
        ("/home/ann/.local/state/stepflow", "nfs4"),
        ("/homework", "ext4"),
        ("/home/ann/scratch/stepflow", "xfs"),
        ("/mnt/my disk/stepflow", "cifs"),
        ("/mnt/my", "ext4"),
        ("/mnt/back\\slash\ttab/x", "fuse.sshfs"),
        ("/mnt/a\rb\\777/x", "nfs"),
        ("/data/stepflow", "lustre"),
        ("/project/stepflow", "overlay"),
        ("/project/../home/ann", "nfs4"),
    ],
)
def test_the_longest_mount_point_and_of_equals_the_last_counts(path: str, found: str) -> None:
    assert file_system_type(Path(path), TABLE) == found


def test_links_on_the_way_are_followed(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (tmp_path / "link").symlink_to(far)
    table = TABLE + b"40 27 0:50 / %s rw - nfs server:/ rw\n" % bytes(far)
    assert file_system_type(tmp_path / "link" / "not" / "yet", table) == "nfs"
    assert file_system_type(tmp_path / "elsewhere", table) == "ext4"


@pytest.mark.parametrize("table", [b"", b"\n\nnothing of use\n"])
def test_a_table_that_says_nothing_says_nothing(table: bytes) -> None:
    assert file_system_type(Path("/home"), table) is None
    assert not is_shared(None)


def test_the_table_of_this_machine_is_understood() -> None:
    assert file_system_type(Path("/proc/self/no/such/file"), MOUNTS.read_bytes()) == "proc"


@pytest.mark.parametrize(
    "name",
    [
        *("nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.sshfs", "fuse.glusterfs", "9p", "virtiofs"),
        *("afs", "ceph", "lustre", "gpfs", "beegfs", "ocfs2", "gfs2"),
    ],
)
def test_what_may_be_shared(name: str) -> None:
    assert is_shared(name)


@pytest.mark.parametrize(
    "name",
    ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.fuse-overlayfs"],
)
def test_what_one_kernel_serves_alone(name: str) -> None:
    assert not is_shared(name)


def mounts(directory: Path, **places: str) -> Path:
    """A table with the given file system types and where they are mounted."""
    lines = [f"1 1 0:1 / {place} rw - {name} none rw\n" for name, place in places.items()]
    path = directory / "mountinfo"
    path.write_text("".join(lines))
    return path


def refusal(root: Path, table: Path) -> str:
    with pytest.raises(HomeProblem) as caught:
        check_file_system(root, table)
    return str(caught.value)


def test_the_refusal_names_the_type_and_a_local_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    root = Path("/net/ann/stepflow")
    said = (
        "/net/ann/stepflow lies on nfs4, where a database that several processes use can break; "
        "name a local directory{}, or set STEPFLOW_NETWORK_HOME=1 at your own risk"
    )
    local_home = mounts(tmp_path, ext4="/", nfs4="/net")
    assert refusal(root, local_home) == said.format(
        ", such as --home /home/ann/.local/state/stepflow"
    )
    network_home = mounts(tmp_path, ext4="/", nfs="/home", nfs4="/net")
    assert refusal(root, network_home) == said.format(", such as --home /var/tmp/stepflow-1000")
    assert refusal(root, mounts(tmp_path, nfs4="/")) == said.format(" with --home")


def test_nobody_needs_a_home_directory_for_the_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    said = refusal(Path("/net/x"), mounts(tmp_path, ext4="/", nfs="/net"))
    assert "--home /var/tmp/stepflow-1000, or" in said


def test_who_says_so_may_use_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = mounts(tmp_path, nfs="/")
    monkeypatch.setenv("STEPFLOW_NETWORK_HOME", "1")
    check_file_system(tmp_path, table)
    monkeypatch.setenv("STEPFLOW_NETWORK_HOME", "0")
    assert "lies on nfs," in refusal(tmp_path, table)


def test_without_a_table_all_is_well(tmp_path: Path) -> None:
    check_file_system(tmp_path, tmp_path / "none")


FUSE = r"""
import ctypes, os, struct, sys, threading
from pathlib import Path
from stepflow_tui.core.home import Home
from stepflow_tui.store.home import prepare_home

LOOKUP, GETATTR, INIT = 1, 3, 26


def serve(device):  # a file system whose root is an empty directory
    while True:
        _, opcode, unique = struct.unpack_from("<IIQ", os.read(device, 1 << 17))
        error, body = 0, b""
        if opcode == INIT:
            body = struct.pack("<IIIIHHII36x", 7, 31, 0, 0, 8, 8, 65536, 1)
        elif opcode == GETATTR:
            body = struct.pack("<QII6Q10I", 1, 0, 0, 1, *[0] * 8, 0o040700, 2, *[0] * 5)
        else:
            error = -2 if opcode == LOOKUP else -38  # ENOENT, ENOSYS
        os.write(device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


place = sys.argv[1]
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
if ctypes.CDLL(None, use_errno=True).mount(b"test", place.encode(), b"fuse.test", 6, options):
    sys.exit(77)
threading.Thread(target=serve, args=(device,), daemon=True).start()
try:
    prepare_home(Home(Path(place, "home")))
except Exception as problem:
    print(problem)
os._exit(0)
"""


@pytest.mark.skipif(not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="no FUSE for this user")
def test_a_real_fuse_mount_is_refused(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    command = [*alone, sys.executable, "-c", FUSE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this user may not mount")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{tmp_path}/home lies on fuse.test, where a database")
