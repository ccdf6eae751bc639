"""What is old goes by itself (keep_days), and its space goes back to the file system."""

import contextlib
import os
import sqlite3
import time

import harness
from harness import DaemonTest, wait_until

DAY_US = 86400 * 1000000


class Retention(DaemonTest):
    def make_old(self, sweep_id, days, *columns):
        """While no daemon runs. A sweep that has ended before it was created is one of a wrong clock."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db"))) as database, database:
            for column in columns or ("created_us", "ended_us"):
                changed = database.execute("UPDATE sweep SET %s = ? WHERE id = ?" % column, (int(time.time() * 1e6) - days * DAY_US, sweep_id))
                self.assertEqual(changed.rowcount, 1)

    def ids(self):
        return sorted(sweep["run_id"] for sweep in self.daemon.sweeps())

    def test_old_sweeps_go(self):
        old, young, needed = (self.finished_sweep()["run_id"] for _ in range(3))
        building, (run_id,) = self.running_sweep(1, resume_from=[needed])
        self.daemon.stop()
        self.make_old(old, 8)
        self.make_old(young, 6)
        self.make_old(needed, 9)
        folders = [os.path.join(self.daemon.state, "runs", old)]
        self.assertTrue(all(map(os.path.isdir, folders)))
        self.daemon.start()
        self.assertEqual(self.ids(), sorted([old, young, needed, building]), "all is kept unless somebody says otherwise")
        self.daemon.stop()
        self.daemon.start(options=["--keep-days", "7"])
        wait_until(lambda: self.ids() == sorted([young, needed, building]), "the end of the old sweep")
        wait_until(lambda: not any(map(os.path.exists, folders)), "the end of its files")
        self.assertEqual(self.client.get("/sweeps/" + old).status, 404)
        self.assertIn("sweep %s has ended more than 7 days ago (keep_days)" % old, self.daemon.log())
        self.gates.release(run_id)
        self.wait_for_sweep(building)
        self.daemon.stop()
        self.daemon.start(options=["--keep-days", "7"])
        wait_until(lambda: self.ids() == sorted([young, building]), "the end of what nobody builds on any more")

    def test_a_clock_that_was_wrong_at_the_end(self):
        """As on a machine without a battery, whose children end before it has asked for the time: the end seems to be years ago."""
        wrong, old = (self.finished_sweep()["run_id"] for _ in range(2))
        self.daemon.stop()
        self.make_old(old, 8, "created_us", "ended_us")
        self.make_old(wrong, 9000, "ended_us")
        self.daemon.start(options=["--keep-days", "7"])
        wait_until(lambda: self.ids() == [wrong], "the end of the old sweep alone")

    def test_many(self):
        sweeps = [self.finished_sweep(max_total_runs=1)["run_id"] for _ in range(70)]
        self.daemon.stop()
        for sweep_id in sweeps:
            self.make_old(sweep_id, 2)
        self.daemon.start(options=["--keep-days", "1"])
        wait_until(lambda: self.ids() == [], "the end of all, more than are looked for at once")

    def test_space_comes_back(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        batch = {"metrics": [{"name": "note", "value": "v" * 1000} for _ in range(2000)]}
        for _ in range(5):
            self.assertEqual(self.client.post("/runs/%s/metrics" % run_id, batch).status, 200)
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)
        self.daemon.stop()  # and the log is taken into the file
        path = os.path.join(self.daemon.state, "hyperdrive.db")
        large = os.stat(path).st_size
        self.assertGreater(large, 10000000)
        self.daemon.start()
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)

        def free_pages():
            with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as database:
                rows = database.execute("SELECT count(*) FROM point").fetchone()[0]
                return rows, database.execute("PRAGMA freelist_count").fetchone()[0]
        wait_until(lambda: free_pages() == (0, 0), "the end of free pages")
        self.daemon.stop()
        self.assertLess(os.stat(path).st_size, large / 10)
        self.daemon.start()
        self.assertEqual(self.finished_sweep()["status"], "Completed")


if __name__ == "__main__":
    harness.main()
