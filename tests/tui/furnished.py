"""A home in which there is something of everything, the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.models import Artifact, Status
from tests.tui.record import START_MS, step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Step
    from tests.tui.record import Recorder

_MINUTE = 60_000
NOW_MS = START_MS + 42 * _MINUTE
"""When the pictures are taken."""

NIGHTLY, DEPLOY, TRAIN, SITE = 2, 4, 8, 10
"""Numbers of runs that completed, failed, run with progress, and run with steps."""

_ENDED: dict[int, tuple[str, dict[str, object]]] = {
    3: (
        "integration-tests",
        {"status": Status.TIMED_OUT, "error": "took longer than 5m", "duration_ms": 300_000},
    ),
    5: ("backup", {"status": Status.CANCELLED, "duration_ms": 12_300}),
    6: ("migrate-db", {"status": Status.LOST, "error": "the machine was restarted"}),
    7: ("Überprüfung", {"status": Status.COMPLETED, "duration_ms": 1_250}),
}
_SITE_LOG = """STEP_START:Fetch
cloning into site
STEP_COMPLETE:Fetch
STEP_START:Compile pages
\x1b[32mcompiled\x1b[0m index.md
\x1b[32mcompiled\x1b[0m 安装指南.md
\x1b[33mwarning:\x1b[0m about.md has no title, and this line is longer than a pane of this \
size is wide, so it is cut or wrapped
{"page": "index", "words": 1204, "links": ["about", "安装指南"]}
STEP_START:检查链接
error: broken link in team.md
META:PROGRESS:42%
"""


def furnish(recorder: Recorder) -> Home:
    """Record ten runs; the dashboard opens on the last one, which goes on."""
    _nightly(recorder)
    _ended(recorder, 3)
    _deploy(recorder)
    for number in (5, 6, 7):
        _ended(recorder, number)
    _unfinished(recorder)
    _site(recorder)
    return recorder.home


def _run(recorder: Recorder, number: int, name: str, minute: int, **fields: object) -> None:
    begun = START_MS + minute * _MINUTE
    given = {"id": f"{number:032x}", "created_at": begun, "started_at": begun, **fields}
    assert recorder.execution(name, **given) == number


def _steps(*steps: tuple[str, int, int, int, Status]) -> list[Step]:
    """Steps of a run: name, first and last line, seconds and status, one behind the other."""
    made: list[Step] = []
    begun = START_MS
    for index, (name, first, last, seconds, status) in enumerate(steps, 1):
        fields = {"status": status, "last_line": last, "duration_ms": seconds * 1000}
        made.append(step(index, name, first, started_at=begun, **fields))
        begun += seconds * 1000
    return made


def _nightly(recorder: Recorder) -> None:
    for number, slowness in ((1, 1), (NIGHTLY, 3)):
        took = (20 + 60 * slowness + 5) * 1000
        _run(
            recorder,
            number,
            "nightly-report",
            0,
            tags=["nightly", "数据"],
            status=Status.COMPLETED,
            exit_code=0,
            duration_ms=took,
            finished_at=START_MS + took,
            step_count=3,
            steps_done=3,
        )
        recorder.log(number, b"STEP_START:Load\nSTEP_START:Sum up\nSTEP_START:Draw\ndone\n")
        done = Status.COMPLETED
        recorder.steps(
            number,
            *_steps(
                ("Load", 1, 1, 20, done),
                ("Sum up", 2, 2, 60 * slowness, done),
                ("Draw", 3, 4, 5, done),
            ),
        )
    _artifacts(recorder)


def _artifacts(recorder: Recorder) -> None:
    texts = {
        "summary.json": b'{"rows": 1204, "ok": true, "by_day": [12, 30, 7]}\n',
        "report.md": "# Report\n\n- **rows**: 1,204\n- missing: 3\n\n> 一切正常\n".encode(),
        "rows.csv": b"day,rows\nMonday,12\nTuesday,30\n",
    }
    folder = recorder.home.root / "artifacts" / str(NIGHTLY)
    folder.mkdir(parents=True)
    found = []
    for index, (name, data) in enumerate(texts.items(), 1):
        (folder / name).write_bytes(data)
        stored = f"artifacts/{NIGHTLY}/{name}"
        found.append(
            Artifact(index, name, f"out/{name}", size=len(data), step=3, exists=True, stored=stored)
        )
    gone = Artifact(4, "plot.png", "out/plot.png", "rows by day", reason="no such file")
    recorder.artifacts(NIGHTLY, *found, gone)


def _deploy(recorder: Recorder) -> None:
    _run(
        recorder,
        DEPLOY,
        "deploy-staging",
        12,
        command=["./deploy.sh", "--to", "staging"],
        status=Status.FAILED,
        error="Migrate: relation users exists already",
        exit_code=3,
        tags=["staging"],
        duration_ms=95_000,
        finished_at=START_MS + 12 * _MINUTE + 95_000,
        step_count=4,
        steps_done=4,
        metadata={"commit": "4f2a91c", "region": "eu-1"},
        env={"TARGET": "staging"},
        warnings=["line 9: STEP_COMPLETE of an unknown step"],
    )
    recorder.note(DEPLOY, "ask Ada before it is run again")
    recorder.log(
        DEPLOY,
        b"STEP_START:Build\ncompiling\nSTEP_START:Test\n120 passed\nwarning: 2 skipped\n"
        b"STEP_START:Migrate\napplying 0007_users\nSTEP_ERROR:relation users exists already\n"
        b"STEP_COMPLETE:Nothing\nSTEP_START:Roll back\nrolled back\n",
        START_MS + 13 * _MINUTE,
    )
    done = Status.COMPLETED
    build, test, migrate, back = _steps(
        ("Build", 1, 2, 40, done),
        ("Test", 3, 5, 35, done),
        ("Migrate", 6, 9, 8, Status.FAILED),
        ("Roll back", 10, 11, 12, done),
    )
    failed = step(
        3,
        migrate.name,
        migrate.first_line,
        status=Status.FAILED,
        started_at=migrate.started_at,
        last_line=migrate.last_line,
        duration_ms=migrate.duration_ms,
        error="relation users exists already",
    )
    recorder.steps(DEPLOY, build, test, failed, back)


def _ended(recorder: Recorder, number: int) -> None:
    name, fields = _ENDED[number]
    finished = START_MS + 2 * number * _MINUTE + int(str(fields.get("duration_ms", 0)))
    _run(recorder, number, name, 2 * number, finished_at=finished, **fields)


def _unfinished(recorder: Recorder) -> None:
    _run(recorder, TRAIN, "训练-模型 🚀", 30, progress=0.3, tags=["gpu", "long"], marked=True)
    recorder.log(TRAIN, b"META:PROGRESS:3/10\n")
    _run(recorder, 9, "upload", 41, status=Status.PENDING, started_at=None)


def _site(recorder: Recorder) -> None:
    _run(recorder, SITE, "site", 40, progress=0.42, step_count=3, steps_done=1, step_name="Compile")
    recorder.log(SITE, _SITE_LOG.encode(), START_MS + 40 * _MINUTE + 1_500)
    begun = START_MS + 40 * _MINUTE
    running = {"status": Status.RUNNING, "duration_ms": None}
    recorder.steps(
        SITE,
        step(1, "Fetch", 1, last_line=3, started_at=begun, duration_ms=21_000),
        step(2, "Compile pages", 4, started_at=begun + 21_000, progress=0.42, **running),
        step(3, "检查链接", 9, started_at=begun + 60_000, **running),
    )
