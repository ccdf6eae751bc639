"""Logs that are read while they grow: those of children, and those of sweeps."""

import contextlib
import os
import re

import harness
from harness import DaemonTest, wait_until
from streams import Stream

LOG = "user_logs/std_log.txt"
# Says each line that comes through its gate, until one says `end` or `fail`.
TALKING = """
[ -p "$GATES/$AZUREML_RUN_ID" ] || mkfifo "$GATES/$AZUREML_RUN_ID"
exec 3<> "$GATES/$AZUREML_RUN_ID"
echo begun
while read -r line <&3; do
  [ "$line" = end ] && exit 0
  [ "$line" = fail ] && exit 3
  printf '%s\\n' "$line"
done
"""


class Follow(DaemonTest):
    def talking(self, **config):
        """A sweep with one child that says what it is told: (sweep id, run id)."""
        sweep_id = self.submit(max_total_runs=1, run_config={**self.gated(TALKING), **config})["run_id"]
        run_id = sweep_id + "_0"
        self.wait_for_run(run_id, "Running")
        path = "/runs/%s/logs/%s" % (run_id, LOG)
        wait_until(lambda: self.client.get(path).body == b"begun\n", "the child to begin")
        return sweep_id, run_id

    def tell(self, run_id, *lines):
        with open(os.path.join(self.gates.folder, run_id), "w", encoding="utf-8") as gate:
            gate.write("".join(line + "\n" for line in lines))

    def follow(self, run_id, name=LOG, client=None, **headers):
        return Stream(client or self.client, "/runs/%s/logs/%s" % (run_id, name), headers, follow="true")

    def write(self, run_id, name, text, mode="a"):
        path = os.path.join(self.daemon.run_folder(run_id), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode, encoding="utf-8") as file:
            file.write(text)

    def test_as_it_grows(self):
        _, run_id = self.talking()
        with self.follow(run_id) as stream, self.follow(run_id) as second:
            self.assertEqual((stream.status, stream.headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
            self.assertEqual(stream.read_until("\n"), "begun\n")
            for word in ("one", "two"):
                self.tell(run_id, word)
                self.assertEqual(stream.read_until("\n"), word + "\n")
            self.tell(run_id, "three", "end")
            self.assertEqual(stream.rest(), "three\n")
            self.assertEqual(second.rest(), "begun\none\ntwo\nthree\n")
        self.assertEqual(self.run_of(run_id)["status"], "Completed")

    def test_one_run_does_not_take_all_streams(self):
        _, run_id = self.talking()
        with open(os.path.join(self.daemon.run_folder(run_id), "launch.json"), encoding="utf-8") as file:
            token = re.search(r"HYPERDRIVE_TOKEN=([^\"]+)", file.read()).group(1)
        client = harness.Client(self.daemon.url, token)
        with contextlib.ExitStack() as open_ones:
            for _ in range(16):
                self.assertEqual(open_ones.enter_context(self.follow(run_id, client=client)).status, 200)
            path = "/runs/%s/logs/%s" % (run_id, LOG)
            self.assertError(client.get(path, follow="true"), 503,
                             "16 streams are open with the run's token already; try again when one of them has ended")
            self.assertEqual(open_ones.enter_context(self.follow(run_id)).status, 200)
            self.tell(run_id, "end")
            self.wait_for_run(run_id)

    def test_much_of_it(self):
        _, run_id = self.talking()
        lines = ["%06d" % number * 10 for number in range(20000)]
        with self.follow(run_id) as stream:
            for first in range(0, len(lines), 500):
                self.tell(run_id, *lines[first:first + 500])
            self.tell(run_id, "end")
            self.assertEqual(stream.rest(), "begun\n" + "".join(line + "\n" for line in lines))

    def test_from_an_offset(self):
        _, run_id = self.talking()
        for field, begin, text in (("bytes=2-", 2, "gun\n"), ("bytes=-3", 3, "un\n"), ("bytes=-99", 0, "begun\n"), ("bytes=0-", 0, "begun\n")):
            with self.subTest(field), self.follow(run_id, Range=field) as stream:
                self.assertEqual((stream.status, stream.headers["Content-Range"]), (206, "bytes %d-9007199254740991/*" % begin))
                self.assertEqual(stream.read_until("\n"), text)
        # At the end there is nothing yet; behind it there is a fault. A range with an end is none that could be followed.
        with self.follow(run_id, Range="bytes=7-") as stream:
            self.assertEqual((stream.status, stream.headers["Content-Range"]), (416, "bytes */6"))
        with self.follow(run_id, Range="bytes=0-2") as stream:
            self.assertEqual((stream.status, stream.read_until("\n")), (200, "begun\n"))
        with self.follow(run_id, Range="bytes=6-") as stream:
            self.assertEqual(stream.status, 206)
            self.tell(run_id, "more", "end")
            self.assertEqual(stream.rest(), "more\n")

    def test_ended(self):
        _, run_id = self.talking()
        self.tell(run_id, "last", "end")
        self.wait_for_run(run_id, "Completed")
        with self.follow(run_id) as stream:
            self.assertEqual((stream.status, stream.rest()), (200, "begun\nlast\n"))
        with self.follow(run_id, "logs/nothing.txt") as stream:
            self.assertEqual(stream.status, 404)
        with self.follow(run_id, "logs/../launch.json") as stream:
            self.assertEqual(stream.status, 404)

    def test_not_there_yet(self):
        _, run_id = self.talking()
        with self.follow(run_id, "logs/mine.txt") as stream, self.follow(run_id, "logs/never.txt") as never:
            self.assertEqual((stream.status, never.status), (200, 200))
            self.write(run_id, "logs/mine.txt", "here\n")
            self.assertEqual(stream.read_until("\n"), "here\n")
            self.write(run_id, "logs/mine.txt", "more\n")
            self.tell(run_id, "end")
            self.assertEqual((stream.rest(), never.rest()), ("more\n", ""))

    def test_shorter(self):
        _, run_id = self.talking()
        self.write(run_id, "logs/mine.txt", "long line\n")
        with self.follow(run_id, "logs/mine.txt") as stream:
            self.assertEqual(stream.read_until("\n"), "long line\n")
            self.write(run_id, "logs/mine.txt", "anew\n", mode="w")
            self.assertEqual(stream.read_until("\n"), "anew\n")
            self.write(run_id, "logs/mine.txt", "goes on\n")
            self.tell(run_id, "end")
            self.assertEqual(stream.rest(), "goes on\n")

    def test_over_attempts(self):
        _, run_id = self.talking(max_retries=1, retry_on=[{"exit_code": [3]}])
        with self.follow(run_id) as stream:
            self.assertEqual(stream.read_until("\n"), "begun\n")
            self.tell(run_id, "fail")
            self.assertIn("2", stream.read_until("begun\n"))  # the line that tells the attempts apart
            self.tell(run_id, "once more", "end")
            self.assertEqual(stream.rest(), "once more\n")
        self.assertEqual(self.client.get("/runs/%s/logs/%s" % (run_id, LOG)).body.count(b"begun"), 2)

    def test_by_the_child_itself(self):
        sweep_id, runs = self.running_sweep(2, run_config=self.gated("echo mine\n" + harness.GATED))
        child = self.child_client(runs[0])
        with self.follow(runs[0], client=child) as stream:
            self.assertEqual(stream.read_until("\n"), "mine\n")
            self.assertError(child.get("/runs/%s/logs/%s" % (runs[1], LOG), follow="true"), 403)
            self.gates.release(runs[0])
            self.assertEqual(stream.rest(), "")
        self.assertEqual(self.sweep(sweep_id)["status"], "Running")

    def test_log_of_a_sweep(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        with Stream(self.client, "/sweeps/%s/log" % sweep_id, follow="true") as stream:
            begin = stream.read_until("%s is Running\n" % run_id)
            self.gates.release(run_id)
            whole = begin + stream.rest()
        self.assertEqual(whole, self.client.get("/sweeps/%s/log" % sweep_id).body.decode())
        self.assertIn("sweep %s is Completed" % sweep_id, whole.splitlines()[-1])
        with Stream(self.client, "/sweeps/%s/log" % sweep_id, follow="true") as stream:
            self.assertEqual(stream.rest(), whole)

    def test_bad_questions(self):
        sweep_id, run_id = self.talking()
        for path in ("/sweeps/%s/log" % sweep_id, "/runs/%s/logs/%s" % (run_id, LOG)):
            self.assertError(self.client.get(path, follow="perhaps"), 400)
            self.assertError(self.client.get(path, follow=""), 400)
            self.assertError(self.client.get(path, from_="0"), 400)
        self.assertError(self.client.get("/runs/nowhere/logs/x", follow="true"), 404)


class Queue(DaemonTest):
    daemon_options = {"slots": 1}

    def test_not_started_yet(self):
        sweep_id = self.submit(max_total_runs=2, max_concurrent_runs=2,
                               run_config=self.gated("echo $AZUREML_RUN_ID\n" + harness.GATED))["run_id"]
        first, second = (sweep_id + "_0", sweep_id + "_1")
        self.wait_for_run(first, "Running")
        self.assertEqual(self.run_of(second)["status"], "Queued")
        with Stream(self.client, "/runs/%s/logs/%s" % (second, LOG), follow="true") as stream:
            self.assertEqual(stream.status, 200)
            self.gates.release(first)
            self.assertEqual(stream.read_until("\n"), second + "\n")
            self.gates.release(second)
            self.assertEqual(stream.rest(), "")


if __name__ == "__main__":
    harness.main()
