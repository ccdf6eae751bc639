-- Attempts of a child that were followed by another one: its points before the ordinal are of this attempt or an earlier one, those behind
-- it of a later one.
CREATE TABLE retry (
    run     INTEGER NOT NULL REFERENCES run,
    attempt INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;
