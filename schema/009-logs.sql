-- What the logs of a run that has ended take on the disk, for the setting keep_logs_mb. Null: nobody has looked yet; -1: they were removed.
-- Two indexes, so that neither question goes through all runs: which logs were not looked at, and how large are all, the oldest first.
ALTER TABLE run ADD COLUMN log_bytes INTEGER;
CREATE INDEX run_log_unknown ON run (ended_us) WHERE log_bytes IS NULL AND ended_us IS NOT NULL;
CREATE INDEX run_log ON run (ended_us, log_bytes) WHERE log_bytes > 0;
