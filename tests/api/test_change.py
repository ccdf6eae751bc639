"""PATCH of a sweep: its budget and concurrency while it runs."""

import harness
from harness import DaemonTest, wait_until


class Change(DaemonTest):
    def change(self, sweep_id, **fields):
        return self.client.request("PATCH", "/sweeps/%s" % sweep_id, body=fields)

    def held_sweep(self, grid, **fields):
        """A grid of `grid` configurations whose first child (or children) wait at their gates."""
        fields = {"max_total_runs": grid, **fields}
        sweep_id = self.submit(hyperparameter_sampling=self.grid(grid), run_config=self.gated(), **fields)["run_id"]
        self.gates.wait_started(1)
        return sweep_id

    def total(self, sweep_id):
        return self.sweep(sweep_id)["children"]["total"]

    def test_more_concurrency_starts_more_children(self):
        sweep_id = self.held_sweep(4, max_concurrent_runs=1)
        response = self.change(sweep_id, max_concurrent_runs=3)
        self.assertEqual(response.status, 200, response.body)
        self.assertEqual(response.json["config"]["max_concurrent_runs"], 3)
        self.gates.wait_started(3)
        self.assertEqual(self.total(sweep_id), 3)

    def test_null_means_as_many_as_there_are_slots(self):
        sweep_id = self.held_sweep(4, max_concurrent_runs=1)
        response = self.change(sweep_id, max_concurrent_runs=None)
        self.assertIsNone(response.json["config"]["max_concurrent_runs"])
        self.gates.wait_started(4)

    def test_more_budget_goes_on_after_the_generation_had_ended(self):
        sweep_id = self.held_sweep(5, max_total_runs=1)
        self.assertEqual(self.total(sweep_id), 1)
        response = self.change(sweep_id, max_total_runs=2)
        self.assertEqual((response.status, response.json["config"]["max_total_runs"]), (200, 2))
        self.gates.wait_started(2)
        log = self.client.get("/sweeps/%s/log" % sweep_id).body.decode()
        self.assertIn("]configurations are sampled again: the budget was raised\n", log)
        self.assertEqual(log.count("]no more configurations are sampled: max_total_runs\n"), 2)
        self.assertNotIn("no more configurations are sampled: resumed", log)
        for number in range(2):
            self.gates.release("%s_%d" % (sweep_id, number))
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual((sweep["children"]["total"], sweep["status_reason"]["code"]), (2, "max_total_runs"))

    def test_less_budget_ends_the_generation(self):
        sweep_id = self.held_sweep(5, max_concurrent_runs=1)
        self.assertEqual(self.change(sweep_id, max_total_runs=1).status, 200)
        self.gates.release(sweep_id + "_0")
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"]["total"], 1)

    def test_a_change_survives_a_kill(self):
        sweep_id = self.held_sweep(3, max_concurrent_runs=1)
        self.assertEqual(self.change(sweep_id, max_total_runs=2, max_concurrent_runs=2).status, 200)
        self.daemon.kill()
        self.daemon.restart()
        self.gates.wait_started(2)
        config = self.client.read("/sweeps/%s/config" % sweep_id)
        self.assertEqual((config["max_total_runs"], config["max_concurrent_runs"]), (2, 2))

    def test_not_below_what_was_generated(self):
        sweep_id = self.held_sweep(3, max_concurrent_runs=2)
        wait_until(lambda: self.total(sweep_id) == 2, "two children")
        self.assertError(self.change(sweep_id, max_total_runs=1), 409,
                         "'max_total_runs' must be at least 2, the number of children that were generated already, got 1")
        self.assertEqual(self.sweep(sweep_id)["config"]["max_total_runs"], 3)

    def test_an_ended_sweep_is_left_alone(self):
        sweep = self.finished_sweep(max_total_runs=1)
        self.assertError(self.change(sweep["run_id"], max_total_runs=5), 409,
                         "the sweep has ended: its budget cannot be changed any more")

    def test_a_large_body_is_not_read(self):
        sweep_id = self.held_sweep(2, max_concurrent_runs=1)
        for method, path in (("PATCH", "/sweeps/%s" % sweep_id), ("POST", "/sweeps/%s/cancel" % sweep_id)):
            response = self.client.request(method, path, body={"max_total_runs": 2, "padding": "x" * 40000})
            self.assertEqual((response.status, response.json["error"]["code"]), (413, "TooLarge"))
            self.assertIn("at most 32768", response.json["error"]["message"])
        self.assertEqual(self.sweep(sweep_id)["status"], "Running")

    def test_bad_input(self):
        sweep_id = self.held_sweep(2, max_concurrent_runs=1)
        for fields, message in (
            ({}, "give 'max_total_runs', 'max_concurrent_runs', or both"),
            ({"max_total_runs": 0}, "'max_total_runs' must be between 1 and 1000000, got 0"),
            ({"max_total_runs": None}, "'max_total_runs' must be an integer, got null"),
            ({"max_concurrent_runs": "2"}, "'max_concurrent_runs' must be an integer, got \"2\""),
            ({"max_concurrent_runs": 1.5}, "'max_concurrent_runs' must be an integer, got 1.5"),
            ({"seed": 1}, "'seed' is not a known field; a running sweep's max_total_runs and max_concurrent_runs can be changed"),
        ):
            self.assertError(self.change(sweep_id, **fields), 400, message)
        self.assertError(self.change("nobody", max_total_runs=1), 404, "no sweep with id 'nobody'")


if __name__ == "__main__":
    harness.main()
