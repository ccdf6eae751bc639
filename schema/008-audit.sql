-- Who asked for which change. A row is written before the request is looked into, and gets its status when that is answered; so no change
-- is stored without its row.
CREATE TABLE audit (
    audit   INTEGER PRIMARY KEY, -- ascends in the order of the requests
    at_us   INTEGER NOT NULL,
    who     TEXT NOT NULL,
    address TEXT NOT NULL,
    request TEXT NOT NULL,       -- method and route
    target  TEXT,                -- id of the sweep or run, name of the device or token; null: none
    status  INTEGER              -- of the answer; null: the daemon ended before it
) STRICT;
