"""Sweep jobs of Azure ML v2: every file in jobs/ says in its first lines what is to come of it.

    # config PATH JSON                  a field of the configuration that the daemon stores
    # warns CODE MESSAGE                a warning; all of them are given, in their order
    # refused CODE | TARGET | MESSAGE   a finding; all of them are given, in their order. TARGET is - where there is none

{folder} stands for the folder of the file, {file} for its path.
"""

import glob
import json
import os

import yaml

import harness
from harness import SharedDaemonTest, read_json
from test_command import OK, USAGE, Commanding

FOLDER = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jobs"))


class Expected:
    def __init__(self, path):
        self.config, self.warnings, self.refused = [], [], []
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith("# "):
                    self._take(line[2:].rstrip("\n").replace("{folder}", FOLDER).replace("{file}", path))

    def _take(self, line):
        word, _, rest = line.partition(" ")
        if word == "config":
            path, _, value = rest.partition(" ")
            self.config.append((path, json.loads(value)))
        elif word == "warns":
            self.warnings.append(tuple(rest.split(" ", 1)))
        elif word == "refused":
            code, target, message = rest.split(" | ", 2)
            self.refused.append((code, None if target == "-" else target, message))


def files(refused):
    return sorted(path for path in glob.glob(os.path.join(FOLDER, "*.yml")) if bool(Expected(path).refused) == refused)


def make_absolute(job):
    """As the command does it with the paths in the files."""
    trial = job["trial"]
    if trial.get("code"):
        trial["code"] = os.path.join(FOLDER, trial["code"])
    for item in [*(job.get("inputs") or {}).values(), *(trial.get("inputs") or {}).values()]:
        if isinstance(item, dict) and "://" not in item["path"]:
            item["path"] = os.path.realpath(os.path.join(FOLDER, item["path"]))
    return job


class Jobs(Commanding, SharedDaemonTest):
    maxDiff = None

    def validate(self, path, code):
        verdict = read_json(self.command("validate", "--json", path, code=code))
        self.assertEqual(verdict["valid"], code == OK)
        return verdict

    def test_refused(self):
        self.assertGreater(len(files(refused=True)), 45)
        stored = self.client.read("/sweeps")["sweeps"]
        for path in files(refused=True):
            with self.subTest(os.path.basename(path)):
                expected = Expected(path)
                found = [(error["code"], error["target"], error["message"]) for error in self.validate(path, USAGE)["errors"]]
                self.assertEqual(found, expected.refused)
                # The daemon says the same: its answer is what `submit` shows.
                self.command("submit", path, code=USAGE)
                self.assertIn(expected.refused[0][2], self.errors)
        self.assertEqual(self.client.read("/sweeps")["sweeps"], stored)

    def test_accepted(self):
        self.assertGreater(len(files(refused=False)), 17)
        for path in files(refused=False):
            with self.subTest(os.path.basename(path)):
                expected = Expected(path)
                self.assertTrue(expected.config)
                warnings = [(warning["code"], warning["message"]) for warning in self.validate(path, OK)["warnings"]]
                self.assertEqual(warnings, expected.warnings)
                sweep_id = self.command("submit", path).strip()
                # A child that has ended by now without a report adds one of its own.
                stored = [(warning["code"], warning["message"]) for warning in self.sweep(sweep_id)["warnings"]]
                self.assertEqual([warning for warning in stored if warning[0] != "MetricNeverReported"], expected.warnings)
                self.look_at_config(sweep_id, expected.config)
                self.client.post("/sweeps/%s/cancel" % sweep_id)
                self.wait_for_sweep(sweep_id)

    def look_at_config(self, sweep_id, expected):
        config = self.client.read("/sweeps/%s/config" % sweep_id)
        for path, wanted in expected:
            value = config
            for name in path.split("."):
                value = value[name]
            self.assertEqual(json.dumps(value), json.dumps(wanted), path)

    def test_as_json(self):
        """The daemon takes a job as JSON; only paths and the experiment's name are the command's to find."""
        for path in files(refused=False):
            if "core_schema" in path:  # PyYAML reads YAML 1.1
                continue
            with self.subTest(os.path.basename(path)), open(path, encoding="utf-8") as file:
                job = make_absolute(yaml.safe_load(file))
                job.setdefault("experiment_name", "jobs")
                response = self.client.post("/sweeps", job)
                self.assertEqual(response.status, 201, response.body)
                self.look_at_config(response.json["run_id"], Expected(path).config)
                self.client.post("/sweeps/%s/cancel" % response.json["run_id"])
                self.wait_for_sweep(response.json["run_id"])

    def test_an_earlier_sweep(self):
        earlier = self.finished_sweep(primary_metric_name="accuracy")["run_id"]
        job = {"type": "sweep", "trial": {"command": "true ${{search_space.x}}"}, "sampling_algorithm": "random",
               "search_space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1}},
               "objective": {"primary_metric": "accuracy", "goal": "maximize"}, "limits": {"max_total_trials": 2},
               "hyperdrived": {"resume_from": earlier, "resume_child_runs": [earlier + "_1"]}}
        sweep = self.wait_for_sweep(self.client.post("/sweeps", job).json["run_id"], "Completed")
        config = self.client.read("/sweeps/%s/config" % sweep["run_id"])
        self.assertEqual((config["resume_from"], config["resume_child_runs"]), ([earlier], [earlier + "_1"]))
        job["hyperdrived"] = {"resume_from": ["HD_no", "HD_no"], "resume_child_runs": [earlier]}
        self.assertEqual([(detail["code"], detail["message"], detail["target"]) for detail in self.client.post("/sweeps", job).error["details"]], [
            ("NotFound", "'hyperdrived.resume_from': no sweep with id 'HD_no'", "hyperdrived.resume_from"),
            ("Duplicate", "'hyperdrived.resume_from': 'HD_no' is given twice", "hyperdrived.resume_from"),
            ("Conflict", "'hyperdrived.resume_child_runs': '%s' is a sweep" % earlier, "hyperdrived.resume_child_runs")])

    def test_a_source_that_is_too_large(self):
        folder = self.source({"large": "x"})
        with open(os.path.join(folder, "large"), "wb") as file:
            file.truncate(400 << 20)
        job = {"type": "sweep", "trial": {"command": "true $AZUREML_SWEEP_x", "code": folder}, "sampling_algorithm": "random",
               "search_space": {"x": {"type": "choice", "values": [1]}}}
        error = self.client.post("/sweeps", job).error
        self.assertEqual(error["target"], "trial.code")
        self.assertIn("large", error["message"])

    def test_the_example_runs(self):
        printed = self.command("submit", "--watch", os.path.join(FOLDER, "hello_sweep.yml"))
        sweep_id = printed.splitlines()[0]
        self.assertEqual(self.sweep(sweep_id)["children"], {"total": 4, "Completed": 4})
        for run_id, values in self.client.read("/sweeps/%s/hyperparameters" % sweep_id)["hyperparameters"].items():
            with open(os.path.join(self.daemon.run_folder(run_id), "outputs", "said"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "--A 0.5 --B %s --C %r\n" % (values["B"], values["C"]))
        # What `config` gives is the same sweep in the names of v1.
        config = self.client.read("/sweeps/%s/config" % sweep_id)
        again = self.wait_for_sweep(self.submit(**{**config, "name": "again"})["run_id"], "Completed")
        self.assertEqual(self.client.read("/sweeps/%s/config" % again["run_id"]), {**config, "name": "again"})

    def test_sample(self):
        sampled = read_json(self.command("sample", "--json", os.path.join(FOLDER, "grid.yml")))
        self.assertEqual(sampled["configurations"], [{"a": a, "b": b} for a in (1, 2, 3) for b in "xy"])
        self.command("sample", os.path.join(FOLDER, "sobol.yml"))
        self.assertNotIn("draws another one", self.errors)
        self.command("sample", os.path.join(FOLDER, "trial_data.yml"))
        self.assertIn("draws another one", self.errors)


if __name__ == "__main__":
    harness.main()
