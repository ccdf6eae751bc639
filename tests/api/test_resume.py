"""resume_child_runs and resume_from: refusals of a real daemon, children that run again, and what they find of those before them."""

import json
import os
import stat

import harness
from harness import DaemonTest, SharedDaemonTest, wait_until

# Counts up to `goal` in a checkpoint, failing once on the way; then reports what it was told.
CHECKPOINTED = """#!/bin/sh
printf '%s\\n' "$@" > outputs/arguments
env > outputs/environment
count=0
from=$AZUREML_DATAREFERENCE_MODEL_LOCATION
[ -z "$from" ] || count=$(cat "$from/deep/checkpoint")
mkdir -p outputs/deep
echo $((count + 1)) > outputs/deep/checkpoint
ln -s "$PWD/outputs/deep/checkpoint" outputs/absolute
ln -s deep/checkpoint outputs/relative
exec sh ./body.sh
"""

# Tries to spoil what was handed over, through every way that leads there.
SPOIL = """
[ -n "$from" ] || from=$AZUREML_DATAREFERENCE_MODEL_LOCATION
[ -n "$from" ] || exit 1
find "$from" -type d -exec chmod u+w {} +
find "$from" -type f -exec chmod u+w {} +
for file in "$from/deep/checkpoint" "$from/absolute" "$from/relative"; do echo spoiled > "$file"; done
rm -r "$from/deep"
"""


class Resuming:
    def script(self, body="exit 1", name="source"):
        return {"source_directory": self.source({"train.sh": CHECKPOINTED, "body.sh": body}, name), "script": "train.sh",
                "interpreter": "/bin/sh"}

    def failed_sweep(self, count=2, **fields):
        fields.setdefault("run_config", self.script())
        sweep = self.finished_sweep(hyperparameter_sampling=self.grid(count), max_total_runs=count, initial_failure_limit=0, **fields)
        self.assertEqual(sweep["children"], {"total": count, "Failed": count})
        return sweep["run_id"], ["%s_%d" % (sweep["run_id"], number) for number in range(count)]

    def output(self, run_id, name):
        with open(os.path.join(self.daemon.run_folder(run_id), "outputs", name), encoding="utf-8") as file:
            return file.read()

    def refuse(self, expected, **fields):
        response = self.client.post("/sweeps", self.specification(**fields))
        self.assertEqual(response.status, 400, response.body)
        found = [(detail["code"], detail["message"]) for detail in response.error["details"]]
        self.assertEqual(found, expected)


class Refusals(Resuming, SharedDaemonTest):
    def test_children(self):
        sweep_id, runs = self.failed_sweep(1)
        live_id, live = self.running_sweep(1)
        other_id, _ = self.failed_sweep(1, primary_metric_name="Loss", primary_metric_goal="minimize")
        for value, code, message in (
                (runs + runs, "Duplicate", "'%s' is given twice" % runs[0]),
                (["nobody_0"], "NotFound", "'nobody_0' does not exist"),
                (sweep_id, "Conflict", "'%s' is a sweep" % sweep_id),
                (live, "Conflict", "'%s' has not ended (Running)" % live[0]),
                ([other_id + "_0"], "Conflict", "sweep '%s' has primary metric Loss (minimize)" % other_id)):
            with self.subTest(message):
                self.refuse([(code, "'resume_child_runs': " + message)], resume_child_runs=value)
        self.refuse([("OutOfRange", "'resume_child_runs' must have at most 1 runs, got 2")], max_total_runs=1,
                    resume_child_runs=[runs[0], live[0]])
        for value in ({}, 0, False, 1.5):
            self.refuse([("WrongType", "'resume_child_runs' must be a string or an array of strings, got %s" % json.dumps(value))],
                        resume_child_runs=value)
        for sweep in (live_id, self.submit(resume_child_runs=[])["run_id"]):
            self.client.post("/sweeps/%s/cancel" % sweep)

    def test_children_of_too_many_sweeps(self):
        runs = [self.finished_sweep(max_total_runs=1)["run_id"] + "_0" for _ in range(6)]
        self.refuse([("OutOfRange", "'resume_child_runs' must be of at most 5 sweeps, got 6")], max_total_runs=10, resume_child_runs=runs)
        self.assertEqual(self.finished_sweep(max_total_runs=5, resume_child_runs=runs[:5])["children"], {"total": 5, "Completed": 5})

    def test_sweeps(self):
        sweep_id, _ = self.failed_sweep(1)
        live_id, _ = self.running_sweep(1)
        other_id = self.finished_sweep(primary_metric_name=None, primary_metric_goal=None)["run_id"]
        for value, code, message in (
                ([sweep_id] * 2, "Duplicate", "'resume_from': '%s' is given twice" % sweep_id),
                (["a", "b", "c", "d", "e", "f"], "OutOfRange", "'resume_from' must have at most 5 sweeps, got 6"),
                ("nobody", "NotFound", "'resume_from': no sweep with id 'nobody'"),
                ([sweep_id + "_0"], "NotFound", "'resume_from': no sweep with id '%s_0'" % sweep_id),
                ([live_id], "Conflict", "'resume_from': sweep '%s' has not ended (Running)" % live_id),
                ([other_id], "Conflict", "'resume_from': sweep '%s' has no primary metric" % other_id)):
            with self.subTest(message):
                self.refuse([(code, message)], resume_from=value)
        for value in ({}, 0, False):
            self.refuse([("WrongType", "'resume_from' must be a string or an array of strings, got %s" % json.dumps(value))],
                        resume_from=value)
        self.client.post("/sweeps/%s/cancel" % live_id)


class ResumedChildren(Resuming, DaemonTest):
    def test_script(self):
        """They come first, in the order given, with their old hyperparameters, and go on from what was left; then new ones are drawn."""
        _, runs = self.failed_sweep(3)
        sweep = self.submit(hyperparameter_sampling=self.grid(4), max_total_runs=4, run_config=self.script("exit 0", "again"),
                            resume_child_runs=[runs[2], runs[0]])
        sweep_id = sweep["run_id"]
        self.assertEqual(sweep["config"]["resume_child_runs"], [runs[2], runs[0]])
        self.wait_for_sweep(sweep_id, "Completed")
        children = self.children(sweep_id)
        self.assertEqual([child["hyperparameters"]["x"] for child in children], [2, 0, 1, 3])
        self.assertEqual([child["resumed_from"] for child in children], [runs[2], runs[0], None, None])
        self.assertEqual([self.output(child["run_id"], "deep/checkpoint") for child in children], ["2\n", "2\n", "1\n", "1\n"])
        folder = os.path.join(self.daemon.run_folder(children[0]["run_id"]), "resumed_outputs")
        arguments = ["--x", "2", "--resume-from", folder]
        self.assertEqual(self.output(children[0]["run_id"], "arguments").splitlines(), arguments)
        self.assertEqual(self.run_of(children[0]["run_id"])["runDefinition"]["arguments"], arguments)
        self.assertIn("AZUREML_DATAREFERENCE_MODEL_LOCATION=" + folder, self.output(children[0]["run_id"], "environment").splitlines())
        self.assertEqual(self.output(children[2]["run_id"], "arguments").splitlines(), ["--x", "1"])
        self.assertNotIn("AZUREML_DATAREFERENCE_MODEL_LOCATION", self.output(children[2]["run_id"], "environment"))
        wait_until(lambda: not os.path.exists(folder), "the copy to be gone")

    def test_command_has_only_the_variable(self):
        _, runs = self.failed_sweep(1)
        command = ["/bin/sh", "-c", 'echo "$#:$AZUREML_DATAREFERENCE_MODEL_LOCATION" > outputs/told', "sh"]
        sweep_id = self.submit(max_total_runs=1, run_config={"command": command}, resume_child_runs=runs[0])["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.output(sweep_id + "_0", "told"),
                         "0:%s/resumed_outputs\n" % self.daemon.run_folder(sweep_id + "_0"))

    def test_the_original_stays_as_it_is(self):
        _, runs = self.failed_sweep(1)
        before = self.tree(runs[0])
        sweep_id = self.submit(max_total_runs=1, run_config=self.script(SPOIL, "again"), resume_child_runs=runs)["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.output(sweep_id + "_0", "deep/checkpoint"), "2\n")
        self.assertEqual(self.tree(runs[0]), before)

    def tree(self, run_id):
        """Every file of its outputs with mode, time and content."""
        found, top = {}, os.path.join(self.daemon.run_folder(run_id), "outputs")
        for folder, _, files in os.walk(top):
            for name in files:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                found[os.path.relpath(path, top)] = (info.st_mode, info.st_mtime_ns, self.content(path, info))
        self.assertIn("deep/checkpoint", found)
        return found

    def content(self, path, info):
        if stat.S_ISLNK(info.st_mode):
            return os.readlink(path)
        with open(path, "rb") as file:
            return file.read()

    def test_it_is_read_only_and_has_no_way_back(self):
        _, runs = self.failed_sweep(1)
        command = ["/bin/sh", "-c", 'cd "$AZUREML_DATAREFERENCE_MODEL_LOCATION"; find . -printf "%P %m %l\\n" | sort > ../outputs/found']
        sweep_id = self.submit(max_total_runs=1, run_config={"command": command}, resume_child_runs=runs)["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.output(sweep_id + "_0", "found").splitlines(),
                         [" 500 ", "absolute 777 deep/checkpoint", "arguments 444 ", "deep 500 ", "deep/checkpoint 444 ", "environment 444 ",
                          "relative 777 deep/checkpoint"])

    def test_outputs_that_are_gone_are_an_empty_folder(self):
        earlier = self.finished_sweep(max_total_runs=1)["run_id"] + "_0"
        wait_until(lambda: not os.path.exists(os.path.join(self.daemon.run_folder(earlier), "outputs")), "the empty folder to be gone")
        command = ["/bin/sh", "-c", 'test -d "$AZUREML_DATAREFERENCE_MODEL_LOCATION"']
        sweep_id = self.submit(max_total_runs=1, run_config={"command": command}, resume_child_runs=earlier)["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")

    def test_equal_configurations_of_different_sweeps_both_run(self):
        first, second = (self.finished_sweep(hyperparameter_sampling=self.grid(1), max_total_runs=1)["run_id"] + "_0" for _ in range(2))
        sweep = self.finished_sweep(hyperparameter_sampling=self.grid(2), max_total_runs=5, resume_child_runs=[second, first])
        children = self.children(sweep["run_id"])
        self.assertEqual([child["hyperparameters"]["x"] for child in children], [0, 0, 1])
        self.assertEqual([child["resumed_from"] for child in children], [second, first, None])
        self.assertEqual(sweep["status_reason"]["code"], "search_space_exhausted")

    def test_a_configuration_outside_of_the_space(self):
        earlier = self.finished_sweep(max_total_runs=1)["run_id"] + "_0"
        sweep = self.finished_sweep(hyperparameter_sampling=self.grid(2, "y"), max_total_runs=9, resume_child_runs=earlier)
        self.assertEqual([list(child["hyperparameters"]) for child in self.children(sweep["run_id"])], [["x"], ["y"], ["y"]])
        self.assertEqual(sweep["status_reason"]["code"], "search_space_exhausted")

    def test_a_whole_grid_is_run_whole_beside_what_runs_again(self):
        earlier = self.finished_sweep(hyperparameter_sampling=self.grid(3), max_total_runs=3)["run_id"]
        listed = ["%s_%d" % (earlier, number) for number in range(3)]
        for name, resumed, expected in (("y", 3, [0, 1, 2, 0, 1]), ("x", 2, [0, 1])):
            with self.subTest(name):
                sweep = self.finished_sweep(hyperparameter_sampling=self.grid(2, name), max_total_runs=None, resume_child_runs=listed[:resumed])
                self.assertEqual([list(child["hyperparameters"].values())[0] for child in self.children(sweep["run_id"])], expected)
                self.assertEqual(sweep["status_reason"]["code"], "search_space_exhausted")
                self.assertEqual(sweep["config"]["max_total_runs"], 2 + resumed)

    def test_known_configurations_are_not_drawn_again(self):
        sampling = {"type": "random", "seed": 5, "parameter_space": {"x": ["randint", [4]]}}
        earlier = self.finished_sweep(hyperparameter_sampling=sampling, max_total_runs=2)["run_id"]
        sweep = self.finished_sweep(hyperparameter_sampling=sampling, max_total_runs=9, resume_child_runs=[earlier + "_1", earlier + "_0"])
        self.assertEqual(sorted(child["hyperparameters"]["x"] for child in self.children(sweep["run_id"])), [0, 1, 2, 3])
        self.assertEqual(sweep["status_reason"]["code"], "search_space_exhausted")

    def test_intervals_start_anew(self):
        earlier_id, (earlier,) = self.running_sweep(1)
        self.report(earlier, "Accuracy", 0.9)
        self.client.post("/sweeps/%s/cancel" % earlier_id)
        self.wait_for_sweep(earlier_id, "Canceled")
        _, (run,) = self.running_sweep(1, resume_child_runs=[earlier])
        self.assertEqual(self.run_of(run)["reports"], 0)
        self.assertEqual(self.report(run, "Accuracy", 0.5)["reports"], 1)
        self.gates.release(run)

    def test_a_budget_below_them_is_refused(self):
        earlier_id = self.finished_sweep()["run_id"]
        sweep_id, _ = self.running_sweep(1, max_total_runs=3, resume_child_runs=[earlier_id + "_0", earlier_id + "_1"])
        response = self.client.request("PATCH", "/sweeps/" + sweep_id, body={"max_total_runs": 1})
        self.assertError(response, 409, "'max_total_runs' must be at least 2, the number of resume_child_runs, got 1")

    def test_kills_lose_none_and_run_none_twice(self):
        earlier = self.finished_sweep(max_total_runs=6)["run_id"]
        listed = ["%s_%d" % (earlier, number) for number in (5, 3, 1, 0, 2, 4)]
        sweep_id = self.submit(max_total_runs=7, max_concurrent_runs=1, run_config=self.gated(), resume_child_runs=listed)["run_id"]
        for number in range(7):
            self.gates.wait_started(number + 1)
            if number % 2 == 0:
                self.daemon.kill()
            self.gates.release("%s_%d" % (sweep_id, number))
            if number % 2 == 0:
                self.daemon.start()
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.gates.started(), ["%s_%d" % (sweep_id, number) for number in range(7)])
        children, old = self.children(sweep_id), {child["run_id"]: child for child in self.children(earlier)}
        self.assertEqual([child["resumed_from"] for child in children], listed + [None])
        for child, run_id in zip(children, listed):
            self.assertSame(child["hyperparameters"], old[run_id]["hyperparameters"])
        environment = self.gates.environment("%s_0" % sweep_id)
        self.assertEqual(environment["AZUREML_DATAREFERENCE_MODEL_LOCATION"],
                         os.path.join(self.daemon.run_folder(sweep_id + "_0"), "resumed_outputs"))

    def test_what_a_live_sweep_needs_is_not_deleted(self):
        earlier = self.finished_sweep()["run_id"]
        sweep_id, (run,) = self.running_sweep(1, resume_child_runs=[earlier + "_1"])
        refusal = "sweep '%s', which has not ended, builds on this one: delete it when that has ended" % sweep_id
        self.assertError(self.client.request("DELETE", "/sweeps/" + earlier), 409, refusal)
        self.daemon.restart()
        self.assertError(self.client.request("DELETE", "/sweeps/" + earlier), 409, refusal)
        self.gates.release(run)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + earlier).status, 200)
        self.assertEqual(self.run_of(run)["resumed_from"], earlier + "_1")
        self.refuse([("NotFound", "'resume_child_runs': '%s_1' does not exist" % earlier)], resume_child_runs=earlier + "_1")


class Inherited(Resuming, DaemonTest):
    def reported_sweep(self, *values, **fields):
        sweep_id, runs = self.running_sweep(len(values), hyperparameter_sampling=self.grid(len(values)), **fields)
        for run_id, value in zip(runs, values):
            self.report(run_id, "Accuracy", value)
            self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")
        return sweep_id

    def best(self, sweep_id, **query):
        return self.client.read("/sweeps/%s/best" % sweep_id, **query)["run"]

    def test_the_best_run_may_be_inherited(self):
        grandparent = self.reported_sweep(0.99)
        parent = self.reported_sweep(0.7, 0.9, resume_from=grandparent)
        self.assertEqual(self.best(parent)["run_id"], grandparent + "_0")
        sweep = self.submit(resume_from=parent, run_config=self.gated(), max_total_runs=1)
        sweep_id = sweep["run_id"]
        self.assertEqual((sweep["config"]["resume_from"], sweep["properties"]["resume_from"]), ([parent], '["%s"]' % parent))
        best = self.best(sweep_id)
        self.assertEqual((best["run_id"], best["sweep_id"], best["inherited"], best["best_primary_metric"]), (parent + "_1", parent, True, 0.9))
        self.assertIsNone(self.best(sweep_id, include_resume_from_runs="false"))
        self.gates.wait_started(4)
        self.report(sweep_id + "_0", "Accuracy", 0.9)
        self.assertEqual((self.best(sweep_id)["run_id"], self.best(sweep_id)["inherited"]), (sweep_id + "_0", False))
        self.assertEqual(self.sweep(sweep_id)["best_child_run_id"], sweep_id + "_0")
        # Nothing of them becomes a child.
        for path, member in (("children/sorted", "children"), ("hyperparameters", "hyperparameters"), ("metrics", "metrics")):
            self.assertEqual(len(self.client.read("/sweeps/%s/%s" % (sweep_id, path))[member]), 1)

    def test_what_a_live_sweep_inherits_is_not_deleted(self):
        parent, other = self.reported_sweep(0.5), self.reported_sweep(0.6)
        sweep_id, (run,) = self.running_sweep(1, resume_from=[parent, other])
        self.assertError(self.client.request("DELETE", "/sweeps/" + other), 409,
                         "sweep '%s', which has not ended, builds on this one: delete it when that has ended" % sweep_id)
        self.gates.release(run)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.best(sweep_id)["run_id"], other + "_0")
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + other).status, 200)
        self.assertEqual(self.best(sweep_id)["run_id"], parent + "_0")


if __name__ == "__main__":
    harness.main()
