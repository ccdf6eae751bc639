"""A child that prints without end: the beginning of its log goes, also while no daemon is there; what is left has its offsets."""

import http.client
import os
import re
import subprocess

import harness
from harness import DaemonTest, wait_until
from streams import Stream

LIMIT = 64 * 1024
LINES = 40000
LINE = "line %07d of many\n"

# Prints lines, then waits at its gate; and once more.
CHATTY = r"""#!/bin/sh
say() { awk -v first="$1" -v last="$2" 'BEGIN { for (i = first; i < last; i++) printf "line %07d of many\n", i }'; }
say 0 40000
echo "$AZUREML_RUN_ID" >> "$GATES/started"
mkfifo "$GATES/$AZUREML_RUN_ID"
read -r code < "$GATES/$AZUREML_RUN_ID"
say 40000 80000
mkfifo "$GATES/again"
read -r code < "$GATES/again"
exit "$code"
"""

class LogLimit(DaemonTest):
    autostart = False

    def setUp(self):
        super().setUp()
        self.daemon.options += ["--log-limit", "64 KiB"]
        self.daemon.start()

    def allocated(self, run_id):
        return os.stat(os.path.join(self.daemon.run_folder(run_id), "user_logs", "std_log.txt")).st_blocks * 512

    def can_make_holes(self):
        path = os.path.join(self.folder, "holes")
        with open(path, "wb") as file:
            file.write(b"x" * 65536)
        done = subprocess.run(["fallocate", "--punch-hole", "--offset", "0", "--length", "32768", path], check=False).returncode == 0
        return done and os.stat(path).st_blocks * 512 <= 32768

    def get(self, run_id, piece=None, **query):
        return self.client.request("GET", "/runs/%s/logs/user_logs/std_log.txt" % run_id, headers={"Range": piece} if piece else {}, query=query)

    def log_of(self, run_id):
        (log,) = self.client.read("/runs/%s/logs" % run_id)["logs"]
        return log

    def test_a_chatty_child(self):
        if not self.can_make_holes():
            self.skipTest("the file system of %s makes no holes" % self.folder)
        run_id = self.submit(max_total_runs=1, run_config=self.gated(CHATTY))["run_id"] + "_0"
        self.gates.wait_started(1)
        wait_until(lambda: self.allocated(run_id) <= LIMIT, "a shorter log")
        written = "".join(LINE % number for number in range(LINES)).encode()
        log = self.log_of(run_id)
        kept_from = log["kept_from"]
        self.assertEqual((log["name"], log["size"]), ("user_logs/std_log.txt", len(written)))
        self.assertTrue(len(written) - LIMIT <= kept_from < len(written), log)

        answer = self.get(run_id)
        self.assertEqual((answer.status, answer.body), (200, written[kept_from:]))
        answer = self.get(run_id, "bytes=%d-%d" % (kept_from + 10, kept_from + 29))
        self.assertEqual((answer.status, answer.body), (206, written[kept_from + 10:kept_from + 30]))
        answer = self.get(run_id, "bytes=%d-%d" % (kept_from - 100, kept_from + 29))
        self.assertEqual((answer.status, answer.body), (206, written[kept_from:kept_from + 30]))
        self.assertEqual(answer.headers["Content-Range"], "bytes %d-%d/%d" % (kept_from, kept_from + 29, len(written)))
        answer = self.get(run_id, "bytes=0-99")
        self.assertError(answer, 416, "the log has %d bytes, of which the first %d are not kept (setting 'log_limit')" % (len(written), kept_from))
        self.assertEqual(self.get(run_id, "bytes=-50").body, written[-50:])

        self.daemon.kill()  # the monitor goes on
        self.gates.release(run_id)
        again = os.path.join(self.gates.folder, "again")
        wait_until(lambda: os.path.exists(again), "the end of more lines")
        wait_until(lambda: self.allocated(run_id) <= LIMIT, "a shorter log")
        self.daemon.start()
        written += "".join(LINE % number for number in range(LINES, 2 * LINES)).encode()
        self.assertGreater(self.log_of(run_id)["kept_from"], kept_from)
        self.gates.release("again")
        self.wait_for_run(run_id, "Completed")

        kept_from = self.log_of(run_id)["kept_from"]
        for follow in ({}, {"follow": "true"}):
            answer = self.get(run_id, **follow)
            self.assertEqual((answer.status, answer.body), (200, written[kept_from:]))
        for options in ([], ["--follow"]):
            said = subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, "logs", *options, run_id], capture_output=True,
                                  timeout=harness.DEADLINE, check=False)
            self.assertEqual((said.returncode, said.stdout), (0, written[kept_from:]))
            self.assertEqual(said.stderr.decode(), "hyperdrive: the first %d bytes of the log are not kept\n" % kept_from)

    def test_who_follows_too_slowly_is_told_what_is_gone(self):
        """The beginning goes while somebody reads it: what he gets has no gap that is not told, neither over HTTP nor by the command."""
        if not self.can_make_holes():
            self.skipTest("the file system of %s makes no holes" % self.folder)
        lines = 1500000  # more than lies in pipes and sockets
        run_id = self.submit(max_total_runs=1, run_config=self.gated(CHATTY.replace("80000", str(lines))))["run_id"] + "_0"
        self.gates.wait_started(1)
        wait_until(lambda: self.allocated(run_id) <= LIMIT, "a shorter log")
        command = subprocess.Popen([harness.COMMAND, "--state-dir", self.daemon.state, "logs", "-f", run_id], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(command.stdout.close)
        self.addCleanup(command.stderr.close)
        self.addCleanup(command.kill)
        begin = int(re.search(rb"first (\d+) bytes", command.stderr.readline())[1])
        first = command.stdout.readline()
        with Stream(self.client, "/runs/%s/logs/user_logs/std_log.txt" % run_id, follow="true") as stream:
            stream.answer.readline()
            self.gates.release(run_id)
            wait_until(lambda: os.path.exists(os.path.join(self.gates.folder, "again")), "the end of more lines")
            wait_until(lambda: self.allocated(run_id) <= LIMIT, "a shorter log")
            written = "".join(LINE % number for number in range(lines)).encode()
            with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                while stream.answer.read(1 << 20):
                    pass

        self.gates.release("again")
        out = first + command.stdout.read()
        said = command.stderr.read()
        self.assertEqual(command.wait(harness.DEADLINE), 0)
        gap = re.search(rb"hyperdrive: (\d+) bytes of the log are not kept\n", said)
        self.assertIsNotNone(gap, said)
        self.assertNotIn(b"trying again", said)
        kept_from = self.log_of(run_id)["kept_from"]
        rest = out.rfind(written[kept_from:])
        self.assertEqual(out[:rest], written[begin:begin + rest])
        self.assertEqual(begin + rest + int(gap[1]), kept_from)

    def test_a_log_below_the_limit_is_whole(self):
        run_id = self.submit(max_total_runs=1, run_config={"command": ["/bin/echo", "hello"]})["run_id"] + "_0"
        self.wait_for_run(run_id, "Completed")
        self.assertSame(self.log_of(run_id), {"name": "user_logs/std_log.txt", "size": 6, "kept_from": 0})
        self.assertEqual(self.get(run_id).body, b"hello\n")


if __name__ == "__main__":
    harness.main()
