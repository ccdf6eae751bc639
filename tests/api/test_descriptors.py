"""Descriptors run out in the daemon: who is connected is served, who is not waits, nothing spins, and all goes on when there are some again."""

import os
import resource
import socket
import time

import harness
from harness import DaemonTest, wait_until

QUESTION = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ABOVE = 20  # descriptors that connections may use up


class Descriptors(DaemonTest):
    def limit(self, count):
        _, most = resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NOFILE, (count, most))

    def descriptors(self):
        return sorted(int(name) for name in os.listdir("/proc/%d/fd" % self.daemon.process.pid))

    def processor_seconds(self):
        with open("/proc/%d/stat" % self.daemon.process.pid, encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def connect(self):
        connection = socket.create_connection((self.client.address.split(":")[0], int(self.client.address.split(":")[1])))
        self.addCleanup(connection.close)
        connection.sendall(QUESTION)
        return connection

    def answer(self, connection, seconds):
        """The first bytes of an answer; None when none comes."""
        connection.settimeout(seconds)
        try:
            return connection.recv(65536)
        except socket.timeout:
            return None

    def test_all_goes_on_when_there_are_some_again(self):
        sweep_id, runs = self.running_sweep(1, max_total_runs=3, max_concurrent_runs=1,
                                            hyperparameter_sampling=self.grid(3))
        stays = self.connect()
        self.assertIn(b"200 OK", self.answer(stays, harness.DEADLINE))
        self.limit(self.descriptors()[-1] + 1 + ABOVE)
        connections = [self.connect() for _ in range(ABOVE + 300)]
        wait_until(lambda: "new connections wait: Too many open files" in self.daemon.log(), "the lack of descriptors")
        last = connections.pop()
        self.assertIsNone(self.answer(last, 0.5))
        spent = self.processor_seconds()
        time.sleep(1)  # not for anything to happen: for what the processor does meanwhile
        self.assertLess(self.processor_seconds() - spent, 0.3)
        stays.sendall(QUESTION)  # who is connected is served
        self.assertIn(b"200 OK", self.answer(stays, harness.DEADLINE))
        self.gates.release(runs[0])  # and the next child waits as well
        self.limit(4096)
        self.assertIn(b"200 OK", self.answer(last, harness.DEADLINE))
        for number in (1, 2):
            self.gates.release("%s_%d" % (sweep_id, number))
        self.assertEqual(self.wait_for_sweep(sweep_id)["children"]["Completed"], 3)
        for connection in connections:
            self.assertIn(b"200 OK", self.answer(connection, harness.DEADLINE))

    def test_connections_that_end_make_room(self):
        stays = self.connect()
        self.assertIn(b"200 OK", self.answer(stays, harness.DEADLINE))
        self.limit(self.descriptors()[-1] + 1 + ABOVE)
        connections = [self.connect() for _ in range(ABOVE + 300)]
        wait_until(lambda: "new connections wait: Too many open files" in self.daemon.log(), "the lack of descriptors")
        last = connections.pop()
        for connection in connections:
            connection.close()
        self.assertIn(b"200 OK", self.answer(last, harness.DEADLINE))
        last.close()
        self.assertEqual(self.finished_sweep(max_total_runs=2, run_config={"command": ["/bin/true"]})["children"]["Completed"], 2)


if __name__ == "__main__":
    harness.main()
