"""The examples of packaging/examples as sweeps of a real daemon, and libhyperdrive over a daemon's death.

HD_CC is the C compiler, HD_SANITIZE what the build was sanitized with.
"""

import importlib.util
import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest
from unittest import mock

import harness
from harness import DaemonTest, SharedDaemonTest, clean_environment, wait_until
from test_tls import Certified

EXAMPLES = os.path.join(harness.HERE, "..", "..", "packaging", "examples")
HEADER = os.path.join(harness.HERE, "..", "..", "lib", "client", "hyperdrive.h")
LIBRARY = os.path.join(harness.BUILD, "lib", "client")
CC = shlex.split(os.environ.get("HD_CC", shutil.which("cc") or "cc"))  # by its path: a test has a `cc` of its own that runs it
SANITIZE = os.environ.get("HD_SANITIZE", "none")

# Reports once, waits at its gate while the daemon is killed, reports four times more, and must find that they are kept.
SURVIVOR = """
#include <errno.h>
#include <hyperdrive/hyperdrive.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct hd_reporter *reporter = hd_open();
    FILE *gate;

    if (reporter == NULL || hd_report_integer(reporter, "Accuracy", 1, 1) != 0 || hd_flush(reporter, 60000) != 0) {
        return 2;
    }
    gate = fopen(getenv("GATE"), "r");
    if (gate == NULL || fgetc(gate) != EOF) {
        return 3;
    }
    for (int step = 2; step <= 5; step++) {
        hd_report_integer(reporter, "Accuracy", step, step);
    }
    return hd_close(reporter) == -ETIMEDOUT ? 0 : 4;
}
"""


class Building:
    def run_tool(self, *command, cwd=None, **environment):
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, check=False)
        self.assertEqual(done.returncode, 0, "%r: %s" % (command, done.stderr))
        return done.stdout

    def build(self, source, program, static=False):
        """As the page of the examples says it, with what is not installed yet taken from the build folder."""
        include = os.path.join(self.folder, "include")
        os.makedirs(os.path.join(include, "hyperdrive"), exist_ok=True)
        shutil.copy(HEADER, os.path.join(include, "hyperdrive"))
        flags = self.run_tool("pkg-config", "--define-variable=includedir=" + include, "--define-variable=libdir=" + LIBRARY, "--cflags",
                              "--libs", *(["--static"] if static else []), "hyperdrive",
                              PKG_CONFIG_PATH=os.path.join(harness.BUILD, "meson-private"))
        if static:
            flags = flags.replace("-lhyperdrive", os.path.join(LIBRARY, "libhyperdrive.a"))
        sanitize = [] if SANITIZE == "none" else ["-fsanitize=" + SANITIZE]
        self.run_tool(*CC, "-O2", "-Wall", "-Wextra", "-Werror", *sanitize, "-o", program, source, *shlex.split(flags), "-lm",
                      "-Wl,-rpath," + LIBRARY)


class Addresses(Certified):
    """The examples that speak HTTP themselves, with daemons that have no plain address: a socket, and HTTPS."""

    def check_examples(self):
        tune = ["python3", os.path.join(EXAMPLES, "client", "tune.py"), "--state-dir", self.daemon.state, "--runs", "4", "--clients", "2"]
        printed = subprocess.run(tune, capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
        self.assertIn(": 4 runs by 2 clients", printed.stdout, printed.stderr)
        for name in ("digits", "checkpoint"):
            source = os.path.join(self.folder, name)
            shutil.copytree(os.path.join(EXAMPLES, name), source, ignore=shutil.ignore_patterns("__pycache__", "outputs"))
            sweep = self.finished_sweep(max_total_runs=1, primary_metric_name="loss" if name == "checkpoint" else "validation_accuracy", run_config={
                "source_directory": source, "script": "train.py", "interpreter": "python3", "arguments": ["--epochs", 2]},
                hyperparameter_sampling={"type": "random", "parameter_space": {"learning_rate": ["uniform", [0.1, 0.2]]}})
            run_id = sweep["run_id"] + "_0"
            self.assertEqual(sweep["status"], "Completed", self.run_of(run_id))
            self.assertIsNotNone(self.run_of(run_id)["best_primary_metric"], self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id).body)

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="hd-")  # a path that is short enough
        self.addCleanup(shutil.rmtree, self.place)  # behind the end of the daemon
        super().setUp()

    def test_a_socket(self):
        self.daemon.start(listen="unix:" + os.path.join(self.place, "socket"))
        self.assertTrue(self.daemon.url.startswith("http+unix://"))
        self.check_examples()

    def test_https(self):
        self.start_certified()
        self.assertTrue(self.daemon.url.startswith("https://"))
        self.check_examples()


class Examples(Building, SharedDaemonTest):
    def setUp(self):
        super().setUp()
        self.examples = os.path.join(self.folder, "examples")
        shutil.copytree(EXAMPLES, self.examples, ignore=shutil.ignore_patterns("__pycache__", "train", "outputs"))

    def submit_example(self, name, **fields):
        """Submits the sweep file with `fields` in place of its own, and waits: (sweep, points of each child in order)."""
        path = os.path.join(self.examples, name, "sweep.json")
        with open(path, encoding="utf-8") as file:
            sweep = json.load(file)
        sweep["run_config"].update(fields.pop("run_config", {}))
        sweep.update(fields)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(sweep, file)
        sweep_id = self.run_tool(harness.COMMAND, "--state-dir", self.daemon.state, "submit", path).strip()
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        runs = self.children(sweep_id)
        self.assertEqual([run["status"] for run in runs], ["Completed"] * len(runs))
        return sweep, [self.points(run["run_id"]) for run in runs]

    def points(self, run_id):
        (points,) = self.client.read("/runs/%s/metrics" % run_id, form="points").values()
        return points

    def steps(self, points):
        return [point["step"] for point in points]

    def test_c(self):
        self.build(os.path.join(self.examples, "c", "train.c"), os.path.join(self.examples, "c", "train"))
        sweep, runs = self.submit_example("c", max_total_runs=4)
        self.assertEqual(len(runs), 4)
        for points in runs:
            self.assertEqual(sorted(points), ["accuracy", "training_loss", "training_points", "weights"])
            self.assertEqual(self.steps(points["accuracy"]), list(range(1, 11)))
            self.assertEqual(self.steps(points["training_loss"]), list(range(1, 11)))
            self.assertEqual([point["value"] for point in points["training_points"]], [3000])
            self.assertEqual(len(points["weights"]), 6)
        best = self.client.read("/sweeps/%s/best" % sweep["run_id"])["run"]
        self.assertEqual(best["best_primary_metric"], max(point["value"] for points in runs for point in points["accuracy"]))
        self.assertGreater(best["best_primary_metric"], 0.8)

    def test_c_by_hand(self):
        program = os.path.join(self.examples, "c", "train")
        self.build(os.path.join(self.examples, "c", "train.c"), program)
        done = subprocess.run([program, "--epochs", "2"], capture_output=True, text=True, env=clean_environment(), check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([line.split(":")[0] for line in done.stdout.splitlines()], ["epoch 1", "epoch 2"])

    def test_c_with_the_static_library(self):
        """It needs libcurl, but nothing of what libcurl itself was built with."""
        program = os.path.join(self.examples, "c", "train")
        self.build(os.path.join(self.examples, "c", "train.c"), program, static=True)
        self.assertNotIn("libhyperdrive", self.run_tool("ldd", program))

    def test_shell(self):
        path = os.path.dirname(harness.COMMAND) + ":" + os.environ["PATH"]
        _, runs = self.submit_example("shell", run_config={"environment_variables": {"PATH": path}})
        self.assertEqual(len(runs), 4)
        for points in runs:
            self.assertEqual(self.steps(points["error"]), [1, 2, 3, 4])
            self.assertLess(points["error"][3]["value"], points["error"][0]["value"])

    def test_python(self):
        _, runs = self.submit_example("digits", max_total_runs=2, run_config={"arguments": ["--epochs", 2]})
        self.assertEqual(len(runs), 2)
        for points in runs:
            self.assertEqual(self.steps(points["validation_accuracy"]), [1, 2])

    def test_client(self):
        printed = self.run_tool("python3", os.path.join(self.examples, "client", "tune.py"), "--state-dir", self.daemon.state, "--runs", "12",
                                "--clients", "4")
        sweep_id = printed.partition(":")[0]
        self.assertEqual(printed, "%s: 12 runs by 4 clients\n" % sweep_id)
        sweep, runs = self.wait_for_sweep(sweep_id, "Completed"), self.children(sweep_id)
        self.assertEqual(sweep["children"]["total"], 12)
        for run in runs:
            if run["status"] == "Failed":
                self.assertIn("it has left the valley", run["error"]["message"])
            else:
                self.assertEqual(self.steps(self.points(run["run_id"])["height"]), list(range(1, 11)))
        self.assertIn("Completed", [run["status"] for run in runs])

    def test_client_whose_first_children_all_fail(self):
        """A rate that is too high fails in its first step, and so before any other child ends: that must not end the sweep."""
        tune = self.tune_as_module()
        calls, descend = itertools.count(), tune.descend

        def fail_first(run, report):
            if next(calls) < 3:
                raise OverflowError("it has left the valley")
            wait_until(lambda: self.sweep(run["sweep_id"])["children"].get("Failed", 0) >= 3, "three failed children")
            descend(run, report)

        with mock.patch.object(tune, "descend", fail_first), mock.patch("sys.stdout"), \
             mock.patch("sys.argv", ["tune.py", "--state-dir", self.daemon.state, "--runs", "8", "--clients", "4"]):
            tune.main()
        sweep = self.client.read("/sweeps")["sweeps"][0]
        self.assertEqual((sweep["experiment"], sweep["status"]), ("valley", "Completed"))
        self.assertEqual(sweep["children"]["total"], 8)

    def tune_as_module(self):
        specification = importlib.util.spec_from_file_location("tune", os.path.join(self.examples, "client", "tune.py"))
        tune = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(tune)
        return tune

    def test_checkpoint(self):
        """The best two of a sweep are trained on by a second one, and give what one training of that length gives."""
        sweep, runs = self.submit_example("checkpoint", max_total_runs=3, run_config={"arguments": ["--epochs", 3]})
        for points in runs:
            self.assertEqual(self.steps(points["accuracy"]), [1, 2, 3])
        best = self.client.read("/sweeps/%s/children/sorted" % sweep["run_id"], top=2)["children"]
        _, longer = self.submit_example("checkpoint", max_total_runs=2, resume_child_runs=[run["run_id"] for run in best],
                                        run_config={"arguments": ["--epochs", 5]})
        for points in longer:
            self.assertEqual(self.steps(points["accuracy"]), [4, 5])
        hyperparameters = [argument for name, value in best[0]["hyperparameters"].items() for argument in ("--" + name, str(value))]
        whole = self.run_tool("python3", os.path.join(self.examples, "checkpoint", "train.py"), "--epochs", "5", *hyperparameters,
                              cwd=self.folder)
        self.assertIn("epoch 5: accuracy %.4f, loss %.4f" % tuple(longer[0][name][1]["value"] for name in ("accuracy", "loss")), whole)

    @unittest.skipUnless(shutil.which("c++"), "there is no C++ compiler")
    def test_the_header_in_cpp(self):
        source = os.path.join(self.folder, "use.cpp")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include "hyperdrive.h"\nint use() { hd_reporter *r = hd_open(); return hd_report(r, "a", 1, HD_NO_STEP) + hd_close(r); }\n')
        compiled = os.path.join(self.folder, "use.o")
        self.run_tool("c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-I", os.path.dirname(HEADER), "-c", "-o", compiled, source)
        self.assertIn(" U hd_report\n", self.run_tool("nm", compiled))


class Page(DaemonTest):
    """packaging/examples/README.md: its commands, copied to a shell, on sweep files that are made shorter."""

    autostart = False

    def commands(self):
        """The indented blocks of the page, in order."""
        with open(os.path.join(EXAMPLES, "README.md"), encoding="utf-8") as file:
            return "".join(line[4:] for line in file if line.startswith("    "))

    def installed(self):
        """What the page takes for granted, in a folder of its own: programs, library and header, examples."""
        prefix = os.path.join(self.folder, "usr")
        for folder in ("bin", "lib", "include/hyperdrive"):
            os.makedirs(os.path.join(prefix, folder))
        shutil.copy(HEADER, os.path.join(prefix, "include", "hyperdrive"))
        for name in ("libhyperdrive.so", "libhyperdrive.so.0"):
            os.symlink(os.path.join(LIBRARY, name), os.path.join(prefix, "lib", name))
        for program in (harness.HYPERDRIVED, harness.COMMAND):
            os.symlink(program, os.path.join(prefix, "bin", os.path.basename(program)))
        self.program("cc", shlex.join(CC + ([] if SANITIZE == "none" else ["-fsanitize=" + SANITIZE]) + ["-Wl,-rpath," + LIBRARY]))
        self.program("pkg-config", shlex.join([shutil.which("pkg-config"), "--define-variable=includedir=%s/include" % prefix,
                                               "--define-variable=libdir=%s/lib" % prefix]))
        shutil.copytree(EXAMPLES, os.path.join(prefix, "share", "hyperdrive", "examples"),
                        ignore=shutil.ignore_patterns("__pycache__", "train", "outputs"))
        for name in ("c", "checkpoint", "digits", "shell"):
            self.shorten(os.path.join(prefix, "share", "hyperdrive", "examples", name, "sweep.json"))
        return prefix

    def program(self, name, command):
        path = os.path.join(self.folder, "usr", "bin", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nexec %s "$@"\n' % command)
        os.chmod(path, 0o755)

    def shorten(self, path):
        with open(path, encoding="utf-8") as file:
            sweep = json.load(file)
        sweep["max_total_runs"] = 2
        if sweep["experiment"] in ("digits", "spirals"):
            sweep["run_config"]["arguments"] = ["--epochs", 2]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(sweep, file)

    def test_its_commands_can_be_copied_and_run(self):
        prefix = self.installed()
        script = self.commands().replace("/usr/share", prefix + "/share").replace("/tmp/sweeps", self.daemon.state)
        os.mkdir(os.path.join(self.folder, "home"))
        # The daemon of the page is in the shell's process group, and ends with it.
        shell = subprocess.Popen(["bash", "-e", "-c", script + "\nhyperdrive --state-dir %s list --json > listed.json" % self.daemon.state],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=os.path.join(self.folder, "home"),
                                 start_new_session=True, env={**clean_environment(), "PATH": prefix + "/bin:" + os.environ["PATH"],
                                                              "PKG_CONFIG_PATH": os.path.join(harness.BUILD, "meson-private")})
        self.addCleanup(shell.stdout.close)
        wait_until(lambda: shell.poll() is not None, "the end of the page's commands", 240)
        os.killpg(shell.pid, signal.SIGTERM)
        printed = shell.stdout.read()
        self.assertEqual(shell.returncode, 0, printed)
        with open(os.path.join(self.folder, "home", "examples", "listed.json"), encoding="utf-8") as file:
            sweeps = json.load(file)["sweeps"]
        self.assertEqual([(sweep["experiment"], sweep["status"]) for sweep in reversed(sweeps)], [
            (name, "Completed") for name in ("digits", "ring", "line", "spirals", "spirals", "valley")], printed)


class DeadDaemon(Building, DaemonTest):
    def test_reports_made_meanwhile_are_taken_in_once(self):
        folder = self.source({"survivor.c": SURVIVOR})
        program, gate = os.path.join(folder, "survivor"), os.path.join(self.gates.folder, "gate")
        os.mkfifo(gate)
        self.build(program + ".c", program)
        sweep_id = self.submit(hyperparameter_sampling=self.grid(1), max_total_runs=1, run_config={
            "source_directory": folder, "script": "survivor", "interpreter": None, "environment_variables": {"GATE": gate}})["run_id"]
        run_id = sweep_id + "_0"
        self.wait_for_run(run_id, "Running")
        wait_until(lambda: self.run_of(run_id)["reports"] == 1, "the first report")
        self.daemon.kill()
        with open(gate, "w", encoding="utf-8"):
            pass
        exited = os.path.join(self.daemon.run_folder(run_id), "exit.1")
        wait_until(lambda: os.path.getsize(exited) > 0, "the end of the child")
        kept = os.listdir(os.path.join(self.daemon.run_folder(run_id), "spool"))
        self.assertTrue(kept and all(name.endswith(".json") for name in kept), kept)
        self.daemon.start()
        self.wait_for_sweep(sweep_id, "Completed")
        (points,) = self.client.read("/runs/%s/metrics" % run_id, form="points").values()
        self.assertEqual([(point["value"], point["step"]) for point in points["Accuracy"]], [(step, step) for step in range(1, 6)])


if __name__ == "__main__":
    harness.main()
