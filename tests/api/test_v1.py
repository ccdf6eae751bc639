"""Configurations of the v1 SDK as JSON: the ten expressions in both notations, and for every field what comes of the values that it takes."""

import json

import harness
from harness import SharedDaemonTest

SAMPLING = "hyperparameter_sampling"

# Of each expression: its fields in the order of the list form, with values.
EXPRESSIONS = {
    "choice": {"values": [1, 2.5, "b", True, None, [1, [2]], {"a": {"deep": 1.0}}]},
    "randint": {"upper": 1000},
    "uniform": {"min_value": -1, "max_value": 1.0},
    "quniform": {"min_value": 0, "max_value": 100, "q": 0.4},
    "loguniform": {"min_value": -6.0, "max_value": 0},
    "qloguniform": {"min_value": 0, "max_value": 4, "q": 2},
    "normal": {"mu": 0, "sigma": 1e-3},
    "qnormal": {"mu": 10.0, "sigma": 3, "q": 0.5},
    "lognormal": {"mu": 0, "sigma": 1},
    "qlognormal": {"mu": 1, "sigma": 0.5, "q": 1},
}
OBJECTS = {name: {"type": name, **fields} for name, fields in EXPRESSIONS.items()}
LISTS = {name: [name, list(fields.values())] for name, fields in EXPRESSIONS.items()}


def nested(forms):
    """A choice of choices of branches, 8 deep."""
    inner = forms["uniform"]
    for depth in range(8):
        branch = {"kind": "level %d" % depth, "below": inner, "other": forms["randint"]}
        inner = ["choice", [[branch, "leaf"]]] if forms is LISTS else {"type": "choice", "values": [branch, "leaf"]}
    return inner


def sampling(**members):
    return {SAMPLING: {"type": "random", "seed": 5, "parameter_space": {"x": ["uniform", [0, 1]]}, **members}}


def run_config(**members):
    return {"run_config": {"command": ["true", "${{search_space.x}}"], **members}}


METRIC = {"primary_metric_name": "m", "primary_metric_goal": "minimize"}
SCRIPT = {"command": None, "script": "a.sh", "interpreter": "/bin/sh"}

# What is sent beside the rest, a path in the stored configuration, and what stands there.
ACCEPTED = [
    ({}, "experiment", "Default"), ({"experiment": "iris"}, "experiment", "iris"), ({}, "name", None), ({}, "display_name", None),
    ({"name": "n"}, "name", "n"), ({"name": None}, "name", None), ({"display_name": "d e"}, "display_name", "d e"),
    ({"description": "a\nb"}, "description", "a\nb"), ({}, "tags", {}), ({"tags": {"z": "1", "a": ""}}, "tags", {"z": "1", "a": ""}),
    (sampling(type="RANDOM"), SAMPLING + ".type", "random"), (sampling(type="So_Bol"), SAMPLING + ".rule", "sobol"),
    (sampling(rule="Sobol"), SAMPLING + ".rule", "sobol"), (sampling(), SAMPLING + ".rule", "random"),
    (sampling(seed=-3.0), SAMPLING + ".seed", -3), (sampling(), SAMPLING + ".logbase", "e"), (sampling(logbase=10), SAMPLING + ".logbase", 10),
    (sampling(logbase=0.5), SAMPLING + ".logbase", 0.5), (sampling(), SAMPLING + ".properties", {}),
    (sampling(properties=None), SAMPLING + ".properties", {}),
    (sampling(properties={"a": [1.0, None]}), SAMPLING + ".properties", {"a": [1.0, None]}),
    ({"primary_metric_goal": "MaXimize"}, "primary_metric_goal", "maximize"), ({"primary_metric_name": "Val Acc"}, "primary_metric_name", "Val Acc"),
    ({"primary_metric_name": None, "primary_metric_goal": None}, "primary_metric_name", None),
    ({"max_total_runs": 3.0}, "max_total_runs", 3), ({"max_total_runs": 1000000}, "max_total_runs", 1000000),
    ({}, "max_concurrent_runs", None), ({"max_concurrent_runs": 2}, "max_concurrent_runs", 2), ({"max_concurrent_runs": 9}, "max_concurrent_runs", 9),
    ({}, "max_duration_minutes", 10080), ({}, "max_duration_seconds", 604800), ({"max_duration_minutes": 0.5}, "max_duration_seconds", 30),
    ({"max_duration_minutes": 20160}, "max_duration_minutes", 20160), ({"max_duration_seconds": 90}, "max_duration_minutes", 1.5),
    ({"max_duration_seconds": 5}, "max_duration_seconds", 5), ({"max_duration_minutes": 2, "max_duration_seconds": 120}, "max_duration_minutes", 2),
    ({}, "trial_timeout_seconds", None), ({"trial_timeout_seconds": 1}, "trial_timeout_seconds", 1),
    ({}, "policy", None), ({"policy": {"type": "NONE"}}, "policy", None),
    ({"policy": {"type": "Bandit", "slack_factor": 0.1, "evaluation_interval": 1, "delay_evaluation": 5}}, "policy",
     {"type": "bandit", "slack_factor": 0.1, "slack_amount": None, "evaluation_interval": 1, "delay_evaluation": 5}),
    ({"policy": {"type": "bandit", "slack_factor": 0, "slack_amount": 0.5}}, "policy",
     {"type": "bandit", "slack_factor": None, "slack_amount": 0.5, "evaluation_interval": 1, "delay_evaluation": 0}),
    ({"policy": {"type": "MedianStopping", "evaluation_interval": 2}}, "policy",
     {"type": "median_stopping", "evaluation_interval": 2, "delay_evaluation": 0}),
    ({"policy": {"type": "TruncationSelection", "truncation_percentage": 20, "exclude_finished_jobs": True}}, "policy",
     {"type": "truncation_selection", "evaluation_interval": 1, "delay_evaluation": 0, "truncation_percentage": 20,
      "exclude_finished_jobs": True}),
    ({}, "resume_from", None), ({}, "resume_child_runs", None),
    ({"resume_from": []}, "resume_from", []), ({}, "initial_failure_limit", 3), ({"initial_failure_limit": 0}, "initial_failure_limit", 0),
    ({}, "nested_arguments", "json"), ({"nested_arguments": "flat"}, "nested_arguments", "flat"),
    (run_config(), "run_config.source_directory", None), (run_config(), "run_config.script", None), (run_config(), "run_config.arguments", []),
    (run_config(), "run_config.interpreter", None), (run_config(), "run_config.snapshot", True), (run_config(), "run_config.gpus_per_run", 0),
    (run_config(), "run_config.cpus_per_run", 1), (run_config(cpus_per_run=0.5), "run_config.cpus_per_run", 0.5),
    (run_config(), "run_config.max_retries", 0), (run_config(), "run_config.launcher", "local"),
    (run_config(), "run_config.max_run_duration_seconds", None), (run_config(max_run_duration_seconds=60), "run_config.max_run_duration_seconds", 60),
    (run_config(), "run_config.compute_target", "local"), (run_config(compute_target="gpu-cluster"), "run_config.compute_target", "gpu-cluster"),
    (run_config(), "run_config.environment_variables", {}), (run_config(environment_variables={"A": "b"}), "run_config.environment_variables", {"A": "b"}),
    (run_config(inputs={"n": 1.0, "s": "t", "b": False}), "run_config.inputs", {"n": 1.0, "s": "t", "b": False}),
    (run_config(outputs={"m": {}}), "run_config.outputs", {"m": {"type": "uri_folder", "mode": "rw_mount"}}),
    (run_config(command="true ${{search_space.x}}"), "run_config.command", "true ${{search_space.x}}"),
]


class Configurations(SharedDaemonTest):
    def send(self, fields):
        body = {**sampling(), **METRIC, "max_total_runs": 1, **run_config(), **fields}
        response = self.client.post("/sweeps", body)
        self.assertEqual(response.status, 201, response.body)
        return response.json["run_id"]

    def config(self, sweep_id):
        return self.client.read("/sweeps/%s/config" % sweep_id)

    def end(self, sweep_id):
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id)

    def test_fields(self):
        for fields, path, wanted in ACCEPTED:
            with self.subTest(fields=fields, path=path):
                sweep_id = self.send(fields)
                stored = self.config(sweep_id)
                value = stored
                for name in path.split("."):
                    value = value[name]
                self.assertEqual(json.dumps(value), json.dumps(wanted))
                # What `config` gives makes an equal sweep.
                again = self.send(stored)
                self.assertEqual(json.dumps(self.config(again)), json.dumps(stored))
                self.end(sweep_id)
                self.end(again)

    def test_a_script(self):
        folder = self.source({"a.sh": 'echo "$@" > outputs/arguments\n'})
        config = {**SCRIPT, "source_directory": folder, "arguments": ["--data", 1.50, True, None]}
        config = {name: value for name, value in config.items() if value is not None}
        sweep_id = self.wait_for_sweep(self.send({"run_config": config}), "Completed")["run_id"]
        self.assertEqual(json.dumps(self.config(sweep_id)["run_config"]["arguments"]), '["--data", 1.5, true, null]')
        (values,) = self.client.read("/sweeps/%s/hyperparameters" % sweep_id)["hyperparameters"].values()
        with open(self.daemon.run_folder(sweep_id + "_0") + "/outputs/arguments", encoding="utf-8") as file:
            self.assertEqual(file.read(), "--data 1.5 True None --x %r\n" % values["x"])

    def test_both_notations(self):
        """One space in object form, in list form and in a mixture of both: the same configuration is stored, and the same is drawn."""
        mixed = {name: (OBJECTS if index % 2 else LISTS)[name] for index, name in enumerate(EXPRESSIONS)}
        stored, drawn = [], []
        for forms in (OBJECTS, LISTS, mixed):
            space = {**{"--" + name: forms[name] for name in EXPRESSIONS}, "nested": nested(forms)}
            sweep_id = self.wait_for_sweep(self.send({**sampling(parameter_space=space), "max_total_runs": 12,
                                                      "run_config": {"command": ["/bin/true"]}}), "Completed")["run_id"]
            stored.append(json.dumps(self.config(sweep_id)[SAMPLING]["parameter_space"]))
            drawn.append(json.dumps(list(self.client.read("/sweeps/%s/hyperparameters" % sweep_id)["hyperparameters"].values())))
        self.assertEqual(stored[0], json.dumps({**{"--" + name: OBJECTS[name] for name in EXPRESSIONS}, "nested": nested(OBJECTS)}))
        self.assertEqual(stored[1:], stored[:1] * 2)
        self.assertEqual(drawn[1:], drawn[:1] * 2)
        self.assertEqual(len(json.loads(drawn[0])), 12)

    def test_a_grid_in_both_notations(self):
        drawn = []
        for values in (["choice", [[1, {"b": ["choice", [["x", "y"]]]}]]], {"type": "choice", "values": [1, {"b": {"type": "choice", "values": ["x", "y"]}}]}):
            body = {SAMPLING: {"type": "GRID", "parameter_space": {"a": values, "c": ["choice", [[True, None]]]}}, "run_config": {"command": ["/bin/true"]}}
            response = self.client.post("/sweeps", body)
            self.assertEqual((response.status, response.json["max_total_runs"]), (201, 6), response.body)
            sweep_id = self.wait_for_sweep(response.json["run_id"], "Completed")["run_id"]
            drawn.append(list(self.client.read("/sweeps/%s/hyperparameters" % sweep_id)["hyperparameters"].values()))
        self.assertSame(drawn[0], [{"a": a, "c": c} for a in (1, {"b": "x"}, {"b": "y"}) for c in (True, None)])
        self.assertSame(drawn[1], drawn[0])


if __name__ == "__main__":
    harness.main()
