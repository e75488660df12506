"""The launcher and the shim by themselves, under every shell that may be /bin/sh."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.requests.request import RunRequest, encode
from stepflow_tui.runner import launcher, proc, script_setup
from stepflow_tui.runner.spool import read_exit
from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
TOOLS = ("cat", "sleep", "setsid", "env")
SHELLS = ("dash", "bash", "busybox")
MARK = b"\n[stepflow: output was lost here, the disk was full]\n"
LAUNCH = """
import sys
sys.path.insert(0, sys.argv[1])
from stepflow_tui.runner import launcher, script_setup
launcher.SHELL, script_setup.SYSTEM_PATH = sys.argv[2:4]
launcher.main(int(sys.argv[4]), "0.1.2")
"""


class Started:
    """What the launcher has started, and the files that it leaves."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix

    def file(self, suffix: str) -> bytes:
        path = self.prefix.with_suffix(suffix)
        return path.read_bytes() if path.exists() else b""

    @property
    def output(self) -> bytes:
        return self.file(".out")

    @property
    def exit_lines(self) -> list[str]:
        """What the exit file says, but for the time of the end."""
        lines = self.file(".exit").partition(b"\0")[0].decode().splitlines()
        return [line for line in lines if not line.startswith("ended ")]

    @property
    def shim(self) -> int:
        return int(wait_for(lambda: json.loads(self.file(".lock") or b"{}"))["pid"])

    def of_shim(self, name: str) -> list[int]:
        """The pids of the shim's own children of this name: its pump and cat."""
        table = proc.ProcessTable()
        found = table.select(table.of_sessions({self.shim}))
        return [each.pid for each in found if each.name == name and each.pid != self.shim]

    def wait(self) -> Started:
        wait_for(lambda: any(line.startswith("drained ") for line in self.exit_lines))
        wait_for(lambda: proc.process(self.shim) is None)
        return self


class Launch:
    """A launcher of its own.

    It is started by a shell that runs `preparation` before, and through another program.
    """

    def __init__(
        self, directory: Path, shell: str, preparation: str, through: Sequence[str]
    ) -> None:
        self.directory = directory
        self.shell = shell
        self.started: list[Started] = []
        path, tools = _system(directory, shell)
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(60)
        program = [sys.executable, "-I", "-S", "-c", LAUNCH, ROOT, path, tools, theirs.fileno()]
        with theirs:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f'{preparation}\nexec "$@"', "sh", *through, *map(str, program)],
                pass_fds=[theirs.fileno()],
            )

    def start(self, *command: str, spool: Path | None = None, **fields: object) -> Started:
        request = RunRequest(
            id=new_id(),
            command=list(command),
            cwd=str(self.directory),
            environment={"PATH": os.environ["PATH"]},
            created_at=0,
            name="",
        )
        request = replace(request, **fields)
        path = self.directory / f"{request.id}.json"
        path.write_bytes(encode(request))
        started = Started((spool or self.directory) / request.id)
        self.started.append(started)
        self.order(started.prefix)
        return started

    def order(self, prefix: Path) -> None:
        """Order a start for which there is a request."""
        path = self.directory / f"{prefix.name}.json"
        order = {"id": prefix.name, "request": str(path), "prefix": str(prefix)}
        self._channel.send(json.dumps(order).encode())

    def run(self, *command: str, **fields: object) -> Started:
        return self.start(*command, **fields).wait()  # type: ignore[arg-type]

    def fifo(self) -> Path:
        """For a script that is to wait."""
        path = self.directory / "go"
        os.mkfifo(path)
        return path

    def complaint(self) -> dict[str, object]:
        return dict(json.loads(self._channel.recv(65536)))

    def close(self) -> None:
        self._channel.close()
        self._process.wait()
        for started in self.started:
            table = proc.ProcessTable()
            tag = f"STEPFLOW_EXECUTION_ID={started.prefix.name}"
            for found in table.select(table.tagged(tag)):
                proc.send_signal(found, signal.SIGKILL)


def _system(directory: Path, shell: str) -> tuple[str, str]:
    """A shell called `sh`, as bash behaves differently then, and where its tools are."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    places = directory / "bin"
    places.mkdir(exist_ok=True)
    (places / "sh").symlink_to(program)
    if shell != "busybox":
        return str(places / "sh"), script_setup.SYSTEM_PATH
    for tool in TOOLS:
        (places / tool).symlink_to(program)
    return str(places / "sh"), f"{places}:{script_setup.SYSTEM_PATH}"


@contextmanager
def launching(
    directory: Path, shell: str = "dash", *, preparation: str = "", through: Sequence[str] = ()
) -> Iterator[Launch]:
    launch = Launch(directory, shell, preparation, through)
    try:
        yield launch
    finally:
        launch.close()


@pytest.fixture(params=SHELLS)
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launch]:
    with launching(tmp_path, request.param) as launch:
        yield launch


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no permission to mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def limits_of(output: bytes) -> dict[str, tuple[str, str]]:
    """Soft and hard limits, as /proc/self/limits tells them."""
    rows = re.findall(r"^Max (.+?)  +(\S+) +(\S+)", output.decode(), re.MULTILINE)
    return {name: (soft, hard) for name, soft, hard in rows}


def all_command_lines() -> str:
    """What every user can see of every process."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            lines.append(path.read_text("utf-8", "surrogateescape"))
    return "\n".join(lines)


def test_an_exit_file_says_no_more_than_it_must(launch: Launch) -> None:
    done = launch.run("/bin/sh", "-c", "echo out; echo err >&2; exit 7")
    assert done.output == b"out\nerr\n"
    assert done.exit_lines == ["7", "drained 0"]
    assert len(done.file(".exit")) == launcher.EXIT_FILE_SIZE


def test_an_exit_file_says_when_the_script_ended(launch: Launch) -> None:
    running = launch.start("/bin/sh", "-c", "sleep 2 & exit 3")
    wait_for(lambda: running.exit_lines)
    latest = proc.uptime()
    told = read_exit(running.wait().file(".exit"))
    assert told is not None
    assert told.ended_s is not None
    assert 0 <= latest - told.ended_s < 2
    assert told.drained


def test_a_signal_is_told_by_the_shells_that_tell_it(launch: Launch) -> None:
    done = launch.run("/bin/sh", "-c", "kill -KILL $$")
    assert done.exit_lines[-2:] == ["137", "drained 0"]
    told = read_exit(done.file(".exit"))
    assert told is not None
    assert (told.code, told.signal) == (137, 9)


def test_a_full_disk_makes_a_script_wait(launch: Launch, small_disk: Path) -> None:
    code = "for n in range(200_000): print(f'{n:015}')"
    running = launch.start(sys.executable, "-c", code, spool=small_disk)
    wait_for(lambda: running.exit_lines == ["full"])
    assert proc.process(running.shim) is not None
    resize(small_disk, "2M")
    wait_for(lambda: running.output.count(MARK) == 1 and len(running.output) > 1_800_000)
    wait_for(lambda: os.statvfs(small_disk).f_bfree == 0 and running.of_shim("sleep"))
    resize(small_disk, "8M")
    done = running.wait()
    assert done.exit_lines == ["full", "0", "drained 0"]
    whole = b"".join(b"%015d\n" % n for n in range(200_000))
    first, second, third = done.output.split(MARK)
    assert whole.startswith(first)
    assert second in whole
    assert whole.endswith(third)
    lost = len(whole) - len(first) - len(second) - len(third)
    assert 0 < lost <= 2 * 128 * 1024
    assert done.prefix.with_suffix(".room").stat().st_size == 0


def test_a_full_disk_at_the_very_end(launch: Launch, small_disk: Path) -> None:
    running = launch.start("head", "-c", "1100000", "/dev/zero", spool=small_disk)
    wait_for(lambda: sorted(running.exit_lines) == ["0", "full"] and running.of_shim("sleep"))
    resize(small_disk, "2M")
    done = running.wait()
    assert sorted(done.exit_lines) == ["0", "drained 0", "full"]
    first, rest = done.output.split(MARK)
    assert set(first + rest) == {0}
    assert 0 < 1_100_000 - len(first) - len(rest) <= 128 * 1024


def test_a_cat_that_is_killed_has_no_successor(launch: Launch) -> None:
    go = launch.fifo()
    script = f"trap '' PIPE; echo $$; read go <{go}; echo lost; exit 3"
    running = launch.start("/bin/sh", "-c", script)
    wait_for(lambda: running.output)
    before = running.output
    os.kill(running.of_shim("cat")[0], signal.SIGKILL)
    wait_for(lambda: not running.of_shim("sh"))
    go.write_text("go\n")
    assert running.wait().exit_lines == ["3", "drained 137"]
    assert running.output == before


def test_signals_leave_the_shim_and_its_pump_at_work(launch: Launch) -> None:
    go = launch.fifo()
    running = launch.start("/bin/sh", "-c", f"echo before; read go <{go}; echo after; exit 3")
    wait_for(lambda: running.output)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        for pid in (running.shim, *running.of_shim("sh")):
            os.kill(pid, number)
    go.write_text("go\n")
    assert running.wait().exit_lines == ["3", "drained 0"]
    assert running.output == b"before\nafter\n"


def test_what_a_script_leaves_in_the_background_is_named(launch: Launch) -> None:
    leave = "sleep 60 >/dev/null 2>&1 & echo $!;"
    done = launch.run("/bin/sh", "-c", f"true & wait; {leave} setsid {leave}")
    left = " ".join(done.output.decode().split())
    assert done.exit_lines == ["0", f"left {left}", "drained 0"]


def test_at_most_ten_are_named(launch: Launch) -> None:
    done = launch.run("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!;" * 12)
    pids = done.output.decode().split()
    assert len(pids) == 12
    assert done.exit_lines == ["0", f"left {' '.join(pids[:10])}", "drained 0"]
    assert len(done.file(".exit")) == launcher.EXIT_FILE_SIZE


CALLERS = {
    "AS": [3 << 30, 4 << 30],
    "CORE": [512, 1024],
    "CPU": [50, 60],
    "DATA": [1 << 30, 2 << 30],
    "FSIZE": [5120, 10240],
    "MEMLOCK": [4096, 8192],
    "NOFILE": [50, 60],
    "NPROC": [4000, 5000],
    "STACK": [4 << 20, 1 << 30],
}
NAMES = {
    "AS": "address space",
    "CORE": "core file size",
    "CPU": "cpu time",
    "DATA": "data size",
    "FSIZE": "file size",
    "MEMLOCK": "locked memory",
    "NOFILE": "open files",
    "NPROC": "processes",
    "STACK": "stack size",
}


def test_a_script_has_the_limits_of_its_caller(launch: Launch) -> None:
    told = limits_of(launch.run("/bin/cat", "/proc/self/limits", rlimits=CALLERS).output)
    assert {name: told[NAMES[name]] for name in CALLERS} == {
        name: (str(soft), str(hard)) for name, (soft, hard) in CALLERS.items()
    }
    # Those of one script are not those of the next.
    told = limits_of(launch.run("/bin/cat", "/proc/self/limits").output)
    own = limits_of(Path("/proc/self/limits").read_bytes())
    assert told == own


def test_no_limit_of_the_caller_is_none(tmp_path: Path) -> None:
    with launching(tmp_path, preparation="ulimit -S -f 100; ulimit -S -v 9000000") as launch:
        unlimited = {name: [-1, -1] for name in ("AS", "FSIZE", "DATA", "CPU")}
        told = limits_of(launch.run("/bin/cat", "/proc/self/limits", rlimits=unlimited).output)
        assert {told[NAMES[name]] for name in unlimited} == {("unlimited", "unlimited")}
        told = limits_of(launch.run("/bin/cat", "/proc/self/limits").output)
        assert told["file size"] == ("51200", "unlimited")  # as nobody says anything else
        assert told["address space"] == ("9216000000", "unlimited")


def test_what_is_set_for_a_script_goes_before_what_its_caller_has(launch: Launch) -> None:
    limits = {"memory": 2 << 30, "cpu": 57, "file_size": 1024}
    done = launch.run("/bin/cat", "/proc/self/limits", rlimits=CALLERS, limits=limits)
    told = limits_of(done.output)
    assert told["address space"] == (str(2 << 30), str(2 << 30))
    assert told["file size"] == ("1024", "1024")
    assert told["cpu time"] == ("57", "60")  # five seconds more, but no more than the caller has


def test_limits_that_are_no_multiples_are_rounded_up(launch: Launch) -> None:
    limits = {"memory": 1_500_000_001, "file_size": 1_000_001}
    told = limits_of(launch.run("/bin/cat", "/proc/self/limits", limits=limits).output)
    assert told["address space"] == ("1500000256", "1500000256")
    assert told["file size"] == ("1000448", "1000448")


def test_who_may_not_raise_a_limit_gives_as_much_as_there_is(tmp_path: Path) -> None:
    # Without the capability even root may raise no hard limit.
    drop = "ulimit -f 2000; ulimit -n 300; "
    bare = "setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource"
    if subprocess.run([*bare.split(), "true"], capture_output=True, check=False).returncode:
        pytest.skip("no permission to give up a capability")
    with launching(tmp_path, preparation=drop, through=bare.split()) as launch:
        wanted = {"FSIZE": [-1, -1], "NOFILE": [250, 4000], "CORE": [0, 0]}
        told = limits_of(launch.run("/bin/cat", "/proc/self/limits", rlimits=wanted).output)
        assert told["file size"] == ("1024000", "1024000")
        assert told["open files"] == ("250", "300")
        assert told["core file size"] == ("0", "0")


def test_a_small_limit_stops_the_script_alone(launch: Launch) -> None:
    # Three open files are what a program has that opens none itself; a shell needs more.
    done = launch.run("/bin/ls", "/proc/self/fd", rlimits={"NOFILE": [4, 4]})
    assert (done.output, done.exit_lines) == (b"0\n1\n2\n3\n", ["0", "drained 0"])
    done = launch.run("/bin/true", limits={"memory": 4096})
    assert done.exit_lines[-1] == "drained 0"
    assert done.exit_lines[-2] not in {"0", "98"}


def test_a_limit_of_files_cuts_no_log(tmp_path: Path) -> None:
    script = (
        "head -c 5000000 /dev/zero | tr '\\0' x; echo\n"
        "head -c 999936 /dev/zero >small; head -c 1000449 /dev/zero >big; echo $?; wc -c <big"
    )
    with launching(tmp_path, preparation="ulimit -S -f 8") as launch:
        done = launch.run("/bin/sh", "-c", script, limits={"file_size": 1_000_000})
    x, _, rest = done.output.partition(b"\n")
    assert x == b"x" * 5_000_000
    assert rest.decode().split()[-2:] == [str(128 + signal.SIGXFSZ), "1000448"]
    assert (tmp_path / "small").stat().st_size == 999_936
    assert done.exit_lines == ["0", "drained 0"]


def test_a_script_runs_on_the_processors_of_its_caller(tmp_path: Path) -> None:
    own = sorted(os.sched_getaffinity(0))
    code = "import os; print(sorted(os.sched_getaffinity(0)))"
    with launching(tmp_path, through=["taskset", "-c", str(own[0])]) as launch:
        for processors in (own[:1], own[-1:], own):
            done = launch.run(sys.executable, "-I", "-S", "-c", code, processors=processors)
            assert done.output.decode().strip() == str(processors)
        for processors in ([], [60_000]):
            done = launch.run(sys.executable, "-I", "-S", "-c", code, processors=processors)
            assert done.output.decode().strip() == str(own[:1])


def test_a_limit_that_nobody_may_lift_ends_no_script(tmp_path: Path) -> None:
    bare = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]
    if subprocess.run([*bare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no permission to give up a capability")
    with launching(tmp_path, preparation="ulimit -f 200", through=bare) as launch:
        done = launch.run("/bin/sh", "-c", "seq 100000; echo end >end; exit 3")
    assert done.output == b"".join(b"%d\n" % n for n in range(1, 100_001))[: 200 * 512]
    assert (tmp_path / "end").read_text() == "end\n"
    told = read_exit(done.file(".exit"))
    assert told is not None
    assert (told.code, told.output_lost) == (3, True)


def test_processor_time_has_an_end(launch: Launch) -> None:
    done = launch.run("/bin/sh", "-c", "while :; do :; done", limits={"cpu": 1})
    assert done.exit_lines[-2:] == ["152", "drained 0"]
    caught = launch.run(
        "/bin/bash", "-c", "trap 'echo time is up; exit 4' XCPU; while :; do :; done",
        limits={"cpu": 1},
    )  # fmt: skip
    assert (caught.output, caught.exit_lines) == (b"time is up\n", ["4", "drained 0"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may lower a niceness")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"nice": 0}, 0),
        ({"nice": 5}, 5),
        ({"nice": 5, "limits": {"nice": -7}}, -7),
        ({"nice": 5, "limits": {"nice": 19}}, 19),
        ({"nice": 5, "limits": {"nice": 3}, "tty": True}, 3),
        ({"nice": 6, "tty": True}, 6),
    ],
)
def test_a_script_has_its_niceness(
    tmp_path: Path, fields: dict[str, object], expected: int
) -> None:
    with launching(tmp_path, through=["nice", "-n", "3"]) as launch:
        script = "nice; for pid in $PPID $(pgrep -s $(ps -o sid= $PPID)); do ps -o ni= $pid; done"
        done = launch.run("/bin/bash", "-c", script, **fields)
    own, *others = done.output.split()
    assert int(own) == expected
    if not fields.get("tty"):
        # The shim, which comes twice, its pump and its cat.
        assert list(map(int, others)) == [os.nice(0) + 3] * 4


def test_who_may_not_lower_a_niceness_keeps_it(tmp_path: Path) -> None:
    bare = ["nice", "-n", "3", "setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"]
    if subprocess.run([*bare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no permission to give up a capability")
    with launching(tmp_path, through=bare) as launch:
        lowest = os.nice(0) + 3
        assert int(launch.run("nice", nice=0).output) == lowest
        assert int(launch.run("nice", nice=lowest + 1).output) == lowest + 1


def test_a_program_under_a_terminal_has_its_limits(tmp_path: Path) -> None:
    with launching(tmp_path) as launch:
        done = launch.run("/bin/cat", "/proc/self/limits", limits={"memory": 2 << 30}, tty=True)
    assert limits_of(done.output)["address space"] == (str(2 << 30), str(2 << 30))


def test_what_a_shell_drops_of_the_environment_is_kept_and_out_of_sight(launch: Launch) -> None:
    canary = new_id()
    odd = {
        "my.token": f"{canary}' $(x) \n\udcff\udc81",
        "IFS": ":",
        "1x": "",
        "BASH_FUNC_f%%": "() { :; }",
    }
    go = launch.fifo()
    wait = (
        "import os, sys; os.write(1, b'up\\0'); open(sys.argv[1]).read();"
        "os.execvp('env', ['env', '-0'])"
    )
    running = launch.start(
        *(sys.executable, "-S", "-c", wait, str(go)),
        environment={"PATH": os.environ["PATH"], **odd},
        limits={"memory": 2 << 30},
    )
    wait_for(lambda: running.output == b"up\0")
    assert canary not in all_command_lines()
    go.write_text("go\n")
    pairs = os.fsdecode(running.wait().output).split("\0")
    told = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    assert {name: told.get(name) for name in odd} == odd


def environment_of_script(launch: Launch, **fields: object) -> tuple[dict[str, str], Started]:
    """What a script finds in its environment when it begins, and the run."""
    copy = launch.directory / new_id()
    done = launch.run("/bin/cp", "/proc/self/environ", str(copy), **fields)
    assert done.exit_lines == ["0", "drained 0"], done.output
    pairs = os.fsdecode(copy.read_bytes()).split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair), done


ALL_BYTES = os.fsdecode(bytes(range(1, 256)).replace(b"\n", b"").replace(b"\r", b""))
CALLER = {
    # Names of the shim, now and in earlier versions, and of what it is told.
    **dict.fromkeys(("sf_cat", "sf_sleep", "sf_env0", "sf_1", "prefix", "caught", "pump"), "mine"),
    **dict.fromkeys(("status", "first", "p2", "more", "full", "room", "i", "again"), "mine"),
    # What shells set, change, obey or refuse to set.
    "": "of no name",
    "IFS": "x",
    "OPTIND": "no number",
    "OPTARG": "a",
    "PPID": "5",
    "SHLVL": "7",
    "_": "/x/y",
    "PS1": "$ ",
    "PS4": "+ ",
    "ENV": "/no/such",
    "BASH_ENV": "/no/such",
    "TMOUT": "1",
    "SHELLOPTS": "xtrace:noexec",
    "BASHOPTS": "x",
    "UID": "no",
    "EUID": "0",
    "LINENO": "4",
    "RANDOM": "5",
    "SECONDS": "6",
    "POSIXLY_CORRECT": "",
    "OLDPWD": "/old",
    "CDPATH": "/",
    "GROUPS": "g",
    "BASH_XTRACEFD": "2",
    "MAILPATH": "/m",
    "FUNCNAME": "f",
    "HISTCMD": "h",
    # What changes how a text is read, and what every program of the system obeys.
    "LC_ALL": "ja_JP.SJIS",
    "LANG": "no such",
    "LANGUAGE": "de",
    "SHELL": "/bin/mine",
    "BASH_FUNC_f%%": "() {  echo f\n}",
    "my.prop": "dotted",
    "1x": "",
    "a-b": "x=y",
    "-u": "-",
    "COLUMNS": "7",
    "ROWS": "8",
    "HOSTNAME": "h",
    "if": "1",
    "TILDE": "~:~/x",
    "EMPTY": "",
    "QUOTES": "'\"`$(exit 9)\\",
    "LINES": "a\nb",
    "ALL": ALL_BYTES,
}


@pytest.mark.parametrize("tty", [False, True])
def test_a_script_has_exactly_the_environment_of_its_caller(launch: Launch, *, tty: bool) -> None:
    environment = {"PATH": "/usr/bin:/bin", **CALLER}
    told, done = environment_of_script(launch, environment=environment, tty=tty)
    assert told == {
        **environment,
        **({"PAGER": "cat", "GIT_PAGER": "cat", "SYSTEMD_PAGER": ""} if tty else {}),
        "PWD": str(launch.directory),
        "PYTHONUNBUFFERED": "1",
        "STEPFLOW": "1",
        "STEPFLOW_EXECUTION_ID": done.prefix.name,
    }


@pytest.mark.parametrize("tty", [False, True])
def test_nothing_is_added_that_is_not_wanted(launch: Launch, *, tty: bool) -> None:
    told, _ = environment_of_script(launch, environment={}, added_env=False, tty=tty)
    assert told == {}
    environment = {"A": "1", "PWD": "/x"}
    told, _ = environment_of_script(launch, environment=environment, added_env=False, tty=tty)
    assert told == {"A": "1", "PWD": str(launch.directory)}


def test_what_the_caller_has_set_himself_stays(launch: Launch) -> None:
    own = {"PYTHONUNBUFFERED": "", "STEPFLOW": "2", "FORCE_COLOR": "3"}
    told, _ = environment_of_script(launch, environment=own)
    assert {name: told[name] for name in own} == own


def test_the_mark_of_a_runner_does_not_reach_a_script(launch: Launch) -> None:
    environment = {"PATH": os.environ["PATH"], "STEPFLOW_RUNNER": "1"}
    told, _ = environment_of_script(launch, environment=environment)
    assert "STEPFLOW_RUNNER" not in told


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize("nice", [0, 3])
def test_a_command_whose_path_looks_like_an_assignment(
    launch: Launch, nice: int, *, tty: bool
) -> None:
    directory = launch.directory / "a=b"
    directory.mkdir()
    script = directory / "c=d"
    script.write_text("#!/bin/bash\necho $0 $1; f\n")
    script.chmod(0o755)
    environment = {"PATH": f"{directory}:/usr/bin:/bin", "BASH_FUNC_f%%": "() {  echo f\n}"}
    own = os.getpriority(os.PRIO_PROCESS, 0)
    (directory / "-n").symlink_to(script)
    for command in ("c=d", str(script), "a=b/c=d", "-n"):
        done = launch.run(command, "x=y", environment=environment, tty=tty, nice=own + nice)
        last = command if "/" in command else str(directory / command)
        assert done.output.decode().split() == [last, "x=y", "f"]
        assert done.exit_lines == ["0", "drained 0"]


@pytest.mark.parametrize("tty", [False, True])
def test_a_shim_shows_neither_its_source_nor_the_command(launch: Launch, *, tty: bool) -> None:
    go = launch.fifo()
    canary = new_id()
    running = launch.start("/bin/sh", "-c", f"echo up; read x <{go}; # {canary}", tty=tty)
    wait_for(lambda: running.output)
    words = Path(f"/proc/{running.shim}/cmdline").read_bytes().decode().split("\0")[:-1]
    shim = launch.directory / next(launch.directory.glob("stepflow-shim-*"))
    assert words[1:] == [str(shim), str(running.prefix)]
    assert "-0.1.2-" in shim.name
    with_canary = [line for line in all_command_lines().split("\n") if canary in line]
    assert len(with_canary) == 1  # the script itself
    go.write_text("go\n")
    running.wait()


def test_a_shim_that_is_changed_or_deleted_goes_on_and_is_made_anew(launch: Launch) -> None:
    go = launch.fifo()
    running = launch.start("/bin/sh", "-c", f"echo up; read x <{go}; exit 3")
    wait_for(lambda: running.output)
    [shim] = launch.directory.glob("stepflow-shim-*")
    with shim.open("r+b") as file:  # in place, as some tools copy
        file.write(b"\nexit 5\n" * 500)
    go.write_text("go\n")
    assert running.wait().exit_lines == ["3", "drained 0"]
    assert launch.run("/bin/echo", "x").output == b"x\n"
    shim.unlink()
    assert launch.run("/bin/echo", "y").output == b"y\n"
    assert sorted(launch.directory.glob("*.tmp")) == []


@pytest.mark.parametrize("tty", [False, True])
def test_a_terminal_and_a_pipe_take_equally_long_arguments(launch: Launch, *, tty: bool) -> None:
    words = ["x" * 100_000] * 4
    done = launch.run("/bin/sh", "-c", "echo $# ${#1} ${#4}", "sh", *words, tty=tty)
    assert done.output.split() == [b"4", b"100000", b"100000"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "24 80"),
        ({"caller_size": [132, 50]}, "50 132"),
        ({"caller_size": [132, 50], "tty_size": [100, 30]}, "30 100"),
    ],
)
def test_a_terminal_has_a_size(launch: Launch, fields: dict[str, object], told: str) -> None:
    done = launch.run("stty", "size", tty=True, **fields)
    assert done.output.decode().strip() == told


def test_a_terminal_that_nobody_sits_at_has_no_pager(launch: Launch) -> None:
    pagers = ("PAGER", "GIT_PAGER", "SYSTEMD_PAGER")
    told, _ = environment_of_script(launch, tty=True)
    assert [told[name] for name in pagers] == ["cat", "cat", ""]
    own = {"PATH": os.environ["PATH"], "PAGER": "less", "SYSTEMD_PAGER": "more"}
    told, _ = environment_of_script(launch, tty=True, environment=own)
    assert [told[name] for name in pagers] == ["less", "cat", "more"]


@pytest.mark.parametrize("tty", [False, True])
def test_a_missing_interpreter_is_named(launch: Launch, *, tty: bool) -> None:
    script = launch.directory / "crlf.sh"
    script.write_bytes(b"#!/bin/bash\r\necho hi\r\n")
    script.chmod(0o755)
    done = launch.run(str(script), tty=tty)
    assert done.output.decode().split("\n")[0].strip() == (
        f"stepflow: {script}: its interpreter '/bin/bash\\r' does not exist; "
        "convert its Windows line endings: dos2unix"
    )
    assert done.exit_lines == ["127", "drained 0"]


def test_an_interpreter_that_may_not_be_executed_is_named(launch: Launch) -> None:
    script = launch.directory / "odd.sh"
    script.write_text("#!/etc/passwd\n")
    script.chmod(0o755)
    done = launch.run(str(script))
    told = f"stepflow: {script}: its interpreter '/etc/passwd' is not executable\n"
    assert (done.output.decode(), done.exit_lines) == (told, ["126", "drained 0"])


def test_a_command_that_is_not_there(launch: Launch) -> None:
    done = launch.run("/no/such", limits={"nice": 1})
    assert b"/no/such" in done.output
    assert done.exit_lines == ["127", "drained 0"]


def test_a_limit_that_is_no_number_starts_nothing(tmp_path: Path) -> None:
    with launching(tmp_path) as launch:
        started = launch.start("true", rlimits={"NOFILE": ["9; touch pwned", 9]})
        assert started.prefix.name == launch.complaint()["id"]
    assert not (tmp_path / "pwned").exists()


def test_one_that_cannot_be_started_keeps_no_other_from_it(tmp_path: Path) -> None:
    with launching(tmp_path) as launch:
        wrong: dict[str, object] = {"rlimits": {"NOFILE": ["9", 9]}}
        many = [
            launch.start("/bin/echo", "up", **(wrong if number % 5 == 2 else {}))  # type: ignore[arg-type]
            for number in range(2 * launcher.BATCH)
        ]
        refused = {str(launch.complaint()["id"]) for _ in many[2::5]}
        assert refused == {started.prefix.name for started in many[2::5]}
        for started in many:
            if started.prefix.name not in refused:
                assert started.wait().output == b"up\n"
        assert sorted(tmp_path.glob("*.tmp")) == []


def test_one_that_is_ordered_twice_runs_once(tmp_path: Path) -> None:
    with launching(tmp_path) as launch:
        started = launch.start("/bin/echo", "once")
        launch.order(started.prefix)
        launch.order(started.prefix)
        launch.run("/bin/true")
        assert started.wait().output == b"once\n"
        assert sorted(tmp_path.glob("*.tmp")) == []


def test_nothing_of_the_launcher_is_inherited(launch: Launch) -> None:
    status = "grep -E 'Sig(Ign|Blk)' /proc/self/status; ls /proc/self/fd; readlink /proc/self/fd/0"
    told = launch.run("/bin/sh", "-c", status).output.decode().split()
    assert told == [
        *("SigBlk:", "0" * 16, "SigIgn:", f"{_ignored_by_library():016x}"),
        *("0", "1", "2", "3", "/dev/null"),  # the third is that of the directory
    ]


def _ignored_by_library() -> int:
    """Of the two signals that are the C library's own, and that no program can set."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    return ignored & (0b11 << 31)


def test_a_large_request_does_not_wait_for_others(tmp_path: Path) -> None:
    large = {"PATH": os.environ["PATH"], "LARGE": "x" * 100_000}
    with launching(tmp_path) as launch:
        many = [launch.start("/bin/sh", "-c", "echo ${#LARGE}", environment=large) for _ in "123"]
        assert [started.wait().output for started in many] == [b"100000\n"] * 3
