#!/usr/bin/env python3
"""A cancel that was committed, and a daemon that died before it could stop anything: the next one finds the monitor and stops it."""

import contextlib
import http.client
import os
import signal
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # noqa: E402
from harness import DaemonTest, processes_with, wait_until  # noqa: E402

REASON = '{"kind":"user","message":"cancelled by a user","at_utc":"2026-01-01T00:00:00.000000Z"}'


def has_fault_points():
    with open(harness.HYPERDRIVED, "rb") as file:
        return b"HYPERDRIVED_FAULT" in file.read()


@unittest.skipUnless(has_fault_points(), "a build without -Dfault_points=true")
class SwallowedCancel(DaemonTest):
    autostart = False
    daemon_options = {"grace": 0.3}

    def dead_with_a_cancel(self, point):
        """The id of a child whose daemon died at `point`, and whose cancel is committed."""
        self.daemon.start(environment={"HYPERDRIVED_FAULT": point})
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.submit(max_total_runs=1, run_config=self.gated())
        self.assertEqual(self.daemon.wait(), -signal.SIGKILL)
        database = sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db"))
        with database:
            changed = database.execute("UPDATE run SET stop_reason = ? WHERE attempt = 1 AND monitor_pid IS NULL", (REASON,))
            self.assertEqual(changed.rowcount, 1)
        (run_id,) = database.execute("SELECT id FROM run").fetchone()
        database.close()
        return run_id

    def assert_stopped(self, run_id):
        self.daemon.start()
        self.assertEqual(self.wait_for_run(run_id, "Canceled")["stop_reason"]["kind"], "user")
        self.assertEqual(processes_with("HYPERDRIVE_RUN_ID=" + run_id), [])
        wait_until(lambda: not self.daemon.monitors(run_id), "the end of the monitor")

    def test_of_a_child_that_runs_unknown_to_the_store(self):
        run_id = self.dead_with_a_cancel("after_spawn")
        self.gates.environment(run_id)  # it stands at its gate
        self.assert_stopped(run_id)
        run = self.run_of(run_id)
        self.assertIsNotNone(run["start_utc"])
        self.assertEqual(run["signal"], signal.SIGTERM)
        self.assertEqual(self.gates.started(), [run_id])

    def test_of_a_child_that_was_only_intended(self):
        run_id = self.dead_with_a_cancel("after_intent")
        self.assert_stopped(run_id)
        self.assertEqual(self.gates.started(), [])


if __name__ == "__main__":
    harness.main()
