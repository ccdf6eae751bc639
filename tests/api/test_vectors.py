"""The reference's vectors about operations: preset rows, written by the loader, and asked of a real daemon over HTTP.

Every runner asserts how many cases it ran. Expected values come only from the files; a case of an unknown shape fails."""

import json
import os
import subprocess
import unittest

import harness
from harness import SharedDaemonTest, same


def vectors(name):
    with open(os.path.join(harness.VECTORS, name), encoding="utf-8") as file:
        return json.load(file)


def query(case, *names):
    return {name: json.dumps(case[name]) for name in names if name in case}


class VectorTest(SharedDaemonTest):
    def check_shape(self, case, required, optional=()):
        self.assertLessEqual(set(required), set(case), "a case of an unknown shape: %r" % case)
        self.assertLessEqual(set(case), set(required) | set(optional), "a case of an unknown shape: %r" % case)

    def load(self, sweeps):
        """Stores sweeps with preset rows, then starts the daemon on them."""
        self.daemon.preset = True
        self.daemon.stop()
        result = subprocess.run([harness.LOAD_ROWS, self.daemon.state], input=json.dumps({"sweeps": sweeps}), text=True,
                                capture_output=True, timeout=harness.DEADLINE, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.daemon.start()

    def count(self, section, ran, expected):
        print("vectors: %s: %d cases ran" % (section, ran))
        self.assertEqual(ran, expected, section)


@unittest.skipUnless(os.access(harness.LOAD_ROWS, os.X_OK), "the loader of preset rows is not built")
class PresetRows(VectorTest):
    """best_run.json and ordering.json."""

    daemon_options = {"slots": 1}

    def sweep_rows(self, sweep_id, goal, children):
        rows = [{"number": child["index"], "created": child["created"], "status": child["status"], "reports": child["reports"]}
                for child in sorted(children, key=lambda child: child["created"])]
        return {"id": sweep_id, "goal": goal, "metric": "m", "children": rows}

    def best_rows(self, prefix, name, goal, children):
        """A sweep of best_run.json, called <prefix><name>; its children's ids begin with their sweep's name."""
        for child in children:
            self.check_shape(child, ("id", "created", "status", "reports"))
        return self.sweep_rows(prefix + name, goal, [{**child, "index": int(child["id"].removeprefix(name + "_"))} for child in children])

    def test_best_run(self):
        cases = vectors("best_run.json")["cases"]
        sweeps = []
        for number, case in enumerate(cases):
            self.check_shape(case, ("note", "goal", "children", "expected"),
                             ("include_failed", "include_canceled", "include_resume_from_runs", "inherited"))
            prefix, inherited = "best%d-" % number, case.get("inherited", ())
            for sweep in inherited:
                self.check_shape(sweep, ("sweep", "children"))
                sweeps.append(self.best_rows(prefix, sweep["sweep"], case["goal"], sweep["children"]))
            sweeps.append({**self.best_rows(prefix, "S", case["goal"], case["children"]),
                           "resume_from": [prefix + sweep["sweep"] for sweep in inherited]})
        self.load(sweeps)
        for number, case in enumerate(cases):
            with self.subTest(case["note"]):
                prefix = "best%d-" % number
                answer = self.client.read("/sweeps/%sS/best" % prefix, **query(case, "include_failed", "include_canceled",
                                                                               "include_resume_from_runs"))["run"]
                if case["expected"] is None:
                    self.assertIsNone(answer)
                    continue
                self.assertEqual(answer["run_id"], prefix + case["expected"]["run"])
                self.assertSame(answer["best_primary_metric"], case["expected"]["best_primary_metric"])
                self.assertEqual(answer["sweep_id"], answer["run_id"].rpartition("_")[0])
                self.assertEqual(answer["inherited"], answer["sweep_id"] != prefix + "S")
                if "inherited" in case:
                    continue
                # 2.4: without inherited sweeps both operations agree.
                rows = self.client.read("/sweeps/%sS/children/sorted" % prefix, discard_no_metric="true")["children"]
                excluded = {status for status in ("Failed", "Canceled") if not case.get("include_" + status.lower(), True)}
                self.assertEqual([row["run_id"] for row in rows if row["status"] not in excluded][0], answer["run_id"])
        self.count("best_run.json", len(cases), 22)

    def test_ordering_observed(self):
        section = vectors("ordering.json")["observed"]
        self.check_shape(section, ("about", "creation_order", "values", "cases"))
        values = {}
        for row in section["values"]:
            self.check_shape(row, ("value", "children"))
            values.update(dict.fromkeys(row["children"], row["value"]))
        self.assertEqual(len(values), 80)
        self.assertEqual(sorted(section["creation_order"]), sorted(values))
        children = [{"index": index, "created": created, "status": "Completed", "reports": [values[index]]}
                    for created, index in enumerate(section["creation_order"])]
        self.load([self.sweep_rows("observed-" + goal, goal, children) for goal in ("maximize", "minimize")])
        for case in section["cases"]:
            self.check_shape(case, ("goal", "expected", "source"), ("top", "reverse"))
            with self.subTest(str(case)[:60]):
                sweep_id = "observed-" + case["goal"]
                rows = self.client.read("/sweeps/%s/children/sorted" % sweep_id, **query(case, "top", "reverse"))["children"]
                self.assertEqual([row["run_id"] for row in rows], ["%s_%d" % (sweep_id, index) for index in case["expected"]])
                for row, index in zip(rows, case["expected"]):
                    self.assertSame(row["best_primary_metric"], values[index])
        self.count("ordering.json observed", len(section["cases"]), 7)

    def test_ordering_mixed(self):
        section = vectors("ordering.json")["mixed"]
        self.check_shape(section, ("about", "children", "cases"))
        for child in section["children"]:
            self.check_shape(child, ("index", "created", "status", "reports"))
        statuses = {child["index"]: child["status"] for child in section["children"]}
        reports = {child["index"]: len(child["reports"]) for child in section["children"]}
        self.load([self.sweep_rows("mixed-" + goal, goal, section["children"]) for goal in ("maximize", "minimize")])
        for case in section["cases"]:
            self.check_shape(case, ("goal", "expected"), ("top", "reverse", "discard_no_metric"))
            with self.subTest(str(case)[:60]):
                sweep_id = "mixed-" + case["goal"]
                rows = self.client.read("/sweeps/%s/children/sorted" % sweep_id,
                                        **query(case, "top", "reverse", "discard_no_metric"))["children"]
                self.assertSame([[row["run_id"], row["best_primary_metric"]] for row in rows],
                                [["%s_%d" % (sweep_id, index), value] for index, value in case["expected"]])
                for row, (index, _) in zip(rows, case["expected"]):
                    self.assertEqual((row["status"], row["reports"]), (statuses[index], reports[index]))
        self.count("ordering.json mixed", len(section["cases"]), 9)


class MetricShapes(VectorTest):
    """get_metrics_shapes.json: real children that wait while their calls are sent."""

    KINDS = {"log": "value", "log_list": "list", "log_row": "row", "log_table": "table", "log_image": "image"}

    def send(self, run_id, call):
        self.check_shape(call, ("op", "name", "value"), ("run",))
        return self.client.post("/runs/%s/metrics" % run_id,
                                {"name": call["name"], "value": call["value"], "kind": self.KINDS[call["op"]]})

    def run_case(self, case):
        self.check_shape(case, ("note", "calls"), ("expected", "primary_metric", "reports", "refused_call"))
        sweep_id, (run_id,) = self.running_sweep(1, primary_metric_name=case.get("primary_metric", "unused"))
        for number, call in enumerate(case["calls"]):
            response = self.send(run_id, call)
            self.assertEqual(response.status, 409 if number == case.get("refused_call") else 200, response.body)
        expected = case.get("expected")
        if expected is None:
            self.assertIn("refused_call", case)
            kept = [call["name"] for number, call in enumerate(case["calls"]) if number != case["refused_call"]]
            self.assertEqual(list(self.client.read("/sweeps/%s/metrics" % sweep_id)["metrics"][run_id]), kept)
        else:
            expected = json.loads(json.dumps(expected).replace("artifact://S_0/", "artifact://%s/" % run_id))
            self.assertSame(self.client.read("/sweeps/%s/metrics" % sweep_id)["metrics"], {run_id: expected} if expected else {})
            self.assertSame(self.client.read("/runs/%s/metrics" % run_id)["metrics"], expected)
        if "reports" in case:
            self.assertEqual(self.run_of(run_id)["reports"], case["reports"])
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")

    def test_child(self):
        cases = vectors("get_metrics_shapes.json")["child"]
        for case in cases:
            with self.subTest(case["note"]):
                self.run_case(case)
        self.count("get_metrics_shapes.json child", len(cases), 16)

    def test_sweep(self):
        section = vectors("get_metrics_shapes.json")["sweep"]
        self.check_shape(section, ("about", "children", "expected", "expected_with_form_list", "expected_when_nobody_logged"))
        numbers = {child["id"]: int(child["id"].removeprefix("S_")) for child in section["children"]}
        sweep_id, runs = self.running_sweep(max(numbers.values()) + 1, primary_metric_name="Accuracy")
        read = lambda **form: self.client.read("/sweeps/%s/metrics" % sweep_id, **form)["metrics"]
        self.assertSame(read(), section["expected_when_nobody_logged"])
        # In falling order, so that an answer in the order of arrival is not right by chance.
        for child in reversed(section["children"]):
            self.check_shape(child, ("id", "calls"))
            for call in child["calls"]:
                self.assertEqual(self.send(runs[numbers[child["id"]]], call).status, 200)
        rename = lambda expected: {runs[numbers[child]]: value for child, value in expected.items()}
        self.assertTrue(same(rename(section["expected"]), read()), read())
        self.assertTrue(same(rename(section["expected_with_form_list"]), read(form="list")), read(form="list"))
        for run_id in runs:
            self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")
        self.count("get_metrics_shapes.json sweep", 3, 3)


if __name__ == "__main__":
    harness.main()
