-- Devices: which GPUs a run has (or had), and which ones are drained.
ALTER TABLE run ADD COLUMN devices TEXT; -- JSON [{id, vendor, name, visible, share}] of the last attempt; null: it has none
CREATE TABLE device (
    device  TEXT PRIMARY KEY,
    drained INTEGER NOT NULL             -- nothing new gets it
) STRICT, WITHOUT ROWID;
