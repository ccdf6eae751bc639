#!/usr/bin/env python3
"""Kills the daemon again and again, at random moments and at the named points of daemon/fault.h, while it runs two sweeps.

In the end every point of the grid ran exactly once, every acknowledged report is stored exactly once, all that can be asked about the sweep
is what it is when nobody disturbs it, the sweep that was cancelled on the way is Canceled, no process is left, and the events tell nothing
but legal moves. The long form: tests/fault/run --kills 1000 [--seed 7].
"""

import argparse
import collections
import os
import random
import select
import signal
import socket
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # noqa: E402
from harness import DaemonTest, Refused, processes_with, wait_until  # noqa: E402

# In a commit, a spawn, an exit, an adoption: the point, and the highest number of the passage at which the daemon dies.
POINTS = {"before_commit": 30, "in_write": 60, "in_sync": 30, "after_commit": 30,
          "after_intent": 4, "in_spawn": 4, "after_spawn": 4,
          "at_exit": 4, "after_exit": 4,
          "before_adoption": 3, "after_adoption": 2}
LONGEST_LIFE = 0.25  # seconds between ready and a kill at a random moment
HELD_BACK = 8        # the last points of the grid wait until all kills are done
LONG = 200           # kills of which every named point must have had some
REPORTS = 5

# Notes that it runs; reports its points on one connection, each until it is acknowledged; notes every acknowledgement.
CHILD = r"""
import os, socket, sys, time

def note(name, text):
    file = os.open(os.path.join(os.environ["CHAOS"], name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, b"%s\n" % text.encode())
    os.close(file)

def connect():
    host, port = os.environ["HYPERDRIVE_URL"].split("/")[2].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)

def answer(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        received += receive(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += receive(connection)
    return int(head.split()[1]), body

def receive(connection):
    received = connection.recv(4096)
    if not received:
        raise ConnectionError("closed")
    return received

def acknowledged(number):
    global connection
    body = '{"name": "Accuracy", "value": %r, "reporter": "one", "sequence": %d}' % (x + number / 8, number)
    request = "POST /api/v1/runs/%s/metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" \
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            os.environ["HYPERDRIVE_RUN_ID"], os.environ["HYPERDRIVE_TOKEN"], len(body), body)
    try:
        connection = connection or connect()
        connection.sendall(request.encode())
        status, text = answer(connection)
    except OSError:
        connection = None
        return False
    if status not in (200, 503):
        sys.exit("the report was refused: %d %r" % (status, text))
    return status == 200

x, held, reports = map(int, sys.argv[1:])
connection = None
note("ran", str(x))
while x >= held and not os.path.exists(os.path.join(os.environ["CHAOS"], "go")):
    time.sleep(0.02)
for number in range(1, reports + 1):
    while not acknowledged(number):
        time.sleep(0.01)
    note("acknowledged", "%d.%d" % (x, number))
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


def free_port():
    """One that no connection is given by itself: between two lives of the daemon it stays free."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


class Chaos(DaemonTest):
    autostart = False
    daemon_options = {"slots": 5, "grace": 0.5}
    kills = 25
    seed = None

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32) if self.seed is None else self.seed
        self.random = random.Random(self.seed)
        self.points = list(POINTS) if has_fault_points() else []
        self.died = collections.Counter()
        self.listen = "127.0.0.1:%d" % free_port()
        signal.signal(signal.SIGALRM, self.on_alarm)
        signal.alarm(self.time_limit())
        self.addCleanup(signal.alarm, 0)

    def time_limit(self):
        """Seconds, by the kills and the children of both runs."""
        return int(5 * harness.DEADLINE + 6 * self.kills + self.count() / 2)

    def on_alarm(self, *_):
        raise AssertionError("not done after %d s" % self.time_limit())

    def count(self):
        return max(200, 5 * self.kills // 2)

    def notes(self, folder, name):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as file:
            return file.read().split()

    # Lives and deaths.

    def start_anew(self, point=None):
        """A new daemon, which may be told to die; false when it did so before it was ready."""
        environment = {"HYPERDRIVED_STORAGE_FAULTS": os.path.join(self.folder, "no_faults")}
        if point:
            environment["HYPERDRIVED_FAULT"] = "%s:%d" % (point, self.random.randint(1, POINTS[point]))
        try:
            self.daemon.start(environment=environment, listen=self.listen)
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
        self.start_anew()
        self.assertEqual(self.client.post("/sweeps/%s/cancel" % sweep_id).status, 200)
        self.daemon.kill()

    def submit_grid(self, folder):
        command = [sys.executable, "-IS", "-c", CHILD, "${{search_space.x}}", str(self.count() - HELD_BACK), str(REPORTS)]
        return self.submit(
            hyperparameter_sampling=self.grid(self.count()), max_total_runs=self.count(), max_concurrent_runs=6,
            run_config={"command": command, "environment_variables": {"CHAOS": folder}})["run_id"]

    def finish_grid(self, sweep_id, folder):
        """Lets the last children go, waits for the end, and gives all that can be asked about the sweep, without times and ids."""
        with open(os.path.join(folder, "go"), "w", encoding="ascii"):
            pass
        sweep = self.wait_for_sweep(sweep_id, deadline=self.time_limit())
        children = []
        for child in self.children(sweep_id):
            points = self.client.read("/runs/%s/metrics" % child["run_id"], form="points")["points"]
            children.append({
                "points": {name: [(point["value"], point["step"], point["attempt"]) for point in curve] for name, curve in points.items()},
                **{name: child[name] for name in ("number", "hyperparameters", "status", "attempt", "best_primary_metric", "reports",
                                                  "exit_code", "signal", "error", "stop_reason")}})
        sort = self.client.read("/sweeps/%s/children/sorted" % sweep_id)["children"]
        best = self.client.read("/sweeps/%s/best" % sweep_id)["run"]
        return {
            "sweep": {name: sweep[name] for name in ("status", "status_reason", "children", "best_primary_metric", "warnings")},
            "children": children,
            "sorted": [child["run_id"].rpartition("_")[2] for child in sort],
            "best": best["run_id"].rpartition("_")[2],
        }

    def undisturbed(self):
        """What a daemon gives that nobody kills."""
        folder = os.path.join(self.folder, "undisturbed")
        os.mkdir(folder)
        killed, self.daemon = self.daemon, self.new_daemon(folder, **self.daemon_options)
        self.daemon.start()
        result = self.finish_grid(self.submit_grid(folder), folder)
        self.daemon = killed
        return result

    def test_nothing_is_lost_and_nothing_runs_twice(self):
        self.start_anew()
        grid = self.submit_grid(self.folder)
        endless = self.submit(max_total_runs=6, max_concurrent_runs=3, run_config={
            "command": ["/bin/sh", "-c", ENDLESS], "environment_variables": {"CHAOS": self.folder}})["run_id"]
        self.daemon.kill()
        cancel_at = self.random.randrange(self.kills)
        for number in range(self.kills):
            self.live_and_die()
            if number == cancel_at:
                self.cancel_and_die(endless)
        self.start_anew()
        result = self.finish_grid(grid, self.folder)
        print("seed %d, %d points of the grid, deaths: %s" % (self.seed, self.count(), dict(self.died)), flush=True)
        self.assert_each_once()
        self.assertEqual(self.wait_for_sweep(endless)["status"], "Canceled")
        self.assert_at_most_once(endless)
        wait_until(lambda: processes_with(self.daemon.state) == [self.daemon.process.pid], "the end of all monitors")
        self.assertEqual(result, self.undisturbed())
        self.daemon.stop()
        self.assert_database()
        self.start_anew()  # close() wants one to stop
        if self.points and self.kills >= LONG:
            self.assertEqual([point for point in self.points if self.died[point] == 0], [], "points at which the daemon never died")

    def assert_each_once(self):
        self.assertEqual(sorted(self.notes(self.folder, "ran"), key=int), [str(x) for x in range(self.count())])
        self.assertEqual(sorted(self.notes(self.folder, "acknowledged")),
                         sorted("%d.%d" % (x, number) for x in range(self.count()) for number in range(1, REPORTS + 1)))

    def assert_at_most_once(self, endless):
        started = self.notes(self.folder, "endless")
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
