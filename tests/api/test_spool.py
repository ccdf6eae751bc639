"""What a child could not report while the daemon was away lies in its spool, and is taken in once at its end."""

import os

import harness
from harness import DaemonTest

# Keeps three reports, written in an order that is neither theirs nor that of their names, and a file that is none.
KEEPER = """#!/bin/sh
mkdir spool
for sequence in 10 2 1; do
  printf '{"reporter":"abc","sequence":%d,"metrics":[{"name":"Accuracy","value":%d}]}' $sequence $sequence > spool/abc.$sequence.json
done
echo 'half a file' > spool/.abc.11
echo 'no JSON' > spool/xyz.1.json
exit ${1:-0}
"""


class Spool(DaemonTest):
    def keeper(self, code=0, program=KEEPER):
        return {"source_directory": self.source({"train.sh": program}), "script": "train.sh", "interpreter": "/bin/sh",
                "arguments": [code]}

    def one(self, **fields):
        return {"hyperparameter_sampling": self.grid(1), "max_total_runs": 1, "initial_failure_limit": 0, **fields}

    def values(self, sweep_id):
        return self.client.read("/sweeps/%s/metrics" % sweep_id)["metrics"].get(sweep_id + "_0")

    def test_taken_in_by_number_before_the_end(self):
        sweep = self.finished_sweep(**self.one(run_config=self.keeper()))
        run_id = sweep["run_id"] + "_0"
        self.assertEqual(self.values(sweep["run_id"]), {"Accuracy": [1, 2, 10]})
        run = self.run_of(run_id)
        self.assertEqual((run["status"], run["reports"], run["best_primary_metric"]), ("Completed", 3, 10.0))
        left = sorted(os.listdir(os.path.join(self.daemon.run_folder(run_id), "spool")))
        self.assertEqual(left, [".abc.11", "xyz.1.json"])
        self.assertIn("xyz.1.json is left where it is: the body is not valid JSON", self.daemon.log())

    def test_taken_in_from_a_failed_child_too(self):
        sweep = self.finished_sweep(**self.one(run_config=self.keeper(3)))
        self.assertEqual(self.values(sweep["run_id"]), {"Accuracy": [1, 2, 10]})
        self.assertEqual(self.run_of(sweep["run_id"] + "_0")["status"], "Failed")

    def test_what_was_stored_before_is_not_doubled(self):
        program = KEEPER.replace("exit", "cat $GATES/hold\nexit")
        os.mkfifo(os.path.join(self.gates.folder, "hold"))
        config = {**self.keeper(program=program), "environment_variables": {"GATES": self.gates.folder}}
        sweep_id = self.submit(**self.one(run_config=config))["run_id"]
        run_id = sweep_id + "_0"
        self.wait_for_run(run_id, "Running")
        answer = self.report(run_id, "Accuracy", 1, reporter="abc", sequence=1)
        self.assertFalse(answer["duplicate"])
        with open(os.path.join(self.gates.folder, "hold"), "w", encoding="utf-8"):
            pass
        self.wait_for_sweep(sweep_id)
        self.assertEqual(self.values(sweep_id), {"Accuracy": [1, 2, 10]})

    def test_a_child_that_ended_while_the_daemon_was_dead(self):
        program = KEEPER.replace("mkdir spool", "cat $GATES/hold\nmkdir spool").replace("exit", "echo done > $GATES/ended\nexit")
        hold = os.path.join(self.gates.folder, "hold")
        os.mkfifo(hold)
        config = {**self.keeper(program=program), "environment_variables": {"GATES": self.gates.folder}}
        sweep_id = self.submit(**self.one(run_config=config))["run_id"]
        self.wait_for_run(sweep_id + "_0", "Running")
        self.daemon.kill()
        with open(hold, "w", encoding="utf-8"):
            pass
        harness.wait_until(lambda: os.path.exists(os.path.join(self.gates.folder, "ended")), "the child's end")
        self.daemon.restart()
        sweep = self.wait_for_sweep(sweep_id)
        self.assertEqual(sweep["status"], "Completed")
        self.assertEqual(self.values(sweep_id), {"Accuracy": [1, 2, 10]})


if __name__ == "__main__":
    harness.main()
