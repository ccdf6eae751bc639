"""Is the database whole? `hyperdrived --check-database`, and what the daemon finds by itself from time to time."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess

import harness
from harness import DaemonTest, wait_until


class Database(DaemonTest):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.daemon.state, "hyperdrive.db")

    def check(self, state=None):
        """(exit code, lines said)."""
        said = subprocess.run([harness.HYPERDRIVED, "--state-dir", state or self.daemon.state, "--check-database"], capture_output=True,
                              text=True, timeout=harness.DEADLINE, check=False)
        return said.returncode, (said.stdout + said.stderr).splitlines()

    def filled(self):
        """An ended sweep to maximize with reports, one to minimize, and one that runs."""
        sweep_id, runs = self.running_sweep(3)
        for number, run_id in enumerate(runs):
            for step in range(3):
                self.report(run_id, "Accuracy", number + step / 4)
            self.report(run_id, "note", "text")
        self.report(runs[0], "Accuracy", 9)
        for run_id in runs:
            self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)
        small_id, (small,) = self.running_sweep(1, primary_metric_name="loss", primary_metric_goal="minimize")
        for value in (3, 1.5, 2):
            self.report(small, "loss", value)
        self.finished_sweep(max_total_runs=1, run_config={"command": ["/bin/false"]})
        return sweep_id, runs, small_id, small

    def damaged(self, *statements):
        """What is said of a copy in which somebody has changed something."""
        folder = os.path.join(self.folder, "copy")
        os.mkdir(folder)
        with contextlib.closing(sqlite3.connect(self.path)) as source, \
                contextlib.closing(sqlite3.connect(os.path.join(folder, "hyperdrive.db"))) as copy:
            source.backup(copy)
            with copy:
                for statement in statements:
                    self.assertGreater(copy.execute(statement).rowcount, 0, statement)
        code, said = self.check(folder)
        shutil.rmtree(folder)
        self.assertEqual(code, 1, said)
        self.assertRegex(said[-1], r"has \d+ faults?: stop the daemon and restore a backup")
        return said[:-1]

    def test_a_whole_one_beside_its_daemon(self):
        sweep_id, _, _, small = self.filled()
        self.assertEqual(self.check(), (0, ["%s is whole: 3 sweeps, 5 runs, 16 points" % self.path]))
        self.gates.release(small)
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
        self.assertEqual(self.check()[0], 0, "whatever was deleted so far")
        self.daemon.kill()
        self.assertEqual(self.check()[0], 0, "with a log that nobody has taken in")
        self.daemon.start()

    def test_what_rows_say_of_each_other(self):
        sweep_id, runs, small_id, small = self.filled()
        sweep = "WHERE id = '%s'" % sweep_id
        run = "WHERE id = '%s'" % runs[1]
        key = "(SELECT run FROM run %s)" % run
        for statements, fault in (
                (["UPDATE sweep SET completed = 2 " + sweep],
                 "sweep %s: its row counts 2 children that are completed, and there are 3" % sweep_id),
                (["UPDATE sweep SET running = 7 WHERE id = '%s'" % small_id],
                 "sweep %s: its row counts 7 children that are running, and there are 1" % small_id),
                (["UPDATE sweep SET generated = 4 " + sweep],
                 "sweep %s: its row counts 4 generated children, and there are 3" % sweep_id),
                (["UPDATE run SET class = 1 " + run], "run %s: its class for the ranking is 1, and its status 7" % runs[1]),
                (["UPDATE run SET rank_key = -0.5 " + run],
                 "run %s: best_primary_metric is 0.5, and its points say 1.5" % runs[1]),
                (["UPDATE run SET rank_key = NULL WHERE id = '%s'" % small],
                 "run %s: best_primary_metric is nothing, and its points say 1.5" % small),
                (["UPDATE run SET reports = 1 " + run],
                 "run %s: its row counts 1 reports of the primary metric, and there are 3" % runs[1]),
                (["DELETE FROM point WHERE sequence = 1 AND run = " + key],
                 "run %s: 3 points are counted under Accuracy, there are 2, and the last one has number 2" % runs[1]),
                (["DELETE FROM series WHERE run = %s AND name <> (SELECT metric FROM sweep %s)" % (key, sweep)],
                 "run %s: it has points under note, and no series of that name" % runs[1]),
                (["UPDATE clock SET ordinal = 1"], r"the clock stands at 1, and the newest ordinal is \d+"),
                (["UPDATE point SET ordinal = 1 WHERE sequence = 0 AND run = " + key], r"\d+ events and points have the same ordinal 1"),
                (["DELETE FROM run " + run], r"row \S+ of the table series refers to a row of run that is not there")):
            with self.subTest(fault):
                said = self.damaged(*statements)
                self.assertTrue(any(re.fullmatch(fault, line) for line in said), (fault, said))
        self.gates.release(small)

    def test_what_cannot_be_read(self):
        self.assertEqual(self.check(os.path.join(self.folder, "nothing")),
                         (1, ["hyperdrived: cannot open %s/nothing/hyperdrive.db: No such file or directory" % self.folder]))
        other = os.path.join(self.folder, "other")
        os.mkdir(other)
        with open(os.path.join(other, "hyperdrive.db"), "w", encoding="ascii") as file:
            file.write("this is no database, but it is as long as the head of one would be " * 10)
        code, said = self.check(other)
        self.assertEqual(code, 1)
        self.assertIn("the database is damaged, or its disk cannot be read: file is not a database", said[0])

    def test_another_version(self):
        folder = os.path.join(self.folder, "copy")
        os.mkdir(folder)
        with contextlib.closing(sqlite3.connect(self.path)) as source, \
                contextlib.closing(sqlite3.connect(os.path.join(folder, "hyperdrive.db"))) as copy:
            source.backup(copy)
            copy.execute("PRAGMA user_version = 999")
        code, said = self.check(folder)
        self.assertEqual((code, len(said)), (0, 1))
        self.assertRegex(said[0], r"it is a database of version 999 and this program's are of version \d+, so only the file was looked through: "
                                  "it is whole")

    def test_what_the_store_has_nothing_to_do_with(self):
        """Without a file to open nothing of the store is answered, and nobody had read of it before."""
        os.rename(self.path, self.path + ".aside")
        self.assertEqual(self.client.get("/openapi.yaml").status, 200)
        self.assertError(self.client.get("/sweeps"), 503)
        os.rename(self.path + ".aside", self.path)
        self.assertEqual(self.client.get("/sweeps").status, 200)

    def test_files_that_are_taken_away_under_the_daemon(self):
        """SQLite would write on into a file without a name, and all of it would be gone with the process."""
        _, (run_id,) = self.running_sweep(1)
        aside = os.path.join(self.folder, "aside")
        for name in ("hyperdrive.db", "hyperdrive.db-wal"):
            path = os.path.join(self.daemon.state, name)
            for replaced in (False, True):
                with self.subTest(name, replaced=replaced):
                    os.rename(path, aside)
                    if replaced:
                        shutil.copy(aside, path)
                    for method, address, body in (("POST", "/runs/%s/metrics" % run_id, {"name": "Accuracy", "value": 1}),
                                                  ("POST", "/sweeps", self.specification()), ("GET", "//readyz", None)):
                        self.assertError(self.client.request(method, address, body), 503, re.compile(
                            re.escape("the database cannot be written: %s was removed or replaced under the daemon; " % path) + ".*"))
                    os.rename(aside, path)
                    wait_until(lambda: self.client.get("//readyz").status == 200, "the file to be found again")
                    self.report(run_id, "Accuracy", 2)
        self.gates.release(run_id)
        self.assertEqual(self.client.read("/runs/%s/metrics" % run_id)["metrics"], {"Accuracy": [2, 2, 2, 2]})

    def spoil_a_page(self):
        """Overwrites a page that nobody needs for anything else: while no daemon runs."""
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'asker'").fetchone()
            (size,) = database.execute("PRAGMA page_size").fetchone()
        with open(self.path, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(os.urandom(size))

    def test_the_daemon_looks_by_itself(self):
        self.filled()
        self.assertEqual(self.client.read("/version")["store"]["checked_utc"], None)
        self.daemon.stop()
        self.daemon.start(options=["--check-interval", "10 ms"])
        wait_until(lambda: self.client.read("/version")["store"]["checked_utc"], "a look through the database")
        self.assertIsNone(self.client.read("/version")["store"]["fault"])
        self.assertIn("the database was looked through for damage: it is whole", self.daemon.log())
        self.assertEqual(self.client.get("//readyz").status, 200)
        self.daemon.stop()
        self.spoil_a_page()
        code, said = self.check()
        self.assertEqual(code, 1)
        self.daemon.start(options=["--check-interval", "10 ms"])
        found = re.compile(r"the last look through the database found this: the file is damaged: .+"
                           r"\(see 'hyperdrived --check-database', and restore a backup\)")

        def told():
            """Before that look a write may have met the page, of which there is another sentence."""
            ready = self.client.get("//readyz")
            return ready.status == 503 and found.fullmatch(ready.error["message"])
        wait_until(told, "a fault")
        self.assertIn("the file is damaged", said[0])
        self.assertIn("the file is damaged", self.client.read("/version")["store"]["fault"])
        self.assertIn("error: database: the file is damaged", self.daemon.log())
        self.assertEqual(self.finished_sweep()["status"], "Completed", "what is not damaged is still of use")


if __name__ == "__main__":
    harness.main()
