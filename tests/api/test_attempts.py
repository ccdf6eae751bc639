"""Retries: a child whose attempt failed for one of the causes of retry_on is started again as what it is, and never twice at once."""

import os
import signal
import unittest

import harness
from harness import Client, DaemonTest, wait_until

# Notes its attempt, waits at a gate of its own, and ends with the code that it reads there (or by a signal).
ATTEMPT = """
echo "$HYPERDRIVE_ATTEMPT" >> "$GATES/attempts"
echo "$HYPERDRIVE_ATTEMPT" >> outputs/attempts
gate="$GATES/$AZUREML_RUN_ID.$HYPERDRIVE_ATTEMPT"
env > "$gate.env"
mkfifo "$gate"
read -r code words < "$gate"
echo "$words"
case $code in KILL) kill -KILL $$ ;; esac
exit "$code"
"""


def has_fault_points():
    with open(harness.HYPERDRIVED, "rb") as file:
        return b"HYPERDRIVED_FAULT" in file.read()


class Attempts(DaemonTest):
    def start_run(self, max_retries=1, retry_on=None, count=1, **fields):
        """A sweep whose first child is at its gate: its id."""
        config = {"command": ["/bin/sh", "-c", ATTEMPT], "environment_variables": {"GATES": self.gates.folder}, "max_retries": max_retries}
        if retry_on is not None:
            config["retry_on"] = retry_on
        sweep_id = self.submit(run_config=config, max_total_runs=count, **fields)["run_id"]
        self.at_gate(sweep_id + "_0", 1)
        return sweep_id, sweep_id + "_0"

    def gate(self, run_id, attempt):
        return "%s.%d" % (run_id, attempt)

    def at_gate(self, run_id, attempt):
        self.gates.environment(self.gate(run_id, attempt))
        wait_until(lambda: self.run_of(run_id)["status"] == "Running", "attempt %d to be Running" % attempt)

    def end(self, run_id, attempt, code, words=""):
        self.tell(run_id, attempt, "%d %s\n" % (code, words))

    def tell(self, run_id, attempt, line):
        """Writes to a gate at which the attempt stands."""
        with open(os.path.join(self.gates.folder, self.gate(run_id, attempt)), "w", encoding="utf-8") as gate:
            gate.write(line)

    def attempts(self):
        """The attempts that were executed, in order."""
        with open(os.path.join(self.gates.folder, "attempts"), encoding="utf-8") as file:
            return [int(line) for line in file]

    def client_of(self, run_id, attempt):
        environment = self.gates.environment(self.gate(run_id, attempt))
        return Client(environment["HYPERDRIVE_URL"], environment["HYPERDRIVE_TOKEN"])

    def log(self, sweep_id):
        return self.client.get("/sweeps/%s/log" % sweep_id).body.decode()

    def test_the_same_child_again(self):
        sweep_id, run_id = self.start_run(2, [{"exit_code": [3]}], initial_failure_limit=1)
        before = self.run_of(run_id)
        self.end(run_id, 1, 3)
        self.at_gate(run_id, 2)
        run = self.run_of(run_id)
        self.assertEqual((run["attempt"], run["error"], run["exit_code"], run["end_utc"]), (2, None, None, None))
        self.assertGreater(run["start_utc"], before["start_utc"])
        for member in ("number", "hyperparameters", "created_utc", "run_directory"):
            self.assertEqual(run[member], before[member], member)
        self.assertEqual(self.sweep(sweep_id)["children"], {"total": 1, "Running": 1})
        self.end(run_id, 2, 3)
        self.at_gate(run_id, 3)
        self.end(run_id, 3, 0)
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(sweep["children"], {"total": 1, "Completed": 1})
        run = self.run_of(run_id)
        self.assertEqual((run["attempt"], run["exit_code"], run["error"]), (3, 0, None))
        with open(os.path.join(run["run_directory"], "outputs", "attempts"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "1\n2\n3\n")
        self.assertEqual(self.attempts(), [1, 2, 3])
        self.assertIn("%s is Queued (retry): attempt 1 failed, attempt 2 follows\n" % run_id, self.log(sweep_id))
        output = self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id).body.decode()
        self.assertEqual([line for line in output.splitlines() if line], ["[hyperdrive] attempt 2", "[hyperdrive] attempt 3"])
        wait_until(lambda: sorted(os.listdir(run["run_directory"])) == ["lock", "outputs", "started.1", "started.2", "started.3", "user_logs"],
                   "the run's folder to be tidy")

    def test_it_gives_up(self):
        sweep_id, run_id = self.start_run(1, [{"exit_code": [3]}])
        self.end(run_id, 1, 3, "first words")
        self.at_gate(run_id, 2)
        self.end(run_id, 2, 3, "last words")
        sweep = self.wait_for_sweep(sweep_id, "Failed")
        self.assertEqual(sweep["children"], {"total": 1, "Failed": 1})
        run = self.run_of(run_id)
        self.assertEqual((run["attempt"], run["error"]["code"], run["error"]["output"]), (2, "NonZeroExit", "last words\n"))

    def test_only_for_its_causes(self):
        for retry_on, told, code in ((None, "3", "NonZeroExit"), (["lost", {"exit_code": [4]}], "3", "NonZeroExit"),
                                     (["lost"], "KILL", "Signal"), ([], "3", "NonZeroExit")):
            with self.subTest(retry_on=retry_on):
                _, run_id = self.start_run(5, retry_on)
                self.tell(run_id, 1, told + "\n")
                run = self.wait_for_run(run_id, "Failed")
                self.assertEqual((run["attempt"], run["error"]["code"]), (1, code))

    def test_a_signal(self):
        _, run_id = self.start_run(1, ["signal"])
        self.tell(run_id, 1, "KILL\n")
        self.at_gate(run_id, 2)
        self.tell(run_id, 2, "KILL\n")
        run = self.wait_for_run(run_id, "Failed")
        self.assertEqual((run["attempt"], run["signal"], run["exit_code"]), (2, signal.SIGKILL, None))

    def test_a_pattern_is_looked_for_in_the_attempt_alone(self):
        _, run_id = self.start_run(9, [{"pattern": "out of (memory|disk)"}])
        self.end(run_id, 1, 1, "it is out of memory here")
        self.at_gate(run_id, 2)
        self.end(run_id, 2, 1, "something else")
        run = self.wait_for_run(run_id, "Failed")
        self.assertEqual((run["attempt"], run["error"]["output"]), (2, "something else\n"))

    def test_a_lost_one_is_started_again_by_default(self):
        sweep_id, run_id = self.start_run(1)
        (monitor,) = self.daemon.monitors(run_id)
        os.kill(monitor, signal.SIGKILL)
        self.at_gate(run_id, 2)
        first = self.gates.environment(self.gate(run_id, 1))["HYPERDRIVE_TOKEN"]
        self.assertEqual(harness.processes_with(first), [])  # nothing of the first attempt is left
        self.end(run_id, 2, 0)
        self.wait_for_sweep(sweep_id, "Completed")
        log = self.log(sweep_id)
        self.assertLess(log.index("%s is NotResponding" % run_id), log.index("%s is Queued (retry)" % run_id))

    def test_points_keep_their_attempt(self):
        _, run_id = self.start_run(2, [{"exit_code": [3]}])
        for attempt in (1, 2, 3):
            client = self.client_of(run_id, attempt)
            for step in (1, 2):
                # The same reporter begins anew in each attempt.
                answer = client.post("/runs/%s/metrics" % run_id, {"name": "Accuracy", "value": attempt / 4 + step, "step": step,
                                                                   "reporter": "mine", "sequence": step}).json
                self.assertEqual((answer["duplicate"], answer["reports"]), (False, 2 * attempt - 2 + step))
            if attempt != 2:
                self.report(run_id, "other", attempt, client)
            if attempt < 3:
                self.end(run_id, attempt, 3)
                self.at_gate(run_id, attempt + 1)
        points = self.client.read("/runs/%s/metrics" % run_id, form="points")["points"]
        self.assertEqual([(point["step"], point["attempt"]) for point in points["Accuracy"]], [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)])
        self.assertEqual([(point["value"], point["attempt"]) for point in points["other"]], [(1, 1), (3, 3)])
        points = self.client.read("/runs/%s/metrics" % run_id, **{"form": "points", "from": 3})["points"]
        self.assertEqual([(point["step"], point["attempt"]) for point in points["Accuracy"]], [(2, 2), (1, 3), (2, 3)])
        self.assertEqual(points["other"], [])
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], 2.75)
        self.assertEqual(self.client.read("/runs/%s/metrics" % run_id)["metrics"]["other"], [1, 3])

    def test_the_token_of_an_attempt_ends_with_it(self):
        _, run_id = self.start_run(1, [{"exit_code": [3]}])
        old = self.client_of(run_id, 1)
        report = {"name": "Accuracy", "value": 0.5, "reporter": "a", "sequence": 1}
        self.assertEqual(old.post("/runs/%s/metrics" % run_id, report).status, 200)
        self.end(run_id, 1, 3)
        self.at_gate(run_id, 2)
        self.assertEqual(old.post("/runs/%s/metrics" % run_id, report).status, 401)
        self.assertEqual(self.client_of(run_id, 2).post("/runs/%s/metrics" % run_id, report).status, 200)
        self.end(run_id, 2, 0)
        self.wait_for_run(run_id, "Completed")
        answer = self.client_of(run_id, 2).post("/runs/%s/metrics" % run_id, report)
        self.assertEqual((answer.status, answer.json["duplicate"]), (200, True))

    def test_it_keeps_its_slot_and_takes_no_budget(self):
        sweep_id, run_id = self.start_run(1, [{"exit_code": [3]}], count=2, max_concurrent_runs=1)
        self.end(run_id, 1, 3)
        self.at_gate(run_id, 2)
        self.assertEqual(self.sweep(sweep_id)["children"], {"total": 1, "Running": 1})
        self.end(run_id, 2, 0)
        self.at_gate(sweep_id + "_1", 1)
        self.end(sweep_id + "_1", 1, 0)
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"], {"total": 2, "Completed": 2})

    def test_a_cancel_is_not_retried(self):
        sweep_id, run_id = self.start_run(3, ["signal", {"exit_code": list(range(1, 256))}, {"pattern": "."}], count=2, max_concurrent_runs=1)
        self.end(run_id, 1, 3)
        self.at_gate(run_id, 2)
        self.assertTrue(self.client.post("/runs/%s/cancel" % run_id).json["canceled"])
        run = self.wait_for_run(run_id, "Canceled")
        self.assertEqual((run["attempt"], run["stop_reason"]["kind"]), (2, "user"))
        self.at_gate(sweep_id + "_1", 1)
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id, "Canceled")
        self.assertEqual(self.run_of(sweep_id + "_1")["attempt"], 1)

    def test_a_timeout_is_not_retried(self):
        sweep_id, run_id = self.start_run(3, ["signal", "lost"], trial_timeout_seconds=1)
        run = self.wait_for_run(run_id, "Canceled")
        self.assertEqual((run["attempt"], run["stop_reason"]["kind"]), (1, "trial_timeout"))
        self.wait_for_sweep(sweep_id, "Completed")

    def test_the_failure_limit_counts_children(self):
        sweep_id, run_id = self.start_run(1, [{"exit_code": [3]}], count=2, max_concurrent_runs=1, initial_failure_limit=2)
        for attempt in (1, 2):
            self.at_gate(run_id, attempt)
            self.end(run_id, attempt, 3)
        for attempt in (1, 2):
            self.at_gate(sweep_id + "_1", attempt)
            self.end(sweep_id + "_1", attempt, 3)
        self.assertEqual(self.wait_for_sweep(sweep_id, "Failed")["status_reason"]["code"], "initial_failures")

    def test_restarts_between_and_during_attempts(self):
        sweep_id, run_id = self.start_run(3, [{"exit_code": [3]}])
        self.daemon.kill()
        self.end(run_id, 1, 3)  # it ends while nobody looks
        self.daemon.start()
        self.at_gate(run_id, 2)
        self.daemon.restart()
        self.assertEqual(self.run_of(run_id)["attempt"], 2)
        self.end(run_id, 2, 3)
        self.at_gate(run_id, 3)
        self.end(run_id, 3, 0)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.attempts(), [1, 2, 3])

    @unittest.skipUnless(has_fault_points(), "the daemon was built without fault points")
    def test_no_crash_runs_an_attempt_twice(self):
        sweep_id, run_id = self.start_run(3, [{"exit_code": [3]}])
        for attempt, point in enumerate(("at_exit", "before_next_attempt", "after_spawn"), 1):
            self.daemon.restart(environment={"HYPERDRIVED_FAULT": point})
            self.end(run_id, attempt, 3)
            self.assertEqual(self.daemon.wait(), -signal.SIGKILL)
            self.daemon.start()
            self.at_gate(run_id, attempt + 1)
        self.end(run_id, 4, 0)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.attempts(), [1, 2, 3, 4])

    def test_kills_lose_no_attempt_and_run_none_twice(self):
        count, kills, path = 20, 5, os.path.join(self.folder, "ran")
        command = 'echo "$AZUREML_SWEEP_x $HYPERDRIVE_ATTEMPT" >> "$RAN"; [ "$HYPERDRIVE_ATTEMPT" = 3 ] || exit 3'
        sweep_id = self.submit(hyperparameter_sampling=self.grid(count), max_total_runs=count, run_config={
            "command": ["/bin/sh", "-c", command], "environment_variables": {"RAN": path}, "max_retries": 2,
            "retry_on": [{"exit_code": [3]}]})["run_id"]

        def ran():
            try:
                with open(path, encoding="utf-8") as file:
                    return file.read().splitlines()
            except FileNotFoundError:
                return []
        for kill in range(1, kills + 1):
            wait_until(lambda: len(ran()) >= kill * 3 * count // (kills + 1), "more attempts")
            self.daemon.restart()
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"], {"total": count, "Completed": count})
        self.assertEqual(sorted(ran()), sorted("%d %d" % (x, attempt) for x in range(count) for attempt in (1, 2, 3)))

    def test_delete(self):
        sweep_id, run_id = self.start_run(1, [{"exit_code": [3]}])
        self.end(run_id, 1, 3)
        self.at_gate(run_id, 2)
        self.end(run_id, 2, 0)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)


if __name__ == "__main__":
    harness.main()
