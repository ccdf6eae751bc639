"""What a child could not report while the daemon was away lies in its spool, and is taken in once at its end."""

import datetime
import json
import os
import time

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

# Reports through the command while the daemon is away, waits for a word, and reports again.
REPORTING = """#!/bin/sh
await() { cat "$GATES/$1" > "$GATES/word"; }
report() { "$HYPERDRIVE" report --retry "$1" "Accuracy=$2" 2>> "$GATES/said" || exit 9; }
await away
for value in 1 2 3 4 5 6 7 8; do report 0 $value; done
echo > "$GATES/kept"
await back
if grep -q on "$GATES/word"; then
  report 30 9 & first=$!
  report 30 10 & wait $first && wait $! || exit 9
fi
echo > "$GATES/reported"
await end
"""
KEPT = list(range(1, 9))


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

    def test_what_lies_behind_a_link_is_not_the_runs(self):
        """It would be taken in, and removed from where it is."""
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(elsewhere)
        with open(os.path.join(elsewhere, "abc.1.json"), "w", encoding="utf-8") as file:
            file.write('{"reporter":"abc","sequence":1,"metrics":[{"name":"Accuracy","value":1}]}')
        for left in ("ln -s %s spool", "mkdir spool; ln -s %s/abc.1.json spool/abc.1.json"):
            with self.subTest(left):
                sweep_id = self.finished_sweep(**self.one(run_config=self.keeper(program=left % elsewhere)))["run_id"]
                self.assertEqual(self.run_of(sweep_id + "_0")["status"], "Completed")
                self.assertIsNone(self.values(sweep_id))
                self.assertEqual(os.listdir(elsewhere), ["abc.1.json"])

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


class SpoolOfTheCommand(DaemonTest):
    """`hyperdrive report` keeps what it cannot report, as a child's reporter does."""

    def setUp(self):
        super().setUp()
        for gate in ("away", "back", "end"):
            os.mkfifo(os.path.join(self.gates.folder, gate))
        config = {"source_directory": self.source({"train.sh": REPORTING}), "script": "train.sh", "interpreter": "/bin/sh",
                  "environment_variables": {"GATES": self.gates.folder, "HYPERDRIVE": harness.COMMAND}}
        self.sweep_id = self.submit(hyperparameter_sampling=self.grid(1), max_total_runs=1, initial_failure_limit=0,
                                    run_config=config)["run_id"]
        self.run_id = self.sweep_id + "_0"
        self.wait_for_run(self.run_id, "Running")
        self.spool = os.path.join(self.daemon.run_folder(self.run_id), "spool")
        self.daemon.kill()
        self.say("away")
        self.wait_for("kept")
        self.killed_and_kept = time.time()

    def say(self, gate, word=""):
        with open(os.path.join(self.gates.folder, gate), "w", encoding="utf-8") as file:
            file.write(word)

    def wait_for(self, name):
        harness.wait_until(lambda: os.path.exists(os.path.join(self.gates.folder, name)), "the child to have " + name)

    def said(self):
        with open(os.path.join(self.gates.folder, "said"), encoding="utf-8") as file:
            return file.read().splitlines()

    def points(self):
        return self.client.read("/runs/%s/metrics" % self.run_id, form="points")["points"].get("Accuracy", [])

    def values(self):
        return [point["value"] for point in self.points()]

    def check_kept(self):
        names = os.listdir(self.spool)
        self.assertEqual(len(names), len(KEPT), names)
        for name in names:
            self.assertRegex(name, r"^report-[0-9a-f]{32}\.1\.json$")
        said = self.said()
        self.assertEqual(len(said), len(KEPT), said)
        for line in said:
            self.assertTrue(line.startswith("hyperdrive: the report is kept in %s and stored when the daemon is back: " % self.spool), line)

    def test_taken_in_at_the_end(self):
        self.check_kept()
        self.say("back", "go")
        self.say("end")
        self.daemon.start()
        self.assertEqual(self.wait_for_sweep(self.sweep_id)["status"], "Completed")
        self.assertEqual(self.values(), KEPT)
        self.assertEqual(self.run_of(self.run_id)["reports"], len(KEPT))
        self.assertFalse(os.path.exists(self.spool) and os.listdir(self.spool))
        for point in self.points():
            reported = datetime.datetime.fromisoformat(point["time"].replace("Z", "+00:00")).timestamp()
            self.assertLessEqual(reported, self.killed_and_kept)

    def test_sent_by_a_later_call(self):
        self.check_kept()
        self.daemon.start()
        self.say("back", "go on")
        self.wait_for("reported")
        for _ in range(2):
            values = self.values()
            self.assertEqual(values[:len(KEPT)], KEPT)
            self.assertEqual(sorted(values[len(KEPT):]), [9, 10])
            self.assertEqual(os.listdir(self.spool), [])
            if self.run_of(self.run_id)["status"] == "Running":
                self.say("end")
                self.wait_for_sweep(self.sweep_id, "Completed")
        self.assertEqual(len(self.said()), len(KEPT))

    def test_what_was_stored_before_is_not_doubled(self):
        """A call was killed between the daemon's answer and the removal of its file, or its answer was lost."""
        (first, *_) = sorted(os.listdir(self.spool), key=lambda name: os.stat(os.path.join(self.spool, name)).st_mtime_ns)
        with open(os.path.join(self.spool, first), encoding="utf-8") as file:
            body = json.load(file)
        self.daemon.start()
        self.assertEqual(self.client.post("/runs/%s/metrics" % self.run_id, body).status, 200)
        self.say("back", "go")
        self.say("end")
        self.wait_for_sweep(self.sweep_id, "Completed")
        self.assertEqual(self.values(), KEPT)


if __name__ == "__main__":
    harness.main()
