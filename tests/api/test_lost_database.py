"""A state folder without its database, or with another one: nothing is taken for garbage, and nothing is made anew in silence."""

import contextlib
import os
import shutil
import sqlite3

import harness
from harness import DaemonTest

CONFIGURATION_MISTAKE = 2  # with which systemd leaves it at that


class LostDatabase(DaemonTest):
    def setUp(self):
        super().setUp()
        self.database = os.path.join(self.daemon.state, "hyperdrive.db")

    def sweep_with_snapshot(self):
        """A sweep that has ended: its id."""
        source = self.source({"train.py": "print('trained')\n"})
        return self.finished_sweep(run_config={"source_directory": source, "script": "train.py"})["run_id"]

    def files(self):
        """Whatever the start writes first."""
        return sorted(os.path.join(path, name) for part in ("runs", "snapshots")
                      for path, folders, names in os.walk(os.path.join(self.daemon.state, part)) for name in folders + names)

    def assertRefused(self, sentence):
        before = self.files()
        code, said = self.daemon.refused()
        self.assertEqual(code, CONFIGURATION_MISTAKE, said)
        self.assertIn(sentence, said)
        self.assertEqual(self.files(), before)

    def test_missing_or_empty(self):
        sweep_id = self.sweep_with_snapshot()
        self.daemon.stop()
        aside = os.path.join(self.folder, "aside.db")
        os.rename(self.database, aside)
        sentence = "%s is %s, but %s/runs is not: put the database back, or a backup of it (hyperdrive backup makes them); to begin anew, " \
                   "move runs and snapshots away"
        self.assertRefused(sentence % (self.database, "missing", self.daemon.state))
        self.assertFalse(os.path.exists(self.database), "a second start would say something else")
        with open(self.database, "wb"):
            pass
        self.assertRefused(sentence % (self.database, "empty", self.daemon.state))
        with contextlib.closing(sqlite3.connect(self.database)) as empty:
            empty.execute("PRAGMA journal_mode = WAL")
        self.assertRefused("has nothing in it")
        os.replace(aside, self.database)
        self.daemon.start()
        self.assertEqual(self.sweep(sweep_id)["status"], "Completed")

    def test_its_log_alone(self):
        """SQLite would delete a write-ahead log whose database is missing, and with it what was acknowledged."""
        self.daemon.kill()
        aside, log = os.path.join(self.folder, "aside.db"), self.database + "-wal"
        size = os.stat(log).st_size
        self.assertGreater(size, 0)
        os.rename(self.database, aside)
        self.assertRefused("%s is missing, but %s is not" % (self.database, log))
        self.assertEqual(os.stat(log).st_size, size)
        os.rename(aside, self.database)
        self.daemon.start()

    def test_to_begin_anew(self):
        self.sweep_with_snapshot()
        self.daemon.stop()
        os.unlink(self.database)
        for name in ("runs", "snapshots"):
            os.rename(os.path.join(self.daemon.state, name), os.path.join(self.folder, name))
        self.daemon.start()
        self.assertEqual(self.client.read("/sweeps")["sweeps"], [])

    def test_an_older_one(self):
        """Of sweeps that it does not know nothing is removed as long as their runs are there."""
        older = os.path.join(self.folder, "older.db")
        self.daemon.stop()
        shutil.copy(self.database, older)
        self.daemon.start()
        sweep_id = self.sweep_with_snapshot()
        self.daemon.stop()
        shutil.copy(older, self.database)
        orphan = os.path.join(self.daemon.state, "snapshots", "HD_of_a_submission_that_was_never_answered")
        os.mkdir(orphan)
        before = [path for path in self.files() if path != orphan]
        begin = len(self.daemon.log())
        self.daemon.start()
        harness.wait_until(lambda: not os.path.exists(orphan), "the removal of what nobody knows")
        self.assertEqual(self.files(), before)
        self.assertIn("the database does not know the sweep %s, whose files are in %s" % (sweep_id, self.daemon.state),
                      self.daemon.log()[begin:])


if __name__ == "__main__":
    harness.main()
