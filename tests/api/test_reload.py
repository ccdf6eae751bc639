"""SIGHUP: what may change at run time is taken, what needs a restart is named, and a faulty file changes nothing."""

import os
import signal
import socket

import harness
from harness import DaemonTest, wait_until


class Reload(DaemonTest):
    autostart = False

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "hyperdrived.conf")
        self.daemon.options = ["--monitor", harness.MONITOR, "--config", self.path]

    def configure(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, text, **options):
        self.configure(text)
        self.daemon.start(**options)

    def reload(self, text=None):
        """Writes the file, sends SIGHUP, waits for the end of the reload, and returns what was logged meanwhile."""
        if text is not None:
            self.configure(text)
        begin = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.await_notice("RELOADING=1")
        self.daemon.await_notice("READY=1")
        return self.daemon.log()[begin:]

    def statuses(self, sweep_id):
        return [child["status"] for child in self.children(sweep_id)]

    def body_is_refused(self, size):
        response = self.client.request("POST", "/sweeps", raw=b" " * size)
        return response.status == 413

    def test_raised_slots_are_filled_at_once(self):
        self.start("slots = 1\n")
        sweep_id = self.submit(max_total_runs=3, max_concurrent_runs=3, run_config=self.gated())["run_id"]
        self.gates.wait_started(1)
        self.assertIn("taken: slots", self.reload("slots = 3\n"))
        self.gates.wait_started(3)
        for number in range(3):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.wait_for_sweep(sweep_id, "Completed")

    def test_lowered_slots_only_stop_the_refilling(self):
        self.start("slots = 3\n")
        sweep_id = self.submit(max_total_runs=5, max_concurrent_runs=5, run_config=self.gated())["run_id"]
        self.gates.wait_started(3)
        self.assertIn("taken: slots", self.reload("slots = 1\n"))
        for number in range(2):
            self.gates.release("%s_%d" % (sweep_id, number))
            self.wait_for_run("%s_%d" % (sweep_id, number), "Completed")
        self.assertEqual(self.run_of(sweep_id + "_2")["status"], "Running", "what runs goes on")
        self.assertEqual(len(self.gates.started()), 3, "no free slot was filled")
        self.gates.release(sweep_id + "_2")
        self.gates.wait_started(4)
        self.gates.release(sweep_id + "_3")
        self.gates.wait_started(5)
        self.gates.release(sweep_id + "_4")
        self.wait_for_sweep(sweep_id, "Completed")

    def test_a_faulty_file_changes_nothing(self):
        self.start("body_limit = 2 KiB\n")
        for text, complaint in (("body_limit = 4 KiB\nslots = none\n", ":2: 'slots' must be auto or"),
                                ("body_limit = 4 KiB\nbody_limits = 4 KiB\n", ":2: there is no setting 'body_limits'; did you mean 'body_limit'?")):
            said = self.reload(text)
            self.assertIn("the settings stay as they were: " + self.path + complaint, said)
            self.assertTrue(self.body_is_refused(3000))
        os.unlink(self.path)
        self.assertIn("the settings stay as they were: " + self.path, self.reload())
        self.reload("body_limit = 4 KiB\n")
        self.assertFalse(self.body_is_refused(3000), "it goes on after a refusal")

    def test_a_pipe_is_not_read_again(self):
        """As the shell makes it for --config <(...): it would be waited for, even by the stop."""
        self.start("slots = 2\n")
        os.unlink(self.path)
        os.mkfifo(self.path)
        self.assertIn("the settings stay as they were: %s: the configuration file is a pipe, which cannot be read a second time" % self.path,
                      self.reload())
        self.daemon.stop()

    def test_what_needs_a_restart_is_named_and_stays(self):
        self.start("log_level = info\n")
        url = self.daemon.url
        said = self.reload("listen = 127.0.0.1:1\nstate_dir = /nowhere\nconnections = 7\nidle_timeout = 1 s\nmonitor = /bin/false\n"
                           "log_level = debug\n")
        for name in ("connections", "idle_timeout"):
            self.assertRegex(said, "the setting '%s' has changed, but needs a restart" % name)
        for name in ("listen", "state_dir", "monitor"):
            self.assertNotIn("'%s'" % name, said, "an option of the command line stands above the file")
        self.assertIn("taken: log_level", said)
        self.assertEqual(self.client.get("/version").status, 200)
        self.assertEqual(self.daemon.url, url)
        self.finished_sweep()

    def test_every_limit_is_taken(self):
        self.start("body_limit = 2 KiB\nenvironment_keep = PATH\n", environment={"HD_TEST_SEEN": "yes"})
        sweep_id, _ = self.running_sweep()
        self.assertNotIn("HD_TEST_SEEN", self.gates.environment(sweep_id + "_0"))
        self.gates.release(sweep_id + "_0")
        said = self.reload("body_limit = 8 KiB\nenvironment_keep = PATH HD_TEST_*\nheader_timeout = 100 ms\nbody_timeout = 100 ms\n"
                           "stop_grace = 100 ms\nstop_children = yes\nsnapshot_limit = 1 kB\nwrite_queue = 2 MiB\nbig_answers = 2\n"
                           "log_level = debug\nslots = 2\n")
        for name in ("body_limit", "environment_keep", "header_timeout", "body_timeout", "stop_grace", "stop_children", "snapshot_limit",
                     "write_queue", "big_answers", "log_level", "slots"):
            self.assertRegex(said, r"taken: (.*, )?%s(,|\n)" % name)
        self.assertFalse(self.body_is_refused(3000))
        source = self.source({"train.sh": "x" * 2000})
        response = self.client.post("/sweeps", self.specification(run_config={"command": ["/bin/true"], "source_directory": source}))
        self.assertError(response, 400, target="run_config.source_directory")
        self.silent_connection_is_ended()
        sweep_id, _ = self.running_sweep(run_config=self.gated("#!/bin/sh\ntrap '' TERM\n" + harness.GATED))
        self.assertEqual(self.gates.environment(sweep_id + "_0")["HD_TEST_SEEN"], "yes")
        with open(os.path.join(self.daemon.run_folder(sweep_id + "_0"), "launch.json"), encoding="utf-8") as file:
            self.assertEqual(harness.read_json(file.read())["grace_us"], 100000)
        self.daemon.process.terminate()  # stop_children: and the child takes no notice of SIGTERM
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(harness.processes_with(self.daemon.state), [])

    def silent_connection_is_ended(self):
        with socket.create_connection(self.client.address.split(":"), timeout=harness.DEADLINE) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
            self.assertIn(b" 408 ", connection.recv(4096))

    def test_many_signals_end_with_the_last_file(self):
        self.start("slots = 1\n")
        for slots in range(2, 12):
            self.configure("slots = %d\n" % slots)
            self.daemon.process.send_signal(signal.SIGHUP)
        sweep_id = self.submit(max_total_runs=11, max_concurrent_runs=11, run_config=self.gated())["run_id"]
        self.gates.wait_started(11)
        for number in range(11):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.wait_for_sweep(sweep_id, "Completed")

    def test_the_service_manager_is_told_when(self):
        self.start("")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.notify.settimeout(harness.DEADLINE)
        while True:
            lines = self.daemon.notify.recv(4096).decode().splitlines()
            if "RELOADING=1" in lines:
                break
        stamp = [line for line in lines if line.startswith("MONOTONIC_USEC=")]
        self.assertEqual(len(stamp), 1, lines)
        self.assertGreater(int(stamp[0].partition("=")[2]), 0)
        self.daemon.await_notice("READY=1")

    def test_a_stop_in_the_middle(self):
        self.start("")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.stop()
        wait_until(lambda: "stopping" in self.daemon.log(), "the stop in the log")


if __name__ == "__main__":
    harness.main()
