"""Early termination (reference, section 7): what is stopped, why, what is told of it, and that nothing of it is lost.

The decisions are made again here, naively, from the stored points in the order of their ordinals."""

import http.client
import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import unittest

import harness
from harness import DaemonTest, SharedDaemonTest, clean_environment, read_json, wait_until

EXAMPLES = os.path.join(harness.HERE, "..", "..", "packaging", "examples")

BANDIT = {"type": "bandit", "slack_factor": 0.1}
MEDIAN = {"type": "median_stopping"}
TRUNCATION = {"type": "truncation_selection", "truncation_percentage": 50}


def number(value):
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) or value in ("NaN", "Infinity", "-Infinity") \
        else None


class Naive:
    """Section 7, read as it stands: every decision from all reports of all runs."""

    def __init__(self, policy, goal):
        self.policy = policy
        self.maximize = goal == "maximize"
        self.reports = {}  # run -> values so far
        self.ended = set()

    def better(self, values):
        values = [value for value in values if not math.isnan(value)]
        return max(values) if self.maximize else min(values)

    def reference(self, interval):
        return {run: values[:interval] for run, values in self.reports.items()
                if len(values) >= interval and not all(map(math.isnan, values[:interval]))}

    def report(self, run, value):
        """Whether the run is to be stopped at this report."""
        values = self.reports.setdefault(run, [])
        values.append(value)
        interval = len(values)
        if interval % max(1, self.policy["evaluation_interval"]) != 0 or interval < self.policy["delay_evaluation"]:
            return False
        reference = self.reference(interval)
        if run not in reference or len(reference) < 2:
            return False
        return getattr(self, self.policy["type"])(run, interval, reference)

    def bandit(self, run, _, reference):
        own, best = self.better(reference[run]), self.better([self.better(values) for values in reference.values()])
        small, large = (own, best) if self.maximize else (best, own)
        factor, amount = self.policy["slack_factor"], self.policy["slack_amount"]
        slack = 0 if math.isinf(small) else abs(small) * factor if factor is not None else amount
        return small + slack < large

    def median_stopping(self, run, _, reference):
        averages = []
        for values in reference.values():
            total, count = 0.0, 0
            for value in values:
                if not math.isnan(value):
                    total, count = total + value, count + 1
            if not math.isnan(total / count):
                averages.append(total / count)
        averages.sort()
        half = len(averages) // 2
        if not averages:
            return False
        median = averages[half] if len(averages) % 2 else (averages[half - 1] + averages[half]) / 2
        own = self.better(reference[run])
        return own < median if self.maximize else own > median

    def truncation_selection(self, run, _, reference):
        if self.policy["exclude_finished_jobs"]:
            reference = {other: values for other, values in reference.items() if other not in self.ended}
        bests = {other: self.better(values) for other, values in reference.items()}
        own = bests[run]
        not_better = sum(value <= own if self.maximize else value >= own for value in bests.values())
        return not_better <= len(bests) * self.policy["truncation_percentage"] // 100


class Policies:
    """For tests of policies, with a daemon of their own or a shared one."""

    def with_policy(self, policy, count=4, **fields):
        return self.running_sweep(count, hyperparameter_sampling=self.grid(count), policy=policy, **fields)

    def log_of(self, sweep_id):
        return self.client.get("/sweeps/%s/log" % sweep_id).body.decode()

    def recorded(self, sweep_id, metric):
        """All reports and ends of a sweep in the order of their ordinals: (ordinal, run id, value or None for an end, status)."""
        found = []
        for run in self.children(sweep_id):
            points = self.client.read("/runs/%s/metrics" % run["run_id"], form="points")["points"].get(metric, [])
            found += [(point["ordinal"], run["run_id"], number(point["value"])) for point in points if number(point["value"]) is not None]
        database = sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db"))
        rows = database.execute("SELECT event.ordinal, run.id, event.status FROM event JOIN run USING (run) JOIN sweep ON "
                                "sweep.sweep = event.sweep WHERE sweep.id = ? AND event.kind = 5", (sweep_id,)).fetchall()
        database.close()
        found += [(ordinal, run, ("status", status)) for ordinal, run, status in rows]
        return sorted(found, key=lambda row: row[0])

    def naive_stops(self, sweep_id):
        """Makes each decision again: {run id: interval of its stop}."""
        config = self.sweep(sweep_id)["config"]
        naive = Naive(config["policy"], config["primary_metric_goal"])
        running, stopped = set(), {}
        for _, run, what in self.recorded(sweep_id, config["primary_metric_name"]):
            if isinstance(what, tuple):
                running.discard(run)
                if what[1] == 4:
                    running.add(run)
                if what[1] in (7, 8, 9):
                    naive.ended.add(run)
                continue
            stop = naive.report(run, what)
            if stop and run in running and run not in stopped:
                stopped[run] = len(naive.reports[run])
        return stopped

    def check_decisions(self, sweep_id):
        """Compares each decision with the naive one, and returns them."""
        stopped = self.naive_stops(sweep_id)
        told = {run["run_id"]: run["stop_reason"]["interval"] for run in self.children(sweep_id)
                if run["stop_reason"] is not None and run["stop_reason"]["kind"] == "policy"}
        self.assertEqual(told, stopped)
        return stopped


class Decisions(Policies, SharedDaemonTest):
    daemon_options = {"grace": 0.2}

    def test_bandit(self):
        sweep_id, runs = self.with_policy(BANDIT, 3)
        self.assertFalse(self.report(runs[0], "Accuracy", 0.8)["stop"])
        self.assertFalse(self.report(runs[1], "Accuracy", 0.75)["stop"])
        answer = self.report(runs[2], "Accuracy", 0.7)
        self.assertEqual((answer["stop"], answer["status"], answer["accepted"]), (True, "CancelRequested", 1))
        reason = answer["stop_reason"]
        at = reason.pop("at_utc")
        self.assertSame(reason, {
            "kind": "policy", "policy": "bandit", "interval": 1, "value": 0.7, "threshold": 0.8 - 0.7 * 0.1, "best": 0.8,
            "best_run_id": runs[0], "slack": 0.7 * 0.1, "runs": 3,
            "message": "bandit: at report 1 the best Accuracy was 0.7; 0.8 is the best of 3 runs and the slack is 0.07"})
        run = self.wait_for_run(runs[2], "Canceled")
        self.assertEqual(run["stop_reason"], {**reason, "at_utc": at})
        self.assertIsNone(run["error"])
        rows = self.client.read("/sweeps/%s/children/sorted" % sweep_id)["children"]
        self.assertEqual([row["stop_reason"] and row["stop_reason"]["message"] for row in rows], [None, None, reason["message"]])
        self.assertIn("%s is CancelRequested (policy): %s" % (runs[2], reason["message"]), self.log_of(sweep_id))
        for run_id in runs[:2]:
            self.gates.release(run_id, 1)
        # Its stop is a result: the sweep is Completed though nobody else did (reference 3.2).
        self.assertEqual(self.wait_for_sweep(sweep_id)["status"], "Completed")
        best = self.client.read("/sweeps/%s/best" % sweep_id, include_failed="false")["run"]
        self.assertEqual((best["run_id"], best["stop_reason"]["kind"]), (runs[2], "policy"))
        self.assertEqual(self.check_decisions(sweep_id), {runs[2]: 1})

    def test_median_stopping_for_a_metric_to_minimize(self):
        sweep_id, runs = self.with_policy({**MEDIAN, "delay_evaluation": 2}, 3, primary_metric_goal="minimize", primary_metric_name="loss")
        for run_id, values in zip(runs, ((1, 0.5), (2, 1))):
            for value in values:
                self.assertFalse(self.report(run_id, "loss", value)["stop"])
        self.assertFalse(self.report(runs[2], "loss", 1.75)["stop"])
        reason = self.report(runs[2], "loss", 3.25)["stop_reason"]
        del reason["at_utc"]
        self.assertSame(reason, {
            "kind": "policy", "policy": "median_stopping", "interval": 2, "value": 1.75, "threshold": 1.5, "median": 1.5, "runs": 3,
            "message": "median_stopping: at report 2 the best loss was 1.75; the median of the averages of 3 runs is 1.5"})
        self.assertEqual(self.check_decisions(sweep_id), {runs[2]: 2})

    def test_truncation_selection(self):
        sweep_id, runs = self.with_policy({**TRUNCATION, "evaluation_interval": 2, "delay_evaluation": 3}, 4)
        for report in range(3):
            for run_id in runs:
                self.assertFalse(self.report(run_id, "Accuracy", 0.1)["stop"], report)
        for run_id, value in zip(runs[:3], (0.9, 0.8, 0.3)):
            self.report(run_id, "Accuracy", value)
        answer = self.report(runs[3], "Accuracy", 0.2)
        self.assertTrue(answer["stop"])
        reason = answer["stop_reason"]
        del reason["at_utc"]
        self.assertSame(reason, {
            "kind": "policy", "policy": "truncation_selection", "interval": 4, "value": 0.2, "threshold": 0.8, "rank": 1, "count": 4,
            "quota": 2, "message": "truncation_selection: at report 4 the best Accuracy was 0.2; of 4 runs 1 is not better, and the lowest 2 "
            "are stopped"})
        self.assertEqual(self.check_decisions(sweep_id)[runs[3]], 4)

    def test_several_reports_in_one_request(self):
        sweep_id, runs = self.with_policy(BANDIT, 2)
        self.report(runs[0], "Accuracy", [0.9, 0.9, 0.9])
        batch = [{"name": "loss", "value": 5}, {"name": "Accuracy", "value": [0.85, 0.1]}, {"name": "Accuracy", "value": 0.1},
                 {"name": "Accuracy", "value": 0.95}]
        self.report(runs[0], "Accuracy", 0.9)
        answer = self.client.post("/runs/%s/metrics" % runs[1], {"metrics": batch}).json
        # 0.85 is within the slack, and is the best up to the third report; the fourth is stored, and not judged: nor is it stopped.
        self.assertEqual((answer["accepted"], answer["reports"], answer["stop"]), (5, 4, False))
        _, others = self.with_policy(BANDIT, 2)
        self.report(others[0], "Accuracy", [0.9, 0.9, 0.9])
        answer = self.client.post("/runs/%s/metrics" % others[1], {"metrics": [{"name": "Accuracy", "value": [0.85, "NaN", 0.5]}]}).json
        self.assertFalse(answer["stop"])
        self.report(others[0], "Accuracy", [0.99, 0.99, 0.99])
        answer = self.client.post("/runs/%s/metrics" % others[1], {"metrics": [{"name": "Accuracy", "value": [0.86, 0.99, 0.99]}]}).json
        self.assertEqual((answer["accepted"], answer["stop"], answer["stop_reason"]["interval"]), (3, True, 4))
        self.assertEqual(self.run_of(others[1])["best_primary_metric"], 0.99)
        self.assertEqual(self.check_decisions(sweep_id), {})

    def test_what_is_no_report_is_not_judged(self):
        _, runs = self.with_policy({**BANDIT, "evaluation_interval": 2}, 2)
        self.report(runs[0], "Accuracy", [0.9, 0.9])
        for value in (0.1, "text", True, None):
            answer = self.report(runs[1], "Accuracy", value)
            self.assertEqual((answer["stop"], answer["reports"]), (False, 1))
        self.assertFalse(self.report(runs[1], "accuracy", 0.1)["stop"])
        self.assertTrue(self.report(runs[1], "Accuracy", 0.2)["stop"])

    def test_a_run_without_a_metric_is_told_once(self):
        sweep_id, runs = self.with_policy(MEDIAN, 2)
        self.report(runs[0], "Accuracy", [0.5, 0.5, 0.5])
        self.report(runs[1], "loss", 1.0)
        for _ in range(2):
            self.assertFalse(self.report(runs[1], "Accuracy", "NaN")["stop"])
        line = "median_stopping is not applied to %s at report 1: it has no metric yet, its reports of 'Accuracy' are all NaN; it has " \
            "logged 'loss', 'Accuracy'" % runs[1]
        wait_until(lambda: line in self.log_of(sweep_id), "the line of the log")
        self.assertIn("[CONTROLLER][INFO]NoMetric: " + line, self.log_of(sweep_id))
        self.assertEqual(self.log_of(sweep_id).count("NoMetric"), 1)
        self.assertTrue(self.report(runs[1], "Accuracy", 0.4)["stop"])

    def test_finished_children_leave_the_ranking(self):
        sweep_id, runs = self.with_policy({**TRUNCATION, "exclude_finished_jobs": True}, 4)
        for run_id, value in zip(runs[:2], (0.1, 0.2)):
            self.report(run_id, "Accuracy", value)
            self.gates.release(run_id)
            self.wait_for_run(run_id)
        self.report(runs[2], "Accuracy", 0.9)
        reason = self.report(runs[3], "Accuracy", 0.8)["stop_reason"]
        self.assertEqual((reason["count"], reason["quota"], reason["rank"]), (2, 1, 1))
        self.check_decisions(sweep_id)

    def test_children_of_clients_leave_the_ranking_too(self):
        sweep_id = self.submit(hyperparameter_sampling=self.grid(4), max_total_runs=4, policy={**TRUNCATION, "exclude_finished_jobs": True},
                               run_config={"launcher": "client"})["run_id"]
        runs = [self.client.post("/sweeps/%s/ask" % sweep_id).json["run_id"] for _ in range(4)]
        for run_id, value, end in zip(runs[:2], (0.1, 0.2), ("complete", "fail")):
            self.assertFalse(self.report(run_id, "Accuracy", value)["stop"])
            self.client.post("/runs/%s/%s" % (run_id, end))
        self.assertFalse(self.report(runs[2], "Accuracy", 0.9)["stop"])
        reason = self.report(runs[3], "Accuracy", 0.8)["stop_reason"]
        self.assertIsNotNone(reason)
        self.assertEqual((reason["count"], reason["quota"], reason["rank"]), (2, 1, 1))
        for run_id in runs[2:]:
            self.client.post("/runs/%s/complete" % run_id)
        self.assertEqual(self.check_decisions(sweep_id), {runs[3]: 1})

    def test_spooled_reports_count_and_stop_nobody(self):
        program = 'echo "$AZUREML_RUN_ID" >> "$GATES/started"\nenv > "$GATES/$AZUREML_RUN_ID.env"\nmkfifo "$GATES/$AZUREML_RUN_ID"\n' \
            'read -r code < "$GATES/$AZUREML_RUN_ID"\nmkdir spool\n' \
            'printf \'{"reporter":"r","sequence":1,"metrics":[{"name":"Accuracy","value":[%s]}]}\' "$code" > spool/r.1.json\n'
        sweep_id, runs = self.with_policy(BANDIT, 3, run_config={
            "source_directory": self.source({"train.sh": program}), "script": "train.sh", "interpreter": "/bin/sh",
            "environment_variables": {"GATES": self.gates.folder}})
        self.report(runs[0], "Accuracy", 0.5)
        for run_id, value in ((runs[1], "0.01"), (runs[2], "0.9")):
            with open(os.path.join(self.gates.folder, run_id), "w", encoding="utf-8") as gate:
                gate.write(value + "\n")
            self.assertEqual(self.wait_for_run(run_id)["status"], "Completed")
        reason = self.report(runs[0], "Accuracy", 0.5)["stop_reason"]
        self.assertIsNone(reason)  # it is the only one with two reports
        self.assertEqual(self.check_decisions(sweep_id), {})
        self.gates.release(runs[0])

    def test_inherited_sweeps_are_in_the_reference_set(self):
        first, runs = self.with_policy(None, 2)
        for run_id, value in zip(runs, (0.9, 0.4)):
            self.report(run_id, "Accuracy", [value, value])
            self.gates.release(run_id)
        self.wait_for_sweep(first)
        second, others = self.with_policy(BANDIT, 1, resume_from=first)
        self.report(others[0], "Accuracy", 0.5)  # maybe before the curves of the first sweep were read: then it is judged behind them
        reason = self.wait_for_run(others[0], "Canceled")["stop_reason"]
        self.assertEqual((reason["best_run_id"], reason["best"], reason["runs"]), (runs[0], 0.9, 3))
        self.wait_for_sweep(second)


class Stubborn(Policies, DaemonTest):
    """Children that take their time to stop."""

    daemon_options = {"grace": 60}

    def test_only_a_running_child_is_stopped(self):
        """One that is being cancelled is not judged any more, and what it reports counts."""
        sweep_id, runs = self.with_policy(BANDIT, 3, run_config=self.gated("trap '' TERM\n" + harness.GATED.partition("\n")[2]))
        self.report(runs[0], "Accuracy", [0.9, 0.9])
        self.client.post("/runs/%s/cancel" % runs[1])
        answer = self.report(runs[1], "Accuracy", 0.1)
        self.assertEqual((answer["stop"], answer["stop_reason"]["kind"]), (True, "user"))
        self.report(runs[1], "Accuracy", 0.99)
        self.assertFalse(self.report(runs[2], "Accuracy", 0.85)["stop"])
        reason = self.report(runs[2], "Accuracy", 0.85)["stop_reason"]
        self.assertEqual((reason["best_run_id"], reason["best"]), (runs[1], 0.99))
        for run_id in runs:
            self.gates.release(run_id)
            self.wait_for_run(run_id)
        self.assertEqual(self.check_decisions(sweep_id), {runs[2]: 2})


class Restart(Policies, DaemonTest):
    daemon_options = {"grace": 0.2}

    def test_the_state_is_built_anew(self):
        sweep_id, runs = self.with_policy({**MEDIAN, "evaluation_interval": 2}, 4)
        for run_id, values in zip(runs, ([0.75, 0.5], ["NaN", 0.75, 0.9], [0.2])):
            for value in values:
                self.report(run_id, "Accuracy", value)
        self.daemon.restart()
        # The daemon judges when it has played the log: a report may come before that, and is judged then.
        answer = self.report(runs[3], "Accuracy", [0.1, 0.3])
        if not answer["stop"]:
            self.wait_for_run(runs[3], "CancelRequested", "Canceled")
        reason = self.run_of(runs[3])["stop_reason"]
        self.assertEqual((reason["interval"], reason["value"], reason["runs"]), (2, 0.3, 3))
        self.assertEqual(reason["median"], 0.625)
        self.check_decisions(sweep_id)

    def keep_reporting(self, run_id, seed, reports):
        """Reports until it is told to stop, each report once, whatever becomes of the daemon."""
        values = random.Random(seed)
        for sequence in range(1, reports + 1):
            body = {"reporter": "r", "sequence": sequence, "metrics": [{"name": "Accuracy", "value": [
                values.choice([seed / 2 + values.random(), seed / 2 + 2 * values.random(), "NaN"]) for _ in range(values.choice([1, 1, 3]))]}]}
            answer = wait_until(lambda: self.try_to_report(run_id, body), "the report of " + run_id)
            if answer.status == 409 or answer.json["stop"]:
                return

    def try_to_report(self, run_id, body):
        try:
            return self.client.post("/runs/%s/metrics" % run_id, body)
        except (OSError, http.client.HTTPException):
            return None

    def test_many_at_once_and_a_daemon_that_dies(self):
        """Whatever is killed when: the decisions are those of the stored reports in their order."""
        stopped = 0
        for policy in ({**BANDIT, "slack_factor": 0.5}, MEDIAN, TRUNCATION):
            with self.subTest(policy["type"]):
                sweep_id, runs = self.with_policy({**policy, "evaluation_interval": 2, "delay_evaluation": 8}, 8)
                threads = [threading.Thread(target=self.keep_reporting, args=(run_id, number, 40)) for number, run_id in enumerate(runs)]
                for thread in threads:
                    thread.start()
                for _ in range(2):
                    reports = sum(run["reports"] for run in self.children(sweep_id))
                    wait_until(lambda: sum(run["reports"] for run in self.children(sweep_id)) > reports + 5
                               or not any(thread.is_alive() for thread in threads), "some reports")
                    self.daemon.restart()
                for thread in threads:
                    thread.join()
                self.daemon.restart()
                for run_id in runs:
                    # A stop may still be on its way, from a report that was answered before the log was played.
                    if self.run_of(run_id)["status"] == "Running" and self.naive_stops(sweep_id).get(run_id) is None:
                        self.gates.release(run_id)
                self.wait_for_sweep(sweep_id)
                stopped += len(self.check_decisions(sweep_id))
        self.assertGreater(stopped, 0)

    def test_a_stop_that_was_stored_is_carried_out(self):
        sweep_id, runs = self.with_policy(BANDIT, 2, run_config=self.gated("trap '' TERM\n" + harness.GATED.partition("\n")[2]))
        self.report(runs[0], "Accuracy", 0.9)
        self.assertTrue(self.report(runs[1], "Accuracy", 0.1)["stop"])
        self.daemon.restart()
        self.wait_for_run(runs[1], "Canceled")
        self.assertEqual(self.check_decisions(sweep_id), {runs[1]: 1})

    def test_a_client_is_told_too(self):
        """With the client launcher: children that the daemon has not started, judged across a restart."""
        sweep_id = self.submit(hyperparameter_sampling=self.grid(3), max_total_runs=3, policy={**TRUNCATION, "exclude_finished_jobs": True},
                               run_config={"launcher": "client"})["run_id"]
        first, second, third = [self.client.post("/sweeps/%s/ask" % sweep_id).json["run_id"] for _ in range(3)]
        self.report(first, "Accuracy", [0.9, 0.9])
        self.assertTrue(self.report(second, "Accuracy", 0.5)["stop"])
        self.client.post("/runs/%s/complete" % second)
        self.assertEqual(self.wait_for_run(second)["status"], "Canceled")
        self.daemon.restart()
        self.report(third, "Accuracy", 0.3)
        self.assertEqual(self.wait_for_run(third, "CancelRequested", "Canceled")["stop_reason"]["count"], 2)
        for run_id in (first, third):
            self.client.post("/runs/%s/complete" % run_id)
        self.assertEqual(self.wait_for_sweep(sweep_id)["status"], "Completed")
        self.assertEqual(self.check_decisions(sweep_id), {second: 1, third: 1})

    def test_a_policy_without_memory_rests_and_goes_on(self):
        self.daemon.stop()
        configuration = os.path.join(self.folder, "hyperdrived.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write("policy_memory_mb = 1\n")
        self.daemon.start(options=("--config", configuration))
        sweep_id, runs = self.with_policy({**MEDIAN, "delay_evaluation": 2}, 2)
        for _ in range(2):
            self.report(runs[0], "Accuracy", [0.9] * 10000)
        wait_until(lambda: "PolicyPaused" in self.log_of(sweep_id), "the pause")
        self.assertIn("[CONTROLLER][WARNING]PolicyPaused: early termination is paused: what the policies keep would need more than "
                      "'policy_memory_mb' (1)", self.log_of(sweep_id))
        self.assertFalse(self.report(runs[1], "Accuracy", [0.1, 0.1])["stop"])
        with open(configuration, "w", encoding="utf-8") as file:
            file.write("policy_memory_mb = 64\n")
        self.daemon.process.send_signal(harness.signal.SIGHUP)
        run = self.wait_for_run(runs[1], "CancelRequested", "Canceled")
        self.assertEqual((run["stop_reason"]["interval"], run["stop_reason"]["runs"]), (2, 2))
        self.assertIn("[CONTROLLER][INFO]PolicyResumed: ", self.log_of(sweep_id))
        self.check_decisions(sweep_id)


class Replay(Policies, SharedDaemonTest):
    """`hyperdrive replay`: another policy over recorded curves."""

    daemon_options = {"grace": 0.2}

    def replay(self, *arguments, code=0):
        done = subprocess.run([harness.COMMAND, "replay", "--state-dir", self.daemon.state, *arguments], capture_output=True, text=True,
                              env={**clean_environment(), "LC_ALL": "C.UTF-8"}, timeout=harness.DEADLINE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def recorded_sweep(self, curves, policy=None):
        """Children that report these curves side by side, one value after the other; then all end."""
        sweep_id, runs = self.with_policy(policy, len(curves))
        for step in range(max(map(len, curves))):
            for run_id, curve in zip(runs, curves):
                if step < len(curve) and self.run_of(run_id)["status"] == "Running":
                    self.report(run_id, "Accuracy", curve[step])
        for run_id in runs:
            if self.run_of(run_id)["status"] == "Running":
                self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)
        return sweep_id, runs

    CURVES = ((0.5, 0.6, 0.7, 0.8), (0.5, 0.56, 0.57, 0.95), (0.1, 0.2, "NaN", 0.3), (0.45, 0.7, 0.75, 0.76))

    def test_the_same_policy_decides_the_same(self):
        """The recorded sweep, judged by a fresh policy: every decision is the daemon's."""
        for policy, text in (({**BANDIT, "delay_evaluation": 2}, "bandit,slack_factor=0.1,delay_evaluation=2"),
                             ({**TRUNCATION, "exclude_finished_jobs": True},
                              "truncation_selection,truncation_percentage=50,exclude_finished_jobs=true"),
                             ({**MEDIAN, "delay_evaluation": 2}, '{"type": "MedianStopping", "delay_evaluation": 2}'),
                             (TRUNCATION, "type=truncation_selection,truncation_percentage=50")):
            with self.subTest(text):
                sweep_id, _ = self.recorded_sweep(self.CURVES, policy)
                told = {run["run_id"]: run["stop_reason"]["message"] for run in self.children(sweep_id) if run["stop_reason"]}
                self.assertGreater(len(told), 0)
                answer = read_json(self.replay("--json", "--policy", text, sweep_id))
                self.assertEqual({run["run_id"]: run["message"] for run in answer["stopped"]}, told)
                self.assertEqual((answer["saved_reports"], answer["cut_short"], answer["winner_lost"]), (0, len(told), False))
                early = "ends early, as its child was stopped: how it went on is" if len(told) == 1 else \
                    "end early, as their children were stopped: how they went on is"
                self.assertRegex(self.replay("--policy", text, sweep_id), r"(?m)^note +%d of the curves %s not known$" % (len(told), early))

    def test_many_clients_at_once(self):
        """The same decisions also where children end while others report: what had ended is not in the ranking, and what was stopped is in it
        until it has ended."""
        policy = {"type": "truncation_selection", "truncation_percentage": 40, "exclude_finished_jobs": True}
        sweep_id = self.submit(hyperparameter_sampling=self.grid(60), max_total_runs=60, policy=policy, run_config={"launcher": "client"})["run_id"]

        def work(seed):
            values = random.Random(seed)
            while True:
                asked = self.client.post("/sweeps/%s/ask" % sweep_id)
                if asked.status == 410:
                    return
                run_id = asked.json["run_id"]
                for _ in range(6):
                    if self.report(run_id, "Accuracy", values.random())["stop"]:
                        break
                self.client.post("/runs/%s/complete" % run_id)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.wait_for_sweep(sweep_id)
        stopped = self.check_decisions(sweep_id)
        self.assertGreater(len(stopped), 5)
        answer = read_json(self.replay("--json", "-p", json.dumps(policy), sweep_id))
        self.assertEqual({run["run_id"]: run["interval"] for run in answer["stopped"]}, stopped)

    def test_reports_that_nobody_judged(self):
        """A child that was cancelled is not judged by what it still reports."""
        sweep_id = self.submit(hyperparameter_sampling=self.grid(2), max_total_runs=2, policy=BANDIT, run_config={"launcher": "client"})["run_id"]
        good, bad = [self.client.post("/sweeps/%s/ask" % sweep_id).json["run_id"] for _ in range(2)]
        self.report(good, "Accuracy", 0.9)
        self.client.post("/runs/%s/cancel" % bad)
        self.report(bad, "Accuracy", 0.1)
        for run_id in (good, bad):
            self.client.post("/runs/%s/complete" % run_id)
        self.wait_for_sweep(sweep_id)
        self.assertEqual(read_json(self.replay("--json", "-p", "bandit,slack_factor=0.1", sweep_id))["stopped"], [])

    def test_reports_on_the_way_to_a_stop(self):
        """What a child still reports while it is being stopped counts for the others, there and here."""
        sweep_id = self.submit(hyperparameter_sampling=self.grid(2), max_total_runs=2, policy=BANDIT, run_config={"launcher": "client"})["run_id"]
        first, second = [self.client.post("/sweeps/%s/ask" % sweep_id).json["run_id"] for _ in range(2)]
        self.report(first, "Accuracy", 0.85)
        self.assertTrue(self.report(second, "Accuracy", 0.1)["stop"])
        self.report(second, "Accuracy", 0.99)
        self.assertEqual(self.report(first, "Accuracy", 0.8)["stop_reason"]["best_run_id"], second)
        for run_id in (first, second):
            self.client.post("/runs/%s/complete" % run_id)
        self.wait_for_sweep(sweep_id)
        answer = read_json(self.replay("--json", "-p", "bandit,slack_factor=0.1", sweep_id))
        self.assertEqual({run["run_id"]: run["interval"] for run in answer["stopped"]}, {second: 1, first: 2})
        self.assertEqual(answer["saved_reports"], 0)

    def test_reports_behind_the_one_that_stops(self):
        """What came in one request with it counts for the others, there and here."""
        sweep_id = self.submit(hyperparameter_sampling=self.grid(2), max_total_runs=2, policy=BANDIT, run_config={"launcher": "client"})["run_id"]
        first, second = [self.client.post("/sweeps/%s/ask" % sweep_id).json["run_id"] for _ in range(2)]
        self.report(first, "Accuracy", 0.85)
        self.assertTrue(self.report(second, "Accuracy", [0.1, 0.99])["stop"])
        self.assertEqual(self.report(first, "Accuracy", 0.8)["stop_reason"]["best_run_id"], second)
        for run_id in (first, second):
            self.client.post("/runs/%s/complete" % run_id)
        self.wait_for_sweep(sweep_id)
        answer = read_json(self.replay("--json", "-p", "bandit,slack_factor=0.1", sweep_id))
        self.assertEqual({run["run_id"]: run["interval"] for run in answer["stopped"]}, {second: 1, first: 2})
        self.assertEqual((answer["saved_reports"], answer["winner"]["run_id"], answer["winner_lost"]), (0, second, False))
        # One that stops it later, or not at all, is another matter.
        answer = read_json(self.replay("--json", "-p", "bandit,slack_factor=9", sweep_id))
        self.assertEqual(answer["stopped"], [])

    def test_what_the_sweep_builds_on_is_compared_with(self):
        """The same policy decides the same, also where it compares with inherited runs."""
        earlier, _ = self.recorded_sweep(((0.7, 0.8, 0.9), (0.2, 0.9)))
        sweep_id, runs = self.with_policy(BANDIT, 2, resume_from=[earlier])
        self.assertFalse(self.report(runs[0], "Accuracy", 0.65)["stop"])
        told = self.report(runs[1], "Accuracy", 0.5)["stop_reason"]["message"]
        self.assertIn("0.7 is the best of 4 runs", told)
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id)
        answer = read_json(self.replay("--json", "-p", "bandit,slack_factor=0.1", sweep_id))
        self.assertEqual([(run["run_id"], run["message"]) for run in answer["stopped"]], [(runs[1], told)])
        self.assertEqual((answer["children"], answer["inherited"], answer["reports"]), (2, 2, 2))
        self.assertEqual(answer["winner"]["run_id"], runs[0])
        text = self.replay("-p", "bandit,slack_factor=0.1", sweep_id)
        self.assertRegex(text, r"(?m)^stopped +1 of 2 children$")
        self.assertRegex(text, r"(?m)^resumed from +compared with 2 runs of earlier sweeps, too$")
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + earlier).status, 200)
        wait_until(lambda: self.client.get("/sweeps/" + earlier).status == 404, "the earlier sweep to be gone")
        answer = read_json(self.replay("--json", "-p", "bandit,slack_factor=0.1", sweep_id))
        self.assertEqual((answer["inherited"], len(answer["stopped"])), (0, 1))
        text = self.replay("-p", "bandit,slack_factor=0.1", sweep_id)
        self.assertRegex(text, r"(?m)^note +1 of the sweeps that it was resumed from was deleted, and is not compared with$")

    def test_another_policy(self):
        sweep_id, runs = self.recorded_sweep(self.CURVES)
        answer = read_json(self.replay("--json", "-p", "bandit,slack_factor=0.1,delay_evaluation=2", sweep_id))
        self.assertEqual([(run["run_id"], run["interval"], run["saved_reports"]) for run in answer["stopped"]], [(runs[1], 3, 1), (runs[2], 2, 2)])
        self.assertEqual((answer["sweep_id"], answer["children"], answer["reports"], answer["saved_reports"], answer["cut_short"]),
                         (sweep_id, 4, 16, 3, 0))
        self.assertEqual(answer["winner"], {"run_id": runs[1], "best_primary_metric": 0.95})
        self.assertEqual(answer["winner_with_policy"], {"run_id": runs[0], "best_primary_metric": 0.8})
        self.assertTrue(answer["winner_lost"])
        self.assertTrue(0 < answer["saved_seconds"] < answer["run_seconds"])
        text = self.replay("-p", "bandit,slack_factor=0.1,delay_evaluation=2", sweep_id)
        self.assertRegex(text, r"(?m)^stopped +2 of 4 children$")
        self.assertRegex(text, r"(?m)^reports +3 of 16 would have been saved \(18\.8 %\)$")
        self.assertIn("%s with 0.95 would have been lost at its report 3; the best would have been %s with 0.8" % (runs[1], runs[0]), text)
        self.assertRegex(text, r"(?m)^%s +3 +4 .*bandit: at report 3 the best Accuracy was 0\.57; 0\.7 is the best of 2 runs" % runs[1])
        text = self.replay("-p", "bandit,slack_amount=0.3", sweep_id)
        self.assertIn("%s with 0.95 would have won as well" % runs[1], text)

    def test_long_curves_beside_other_metrics(self):
        """Curves that come in several parts, between what is no report."""
        sweep_id, runs = self.with_policy(None, 2)
        for run_id in runs:
            self.report(run_id, "loss", [0.5] * 3000)
            self.report(run_id, "Accuracy", [0.25, "text", True] * 2000)
            self.report(run_id, "row", {"Accuracy": 1})
        self.report(runs[1], "Accuracy", 0.75)
        for run_id in runs:
            self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)
        answer = read_json(self.replay("--json", "-p", "median_stopping", sweep_id))
        self.assertEqual((answer["reports"], answer["stopped"], answer["winner"]["best_primary_metric"]), (4001, [], 0.75))

    def test_what_cannot_be_played(self):
        sweep_id, runs = self.with_policy(None, 1)
        self.assertIn("sweep %s has not ended (Running): its curves are still being recorded" % sweep_id,
                      self.replay("-p", "median_stopping", sweep_id, code=4))
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id)
        for text, message in (("bandit", "one of 'policy.slack_factor', 'policy.slack_amount' is required"),
                              ("bandid,slack_factor=1", "'policy.type' must be one of none, bandit,"),
                              ("median_stopping,delay=1", "'policy.delay' is not a known field"),
                              ("median_stopping,delay_evaluation=1.5", "'policy.delay_evaluation' must be an integer, got 1.5"),
                              ("median_stopping,bandit", "got 'bandit' where NAME=VALUE is wanted"),
                              ("median_stopping,=1", "got '=1' where NAME=VALUE is wanted"),
                              ("bandit,slack_amount=1,slack_amount=2", "'policy.slack_amount' is given twice"),
                              ("{'type'", "is not valid JSON"), ("", "must be one of none, bandit")):
            with self.subTest(text):
                self.assertIn(message, self.replay("-p", text, sweep_id, code=2))
        self.assertIn("replay needs --policy, as --policy bandit,slack_factor=0.1", self.replay(sweep_id, code=2))
        self.assertIn("%s is a run: name its sweep" % runs[0], self.replay("-p", "median_stopping", runs[0], code=2))
        self.replay("-p", "median_stopping", "HD_nothing", code=3)
        text = self.replay("-p", "median_stopping", sweep_id)
        self.assertRegex(text, r"(?m)^winner +none$")
        blind = self.finished_sweep(primary_metric_name=None, primary_metric_goal=None)["run_id"]
        self.assertIn("sweep %s has no primary metric that a policy could look at" % blind, self.replay("-p", "median_stopping", blind, code=2))


class Digits(Policies, DaemonTest):
    """The quickstart's trainer under each policy: its decisions, checked against the stored points."""

    daemon_options = {"slots": 4, "grace": 1}

    def run_digits(self, policy):
        examples = os.path.join(self.folder, "digits-" + policy["type"])
        shutil.copytree(os.path.join(EXAMPLES, "digits"), examples)
        with open(os.path.join(examples, "sweep.json"), encoding="utf-8") as file:
            sweep = json.load(file)
        sweep["run_config"]["source_directory"] = examples
        sweep["hyperparameter_sampling"] = {"type": "grid", "parameter_space": {
            "learning_rate": {"type": "choice", "values": [0.3, 0.1, 0.0001, 0.0003, 0.001, 0.003]}}}
        sweep["run_config"]["arguments"] = ["--epochs", 4, "--batch_size", 128]
        sweep.update(policy=policy, max_total_runs=6, max_concurrent_runs=3, primary_metric_name="validation_loss", primary_metric_goal="minimize")
        response = self.client.post("/sweeps", sweep)
        self.assertEqual(response.status, 201, response.body)
        ended = self.wait_for_sweep(response.json["run_id"])
        self.assertEqual(ended["status"], "Completed")
        stopped = self.check_decisions(ended["run_id"])
        self.assertGreater(len(stopped), 0)
        for run in self.children(ended["run_id"]):
            self.assertEqual(run["status"], "Canceled" if run["run_id"] in stopped else "Completed")
        return ended, stopped

    def test_each_policy(self):
        for policy in (BANDIT, {**MEDIAN, "delay_evaluation": 2}, {**TRUNCATION, "delay_evaluation": 2}):
            with self.subTest(policy["type"]):
                self.run_digits(policy)


def has_fault_points():
    with open(harness.HYPERDRIVED, "rb") as file:
        return b"HYPERDRIVED_FAULT" in file.read()


@unittest.skipUnless(has_fault_points(), "a build without -Dfault_points=true")
class SwallowedStop(Policies, DaemonTest):
    daemon_options = {"grace": 0.2}

    def test_of_a_crash_between_the_report_and_its_stop(self):
        sweep_id, runs = self.with_policy(BANDIT, 2)
        self.report(runs[0], "Accuracy", [0.9, 0.2])
        self.daemon.restart(environment={"HYPERDRIVED_FAULT": "before_stop"})
        # Nothing is answered: what the stop follows from is stored, the stop is not.
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.report(runs[1], "Accuracy", 0.1)
            self.wait_for_run(runs[1], "Canceled")
        self.daemon.wait()
        database = sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db"))
        row = database.execute("SELECT status, reports, stop_reason FROM run WHERE id = ?", (runs[1],)).fetchone()
        database.close()
        self.assertEqual(row, (4, 1, None))
        self.daemon.start()
        run = self.wait_for_run(runs[1], "Canceled")
        self.assertEqual((run["stop_reason"]["kind"], run["stop_reason"]["interval"], run["stop_reason"]["best"]), ("policy", 1, 0.9))
        self.assertEqual(self.run_of(runs[0])["status"], "Running")
        self.check_decisions(sweep_id)


if __name__ == "__main__":
    harness.main()
