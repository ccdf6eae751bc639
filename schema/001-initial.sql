-- The first shape of the store. Statuses, goals, samplings, generations and kinds are the numbers of lib/core and daemon/store; they are
-- never renumbered. Times are microseconds since 1970 UTC. Migrations only go forward: a change of this shape is a new numbered file.

-- One ordinal counts every event and every point in the order in which the daemon took them.
CREATE TABLE clock (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    ordinal INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES (1, 0);

-- Metric names, interned: a point carries a small integer instead of its name.
CREATE TABLE name (
    name INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE sweep (
    sweep           INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    experiment      TEXT NOT NULL,
    config          TEXT NOT NULL,              -- the whole specification, JSON
    warnings        TEXT NOT NULL,              -- JSON array of {code, message}
    metric          INTEGER REFERENCES name,    -- the primary metric, if there is one
    goal            INTEGER NOT NULL,
    seed            INTEGER NOT NULL,
    max_total       INTEGER NOT NULL,
    max_concurrent  INTEGER NOT NULL,           -- 0: as many as there are free slots
    failure_limit   INTEGER NOT NULL,           -- 0: off
    status          INTEGER NOT NULL,
    reason          TEXT,                       -- JSON {code, message}
    created_us      INTEGER NOT NULL,
    started_us      INTEGER,
    ended_us        INTEGER,
    generation      INTEGER NOT NULL DEFAULT 0, -- why no more children are generated; 0: they still are
    draws           INTEGER NOT NULL DEFAULT 0, -- how far the sampling has come
    scan            INTEGER NOT NULL DEFAULT 0, -- how far the search for unused configurations has come, in grid order
    generated       INTEGER NOT NULL DEFAULT 0, -- children so far; also the number of the next one
    starting        INTEGER NOT NULL DEFAULT 0, -- from here on: children by status
    preparing       INTEGER NOT NULL DEFAULT 0,
    queued          INTEGER NOT NULL DEFAULT 0,
    running         INTEGER NOT NULL DEFAULT 0,
    finalizing      INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    completed       INTEGER NOT NULL DEFAULT 0,
    failed          INTEGER NOT NULL DEFAULT 0,
    canceled        INTEGER NOT NULL DEFAULT 0,
    not_responding  INTEGER NOT NULL DEFAULT 0,
    canceled_well   INTEGER NOT NULL DEFAULT 0, -- canceled by a policy or a trial timeout
    canceled_user   INTEGER NOT NULL DEFAULT 0,
    failures        INTEGER NOT NULL DEFAULT 0, -- children that failed before any ended otherwise
    failures_off    INTEGER NOT NULL DEFAULT 0, -- the failure limit is off for good
    metric_warned   INTEGER NOT NULL DEFAULT 0  -- MetricNeverReported was given
) STRICT;
CREATE INDEX sweep_live ON sweep (sweep) WHERE status IN (1, 4, 6);
CREATE INDEX sweep_experiment ON sweep (experiment, sweep);
CREATE INDEX sweep_status ON sweep (status, sweep);

CREATE TABLE run (
    run             INTEGER PRIMARY KEY,        -- ascends in the order of creation
    sweep           INTEGER NOT NULL REFERENCES sweep,
    number          INTEGER NOT NULL,
    id              TEXT NOT NULL UNIQUE,
    digest          BLOB NOT NULL,              -- of the configuration: no configuration twice in a sweep
    configuration   TEXT NOT NULL,              -- JSON
    status          INTEGER NOT NULL,
    class           INTEGER NOT NULL DEFAULT 0, -- 0 other, 1 Failed, 2 Canceled: what the filters of the best run ask for
    rank_key        REAL,                       -- best primary metric, smaller is better; null: no metric
    reports         INTEGER NOT NULL DEFAULT 0, -- of the primary metric
    attempt         INTEGER NOT NULL DEFAULT 0, -- the last one intended; 0: none yet
    created_us      INTEGER NOT NULL,
    started_us      INTEGER,
    ended_us        INTEGER,
    stop_reason     TEXT,                       -- JSON; may stand before the status says that a cancel was asked for
    error           TEXT,                       -- JSON
    exit_code       INTEGER,
    signal          INTEGER,
    peak_memory     INTEGER,                    -- bytes
    cpu_us          INTEGER,
    monitor_pid     INTEGER,                    -- these three identify the monitor of the running attempt
    monitor_ticks   INTEGER,
    boot_id         TEXT,
    UNIQUE (sweep, number),
    UNIQUE (sweep, digest)
) STRICT;
-- Best and sorted answers are walks on these three (decisions, Ranking).
CREATE INDEX run_best ON run (sweep, class, rank_key, run DESC) WHERE rank_key IS NOT NULL;
CREATE INDEX run_worst ON run (sweep, class, rank_key DESC, run DESC) WHERE rank_key IS NOT NULL;
CREATE INDEX run_unranked ON run (sweep, run DESC) WHERE rank_key IS NULL;
CREATE INDEX run_live ON run (sweep, number) WHERE status IN (1, 2, 3, 4, 5, 6, 10);

-- What a child has logged under one name.
CREATE TABLE series (
    run      INTEGER NOT NULL REFERENCES run,
    name     INTEGER NOT NULL REFERENCES name,
    position INTEGER NOT NULL,                  -- order of the first point among the child's names
    form     INTEGER NOT NULL,                  -- 1: values, 2: a table
    listed   INTEGER NOT NULL,                  -- a list was logged: shown as a list also when it has one element
    points   INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE point (
    run      INTEGER NOT NULL,
    name     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,                  -- 0, 1, 2, ... within (run, name)
    ordinal  INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    value    ANY,                               -- null for values that are not finite: SQLite has no NaN
    step     INTEGER,
    at_us    INTEGER NOT NULL,
    PRIMARY KEY (run, name, sequence)
) STRICT, WITHOUT ROWID;

-- The last request of each reporter: what was sent again is recognised.
CREATE TABLE reporter (
    run      INTEGER NOT NULL,
    reporter TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (run, reporter)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    ordinal INTEGER PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    sweep   INTEGER NOT NULL,
    run     INTEGER,
    kind    INTEGER NOT NULL,
    status  INTEGER,                            -- with kinds that are a change of status
    detail  TEXT                                -- JSON
) STRICT;
CREATE INDEX event_sweep ON event (sweep, ordinal);
