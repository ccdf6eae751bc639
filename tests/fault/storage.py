#!/usr/bin/env python3
"""Storage that fails and then works again, by the layer of daemon/store/fault_vfs.h under the database of a real daemon.

While it fails every write is refused with 503 or 507 and a sentence, /readyz says the same, children run on and keep what they cannot
report. When it works again all goes on by itself. What was acknowledged is there, once, also after the daemon was killed.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # noqa: E402
from harness import DaemonTest, wait_until  # noqa: E402

FULL = "the database cannot be written: the disk is full"
READ_ONLY = "the database cannot be written: its file system may only be read"
BROKEN = "the database cannot be written: Input/output error"


def has_fault_points():
    with open(harness.HYPERDRIVED, "rb") as file:
        return b"HYPERDRIVED_STORAGE_FAULTS" in file.read()


@unittest.skipUnless(has_fault_points(), "a build without -Dfault_points=true")
class Storage(DaemonTest):
    autostart = False
    daemon_options = {"slots": 4, "grace": 0.5}

    def setUp(self):
        super().setUp()
        self.faults = os.path.join(self.folder, "faults")
        self.acknowledged = {}  # run -> sequences
        self.start()

    def start(self):
        self.daemon.start(environment={"HYPERDRIVED_STORAGE_FAULTS": self.faults})

    def _close_daemons(self):
        self.work_again()
        super()._close_daemons()

    def fail_by(self, *lines):
        with open(self.faults + ".new", "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(self.faults + ".new", self.faults)

    def work_again(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.faults)

    def report_numbered(self, run_id, sequence):
        """Reports the sequence as a value; what is acknowledged is remembered."""
        response = self.client.post("/runs/%s/metrics" % run_id, {
            "name": "numbered", "value": sequence, "reporter": "test", "sequence": sequence})
        if response.status == 200:
            self.acknowledged.setdefault(run_id, []).append(sequence)
        return response

    def assert_acknowledged(self):
        for run_id, sequences in self.acknowledged.items():
            stored = self.client.read("/runs/%s/metrics" % run_id, form="list")["metrics"]["numbered"]
            self.assertEqual(stored, sorted(set(sequences)), "points of " + run_id)

    def assert_refused(self, response, status, sentence):
        self.assertError(response, status)
        self.assertIn(sentence, response.error["message"])

    def go_through(self, fault, status, sentence):
        """A sweep that is met by a fault in its middle."""
        sweep_id, runs = self.running_sweep(2, hyperparameter_sampling=self.grid(4), max_total_runs=4, max_concurrent_runs=2)
        for sequence in range(1, 6):
            self.assertEqual(self.report_numbered(runs[0], sequence).status, 200)
        self.fail_by(fault)
        self.assert_refused(self.report_numbered(runs[0], 6), status, sentence)
        self.assert_refused(self.client.get("//readyz"), status, sentence)
        self.assertEqual(self.client.get("//healthz").status, 200, "it lives all the same")
        self.assert_refused(self.client.post("/sweeps", self.specification()), status, sentence)
        self.assert_refused(self.client.post("/sweeps/%s/cancel" % sweep_id), status, sentence)
        self.assertEqual(self.sweep(sweep_id)["status"], "Running", "reads are answered")
        self.gates.release(runs[1])
        wait_until(lambda: "run %s: its end could not be stored" % runs[1] in self.daemon.log(), "an end that cannot be stored")
        self.assertEqual(self.run_of(runs[1])["status"], "Running")
        self.assertEqual(len(self.daemon.monitors(runs[0])), 1, "the child runs on")
        self.work_again()
        wait_until(lambda: self.client.get("//readyz").status == 200, "readiness, without a write from outside")
        for sequence in range(6, 11):
            self.assertEqual(self.report_numbered(runs[0], sequence).status, 200)
        self.wait_for_run(runs[1], "Completed")
        self.assert_acknowledged()
        self.daemon.kill()
        self.start()
        self.assert_acknowledged()
        for run_id in self.gates.wait_started(3):
            if run_id != runs[1]:
                self.gates.release(run_id)
        self.gates.release(self.gates.wait_started(4)[-1])
        sweep = self.wait_for_sweep(sweep_id)
        self.assertEqual((sweep["status"], sweep["children"]), ("Completed", {"total": 4, "Completed": 4}))
        self.assertEqual(len(set(self.gates.started())), 4, "every child ran once")
        self.assert_acknowledged()

    def test_a_full_disk(self):
        self.go_through("write full", 507, FULL)

    def test_short_writes(self):
        self.go_through("write short", 507, FULL)

    def test_an_error_of_a_write(self):
        self.go_through("write io", 503, BROKEN)

    def test_an_error_of_a_sync(self):
        self.go_through("sync io", 503, BROKEN)

    def test_a_file_system_that_may_only_be_read(self):
        self.go_through("write read_only", 503, READ_ONLY)

    def test_an_error_of_a_read(self):
        """What is not in memory cannot be read: that is said, and what can be served is."""
        _, (run_id,) = self.running_sweep(1)
        self.assertEqual(self.report_numbered(run_id, 1).status, 200)
        self.fail_by("read io")
        refused = self.client.get("/runs/%s/metrics" % run_id)  # a connection of its own, which has read nothing
        self.assert_refused(refused, 503, "the database does not answer: Input/output error")
        self.assert_refused(self.client.get("//readyz"), 503, "Input/output error")
        self.work_again()
        self.assert_acknowledged()
        self.assertEqual(self.client.get("//readyz").status, 200)
        self.assertEqual(self.report_numbered(run_id, 2).status, 200)
        self.assert_acknowledged()
        self.gates.release(run_id)

    def test_a_token_that_cannot_be_looked_up(self):
        """It is not refused as a wrong one would be: what is answered with 401 is kept by no child."""
        _, (run_id,) = self.running_sweep(1)
        child = self.child_client(run_id)
        made = self.client.post("/tokens", {"name": "ci", "role": "submit"}).json["token"]
        named = harness.Client(self.daemon.url, made)
        self.assertEqual(child.post("/runs/%s/metrics" % run_id, {"name": "numbered", "value": 1}).status, 200)
        self.fail_by("read io")
        for client in (child, named):
            self.assert_refused(client.post("/runs/%s/metrics" % run_id, {"name": "numbered", "value": 2}), 503,
                                "the database does not answer: Input/output error")
        self.assertEqual(harness.Client(self.daemon.url, "wrong").get("/version").status, 401)
        self.work_again()
        for client in (child, named):
            self.assertEqual(client.post("/runs/%s/metrics" % run_id, {"name": "numbered", "value": 3}).status, 200)
        self.gates.release(run_id)

    def test_what_children_keep_meanwhile_is_taken_in(self):
        """As libhyperdrive keeps what is answered with 5xx (tests/unit/test_reporter.c)."""
        _, (run_id,) = self.running_sweep(1)
        self.fail_by("write full")
        spool = os.path.join(self.daemon.run_folder(run_id), "spool")
        os.mkdir(spool)
        for sequence in range(1, 4):
            report = {"name": "loss", "value": sequence, "reporter": "one", "sequence": sequence}
            self.assertEqual(self.client.post("/runs/%s/metrics" % run_id, report).status, 507)
            with open(os.path.join(spool, "one.%d.json" % sequence), "w", encoding="ascii") as file:
                json.dump(report, file)
        self.gates.release(run_id)
        wait_until(lambda: "what it could not report is taken in later" in self.daemon.log(), "a spool that cannot be taken in")
        self.work_again()
        self.wait_for_run(run_id, "Completed")
        self.assertEqual(self.client.read("/runs/%s/metrics" % run_id)["metrics"], {"loss": [1, 2, 3]})

    def test_a_slow_disk_keeps_only_writes_waiting(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        answers = []
        self.fail_by("sync slow 600000")
        reporter = threading.Thread(target=lambda: answers.append(self.report_numbered(run_id, 1).status))
        reporter.start()
        wait_until(lambda: os.path.exists(self.faults), "the fault")
        for _ in range(20):
            self.assertEqual(self.sweep(sweep_id)["status"], "Running")
            self.assertEqual(self.client.get("//healthz").status, 200)
        self.assertEqual(answers, [], "the report is not answered before it is synced")
        self.work_again()
        reporter.join(harness.DEADLINE)
        self.assertEqual(answers, [200])
        self.assert_acknowledged()
        self.gates.release(run_id)

    # A machine that loses its power while something is written: what was not synced may be there, be gone, or be anything.

    def write_and_die(self):
        """(run, size of the write-ahead log up to which it was synced): behind that stands what nobody was told."""
        _, (run_id,) = self.running_sweep(1)
        for sequence in range(1, 21):
            self.assertEqual(self.report_numbered(run_id, sequence).status, 200)
        log = os.path.join(self.daemon.state, "hyperdrive.db-wal")
        synced = os.stat(log).st_size
        self.fail_by("sync slow 600000")
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.daemon.url).netloc, timeout=harness.DEADLINE)
        self.addCleanup(connection.close)
        connection.request("POST", "/api/v1/runs/%s/metrics" % run_id, body=json.dumps(
            {"name": "numbered", "value": 21, "reporter": "test", "sequence": 21}), headers={
                "Content-Type": "application/json", "Authorization": "Bearer " + self.daemon.token})
        wait_until(lambda: os.stat(log).st_size > synced, "a write that is not synced")
        self.daemon.kill()
        self.work_again()
        self.assertGreater(os.stat(log).st_size, synced)
        return run_id, synced

    def test_a_torn_log(self):
        run_id, synced = self.write_and_die()
        database = os.path.join(self.daemon.state, "hyperdrive.db")
        with open(database + "-wal", "rb") as file:
            whole = file.read()
        unsynced = len(whole) - synced
        tails = {"gone": b"", "cut in the head of a frame": whole[synced:synced + 10], "cut in a page": whole[synced:synced + unsynced // 2],
                 "short of a byte": whole[synced:-1], "zeros": bytes(unsynced), "garbage": os.urandom(unsynced),
                 "garbage in its middle": whole[synced:synced + 100] + os.urandom(unsynced - 100), "whole": whole[synced:]}
        for name, tail in tails.items():
            with self.subTest(name):
                folder = os.path.join(self.folder, "copy")
                os.mkdir(folder)
                shutil.copy(database, folder)
                with open(os.path.join(folder, "hyperdrive.db-wal"), "wb") as file:
                    file.write(whole[:synced] + tail)
                said = subprocess.run([harness.HYPERDRIVED, "--state-dir", folder, "--check-database"], capture_output=True, check=False)
                self.assertEqual((said.returncode, said.stderr), (0, b""), said)
                with contextlib.closing(sqlite3.connect(os.path.join(folder, "hyperdrive.db"))) as copy:
                    stored = [row[0] for row in copy.execute("SELECT value FROM point WHERE run = (SELECT run FROM run WHERE id = ?) "
                                                             "ORDER BY sequence", (run_id,))]
                self.assertEqual(stored[:20], list(range(1, 21)))
                self.assertEqual(stored[20:], [21] if name == "whole" else [])
                shutil.rmtree(folder)
        with open(database + "-wal", "r+b") as file:
            file.seek(synced)
            file.write(os.urandom(unsynced))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(database + "-shm")  # it does not outlive a loss of power
        self.start()
        self.assert_acknowledged()
        self.assertEqual(self.report_numbered(run_id, 21).status, 200)
        self.assert_acknowledged()
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")


if __name__ == "__main__":
    harness.main()
