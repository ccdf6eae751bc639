-- Named tokens beside the owner's, which is a file. Of a token only its hash is kept: who reads the database cannot ask with it.
CREATE TABLE token (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL, -- read, submit or admin
    hash       BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
