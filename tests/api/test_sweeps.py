"""Sweeps from submit to end with real children: samplings, budgets, limits, outcomes, and what a child is given."""

import itertools
import json
import os
import socket

import harness
from harness import DaemonTest, wait_until

ALL_EXPRESSIONS = {
    "choice": ["choice", [[1, 2.5, "b", True, None, {"depth": ["randint", [5]], "kind": "tree"}]]], "randint": ["randint", [1000]],
    "uniform": ["uniform", [-1, 1]], "quniform": ["quniform", [0, 100, 5]], "loguniform": ["loguniform", [-6, 0]],
    "qloguniform": ["qloguniform", [0, 4, 2]], "normal": ["normal", [0, 1]], "qnormal": ["qnormal", [10, 5, 0.5]],
    "lognormal": ["lognormal", [0, 1]], "qlognormal": ["qlognormal", [0, 1, 1]],
}

# Writes down what it was given: its arguments one per line, its environment, and its folder.
WITNESS = """#!/bin/sh
printf '%s\\n' "$@" > outputs/arguments
env > outputs/environment
pwd > outputs/folder
"""


class SweepTest(DaemonTest):
    def configurations(self, sweep_id):
        """Hyperparameters in the order of the child index; that no index is missing is asserted."""
        found = self.client.read("/sweeps/%s/hyperparameters" % sweep_id)["hyperparameters"]
        self.assertEqual(list(found), ["%s_%d" % (sweep_id, number) for number in range(len(found))])
        return list(found.values())

    def ended_with(self, sweep, status, code):
        self.assertEqual((sweep["status"], sweep["status_reason"]["code"]), (status, code), sweep["status_reason"])
        self.assertTrue(sweep["status_reason"]["message"])
        last = self.client.get("/sweeps/%s/log" % sweep["run_id"]).body.decode().splitlines()[-1]
        self.assertIn("sweep %s is %s (%s): " % (sweep["run_id"], status, code), last)

    def program(self, script, **members):
        """run_config of a shell script in a source folder of its own."""
        return {"source_directory": self.source({"train.sh": script}), "script": "train.sh", "interpreter": "/bin/sh", **members}

    def output(self, run_id, name):
        with open(os.path.join(self.daemon.run_folder(run_id), "outputs", name), encoding="utf-8") as file:
            return file.read()


class Sampling(SweepTest):
    COUNT = 24

    def random(self, seed=4242):
        return {"type": "random", "seed": seed, "parameter_space": ALL_EXPRESSIONS}

    def test_the_set_does_not_depend_on_concurrency_or_crashes(self):
        fields = {"hyperparameter_sampling": self.random(), "max_total_runs": self.COUNT}
        one = self.finished_sweep(max_concurrent_runs=1, **fields)
        many = self.finished_sweep(max_concurrent_runs=16, **fields)
        self.assertEqual((one["status"], many["status"]), ("Completed", "Completed"))
        expected = self.configurations(one["run_id"])
        self.assertEqual(len(expected), self.COUNT)
        self.assertSame(self.configurations(many["run_id"]), expected)

        crashed = self.submit(max_concurrent_runs=3, run_config=self.gated(), **fields)["run_id"]
        released = 0
        for crash in (3, 6, 8, 11):
            self.gates.wait_started(crash)
            self.daemon.kill()
            while released < crash:  # these end while the daemon is dead
                self.gates.release(self.gates.started()[released])
                released += 1
            self.daemon.start()
        for number in range(released, self.COUNT):
            self.gates.release("%s_%d" % (crashed, number))
        sweep = self.wait_for_sweep(crashed, "Completed")
        self.assertEqual(sweep["children"], {"total": self.COUNT, "Completed": self.COUNT})
        self.assertSame(self.configurations(crashed), expected)
        self.assertEqual(sorted(self.gates.started()), sorted("%s_%d" % (crashed, number) for number in range(self.COUNT)))

        other = self.configurations(self.finished_sweep(max_total_runs=self.COUNT, hyperparameter_sampling=self.random(seed=4243))["run_id"])
        self.assertFalse(any(first == second for first, second in zip(expected, other)), "another seed gives the same draws")

    def test_values_of_all_expressions(self):
        found = self.configurations(self.finished_sweep(max_total_runs=60, hyperparameter_sampling=self.random())["run_id"])
        self.assertEqual(len({json.dumps(values) for values in found}), 60, "a configuration came twice")
        checks = {
            "randint": lambda v: type(v) is int and 0 <= v < 1000, "uniform": lambda v: type(v) is float and -1 <= v <= 1,
            "quniform": lambda v: type(v) is float and v % 5 == 0 and 0 <= v <= 100,
            "loguniform": lambda v: type(v) is float and 0.0024 < v <= 1, "qloguniform": lambda v: type(v) is float and v % 2 == 0 and 0 <= v <= 56,
            "normal": lambda v: type(v) is float and abs(v) < 8, "qnormal": lambda v: type(v) is float and v * 2 == int(v * 2),
            "lognormal": lambda v: type(v) is float and v > 0, "qlognormal": lambda v: type(v) is float and v == int(v) >= 0,
        }
        options = set()
        for values in found:
            self.assertEqual(list(values), list(ALL_EXPRESSIONS))
            for name, check in checks.items():
                self.assertTrue(check(values[name]), "%s: %r" % (name, values[name]))
            choice = values["choice"]
            if isinstance(choice, dict):
                self.assertEqual(list(choice), ["depth", "kind"])
                self.assertTrue(type(choice["depth"]) is int and 0 <= choice["depth"] < 5 and choice["kind"] == "tree", choice)
            options.add("branch" if isinstance(choice, dict) else repr(choice))
        self.assertEqual(options, {"1", "2.5", "'b'", "True", "None", "branch"})

    def test_grid_in_order(self):
        branch = {"size": ["choice", [[3, 5]]], "kind": "conv"}
        sweep = self.finished_sweep(max_total_runs=None, max_concurrent_runs=4, hyperparameter_sampling={
            "type": "grid", "parameter_space": {"a": ["choice", [[0.1, 1]]], "b": ["choice", [["x", branch]]], "c": ["choice", [[False, None]]]}})
        self.ended_with(sweep, "Completed", "search_space_exhausted")
        expected = [{"a": a, "b": b, "c": c} for a, b, c in itertools.product(
            (0.1, 1), ("x", {"size": 3, "kind": "conv"}, {"size": 5, "kind": "conv"}), (False, None))]
        self.assertSame(self.configurations(sweep["run_id"]), expected)

    def test_grid_across_a_crash(self):
        sampling = {"type": "grid", "parameter_space": {"a": ["choice", [[1, 2, 3]]], "b": ["choice", [["p", "q"]]]}}
        sweep_id = self.submit(max_total_runs=None, max_concurrent_runs=2, hyperparameter_sampling=sampling, run_config=self.gated())["run_id"]
        self.gates.wait_started(2)
        self.gates.release(sweep_id + "_0")
        self.gates.wait_started(3)
        self.daemon.restart()
        for number in range(1, 6):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.ended_with(self.wait_for_sweep(sweep_id), "Completed", "search_space_exhausted")
        self.assertSame(self.configurations(sweep_id), [{"a": a, "b": b} for a, b in itertools.product((1, 2, 3), "pq")])
        self.assertEqual(len(self.gates.started()), 6)

    def test_grid_cut_by_the_budget(self):
        sweep = self.finished_sweep(hyperparameter_sampling=self.grid(5), max_total_runs=3)
        self.ended_with(sweep, "Completed", "max_total_runs")
        self.assertSame(self.configurations(sweep["run_id"]), [{"x": 0}, {"x": 1}, {"x": 2}])

    def test_small_random_space_is_exhausted_without_repeats(self):
        space = {"a": ["choice", [["p", "q"]]], "b": ["randint", [3]], "c": ["quniform", [0, 2, 1]]}
        sweep = self.finished_sweep(max_total_runs=100, hyperparameter_sampling={"type": "random", "seed": 1, "parameter_space": space})
        self.ended_with(sweep, "Completed", "search_space_exhausted")
        found = [tuple(values.values()) for values in self.configurations(sweep["run_id"])]
        self.assertEqual(sorted(found), sorted(itertools.product("pq", range(3), (0.0, 1.0, 2.0))))
        self.assertNotEqual(found, sorted(found), "this is no random order")

    def test_sobol_is_spread_and_reproducible(self):
        space = {"u": ["uniform", [0, 16]], "pick": ["choice", [[{"n": ["normal", [0, 1]]}, "none"]]], "i": ["randint", [8]]}
        sweep = self.finished_sweep(max_total_runs=16, max_concurrent_runs=5,
                                    hyperparameter_sampling={"type": "Sobol", "seed": 11, "parameter_space": space})
        self.ended_with(sweep, "Completed", "max_total_runs")
        found = self.configurations(sweep["run_id"])
        self.assertEqual(sorted(int(values["u"]) for values in found), list(range(16)))
        self.assertEqual(sorted(values["i"] for values in found), sorted(list(range(8)) * 2))
        self.assertEqual(sorted(type(values["pick"]).__name__ for values in found), ["dict"] * 8 + ["str"] * 8)
        config = self.client.read("/sweeps/%s/config" % sweep["run_id"])
        self.assertEqual((config["hyperparameter_sampling"]["type"], config["hyperparameter_sampling"]["rule"]), ("random", "sobol"))
        again = self.finished_sweep(**config)
        self.assertSame(self.configurations(again["run_id"]), found)

    def test_small_sobol_space_is_exhausted_without_repeats(self):
        space = {"a": ["choice", [["p", "q"]]], "b": ["randint", [3]], "c": ["quniform", [0, 2, 1]]}
        sweep = self.finished_sweep(max_total_runs=100, hyperparameter_sampling={
            "type": "random", "rule": "sobol", "seed": 1, "parameter_space": space})
        self.ended_with(sweep, "Completed", "search_space_exhausted")
        found = [tuple(values.values()) for values in self.configurations(sweep["run_id"])]
        self.assertEqual(sorted(found), sorted(itertools.product("pq", range(3), (0.0, 1.0, 2.0))))


class Budgets(SweepTest):
    def test_never_more_at_once_than_asked_for(self):
        sweep_id = self.submit(max_total_runs=5, max_concurrent_runs=2, run_config=self.gated())["run_id"]
        for done in range(4):
            self.gates.wait_started(min(done + 2, 5))
            # Children are generated lazily: those that ended and those that may run, no more.
            self.assertEqual(self.sweep(sweep_id)["children"]["total"], done + 2)
            self.assertEqual(len(self.gates.started()), done + 2)
            self.gates.release("%s_%d" % (sweep_id, done))
            self.wait_for_run("%s_%d" % (sweep_id, done), "Completed")
            if done == 3:
                break
        self.gates.release(sweep_id + "_4")
        self.ended_with(self.wait_for_sweep(sweep_id), "Completed", "max_total_runs")
        self.assertEqual(len(self.gates.started()), 5)

    def test_more_at_once_than_in_all(self):
        sweep_id, runs = self.running_sweep(3, max_concurrent_runs=100)
        self.assertEqual(self.sweep(sweep_id)["children"]["total"], 3)
        for run_id in runs:
            self.gates.release(run_id)
        self.ended_with(self.wait_for_sweep(sweep_id), "Completed", "max_total_runs")

    def test_max_duration(self):
        sweep_id = self.submit(max_total_runs=10, max_concurrent_runs=2, max_duration_seconds=1, run_config=self.gated())["run_id"]
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Canceled", "max_duration")
        self.assertEqual(sweep["children"], {"total": 2, "Canceled": 2})
        for child in self.children(sweep_id):
            reason = child["stop_reason"]
            self.assertEqual((reason["kind"], reason["limit_seconds"]), ("max_duration", 1))

    def test_a_limit_that_is_no_whole_second(self):
        sweep_id = self.submit(max_total_runs=2, max_concurrent_runs=2, max_duration_minutes=0.025, run_config=self.gated())["run_id"]
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Canceled", "max_duration")
        self.assertEqual(sweep["status_reason"]["message"], "the sweep reached its max_duration of 1.5 s")
        for child in self.children(sweep_id):
            self.assertEqual(child["stop_reason"]["limit_seconds"], 1.5)
            self.assertEqual(child["stop_reason"]["message"], sweep["status_reason"]["message"])

    def test_max_duration_counts_while_the_daemon_is_dead(self):
        sweep_id = self.submit(max_total_runs=1, max_duration_seconds=2, run_config=self.gated())["run_id"]
        self.wait_for_run(sweep_id + "_0", "Running")
        started = self.sweep(sweep_id)["start_utc"]
        self.daemon.kill()
        # The clock is the event here: the limit passes while nobody watches it.
        limit = harness.time.time() + 2
        wait_until(lambda: harness.time.time() >= limit, "the limit")
        self.daemon.start()
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Canceled", "max_duration")
        self.assertEqual(sweep["start_utc"], started)

    def test_trial_timeout_counts_while_the_daemon_is_dead(self):
        sweep_id, (run_id,) = self.running_sweep(1, trial_timeout_seconds=2)
        started = self.run_of(run_id)["start_utc"]
        self.daemon.restart()
        run = self.wait_for_run(run_id, "Canceled")
        self.assertEqual((run["stop_reason"]["kind"], run["stop_reason"]["limit_seconds"], run["start_utc"]), ("trial_timeout", 2, started))
        self.ended_with(self.wait_for_sweep(sweep_id), "Completed", "max_total_runs")

    def test_trial_timeout(self):
        for fields in ({"trial_timeout_seconds": 1, "run_config": self.gated()},
                       {"trial_timeout_seconds": 3600, "run_config": {**self.gated(), "max_run_duration_seconds": 1}}):
            sweep = self.finished_sweep(**fields)
            self.ended_with(sweep, "Completed", "max_total_runs")
            self.assertEqual(sweep["children"], {"total": 2, "Canceled": 2})
            for child in self.children(sweep["run_id"]):
                reason = child["stop_reason"]
                self.assertEqual((reason["kind"], reason["limit_seconds"]), ("trial_timeout", 1))
                self.assertEqual(reason["message"], "the run reached its trial_timeout of 1 s")


class Outcomes(SweepTest):
    def test_failure_limit(self):
        sweep = self.finished_sweep(max_total_runs=10, max_concurrent_runs=1, run_config={
            "command": ["/bin/sh", "-c", "echo the reason of $AZUREML_RUN_ID; exit 4"]})
        self.ended_with(sweep, "Failed", "initial_failures")
        self.assertEqual(sweep["children"], {"total": 3, "Failed": 3})
        for number in range(3):
            self.assertIn("%s_%d" % (sweep["run_id"], number), sweep["status_reason"]["message"])
        self.assertIn("the reason of %s_0" % sweep["run_id"], sweep["status_reason"]["message"])

    def test_failure_limit_of_one(self):
        sweep = self.finished_sweep(max_total_runs=10, max_concurrent_runs=1, initial_failure_limit=1, run_config={"command": ["/bin/false"]})
        self.ended_with(sweep, "Failed", "initial_failures")
        self.assertEqual(sweep["status_reason"]["message"], "the first child to end failed: %s_0; the first one: the program ended with exit "
                         "code 1" % sweep["run_id"])

    def test_failure_limit_cancels_the_others(self):
        sweep_id, runs = self.running_sweep(4, max_total_runs=10, initial_failure_limit=2)
        self.gates.release(runs[0], 1)
        self.wait_for_run(runs[0], "Failed")
        self.gates.release(runs[1], 1)
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Failed", "initial_failures")
        canceled = [child for child in self.children(sweep_id) if child["status"] == "Canceled"]
        self.assertGreaterEqual(len(canceled), 2)
        for child in canceled:
            self.assertEqual((child["stop_reason"]["kind"], child["stop_reason"]["limit"]), ("initial_failures", 2))
            self.assertEqual(child["stop_reason"]["message"], "all of the first children to end failed, and the limit is 2")

    def test_failure_limit_is_off_after_another_end(self):
        sweep_id = self.submit(max_total_runs=6, max_concurrent_runs=1, run_config=self.gated())["run_id"]
        for number, code in enumerate((1, 1, 0, 1, 1, 1)):
            self.gates.release("%s_%d" % (sweep_id, number), code)
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Completed", "max_total_runs")
        self.assertEqual(sweep["children"], {"total": 6, "Completed": 1, "Failed": 5})

    def test_failure_limit_across_restarts(self):
        sweep_id = self.submit(max_total_runs=6, max_concurrent_runs=1, run_config=self.gated())["run_id"]
        for number in range(3):
            self.gates.environment("%s_%d" % (sweep_id, number))
            self.daemon.restart()
            self.gates.release("%s_%d" % (sweep_id, number), 1)
            self.wait_for_run("%s_%d" % (sweep_id, number), "Failed")
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Failed", "initial_failures")
        self.assertEqual(sweep["children"], {"total": 3, "Failed": 3})

    def test_all_children_failed(self):
        sweep = self.finished_sweep(max_total_runs=4, initial_failure_limit=0, run_config={"command": ["/bin/false"]})
        self.ended_with(sweep, "Failed", "all_children_failed")
        self.assertEqual(sweep["children"], {"total": 4, "Failed": 4})
        sweep = self.finished_sweep(max_total_runs=2, run_config={"command": ["/bin/false"]})
        self.ended_with(sweep, "Failed", "all_children_failed")

    def test_the_reason_says_why_children_failed(self):
        """The last output of the first one; the daemon's own words for one that could not start, or said nothing."""
        for command, limit, cause in ((["/bin/sh", "-c", "echo begin; echo no such column >&2; exit 1"], 3, "'s last output: begin\nno such column"),
                                      (["/nonexistent/train"], 3, ": cannot execute '/nonexistent/train': No such file or directory"),
                                      (["/nonexistent/train"], 2, ": cannot execute '/nonexistent/train': No such file or directory")):
            sweep = self.finished_sweep(max_total_runs=2, initial_failure_limit=limit, run_config={"command": command})
            message = sweep["status_reason"]["message"]
            self.assertTrue(message.endswith("; the first one" + cause), message)

    def test_all_children_canceled_by_the_user(self):
        sweep_id, runs = self.running_sweep(3)
        for run_id in runs:
            self.client.post("/runs/%s/cancel" % run_id)
        self.ended_with(self.wait_for_sweep(sweep_id), "Canceled", "children_canceled")
        for run_id in runs:
            self.assertEqual(self.run_of(run_id)["stop_reason"]["kind"], "user")

    def test_failed_and_canceled(self):
        sweep_id, runs = self.running_sweep(2)
        self.client.post("/runs/%s/cancel" % runs[0])
        self.wait_for_run(runs[0], "Canceled")
        self.gates.release(runs[1], 1)
        self.ended_with(self.wait_for_sweep(sweep_id), "Canceled", "children_canceled")

    def test_a_child_that_cannot_be_stopped_by_an_exit_code(self):
        """Failed children and one Completed: Completed, and the counts show the failures."""
        sweep_id, runs = self.running_sweep(2)
        self.gates.release(runs[0], 3)
        self.gates.release(runs[1], 0)
        sweep = self.wait_for_sweep(sweep_id)
        self.ended_with(sweep, "Completed", "max_total_runs")
        self.assertEqual(sweep["children"], {"total": 2, "Completed": 1, "Failed": 1})

    def test_exit_code(self):
        output = "x" * 5000 + "\nthe end \u00e4"
        source = self.source({"text": output})
        sweep = self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "command": ["/bin/sh", "-c", "cat text; exit 7"]})
        run = self.run_of(sweep["run_id"] + "_0")
        self.assertEqual((run["status"], run["error"]["code"], run["exit_code"]), ("Failed", "NonZeroExit", 7))
        self.assertEqual(run["error"]["exit_code"], 7)
        self.assertEqual(run["error"]["output"].encode(), output.encode()[-4096:])
        self.assertIn("7", run["error"]["message"])

    def test_exit_codes_of_shells(self):
        for command, code, meaning in (("sh -c 'kill -KILL $$'; exit $?", 137, "that was killed by signal 9, SIGKILL"),
                                       ("no-such-program; exit $?", 127, "that it does not find"), ("/; exit $?", 126, "that it cannot execute")):
            sweep = self.finished_sweep(max_total_runs=1, run_config={"command": command})
            run = self.run_of(sweep["run_id"] + "_0")
            self.assertEqual((run["error"]["code"], run["exit_code"]), ("NonZeroExit", code))
            self.assertEqual(run["error"]["message"], "the program ended with exit code %d (a shell says this of a program %s)" % (code, meaning))

    def test_signal(self):
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": ["/bin/sh", "-c", "echo dying; kill -SEGV $$"]})
        run = self.run_of(sweep["run_id"] + "_0")
        self.assertEqual((run["status"], run["error"]["code"], run["signal"]), ("Failed", "Signal", 11))
        self.assertEqual((run["error"]["signal"], run["error"]["output"]), (11, "dying\n"))

    def test_measured(self):
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": ["/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]})
        run = self.run_of(sweep["run_id"] + "_0")
        self.assertGreater(run["peak_memory_bytes"], 100000)
        self.assertGreater(run["cpu_seconds"], 0)


class Environment(SweepTest):
    def lines(self, run_id, name):
        return self.output(run_id, name).splitlines()

    def environment(self, run_id):
        return dict(line.split("=", 1) for line in self.lines(run_id, "environment") if "=" in line)

    def test_everything_a_child_is_given(self):
        sweep_id = self.finished_sweep(
            max_total_runs=1, hyperparameter_sampling={"type": "grid", "parameter_space": {
                "C": ["choice", [[65.0]]], "--batch-size": ["choice", [[64]]], "-v": ["choice", [[True]]], "none": ["choice", [[None]]],
                "text": ["choice", [["a b 'c' \"d\" $e"]]], "tiny": ["choice", [[-1e-05]]], "list": ["choice", [[[1, 2.0, "x"]]]]}},
            run_config=self.program(WITNESS, arguments=["--data", "iris.csv", 3, 0.5, False], environment_variables={
                "DATA": "${{search_space.C}}/${{inputs.data}}", "PATH_KEPT": "x=y"}, inputs={"data": "d.csv"}))["run_id"]
        run_id = sweep_id + "_0"
        self.assertEqual(self.run_of(run_id)["status"], "Completed")
        arguments = ["--data", "iris.csv", "3", "0.5", "False", "--C", "65", "--batch-size", "64", "-v", "True", "--none", "None",
                     "--text", "a b 'c' \"d\" $e", "--tiny", "-0.00001", "--list", '[1,2.0,"x"]']
        self.assertEqual(self.lines(run_id, "arguments"), arguments)
        self.assertEqual(self.run_of(run_id)["runDefinition"]["arguments"], arguments)
        environment = self.environment(run_id)
        folder = self.daemon.run_folder(run_id)
        for name, value in {
                "AZUREML_RUN_ID": run_id, "HYPERDRIVE_RUN_ID": run_id, "HYPERDRIVE_SWEEP_ID": sweep_id, "HYPERDRIVE_URL": self.daemon.url,
                "HYPERDRIVE_RUN_DIR": folder, "AZUREML_SWEEP_C": "65", "AZUREML_SWEEP_batch_size": "64", "AZUREML_SWEEP_v": "True",
                "AZUREML_SWEEP_none": "None", "AZUREML_SWEEP_text": "a b 'c' \"d\" $e", "AZUREML_SWEEP_tiny": "-0.00001",
                "AZUREML_SWEEP_list": '[1,2.0,"x"]', "DATA": "65/d.csv", "PATH_KEPT": "x=y"}.items():
            self.assertEqual(environment.get(name), value, name)
        self.assertTrue(environment["HYPERDRIVE_TOKEN"].startswith("r." + run_id + "."), environment["HYPERDRIVE_TOKEN"])
        for name in environment:
            self.assertNotIn(name, ("AZUREML_SWEEP_ID", "NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "MLFLOW_TRACKING_URI"))
        self.assertIn("PATH", environment)
        self.assertNotIn(self.daemon.token, environment.values())
        self.assertEqual(self.lines(run_id, "folder"), [folder])

    def test_a_parameter_named_id(self):
        sweep_id = self.finished_sweep(max_total_runs=1, hyperparameter_sampling=self.grid(1, "ID"), run_config=self.program(WITNESS))["run_id"]
        self.assertEqual(self.environment(sweep_id + "_0")["AZUREML_SWEEP_ID"], "0")

    def nested(self, **fields):
        branch = {"const_val": 999, "val1": {"val11": ["choice", [[0.05]]]}}
        return self.finished_sweep(
            max_total_runs=2, hyperparameter_sampling={"type": "grid", "parameter_space": {"conv_size": ["choice", [[branch, 7]]]}},
            run_config=self.program(WITNESS), **fields)["run_id"]

    def test_nested_choice_as_json(self):
        sweep_id = self.nested()
        self.assertEqual(self.lines(sweep_id + "_0", "arguments"), ["--conv_size", '{"const_val":999,"val1":{"val11":0.05}}'])
        self.assertEqual(self.lines(sweep_id + "_1", "arguments"), ["--conv_size", "7"])
        environment = self.environment(sweep_id + "_0")
        self.assertEqual(environment["AZUREML_SWEEP_conv_size__const_val"], "999")
        self.assertEqual(environment["AZUREML_SWEEP_conv_size__val1__val11"], "0.05")
        self.assertEqual(self.environment(sweep_id + "_1")["AZUREML_SWEEP_conv_size"], "7")

    def test_nested_choice_flat(self):
        sweep_id = self.nested(nested_arguments="flat")
        self.assertEqual(self.lines(sweep_id + "_0", "arguments"), ["--conv_size.const_val", "999", "--conv_size.val1.val11", "0.05"])
        self.assertEqual(self.lines(sweep_id + "_1", "arguments"), ["--conv_size", "7"])

    def test_command_with_placeholders(self):
        sweep_id = self.finished_sweep(
            max_total_runs=None,
            hyperparameter_sampling={"type": "grid", "parameter_space": {"x": ["choice", [["$(touch hacked)", "a'; touch hacked; '", "plain"]]]}},
            run_config={"command": "printf '%s\\n' ${{search_space.x}} \"${{search_space.x}}\" '${{ search_space.x }}' > outputs/arguments; "
                                   "ls > outputs/files"})["run_id"]
        for number, value in enumerate(("$(touch hacked)", "a'; touch hacked; '", "plain")):
            run_id = "%s_%d" % (sweep_id, number)
            self.assertEqual(self.lines(run_id, "arguments"), [value] * 3)
            self.assertNotIn("hacked", self.lines(run_id, "files"))

    def test_outputs_are_folders_made_before_the_start(self):
        sweep_id = self.finished_sweep(max_total_runs=1, run_config={
            "command": "echo weights > ${{outputs.model}}/weights && test -d logs", "outputs": {"model": {}}})["run_id"]
        self.assertEqual(self.run_of(sweep_id + "_0")["status"], "Completed")
        self.assertEqual(self.output(sweep_id + "_0", "model/weights"), "weights\n")


class Snapshot(SweepTest):
    SCRIPT = harness.GATED.replace("exit \"$code\"", "cat data.txt > outputs/seen; ls > outputs/files; exit \"$code\"")

    def test_source_edited_after_submit_does_not_matter(self):
        source = self.source({"train.sh": self.SCRIPT, "data.txt": "old\n", "big.bin": "ignored", "lib/part.sh": "x", ".amlignore": "big.bin\n*.log\n",
                              ".gitignore": "data.txt\n", "a.log": "ignored"})
        sweep_id = self.submit(max_concurrent_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh",
            "environment_variables": {"GATES": self.gates.folder}})["run_id"]
        self.gates.environment(sweep_id + "_0")
        for name, text in (("data.txt", "new\n"), ("train.sh", "exit 9\n")):
            with open(os.path.join(source, name), "w", encoding="utf-8") as file:
                file.write(text)
        with open(os.path.join(source, "more.txt"), "w", encoding="utf-8"):
            pass
        self.daemon.restart()
        for number in range(2):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.assertEqual(self.wait_for_sweep(sweep_id)["children"], {"total": 2, "Completed": 2})
        for number in range(2):
            run_id = "%s_%d" % (sweep_id, number)
            self.assertEqual(self.output(run_id, "seen"), "old\n")
            files = self.output(run_id, "files").split()
            self.assertLessEqual({"data.txt", "lib", "train.sh"}, set(files))
            self.assertFalse({"big.bin", "a.log", "more.txt"} & set(files), files)

    def test_a_crash_in_the_middle_of_a_submission_leaves_nothing_half_done(self):
        source = self.source({"folder%d/file%d" % (number // 100, number): "x" for number in range(1000)})
        body = json.dumps(self.specification(run_config={"source_directory": source, "command": ["/bin/true"]})).encode()
        snapshots = os.path.join(self.daemon.state, "snapshots")
        host, _, port = self.client.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=harness.DEADLINE) as connection:
            connection.sendall(("POST /api/v1/sweeps HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                                "Content-Length: %d\r\n\r\n" % (self.client.address, self.client.token, len(body))).encode() + body)
            wait_until(lambda: os.path.isdir(snapshots) and os.listdir(snapshots), "the begin of the snapshot")
            self.daemon.restart()
        ids = [sweep["run_id"] for sweep in self.daemon.sweeps()]
        self.assertEqual(os.listdir(snapshots), ids, "a snapshot that belongs to no sweep was left")
        for sweep_id in ids:
            self.wait_for_sweep(sweep_id, "Completed")

    def test_children_do_not_see_each_others_changes(self):
        source = self.source({"train.sh": "cat data.txt > outputs/seen; echo changed > data.txt; rm train.sh\n", "data.txt": "old\n"})
        sweep_id = self.finished_sweep(max_total_runs=3, max_concurrent_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh"})["run_id"]
        for number in range(3):
            self.assertEqual(self.output("%s_%d" % (sweep_id, number), "seen"), "old\n")
        with open(os.path.join(source, "data.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "old\n")

    def test_gitignore_without_amlignore(self):
        source = self.source({"train.sh": "ls > outputs/files\n", "data.txt": "x", ".gitignore": "data.txt\n"})
        sweep_id = self.finished_sweep(max_total_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh"})["run_id"]
        self.assertNotIn("data.txt", self.output(sweep_id + "_0", "files"))

    def test_in_place(self):
        source = self.source({"train.sh": 'pwd > "$HYPERDRIVE_RUN_DIR/outputs/folder"\n'})
        sweep_id = self.finished_sweep(max_total_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "snapshot": False})["run_id"]
        self.assertEqual(self.output(sweep_id + "_0", "folder").strip(), source)

    def test_too_large(self):
        self.daemon.stop()
        self.daemon.start(options=["--snapshot-limit", "64 kB"])
        source = self.source({"train.sh": "", "data/huge.bin": "x" * 70000, "small.txt": "x"})
        response = self.client.post("/sweeps", self.specification(run_config={"source_directory": source, "script": "train.sh"}))
        self.assertError(response, 400, target="run_config.source_directory")
        self.assertIn("'data'", response.error["message"])  # the largest entry
        self.assertEqual(self.daemon.sweeps(), [])
        snapshots = os.path.join(self.daemon.state, "snapshots")
        self.assertEqual(os.listdir(snapshots) if os.path.exists(snapshots) else [], [])
        self.assertEqual(self.client.post("/sweeps", self.specification(max_total_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "snapshot": False})).status, 201)


if __name__ == "__main__":
    harness.main()
