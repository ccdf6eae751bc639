-- Children that clients ask for and tell the end of. A launcher is the number of lib/core; 1 starts programs on this machine.
ALTER TABLE sweep ADD COLUMN launcher INTEGER NOT NULL DEFAULT 1;
-- The last question of each asker and the child that it was given: what is asked again gets the same one.
CREATE TABLE asker (
    sweep    INTEGER NOT NULL REFERENCES sweep,
    asker    TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    run      INTEGER NOT NULL REFERENCES run,
    PRIMARY KEY (sweep, asker)
) STRICT, WITHOUT ROWID;
