"""Sweeps with bayesian sampling, driven by clients: what is known decides what comes next, and nothing is proposed twice."""

import concurrent.futures
import json
import threading

import harness
from harness import Client, DaemonTest

SPACE = {"x": ["uniform", [-3, 3]], "y": ["uniform", [-2, 2]]}


def camel(values):
    x, y = values["x"], values["y"]
    return (4 - 2.1 * x * x + x ** 4 / 3) * x * x + x * y + (-4 + 4 * y * y) * y * y


class Bayesian(DaemonTest):
    def bayesian(self, space=None, total=30, seed=5, **fields):
        fields.setdefault("run_config", {"launcher": "client"})
        sampling = {"type": "bayesian", "parameter_space": space or SPACE, "seed": seed}
        return self.submit(hyperparameter_sampling=sampling, primary_metric_name="loss", primary_metric_goal="minimize",
                           max_total_runs=total, **fields)

    def ask(self, sweep_id):
        response = self.client.post("/sweeps/%s/ask" % sweep_id)
        return response.json if response.status == 201 else None

    def finish(self, run, value):
        """Reports, unless `value` is None: then the run fails."""
        own = Client(self.daemon.url, run["token"])
        if value is not None:
            self.report(run["run_id"], "loss", value, own)
        end = own.post("/runs/%s/%s" % (run["run_id"], "complete" if value is not None else "fail"))
        self.assertEqual(end.status, 200, end.body)

    def run_all(self, sweep_id, loss):
        """One client to the end: all configurations in their order."""
        given = []
        while (run := self.ask(sweep_id)) is not None:
            given.append(run["hyperparameters"])
            self.finish(run, loss(run["hyperparameters"]))
        return given

    def test_it_learns(self):
        sweep_id = self.bayesian()["run_id"]
        given = self.run_all(sweep_id, camel)
        self.assertEqual(len(given), 30)
        self.wait_for_sweep(sweep_id, "Completed")
        best = self.client.read("/sweeps/%s/best" % sweep_id)["run"]
        self.assertLess(best["best_primary_metric"], -1.03)

    def test_the_same_events_give_the_same_configurations_across_a_kill(self):
        first = self.run_all(self.bayesian(total=12)["run_id"], camel)
        sweep_id, second = self.bayesian(total=12)["run_id"], []
        while (run := self.ask(sweep_id)) is not None:
            second.append(run["hyperparameters"])
            self.finish(run, camel(run["hyperparameters"]))
            if len(second) == 8:
                self.daemon.kill()
                self.daemon.start()
        self.assertEqual(first, second)

    def test_failures_and_huge_losses_teach_without_blinding(self):
        def loss(values):
            return None if values["x"] > 1 else 1e6 if values["x"] < -2 else "Infinity" if values["y"] > 1.5 else camel(values)
        sweep_id = self.bayesian(total=40, initial_failure_limit=0)["run_id"]
        self.run_all(sweep_id, loss)
        self.assertLess(self.client.read("/sweeps/%s/best" % sweep_id)["run"]["best_primary_metric"], -1)

    def test_many_clients_get_different_configurations(self):
        sweep_id = self.bayesian(total=48)["run_id"]
        given, lock = [], threading.Lock()

        def work(_):
            while (run := self.ask(sweep_id)) is not None:
                with lock:
                    given.append(json.dumps(run["hyperparameters"]))
                self.finish(run, camel(run["hyperparameters"]))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        self.assertEqual((len(given), len(set(given))), (48, 48))
        self.wait_for_sweep(sweep_id, "Completed")

    def test_a_finite_space_ends_the_sweep(self):
        space = {"a": ["choice", [["x", "y", "z"]]], "b": ["randint", [4]]}
        sweep = self.bayesian(space, total=100)
        self.assertIn("SpaceSmallerThanBudget", [warning["code"] for warning in sweep["warnings"]])
        given = self.run_all(sweep["run_id"], lambda values: values["b"] + len(values["a"]))
        self.assertEqual(len({json.dumps(values) for values in given}), 12)
        self.assertEqual(len(given), 12)
        self.assertEqual(self.wait_for_sweep(sweep["run_id"], "Completed")["status_reason"]["code"], "search_space_exhausted")

    def test_inherited_sweeps_are_known(self):
        space = {"a": ["choice", [["x", "y", "z"]]], "b": ["randint", [4]]}
        first = self.bayesian(space, total=7)["run_id"]
        known = self.run_all(first, lambda values: values["b"])
        self.wait_for_sweep(first, "Completed")
        second = self.bayesian(space, total=100, resume_from=first)["run_id"]
        given = self.run_all(second, lambda values: values["b"])
        self.wait_for_sweep(second, "Completed")
        every = [json.dumps(values) for values in known + given]
        self.assertEqual((len(every), len(set(every))), (12, 12))
        # Everything is known: there is nothing to try.
        third = self.bayesian(space, total=100, resume_from=[first, second])["run_id"]
        self.assertIsNone(self.ask(third))
        self.assertEqual(self.wait_for_sweep(third, "Completed")["status_reason"]["code"], "search_space_exhausted")

    def test_inherited_points_stand_in_for_the_first_draws(self):
        first = self.bayesian(total=24)["run_id"]
        self.run_all(first, camel)
        self.wait_for_sweep(first, "Completed")
        space = {**SPACE, "x": ["uniform", [-1, 3]]}
        drawn = self.run_all(self.bayesian(space, total=10)["run_id"], camel)
        sweep = self.bayesian(space, total=10, resume_from=first)
        self.assertIn("ResumePointsSkipped", [warning["code"] for warning in sweep["warnings"]])
        proposed = self.run_all(sweep["run_id"], camel)
        for values in drawn[:5]:
            self.assertNotIn(values, proposed)
        self.assertLess(min(camel(values) for values in proposed), min(camel(values) for values in drawn[:5]))

    def test_warnings(self):
        sweep = self.bayesian(total=20, max_concurrent_runs=6, trial_timeout_seconds=600)
        self.assertEqual([(warning["code"], warning["message"]) for warning in sweep["warnings"]], [
            ("BayesianFewRuns", "'max_total_runs' (20) is less than 20 times the number of parameters (2): bayesian sampling may not have "
             "learned enough by then"),
            ("BayesianConcurrency", "6 of 20 runs may run at once, more than a quarter: bayesian sampling learns nothing from a run before "
             "it has ended; a smaller 'max_concurrent_runs' gives better runs")])
        sweep = self.bayesian(total=40, max_concurrent_runs=10, trial_timeout_seconds=600)
        self.assertEqual(sweep["warnings"], [])


class BayesianOnSlots(DaemonTest):
    """The daemon's own processes, eight at once: proposals are made ahead."""

    daemon_options = {"slots": 8}

    def test_slots_are_kept_busy(self):
        sampling = {"type": "bayesian", "parameter_space": {"x": ["uniform", [0, 1]]}, "seed": 1}
        sweep_id = self.submit(hyperparameter_sampling=sampling, primary_metric_name="loss", primary_metric_goal="minimize",
                               max_total_runs=40,
                               run_config={"command": "%s report loss=$AZUREML_SWEEP_x" % harness.COMMAND})["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")
        children = self.client.read("/sweeps/%s/hyperparameters" % sweep_id)["hyperparameters"]
        self.assertEqual(len({json.dumps(values) for values in children.values()}), 40)
        # Forty draws come no nearer than a fortieth or so.
        self.assertLess(self.client.read("/sweeps/%s/best" % sweep_id)["run"]["best_primary_metric"], 1e-3)


if __name__ == "__main__":
    harness.main()
