"""DELETE of a sweep: with its runs and their files, and only when it has ended."""

import os
import sqlite3

import harness
from harness import DaemonTest, wait_until


class Delete(DaemonTest):
    def delete(self, sweep_id, body=None):
        return self.client.request("DELETE", "/sweeps/%s" % sweep_id, body=body)

    def ended_sweep(self, children=3):
        return self.finished_sweep(hyperparameter_sampling=self.grid(children), max_total_runs=children,
                                   run_config={"source_directory": self.source({"train.sh": "echo $1 > outputs/x\n"}),
                                               "script": "train.sh", "interpreter": "/bin/sh"})["run_id"]

    def folders(self, sweep_id):
        return [path for path in (os.path.join(self.daemon.state, part, sweep_id) for part in ("runs", "snapshots"))
                if os.path.exists(path)]

    def rows(self, sweep_id):
        """Rows of any table that are left of sweeps and runs."""
        connection = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.daemon.state, "hyperdrive.db"), uri=True)
        try:
            left = connection.execute("SELECT count(*) FROM sweep WHERE id = ?", (sweep_id,)).fetchone()[0]
            return left + sum(connection.execute("SELECT count(*) FROM " + table).fetchone()[0]
                              for table in ("run", "point", "series", "reporter", "event WHERE sweep != 0"))
        finally:
            connection.close()

    def test_all_of_it_goes(self):
        sweep_id = self.ended_sweep()
        self.assertEqual(len(self.folders(sweep_id)), 2)
        response = self.delete(sweep_id)
        self.assertEqual((response.status, response.json), (200, {"run_id": sweep_id, "deleted": True}))
        self.assertError(self.client.get("/sweeps/" + sweep_id), 404, "no sweep with id '%s'" % sweep_id)
        self.assertError(self.client.get("/runs/%s_0" % sweep_id), 404, "no run with id '%s_0'" % sweep_id)
        self.assertEqual(self.client.read("/sweeps")["sweeps"], [])
        self.assertError(self.delete(sweep_id), 404)
        wait_until(lambda: self.rows(sweep_id) == 0 and not self.folders(sweep_id), "everything to be gone")

    def test_whatever_the_runs_have_made_goes(self):
        """Folders deeper than any path, closed ones, FIFOs, files without number; and nothing behind a link."""
        outside = os.path.join(self.folder, "outside")
        os.makedirs(os.path.join(outside, "below"))
        os.chmod(outside, 0o500)
        program = """import os
            os.chdir("outputs")
            for name in ("to", "closed/to", "closed/in/to"):
                os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
                os.symlink(%r, name)
            for number in range(300):
                open("closed/in/%%d" %% number, "x").close()
            os.mkfifo("closed/fifo")
            for mode, name in ((0, "closed/in"), (0o500, "closed")):
                os.chmod(name, mode)
            for deep in ("deep-folder-in-folder", "deeper-folder-in-folder"):
                top = os.open(".", os.O_RDONLY)
                for number in range(300):
                    os.mkdir(deep)
                    os.chdir(deep)
                    os.symlink(%r, "link")
                os.fchdir(top)
            """ % (outside, outside)
        program = program.replace("\n            ", "\n")
        sweep_id = self.finished_sweep(max_total_runs=1, run_config={"command": ["python3", "-c", program]})["run_id"]
        self.assertEqual(self.sweep(sweep_id)["status"], "Completed", self.run_of(sweep_id + "_0")["error"])
        self.assertEqual(self.delete(sweep_id).status, 200)
        wait_until(lambda: self.rows(sweep_id) == 0, "every row to be gone")
        self.assertEqual(self.folders(sweep_id), [])
        self.assertEqual(os.listdir(outside), ["below"])
        self.assertEqual(os.stat(outside).st_mode & 0o777, 0o500)

    def test_others_stay(self):
        other, sweep_id = self.ended_sweep(2), self.ended_sweep(2)
        self.assertEqual(self.delete(sweep_id).status, 200)
        wait_until(lambda: not self.folders(sweep_id), "the folders to be gone")
        self.assertEqual([sweep["run_id"] for sweep in self.client.read("/sweeps")["sweeps"]], [other])
        self.assertEqual(len(self.children(other)), 2)
        self.assertEqual(len(self.folders(other)), 2)

    def test_many_points_go_in_many_transactions(self):
        sweep_id, runs = self.running_sweep()
        for first in range(0, 20000, 10000):
            self.report(runs[0], "loss", list(range(first, first + 10000)))
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id, "Canceled")
        before = self.client.read("/version")["store"]["commits"]
        self.assertEqual(self.delete(sweep_id).status, 200)
        wait_until(lambda: self.rows(sweep_id) == 0, "every row to be gone")
        self.assertGreaterEqual(self.client.read("/version")["store"]["commits"] - before, 5)

    def test_a_running_sweep_is_left_alone(self):
        sweep_id, _ = self.running_sweep()
        self.assertError(self.delete(sweep_id), 409, "the sweep is Running: cancel it, and delete it when it has ended")
        self.assertEqual(self.sweep(sweep_id)["status"], "Running")

    def test_bad_input(self):
        sweep_id = self.ended_sweep(1)
        self.assertError(self.delete("nobody"), 404, "no sweep with id 'nobody'")
        self.assertError(self.delete(sweep_id + "_0"), 404, "'%s_0' is a child run of sweep '%s'" % (sweep_id, sweep_id))
        self.assertError(self.delete(sweep_id, body={"force": True}), 400, "'force' is not a known field")
        self.assertEqual(self.sweep(sweep_id)["status"], "Completed")

    def test_a_kill_does_not_leave_half_of_it(self):
        sweep_id = self.ended_sweep(20)
        self.assertEqual(self.delete(sweep_id).status, 200)
        self.daemon.kill()
        self.daemon.restart()
        self.assertEqual(self.client.get("/sweeps/" + sweep_id).status, 404)
        wait_until(lambda: self.rows(sweep_id) == 0 and not self.folders(sweep_id), "everything to be gone")


if __name__ == "__main__":
    harness.main()
