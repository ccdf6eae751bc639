"""Child processes: what is killed on cancel, what survives the daemon, and what happens when it dies at the worst moments."""

import http.client
import os
import shutil
import signal
import sqlite3
import subprocess
import unittest

import harness
from harness import DaemonTest, processes_with, wait_until

STUBBORN = os.path.join(harness.FIXTURES, "stubborn")


def has_fault_points():
    """Only builds with -Dfault_points=true look at HYPERDRIVED_FAULT."""
    try:
        with open(harness.HYPERDRIVED, "rb") as file:
            return b"HYPERDRIVED_FAULT" in file.read()
    except FileNotFoundError:
        return False


class ProcessTest(DaemonTest):
    daemon_options = {"grace": 0.3}

    def program(self, run_id):
        """Ids of a child's processes without its monitor."""
        return sorted(set(processes_with("HYPERDRIVE_RUN_ID=" + run_id)) - set(self.daemon.monitors(run_id)))

    def kill_all(self, run_id):
        """The monitor first, so that it leaves no record; then what it watched."""
        harness.signal_all(self.daemon.monitors(run_id), signal.SIGKILL)
        wait_until(lambda: not self.daemon.monitors(run_id), "the end of the monitor")
        harness.signal_all(self.program(run_id), signal.SIGKILL)
        wait_until(lambda: not self.program(run_id), "the end of the child")

    def state(self, pid):
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]

    def stranger(self):
        """A process that has nothing to do with the daemon."""
        process = subprocess.Popen(["/bin/sleep", "1000"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def change_run(self, run_id, **columns):
        """Writes columns of a run's row while the daemon is dead."""
        database = sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db"))
        with database:
            changed = database.execute("UPDATE run SET %s WHERE id = ? AND monitor_pid IS NOT NULL" % ", ".join(name + " = ?" for name in columns),
                                       (*columns.values(), run_id))
            self.assertEqual(changed.rowcount, 1)
        database.close()


    def running_stubborn(self, **fields):
        """A run whose processes do all they can to outlive it, once they are in place."""
        run_id = self.submit(max_total_runs=1, run_config={"command": [STUBBORN]}, **fields)["run_id"] + "_0"
        self.wait_for_run(run_id, "Running")
        wait_until(lambda: b"ready" in self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id).body, "the tree of processes")
        self.assertGreaterEqual(len(self.processes_of(run_id)), 6)
        return run_id

    def processes_of(self, run_id):
        """Also the monitor and what has cleared its environment, which have the run folder in their command line."""
        return sorted({*processes_with("HYPERDRIVE_RUN_ID=" + run_id), *processes_with(self.daemon.run_folder(run_id))})

    def assert_nothing_left(self, run_id):
        self.assertEqual([harness.describe_process(pid) for pid in self.processes_of(run_id)], [])


class Cancel(ProcessTest):
    @unittest.skipUnless(os.access(STUBBORN, os.X_OK), "the fixture 'stubborn' is not built")
    def test_stubborn_tree(self):
        run_id = self.running_stubborn()
        self.client.post("/runs/%s/cancel" % run_id)
        self.wait_for_run(run_id, "Canceled")
        self.assert_nothing_left(run_id)

    @unittest.skipUnless(os.access(STUBBORN, os.X_OK), "the fixture 'stubborn' is not built")
    def test_stubborn_tree_whose_monitor_was_stopped(self):
        run_id = self.running_stubborn()
        for pid in self.daemon.monitors(run_id):
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda pid=pid: self.state(pid) == "T", "the stop of the monitor")
        self.client.post("/runs/%s/cancel" % run_id)
        self.wait_for_run(run_id, "Canceled")
        self.assert_nothing_left(run_id)

    def test_monitor_that_is_stopped_behind_the_cancel(self):
        """It has passed TERM on, and would neither kill nor record anything."""
        program = "trap 'touch \"$GATES/told\"' TERM\ntouch \"$GATES/ready\"\nwhile :; do sleep 0.05; done"
        run_id = self.submit(max_total_runs=1, run_config=self.gated(program))["run_id"] + "_0"
        wait_until(lambda: os.path.exists(os.path.join(self.gates.folder, "ready")), "the child")
        (monitor,) = self.daemon.monitors(run_id)
        self.client.post("/runs/%s/cancel" % run_id)
        wait_until(lambda: os.path.exists(os.path.join(self.gates.folder, "told")), "the child's TERM")
        os.kill(monitor, signal.SIGSTOP)
        self.wait_for_run(run_id, "Canceled")
        self.assert_nothing_left(run_id)

    @unittest.skipUnless(os.access(STUBBORN, os.X_OK), "the fixture 'stubborn' is not built")
    def test_stubborn_tree_whose_monitor_hangs(self):
        """The daemon ends the tree itself, then the monitor, and the place is free."""
        self.daemon.stop()
        os.mkfifo(os.path.join(self.folder, "never"))
        source = self.source({"monitor": '#!/bin/sh\n"%s" "$@" &\nwait\nread -r line < "%s/never"\n' % (harness.MONITOR, self.folder)})
        self.daemon.start(options=["--monitor", os.path.join(source, "monitor"), "--slots", "1"])
        run_id = self.running_stubborn()
        self.client.post("/runs/%s/cancel" % run_id)
        self.wait_for_run(run_id, "Canceled")
        self.assert_nothing_left(run_id)

    @unittest.skipUnless(os.access(STUBBORN, os.X_OK), "the fixture 'stubborn' is not built")
    def test_stubborn_tree_at_a_stop_of_the_daemon(self):
        """Left running, taken up again, and ended by the other policy."""
        run_id = self.running_stubborn()
        # One process of the tree forks again and again: what it forks ends by itself, and is not in every look.
        before = set.intersection(*(set(self.processes_of(run_id)) for _ in range(6)))
        self.assertGreaterEqual(len(before), 6)
        self.daemon.stop()
        self.assertEqual(before - set(self.processes_of(run_id)), set())
        self.daemon.start(options=["--stop-children", "yes"])
        self.assertEqual(self.run_of(run_id)["status"], "Running")
        self.daemon.stop()
        self.assert_nothing_left(run_id)
        self.daemon.start()
        self.wait_for_run(run_id, "Canceled")

    def test_child_that_ignores_term(self):
        program = "trap '' TERM INT HUP\n" + harness.GATED
        sweep_id, (run_id,) = self.running_sweep(1, run_config=self.gated(program))
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id, "Canceled")
        self.assert_nothing_left(run_id)

    def test_background_children_of_a_program_that_ends(self):
        """What a program leaves behind is swept away when it has ended."""
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": ["/bin/sh", "-c", "setsid sleep 1000 & sleep 1000 & exit 0"]})
        self.assertEqual(sweep["status"], "Completed")
        self.assert_nothing_left(sweep["run_id"] + "_0")

    def test_stopped_child(self):
        sweep_id, (run_id,) = self.running_sweep(1, max_total_runs=1)
        harness.signal_all(self.program(run_id), signal.SIGSTOP)
        self.client.post("/runs/%s/cancel" % run_id)
        self.wait_for_run(run_id, "Canceled")
        self.assert_nothing_left(run_id)
        self.wait_for_sweep(sweep_id)

    def test_cancel_after_a_restart(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.daemon.restart()
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id, "Canceled")
        self.assert_nothing_left(run_id)

    def test_a_stop_that_a_crash_swallowed(self):
        """The cancel is committed, but the daemon died before it could tell the monitor: the next start finds it again."""
        sweep_id, (run_id,) = self.running_sweep(1)
        self.daemon.kill()
        reason = '{"kind":"user","message":"canceled by the user","at_utc":"2025-02-07T06:39:33.034036Z"}'
        database = sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db"))
        with database:
            database.execute("UPDATE run SET status = 6, stop_reason = ? WHERE id = ? AND status = 4", (reason, run_id))
            database.execute("UPDATE sweep SET running = 0, cancel_requested = 1 WHERE id = ? AND running = 1", (sweep_id,))
        database.close()
        self.daemon.start()
        self.assertEqual(self.wait_for_run(run_id, "Canceled")["stop_reason"]["kind"], "user")
        self.assert_nothing_left(run_id)
        self.wait_for_sweep(sweep_id, "Canceled")

    def test_a_crash_right_behind_a_cancel(self):
        program = "trap '' TERM\n" + harness.GATED
        sweep_id, runs = self.running_sweep(2, run_config=self.gated(program))
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.daemon.restart()
        self.assertIn(self.sweep(sweep_id)["status"], ("CancelRequested", "Canceled"))
        self.wait_for_sweep(sweep_id, "Canceled")
        for run_id in runs:
            self.assert_nothing_left(run_id)


class Death(ProcessTest):
    def test_children_end_while_the_daemon_is_dead(self):
        sweep_id, runs = self.running_sweep(4, max_total_runs=5)
        self.report(runs[0], "Accuracy", 0.5)
        self.daemon.kill()
        self.gates.release(runs[0])
        self.gates.release(runs[1], 5)
        harness.signal_all(self.program(runs[2]), signal.SIGKILL)
        for run_id in runs[:3]:
            wait_until(lambda run_id=run_id: not processes_with("HYPERDRIVE_RUN_ID=" + run_id), "the end of " + run_id)
        self.daemon.start()
        self.assertEqual(self.wait_for_run(runs[0], "Completed")["exit_code"], 0)
        failed = self.wait_for_run(runs[1], "Failed")
        self.assertEqual((failed["error"]["code"], failed["exit_code"]), ("NonZeroExit", 5))
        killed = self.wait_for_run(runs[2], "Failed")
        self.assertEqual((killed["error"]["code"], killed["signal"]), ("Signal", 9))
        self.assertEqual(self.wait_for_run(runs[3], "Running")["status"], "Running")
        self.gates.release(runs[3])
        self.gates.release(sweep_id + "_4")
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(sweep["children"], {"total": 5, "Completed": 3, "Failed": 2})
        self.assertEqual(sorted(self.gates.started()), sorted([*runs, sweep_id + "_4"]))
        self.assertEqual(self.client.read("/sweeps/%s/best" % sweep_id)["run"]["run_id"], runs[0])

    def test_all_end_while_the_daemon_is_dead(self):
        sweep_id, runs = self.running_sweep(3)
        self.daemon.kill()
        for run_id in runs:
            self.gates.release(run_id)
        wait_until(lambda: not any(processes_with("HYPERDRIVE_RUN_ID=" + run_id) for run_id in runs), "the end of all children")
        self.daemon.start()
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"], {"total": 3, "Completed": 3})

    def test_many_crashes(self):
        """kill -9 again and again while children come and go: each runs once, and all end."""
        sweep_id = self.submit(max_total_runs=12, max_concurrent_runs=4, run_config={
            "command": ["/bin/sh", "-c", 'echo "$AZUREML_RUN_ID" >> "$GATES/started"'],
            "environment_variables": {"GATES": self.gates.folder}})["run_id"]
        for crash in range(5):
            self.gates.wait_started(min(2 * crash + 1, 12))
            self.daemon.restart()
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(sweep["children"], {"total": 12, "Completed": 12})
        self.assertEqual(sorted(self.gates.started()), sorted("%s_%d" % (sweep_id, number) for number in range(12)))

    def test_monitor_killed(self):
        """Without a monitor and without a record the child is lost, and nothing of it goes on."""
        sweep_id, (run_id,) = self.running_sweep(1)
        monitors = self.daemon.monitors(run_id)
        self.assertEqual(len(monitors), 1, monitors)
        os.kill(monitors[0], signal.SIGKILL)
        run = self.wait_for_run(run_id, "Failed")
        self.assertEqual(run["error"]["code"], "Lost")
        self.assertEqual(processes_with("HYPERDRIVE_RUN_ID=" + run_id), [])
        self.wait_for_sweep(sweep_id, "Failed")

    @unittest.skipUnless(os.access(STUBBORN, os.X_OK), "the fixture 'stubborn' is not built")
    def test_monitor_of_a_stubborn_tree_killed(self):
        """Double forks, sessions of their own, stopped ones, one that has cleared its environment: nothing of it goes on."""
        for daemon_is_dead in (False, True):
            with self.subTest(daemon_is_dead=daemon_is_dead):
                run_id = self.running_stubborn()
                monitors = self.daemon.monitors(run_id)
                if daemon_is_dead:
                    self.daemon.kill()
                for pid in monitors:
                    os.kill(pid, signal.SIGKILL)
                if daemon_is_dead:
                    self.daemon.start()
                self.assertEqual(self.wait_for_run(run_id, "Failed")["error"]["code"], "Lost")
                self.assert_nothing_left(run_id)

    def test_monitor_killed_before_it_has_started_anything(self):
        """As by the kernel for want of memory: another one is started, but not without end."""
        for times, ends in ((1, "Completed"), (100, "Failed")):
            with self.subTest(times=times):
                self.daemon.stop()
                source = self.source({"monitor": '#!/bin/sh\necho >> "$0.calls"\n[ "$(wc -l < "$0.calls")" -gt %d ] || kill -9 $$\nexec "%s" "$@"\n'
                                      % (times, harness.MONITOR)}, name="killed-%d" % times)
                self.daemon.start(options=["--monitor", os.path.join(source, "monitor")])
                run_id = self.submit(max_total_runs=1)["run_id"] + "_0"
                run = self.wait_for_run(run_id, ends)
                if ends == "Failed":
                    self.assertEqual(run["error"]["code"], "StartFailed")
                    self.assertIn("was killed before it started the program", run["error"]["message"])

    def test_process_id_used_again(self):
        """The recorded process id now belongs to somebody else: the child is lost, and the stranger is left alone."""
        sweep_id, (run_id,) = self.running_sweep(1)
        self.daemon.kill()
        self.kill_all(run_id)
        stranger = self.stranger()
        self.change_run(run_id, monitor_pid=stranger.pid)
        self.daemon.start()
        self.assertEqual(self.wait_for_run(run_id, "Failed")["error"]["code"], "Lost")
        self.wait_for_sweep(sweep_id, "Failed")
        self.assertIsNone(stranger.poll(), "a process of somebody else was killed")

    def test_process_id_of_another_boot(self):
        """The same process id and the same start time, but before the machine was started again."""
        sweep_id, (run_id,) = self.running_sweep(1)
        self.daemon.kill()
        self.kill_all(run_id)
        stranger = self.stranger()
        with open("/proc/%d/stat" % stranger.pid, encoding="utf-8") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        self.change_run(run_id, monitor_pid=stranger.pid, monitor_ticks=ticks, boot_id="00000000-0000-4000-8000-000000000000")
        self.daemon.start()
        self.assertEqual(self.wait_for_run(run_id, "Failed")["error"]["code"], "Lost")
        self.wait_for_sweep(sweep_id, "Failed")
        self.assertIsNone(stranger.poll(), "a process of somebody else was killed")

    def test_run_folders_that_are_removed_under_their_children(self):
        """What was trained is gone with them, but not how the child has ended."""
        for above, daemon_is_dead in ((0, False), (2, False), (0, True)):
            with self.subTest(above=above, daemon_is_dead=daemon_is_dead):
                sweep_id, (run_id,) = self.running_sweep(1, max_total_runs=1)
                folder = self.daemon.run_folder(run_id)
                if daemon_is_dead:
                    self.daemon.kill()
                shutil.rmtree(os.path.abspath(os.path.join(folder, *[".."] * above)))
                self.gates.release(run_id, 3)
                if daemon_is_dead:
                    self.daemon.start()
                run = self.wait_for_run(run_id, "Failed")
                self.assertEqual((run["error"]["code"], run["exit_code"]), ("NonZeroExit", 3))
                self.wait_for_sweep(sweep_id)
                self.assert_nothing_left(run_id)

    def test_lost_children_do_not_count_for_the_failure_limit(self):
        sweep_id, runs = self.running_sweep(3, max_total_runs=4, initial_failure_limit=1)
        for run_id in runs:
            harness.signal_all(self.daemon.monitors(run_id), signal.SIGKILL)
        for run_id in runs:
            self.assertEqual(self.wait_for_run(run_id, "Failed")["error"]["code"], "Lost")
        self.gates.release(sweep_id + "_3")
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"], {"total": 4, "Completed": 1, "Failed": 3})


@unittest.skipUnless(has_fault_points(), "built without -Dfault_points=true")
class FaultPoints(ProcessTest):
    autostart = False

    def crash_at(self, point):
        """A sweep of three children whose daemon kills itself at `point`: the sweep's id, with a new daemon running."""
        self.submit_and_die(point, max_total_runs=3, max_concurrent_runs=1, run_config=self.gated())
        self.daemon.start()
        return self.daemon.sweeps()[0]["run_id"]

    def submit_and_die(self, point, **fields):
        self.daemon.start(environment={"HYPERDRIVED_FAULT": point})
        try:
            self.submit(**fields)
        except (ConnectionError, http.client.HTTPException):
            pass  # it died before the answer was on its way
        self.assertEqual(self.daemon.wait(), -signal.SIGKILL)

    def finish(self, sweep_id):
        for number in range(3):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.assertEqual(self.wait_for_sweep(sweep_id, "Completed")["children"], {"total": 3, "Completed": 3})
        self.assertEqual(self.gates.started(), ["%s_%d" % (sweep_id, number) for number in range(3)])

    def test_between_intent_and_spawn(self):
        sweep_id = self.crash_at("after_intent")
        self.finish(sweep_id)

    def test_between_spawn_and_running(self):
        sweep_id = self.crash_at("after_spawn")
        self.finish(sweep_id)

    def test_between_spawn_and_running_and_ended_meanwhile(self):
        self.submit_and_die("after_spawn", max_total_runs=1, run_config={
            "command": ["/bin/sh", "-c", 'echo "$AZUREML_RUN_ID" >> "$GATES/started"; exit 6'],
            "environment_variables": {"GATES": self.gates.folder}})
        (run_id,) = self.gates.wait_started(1)
        wait_until(lambda: not processes_with(self.daemon.state), "the end of the child")
        self.daemon.start()
        run = self.wait_for_run(run_id, "Failed")
        self.assertEqual((run["error"]["code"], run["exit_code"]), ("NonZeroExit", 6))
        self.assertEqual(self.gates.started(), [run_id])

    def test_cancel_between_intent_and_spawn(self):
        sweep_id = self.crash_at("after_intent")
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.wait_for_sweep(sweep_id, "Canceled")
        self.assertLessEqual(len(self.gates.started()), 1)


class CannotStart(ProcessTest):
    def failed_start(self, run_config, count=1):
        sweep = self.finished_sweep(max_total_runs=count, run_config=run_config)
        self.assertEqual((sweep["status"], sweep["status_reason"]["code"]), ("Failed", "all_children_failed"))
        run = self.run_of(sweep["run_id"] + "_0")
        self.assertEqual((run["status"], run["error"]["code"]), ("Failed", "StartFailed"))
        self.assertIsNone(run["exit_code"])
        self.assertIsNone(run["start_utc"])
        return run["error"]["message"]

    def test_program_that_does_not_exist(self):
        message = self.failed_start({"command": ["/nonexistent/train"]})
        self.assertIn("/nonexistent/train", message)
        self.assertIn("No such file", message)
        self.assertIn("no-such-program-here", self.failed_start({"command": ["no-such-program-here"]}))

    def test_interpreter_that_does_not_exist(self):
        source = self.source({"train.py": ""})
        self.assertIn("python9", self.failed_start({"source_directory": source, "script": "train.py", "interpreter": "python9"}))

    def test_script_that_is_not_executable(self):
        source = self.source({"train": "exit 0\n"})
        message = self.failed_start({"source_directory": source, "script": "train", "interpreter": None})
        self.assertIn("Permission denied", message)

    def test_script_that_is_executed_itself(self):
        source = self.source({"train": "#!/bin/sh\nexit 0\n"})
        sweep = self.finished_sweep(run_config={"source_directory": source, "script": "train", "interpreter": None})
        self.assertEqual(sweep["status"], "Completed")

    def test_program_of_another_kind(self):
        source = self.source({"train": "#!/nonexistent/interpreter\n"})
        self.failed_start({"source_directory": source, "script": "train", "interpreter": None})

    def test_failure_limit_of_failed_starts(self):
        sweep = self.finished_sweep(max_total_runs=10, max_concurrent_runs=1, run_config={"command": ["/nonexistent/train"]})
        self.assertEqual((sweep["status"], sweep["status_reason"]["code"]), ("Failed", "initial_failures"))
        self.assertEqual(sweep["children"], {"total": 3, "Failed": 3})

    def test_a_shell_command_that_does_not_exist(self):
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": "no-such-program-here"})
        run = self.run_of(sweep["run_id"] + "_0")
        self.assertEqual((run["error"]["code"], run["exit_code"]), ("NonZeroExit", 127))
        self.assertIn("no-such-program-here", run["error"]["output"])

    def test_script_that_is_missing(self):
        source = self.source({"other.py": ""})
        response = self.client.post("/sweeps", self.specification(max_total_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh"}))
        if response.status == 201:
            self.wait_for_sweep(response.json["run_id"], "Failed")
        else:
            self.assertError(response, 400)
            self.assertIn("train.sh", response.error["message"])

    def test_monitor_that_vanishes_for_a_while(self):
        """As in the middle of an upgrade: not one run after the other is to fail of it."""
        self.daemon.stop()
        monitor = os.path.join(self.folder, "monitor")
        os.symlink(harness.MONITOR, monitor)
        self.daemon.start(options=["--monitor", monitor])
        sweep_id, (run_id,) = self.running_sweep(1, max_total_runs=4, hyperparameter_sampling=self.grid(4))
        os.unlink(monitor)
        self.gates.release(run_id)
        log = "/sweeps/%s/log" % sweep_id
        wait_until(lambda: b"WaitingForProcesses: children wait until the daemon can start processes again: cannot start" in
                   self.client.get(log).body, "a line of the sweep's log")
        self.assertEqual(self.run_of(sweep_id + "_1")["status"], "Preparing")
        self.assertEqual(self.client.post("/runs/%s_1/cancel" % sweep_id).status, 200)
        self.wait_for_run(sweep_id + "_1", "Canceled")
        os.symlink(harness.MONITOR, monitor)
        for number in (2, 3):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.assertEqual(self.wait_for_sweep(sweep_id)["children"], {"total": 4, "Completed": 3, "Canceled": 1})
        self.assertEqual(self.client.get(log).body.count(b"WaitingForProcesses"), 1)

    def test_a_program_that_is_being_written(self):
        """As one that is copied just then: it is executed once nobody writes it any more."""
        source = self.source({"train": "#!/bin/sh\nexit 0\n"})
        train = os.path.join(source, "train")
        shutil.copy("/bin/true", train)
        with open(train, "ab"):
            run_id = self.submit(max_total_runs=1, run_config={
                "source_directory": source, "script": "train", "interpreter": None, "snapshot": False})["run_id"] + "_0"
            log = "/runs/%s/logs/user_logs/std_log.txt" % run_id
            wait_until(lambda: b"Text file busy; trying again" in self.client.get(log).body, "the monitor's line in the log")
            self.assertEqual(self.run_of(run_id)["status"], "Preparing")
        self.wait_for_run(run_id, "Completed")
        with open(train, "ab"):
            self.assertIn("Text file busy", self.failed_start({
                "source_directory": source, "script": "train", "interpreter": None, "snapshot": False}))

    def test_source_directory_that_vanishes(self):
        """In place, there is no snapshot to fall back on."""
        source = self.source({"train.sh": harness.GATED})
        sweep_id = self.submit(max_concurrent_runs=1, run_config={
            "source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "snapshot": False,
            "environment_variables": {"GATES": self.gates.folder}})["run_id"]
        self.gates.environment(sweep_id + "_0")
        os.rename(source, source + "-gone")
        self.gates.release(sweep_id + "_0")
        run = self.wait_for_run(sweep_id + "_1", "Failed")
        self.assertEqual(run["error"]["code"], "StartFailed")
        self.assertIn(source, run["error"]["message"])
        self.wait_for_sweep(sweep_id, "Completed")


if __name__ == "__main__":
    harness.main()
