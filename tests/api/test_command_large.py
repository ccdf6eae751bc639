"""The `hyperdrive` command with 100,000 children, over connections that stall, and on terminals: what it shows comes while it arrives, in
little memory; colours are for terminals only."""

import os
import pty
import re
import resource
import select
import socket
import subprocess
import threading

import harness
from harness import DaemonTest, SharedDaemonTest, clean_environment, wait_until

CHILDREN = 100000
PRESET = os.path.join(harness.BUILD, "tests", "bench", "preset")
# What the command may allocate: enough for itself, and not for an answer of this size. A sanitizer takes more for itself.
MEMORY = 24 << 20


def has_sanitizer():
    with open(harness.COMMAND, "rb") as file:
        return b"__asan_init" in file.read()


def limit_memory():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


SANITIZED = has_sanitizer()


class Gate:
    """A proxy to the daemon that holds back what goes beyond `limit` bytes of all answers until it is opened."""

    def __init__(self, address, limit):
        self.address = address.rpartition(":")
        self.left = limit
        self.opened = threading.Event()
        self.held = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = socket.create_connection((self.address[0], int(self.address[2])))
            for source, target, counted in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, target, counted), daemon=True).start()

    def _pump(self, source, target, counted):
        try:
            while True:
                data = source.recv(16384)
                if not data:
                    break
                if counted:
                    self.left -= len(data)
                    if self.left < 0:
                        self.held.set()
                        self.opened.wait(harness.DEADLINE)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.opened.set()
        self.socket.close()


class Large(SharedDaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared.stop()
        subprocess.run([PRESET, os.path.join(cls.shared.state, "hyperdrive.db"), "HD_large", "distinct", str(CHILDREN)], check=True)
        cls.shared.preset = True
        cls.shared.start()

    def start(self, *arguments, url=None):
        return subprocess.Popen([harness.COMMAND, "--url", url or self.daemon.url, *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit_memory,
                                env={**clean_environment(), "HYPERDRIVE_TOKEN": self.daemon.token})

    def test_memory(self):
        for arguments, lines in ((("children", "HD_large"), 22), (("children", "--top", "0", "HD_large"), CHILDREN + 1),
                                 (("children", "--json", "HD_large"), 1), (("hyperparameters", "HD_large"), CHILDREN + 1),
                                 (("hyperparameters", "--json", "HD_large"), 1), (("show", "HD_large"), None),
                                 (("watch", "HD_large"), None)):
            with self.subTest(arguments):
                process = self.start(*arguments)
                out, said = process.communicate(timeout=harness.DEADLINE)
                self.assertEqual((process.returncode, said), (0, b""))
                if lines is not None:
                    self.assertEqual(out.count(b"\n"), lines)

    def test_rows_are_shown_while_the_rest_is_on_its_way(self):
        for arguments in (("children", "--top", "0", "HD_large"), ("hyperparameters", "HD_large")):
            with self.subTest(arguments):
                gate = Gate(self.client.address, 1 << 20)
                process = self.start(*arguments, url=gate.url)
                try:
                    first = process.stdout.readline()
                    self.assertTrue(first.startswith(b"RUN"), first)
                    self.assertTrue(process.stdout.readline().startswith(b"HD_large_"))
                    self.assertTrue(gate.held.wait(harness.DEADLINE))
                    self.assertIsNone(process.poll(), "there is more to come")
                    gate.opened.set()
                    self.assertEqual(sum(1 for _ in process.stdout), CHILDREN - 1)
                    self.assertEqual(process.wait(harness.DEADLINE), 0)
                finally:
                    gate.close()
                    process.kill()
                    process.wait()
                    process.stdout.close()
                    process.stderr.close()

    def test_who_reads_no_more_ends_it(self):
        """As `| head` does: it neither goes on nor complains."""
        process = self.start("children", "--top", "0", "HD_large")
        self.assertTrue(process.stdout.readline())
        process.stdout.close()
        process.wait(harness.DEADLINE)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()


class Metrics(DaemonTest):
    POINTS = 10000  # of a batch

    def test_a_long_series_is_not_held_in_memory(self):
        sweep_id, runs = self.running_sweep()
        client = self.client
        for batch in range(20):
            points = [{"name": "Accuracy", "value": 0.25 + (batch * self.POINTS + i) / 1e6, "step": i} for i in range(self.POINTS)]
            self.assertEqual(client.post("/runs/%s/metrics" % runs[0], {"metrics": points}).status, 200)
        self.report(runs[0], "note", "fine")
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id)
        for arguments in (["metrics", runs[0]], ["metrics", sweep_id]):
            done = subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, *arguments], capture_output=True, text=True,
                                  timeout=harness.DEADLINE, check=False, env=clean_environment(), preexec_fn=limit_memory)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"(?m)^.*Accuracy +200000 +0\.449999 +0\.25 +0\.449999$")
            self.assertRegex(done.stdout, r"(?m)^.*note +1 +fine +- +-$")


class Colours(DaemonTest):
    def printed(self, terminal, *arguments, **environment):
        """What the command prints on a terminal, or into a pipe."""
        try:
            master, slave = pty.openpty() if terminal else os.pipe()
        except OSError as error:
            self.skipTest("no pseudo-terminal is to be had here: %s" % error)
        process = subprocess.Popen([harness.COMMAND, "--state-dir", self.daemon.state, *arguments], stdin=subprocess.DEVNULL, stdout=slave,
                                   env={**clean_environment(), "TERM": "xterm", **environment})
        os.close(slave)
        text = b""
        while select.select([master], [], [], harness.DEADLINE)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:  # a terminal whose other side is closed
                break
            if not data:
                break
            text += data
        os.close(master)
        process.wait(harness.DEADLINE)
        return text.decode()

    def test_colours_are_for_terminals(self):
        sweep_id = self.finished_sweep()["run_id"]
        wait_until(lambda: self.sweep(sweep_id)["status"] == "Completed", "the end")
        for arguments in (["list"], ["children", sweep_id], ["show", sweep_id], ["doctor", "--min-free", "0"]):
            with self.subTest(arguments):
                colours = self.printed(True, *arguments, NO_COLOR="")
                self.assertIn("\033[", colours)
                for terminal, environment in ((False, {}), (True, {"NO_COLOR": "1"}), (True, {"TERM": "dumb"})):
                    plain = self.printed(terminal, *arguments, **environment)
                    self.assertNotIn("\033", plain)
                    if terminal and arguments != ["doctor", "--min-free", "0"]:  # its free space may change meanwhile
                        self.assertEqual(plain, re.sub("\033\\[[0-9;]*m", "", colours))


if __name__ == "__main__":
    harness.main()
