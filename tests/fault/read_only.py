#!/usr/bin/env python3
"""A file system that becomes read-only under the daemon, as the kernel makes it after an error of the disk, and one that is read-only from the
start. Needs the right to mount and loop devices; skipped without them."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

import harness  # noqa: E402
from harness import DaemonTest, wait_until  # noqa: E402

REASON = "the database cannot be written: its file system may only be read"


class ReadOnly(DaemonTest):
    autostart = False

    def setUp(self):
        super().setUp()
        self.image = os.path.join(self.folder, "image")
        os.mkdir(self.daemon.state)
        with open(self.image, "wb") as file:
            file.truncate(64 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", self.image], capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("cannot make a file system: " + made.stderr.decode(errors="replace").strip())
        mounted = self.mount("-o", "loop,errors=remount-ro", self.image, self.daemon.state)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a file system of its own: " + mounted.stderr.decode(errors="replace").strip())

    def mount(self, *arguments):
        return subprocess.run(["mount", *arguments], capture_output=True, check=False)

    def unmount(self):
        return subprocess.run(["umount", self.daemon.state], capture_output=True, check=False).returncode == 0

    def _close_daemons(self):
        try:
            super()._close_daemons()
        finally:
            subprocess.run(["umount", "--lazy", self.daemon.state], capture_output=True, check=False)

    def break_down(self):
        """What ext4 does on an error: it is read-only from here on, whatever files are open for writing."""
        done = self.mount("-o", "remount,abort", self.daemon.state)
        self.assertEqual(done.returncode, 0, done)

    def test_under_a_running_daemon(self):
        self.daemon.start()
        sweep_id, (run_id,) = self.running_sweep(1)
        ended = self.finished_sweep()
        self.report(run_id, "Accuracy", 0.5)
        self.break_down()

        answer = self.client.post("/runs/%s/metrics" % run_id, {"name": "Accuracy", "value": 0.6})
        self.assertError(answer, 503)
        self.assertEqual(answer.error["message"], REASON)
        wait_until(lambda: self.client.get("//readyz").status == 503, "the end of readiness")
        self.assertIn(REASON, self.client.get("//readyz").error["message"])
        self.assertError(self.client.post("/sweeps", self.specification()), 503)
        self.assertError(self.client.post("/sweeps/%s/cancel" % sweep_id), 503)
        self.assertError(self.client.post("/backup"), 503)
        # What can be read is answered, and what runs is left alone.
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], 0.5)
        self.assertEqual(self.sweep(ended["run_id"])["status"], "Completed")
        self.assertEqual(len(self.daemon.monitors(run_id)), 1)
        self.gates.release(run_id)
        wait_until(lambda: self.daemon.monitors(run_id) == [], "the end of the child")
        self.daemon.stop()
        wait_until(self.unmount, "nobody who holds the file system")

        # Repaired, and mounted to be read only, as after a restart of the machine with a disk that is not trusted.
        subprocess.run(["e2fsck", "-p", self.image], capture_output=True, check=False)
        self.assertEqual(self.mount("-o", "loop,ro", self.image, self.daemon.state).returncode, 0)
        self.check_refused()
        self.assertTrue(self.unmount())
        self.assertEqual(self.mount("-o", "loop", self.image, self.daemon.state).returncode, 0)
        self.daemon.start()
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], 0.5)
        # Its monitor could not write how it ended.
        self.assertEqual(self.wait_for_run(run_id, *harness.ENDED)["error"]["code"], "Lost")
        self.assertEqual(self.finished_sweep()["status"], "Completed")

    def check_refused(self):
        code, said = self.daemon.refused()
        self.assertEqual(code, 1, said)
        self.assertIn("the state folder %s is on a file system that may only be read: mount it to be written, or give another --state-dir"
                      % self.daemon.state, said)

    def test_an_empty_folder_at_the_start(self):
        self.assertEqual(self.mount("-o", "remount,ro", self.daemon.state).returncode, 0)
        self.check_refused()


if __name__ == "__main__":
    harness.main()
