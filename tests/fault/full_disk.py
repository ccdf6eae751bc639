#!/usr/bin/env python3
"""A disk that is full, and then is not any more: a state folder on a small file system. Needs the right to mount; skipped without it."""

import contextlib
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # noqa: E402
from harness import DaemonTest, wait_until  # noqa: E402

SIZE = 16 << 20
LONG = "v" * 2000


class FullDisk(DaemonTest):
    autostart = False
    daemon_options = {"slots": 4, "grace": 0.5}

    def setUp(self):
        super().setUp()
        self.mount(self.daemon.state, SIZE)
        self.filler = os.path.join(self.daemon.state, "filler")
        self.daemon.start()

    def mount(self, folder, size):
        os.mkdir(folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", folder], capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small file system: " + mounted.stderr.decode(errors="replace").strip())

    def _close_daemons(self):
        self.give_space()
        try:
            super()._close_daemons()
        finally:
            subprocess.run(["umount", "--lazy", self.daemon.state], capture_output=True, check=False)

    def take_space(self):
        file = os.open(self.filler, os.O_WRONLY | os.O_CREAT, 0o600)
        with contextlib.suppress(OSError):
            while True:
                os.write(file, b"x" * 4096)
        os.close(file)

    def give_space(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.filler)

    def reports(self, run_id, count):
        return [self.client.post("/runs/%s/metrics" % run_id, {"name": "note", "value": LONG}).status for _ in range(count)]

    def log_of(self, sweep_id):
        return self.client.get("/sweeps/%s/log" % sweep_id).body.decode()

    def finish(self, sweep_id, *released):
        """Lets children (but those released before) go on from their gates until the sweep has ended: its children by status."""
        released = set(released)

        def ended():
            for run_id in set(self.gates.started()) - released:
                released.add(run_id)
                self.gates.release(run_id)
            return self.sweep(sweep_id)["status"] in harness.ENDED
        wait_until(ended, "the end of the sweep")
        self.assertEqual(len(self.gates.started()), len(set(self.gates.started())))
        return self.sweep(sweep_id)["children"]

    def test_the_database_cannot_grow(self):
        sweep_id, runs = self.running_sweep(2, hyperparameter_sampling=self.grid(6), max_total_runs=6, max_concurrent_runs=2)
        self.assertEqual(self.client.get("//readyz").status, 200)
        self.take_space()
        wait_until(lambda: self.reports(runs[0], 1) == [507], "a refused report")
        ready = self.client.get("//readyz")
        self.assertError(ready, 507)
        self.assertIn("disk is full", ready.error["message"])
        self.assertEqual(self.client.post("/sweeps", self.specification()).status, 507)
        self.assertEqual(self.client.post("/sweeps/%s/cancel" % sweep_id).status, 507)
        self.gates.release(runs[0])  # its monitor cannot write the exit record, and waits
        self.give_space()
        wait_until(lambda: self.client.get("//readyz").status == 200, "readiness, without a write from outside")
        self.assertEqual(self.reports(runs[1], 1), [200])
        self.wait_for_run(runs[0], "Completed")
        self.assertEqual(self.finish(sweep_id, runs[0]), {"total": 6, "Completed": 6})

    def test_limits_in_time_hold_afterwards(self):
        sweep_id, runs = self.running_sweep(2, hyperparameter_sampling=self.grid(2), max_duration_seconds=2)
        other_id, others = self.running_sweep(1, trial_timeout_seconds=2)
        self.take_space()
        wait_until(lambda: self.reports(runs[0], 1) == [507], "a refused report")
        for limit in ("max_duration", "trial_timeout"):
            wait_until(lambda limit=limit: limit in self.daemon.log(), "a complaint that %s could not be stored" % limit)
        self.give_space()
        self.assertEqual(self.wait_for_sweep(sweep_id, "Canceled")["status_reason"]["code"], "max_duration")
        self.assertEqual(self.wait_for_run(others[0], "Canceled")["stop_reason"]["kind"], "trial_timeout")
        self.wait_for_sweep(other_id, "Completed")

    def test_run_folders_cannot_be_made(self):
        """While the database still has room: children must wait for space, not fail one after the other."""
        _, (run_id,) = self.running_sweep(1)
        log = os.path.join(self.daemon.state, "hyperdrive.db-wal")
        wait_until(lambda: self.reports(run_id, 50) and os.stat(log).st_size > 4000000, "a long write-ahead log")
        self.reports(run_id, 50)  # which is now written from its beginning again, and needs no space for a while
        self.take_space()
        sweep_id = self.submit(hyperparameter_sampling=self.grid(5), max_total_runs=5, max_concurrent_runs=2, run_config=self.gated())["run_id"]
        self.wait_for_run(sweep_id + "_1", "Preparing")
        # A cancel needs no space in the run folder.
        self.assertEqual(self.client.post("/runs/%s_1/cancel" % sweep_id).status, 200)
        self.wait_for_run(sweep_id + "_1", "Canceled")
        self.wait_for_run(sweep_id + "_2", "Preparing")
        self.assertEqual(self.run_of(sweep_id + "_0")["status"], "Preparing")
        # Why nothing goes on is said once.
        wait_until(lambda: "WaitingForSpace: children wait until" in self.log_of(sweep_id), "a line of the sweep's log")
        self.assertEqual(self.log_of(sweep_id).count("WaitingForSpace"), 1)
        self.give_space()
        self.assertEqual(self.finish(sweep_id), {"total": 5, "Completed": 4, "Canceled": 1})

    def backup(self, path):
        return subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, "backup", "--replace", path], capture_output=True, text=True,
                              timeout=harness.DEADLINE, check=False)

    def test_a_backup_while_the_state_is_full(self):
        """The daemon makes the copy beside its database: refused, and nothing of it stays."""
        _, (run_id,) = self.running_sweep(1)
        self.reports(run_id, 200)
        path = os.path.join(self.folder, "copy.db")
        self.assertEqual(self.backup(path).returncode, 0)
        os.unlink(path)
        self.take_space()
        answer = self.client.post("/backup")
        self.assertError(answer, 507, "the backup cannot be written: the disk is full")
        said = self.backup(path)
        self.assertEqual((said.returncode, said.stdout), (5, ""), said)
        self.assertIn("the disk is full", said.stderr)
        self.assertEqual([name for name in os.listdir(self.daemon.state) if name.startswith("backup")], [])
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("copy.db")], [])
        self.give_space()
        wait_until(lambda: self.reports(run_id, 1) == [200], "a report that is taken")
        self.assertEqual(self.backup(path).returncode, 0)
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")

    def test_a_backup_to_a_full_disk(self):
        _, (run_id,) = self.running_sweep(1)
        self.reports(run_id, 200)
        target = os.path.join(self.folder, "target")
        self.mount(target, 64 << 10)
        self.addCleanup(subprocess.run, ["umount", "--lazy", target], capture_output=True, check=False)
        path = os.path.join(target, "copy.db")
        earlier = b"SQLite format 3\0" + bytes(52) + b"hyDr and so on"
        for before in ([], ["copy.db"]):
            if before:
                with open(path, "wb") as file:
                    file.write(earlier)
            said = self.backup(path)
            self.assertEqual((said.returncode, said.stdout), (2, ""), said)
            self.assertEqual(said.stderr, "hyperdrive: the backup cannot be written to %s: No space left on device\n" % path)
            self.assertEqual(os.listdir(target), before)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), earlier)
        self.assertEqual([name for name in os.listdir(self.daemon.state) if name.startswith("backup")], [])
        self.assertEqual(self.client.get("//readyz").status, 200)
        self.assertEqual(self.reports(run_id, 1), [200])
        self.assertEqual(self.backup(os.path.join(self.folder, "copy.db")).returncode, 0, "somewhere else there is room")
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")


if __name__ == "__main__":
    harness.main()
