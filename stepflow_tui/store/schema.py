"""The tables, and how an older database becomes the present one.

`user_version` counts the migrations that were applied. A migration is never edited once it was
released; a change is a new entry at the end of `MIGRATIONS`.
"""

from __future__ import annotations

APPLICATION_ID = 0x53464C57
"""`SFLW`: tells our files from other people's (PRAGMA application_id)."""

_FIRST = """
CREATE TABLE revision (value INTEGER NOT NULL);
INSERT INTO revision VALUES (0);

CREATE TABLE executions (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    rev           INTEGER NOT NULL,
    name          TEXT NOT NULL,
    command       TEXT NOT NULL,
    cwd           TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN
        ('pending', 'running', 'completed', 'failed', 'cancelled', 'timed_out', 'lost')),
    created_at    INTEGER NOT NULL,
    user          TEXT NOT NULL,
    shell         INTEGER NOT NULL,
    tty           INTEGER NOT NULL,
    boot_id       TEXT NOT NULL,
    started_at    INTEGER,
    started_mono  INTEGER,
    finished_at   INTEGER,
    duration_ms   INTEGER,
    exit_code     INTEGER,
    signal        INTEGER,
    error         TEXT,
    stopping      TEXT,
    timeout_s     REAL,
    tags          TEXT NOT NULL DEFAULT '[]',
    metadata      TEXT NOT NULL DEFAULT '{}',
    env           TEXT NOT NULL DEFAULT '{}',
    warnings      TEXT NOT NULL DEFAULT '[]',
    progress      REAL,
    step_count    INTEGER NOT NULL DEFAULT 0,
    steps_done    INTEGER NOT NULL DEFAULT 0,
    step_name     TEXT
);
CREATE INDEX executions_rev ON executions (rev);
CREATE INDEX executions_status ON executions (status, number);
CREATE INDEX executions_name ON executions (name, number);
CREATE INDEX executions_number ON executions (number);

CREATE TRIGGER executions_status_graph BEFORE UPDATE OF status ON executions
WHEN OLD.status <> NEW.status AND NOT (
    OLD.status = 'pending' OR (OLD.status = 'running' AND NEW.status <> 'pending'))
BEGIN
    SELECT RAISE(ABORT, 'a final status never changes');
END;

CREATE TABLE status_counts (status TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO status_counts VALUES
    ('pending', 0), ('running', 0), ('completed', 0), ('failed', 0),
    ('cancelled', 0), ('timed_out', 0), ('lost', 0);
CREATE TRIGGER executions_counted AFTER INSERT ON executions BEGIN
    UPDATE status_counts SET count = count + 1 WHERE status = NEW.status;
END;
CREATE TRIGGER executions_recounted AFTER UPDATE OF status ON executions
WHEN OLD.status <> NEW.status BEGIN
    UPDATE status_counts SET count = count - 1 WHERE status = OLD.status;
    UPDATE status_counts SET count = count + 1 WHERE status = NEW.status;
END;
CREATE TRIGGER executions_uncounted AFTER DELETE ON executions BEGIN
    UPDATE status_counts SET count = count - 1 WHERE status = OLD.status;
END;

CREATE TABLE steps (
    execution     INTEGER NOT NULL REFERENCES executions (number) ON DELETE CASCADE,
    step_index    INTEGER NOT NULL,
    rev           INTEGER NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN
        ('running', 'completed', 'failed', 'cancelled', 'timed_out', 'lost')),
    started_at    INTEGER NOT NULL,
    started_mono  INTEGER NOT NULL,
    first_line    INTEGER NOT NULL,
    finished_at   INTEGER,
    duration_ms   INTEGER,
    last_line     INTEGER,
    explicit_end  INTEGER NOT NULL,
    estimated_s   REAL,
    timeout_s     REAL,
    stop_on_error INTEGER NOT NULL,
    progress      REAL,
    error         TEXT,
    metadata      TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (execution, step_index)
) WITHOUT ROWID;

CREATE TABLE artifacts (
    execution      INTEGER NOT NULL REFERENCES executions (number) ON DELETE CASCADE,
    artifact_index INTEGER NOT NULL,
    rev            INTEGER NOT NULL,
    name           TEXT NOT NULL,
    path           TEXT NOT NULL,
    description    TEXT,
    type           TEXT,
    mime           TEXT,
    size           INTEGER,
    step           INTEGER,
    found          INTEGER NOT NULL,
    stored         TEXT,
    reason         TEXT,
    PRIMARY KEY (execution, artifact_index)
) WITHOUT ROWID;

CREATE TABLE streams (
    execution     INTEGER PRIMARY KEY REFERENCES executions (number) ON DELETE CASCADE,
    inode         INTEGER,
    spool_offset  INTEGER NOT NULL DEFAULT 0,
    stored_bytes  INTEGER NOT NULL DEFAULT 0,
    line_count    INTEGER NOT NULL DEFAULT 0,
    partial_bytes INTEGER NOT NULL DEFAULT 0,
    end_line      INTEGER,
    is_open       INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX streams_open ON streams (execution) WHERE is_open;

CREATE TABLE log_chunks (
    chunk       INTEGER PRIMARY KEY,
    execution   INTEGER NOT NULL REFERENCES executions (number) ON DELETE CASCADE,
    first_line  INTEGER NOT NULL,
    first_byte  INTEGER NOT NULL,
    line_count  INTEGER NOT NULL,
    byte_count  INTEGER NOT NULL,
    arrived_at  INTEGER NOT NULL,
    codec       INTEGER NOT NULL,
    arrivals    BLOB,
    body        BLOB NOT NULL
);
CREATE INDEX log_chunks_line ON log_chunks (execution, first_line, first_byte);

CREATE TABLE tombstones (number INTEGER PRIMARY KEY, rev INTEGER NOT NULL);
CREATE INDEX tombstones_rev ON tombstones (rev);

CREATE TABLE runner (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    version        TEXT NOT NULL,
    sqlite_version TEXT NOT NULL,
    started_at     INTEGER NOT NULL,
    boot_id        TEXT NOT NULL,
    commits        INTEGER NOT NULL,
    commit_ms      REAL NOT NULL
);
"""

_LIMITS = """
ALTER TABLE executions ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE executions ADD COLUMN kill_leftovers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN note TEXT;
ALTER TABLE runner ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runner ADD COLUMN lines INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runner ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runner ADD COLUMN commit_times TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runner ADD COLUMN recorded_mono INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tombstones ADD COLUMN id TEXT;
CREATE INDEX tombstones_id ON tombstones (id);
"""

# Without a type, as it is bytes where it is no UTF-8.
_GIVEN = """
ALTER TABLE artifacts ADD COLUMN given;
"""

_TERMINAL = """
ALTER TABLE executions ADD COLUMN tty_size TEXT NOT NULL DEFAULT 'null';
ALTER TABLE executions ADD COLUMN added_env INTEGER NOT NULL DEFAULT 1;
"""

_CLOCK_LOOK = """
CREATE TABLE clock_look (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    boot_id   TEXT NOT NULL,
    mono_ms   INTEGER NOT NULL,
    wall_ms   INTEGER NOT NULL
);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _LIMITS, _GIVEN, _TERMINAL, _CLOCK_LOOK)

VERSION = len(MIGRATIONS)
"""The schema this program reads and writes."""
