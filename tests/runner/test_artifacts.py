from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.artifact_names import plain_path
from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Artifact, ArtifactStatus
from stepflow_tui.runner.artifacts import COLLECTING, Collected, Collector, Order
from stepflow_tui.runner.copier import Copier
from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEADS_OUT = "leads out of the working directory"
PATIENCE_S = 20
RUN = "run"
CLEANED = "\N{REPLACEMENT CHARACTER}"


class GatedCollector(Collector):
    """Stops at `gate` after each block of a file, when it is `gated`."""

    gated = False

    def __init__(self, home: Home, limits: tuple[int, int], wake: Callable[[], None]) -> None:
        super().__init__(home, max_bytes=limits[0], max_files=limits[1], wake=wake)
        self.gate = threading.Event()

    def _check(self) -> None:
        assert not self.gated or self.gate.wait(PATIENCE_S)
        super()._check()


class Bench:
    """A home, a working directory and a collector between them."""

    def __init__(self, base: Path) -> None:
        self.home = Home(base / "home")
        for directory in self.home.directories:
            directory.mkdir(mode=0o700)
        self.cwd = base / "work"
        self.outside = base / "outside"
        for directory in (self.cwd, self.outside):
            directory.mkdir()
        (self.outside / "secret").write_text("secret")
        self._ready = threading.Semaphore(0)
        self._index = 0
        self.collector = self._new_collector(10_000_000, 100)

    def _new_collector(self, *limits: int) -> GatedCollector:
        return GatedCollector(self.home, (limits[0], limits[1]), self._ready.release)

    def restart(self, *, max_bytes: int = 10_000_000, max_files: int = 100) -> None:
        self.collector.close()
        self.collector = self._new_collector(max_bytes, max_files)

    def order(self, path: str, execution: str = RUN, cwd: Path | None = None) -> Order:
        self._index += 1
        artifact = Artifact(
            self._index, "", path, description="what", type="kind", step=7, reason=COLLECTING
        )
        return Order(execution, str(cwd or self.cwd), artifact)

    def wait(self, number: int = 1) -> list[Collected]:
        for _ in range(number):
            assert self._ready.acquire(timeout=PATIENCE_S)
        return self.collector.take()

    def collect(self, path: str, cwd: Path | None = None) -> list[Artifact]:
        self.collector.submit(self.order(path, cwd=cwd))
        (collected,) = self.wait()
        return collected.artifacts

    def one(self, path: str, cwd: Path | None = None) -> Artifact:
        (artifact,) = self.collect(path, cwd)
        return artifact

    def woken(self) -> None:
        """There is something to take from a collector of a test's own."""

    def write(self, path: str, text: str = "text") -> Path:
        target = self.cwd / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def stored(self, artifact: Artifact) -> Path:
        assert artifact.stored is not None, artifact.reason
        return self.home.root / artifact.stored

    def copies(self) -> list[str]:
        """All that lies beneath the execution's directory."""
        base = self.home.artifacts / RUN
        return sorted(str(path.relative_to(base)) for path in base.rglob("*"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.collector.gate.set()
    bench.collector.close()


def refusal(artifact: Artifact) -> tuple[bool, int | None, str | None]:
    assert artifact.stored is None
    assert artifact.mime is None
    return artifact.exists, artifact.size, artifact.reason


# --- what becomes of a marker ----------------------------------------------------------------


def test_a_file_is_copied_with_all_that_is_known_of_it(bench: Bench) -> None:
    bench.write("dist/report.html", "<p>")
    artifact = bench.one("dist/report.html")
    assert artifact == Artifact(
        index=1,
        name="report.html",
        path="dist/report.html",
        description="what",
        type="kind",
        mime="text/html",
        size=3,
        step=7,
        exists=True,
        stored="artifacts/run/1/report.html",
        reason=None,
    )
    assert bench.stored(artifact).read_text() == "<p>"


def test_a_directory_is_copied_and_says_what_was_left_out(bench: Bench) -> None:
    bench.write("dist/a/b.txt", "22")
    bench.write("dist/c.txt", "1")
    (bench.cwd / "dist/link").symlink_to(bench.outside)
    artifact = bench.one("dist/")
    assert (artifact.name, artifact.path, artifact.size) == ("dist", "dist/", 3)
    assert (artifact.mime, artifact.exists) == ("inode/directory", True)
    assert artifact.reason == "1 entry left out: symbolic links"
    assert bench.copies() == ["1", "1/dist", "1/dist/a", "1/dist/a/b.txt", "1/dist/c.txt"]


def test_a_link_within_is_stored_under_its_own_name(bench: Bench) -> None:
    bench.write("build-42/out.txt", "42")
    (bench.cwd / "latest").symlink_to("build-42")
    artifact = bench.one("latest")
    assert (artifact.name, artifact.path) == ("latest", "latest")
    assert not bench.stored(artifact).is_symlink()
    assert (bench.stored(artifact) / "out.txt").read_text() == "42"


@pytest.mark.parametrize(
    "name",
    ["foo..bar", ".foo", "..foo", "two\nlines", "-rf", "sp ace", "数据.csv", "x" * 255, "a:b", "~"],
)
def test_unusual_names_are_fine(bench: Bench, name: str) -> None:
    bench.write(name, name)
    artifact = bench.one(name)
    assert (artifact.name, bench.stored(artifact).read_text()) == (name, name)


@pytest.mark.parametrize(("path", "name"), [(".", "work"), ("a/..", "work"), ("a/../a/.", "a")])
def test_a_copy_never_has_a_name_of_dots(bench: Bench, path: str, name: str) -> None:
    bench.write("a/b.txt")
    assert bench.stored(bench.one(path)).relative_to(bench.home.artifacts) == Path(f"run/1/{name}")


def test_equal_names_do_not_clash(bench: Bench) -> None:
    bench.write("a/report.txt", "a")
    bench.write("b/report.txt", "b")
    artifacts = [bench.one("a/report.txt"), bench.one("b/report.txt"), *bench.collect("*/report.*")]
    stored = [artifact.stored for artifact in artifacts]
    assert stored == [
        "artifacts/run/1/report.txt",
        "artifacts/run/2/report.txt",
        "artifacts/run/3/1/report.txt",
        "artifacts/run/3/2/report.txt",
    ]
    assert [bench.stored(artifact).read_text() for artifact in artifacts] == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.json", "application/json"),
        ("a.tar.gz", "application/gzip"),
        ("a.txt.bz2", "application/x-bzip2"),
        ("a.nothing-known", None),
    ],
)
def test_the_mime_type_is_of_what_is_stored(bench: Bench, name: str, mime: str | None) -> None:
    bench.write(name)
    assert bench.one(name).mime == mime


# --- patterns --------------------------------------------------------------------------------


def test_each_match_is_an_artifact(bench: Bench) -> None:
    for path in ("src/a.txt", "src/deep/b.txt", "c.txt"):
        bench.write(path, path)
    artifacts = bench.collect("**/*.txt")
    assert [artifact.path for artifact in artifacts] == ["c.txt", "src/a.txt", "src/deep/b.txt"]
    assert [artifact.name for artifact in artifacts] == ["c.txt", "a.txt", "b.txt"]
    assert [artifact.index for artifact in artifacts] == [1, 0, 0]
    assert {(artifact.step, artifact.type) for artifact in artifacts} == {(7, "kind")}
    assert [bench.stored(artifact).read_text() for artifact in artifacts] == [
        artifact.path for artifact in artifacts
    ]


def test_an_absolute_pattern_gives_relative_paths(bench: Bench) -> None:
    bench.write("a/b.txt")
    assert bench.one(f"{bench.cwd}/*/b.*").path == "a/b.txt"


@pytest.mark.parametrize("path", ["*.none", "missing/*", "a.txt/*", "src/*/../a.txt"])
def test_a_pattern_without_match_says_so(bench: Bench, path: str) -> None:
    bench.write("a.txt")
    artifact = bench.one(path)
    assert refusal(artifact) == (False, None, "nothing matches")
    assert (artifact.index, artifact.path) == (1, path)


def test_a_literal_file_wins_over_the_pattern(bench: Bench) -> None:
    bench.write("z[1].txt", "literal")
    bench.write("z1.txt", "match")
    assert bench.stored(bench.one("z[1].txt")).read_text() == "literal"
    (bench.cwd / "z[1].txt").unlink()
    artifact = bench.one("z[1].txt")
    assert (artifact.path, artifact.name) == ("z1.txt", "z1.txt")
    assert bench.stored(artifact).read_text() == "match"


def test_matches_are_stored_or_listed_with_the_reason(bench: Bench) -> None:
    bench.write("good.txt", "good")
    bench.write(os.fsdecode(b"bad\xff.txt"))
    (bench.cwd / "out.txt").symlink_to(bench.outside / "secret")
    os.mkfifo(bench.cwd / "pipe.txt")
    bad, good, out, pipe = bench.collect("*.txt")
    assert (bad.name, bad.path) == ("bad\udcff.txt", "bad\udcff.txt")
    assert bench.stored(bad).name == "bad\udcff.txt"
    assert bench.stored(good).read_text() == "good"
    assert refusal(out) == (False, None, LEADS_OUT)
    assert refusal(pipe) == (True, None, "is a FIFO")


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["missing", "a/missing", "a.txt/below", "dangling"])
def test_what_is_missing_says_so(bench: Bench, path: str) -> None:
    bench.write("a.txt")
    (bench.cwd / "dangling").symlink_to("nowhere")
    artifact = bench.one(path)
    assert refusal(artifact) == (False, None, "no such file")
    assert (artifact.path, artifact.name) == (path, Path(path).name)
    assert bench.copies() == []


@pytest.mark.parametrize("path", ["../outside/secret", "/etc/passwd", "link/secret", "../*", "/*"])
def test_what_leads_out_is_refused(bench: Bench, path: str) -> None:
    (bench.cwd / "link").symlink_to(bench.outside)
    assert refusal(bench.one(path)) == (False, None, LEADS_OUT)
    assert bench.copies() == []


def test_the_home_is_never_collected(bench: Bench, tmp_path: Path) -> None:
    bench.home.database.write_text("rows")
    ours = "holds our own files"
    assert refusal(bench.one("home/stepflow.db", tmp_path)) == (True, None, ours)
    assert refusal(bench.one("home/*", tmp_path)) == (False, None, "nothing matches")
    assert refusal(bench.one(".", bench.home.root)) == (True, None, ours)
    whole = bench.one(".", tmp_path)
    assert whole.reason == "1 entry left out: our own files"
    assert sorted(path.name for path in bench.stored(whole).iterdir()) == ["outside", "work"]


def test_what_no_path_can_be_is_answered(bench: Bench) -> None:
    found = bench.one("a\0b")
    assert (found.exists, found.stored) == (False, None)
    assert "embedded null" in str(found.reason)  # Pythons word it differently
    artifact = bench.one("a\ud800b")
    assert str(artifact.reason).startswith("UnicodeEncodeError: ")


def test_whatever_goes_wrong_an_order_is_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("never \udcff mind")

    bench.write("a")
    with monkeypatch.context() as patch:
        patch.setattr(Copier, "copy", broken)
        assert refusal(bench.one("a")) == (False, None, f"RuntimeError: never {CLEANED} mind")
    assert bench.one("a").stored == "artifacts/run/2/a"


# --- races -----------------------------------------------------------------------------------


@contextmanager
def repeating(swap: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Calls `swap` again and again in a thread; the list has what ended it too early."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def loop() -> None:
        try:
            while not stop.is_set():
                swap()
        except BaseException as error:  # noqa: BLE001 - the test asserts that there is none
            errors.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join()


def test_nothing_outside_is_copied_while_links_are_swapped_in(bench: Bench) -> None:
    bench.restart(max_files=100_000)
    file, directory, spare = bench.cwd / "file", bench.cwd / "dir", bench.cwd / "spare"
    bench.write("file", "inside")
    bench.write("dir/secret", "inside")

    def swap() -> None:
        spare.symlink_to(bench.outside / "secret")
        spare.replace(file)
        spare.write_text("inside")
        spare.replace(file)
        directory.rename(spare)
        directory.symlink_to(bench.outside)
        directory.unlink()
        spare.rename(directory)

    paths = ["file", "dir/secret", "dir", "*/secret", "dir/*", "."]
    with repeating(swap) as errors:
        collected = [artifact for n in range(300) for artifact in bench.collect(paths[n % 6])]
    assert errors == []
    assert len([artifact for artifact in collected if artifact.stored]) > 50
    files = [path for path in bench.home.artifacts.rglob("*") if not path.is_dir()]
    assert {path.read_text() for path in files if path.name != "spare"} == {"inside"}
    assert [path for path in files if path.is_symlink()] == []


# --- limits ----------------------------------------------------------------------------------


def test_the_byte_limit_is_of_all_artifacts_together(bench: Bench) -> None:
    bench.restart(max_bytes=10)
    bench.write("six", "123456")
    bench.write("five", "12345")
    bench.write("four", "1234")
    assert bench.one("six").stored is not None
    reason = "over the limit of 10 bytes for one execution"
    assert refusal(bench.one("five")) == (True, 5, reason)
    assert bench.one("four").stored is not None
    assert bench.copies() == ["1", "1/six", "3", "3/four"]


def test_matches_over_the_file_limit_are_one_artifact(bench: Bench) -> None:
    bench.restart(max_files=3)
    for name in "abcd":
        bench.write(f"{name}.txt")
    artifacts = bench.collect("*.txt")
    assert [artifact.path for artifact in artifacts] == ["a.txt", "b.txt", "c.txt", "*.txt"]
    assert [artifact.index for artifact in artifacts] == [1, 0, 0, 0]
    reason = "further matches are over the limit of 3 files for one execution"
    assert refusal(artifacts[-1]) == (True, None, reason)
    again = bench.one("*.txt")
    assert (again.index, again.path, again.reason) == (2, "*.txt", reason)
    over = (True, 4, "over the limit of 3 files for one execution")
    assert refusal(bench.one("d.txt")) == over


def test_a_directory_over_the_limit_has_no_size(bench: Bench) -> None:
    bench.restart(max_files=2)
    for name in "abc":
        bench.write(f"dir/{name}")
    reason = "over the limit of 2 files for one execution"
    assert refusal(bench.one("dir")) == (True, None, reason)


def test_each_execution_has_its_own_budget(bench: Bench) -> None:
    bench.restart(max_files=1)
    bench.write("a")
    bench.collector.submit(bench.order("a", "one"))
    bench.collector.submit(bench.order("a", "two"))
    assert [result.artifacts[0].reason for result in bench.wait(2)] == [None, None]


def test_a_new_collector_and_a_forgotten_budget_count_what_is_stored(bench: Bench) -> None:
    bench.restart(max_bytes=10)
    bench.write("dir/four", "1234")
    bench.write("seven", "1234567")
    assert bench.one("dir").stored is not None
    bench.collector.forget(RUN)
    reason = "over the limit of 10 bytes for one execution"
    assert bench.one("seven").reason == reason
    bench.restart(max_bytes=10)
    assert bench.one("seven").reason == reason
    assert bench.one("dir/four").stored is not None


# --- the collector ---------------------------------------------------------------------------


def test_orders_of_one_execution_follow_one_another(bench: Bench) -> None:
    for number in range(30):
        bench.write(str(number), "x" * (30 - number) * 1000)
    orders = [bench.order(str(number)) for number in range(30)]
    for order in orders:
        bench.collector.submit(order)
    results = bench.wait(30)
    assert [result.order for result in results] == orders
    assert [result.artifacts[0].index for result in results] == list(range(1, 31))
    assert bench.collector.take() == []


def test_another_execution_need_not_wait(bench: Bench) -> None:
    bench.write("a")
    bench.collector.gated = True
    orders = [bench.order("a", "slow"), bench.order("no", "slow"), bench.order("no", "quick")]
    for order in orders:
        bench.collector.submit(order)
    assert [result.order for result in bench.wait()] == [orders[2]]
    bench.collector.gate.set()
    assert [result.order for result in bench.wait(2)] == orders[:2]


@pytest.mark.parametrize("path", ["dir/large", "dir", "dir/*"])
def test_close_ends_a_copy_and_leaves_nothing_of_it(bench: Bench, path: str) -> None:
    bench.restart(max_bytes=1 << 50)
    bench.write("dir/a")
    os.truncate(bench.write("dir/large"), 1 << 40)
    bench.collector.submit(bench.order(path))
    bench.collector.submit(bench.order("waits"))
    wait_for(lambda: list(bench.home.artifacts.rglob("large")), PATIENCE_S)
    closing = threading.Thread(target=bench.collector.close)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    assert bench.collector.take() == []
    assert bench.copies() == []


def test_an_order_given_anew_replaces_what_a_killed_runner_left(bench: Bench) -> None:
    bench.restart(max_bytes=9)
    left = bench.home.artifacts / RUN / "1/5"
    left.mkdir(parents=True)
    (left / "part").write_text("123456789")
    bench.write("whole", "123")
    assert bench.one("whole").stored == "artifacts/run/1/whole"
    assert bench.copies() == ["1", "1/whole"]


# --- names that hold what parts a path from its description ------------------------------------


def given(bench: Bench, text: str) -> Artifact:
    """What becomes of a marker with this text, as a recording orders it."""
    order = bench.order(plain_path(text))
    bench.collector.submit(replace(order, artifact=replace(order.artifact, given=text)))
    (collected,) = bench.wait()
    (artifact,) = collected.artifacts
    return artifact


@pytest.mark.parametrize(
    ("text", "name", "description", "kind"),
    [
        ("log.19:17:33.gz", "log.19:17:33.gz", None, None),
        ("log.19:17:33.gz:The log", "log.19:17:33.gz", "The log", None),
        ("log.19:17:33.gz: The log [type=log]", "log.19:17:33.gz", "The log", "log"),
        ("log.19:17", "log.19", "17", None),
        ("a\tb", "a\tb", None, None),
        ("a\tb:with a tab", "a\tb", "with a tab", None),
        (" a ", " a ", None, None),
        ("a: b", "a", "b", None),
        ("\x1b[32ma\x1b[0m", "a", None, None),
        ("a\r", "a", None, None),
        ("list [n=3]", "list [n=3]", None, None),
        ("\u202ea\x01", "\u202ea\x01", None, None),
        ("\udce9:\udcff", "\udce9:\udcff", None, None),
        ("\udce9:x", "\udce9", "x", None),
        ("d:e/f:g:h", "f:g", "h", None),
        ("d:e:all", "d:e", "all", None),
        ("link:l", "link:l", None, None),
    ],
)
def test_the_longest_name_that_is_there_wins(
    bench: Bench, text: str, name: str, description: str | None, kind: str | None
) -> None:
    names = ["log.19:17:33.gz", "log.19", "a\tb", " a ", "a", "list [n=3]", "list", "\u202ea\x01"]
    for written in [*names, "\udce9:\udcff", "\udce9", "d:e/f:g", "d:e/f"]:
        bench.write(written, written.replace("\udce9", "e").replace("\udcff", "f"))
    (bench.cwd / "link:l").symlink_to("a")
    artifact = given(bench, text)
    assert (artifact.name, artifact.description, artifact.type) == (name, description, kind)
    assert artifact.given is None
    assert bench.stored(artifact).name == name
    if name.startswith("log"):
        assert artifact.mime == ("application/gzip" if name.endswith("gz") else None)


def test_a_name_that_is_there_and_leads_out_hides_no_shorter_one(bench: Bench) -> None:
    bench.write("a")
    (bench.cwd / "a:b").symlink_to(bench.outside / "secret")
    artifact = given(bench, "a:b")
    assert (artifact.name, refusal(artifact)) == ("a:b", (False, None, LEADS_OUT))


def test_of_names_that_are_not_there_the_first_colon_parts(bench: Bench) -> None:
    artifact = given(bench, "gone:17:a")
    assert (artifact.path, artifact.description) == ("gone", "what")
    assert refusal(artifact) == (False, None, "no such file")
    assert given(bench, "../outside/secret:17").path == "../outside/secret"
    bench.write("x.txt")
    assert bench.stored(given(bench, "*.txt:texts")).name == "x.txt"


# --- what gets nowhere -------------------------------------------------------------------------


class StuckCollector(Collector):
    """Reaches the gate with each step; nothing gets on before it is opened."""

    def __init__(self, bench: Bench, timeout_s: float) -> None:
        super().__init__(
            bench.home, max_bytes=10**7, max_files=100, wake=bench.woken, timeout_s=timeout_s
        )
        self.gate = threading.Event()
        self.arrived = threading.Semaphore(0)

    def _check(self) -> None:
        self.arrived.release()
        assert self.gate.wait(PATIENCE_S)
        super()._check()


@contextmanager
def stuck(bench: Bench, timeout_s: float = 0.2) -> Iterator[StuckCollector]:
    collector = StuckCollector(bench, timeout_s)
    try:
        yield collector
    finally:
        collector.gate.set()
        collector.close()


def answers(collector: Collector) -> list[ArtifactStatus]:
    """What was finished, once something is; looks like the runner's loop does."""

    def take() -> list[Collected]:
        collector.look()
        return collector.take()

    return [one.artifacts[0].status for one in wait_for(take)]


def test_an_artifact_that_gets_nowhere_is_given_up_and_the_next_has_its_turn(bench: Bench) -> None:
    bench.write("a")
    with stuck(bench) as collector:
        collector.submit(bench.order("a"))
        collector.submit(bench.order("a"))
        assert answers(collector) == [ArtifactStatus.TIMED_OUT]
        collector.gate.set()
        assert answers(collector) == [ArtifactStatus.STORED]
        assert not collector.is_busy
        wait_for(lambda: bench.copies() == ["2", "2/a"])


def test_after_some_that_were_given_up_the_rest_is_not_tried(bench: Bench) -> None:
    with stuck(bench, 0.05) as collector:
        for _ in range(50):
            collector.submit(bench.order("a*"))
        given_up: list[ArtifactStatus] = []
        while len(given_up) < 50:
            given_up += answers(collector)
        assert set(given_up) == {ArtifactStatus.TIMED_OUT}
        assert not collector.is_busy
        collector.submit(bench.order("a*"))
        assert answers(collector) == [ArtifactStatus.TIMED_OUT]
        collector.forget(RUN)
        collector.gate.set()
        collector.submit(bench.order("gone"))
        assert answers(collector) == [ArtifactStatus.FAILED]


def test_many_that_hang_hold_up_nobody(bench: Bench) -> None:
    bench.write("a")
    with stuck(bench, PATIENCE_S) as collector:
        for number in range(5):
            collector.submit(bench.order("a*", f"stuck-{number}"))

        def arrived() -> bool:
            collector.look()
            return collector.arrived.acquire(blocking=False)

        for _ in range(5):
            wait_for(arrived)
        collector.hasten("stuck-3", 0.0)
        assert answers(collector) == [ArtifactStatus.CANCELLED]
        collector.gate.set()
        assert answers(collector)[0] is ArtifactStatus.STORED


def test_all_that_wait_are_given_up_on_demand(bench: Bench) -> None:
    with stuck(bench, PATIENCE_S) as collector:
        for _ in range(9):
            collector.submit(bench.order("a*"))
        collector.hasten(RUN, 0.0)
        assert [one.artifacts[0].status for one in collector.take()] == [
            ArtifactStatus.CANCELLED
        ] * 9
        assert not collector.is_busy


def test_closing_does_not_wait_for_what_hangs(bench: Bench) -> None:
    with stuck(bench, PATIENCE_S) as collector:
        collector.submit(bench.order("a*"))
        assert collector.arrived.acquire(timeout=PATIENCE_S)
        began = time.monotonic()
        collector.close()
        assert time.monotonic() - began < 5
        assert collector.take() == []
