"""The logs of ended runs together stay below keep_logs_mb: those of the runs that ended longest ago go, and nothing else of them."""

import contextlib
import os
import signal
import sqlite3
import subprocess

import harness
from harness import DaemonTest, wait_until

MIB = 1 << 20

# Writes 600 KiB to its output and as much to a file in logs, reports, writes an output; then waits at its gate, if it has one.
TALKER = r"""#!/bin/sh
head -c 614399 /dev/zero | tr '\0' x
echo
mkdir -p logs/deep
head -c 614400 /dev/zero > logs/deep/events
echo kept > outputs/model
"$REPORT" 1 || exit 1
[ -z "$WAITING" ] && exit 0
echo "$AZUREML_RUN_ID" >> "$GATES/started"
mkfifo "$GATES/$AZUREML_RUN_ID"
read -r code < "$GATES/$AZUREML_RUN_ID"
exit "$code"
"""


class KeepLogs(DaemonTest):
    autostart = False

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "hyperdrived.conf")
        self.daemon.options = ["--monitor", harness.MONITOR, "--config", self.path]
        self.configure("slots = 1\n")
        self.daemon.start()

    def configure(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def reload(self, text):
        self.configure(text)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.await_notice("RELOADING=1")
        self.daemon.await_notice("READY=1")

    def talkers(self, count, waiting=False):
        """Ids of runs, in the order in which they end, each with 1.2 MiB of logs."""
        run_config = self.gated(TALKER)
        run_config["environment_variables"].update(REPORT=os.path.join(harness.FIXTURES, "report_point"), WAITING="1" if waiting else "")
        sweep_id = self.submit(max_total_runs=count, max_concurrent_runs=1, hyperparameter_sampling=self.grid(count),
                               run_config=run_config)["run_id"]
        if waiting:
            self.gates.wait_started(1)
        else:
            self.wait_for_sweep(sweep_id, "Completed")
        return ["%s_%d" % (sweep_id, number) for number in range(count)]

    def files(self, run_id):
        return sorted(log["name"] for log in self.client.read("/runs/%s/logs" % run_id)["logs"])

    def are_removed(self, run_id):
        return self.client.read("/runs/%s/logs" % run_id)["removed"]

    def get(self, run_id, **query):
        return self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id, **query)

    def test_the_oldest_go(self):
        runs = self.talkers(4)
        (live,) = self.talkers(1, waiting=True)
        self.assertEqual([self.are_removed(run_id) for run_id in runs], [False] * 4)
        self.reload("slots = 1\nkeep_logs_mb = 3\n")
        wait_until(lambda: self.are_removed(runs[1]), "the end of the oldest logs")
        self.assertEqual([self.are_removed(run_id) for run_id in [*runs, live]], [True, True, False, False, False])
        self.assertIn("the logs of 2 runs that ended longest ago were removed", self.daemon.log())
        for run_id in runs[:2]:
            self.assertEqual(self.files(run_id), [])
            self.assertError(self.get(run_id), 410, "the logs of this run were removed: those of runs that ended later take the space "
                             "that the setting 'keep_logs_mb' leaves for logs")
            self.assertError(self.get(run_id, follow="true"), 410)
            with open(os.path.join(self.daemon.run_folder(run_id), "outputs", "model"), encoding="utf-8") as output:
                self.assertEqual(output.read(), "kept\n")
            self.assertEqual(self.run_of(run_id)["status"], "Completed")
            self.assertSame(self.client.read("/runs/%s/metrics" % run_id)["metrics"], {"Accuracy": 1.0})
        for run_id in [*runs[2:], live]:
            self.assertEqual(self.files(run_id), ["logs/deep/events", "user_logs/std_log.txt"])
            self.assertEqual(len(self.get(run_id).body), 614400)
        for options in ([], ["--follow"]):
            said = subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, "logs", *options, runs[0]], capture_output=True, text=True,
                                  timeout=harness.DEADLINE, check=False)
            self.assertEqual((said.returncode, said.stdout), (3, ""), said)
            self.assertIn("the logs of this run were removed", said.stderr)

        self.reload("slots = 1\nkeep_logs_mb = 2\n")  # less is taken at once; what runs is not touched
        wait_until(lambda: self.are_removed(runs[2]), "the end of one more")
        self.assertFalse(self.are_removed(runs[3]))
        self.gates.release(live)
        self.wait_for_run(live, "Completed")
        wait_until(lambda: self.are_removed(runs[3]), "the end of what is older than the run that has ended")
        self.assertFalse(self.are_removed(live))

        self.daemon.stop()  # they stay removed, and what is left stays
        self.daemon.start()
        self.assertEqual([self.are_removed(run_id) for run_id in [*runs, live]], [True] * 4 + [False])
        self.assertEqual(self.get(runs[0]).status, 410)
        self.assertEqual(self.get(live).status, 200)

    def test_none_by_default_and_with_0(self):
        runs = self.talkers(2)
        self.reload("slots = 1\nkeep_logs_mb = 0\n")
        self.reload("slots = 1\nkeep_logs_mb = 3\n")
        wait_until(lambda: self.measured() == 2, "sizes in the store")
        self.assertEqual([self.are_removed(run_id) for run_id in runs], [False] * 2)

    def measured(self):
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % os.path.join(self.daemon.state, "hyperdrive.db"), uri=True)) as database:
            return database.execute("SELECT count(*) FROM run WHERE log_bytes > 0").fetchone()[0]

    def test_a_crash_between_removal_and_its_note(self):
        """As if the daemon had been killed there: the files are gone, and the store still counts them."""
        runs = self.talkers(2)
        self.reload("slots = 1\nkeep_logs_mb = 3\n")
        wait_until(lambda: self.measured() == 2, "sizes in the store")
        self.daemon.kill()
        subprocess.run(["rm", "-r", *(os.path.join(self.daemon.run_folder(runs[0]), name) for name in ("logs", "user_logs"))], check=True)
        self.configure("slots = 1\nkeep_logs_mb = 2\n")
        self.daemon.start()
        wait_until(lambda: self.are_removed(runs[0]), "the note")
        self.assertFalse(self.are_removed(runs[1]))

    def test_links_lead_nowhere(self):
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.makedirs(elsewhere)
        with open(os.path.join(elsewhere, "precious"), "w", encoding="utf-8") as file:
            file.write("p" * MIB)
        runs = self.talkers(2)
        logs = os.path.join(self.daemon.run_folder(runs[0]), "logs")
        os.symlink(elsewhere, os.path.join(logs, "deep", "link"))
        os.rename(logs, logs + "-moved")
        os.symlink(elsewhere, logs)
        self.reload("slots = 1\nkeep_logs_mb = 1\n")
        wait_until(lambda: self.are_removed(runs[1]), "the end of all logs")
        self.assertTrue(self.are_removed(runs[0]))
        self.assertFalse(os.path.lexists(logs))
        self.assertEqual(os.listdir(elsewhere), ["precious"])


if __name__ == "__main__":
    harness.main()
