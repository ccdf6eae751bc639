"""A submission whose answer was lost is sent again, and makes no second sweep."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse

import harness
from harness import DaemonTest, wait_until


class CuttingProxy:
    """Hands requests on to the daemon, and closes the connection instead of the first answer to a POST."""

    def __init__(self, target):
        self.target = urllib.parse.urlsplit(target).netloc
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.cut = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                while self._one(connection, lines):
                    pass

    def _one(self, connection, lines):
        words = lines.readline().split()
        if len(words) != 3:
            return False
        headers = http.client.parse_headers(lines)
        body = lines.read(int(headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection(self.target, timeout=harness.DEADLINE)
        del headers["Host"]
        upstream.request(words[0].decode(), words[1].decode(), body=body or None, headers=dict(headers))
        answer = upstream.getresponse()
        text = answer.read()
        upstream.close()
        if words[0] == b"POST" and self.cut == 0:
            self.cut += 1
            return False
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (answer.status, len(text)) + text)
        return True

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(harness.DEADLINE)


class Submission(DaemonTest):
    def send(self, key, client=None, **fields):
        return (client or self.client).post("/sweeps", self.specification(**fields), headers={"Idempotency-Key": key})

    def count(self):
        return len(self.client.read("/sweeps")["sweeps"])

    def test_sent_again_it_is_the_same_sweep(self):
        first = self.send("a")
        self.assertEqual(first.status, 201)
        sweep_id = first.json["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")
        again = self.send("a")
        self.assertEqual((again.status, again.json["run_id"], again.json["status"]), (200, sweep_id, "Completed"))
        self.daemon.kill()
        self.daemon.start()
        again = self.send("a", client=self.client)
        self.assertEqual((again.status, again.json["run_id"]), (200, sweep_id))
        self.assertEqual(self.count(), 1)

    def test_another_key_and_no_key_are_other_sweeps(self):
        ids = {self.send(key).json["run_id"] for key in ("a", "b")} | {self.submit()["run_id"] for _ in range(2)}
        self.assertEqual(len(ids), 4)

    def test_a_key_belongs_to_one_submission(self):
        sweep_id = self.send("a").json["run_id"]
        self.assertError(self.send("a", max_total_runs=3), 409,
                         "this Idempotency-Key belongs to another submission, which became %s; a new one needs a new key" % sweep_id)
        self.assertEqual(self.count(), 1)

    def test_what_was_refused_leaves_its_key_free(self):
        self.assertError(self.send("a", max_total_runs=0), 400)
        self.assertEqual(self.send("a").status, 201)

    def test_a_key_is_visible_text(self):
        for key in ("", "with space", "x" * 129, "gr\xfcn"):
            with self.subTest(key=key):
                self.assertError(self.send(key), 400, "'Idempotency-Key' must be 1 to 128 visible ASCII characters, such as a UUID",
                                 target="Idempotency-Key")
        self.assertEqual(self.send("~" * 128).status, 201)

    def test_its_files_may_be_gone_when_it_is_sent_again(self):
        source = self.source({"train.py": "pass\n"})
        run_config = {"source_directory": source, "script": "train.py"}
        first = self.send("a", run_config=run_config)
        self.assertEqual(first.status, 201)
        shutil.rmtree(source)
        again = self.send("a", run_config=run_config)
        self.assertEqual((again.status, again.json["run_id"]), (200, first.json["run_id"]))

    def test_many_at_once_are_one(self):
        run_config = {"source_directory": self.source({"train.py": "pass\n"}), "script": "train.py"}
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.send("a", run_config=run_config))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answer.status for answer in answers), 15 * [200] + [201])
        sweep_id = answers[0].json["run_id"]
        self.assertEqual({answer.json["run_id"] for answer in answers}, {sweep_id})
        self.assertEqual(self.count(), 1)
        snapshots = os.path.join(self.daemon.state, "snapshots")
        wait_until(lambda: os.listdir(snapshots) == [sweep_id], "the other snapshots to be gone")

    def test_a_deleted_sweep_leaves_its_key_free(self):
        sweep_id = self.send("a").json["run_id"]
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
        again = self.send("a")
        self.assertEqual(again.status, 201)
        self.assertNotEqual(again.json["run_id"], sweep_id)


class Stop(DaemonTest):
    """The daemon stops, and answers that it does, before the sweep is stored."""

    autostart = False

    def sockets(self):
        """How many the daemon has."""
        folder, count = "/proc/%d/fd" % self.daemon.process.pid, 0
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                count += os.readlink(os.path.join(folder, name)).startswith("socket:")
        return count

    def start_and_stop(self, ask):
        """Calls `ask` on a thread, and stops the daemon while that waits for the disk; returns the thread when the disk goes on."""
        control = os.path.join(self.folder, "control")
        self.daemon.start(environment={"HYPERDRIVED_STORAGE_FAULTS": control})
        with open(control, "w", encoding="utf-8") as file:
            file.write("write slow 60000\n")
        before = self.sockets()
        first = threading.Thread(target=lambda: self.client.post("/sweeps", self.specification()))
        first.start()
        asking = threading.Thread(target=ask)
        asking.start()
        wait_until(lambda: self.sockets() == before + 2, "two connections")
        self.assertEqual(self.client.get("//readyz").status, 200)  # so both requests were read
        self.daemon.process.send_signal(signal.SIGTERM)
        first.join()
        os.unlink(control)
        self.assertEqual(self.daemon.wait(), 0)
        return asking

    def test_what_waits_for_the_disk_keeps_its_key(self):
        answers = []
        self.start_and_stop(lambda: answers.append(
            self.client.post("/sweeps", self.specification(), headers={"Idempotency-Key": "a"}))).join()
        self.assertEqual(answers[0].status, 503)
        self.daemon.start()
        again = self.client.post("/sweeps", self.specification(), headers={"Idempotency-Key": "a"})
        self.assertEqual(again.status, 200)
        self.assertEqual(len(self.daemon.sweeps()), 2)

    def test_the_command_asks_the_next_daemon(self):
        path = os.path.join(self.folder, "sweep.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.specification(), file)
        done = []
        asking = self.start_and_stop(lambda: done.append(subprocess.run(
            [harness.COMMAND, "submit", path], capture_output=True, text=True, check=False, timeout=harness.DEADLINE,
            env=dict(os.environ, HYPERDRIVE_URL=self.client.url, HYPERDRIVE_TOKEN=self.client.token))))
        self.daemon.start()
        asking.join()
        self.assertEqual(done[0].returncode, 0, done[0].stderr)
        self.assertIn(done[0].stdout.strip(), [sweep["run_id"] for sweep in self.daemon.sweeps()])
        self.assertEqual(len(self.daemon.sweeps()), 2)


class Command(DaemonTest):
    def setUp(self):
        super().setUp()
        self.proxy = CuttingProxy(self.daemon.url)
        self.addCleanup(self.proxy.close)

    def command(self, *arguments):
        done = subprocess.run([harness.COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=harness.DEADLINE,
                              env=dict(os.environ, HYPERDRIVE_URL=self.proxy.url, HYPERDRIVE_TOKEN=self.client.token))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def sweeps(self):
        return [sweep["run_id"] for sweep in self.client.read("/sweeps")["sweeps"]]

    def test_submit_is_sent_again_when_its_answer_is_lost(self):
        path = os.path.join(self.source({"sweep.json": json.dumps(self.specification())}), "sweep.json")
        self.assertEqual([self.command("submit", path)], self.sweeps())
        self.assertEqual(self.proxy.cut, 1)

    def test_retry_is_too(self):
        failed = self.finished_sweep(run_config={"command": ["/bin/false"]})["run_id"]
        new = self.command("retry", failed)
        self.assertEqual(self.sweeps(), [new, failed])
        self.assertEqual(self.proxy.cut, 1)


if __name__ == "__main__":
    harness.main()
