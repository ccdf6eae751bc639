"""A copy of the database while it is written to, and a daemon that starts on the copy."""

import contextlib
import os
import sqlite3
import subprocess
import threading

import harness
from harness import DaemonTest, wait_until

REPORTERS = 4


class Reporter(threading.Thread):
    """Reports 1, 2, 3, ... under a name of its own, until it is told to leave off."""

    def __init__(self, client, run_id, name):
        super().__init__(daemon=True)
        self.client, self.run_id, self.name_of_points = client, run_id, name
        self.acknowledged, self.fault, self.enough = 0, None, threading.Event()

    def run(self):
        while not self.enough.is_set() and self.fault is None:
            value = self.acknowledged + 1
            answer = self.client.post("/runs/%s/metrics" % self.run_id, {"name": self.name_of_points, "value": value})
            if answer.status == 200:
                self.acknowledged = value
            else:
                self.fault = answer.body


class Backup(DaemonTest):
    def command(self, *arguments):
        return subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, "backup", *arguments], capture_output=True, text=True,
                              timeout=harness.DEADLINE, check=False)

    def test_what_a_killed_daemon_has_left_of_one(self):
        self.daemon.kill()
        names = {".unfinished-backup-aB3xYz": False, ".unfinished-backup-": True, "backup-202611": True}
        for name in names:
            with open(os.path.join(self.daemon.state, name), "w", encoding="ascii") as file:
                file.write("a part of it")
        self.daemon.start()
        self.assertEqual({name: os.path.exists(os.path.join(self.daemon.state, name)) for name in names}, names)

    def restored(self, path, name):
        """The state folder of a daemon that is to start on the copy; the copy is whole."""
        folder = os.path.join(self.folder, name)
        os.makedirs(os.path.join(folder, "state"))
        os.rename(path, os.path.join(folder, "state", "hyperdrive.db"))
        said = subprocess.run([harness.HYPERDRIVED, "--state-dir", os.path.join(folder, "state"), "--check-database"], capture_output=True,
                              text=True, timeout=harness.DEADLINE, check=False)
        self.assertEqual((said.returncode, said.stderr), (0, ""), said)
        return folder

    def test_while_points_are_reported(self):
        _, runs = self.running_sweep(2)
        reporters = [Reporter(self.client, runs[number % 2], "r%d" % number) for number in range(REPORTERS)]
        for reporter in reporters:
            reporter.start()
        path = os.path.join(self.folder, "copy.db")
        for number in range(3):
            wait_until(lambda number=number: all(reporter.acknowledged > 20 * (number + 1) or reporter.fault for reporter in reporters),
                       "reports")
            before = [reporter.acknowledged for reporter in reporters]
            said = self.command(path)
            self.assertEqual((said.returncode, said.stderr), (0, ""), said)
            after = [reporter.acknowledged + 1 for reporter in reporters]
            self.assertRegex(said.stdout, r"\A%s has the database, %d bytes\n\Z" % (path, os.stat(path).st_size))
            self.assertEqual([name for name in os.listdir(self.daemon.state) if name.startswith("backup")], [])
            state = os.path.join(self.restored(path, "copy%d" % number), "state")
            with contextlib.closing(sqlite3.connect(os.path.join(state, "hyperdrive.db"))) as copy:
                for least, most, reporter in zip(before, after, reporters):
                    points = [row[0] for row in copy.execute("SELECT value FROM point JOIN name USING (name) WHERE text = ? "
                                                             "ORDER BY sequence", (reporter.name_of_points,))]
                    self.assertEqual(points, list(range(1, len(points) + 1)))
                    self.assertTrue(least <= len(points) <= most, (least, len(points), most))
        for reporter in reporters:
            reporter.enough.set()
            reporter.join(harness.DEADLINE)
            self.assertIsNone(reporter.fault)
        for run_id in runs:
            self.gates.release(run_id)

    def answers(self, sweep_id):
        return {path: self.client.read("/sweeps/%s%s" % (sweep_id, path)) for path in (
            "", "/best", "/children", "/children/sorted", "/hyperparameters", "/metrics", "/config")}

    def test_a_daemon_starts_on_the_copy(self):
        sweep_id, runs = self.running_sweep(3)
        for number, run_id in enumerate(runs):
            self.report(run_id, "Accuracy", [0.5, 0.9, 0.7][number])
            self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)
        path = os.path.join(self.folder, "copy.db")
        said = self.command("--json", path)
        self.assertEqual(harness.read_json(said.stdout), {"file": path, "bytes": os.stat(path).st_size})
        before = self.answers(sweep_id)
        self.assertEqual(before["/best"]["run"]["run_id"], runs[1])
        self.daemon.stop()
        restored = self.new_daemon(self.restored(path, "restored"))
        original, self.daemon = self.daemon, restored
        restored.start()
        after = self.answers(sweep_id)
        for children in (answer.get("children", []) for answer in (*before.values(), *after.values())):
            for child in children if isinstance(children, list) else []:
                child.pop("run_directory", None)
        self.assertEqual(after, before)
        self.assertEqual(self.finished_sweep()["status"], "Completed", "it goes on from there")
        restored.stop()
        self.daemon = original
        original.start()

    def beside(self, path):
        """What has this name, and what was made for it."""
        return [name for name in os.listdir(os.path.dirname(path)) if name.startswith(os.path.basename(path))]

    def test_a_copy_in_its_own_state_folder(self):
        """The files there are of a later time. What ran meanwhile is not run once more, and what runs is taken up."""
        sweep_id = self.submit(max_total_runs=4, max_concurrent_runs=1, run_config=self.gated(), hyperparameter_sampling=self.grid(4))["run_id"]
        runs = ["%s_%d" % (sweep_id, number) for number in range(4)]
        self.gates.environment(runs[0])
        path, database = os.path.join(self.folder, "copy.db"), os.path.join(self.daemon.state, "hyperdrive.db")
        self.assertEqual(self.command(path).returncode, 0)
        for run_id in runs[:2]:
            self.report(run_id, "Accuracy", 1)
            self.gates.release(run_id)
            self.wait_for_run(run_id, "Completed")
        self.gates.environment(runs[2])
        self.wait_for_run(runs[2], "Running")
        self.daemon.stop()
        os.rename(path, database)
        self.daemon.start()
        for run_id in runs[:2]:
            self.assertEqual(self.wait_for_run(run_id, "Failed")["error"]["code"], "Lost")
        self.wait_for_run(runs[2], "Running")
        for run_id in runs[2:]:
            self.report(run_id, "Accuracy", 2)
            self.gates.release(run_id)
            self.wait_for_run(run_id, "Completed")
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.gates.started(), runs, "each ran once")

    def test_a_copy_beside_the_log_of_another_database(self):
        """SQLite would play the log over it, page by page."""
        sweep_id = self.finished_sweep()["run_id"]
        path = os.path.join(self.folder, "copy.db")
        self.assertEqual(self.command(path).returncode, 0)
        self.finished_sweep()
        self.daemon.kill()
        database = os.path.join(self.daemon.state, "hyperdrive.db")
        self.assertGreater(os.stat(database + "-wal").st_size, 0)
        os.rename(path, database)
        code, said = self.daemon.refused()
        self.assertEqual(code, 2, said)
        sentence = "%s is a backup, and %s-wal the log of another database: remove %s-wal and %s-shm" % (4 * (database,))
        self.assertIn(sentence, said)
        checked = subprocess.run([harness.HYPERDRIVED, "--state-dir", self.daemon.state, "--check-database"], capture_output=True, text=True,
                                 timeout=harness.DEADLINE, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (1, "", "hyperdrived: %s\n" % sentence))
        for companion in ("-wal", "-shm"):
            os.unlink(database + companion)
        self.daemon.start()
        self.assertEqual([sweep["run_id"] for sweep in self.client.read("/sweeps")["sweeps"]], [sweep_id])
        self.finished_sweep()
        self.daemon.restart()

    def test_what_is_there_is_replaced_whole_or_not_at_all(self):
        path = os.path.join(self.folder, "copy.db")
        self.assertEqual(self.command(path).returncode, 0)
        with open(path, "rb") as file:
            first = file.read()
        self.daemon.kill()
        self.assertEqual(self.command("--replace", path).returncode, 6)
        said = self.command(os.path.join(self.folder, "nowhere", "copy.db"))
        self.assertEqual(said.returncode, 2, said)
        self.assertIn("cannot make a file beside", said.stderr)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), first)
        self.assertEqual(self.beside(path), ["copy.db"])
        self.daemon.start()
        self.finished_sweep()
        os.chmod(path, 0o644)
        self.assertEqual(self.command("--replace", path).returncode, 0)
        with open(path, "rb") as file:
            self.assertNotEqual(file.read(), first)
        self.assertEqual(self.beside(path), ["copy.db"])
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def assertLeftAlone(self, path, sentence, *options, code=4):
        said = self.command(*options, path)
        self.assertEqual(said.returncode, code, said)
        self.assertIn(sentence, said.stderr)

    def test_what_is_no_place_for_a_backup(self):
        def at(name):
            return os.path.join(self.folder, name)
        self.assertEqual(self.command(at("earlier.db")).returncode, 0)
        with open(at("thesis.tex"), "w", encoding="ascii") as file:
            file.write("years of work " * 100)
        os.mkdir(at("backups"))
        os.symlink("thesis.tex", at("link"))
        os.symlink("nothing", at("dangling"))
        os.mkfifo(at("fifo"))
        before = {name: os.lstat(at(name)).st_ino for name in os.listdir(self.folder)}
        self.assertLeftAlone(at("earlier.db"), "earlier.db exists: give another name, or --replace to have the new backup in its place")
        for options in ((), ("--replace",)):
            for name, sentence in (("backups", "is a folder: give the name of a file in it"), ("link", "is a symbolic link"),
                                   ("dangling", "is a symbolic link"), ("fifo", "is no regular file")):
                self.assertLeftAlone(at(name), sentence, *options, code=2)
            for name in ("hyperdrive.db", "hyperdrive.db-wal"):
                database = os.path.join(self.daemon.state, name)
                node = os.stat(database).st_ino
                self.assertLeftAlone(database, "hyperdrive.db is the place of a database that is in use" if name == "hyperdrive.db" else "",
                                     *options)
                self.assertEqual(os.stat(database).st_ino, node)
        self.assertLeftAlone(at("thesis.tex"), "thesis.tex exists")
        self.assertLeftAlone(at("thesis.tex"), "thesis.tex is no earlier backup: give another name, or remove it", "--replace")
        self.assertEqual({name: os.lstat(at(name)).st_ino for name in os.listdir(self.folder)}, before)
        with open(at("empty.db"), "wb"):
            pass
        self.assertEqual(self.command("--replace", at("empty.db")).returncode, 0)

    def test_who_may(self):
        _, (run_id,) = self.running_sweep(1)
        self.assertError(self.child_client(run_id).post("/backup"), 403)
        self.assertError(harness.Client(self.daemon.url, None).post("/backup"), 401)
        self.assertError(self.client.post("/backup", {"file": "/etc/passwd"}), 400)
        self.gates.release(run_id)


if __name__ == "__main__":
    harness.main()
