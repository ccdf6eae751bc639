-- A sweep that is being deleted: nobody sees it any more, and its rows go in many small transactions, so that no report waits for them.
ALTER TABLE sweep ADD COLUMN deleting INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sweep_deleting ON sweep (sweep) WHERE deleting = 1;
