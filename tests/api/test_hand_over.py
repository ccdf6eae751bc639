"""The listening socket outlives the daemon: handed over as systemd does it for a socket unit, or kept as systemd does it for a service.

The test is the service manager. Whoever connects while no daemon is there waits, and is served by the next one.
"""

import http.client
import os
import socket
import sys
import threading
import unittest
import urllib.parse

import harness
from harness import DaemonTest, clean_environment

KEPT = "hyperdrived-kept"
RESTARTS = 20
REQUESTERS = 8

# Moves the descriptors to where they are handed over, from 3 on, and becomes the daemon.
HAND_OVER = r"""
import fcntl, os, sys

names, descriptors, program = sys.argv[1], sys.argv[2].split(), sys.argv[3:]
copies = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in descriptors]
for number, copy in enumerate(copies):
    os.dup2(copy, 3 + number)
os.closerange(3 + len(copies), 200)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(program[0], program)
"""


def listening(address="127.0.0.1", port=0):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(1024)
    return made


class Requester(threading.Thread):
    """Reports a point, again and again, and counts what was acknowledged. One that `keeps` its connection makes a new one, once, when the idle
    one turns out to be closed; the others make one per request. Any other fault ends it."""

    def __init__(self, url, token, run_id, number):
        super().__init__(daemon=True)
        self.address, self.token = urllib.parse.urlsplit(url).netloc, token
        self.path, self.reporter, self.keeps = "/api/v1/runs/%s/metrics" % run_id, "r%d" % number, number % 2 == 1
        self.connection, self.acknowledged, self.fault, self.enough = None, 0, None, threading.Event()

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def exchange(self):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=harness.DEADLINE)
        self.connection.request("POST", self.path, body='{"name": "%s", "value": %d, "reporter": "%s", "sequence": %d}' % (
            self.reporter, self.acknowledged, self.reporter, self.acknowledged + 1), headers={
                "Content-Type": "application/json", "Authorization": "Bearer " + self.token})
        answer = self.connection.getresponse()
        text = answer.read()
        if not self.keeps or answer.will_close:
            self.hang_up()
        if answer.status != 200 or b'"duplicate":false' not in text:
            raise AssertionError("%d %r" % (answer.status, text))

    def report(self):
        was_idle = self.connection is not None
        try:
            self.exchange()
        except ConnectionError:
            if not was_idle:
                raise
            self.hang_up()
            self.exchange()
        self.acknowledged += 1

    def run(self):
        try:
            while not self.enough.is_set():
                self.report()
        except (AssertionError, OSError, http.client.HTTPException) as fault:
            self.fault = fault
        self.hang_up()


class HandOver(DaemonTest):
    autostart = False
    daemon_options = {"slots": 2}

    def setUp(self):
        super().setUp()
        self.daemon.keeps = True
        self.addCleanup(lambda: [os.close(descriptor) for descriptor in self.daemon.kept])

    def hand_over(self, *sockets, names=None):
        """The next start of the daemon finds these at 3, 4, ..."""
        descriptors = [given if isinstance(given, int) else given.fileno() for given in sockets]
        self.daemon.inherited = descriptors
        self.daemon.program = [sys.executable, "-ES", "-c", HAND_OVER, names or "", " ".join(map(str, descriptors)), harness.HYPERDRIVED]

    def keep(self, *sockets):
        """Hands over what the daemon gave to be kept."""
        self.hand_over(*sockets, names=":".join([KEPT] * len(sockets)))

    def open_socket(self, **where):
        made = listening(**where)
        self.addCleanup(made.close)
        return made

    def taken(self):
        """The one descriptor that the daemon gave to be kept at its last start."""
        self.assertEqual(len(self.daemon.kept), 1, self.daemon.notices)
        descriptor = self.daemon.kept.pop()
        self.addCleanup(os.close, descriptor)
        told = [notice for notice in self.daemon.notices if "FDSTORE=1" in notice.splitlines()]
        self.assertEqual([notice.splitlines() for notice in told], [["FDSTORE=1", "FDPOLL=0", "FDNAME=" + KEPT]])
        return descriptor

    def under_load(self, restart):
        """Restarts while requesters report: not one of them may notice."""
        _, [run_id] = self.running_sweep()
        requesters = [Requester(self.daemon.url, self.daemon.token, run_id, number) for number in range(REQUESTERS)]
        for requester in requesters:
            requester.start()
        for number in range(RESTARTS):
            before = sum(requester.acknowledged for requester in requesters)
            restart()
            harness.wait_until(lambda: sum(requester.acknowledged for requester in requesters) > before + 10 * REQUESTERS or
                               any(requester.fault for requester in requesters), "reports after restart %d" % number)
        for requester in requesters:
            requester.enough.set()
        for requester in requesters:
            requester.join(harness.DEADLINE)
            self.assertIsNone(requester.fault)
        stored = self.client.read("/runs/%s/metrics" % run_id, form="list")["metrics"]
        self.assertEqual({name: values for name, values in stored.items()},
                         {requester.reporter: [float(value) for value in range(requester.acknowledged)] for requester in requesters})
        self.gates.release(run_id)

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    # A socket unit.

    def test_restarts_refuse_nobody(self):
        self.hand_over(self.open_socket())
        self.daemon.start()
        self.assertEqual(self.daemon.kept, [], "the manager has it anyway")
        self.under_load(self.restart)

    def test_a_socket_unit_says_where(self):
        given = self.open_socket()
        for names in (None, "hyperdrived.socket"):
            self.hand_over(given, names=names)
            self.daemon.start(listen="127.0.0.1:1")
            self.assertEqual(self.daemon.url, "http://127.0.0.1:%d" % given.getsockname()[1])
            self.assertEqual(self.client.get("/version").status, 200)
            self.assertIn("a socket unit says where to listen; the setting 'listen' (127.0.0.1:1) is not looked at", self.daemon.log())
            self.daemon.stop()

    def test_waits_while_no_daemon_is_there(self):
        given = self.open_socket()
        self.hand_over(given)
        self.daemon.start()
        self.daemon.kill()
        waiting = http.client.HTTPConnection("127.0.0.1", given.getsockname()[1], timeout=harness.DEADLINE)
        self.addCleanup(waiting.close)
        waiting.request("GET", "/readyz")
        self.daemon.start()
        self.assertEqual(waiting.getresponse().status, 200)

    def test_what_cannot_be_served(self):
        two = [self.open_socket(), self.open_socket()]
        self.hand_over(*two)
        self.assertRegex(self.daemon.refused()[1], "2 sockets were handed over, and this daemon serves one")
        silent = socket.socket()
        self.addCleanup(silent.close)
        self.hand_over(silent)
        self.assertRegex(self.daemon.refused()[1], "no listening stream socket: its socket unit needs ListenStream= and Accept=no")
        nameless = socket.socket(socket.AF_UNIX)
        self.addCleanup(nameless.close)
        nameless.bind("\0" + self.folder)
        nameless.listen()
        self.hand_over(nameless)
        self.assertRegex(self.daemon.refused()[1], "has no path: anybody could take its name")

    def test_meant_for_another_process(self):
        given = self.open_socket()
        self.daemon.inherited = [given.fileno()]
        self.daemon.start(environment={"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
        self.assertNotEqual(self.daemon.url, "http://127.0.0.1:%d" % given.getsockname()[1])

    def test_children_know_nothing_of_it(self):
        self.hand_over(self.open_socket())
        self.daemon.start(options=["--environment-keep", "*"])
        _, [run_id] = self.running_sweep()
        self.assertEqual([name for name in self.gates.environment(run_id) if name.startswith("LISTEN_")], [])
        self.gates.release(run_id)

    # A service whose sockets the manager keeps.

    def test_a_kept_socket_refuses_nobody(self):
        self.daemon.start()
        self.keep(self.taken())
        self.under_load(self.restart)

    def test_a_kept_socket_after_a_kill(self):
        self.daemon.start()
        self.keep(self.taken())
        self.daemon.kill()
        waiting = http.client.HTTPConnection(urllib.parse.urlsplit(self.daemon.url).netloc, timeout=harness.DEADLINE)
        self.addCleanup(waiting.close)
        waiting.request("GET", "/readyz")
        self.daemon.start()
        self.assertEqual(waiting.getresponse().status, 200)

    def test_another_address(self):
        self.daemon.start()
        old = self.taken()
        self.keep(old)
        self.daemon.stop()
        other = self.open_socket()
        port = other.getsockname()[1]
        other.close()
        self.daemon.start(listen="127.0.0.1:%d" % port)
        self.assertEqual(self.daemon.url, "http://127.0.0.1:%d" % port)
        self.assertIn("FDSTOREREMOVE=1\nFDNAME=" + KEPT, self.daemon.notices)
        self.assertNotEqual(os.fstat(self.taken()).st_ino, os.fstat(old).st_ino)

    def test_a_socket_unit_comes_first(self):
        self.daemon.start()
        kept = self.taken()
        self.daemon.stop()
        given = self.open_socket()
        self.hand_over(kept, given, names=KEPT + ":hyperdrived.socket")
        self.daemon.start()
        self.assertEqual(self.daemon.url, "http://127.0.0.1:%d" % given.getsockname()[1])
        self.assertIn("FDSTOREREMOVE=1\nFDNAME=" + KEPT, self.daemon.notices)


if __name__ == "__main__":
    harness.main()
