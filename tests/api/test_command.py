"""The `hyperdrive` command against a real daemon: what it prints, its exit codes, and that it outlives the daemon's restart."""

import http.server
import json
import os
import pty
import subprocess
import tempfile
import threading
import unittest

import harness
from harness import DaemonTest, SharedDaemonTest, clean_environment, read_json, wait_until
from streams import past_events

OK, NOT_COMPLETED, USAGE, NOT_FOUND, CONFLICT, REFUSED, NO_CONNECTION = range(7)

# A child that prints, reports through the command, and then waits at its gate.
REPORTING = """
set -e
echo hello
"$HYPERDRIVE" report --step 1 Accuracy=0.5 loss=1e-5 epochs=3 note=fine ok=true broken=nan
"$HYPERDRIVE" report --step 2 Accuracy=0.75
""" + harness.GATED


class Running:
    """A command in the background whose output can be waited for."""

    def __init__(self, arguments, environment):
        self.process = subprocess.Popen([harness.COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment, text=True)
        self.out, self.err = [], []
        self.threads = [threading.Thread(target=self._collect, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _collect(stream, lines):
        for line in stream:
            lines.append(line)
        stream.close()

    def wait_for(self, text, lines):
        wait_until(lambda: text in "".join(lines), "%r in the output of the command" % text)

    def finish(self):
        code = self.process.wait(harness.DEADLINE)
        for thread in self.threads:
            thread.join(harness.DEADLINE)
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.finish()


class Commanding:
    def environment(self, **more):
        return {**clean_environment(), "LC_ALL": "C.UTF-8", "HOME": self.folder, **more}

    def command(self, *arguments, code=OK, text=None, found=True, environment=None):
        """Runs the command; returns what it printed. Its errors are in self.errors."""
        place = ["--state-dir", self.daemon.state] if found else []
        done = subprocess.run([harness.COMMAND, *place, *arguments], input=text, capture_output=True, text=True, encoding="utf-8",
                              env=self.environment(**(environment or {})), timeout=harness.DEADLINE, check=False)
        self.errors = done.stderr
        self.assertEqual(done.returncode, code, "%r printed %r and %r" % (arguments, done.stdout, done.stderr))
        return done.stdout

    def start_command(self, *arguments, **environment):
        running = Running(["--state-dir", self.daemon.state, *arguments], self.environment(**environment))
        self.addCleanup(running.close)
        return running

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def reporting(self):
        config = self.gated(REPORTING)
        config["environment_variables"]["HYPERDRIVE"] = harness.COMMAND
        return config


class Submit(Commanding, SharedDaemonTest):
    def test_yaml_with_a_relative_folder(self):
        self.source({"train.sh": "#!/bin/sh\nexit 0\n"}, "code")
        path = self.write("sweep.yaml", "\n".join((
            "hyperparameter_sampling:", "  type: random", "  seed: 1", "  parameter_space:",
            "    lr: {type: loguniform, min_value: -6, max_value: 1e-1}", "    flag: [choice, [[yes, no, true, 0o17, 1.0]]]",
            "primary_metric_name: Accuracy", "primary_metric_goal: maximize", "max_total_runs: 1",
            "run_config: {source_directory: code, script: train.sh, interpreter: /bin/sh}", "")))
        sweep_id = self.command("submit", path).strip()
        config = self.client.read("/sweeps/%s/config" % sweep_id)
        self.assertEqual(config["run_config"]["source_directory"], os.path.join(os.path.realpath(self.folder), "code"))
        space = config["hyperparameter_sampling"]["parameter_space"]
        self.assertSame(space["flag"]["values"], ["yes", "no", True, 15, 1.0])
        self.assertEqual(space["lr"]["max_value"], 0.1)
        self.wait_for_sweep(sweep_id, "Completed")

    def test_json_from_standard_input_and_to_the_end(self):
        printed = self.command("submit", "--watch", "-", text=json.dumps(self.specification()))
        lines = printed.splitlines()
        sweep = self.sweep(lines[0])
        self.assertEqual(sweep["status"], "Completed")
        self.assertTrue(lines[-1].startswith("Completed 2 of 2: 2 Completed; no best yet"), printed)
        self.assertIn("without a report of the primary metric", self.errors)  # why there is none

    def test_json_answer_and_warnings(self):
        specification = self.specification(hyperparameter_sampling=self.grid(3), max_total_runs=2)
        answer = read_json(self.command("submit", "--json", "-", text=json.dumps(specification)))
        self.assertEqual(self.sweep(answer["run_id"])["run_id"], answer["run_id"])
        self.assertIn("hyperdrive: warning: ", self.errors)
        self.assertIn("(GridTruncated)", self.errors)
        self.wait_for_sweep(answer["run_id"])

    def test_refused_with_all_faults(self):
        before = len(self.daemon.sweeps())
        self.assertEqual(self.command("submit", "-", text='{"max_total_runs": 0, "wrong": 1}', code=USAGE), "")
        lines = self.errors.splitlines()
        self.assertRegex(lines[0], r"\Ahyperdrive: \d+ things are wrong:\Z")
        self.assertIn("hyperdrive:   line 1, column 2: 'max_total_runs' must be between 1 and 1000000, got 0", lines)
        self.assertIn("hyperdrive:   line 1, column 23: 'wrong' is not a known field", lines)
        self.assertIn("hyperdrive:   hyperparameter_sampling: 'hyperparameter_sampling' is required", lines)
        self.assertEqual(len(self.daemon.sweeps()), before)
        path = self.write("one.yml", "type: sweep\ntrial: {command: 'true ${{search_space.x}}'}\nsampling_algorithm: random\nsearch_space:\n"
                          "  x: {type: choice, values: [1]}\nhyperdrived:\n  max_retries: -1\n")
        self.command("submit", path, code=USAGE)
        self.assertEqual(self.errors, "hyperdrive: line 7, column 3: 'hyperdrived.max_retries' must be 0 or more, got -1\n")

    def test_files_that_cannot_be_read(self):
        cases = (
            (self.write("a.yaml", "a: 1\nb: [1,\n"), "a.yaml: line 3, column 1: "),
            (self.write("b.json", '{"a": 1,}'), "b.json is not valid JSON: "),
            (self.write("c.yaml", "- 1\n"), "c.yaml must hold an object"),
            (self.write("d.yaml", ""), "d.yaml: line 1, column 1: the document is empty"),
            (os.path.join(self.folder, "none.yaml"), "none.yaml: No such file or directory"),
            (self.folder, "Is a directory"),
        )
        for path, message in cases:
            with self.subTest(path):
                self.command("submit", path, code=USAGE)
                self.assertIn(message, self.errors)
                self.assertEqual(self.errors.count("\n"), 1)


class WithoutDaemon(Commanding, DaemonTest):
    autostart = False

    def test_validate_a_good_file(self):
        self.source({"train.sh": "exit 0\n"}, "code")
        config = {"source_directory": "code", "script": "train.sh", "interpreter": "/bin/sh"}
        path = self.write("sweep.json", json.dumps(self.specification(run_config=config)))
        self.assertEqual(self.command("validate", path, found=False), "%s is valid: random sampling, 2 runs at most\n" % path)
        self.assertEqual(self.errors, "")
        self.assertEqual(read_json(self.command("validate", "--json", path, found=False)), {"valid": True, "errors": [], "warnings": []})
        # Warnings do not make it invalid.
        sampling = {"hyperparameter_sampling": self.grid(3), "max_total_runs": 2}
        text = json.dumps(self.specification(**sampling))
        self.assertEqual(self.command("validate", "-", text=text, found=False), "standard input is valid: grid sampling, 2 runs at most\n")
        self.assertRegex(self.errors, r"\Ahyperdrive: warning: .* \(GridTruncated\)\n")
        codes = [warning["code"] for warning in read_json(self.command("validate", "--json", "-", text=text, found=False))["warnings"]]
        self.assertIn("GridTruncated", codes)

    def test_validate_names_every_fault(self):
        text = json.dumps(self.specification(max_total_runs=0, wrong=1, run_config={"source_directory": "/nonexistent/code", "script": "a.py"}))
        self.assertEqual(self.command("validate", "-", text=text, code=USAGE, found=False), "")
        self.assertEqual(self.errors.splitlines()[0], "hyperdrive: 3 things are wrong:")
        verdict = read_json(self.command("validate", "--json", "-", text=text, code=USAGE, found=False))
        self.assertIs(verdict["valid"], False)
        self.assertEqual({error["target"] for error in verdict["errors"]}, {"max_total_runs", "wrong", "run_config.source_directory"})
        self.assertIn({"code": "OutOfRange", "message": "'max_total_runs' must be between 1 and 1000000, got 0", "target": "max_total_runs"},
                      verdict["errors"])

    def test_validate_what_is_no_sweep_file(self):
        for name, text, message in (("a.yaml", "a: 1\nb: [1,\n", "a.yaml: line 3, column 1: "), ("b.json", "{", "b.json is not valid JSON: ")):
            with self.subTest(name):
                path = self.write(name, text)
                self.command("validate", path, code=USAGE, found=False)
                self.assertIn(message, self.errors)
                (error,) = read_json(self.command("validate", "--json", path, code=USAGE, found=False))["errors"]
                self.assertIn(message, error["message"])

    def test_sample_of_a_grid(self):
        text = json.dumps(self.specification(hyperparameter_sampling=self.grid(12), max_total_runs=None))
        lines = self.command("sample", "-", text=text, found=False).splitlines()
        self.assertEqual([line.split() for line in lines[:-1]], [["RUN", "HYPERPARAMETERS"]] + [[str(n), "x", str(n)] for n in range(10)])
        self.assertEqual(lines[-1], "10 of 12 configurations shown; -n shows more")
        answer = read_json(self.command("sample", "--json", "-n", "100", "-", text=text, found=False))
        self.assertEqual(answer["configurations"], [{"x": number} for number in range(12)])
        self.assertIsNone(answer["seed"])

    def test_sample_without_a_seed(self):
        sampling = {"type": "random", "parameter_space": {"x": ["uniform", [0, 1]]}}
        text = json.dumps(self.specification(hyperparameter_sampling=sampling, max_total_runs=5))
        printed = self.command("sample", "-", text=text, found=False)
        self.assertRegex(self.errors, r"the file gives no seed, .* shown is what seed \d+ draws\n")
        sampling["seed"] = int(self.errors.rpartition("seed ")[2].split()[0])
        self.assertEqual(len(printed.splitlines()), 6)
        text = json.dumps(self.specification(hyperparameter_sampling=sampling, max_total_runs=5))
        self.assertEqual(self.command("sample", "-", text=text, found=False), printed)
        self.assertNotIn("no seed", self.errors)

    def test_sample_refuses_what_is_invalid(self):
        self.assertEqual(self.command("sample", "-", text='{"max_total_runs": 0}', code=USAGE, found=False), "")
        self.assertIn("'max_total_runs' must be between", self.errors)
        self.command("sample", "-n", "0", "-", text="{}", code=USAGE, found=False)


class Questions(Commanding, DaemonTest):
    def test_a_sweep_that_reports(self):
        sweep_id, (run_id,) = self.running_sweep(1, run_config=self.reporting())
        # What the child's scripts sent, with their kinds.
        self.assertSame(self.client.read("/runs/%s/metrics" % run_id)["metrics"], {
            "Accuracy": [0.5, 0.75], "loss": 1e-05, "epochs": 3, "note": "fine", "ok": True, "broken": "NaN"})
        self.assertEqual(self.run_of(run_id)["reports"], 2)
        (points,) = self.client.read("/runs/%s/metrics" % run_id, form="points").values()
        steps = [point["step"] for point in points["Accuracy"]]
        self.assertEqual(steps, [1, 2])

        self.assertIn("best run         %s\nvalue            0.75\nstatus           Running\nx " % run_id, self.command("best"))
        self.assertEqual(read_json(self.command("best", "--json", sweep_id)), self.client.read("/sweeps/%s/best" % sweep_id))
        self.assertRegex(self.command("children", sweep_id), r"\ARUN +BEST +STATUS +HYPERPARAMETERS +STOPPED\n%s +0\.75 +Running +x 0\.\d+\n\Z" % run_id)
        self.assertEqual(read_json(self.command("children", "--json", "--top", "1", sweep_id)),
                         self.client.read("/sweeps/%s/children/sorted" % sweep_id, top=1))
        self.assertIn("\n%s  x 0." % run_id, self.command("hyperparameters"))
        self.assertRegex(self.command("metrics", run_id), r"(?m)^Accuracy +2 +0\.75 +0\.5 +0\.75$")
        self.assertRegex(self.command("metrics", sweep_id), r"(?m)^%s +note +1 +fine +- +-$" % run_id)
        self.assertSame(read_json(self.command("metrics", "--json", sweep_id)), self.client.read("/sweeps/%s/metrics" % sweep_id))
        self.assertSame(read_json(self.command("config", sweep_id)), self.client.read("/sweeps/%s/config" % sweep_id))
        self.assertSame(read_json(self.command("config", "--json", sweep_id)), self.client.read("/sweeps/%s/config" % sweep_id))
        self.assertRegex(self.command("list"), r"(?m)^%s +Running +1/1 +0\.75 " % sweep_id)
        self.assertRegex(self.command("show"), r"(?m)^children +1 Running$")
        shown = self.command("show", run_id)
        self.assertRegex(shown, r"(?m)^status +Running$")
        self.assertRegex(shown, r"(?m)^reports +2$")
        self.assertEqual(read_json(self.command("show", "--json", run_id))["run_id"], run_id)
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertRegex(self.command("list", "--status", "Completed"), r"(?m)^%s +Completed +1/1 " % sweep_id)
        self.command("list", "--status", "Failed")
        self.assertIn("there is no such sweep", self.errors)

    def test_sample_is_what_the_daemon_draws(self):
        # A small space, so that most draws repeat an earlier one; the rare 2 is found in grid order after many of them.
        space = {"a": ["quniform", [0, 1.5000001, 1]], "b": {"type": "choice", "values": [1, "1", 1.5, None]}}
        specification = self.specification(hyperparameter_sampling={"type": "random", "seed": 9, "parameter_space": space}, max_total_runs=50)
        answer = read_json(self.command("sample", "--json", "-n", "50", "-", text=json.dumps(specification)))
        self.assertEqual(len(answer["configurations"]), 12)
        sweep = self.finished_sweep(**specification)
        drawn = [child["hyperparameters"] for child in self.children(sweep["run_id"])]
        self.assertSame(answer["configurations"], drawn)

    def test_config_can_be_submitted_again(self):
        sweep = self.finished_sweep()
        path = self.write("again.json", self.command("config", sweep["run_id"]))
        again = self.command("submit", path).strip()
        self.assertSame(self.client.read("/sweeps/%s/config" % again), self.client.read("/sweeps/%s/config" % sweep["run_id"]))
        self.wait_for_sweep(again)

    def test_orders_and_the_part_shown(self):
        sweep = self.finished_sweep(hyperparameter_sampling=self.grid(25), max_total_runs=None)
        printed = self.command("children").splitlines()
        self.assertEqual(len(printed), 22)
        self.assertEqual(printed[-1], "20 of 25 children shown; --top 0 shows all")
        self.assertEqual(len(self.command("children", "--top", "0").splitlines()), 26)
        self.assertEqual(self.command("children", "--discard-no-metric", sweep["run_id"]), "")
        self.assertEqual(len(read_json(self.command("children", "--json"))["children"]), 25)
        self.command("best", code=NOT_FOUND)
        self.assertIn("no child of sweep '%s' has the primary metric yet" % sweep["run_id"], self.errors)
        self.assertEqual(read_json(self.command("best", "--json", code=NOT_FOUND)), {"run": None})

    def test_failed_run(self):
        config = {"command": ["/bin/sh", "-c", "printf 'so it\\033[2J goes\\n'; exit 3"]}
        sweep_id = self.command("submit", "-", text=json.dumps(self.specification(run_config=config, max_total_runs=1))).strip()
        self.command("watch", sweep_id, code=NOT_COMPLETED)
        self.assertIn("hyperdrive: the sweep ended Failed: ", self.errors)
        shown = self.command("show", sweep_id + "_0")
        self.assertRegex(shown, r"(?m)^error +NonZeroExit")
        self.assertRegex(shown, r"(?m)^exit code +3$")
        self.assertTrue(shown.endswith("last output\n  so it?[2J goes\n"), shown)

    def test_cancel(self):
        sweep_id, (first, second) = self.running_sweep(2)
        self.assertEqual(self.command("cancel", first), "%s is CancelRequested\n" % first)
        self.wait_for_run(first, "Canceled")
        self.assertEqual(read_json(self.command("cancel", "--json", sweep_id))["canceled"], True)
        self.wait_for_sweep(sweep_id, "Canceled")
        self.assertEqual(self.run_of(second)["status"], "Canceled")
        done = self.finished_sweep()
        self.command("cancel", done["run_id"], code=CONFLICT)
        self.assertIn("is not cancelled: it is Completed already", self.errors)

    def test_set(self):
        sweep_id, (first,) = self.running_sweep(1, max_total_runs=3)
        self.assertEqual(self.command("set", "--max-total-runs", "2", sweep_id), "%s: 2 runs at most, 1 at once\n" % sweep_id)
        self.assertEqual(self.sweep(sweep_id)["max_total_runs"], 2)
        answer = read_json(self.command("set", "--json", "--max-concurrent-runs", "0", sweep_id))
        self.assertIsNone(answer["config"]["max_concurrent_runs"])
        self.assertEqual(answer["max_total_runs"], 2)
        second = sweep_id + "_1"
        self.wait_for_run(second, "Running")  # since more may run at once now
        self.command("set", "--max-total-runs", "1", sweep_id, code=CONFLICT)
        self.assertTrue(self.errors)
        self.command("set", sweep_id, code=USAGE)
        self.assertIn("give --max-total-runs, --max-concurrent-runs, or both", self.errors)
        self.command("set", "--max-total-runs", "0", sweep_id, code=USAGE)
        self.command("set", "--max-total-runs", "5", "HD_none", code=NOT_FOUND)
        self.gates.release(first)
        self.gates.release(second)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(len(self.children(sweep_id)), 2)
        self.command("set", "--max-total-runs", "5", sweep_id, code=CONFLICT)

    def answer(self, words, *arguments):
        """Runs the command with its input on a terminal, where somebody types `words`; returns the exit code and what it said."""
        try:
            master, terminal = pty.openpty()
        except OSError as error:  # a root folder without /dev/pts
            self.skipTest("no pseudo-terminal is to be had here: %s" % error)
        self.addCleanup(os.close, master)
        os.write(master, words)
        with os.fdopen(terminal) as stdin:
            done = subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, *arguments], stdin=stdin, capture_output=True,
                                  text=True, env=self.environment(), timeout=harness.DEADLINE, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_delete(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.command("delete", sweep_id, code=CONFLICT)
        self.assertEqual(self.answer(b"", "delete", sweep_id)[0], CONFLICT)  # nobody is asked about what cannot be
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")
        folder = self.daemon.run_folder(run_id)
        self.assertTrue(os.path.isdir(folder))
        self.assertEqual(self.answer(b"n\n", "delete", sweep_id), (
            REFUSED, "", "Delete %s, Completed, with 1 run and all files? [y/N] hyperdrive: nothing is deleted\n" % sweep_id))
        self.assertEqual(self.sweep(sweep_id)["status"], "Completed")
        self.assertEqual(self.answer(b"y\n", "delete", sweep_id)[:2], (OK, "%s is deleted\n" % sweep_id))
        self.assertEqual(self.client.get("/sweeps/" + sweep_id).status, 404)
        wait_until(lambda: not os.path.exists(folder), "the removal of the run's folder")
        self.command("delete", sweep_id, code=NOT_FOUND)
        others = [self.finished_sweep()["run_id"] for _ in range(2)]
        self.assertEqual(self.answer(b"", "delete", "--yes", others[0])[:2], (OK, "%s is deleted\n" % others[0]))
        self.assertEqual(read_json(self.command("delete", "--json", others[1])), {"run_id": others[1], "deleted": True})

    def test_logs(self):
        sweep_id, (run_id,) = self.running_sweep(1, run_config=self.gated(
            "echo first\n" + harness.GATED.replace('exit "$code"', 'echo last; exit "$code"')))
        self.assertEqual(self.command("logs", run_id), "first\n")
        follow, sweep_log = self.start_command("logs", "-f", run_id), self.start_command("logs", "-f", sweep_id)
        follow.wait_for("first\n", follow.out)
        sweep_log.wait_for("][SCHEDULER][", sweep_log.out)
        self.gates.release(run_id)
        self.assertEqual(follow.finish(), OK)
        self.assertEqual("".join(follow.out), "first\nlast\n")
        self.assertEqual(sweep_log.finish(), OK)
        self.assertEqual("".join(sweep_log.out), self.client.get("/sweeps/%s/log" % sweep_id).body.decode())
        self.assertEqual(self.command("logs", run_id, "user_logs/std_log.txt"), "first\nlast\n")
        self.assertEqual(read_json(self.command("logs", "--json", run_id)), self.client.read("/runs/%s/logs" % run_id))
        self.command("logs", run_id, "nothing.txt", code=NOT_FOUND)
        self.assertIn("has no log 'nothing.txt'; it has: user_logs/std_log.txt", self.errors)
        self.command("logs", sweep_id, "x.txt", code=USAGE)


    def test_events(self):
        sweep_id = self.finished_sweep()["run_id"]
        log = self.client.get("/sweeps/%s/log" % sweep_id).body.decode()
        messages = [line.split("]", 3)[3] for line in log.splitlines()]
        lines = self.command("events", sweep_id).splitlines()
        self.assertEqual([line.split(None, 3)[3] for line in lines], messages)
        self.assertEqual(self.command("events", "--follow", sweep_id).splitlines(), lines)
        self.assertEqual([line for line in self.command("events").splitlines() if sweep_id in line],
                         [line for line in lines if sweep_id in line])
        events = [read_json(line) for line in self.command("events", "--json", sweep_id).splitlines()]
        self.assertEqual([(event["id"], event["event"], event["data"]) for event in events],
                         [(event.id, event.kind, event.data) for event in past_events(self.client, "/sweeps/%s/events" % sweep_id)])
        self.command("events", "nothing", code=NOT_FOUND)
        self.command("events", "-f", "nothing", code=NOT_FOUND)
        self.command("events", sweep_id, sweep_id, code=USAGE)

    def test_events_with_metrics(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        events, lines = self.start_command("events", "-f", "--json", sweep_id), self.start_command("events", "-f", sweep_id)
        events.wait_for("is Running", events.out)
        lines.wait_for("is Running", lines.out)
        self.report(run_id, "Accuracy", 0.5)
        events.wait_for('"event":"metrics"', events.out)
        self.gates.release(run_id)
        self.assertEqual((events.finish(), lines.finish()), (OK, OK))
        self.assertIn(0.5, [read_json(line)["data"].get("best_primary_metric") for line in events.out])
        self.assertEqual([read_json(line)["data"]["message"] for line in events.out if '"event":"metrics"' not in line],
                         [line.rstrip("\n").split(None, 3)[3] for line in lines.out])


class Faults(Commanding, SharedDaemonTest):
    def test_usage(self):
        for arguments in ((), ("frob",), ("--frob",), ("list", "--frob"), ("list", "x"), ("children", "--top", "-1"), ("children", "--top", "x"),
                          ("children", "--top"), ("logs",), ("cancel",), ("submit",), ("submit", "a", "b"), ("best", ""), ("list", "-x")):
            with self.subTest(arguments):
                self.assertEqual(self.command(*arguments, code=USAGE), "")
                self.assertTrue(self.errors)

    def test_help_of_everything(self):
        text = self.command("--help", found=False)
        self.assertIn("Exit codes:", text)
        names = [line.split()[0] for line in text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]
        self.assertEqual(names, ["submit", "validate", "sample", "list", "show", "watch", "best", "children", "hyperparameters", "metrics",
                                 "config", "logs", "events", "cancel", "retry", "replay", "set", "delete", "devices", "token", "audit",
                                 "backup", "doctor", "report"])
        for name in names:
            with self.subTest(name):
                text = self.command(name, "--help", found=False)
                self.assertTrue(text.startswith("Usage: hyperdrive %s " % name), text)
                self.assertIn("\nExamples:\n  ", text)
        self.assertRegex(self.command("--version", found=False), r"\Ahyperdrive \d+\.\d+\.\d+\n\Z")

    def test_unknown_ids(self):
        for arguments in (("show", "x"), ("cancel", "x"), ("logs", "x"), ("metrics", "x"), ("watch", "x"), ("best", "x"), ("config", "HD_\u00e4/?")):
            with self.subTest(arguments):
                self.command(*arguments, code=NOT_FOUND)
                self.assertIn("'%s'" % arguments[1], self.errors)

    def test_finding_the_daemon(self):
        url, token = {"HYPERDRIVE_URL": self.daemon.url}, {"HYPERDRIVE_TOKEN": self.daemon.token}
        self.command("list", found=False, environment={**url, **token})
        self.command("--url", self.daemon.url, "list", found=False, environment=token)
        self.command("list", "--url", self.daemon.url)
        self.command("list", found=False, environment=url, code=REFUSED)
        self.assertIn("no token was given", self.errors)
        self.command("list", found=False, environment={**url, "HYPERDRIVE_TOKEN": "wrong"}, code=REFUSED)
        self.command("list", found=False, environment={**url, "HYPERDRIVE_TOKEN": "a\nb"}, code=USAGE)
        self.command("--url", "file:///etc/passwd", "list", found=False, environment=token, code=USAGE)
        # --state-dir goes before the environment, so that it works inside a child too.
        self.command("list", environment={"HYPERDRIVE_URL": "http://127.0.0.1:1", "HYPERDRIVE_TOKEN": "x"})
        # A proxy that the environment names must see neither the request nor its token.
        self.command("list", environment={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})

    def test_no_daemon(self):
        self.command("--url", "http://127.0.0.1:1", "list", found=False, code=NO_CONNECTION)
        self.assertIn("no daemon answers at http://127.0.0.1:1", self.errors)
        self.command("--state-dir", self.folder, "list", found=False, code=NO_CONNECTION)
        self.assertIn("no daemon has ever run with the state folder " + self.folder, self.errors)

    def test_report_outside_of_a_run(self):
        self.command("report", "a=1", code=USAGE)
        self.assertIn("HYPERDRIVE_RUN_ID is not set", self.errors)
        for operand in ("a", "=1", "a=1e999"):
            with self.subTest(operand):
                self.command("report", operand, code=USAGE, environment={"HYPERDRIVE_RUN_ID": "x"})
        self.command("report", "a=1", code=NOT_FOUND, environment={"HYPERDRIVE_RUN_ID": "x"})

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([harness.COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                  timeout=harness.DEADLINE, env=self.environment())
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("cannot write the output", done.stderr)


class Restarts(Commanding, DaemonTest):
    def test_watch_and_logs_go_on(self):
        sweep_id, (run_id,) = self.running_sweep(1, run_config=self.gated("echo first\n" + harness.GATED))
        watch, logs = self.start_command("watch", sweep_id), self.start_command("logs", "-f", run_id)
        watch.wait_for("Running 0 of 1: 1 Running", watch.out)
        logs.wait_for("first\n", logs.out)
        self.daemon.kill()
        watch.wait_for("trying again", watch.err)
        logs.wait_for("trying again", logs.err)
        self.daemon.start()
        self.gates.release(run_id)
        self.assertEqual(watch.finish(), OK, "".join(watch.err))
        self.assertIn("Completed 1 of 1: 1 Completed", watch.out[-1])
        self.assertEqual(logs.finish(), OK, "".join(logs.err))
        self.assertEqual("".join(logs.out), "first\n")

    def test_events_go_on(self):
        sweep_id = self.submit(max_total_runs=6, max_concurrent_runs=2, run_config=self.gated())["run_id"]
        events = self.start_command("events", "-f", "--json", sweep_id)
        for number in range(6):
            run_id = self.gates.wait_started(number + 1)[number]
            self.wait_for_run(run_id, "Running")
            events.wait_for("%s is Running" % run_id, events.out)
            if number % 2 == 0:
                self.daemon.restart()
            elif number == 3:
                self.daemon.stop()
                self.daemon.start()
            self.gates.release(run_id)
        self.assertEqual(events.finish(), OK, "".join(events.err))
        got = [read_json(line) for line in events.out]
        self.assertEqual([(event["id"], event["data"]) for event in got],
                         [(event.id, event.data) for event in past_events(self.client, "/sweeps/%s/events" % sweep_id)])

    def test_a_network_that_goes_without_a_word_is_noticed(self):
        """The kernel asks soon whether the other side is still there; otherwise a follower would wait for ten minutes."""
        sweep_id, (run_id,) = self.running_sweep(1)
        port = ":%04X" % int(self.client.address.rpartition(":")[2])
        for arguments in (("events", "-f", sweep_id), ("logs", "-f", run_id)):
            with self.subTest(arguments):
                command = self.start_command(*arguments)
                if arguments[0] == "events":
                    command.wait_for("is Running", command.out)

                def seconds_to_question():
                    with open("/proc/net/tcp", encoding="ascii") as file:
                        rows = [line.split() for line in file]
                    timers = [row[5].split(":") for row in rows if row[2].endswith(port) and row[3] == "01"]
                    return [int(left, 16) / os.sysconf("SC_CLK_TCK") for timer, left in timers if timer == "02"]
                left = wait_until(seconds_to_question, "a question that the kernel is to ask")
                self.assertLessEqual(max(left), 21, left)
                command.process.kill()
                command.finish()
        self.gates.release(run_id)

    def test_report_waits_for_the_daemon(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        child = self.gates.environment(run_id)
        names = ("HYPERDRIVE_URL", "HYPERDRIVE_RUN_ID", "HYPERDRIVE_TOKEN")
        self.daemon.kill()
        report = Running(["report", "Accuracy=0.5"], self.environment(**{name: child[name] for name in names}))
        self.addCleanup(report.close)
        self.daemon.start()
        self.assertEqual(report.finish(), OK, "".join(report.err))
        self.assertEqual("".join(report.out + report.err), "")
        self.assertSame(self.client.read("/runs/%s/metrics" % run_id)["metrics"], {"Accuracy": 0.5})
        self.assertEqual(self.run_of(run_id)["reports"], 1)
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)

    def test_report_gives_up_and_says_so(self):
        self.daemon.kill()
        self.command("report", "--retry", "0", "a=1", code=NO_CONNECTION, environment={"HYPERDRIVE_RUN_ID": "x"})
        self.assertIn("the report was not stored: no daemon answers at", self.errors)
        self.daemon.start()

    def test_report_gives_up_where_nothing_can_be_kept(self):
        self.daemon.kill()
        folder = os.path.join(self.folder, "nowhere")
        self.command("report", "--retry", "0", "a=1", code=NO_CONNECTION,
                     environment={"HYPERDRIVE_RUN_ID": "x", "HYPERDRIVE_RUN_DIR": folder})
        self.assertIn("the report was not stored: it could not be kept in %s/spool either (No such file or directory): "
                      "no daemon answers at" % folder, self.errors)
        self.daemon.start()

    def test_report_to_a_run_that_ended_or_is_to_stop(self):
        sweep_id, (first, second) = self.running_sweep(2, run_config=self.gated("trap '' TERM\n" + harness.GATED))
        place = {"HYPERDRIVE_RUN_ID": first}
        self.client.post("/runs/%s/cancel" % first)
        self.command("report", "Accuracy=1", environment=place)
        self.assertIn("hyperdrive: this run is asked to stop: ", self.errors)
        self.assertTrue(read_json(self.command("report", "--json", "Accuracy=2", environment=place))["stop"])
        self.gates.release(first)
        self.wait_for_run(first, "Canceled")
        self.command("report", "Accuracy=3", environment=place, code=CONFLICT)
        self.gates.release(second)
        self.wait_for_sweep(sweep_id)


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers every POST with `status`, as the daemon would or as somebody else."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        body = b'{"error":{"code":"Told","message":"so it is","target":null,"details":[]}}' if self.server.shaped else b"go away"
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *unused):
        pass


class Kept(Commanding, unittest.TestCase):
    """Which answers make `hyperdrive report` keep a report in the run's folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hd-")
        self.addCleanup(harness.remove_folder, self.folder)
        self.spool = os.path.join(self.folder, "spool")
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Answering)
        self.addCleanup(self.server.server_close)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)

    def report(self, status, *arguments, shaped=True, code=OK):
        self.server.status, self.server.shaped, self.server.asked = status, shaped, 0
        place = {"HYPERDRIVE_URL": "http://127.0.0.1:%d" % self.server.server_port, "HYPERDRIVE_TOKEN": "t", "HYPERDRIVE_RUN_ID": "x",
                 "HYPERDRIVE_RUN_DIR": self.folder}
        return self.command("report", *arguments, "a=1", found=False, code=code, environment=place)

    def kept(self):
        return os.listdir(self.spool) if os.path.exists(self.spool) else []

    def test_what_may_pass(self):
        count = 0
        for status, shaped in ((503, True), (507, True), (500, True), (429, True), (408, True), (502, False), (404, False)):
            with self.subTest(status=status, shaped=shaped):
                self.assertEqual(self.report(status, "--retry", "0", shaped=shaped), "")
                self.assertRegex(self.errors, r"\Ahyperdrive: the report is kept in %s and stored when the daemon is back: .*\n\Z"
                                 % self.spool)
                count += 1
                self.assertEqual((len(self.kept()), self.server.asked), (count, 1))

    def test_refusals(self):
        for status, code in ((400, USAGE), (401, REFUSED), (403, REFUSED), (404, NOT_FOUND), (409, CONFLICT), (410, NOT_FOUND),
                             (413, USAGE)):
            with self.subTest(status=status):
                self.report(status, code=code)
                self.assertIn("the report was not stored: so it is", self.errors)
                self.assertEqual((self.kept(), self.server.asked), ([], 1))

    def test_it_tries_before_it_keeps(self):
        self.assertEqual(read_json(self.report(503, "--retry", "1", "--json")), {"kept": True})
        self.assertEqual(len(self.kept()), 1)
        self.assertGreater(self.server.asked, 1)

    def test_what_was_kept_goes_first(self):
        self.report(503, "--retry", "0")
        with open(os.path.join(self.spool, "abc.1.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        self.report(503, "--retry", "0")
        self.assertEqual((len(self.kept()), self.server.asked), (3, 1))  # one that stays away is not asked for the next
        self.report(409, code=CONFLICT)
        self.assertEqual((len(self.kept()), self.server.asked), (3, 3))  # refused ones are the daemon's to tell of
        self.report(200)
        self.assertEqual((self.kept(), self.server.asked), (["abc.1.json"], 3))  # a reporter sends its own itself
        self.assertEqual(self.errors, "")


if __name__ == "__main__":
    harness.main()
