"""Folders are prepared for children to come while earlier ones run: they are moved to their place, never shared, and never left over."""

import os

import harness
from harness import GATED, DaemonTest, wait_until


class Ahead(DaemonTest):
    def prepared(self):
        """Paths of the folders that are prepared, whole or in the making."""
        found = []
        top = os.path.join(self.daemon.state, "ahead")
        for place in os.listdir(top) if os.path.isdir(top) else []:
            try:
                found += [os.path.join(top, place, name) for name in os.listdir(os.path.join(top, place))]
            except FileNotFoundError:
                pass
        return found

    def wait_prepared(self, count=1):
        """So many, and nearly ready: the folder for outputs comes last."""
        def ready():
            return [path for path in self.prepared() if os.path.isdir(os.path.join(path, "outputs"))]
        return wait_until(lambda: len(ready()) >= count and ready(), "%d prepared folders" % count)

    def wait_none(self):
        wait_until(lambda: not self.prepared(), "the end of what was prepared")

    def gated_sweep(self, count, **fields):
        source = self.source({"train.sh": GATED, "data/numbers.csv": "1,2,3\n"}, "source%d" % count)
        config = {"source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "environment_variables": {"GATES": self.gates.folder}}
        sweep_id = self.submit(**{"hyperparameter_sampling": self.grid(count), "max_total_runs": count, "max_concurrent_runs": 1,
                                  "run_config": config, **fields})["run_id"]
        return sweep_id, ["%s_%d" % (sweep_id, number) for number in range(count)]

    def file_of(self, run_id):
        return os.path.join(self.daemon.run_folder(run_id), "data", "numbers.csv")

    def test_moved_to_its_place(self):
        sweep_id, runs = self.gated_sweep(5)
        moved = 0
        for number, run_id in enumerate(runs):
            self.gates.environment(run_id)
            with open(self.file_of(run_id), encoding="utf-8") as file:
                self.assertEqual(file.read(), "1,2,3\n")
            self.assertTrue(os.path.isdir(os.path.join(self.daemon.run_folder(run_id), "outputs")))
            inode = None
            if number + 1 < len(runs):
                (path,) = self.wait_prepared()
                inode = os.stat(os.path.join(path, "data", "numbers.csv")).st_ino
            self.gates.release(run_id)
            if inode is not None:
                self.gates.environment(runs[number + 1])
                moved += os.stat(self.file_of(runs[number + 1])).st_ino == inode
        self.assertEqual(self.wait_for_sweep(sweep_id)["children"]["Completed"], 5)
        self.assertGreater(moved, 0)
        self.assertEqual(self.gates.started(), runs)
        self.wait_none()

    def test_bounded_by_the_children_that_run(self):
        sweep_id, runs = self.gated_sweep(12, max_concurrent_runs=4)
        for run_id in runs[:4]:
            self.gates.environment(run_id)
        self.assertEqual(len(self.wait_prepared(2)), 2)
        for run_id in runs[:4]:
            self.gates.release(run_id)
        for run_id in runs[4:8]:
            self.gates.environment(run_id)
            self.assertTrue(os.path.exists(self.file_of(run_id)))
            self.assertLessEqual(len(self.prepared()), 2)
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id, "Canceled")
        self.wait_none()

    def test_nothing_for_the_last_child(self):
        sweep_id, runs = self.gated_sweep(1)
        self.wait_for_run(runs[0], "Running")
        self.gates.environment(runs[0])
        self.assertEqual(self.prepared(), [])
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertFalse(os.path.exists(os.path.join(self.daemon.state, "ahead")))

    def test_what_a_killed_daemon_prepared_is_removed(self):
        sweep_id, runs = self.gated_sweep(3)
        self.gates.environment(runs[0])
        old = self.wait_prepared()
        self.daemon.kill()
        self.daemon.start()
        wait_until(lambda: not any(os.path.exists(path) for path in old), "the removal of what the killed daemon had prepared")
        for run_id in runs:
            self.gates.release(run_id)
        self.assertEqual(self.wait_for_sweep(sweep_id)["children"]["Completed"], 3)
        self.assertEqual(self.gates.started(), runs)
        self.wait_none()

    def test_a_stop_removes_it(self):
        _, runs = self.gated_sweep(3)
        self.gates.environment(runs[0])
        self.wait_prepared()
        self.daemon.stop()
        self.assertEqual(self.prepared(), [])
        self.daemon.start()

    def test_a_place_that_is_taken(self):
        """A crash between the move and the claim leaves the folder in place: the child runs there, with a folder of its own making."""
        sweep_id, runs = self.gated_sweep(2)
        self.gates.environment(runs[0])
        self.wait_prepared()
        taken = self.daemon.run_folder(runs[1])
        os.makedirs(os.path.join(taken, "data"))
        with open(os.path.join(taken, "data", "numbers.csv"), "w", encoding="utf-8") as file:
            file.write("half")
        self.gates.release(runs[0])
        self.gates.environment(runs[1])
        with open(self.file_of(runs[1]), encoding="utf-8") as file:
            self.assertEqual(file.read(), "1,2,3\n")
        self.gates.release(runs[1])
        self.wait_for_sweep(sweep_id, "Completed")
        self.wait_none()


if __name__ == "__main__":
    harness.main()
