-- What a sweep builds on: sweeps that it inherits (resume_from), and sweeps whose children it runs again (resume_child_runs).
CREATE TABLE earlier (
    sweep    INTEGER NOT NULL REFERENCES sweep,
    kind     INTEGER NOT NULL,                  -- 1: inherited, 2: children of it are run again
    position INTEGER NOT NULL,                  -- among those of its kind
    earlier  INTEGER NOT NULL REFERENCES sweep, -- the other sweep
    PRIMARY KEY (sweep, kind, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX earlier_needed ON earlier (earlier, sweep);
-- Id of the child that this one runs again. An id, since that child may be deleted when this one has ended.
ALTER TABLE run ADD COLUMN resumed_from TEXT;
