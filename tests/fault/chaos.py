#!/usr/bin/env python3
"""Kills the daemon again and again, at random moments and at the named points of daemon/fault.h, while it runs two sweeps.

In the end every point of the grid ran exactly once, every acknowledged report is stored exactly once, the sweep that was cancelled on the
way is Canceled, no process is left, and the events tell nothing but legal moves. A long form by hand: HD_BUILD=build tests/fault/chaos.py
--kills 1000 [--seed 7].
"""

import argparse
import collections
import os
import random
import select
import signal
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # noqa: E402
from harness import DaemonTest, Refused, processes_with, wait_until  # noqa: E402

POINTS = ("after_intent", "after_spawn", "at_exit")
LONGEST_LIFE = 0.25  # seconds between ready and a kill at a random moment
HELD_BACK = 8        # the last points of the grid wait until all kills are done

# Notes that it runs, reports its point until that is acknowledged, and notes the acknowledgement.
CHILD = r"""
import http.client, json, os, sys, time, urllib.parse

def note(name):
    file = os.open(os.path.join(os.environ["CHAOS"], name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, b"%d\n" % x)
    os.close(file)

def acknowledged():
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(os.environ["HYPERDRIVE_URL"]).netloc, timeout=10)
    try:
        connection.request("POST", "/api/v1/runs/%s/metrics" % os.environ["HYPERDRIVE_RUN_ID"], body=json.dumps(report), headers={
            "Content-Type": "application/json", "Authorization": "Bearer " + os.environ["HYPERDRIVE_TOKEN"]})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if answer.status in (200, 503):
        return answer.status == 200
    sys.exit("the report was refused: %d %r" % (answer.status, text))

x, held = int(sys.argv[1]), int(sys.argv[2])
report = {"name": "Accuracy", "value": x, "reporter": "one", "sequence": 1}
note("ran")
while x >= held and not os.path.exists(os.path.join(os.environ["CHAOS"], "go")):
    time.sleep(0.02)
while not acknowledged():
    time.sleep(0.01)
note("acknowledged")
"""

ENDLESS = 'echo "$AZUREML_RUN_ID" >> "$CHAOS/endless"; exec sleep 1000'

# Reference, sections 3.1 and 3.2.
RUN_MOVES = {
    None: {"Starting"},
    "Starting": {"Preparing", "Queued", "Running", "Failed", "Canceled"},
    "Preparing": {"Queued", "Running", "Failed", "Canceled"},
    "Queued": {"Running", "Failed", "Canceled"},
    "Running": {"Finalizing", "CancelRequested", "NotResponding"},
    "Finalizing": {"Queued", "Completed", "Failed", "NotResponding"},
    "CancelRequested": {"Canceled", "NotResponding"},
    "NotResponding": {"Running", "Finalizing", "CancelRequested", "Queued", "Failed", "Canceled"},
}
SWEEP_MOVES = {
    None: {"Starting"},
    "Starting": {"Running", "Failed", "Completed", "CancelRequested"},
    "Running": {"Completed", "Failed", "Canceled", "CancelRequested"},
    "CancelRequested": {"Canceled"},
}
# The numbers of lib/core/status.h, which are never renumbered.
STATUSES = {1: "Starting", 2: "Preparing", 3: "Queued", 4: "Running", 5: "Finalizing", 6: "CancelRequested", 7: "Completed", 8: "Failed",
            9: "Canceled", 10: "NotResponding"}
CREATED, SWEEP, RUN = 1, 2, 5  # kinds of events
COUNTED = {2: "preparing", 3: "queued", 4: "running", 5: "finalizing", 6: "cancel_requested", 7: "completed", 8: "failed", 9: "canceled"}


def has_fault_points():
    with open(harness.HYPERDRIVED, "rb") as file:
        return b"HYPERDRIVED_FAULT" in file.read()


class Chaos(DaemonTest):
    daemon_options = {"slots": 5, "grace": 0.5}
    kills = 25
    seed = None

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32) if self.seed is None else self.seed
        self.random = random.Random(self.seed)
        self.points = POINTS if has_fault_points() else ()
        self.died = collections.Counter()

    def notes(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as file:
            return file.read().split()

    def start_anew(self, point):
        """A new daemon, which may be told to die; false when it did so before it was ready."""
        try:
            self.daemon.start(environment={"HYPERDRIVED_FAULT": point} if point else {})
        except Refused as refused:
            self.assertEqual((refused.code, bool(point)), (-signal.SIGKILL, True), refused.said)
            return False
        return True

    def live_and_die(self):
        """One life of the daemon, from its start to its death."""
        point = self.random.choice([None, *self.points])
        if self.start_anew(point):
            moment = self.random.uniform(0, LONGEST_LIFE)
            select.select([self.daemon.pidfd], [], [], 4 * moment if point else moment)
            if self.daemon.process.poll() is None:
                point = None
                self.daemon.process.kill()
            self.assertEqual(self.daemon.wait(), -signal.SIGKILL)
        self.died[point or "at random"] += 1

    def cancel_and_die(self, sweep_id):
        self.start_anew(None)
        self.assertEqual(self.client.post("/sweeps/%s/cancel" % sweep_id).status, 200)
        self.daemon.kill()

    def test_nothing_is_lost_and_nothing_runs_twice(self):
        count = max(60, 5 * self.kills // 2)
        environment = {"CHAOS": self.folder}
        grid = self.submit(
            hyperparameter_sampling=self.grid(count), max_total_runs=count, max_concurrent_runs=6,
            run_config={"command": [sys.executable, "-ES", "-c", CHILD, "${{search_space.x}}", str(count - HELD_BACK)],
                        "environment_variables": environment})["run_id"]
        endless = self.submit(max_total_runs=6, max_concurrent_runs=3, run_config={
            "command": ["/bin/sh", "-c", ENDLESS], "environment_variables": environment})["run_id"]
        self.daemon.kill()
        cancel_at = self.random.randrange(self.kills)
        for number in range(self.kills):
            self.live_and_die()
            if number == cancel_at:
                self.cancel_and_die(endless)
        with open(os.path.join(self.folder, "go"), "w", encoding="ascii"):
            pass
        self.daemon.start()
        print("seed %d, %d points, deaths: %s" % (self.seed, count, dict(self.died)), flush=True)
        sweep = self.wait_for_sweep(grid, deadline=max(harness.DEADLINE, count / 5))
        self.assertEqual((sweep["status"], sweep["children"]), ("Completed", {"total": count, "Completed": count}))
        self.assert_each_once(grid, count)
        self.assertEqual(self.wait_for_sweep(endless)["status"], "Canceled")
        self.assert_at_most_once(endless)
        wait_until(lambda: processes_with(self.daemon.state) == [self.daemon.process.pid], "the end of all monitors")
        self.daemon.stop()
        self.assert_database()
        self.daemon.start()  # close() wants one to stop

    def assert_each_once(self, grid, count):
        every = [str(x) for x in range(count)]
        self.assertEqual(sorted(self.notes("ran"), key=int), every)
        self.assertEqual(sorted(self.notes("acknowledged"), key=int), every)
        stored = []
        for child in self.children(grid):
            metrics = self.client.read("/runs/%s/metrics" % child["run_id"])
            self.assertEqual(metrics["metrics"], {"Accuracy": child["hyperparameters"]["x"]}, child)
            stored.append(child["hyperparameters"]["x"])
        self.assertEqual(sorted(stored), list(range(count)))

    def assert_at_most_once(self, endless):
        started = self.notes("endless")
        self.assertEqual(len(started), len(set(started)), started)
        for child in self.children(endless):
            self.assertEqual((child["status"], child["stop_reason"]["kind"]), ("Canceled", "sweep_canceled"), child)

    def assert_database(self):
        """What the API does not show: the history, and counts against rows."""
        database = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.daemon.state, "hyperdrive.db"), uri=True)
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        ordinals = [row[0] for row in database.execute("SELECT ordinal FROM event UNION ALL SELECT ordinal FROM point")]
        self.assertEqual(len(ordinals), len(set(ordinals)), "an ordinal was given out twice")
        self.assertEqual(database.execute("SELECT ordinal FROM clock").fetchone()[0], max(ordinals))
        self.assertEqual(database.execute("SELECT run, name FROM point GROUP BY run, name HAVING count(*) > 1").fetchall(), [])
        stands = {}
        for sweep, run, kind, status in database.execute("SELECT sweep, run, kind, status FROM event ORDER BY ordinal"):
            if kind in (CREATED, SWEEP, RUN):
                moves = RUN_MOVES if kind == RUN else SWEEP_MOVES
                before, after = stands.get((sweep, run)), STATUSES[status]
                self.assertIn(after, moves.get(before, ()), "sweep %s, run %s went from %s to %s" % (sweep, run, before, after))
                stands[sweep, run] = after
        rows = database.execute("SELECT sweep, NULL, status FROM sweep UNION ALL SELECT sweep, run, status FROM run").fetchall()
        self.assertEqual({(sweep, run): STATUSES[status] for sweep, run, status in rows}, stands)
        for status, column in COUNTED.items():
            wrong = database.execute("SELECT id FROM sweep WHERE %s <> (SELECT count(*) FROM run WHERE run.sweep = sweep.sweep "
                                     "AND run.status = ?)" % column, (status,)).fetchall()
            self.assertEqual(wrong, [], column)
        database.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=Chaos.kills)
    parser.add_argument("--seed", type=int, help="of the moments and points; what the processes do meanwhile is chance all the same")
    options = parser.parse_args()
    Chaos.kills, Chaos.seed = options.kills, options.seed
    unittest.main(module="__main__", argv=sys.argv[:1], verbosity=2)


if __name__ == "__main__":
    main()
