-- The key that a client gave to what it submitted (Idempotency-Key), and a digest of that: sent again, it is answered with this sweep.
ALTER TABLE sweep ADD COLUMN submission TEXT;
ALTER TABLE sweep ADD COLUMN submission_digest BLOB;
CREATE UNIQUE INDEX sweep_submission ON sweep (submission) WHERE submission IS NOT NULL;
