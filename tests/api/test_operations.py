"""Every operation of the reference's section 2, over HTTP: answers, refusals, and what is shown of sweeps, children and logs."""

import re
import urllib.parse

import harness
from harness import DaemonTest, SharedDaemonTest, read_json

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

# Ignores TERM until its gate opens, so that CancelRequested lasts as long as a test wants.
STUBBORN_AT_GATE = "trap '' TERM\n" + harness.GATED


class Cancel(DaemonTest):
    daemon_options = {"grace": 60}

    def cancel(self, sweep_id):
        response = self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.assertEqual(response.status, 200, response.body)
        return response.json

    def cancel_run(self, run_id):
        response = self.client.post("/runs/%s/cancel" % run_id)
        self.assertEqual(response.status, 200, response.body)
        return response.json

    def test_running_sweep(self):
        sweep_id, runs = self.running_sweep(2, max_total_runs=10, run_config=self.gated(STUBBORN_AT_GATE))
        answer = self.cancel(sweep_id)
        self.assertEqual(answer, {"run_id": sweep_id, "canceled": True, "status": "CancelRequested"})
        # In CancelRequested: true again, nothing is generated, children have their reason.
        self.assertEqual(self.cancel(sweep_id), answer)
        for run_id in runs:
            run = self.wait_for_run(run_id, "CancelRequested")
            self.assertEqual(run["stop_reason"]["kind"], "sweep_canceled")
        for run_id in runs:
            self.gates.release(run_id)
        sweep = self.wait_for_sweep(sweep_id, "Canceled")
        self.assertEqual(sweep["status_reason"]["code"], "user")
        self.assertEqual(sweep["children"], {"total": 2, "Canceled": 2})
        for run_id in runs:
            # Whatever its exit code: it had 0.
            run = self.run_of(run_id)
            self.assertEqual((run["status"], run["stop_reason"]["kind"]), ("Canceled", "sweep_canceled"))
        # Canceled: true.
        self.assertEqual(self.cancel(sweep_id), {"run_id": sweep_id, "canceled": True, "status": "Canceled"})

    def test_canceled_even_if_all_children_completed(self):
        """A cancel that was accepted wins over every outcome that is not yet final."""
        sweep_id, runs = self.running_sweep(2, run_config=self.gated(STUBBORN_AT_GATE))
        self.gates.release(runs[0])
        self.wait_for_run(runs[0], "Completed")
        self.cancel(sweep_id)
        self.gates.release(runs[1])
        sweep = self.wait_for_sweep(sweep_id, "Canceled")
        self.assertEqual(sweep["children"], {"total": 2, "Completed": 1, "Canceled": 1})

    def test_completed_and_failed_sweeps(self):
        completed = self.finished_sweep()
        self.assertEqual(self.cancel(completed["run_id"]), {"run_id": completed["run_id"], "canceled": False, "status": "Completed"})
        self.assertEqual(self.sweep(completed["run_id"]), completed)
        failed = self.finished_sweep(run_config={"command": ["/bin/false"]})
        self.assertEqual(self.cancel(failed["run_id"]), {"run_id": failed["run_id"], "canceled": False, "status": "Failed"})
        self.assertEqual(self.sweep(failed["run_id"]), failed)

    def test_running_child(self):
        sweep_id, (first, second) = self.running_sweep(2, run_config=self.gated(STUBBORN_AT_GATE))
        answer = self.cancel_run(first)
        self.assertEqual(answer, {"run_id": first, "canceled": True, "status": "CancelRequested"})
        self.assertEqual(self.cancel_run(first), answer)
        self.assertEqual(self.sweep(sweep_id)["status"], "Running")
        self.gates.release(first)
        run = self.wait_for_run(first, "Canceled")
        self.assertEqual(run["stop_reason"]["kind"], "user")
        self.assertEqual(self.cancel_run(first), {"run_id": first, "canceled": True, "status": "Canceled"})
        self.gates.release(second)
        self.wait_for_run(second, "Completed")
        self.assertIsNone(self.run_of(second)["stop_reason"])
        self.assertEqual(self.cancel_run(second), {"run_id": second, "canceled": False, "status": "Completed"})
        self.assertEqual(self.wait_for_sweep(sweep_id)["status"], "Completed")

    def test_bodies_that_are_not_wanted(self):
        sweep = self.finished_sweep()
        self.assertEqual(self.client.post("/sweeps/%s/cancel" % sweep["run_id"], {}).status, 200)
        self.assertEqual(self.client.post("/sweeps/%s/cancel?now=true" % sweep["run_id"]).status, 400)


class CancelQueued(DaemonTest):
    daemon_options = {"slots": 1}

    def test_child_without_a_process(self):
        """With one slot and two children at once the second is Queued: its cancel is done at once."""
        sweep_id = self.submit(max_concurrent_runs=2, run_config=self.gated())["run_id"]
        first, second = sweep_id + "_0", sweep_id + "_1"
        self.gates.environment(first)
        self.wait_for_run(second, "Queued")
        response = self.client.post("/runs/%s/cancel" % second)
        self.assertEqual(response.json, {"run_id": second, "canceled": True, "status": "Canceled"})
        self.assertEqual(self.run_of(second)["stop_reason"]["kind"], "user")
        self.gates.release(first)
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(sweep["children"], {"total": 2, "Completed": 1, "Canceled": 1})
        self.assertEqual(self.gates.started(), [first])

    def test_sweep_with_queued_children(self):
        sweep_id = self.submit(max_total_runs=5, max_concurrent_runs=5, run_config=self.gated())["run_id"]
        self.gates.environment(sweep_id + "_0")
        self.wait_for_run(sweep_id + "_4", "Queued")
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        sweep = self.wait_for_sweep(sweep_id, "Canceled")
        self.assertEqual(sweep["children"], {"total": 5, "Canceled": 5})
        self.assertEqual(self.gates.started(), [sweep_id + "_0"])


class Refusals(SharedDaemonTest):
    SWEEP_ROUTES = [("GET", ""), ("POST", "/cancel"), ("GET", "/best"), ("GET", "/children"), ("GET", "/children/sorted"),
                    ("GET", "/hyperparameters"), ("GET", "/metrics"), ("GET", "/config"), ("GET", "/log")]
    RUN_ROUTES = [("GET", ""), ("GET", "/metrics"), ("POST", "/cancel"), ("GET", "/logs"), ("GET", "/logs/user_logs/std_log.txt")]

    def test_fail_and_diagnostics(self):
        sweep_id = self.finished_sweep()["run_id"]
        before = self.sweep(sweep_id)
        response = self.client.post("/sweeps/%s/fail" % sweep_id)
        self.assertError(response, 501, "fail is not supported for a sweep")
        self.assertEqual(response.error["code"], "NotImplemented")
        response = self.client.get("/sweeps/%s/diagnostics" % sweep_id)
        self.assertError(response, 501, "get_diagnostics is not supported for a sweep")
        self.assertEqual(self.sweep(sweep_id), before)

    def test_unknown_ids(self):
        for unknown in ("HD_00000000-0000-4000-8000-000000000000", "nothing", "a'b", "%20", "\u00e4"):
            shown = {"%20": " "}.get(unknown, unknown)
            quoted = unknown if unknown == "%20" else harness.urllib.parse.quote(unknown)
            for method, route in self.SWEEP_ROUTES:
                with self.subTest(method=method, route=route, id=unknown):
                    response = self.client.request(method, "/sweeps/%s%s" % (quoted, route))
                    self.assertError(response, 404, "no sweep with id '%s'" % shown)
            for method, route in self.RUN_ROUTES:
                with self.subTest(method=method, run_route=route, id=unknown):
                    response = self.client.request(method, "/runs/%s%s" % (quoted, route))
                    self.assertError(response, 404, re.compile("no .*run with id '%s'" % re.escape(shown)))

    def test_a_child_where_a_sweep_is_wanted(self):
        sweep_id = self.finished_sweep()["run_id"]
        child = sweep_id + "_0"
        for method, route in self.SWEEP_ROUTES:
            with self.subTest(method=method, route=route):
                response = self.client.request(method, "/sweeps/%s%s" % (child, route))
                self.assertError(response, 404, "'%s' is a child run of sweep '%s'" % (child, sweep_id))

    def test_a_sweep_where_a_child_is_wanted(self):
        sweep_id = self.finished_sweep()["run_id"]
        for method, route in self.RUN_ROUTES:
            with self.subTest(method=method, route=route):
                self.assertError(self.client.request(method, "/runs/%s%s" % (sweep_id, route)), 404)

    def test_boolean_values(self):
        sweep_id = self.finished_sweep()["run_id"]
        routes = {"/best": ("include_failed", "include_canceled", "include_resume_from_runs"),
                  "/children/sorted": ("reverse", "discard_no_metric")}
        for route, names in routes.items():
            for name in names:
                path = "/sweeps/%s%s" % (sweep_id, route)
                for value in ("true", "false", "1", "0", "TRUE", "False", "tRuE"):
                    with self.subTest(route=route, name=name, value=value):
                        self.assertEqual(self.client.get(path, **{name: value}).status, 200)
                for value in ("", "yes", "no", "2", "01", "on", "null", "true%20", "tru", "true\u00e9"):
                    with self.subTest(route=route, name=name, value=value):
                        encoded = value if "%" in value else harness.urllib.parse.quote(value)
                        self.assertError(self.client.request("GET", path, query="%s=%s" % (name, encoded)), 400, target=name)
                with self.subTest(route=route, name=name, value="repeated"):
                    self.assertError(self.client.request("GET", path, query="%s=true&%s=true" % (name, name)), 400, target=name)
                with self.subTest(route=route, name=name, value="without ="):
                    self.assertError(self.client.request("GET", path, query=name), 400, target=name)

    def test_unknown_parameters(self):
        sweep_id = self.finished_sweep()["run_id"]
        for method, route in self.SWEEP_ROUTES:
            with self.subTest(route):
                response = self.client.request(method, "/sweeps/%s%s" % (sweep_id, route), query="wrong=1")
                self.assertError(response, 400, target="wrong")

    def test_top(self):
        path = "/sweeps/%s/children/sorted" % self.finished_sweep()["run_id"]
        self.assertEqual(len(self.client.read(path, top="0")["children"]), 2)
        self.assertEqual(len(self.client.read(path, top="1")["children"]), 1)
        self.assertEqual(len(self.client.read(path, top="1000000")["children"]), 2)
        for value in ("-1", "", "1.5", "1.0", "true", "x", "1e3", "+1", " 1", "0x1", "99999999999999999999"):
            with self.subTest(value):
                self.assertError(self.client.get(path, top=value), 400, target="top")

    def test_form(self):
        path = "/sweeps/%s/metrics" % self.finished_sweep()["run_id"]
        self.assertEqual(self.client.read(path, form="list"), {"metrics": {}})
        for value in ("", "scalar", "LIST"):
            with self.subTest(value):
                self.assertError(self.client.get(path, form=value), 400, target="form")


class Answers(DaemonTest):
    def test_best_and_sorted(self):
        sweep_id, runs = self.running_sweep(4, hyperparameter_sampling=self.grid(4))
        self.assertEqual(self.client.read("/sweeps/%s/best" % sweep_id), {"run": None})
        self.assertIsNone(self.sweep(sweep_id)["best_child_run_id"])
        self.assertNotIn("best_child_run_id", self.sweep(sweep_id)["properties"])
        for run_id, values in zip(runs, ([0.5, 0.75, 0.25], [0.75], [1], [])):
            for value in values:
                self.report(run_id, "Accuracy", value)
                self.report(run_id, "loss", -value)
        # A running child can be best; the value is shown as a float.
        best = self.client.read("/sweeps/%s/best" % sweep_id)["run"]
        self.assertSame({key: best[key] for key in list(best)[:6]}, {
            "run_id": runs[2], "sweep_id": sweep_id, "inherited": False, "status": "Running", "best_primary_metric": 1.0,
            "hyperparameters": {"x": 2}})
        self.gates.release(runs[2], 1)
        self.wait_for_run(runs[2], "Failed")
        best = self.client.read("/sweeps/%s/best" % sweep_id, include_failed="false")["run"]
        self.assertEqual((best["run_id"], best["best_primary_metric"]), (runs[1], 0.75))  # the tie goes to the newest
        self.client.post("/runs/%s/cancel" % runs[1])
        self.wait_for_run(runs[1], "Canceled")
        best = self.client.read("/sweeps/%s/best" % sweep_id, include_failed="0", include_canceled="FALSE")["run"]
        self.assertEqual(best["run_id"], runs[0])
        self.assertEqual(self.client.read("/sweeps/%s/best" % sweep_id)["run"]["run_id"], runs[2])

        rows = self.client.read("/sweeps/%s/children/sorted" % sweep_id)["children"]
        self.assertEqual([row["run_id"] for row in rows], [runs[2], runs[1], runs[0], runs[3]])
        self.assertSame({key: rows[0][key] for key in list(rows[0])[:6]}, {
            "run_id": runs[2], "hyperparameters": {"x": 2}, "best_primary_metric": 1.0, "status": "Failed", "reports": 1,
            "stop_reason": None})
        self.assertEqual(rows[1]["stop_reason"]["kind"], "user")
        self.assertIsNone(rows[3]["best_primary_metric"])
        self.assertEqual([row["run_id"] for row in self.client.read("/sweeps/%s/children/sorted" % sweep_id, top=2, reverse=1,
                                                                    discard_no_metric="true")["children"]], [runs[1], runs[0]])

        sweep = self.sweep(sweep_id)
        self.assertEqual((sweep["best_child_run_id"], sweep["best_primary_metric"]), (runs[2], 1.0))
        self.assertEqual(sweep["properties"]["best_child_run_id"], runs[2])
        self.assertEqual(float(sweep["properties"]["score"]), 1.0)
        for run_id in (runs[0], runs[3]):
            self.gates.release(run_id)
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"], {"total": 4, "Completed": 2, "Failed": 1, "Canceled": 1})

    def test_minimize(self):
        sweep_id, runs = self.running_sweep(2, primary_metric_goal="Minimize", primary_metric_name="loss")
        self.report(runs[0], "loss", [3, 0.5])
        self.report(runs[1], "loss", "-Infinity")
        self.report(runs[1], "Loss", -5)  # another name: names are compared byte by byte
        best = self.client.read("/sweeps/%s/best" % sweep_id)["run"]
        self.assertEqual((best["run_id"], best["best_primary_metric"]), (runs[1], "-Infinity"))
        self.assertEqual(self.run_of(runs[1])["reports"], 1)
        self.assertEqual(self.sweep(sweep_id)["config"]["primary_metric_goal"], "minimize")
        for run_id in runs:
            self.gates.release(run_id)

    def test_hyperparameters_in_the_order_of_the_index(self):
        space = {"--z": ["choice", [[500, 20.0, "a", True, None]]], "a": ["quniform", [65, 65, 5]]}
        sweep = self.finished_sweep(max_total_runs=None, run_config={"command": ["/bin/true"]},
                                    hyperparameter_sampling={"type": "grid", "parameter_space": {
                                        "--z": space["--z"], "a": ["choice", [[65.0, 1, [1, 2.0]]]]}})
        found = self.client.read("/sweeps/%s/hyperparameters" % sweep["run_id"])["hyperparameters"]
        expected = {}
        for z in (500, 20.0, "a", True, None):
            for a in (65.0, 1, [1, 2.0]):
                expected["%s_%d" % (sweep["run_id"], len(expected))] = {"--z": z, "a": a}
        self.assertSame(found, expected)  # _10 stands behind _9; 65.0 stays a float and 500 an integer

    def test_metrics(self):
        sweep_id, runs = self.running_sweep(3)
        self.assertEqual(self.client.read("/sweeps/%s/metrics" % sweep_id), {"metrics": {}})
        for value in (0.7, 0.4, "NaN"):
            self.report(runs[2], "loss", value)
        self.report(runs[2], "Accuracy", 0.91)
        self.report(runs[0], "Accuracy", 1)
        self.assertSame(self.client.read("/sweeps/%s/metrics" % sweep_id)["metrics"],
                        {runs[0]: {"Accuracy": 1}, runs[2]: {"loss": [0.7, 0.4, "NaN"], "Accuracy": 0.91}})
        self.assertSame(self.client.read("/sweeps/%s/metrics" % sweep_id, form="list")["metrics"],
                        {runs[0]: {"Accuracy": [1]}, runs[2]: {"loss": [0.7, 0.4, "NaN"], "Accuracy": [0.91]}})
        self.assertSame(self.client.read("/runs/%s/metrics" % runs[0])["metrics"], {"Accuracy": 1})
        self.assertSame(self.client.read("/runs/%s/metrics" % runs[1])["metrics"], {})
        for run_id in runs:
            self.gates.release(run_id)

    def test_sweep_resource(self):
        sweep = self.submit(experiment="iris", name="n", display_name="iris sweep", description="d\u00e4", tags={"team": "a"},
                            hyperparameter_sampling={"type": "random", "parameter_space": {"x": ["uniform", [0, 1]]}})
        self.assertRegex(sweep["run_id"], r"\AHD_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
        for member, value in {"run_type": "hyperdrive", "experiment": "iris", "name": "n", "display_name": "iris sweep",
                              "description": "d\u00e4", "tags": {"team": "a"}, "end_utc": None, "best_child_run_id": None,
                              "best_primary_metric": None, "status_reason": None}.items():
            self.assertEqual(sweep[member], value, member)
        self.assertIn(sweep["status"], ("Starting", "Running"))
        self.assertRegex(sweep["created_utc"], TIME)
        self.assertIsInstance(sweep["seed"], int)
        self.assertEqual(sweep["config"]["hyperparameter_sampling"]["seed"], sweep["seed"])
        self.assertIsInstance(sweep["warnings"], list)
        self.assertEqual(read_json(sweep["properties"]["primary_metric_config"]), {"name": "Accuracy", "goal": "maximize"})
        self.assertEqual(sweep["properties"]["resume_from"], "null")
        ended = self.wait_for_sweep(sweep["run_id"], "Completed")
        self.assertEqual(ended["children"], {"total": 2, "Completed": 2})
        self.assertEqual(ended["status_reason"]["code"], "max_total_runs")
        self.assertTrue(ended["status_reason"]["message"])
        for member in ("start_utc", "end_utc"):
            self.assertRegex(ended[member], TIME)
        self.assertTrue(ended["created_utc"] <= ended["start_utc"] <= ended["end_utc"], ended)
        drawn = {self.submit(hyperparameter_sampling={"type": "random", "parameter_space": {"x": ["uniform", [0, 1]]}})["seed"]
                 for _ in range(3)}
        self.assertEqual(len(drawn), 3, "seeds are not drawn")

    def test_without_a_metric(self):
        sweep = self.submit(primary_metric_name=None, primary_metric_goal=None, run_config=self.gated(), max_total_runs=1)
        run_id = sweep["run_id"] + "_0"
        self.gates.environment(run_id)
        self.report(run_id, "Accuracy", 0.5)
        self.assertEqual(self.client.read("/sweeps/%s/best" % sweep["run_id"]), {"run": None})
        self.assertEqual(self.run_of(run_id)["reports"], 0)
        self.assertSame(self.client.read("/sweeps/%s/metrics" % sweep["run_id"])["metrics"], {run_id: {"Accuracy": 0.5}})
        self.gates.release(run_id)
        self.wait_for_sweep(sweep["run_id"], "Completed")

    def test_child_resource(self):
        source = self.source({"train.sh": "#!/bin/sh\nexit 0\n"})
        sweep = self.finished_sweep(
            max_total_runs=1, hyperparameter_sampling=self.grid(1, "--lr"),
            run_config={"source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "arguments": ["--data", 3, "a b"]})
        run = self.run_of(sweep["run_id"] + "_0")
        for member, value in {"run_id": sweep["run_id"] + "_0", "sweep_id": sweep["run_id"], "status": "Completed",
                              "hyperparameters": {"--lr": 0}, "best_primary_metric": None, "reports": 0, "stop_reason": None,
                              "error": None, "exit_code": 0}.items():
            self.assertIn(member, run)
            self.assertEqual(run[member], value, member)
        self.assertEqual(run["runDefinition"]["arguments"], ["--data", "3", "a b", "--lr", "0"])
        for member in ("created_utc", "start_utc", "end_utc"):
            self.assertRegex(run[member], TIME)
        self.assertTrue(run["created_utc"] <= run["start_utc"] <= run["end_utc"], run)


class Configuration(DaemonTest):
    FULL = {
        "experiment": "iris", "name": "n", "display_name": "d", "description": "\u00e4\u4e2d\U0001d49c\"\\/\n", "tags": {"b": "1", "a": ""},
        "hyperparameter_sampling": {
            "type": "random", "seed": -9007199254740991, "logbase": 10.0, "properties": {"note": [1, 1.0, {"deep": None}]},
            "parameter_space": {
                "z": {"type": "uniform", "min_value": 0, "max_value": 1e-300}, "a": ["quniform", [10, 250, 0.4]],
                "--lr": {"type": "loguniform", "min_value": -5.0, "max_value": -1}, "m": ["normal", [0.1, 3]],
                "l": ["lognormal", [0, 1]], "ql": ["qlognormal", [0, 1, 1]], "qlu": ["qloguniform", [0, 2, 5]], "qn": ["qnormal", [1, 2, 3]],
                "r": ["randint", [7]], "c": ["choice", [[1, 2.0, "x", True, None, {"n": ["uniform", [0, 1]], "k": [1, 2]}]]]}},
        "primary_metric_name": "Accuracy", "primary_metric_goal": "MAXIMIZE", "max_total_runs": 1, "max_concurrent_runs": 1,
        "max_duration_minutes": 0.75, "trial_timeout_seconds": 55, "policy": {"type": "none"}, "initial_failure_limit": 0,
        "nested_arguments": "flat",
        "run_config": {"command": "true ${{search_space.z}} \u00e4", "inputs": {"data": 0.5, "n": 3}, "outputs": {"model": {}},
                       "environment_variables": {"B": "${{inputs.data}}", "A": ""}, "snapshot": False},
    }

    def config_bytes(self, sweep_id):
        response = self.client.get("/sweeps/%s/config" % sweep_id)
        self.assertEqual(response.status, 200)
        return response.body

    def check_round_trip(self, body):
        response = self.client.post("/sweeps", body)
        self.assertEqual(response.status, 201, response.body)
        first = response.json
        config = self.config_bytes(first["run_id"])
        self.assertSame(read_json(config), first["config"])
        again = self.client.post("/sweeps", raw=config)
        self.assertEqual(again.status, 201, again.body)
        self.assertEqual(self.config_bytes(again.json["run_id"]), config)
        self.assertEqual([self.wait_for_sweep(sweep["run_id"])["status"] for sweep in (first, again.json)], ["Completed"] * 2)
        configurations = [list(self.client.read("/sweeps/%s/hyperparameters" % sweep["run_id"])["hyperparameters"].values())
                          for sweep in (first, again.json)]
        self.assertSame(configurations[0], configurations[1])
        return read_json(config)

    def test_everything(self):
        config = self.check_round_trip(self.FULL)
        space = config["hyperparameter_sampling"]["parameter_space"]
        self.assertEqual(list(space), list(self.FULL["hyperparameter_sampling"]["parameter_space"]))
        # Output uses the object form, and numbers keep their kind.
        self.assertSame(space["a"], {"type": "quniform", "min_value": 10, "max_value": 250, "q": 0.4})
        self.assertSame(space["--lr"], {"type": "loguniform", "min_value": -5.0, "max_value": -1})
        self.assertSame(config["hyperparameter_sampling"]["properties"], {"note": [1, 1.0, {"deep": None}]})
        self.assertEqual(config["primary_metric_goal"], "maximize")
        self.assertSame(config["max_duration_seconds"], 45)
        self.assertEqual(config["tags"], {"b": "1", "a": ""})

    def test_defaults(self):
        config = self.check_round_trip({
            "hyperparameter_sampling": {"type": "grid", "parameter_space": {"x": ["choice", [[1, 2]]]}},
            "run_config": {"command": ["/bin/true"]}})
        for member, value in {"experiment": "Default", "name": None, "display_name": None, "description": None, "tags": {},
                              "max_concurrent_runs": None, "max_duration_minutes": 10080, "max_duration_seconds": 604800,
                              "trial_timeout_seconds": None, "policy": None, "resume_from": None, "resume_child_runs": None,
                              "initial_failure_limit": 3, "nested_arguments": "json"}.items():
            self.assertIn(member, config)
            self.assertEqual(config[member], value, member)
        for member, value in {"snapshot": True, "gpus_per_run": 0, "cpus_per_run": 1, "max_retries": 0}.items():
            self.assertEqual(config["run_config"].get(member, value), value, member)

    def test_seed_that_was_drawn(self):
        body = self.specification(hyperparameter_sampling={"type": "random", "parameter_space": {"x": ["uniform", [0, 1]]}})
        self.assertIsInstance(self.check_round_trip(body)["hyperparameter_sampling"]["seed"], int)

    def test_after_a_restart(self):
        sweep_id = self.submit(**self.FULL)["run_id"]
        before, resource = self.config_bytes(sweep_id), self.wait_for_sweep(sweep_id)
        self.daemon.restart()
        self.assertEqual(self.config_bytes(sweep_id), before)
        self.assertSame(self.sweep(sweep_id), resource)


class Lists(SharedDaemonTest):
    def test_pages_of_sweeps(self):
        ids = [self.finished_sweep(experiment="pages", max_total_runs=1)["run_id"] for _ in range(5)]
        ids.append(self.finished_sweep(experiment="pages", max_total_runs=1, run_config={"command": ["/bin/false"]})["run_id"])
        found, query = [], {"experiment": "pages", "limit": 4}
        for expected in (4, 2):
            page = self.client.read("/sweeps", **query)
            self.assertEqual(len(page["sweeps"]), expected)
            found += [sweep["run_id"] for sweep in page["sweeps"]]
            query["after"] = page["next"]
        self.assertIsNone(page["next"])
        self.assertEqual(found, ids[::-1])  # newest first
        failed = self.client.read("/sweeps", experiment="pages", status="Failed")["sweeps"]
        self.assertEqual([sweep["run_id"] for sweep in failed], ids[-1:])
        self.assertEqual(self.client.read("/sweeps", experiment="none")["sweeps"], [])
        for query in ({"status": "failed"}, {"status": ""}, {"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"after": "x y"}):
            with self.subTest(query):
                self.assertError(self.client.get("/sweeps", **query), 400, target=next(iter(query)))

    def test_pages_of_children(self):
        sweep_id = self.finished_sweep(hyperparameter_sampling=self.grid(12), max_total_runs=12)["run_id"]
        whole = self.client.read("/sweeps/%s/children" % sweep_id)
        self.assertEqual((len(whole["children"]), whole["total"], whole["next"]), (12, 12, None))
        found, query = [], {"limit": 5}
        for expected in (5, 5, 2):
            page = self.client.read("/sweeps/%s/children" % sweep_id, **query)
            self.assertEqual((len(page["children"]), page["total"]), (expected, 12))
            found += page["children"]
            query["after"] = page["next"]
        self.assertIsNone(page["next"])
        self.assertSame(found, whole["children"])
        self.assertEqual([child["run_id"] for child in found], ["%s_%d" % (sweep_id, number) for number in range(12)])
        page = self.client.read("/sweeps/%s/children" % sweep_id, limit=12)
        self.assertIsNone(page["next"], "an empty page is announced")


class Logs(DaemonTest):
    OUTPUT = "first line\n\u00e4\u00f6\u00fc to standard error\nlast line\n"

    def logged_run(self):
        source = self.source({"train.sh": "#!/bin/sh\ncat text\necho 'outputs' > outputs/result.txt\n", "text": self.OUTPUT})
        sweep = self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "script": "train.sh", "interpreter": "/bin/sh"})
        self.assertEqual(sweep["status"], "Completed")
        return sweep["run_id"] + "_0"

    def test_whole_and_ranges(self):
        path = "/runs/%s/logs/user_logs/std_log.txt" % self.logged_run()
        text = self.OUTPUT.encode()
        response = self.client.get(path)
        self.assertEqual((response.status, response.body), (200, text))
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain"))
        self.assertEqual(response.headers["Accept-Ranges"], "bytes")
        last = len(text) - 1
        for header, first, end in (("bytes=0-4", 0, 4), ("bytes=6-", 6, last), ("bytes=-5", last - 4, last), ("bytes=5-5", 5, 5),
                                   ("bytes=0-99999", 0, last), ("bytes=-99999", 0, last)):
            with self.subTest(header):
                response = self.client.request("GET", path, headers={"Range": header})
                self.assertEqual((response.status, response.body), (206, text[first:end + 1]))
                self.assertEqual(response.headers["Content-Range"], "bytes %d-%d/%d" % (first, end, len(text)))
        response = self.client.request("GET", path, headers={"Range": "bytes=%d-" % len(text)})
        self.assertError(response, 416)
        self.assertEqual(response.headers["Content-Range"], "bytes */%d" % len(text))
        for header in ("lines=1-2", "bytes=a-b", "bytes=5-4"):  # what is no range is passed over
            with self.subTest(header):
                self.assertEqual(self.client.request("GET", path, headers={"Range": header}).status, 200)
        response = self.client.request("GET", path, headers={"Range": "bytes=0-3", "If-Range": '"tag"'})  # a log has no tag
        self.assertEqual((response.status, response.body), (200, text))

    def test_list_of_what_can_be_asked_for(self):
        """Files in folders are listed, and names that are no UTF-8 do not spoil the list."""
        source = self.source({"train.py": "import os\nos.makedirs('logs/deep/er')\n"
                                          "for name in (b'logs/\\xff', b'logs/deep/\\xc3(', b'logs/a\\nb', b'logs/deep/er/x', 'logs/\u00fc \"%2f'.encode()):\n"
                                          "    open(name, 'w').write('text')\nos.symlink('a', 'logs/link')\nos.mkfifo('logs/fifo')\n"})
        run_id = self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "script": "train.py"})["run_id"] + "_0"
        listed = self.client.read("/runs/%s/logs" % run_id)
        self.assertFalse(listed["truncated"])
        names = sorted(entry["name"] for entry in listed["logs"])
        self.assertEqual(names, ["logs/a\nb", "logs/deep/er/x", "logs/\u00fc \"%2f", "user_logs/std_log.txt"])
        for entry in listed["logs"]:
            response = self.client.get("/runs/%s/logs/%s" % (run_id, urllib.parse.quote(entry["name"])))
            self.assertEqual((response.status, len(response.body)), (200, entry["size"]))

    def test_list_of_many_files(self):
        source = self.source({"train.py": "import os\nos.mkdir('logs/many')\nfor n in range(10001):\n    open('logs/many/%d' % n, 'w').close()\n"})
        run_id = self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "script": "train.py"})["run_id"] + "_0"
        listed = self.client.read("/runs/%s/logs" % run_id)
        self.assertEqual((len(listed["logs"]), listed["truncated"]), (10000, True))

    def test_list_and_paths_outside(self):
        run_id = self.logged_run()
        listed = self.client.read("/runs/%s/logs" % run_id)["logs"]
        self.assertIn("user_logs/std_log.txt", [entry["name"] if isinstance(entry, dict) else entry for entry in listed])
        for name in ("../launch.json", "..%2flaunch.json", "user_logs/../../../../../token", "user_logs/..%2f..%2f..%2f..%2f..%2ftoken",
                     "/etc/passwd", "%2fetc%2fpasswd", "user_logs", "user_logs/", "nothing.txt", "user_logs/std_log.txt%00.png",
                     "lock", "launch.json"):
            with self.subTest(name):
                response = self.client.get("/runs/%s/logs/%s" % (run_id, name))
                self.assertIn(response.status, (400, 404), response.body[:200])
                self.assertNotIn(self.daemon.token.encode(), response.body)

    def test_links_lead_nowhere(self):
        source = self.source({"train.sh": "#!/bin/sh\nln -s /etc/passwd logs/passwd\nln -s /etc logs/etc\nexit 0\n"})
        sweep = self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "script": "train.sh", "interpreter": "/bin/sh"})
        for name in ("logs/passwd", "logs/etc/passwd"):
            response = self.client.get("/runs/%s_0/logs/%s" % (sweep["run_id"], name))
            self.assertIn(response.status, (400, 403, 404), response.body[:200])

    def test_of_a_running_child_and_of_one_that_has_not_begun(self):
        sweep_id, (run_id,) = self.running_sweep(1, run_config=self.gated("echo hello; " + harness.GATED))
        response = self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id)
        self.assertEqual((response.status, response.body), (200, b"hello\n"))
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)

    def test_log_of_the_sweep(self):
        sweep_id, runs = self.running_sweep(2, max_total_runs=3, max_concurrent_runs=2)
        self.gates.release(runs[0])
        self.client.post("/runs/%s/cancel" % runs[1])
        self.gates.release(sweep_id + "_2", 7)
        self.wait_for_sweep(sweep_id, "Completed")
        response = self.client.get("/sweeps/%s/log" % sweep_id)
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain"))
        text = response.body.decode()
        lines = text.splitlines()
        times = []
        for line in lines:
            match = re.fullmatch(r"\[(%s)\]\[(API|GENERATOR|SCHEDULER|CONTROLLER)\]\[(INFO|WARNING|ERROR|DEBUG)\](\S.*)" % TIME.pattern, line)
            self.assertIsNotNone(match, line)
            times.append(match[1])
        self.assertEqual(times, sorted(times))
        self.assertTrue(text.endswith("\n"))

        def has(*parts):
            self.assertTrue([line for line in lines if all(part in line for part in parts)], "no line has %r:\n%s" % (parts, text))
        has("[API]", "created")
        has("[GENERATOR]", runs[0], runs[1])
        has("[GENERATOR]", sweep_id + "_2")
        for run_id in (*runs, sweep_id + "_2"):
            has("[SCHEDULER]", run_id)
        has(runs[0], "Completed")
        has(runs[1], "Canceled", "user")
        has(sweep_id + "_2", "Failed", "7")
        has("[GENERATOR]", "max_total_runs")
        has("[CONTROLLER]", "Completed")


class Warnings(DaemonTest):
    def warnings(self, **fields):
        sweep = self.submit(**fields)
        self.wait_for_sweep(sweep["run_id"])
        log = self.client.get("/sweeps/%s/log" % sweep["run_id"]).body.decode()
        for warning in sweep["warnings"]:
            self.assertIn(warning["message"], log)
        self.assertSame(self.sweep(sweep["run_id"])["warnings"][:len(sweep["warnings"])], sweep["warnings"])
        return {warning["code"]: warning["message"] for warning in sweep["warnings"]}

    def choice(self, *values, kind="random"):
        return {"type": kind, "parameter_space": {"x": ["choice", [list(values)]]}}

    def program(self, command):
        return {"command": command}

    def test_none(self):
        self.assertEqual(self.warnings(run_config=self.program("true ${{search_space.x}}")), {})
        self.assertEqual(self.warnings(run_config=self.program('true "$AZUREML_SWEEP_x"')), {})

    def test_each(self):
        quiet = self.program("true ${{search_space.x}}")
        cases = [
            ("GridTruncated", {"hyperparameter_sampling": self.grid(5), "run_config": quiet}, "3 of 5 combinations will not be run"),
            ("SpaceSmallerThanBudget", {"hyperparameter_sampling": self.choice(1, 2), "max_total_runs": 3, "run_config": quiet}, None),
            ("ConcurrencyAboveTotal", {"max_concurrent_runs": 3, "run_config": quiet}, None),
            ("DuplicateChoice", {"hyperparameter_sampling": self.choice(1, 1.0, "1", True), "run_config": quiet}, None),
            ("DashValue", {"hyperparameter_sampling": self.choice("-a", "b"), "run_config": quiet}, None),
            ("ParameterNotReferenced", {"run_config": self.program("true")}, None),
            ("SingleBrace", {"run_config": self.program("true {search_space.x}")}, None),
            ("Ignored", {"run_config": {**quiet, "compute_target": "gpu-cluster"}}, None),
        ]
        for code, fields, message in cases:
            with self.subTest(code):
                found = self.warnings(**fields)
                self.assertEqual(list(found), [code], found)
                self.assertTrue(found[code])
                if message is not None:
                    self.assertIn(message, found[code])
        self.assertEqual(self.warnings(run_config={**quiet, "compute_target": "local"}), {})

    def test_argument_overlap(self):
        source = self.source({"train.sh": "exit 0\n"})
        found = self.warnings(hyperparameter_sampling=self.grid(2, "--lr"), run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "arguments": ["--lr", "1"]})
        self.assertEqual(list(found), ["ArgumentOverlap"])
        self.assertIn("--lr", found["ArgumentOverlap"])

    def test_duplicate_choice_keeps_the_first(self):
        sweep = self.finished_sweep(hyperparameter_sampling=self.choice(1, 1.0, "1", True, kind="grid"), max_total_runs=None)
        found = self.client.read("/sweeps/%s/hyperparameters" % sweep["run_id"])["hyperparameters"]
        self.assertSame([values["x"] for values in found.values()], [1, "1", True])

    def test_metric_never_reported(self):
        sweep_id, (first, second) = self.running_sweep(2)
        self.report(first, "accuracy", 0.5)
        self.report(first, "loss", 1)
        self.assertNotIn("MetricNeverReported", [warning["code"] for warning in self.sweep(sweep_id)["warnings"]])
        self.gates.release(first)
        self.wait_for_run(first, "Completed")
        self.gates.release(second)
        self.wait_for_sweep(sweep_id, "Completed")
        found = [warning["message"] for warning in self.sweep(sweep_id)["warnings"] if warning["code"] == "MetricNeverReported"]
        self.assertEqual(len(found), 1, "once for the first such child")
        for word in ("Accuracy", "accuracy", "loss", "case"):
            self.assertIn(word, found[0])
        self.assertIn(found[0], self.client.get("/sweeps/%s/log" % sweep_id).body.decode())


class Health(SharedDaemonTest):
    def test_head_and_options(self):
        self.assertEqual(self.client.request("HEAD", "//healthz").status, 200)
        response = self.client.request("OPTIONS", "/sweeps")
        self.assertIn(response.status, (200, 204))
        self.assertLessEqual({"GET", "POST"}, {method.strip() for method in response.headers["Allow"].split(",")})

    def test_answers_are_json_objects(self):
        for path in ("/version", "/sweeps"):
            self.assertIsInstance(self.client.read(path), dict)


if __name__ == "__main__":
    harness.main()
