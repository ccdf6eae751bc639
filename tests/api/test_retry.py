"""`hyperdrive retry`: what failed runs again as a new sweep, and nothing else does."""

import harness
from harness import DaemonTest, read_json
from test_command import CONFLICT, NOT_COMPLETED, NOT_FOUND, USAGE, Commanding

# Fails the first time, unless x is 0; completes with what the first time has left.
FLAKY = """
from=$AZUREML_DATAREFERENCE_MODEL_LOCATION
if [ -n "$from" ]; then cp "$from/half" outputs/whole; exit 0; fi
echo half > outputs/half
[ "$AZUREML_SWEEP_x" = 0 ]
"""


class Retry(Commanding, DaemonTest):
    def flaky_sweep(self, count=3, command=FLAKY, **fields):
        sweep = self.finished_sweep(hyperparameter_sampling=self.grid(count), max_total_runs=count, initial_failure_limit=0,
                                    run_config={"command": ["/bin/sh", "-c", command]}, **fields)
        return sweep["run_id"]

    def retry(self, *arguments):
        """Retries; the resource of the new sweep when it has ended."""
        return self.wait_for_sweep(self.command("retry", *arguments).strip())

    def resumed(self, sweep_id):
        return [(child["resumed_from"].rpartition("_")[2], child["hyperparameters"]["x"], child["status"])
                for child in self.children(sweep_id)]

    def test_all_that_failed(self):
        sweep_id = self.flaky_sweep(tags={"team": "a"}, max_concurrent_runs=2)
        self.assertEqual(self.sweep(sweep_id)["children"], {"total": 3, "Completed": 1, "Failed": 2})
        again = self.retry(sweep_id)
        self.assertEqual(self.errors, "hyperdrive: 2 runs of %s run again as %s\n" % (sweep_id, again["run_id"]))
        self.assertEqual(self.resumed(again["run_id"]), [("1", 1, "Completed"), ("2", 2, "Completed")])
        self.assertEqual(again["tags"], {"team": "a", "retry_of": sweep_id})
        self.assertRegex(self.command("show", again["run_id"] + "_0"), r"(?m)^runs again +%s_1$" % sweep_id)
        old = self.client.read("/sweeps/%s/config" % sweep_id)
        self.assertEqual({**again["config"], "tags": old["tags"]},
                         {**old, "max_total_runs": 2, "resume_child_runs": [sweep_id + "_1", sweep_id + "_2"]})
        self.assertEqual(self.sweep(sweep_id)["children"], {"total": 3, "Completed": 1, "Failed": 2})

    def test_the_last_sweep_to_its_end(self):
        sweep_id = self.flaky_sweep(command="exit 3")
        printed = self.command("retry", "--watch", "last", code=NOT_COMPLETED)
        self.assertEqual(self.sweep(printed.splitlines()[0])["tags"]["retry_of"], sweep_id)

    def test_json(self):
        sweep_id = self.flaky_sweep()
        sweep = read_json(self.command("retry", "--json", sweep_id))
        self.assertEqual((sweep["max_total_runs"], sweep["config"]["resume_child_runs"][0]), (2, sweep_id + "_1"))

    def test_named_runs(self):
        sweep_id = self.flaky_sweep()
        again = self.retry(sweep_id + "_2", sweep_id + "_1")
        self.assertEqual(self.resumed(again["run_id"]), [("2", 2, "Completed"), ("1", 1, "Completed")])
        self.command("retry", sweep_id + "_0", code=CONFLICT)
        self.assertIn("run %s_0 is not one that failed: Completed" % sweep_id, self.errors)
        other_id = self.flaky_sweep()
        self.command("retry", sweep_id + "_1", other_id + "_1", code=USAGE)
        self.assertIn("retry the runs of each sweep by themselves", self.errors)
        self.command("retry", sweep_id + "_1", other_id, code=USAGE)
        self.assertIn("%s is a sweep: name one sweep, or runs" % other_id, self.errors)
        self.command("retry", "nobody", code=NOT_FOUND)
        self.command("retry", code=USAGE)

    def test_cancelled_ones_when_asked_for(self):
        sweep_id, runs = self.running_sweep(3, hyperparameter_sampling=self.grid(3))
        self.client.post("/runs/%s/cancel" % runs[1])
        self.gates.release(runs[0], 7)
        self.gates.release(runs[2])
        self.wait_for_sweep(sweep_id, "Completed")
        self.command("retry", runs[1], code=CONFLICT)
        self.assertIn("run %s was Canceled; --canceled runs it again" % runs[1], self.errors)
        for options, expected in (((), ["0"]), (("--canceled",), ["0", "1"])):
            again = self.command("retry", *options, sweep_id).strip()
            for number in range(len(expected)):
                self.gates.release("%s_%d" % (again, number))
            self.wait_for_sweep(again, "Completed")
            self.assertEqual([number for number, _, _ in self.resumed(again)], expected)

    def test_nothing_to_retry(self):
        sweep_id = self.finished_sweep()["run_id"]
        self.assertEqual(self.command("retry", sweep_id, code=NOT_FOUND), "")
        self.assertEqual(self.errors, "hyperdrive: nothing of %s is to be run again: no run of it has failed\n" % sweep_id)
        self.command("retry", "--canceled", sweep_id, code=NOT_FOUND)
        self.assertIn("and none was cancelled by a user or a limit", self.errors)
        self.assertEqual(len(self.daemon.sweeps()), 1)

    def test_more_than_a_page(self):
        sweep_id = self.flaky_sweep(count=1001, command="exit 1", deadline=240)
        again = read_json(self.command("retry", "--json", sweep_id))
        self.assertEqual(again["config"]["resume_child_runs"], ["%s_%d" % (sweep_id, number) for number in range(1001)])


if __name__ == "__main__":
    harness.main()
