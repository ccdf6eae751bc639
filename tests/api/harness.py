"""A real daemon on a temporary folder and a free port, and what tests need to talk to it and to its children.

Environment: HD_BUILD is the build folder (default: ./build), HD_VECTORS the folder of the vector files.
"""

import contextlib
import errno
import http.client
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from contract import CONTRACT

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("HD_BUILD", "build"))
VECTORS = os.environ.get("HD_VECTORS", os.path.join(HERE, "..", "vectors"))
HYPERDRIVED = os.path.join(BUILD, "daemon", "hyperdrived")
MONITOR = os.path.join(BUILD, "daemon", "launch", "hyperdrive-monitor")
COMMAND = os.path.join(BUILD, "lib", "client", "hyperdrive")
FIXTURES = os.path.join(BUILD, "tests", "fixtures")
LOAD_ROWS = os.path.join(BUILD, "tests", "unit", "load_rows")

DEADLINE = float(os.environ.get("HD_TEST_DEADLINE", "60"))  # seconds that any awaited event may take
ENDED = ("Completed", "Failed", "Canceled")
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")

CODES = {
    400: "ValidationError", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 408: "Timeout",
    409: "Conflict", 410: "Gone", 413: "TooLarge", 415: "UnsupportedMediaType", 416: "RangeNotSatisfiable",
    429: "TooManyRequests", 500: "Internal", 501: "NotImplemented", 503: "Unavailable", 507: "StorageFull",
}


# --- Waiting ---------------------------------------------------------------------------------------------------------------------

def wait_until(condition, what, deadline=None):
    """Calls `condition` until it gives something true, and returns that. The pause between calls grows from 2 to 50 ms."""
    end = time.monotonic() + (deadline or DEADLINE)
    pause = 0.002
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


# --- JSON, read strictly ------------------------------------------------------------------------------------------------------------

def read_json(text):
    """Refuses what our answers must never hold: NaN and Infinity literals, keys given twice, invalid UTF-8."""
    def pairs(items):
        result = dict(items)
        if len(result) != len(items):
            raise AssertionError("a key is given twice: %r" % [key for key, _ in items])
        return result

    def constant(name):
        raise AssertionError("an answer holds the literal " + name)

    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)


def same(a, b):
    """Equal with the same types throughout (1 is not 1.0 and not true) and the same order of members."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


# --- Processes ----------------------------------------------------------------------------------------------------------------------

def processes_with(text):
    """Ids of living processes (no zombies) that have `text` in their environment or their command line."""
    wanted = text.encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            with open("/proc/%s/environ" % entry, "rb") as file:
                environment = file.read()
            with open("/proc/%s/cmdline" % entry, "rb") as file:
                command = file.read()
            if wanted in environment or wanted in command:
                with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as file:
                    if file.read().rpartition(")")[2].split()[0] not in "ZX":
                        found.append(int(entry))
    return found


def signal_all(pids, number):
    """To each that is still there: a shell's helper may end between the look and the signal."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def command_line(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().decode(errors="replace").split("\0")[:-1]
    return []


def describe_process(pid):
    return "%d (%s)" % (pid, " ".join(command_line(pid)))


def remove_folder(folder):
    """Removes a tree, read-only folders (snapshots) too."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            inner = os.path.join(path, name)
            if not os.path.islink(inner):
                os.chmod(inner, 0o700)
    shutil.rmtree(folder)


# --- HTTP ---------------------------------------------------------------------------------------------------------------------------

class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return read_json(self.body)

    @property
    def error(self):
        return self.json["error"]


def check_error_shape(response, what):
    """Every answer that is no success has the reference's one shape, and the code that belongs to its status."""
    kind = response.headers.get("Content-Type", "")
    assert kind.startswith("application/json"), "%s: an error of type %r: %r" % (what, kind, response.body[:200])
    answer = response.json
    assert list(answer) == ["error"], "%s: %r" % (what, answer)
    error = answer["error"]
    for member in ("code", "message", "target", "details"):
        assert member in error, "%s: the error has no '%s': %r" % (what, member, error)
    assert error["code"] == CODES.get(response.status), "%s: status %d with code %r" % (what, response.status, error["code"])
    assert isinstance(error["message"], str) and error["message"], "%s: %r" % (what, error)
    assert error["target"] is None or isinstance(error["target"], str), "%s: %r" % (what, error)
    assert isinstance(error["details"], list), "%s: %r" % (what, error)
    for detail in error["details"]:
        assert set(detail) >= {"code", "message", "target"}, "%s: %r" % (what, detail)


class SocketConnection(http.client.HTTPConnection):
    """To a Unix socket, whose path stands in the address with %2F for each slash."""

    def __init__(self, address, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = urllib.parse.unquote(address)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """Speaks to the daemon at `url` with `token` (None: without one). Paths are relative to the API root unless they begin with //.

    Under HTTPS it is verified by the PEM file `authorities`, as `name` (None: as the host of the URL)."""

    def __init__(self, url, token, authorities=None, name=None):
        self.url = url
        self.address = urllib.parse.urlsplit(url).netloc
        self.secure = url.startswith("https:")
        self.token, self.authorities, self.name = token, authorities, name

    def connection(self):
        if self.url.startswith("http+unix://"):
            return SocketConnection(self.address, timeout=DEADLINE)
        if not self.secure:
            return http.client.HTTPConnection(self.address, timeout=DEADLINE)
        context = ssl.create_default_context(cafile=self.authorities)
        connection = http.client.HTTPSConnection(self.address, timeout=DEADLINE, context=context)
        if self.name is not None:
            connection.sock = context.wrap_socket(
                socket.create_connection((connection.host, connection.port), timeout=DEADLINE), server_hostname=self.name)
        return connection

    def request(self, method, path, body=None, headers=None, query=None, raw=None):
        """`body` is sent as JSON, `raw` (bytes) as it is. Asserts that the answer is as schema/openapi.yaml describes it."""
        path = path[1:] if path.startswith("//") else "/api/v1" + path
        if query:
            path += "?" + (query if isinstance(query, str) else urllib.parse.urlencode(query))
        sent = {} if self.token is None else {"Authorization": "Bearer " + self.token}
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        for name, value in (headers or {}).items():
            sent.pop(name, None)
            if value is not None:
                sent[name] = value
        connection = self.connection()
        try:
            connection.request(method, path, body=raw, headers=sent)
            answer = connection.getresponse()
            response = Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        if response.status >= 400 and method != "HEAD":
            check_error_shape(response, "%s %s" % (method, path))
        CONTRACT.check(method, path, response, body)
        return response

    def get(self, path, **query):
        return self.request("GET", path, query=query)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body=body, **options)

    def read(self, path, **query):
        """A GET that must succeed: its JSON."""
        response = self.get(path, **query)
        assert response.status == 200, "GET %s: %d %r" % (path, response.status, response.body[:500])
        return response.json


# --- The daemon ---------------------------------------------------------------------------------------------------------------------

class Refused(AssertionError):
    """The daemon ended before it was ready."""

    def __init__(self, code, said):
        super().__init__("the daemon ended with %d before it was ready:\n%s" % (code, said))
        self.code = code
        self.said = said


class Daemon:
    """One state folder and the daemon on it. `options` are further command line options."""

    def __init__(self, folder, options=(), slots=16, grace=2):
        self.folder = folder
        self.state = os.path.join(folder, "state")
        self.log_path = os.path.join(folder, "daemon.log")
        self.options = ["--slots", str(slots), "--stop-grace", "%d ms" % (grace * 1000), "--monitor", MONITOR, *options]
        self.program = [HYPERDRIVED]
        self.inherited = ()   # descriptors that the program gets
        self.keeps = False    # whether its service manager, which is the test, keeps its sockets
        self.kept = []        # those that it has kept
        self.process = None
        self.client = None
        self.preset = False  # its database was filled by hand: there is nothing to cancel at the end

    def start(self, environment=None, options=(), listen="127.0.0.1:0"):
        """Returns when the daemon has said READY=1 over NOTIFY_SOCKET; raises when it ends or stays silent."""
        assert self.process is None
        notify_path = os.path.join(self.folder, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify_path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify_path)
        self.notices = []
        self.log_begin = len(self.log())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.program, "--state-dir", self.state, "--listen", listen, *self.options, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=self.inherited, env={**clean_environment(), "NOTIFY_SOCKET": notify_path, **(environment or {})})
        self.pidfd = os.pidfd_open(self.process.pid)
        self.await_notice("READY=1")
        self.connect()
        return self

    def refused(self, **options):
        """Starts where it must refuse: (exit code, what it said)."""
        try:
            self.start(**options)
        except Refused as refused:
            return refused.code, refused.said
        self.stop()
        raise AssertionError("the daemon started")

    def connect(self):
        with open(os.path.join(self.state, "url"), encoding="utf-8") as file:
            self.url = file.read().strip()
        with open(os.path.join(self.state, "token"), encoding="utf-8") as file:
            self.token = file.read().strip()
        authorities = os.path.join(self.state, "ca.pem")
        self.client = Client(self.url, self.token, authorities if os.path.exists(authorities) else None)

    def await_notice(self, line):
        """Waits until the daemon tells its service manager `line`; Refused if it ends before."""
        end = time.monotonic() + DEADLINE
        while True:
            readable, _, _ = select.select([self.notify, self.pidfd], [], [], max(0, end - time.monotonic()))
            if self.notify in readable:
                message, descriptors, _, _ = socket.recv_fds(self.notify, 4096, 8)
                if self.keeps:
                    self.kept += descriptors
                else:
                    for descriptor in descriptors:
                        os.close(descriptor)
                self.notices.append(message.decode())
                if line in self.notices[-1].splitlines():
                    return
            elif self.pidfd in readable:
                raise Refused(self._reap(), self.log()[self.log_begin:])
            elif not readable:
                raise AssertionError("the daemon did not say %s in time:\n%s" % (line, self.log()))

    def _reap(self):
        readable, _, _ = select.select([self.pidfd], [], [], DEADLINE)
        assert readable, "the daemon did not end in time:\n" + self.log()
        os.close(self.pidfd)
        self.notify.close()
        code = self.process.wait()
        self.process = None
        return code

    def wait(self):
        """Waits for an end that comes without a signal from here; returns the code (negative: a signal)."""
        return self._reap()

    def stop(self):
        """SIGTERM; a clean stop has exit code 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self._reap()
        assert code == 0, "the daemon ended with %d on SIGTERM:\n%s" % (code, self.log())

    def kill(self):
        self.process.kill()
        self._reap()

    def restart(self, **options):
        """kill -9 and a new start."""
        if self.process is not None:
            self.kill()
        return self.start(**options)

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        return ""

    def sweeps(self):
        """All sweep resources, through every page of the list."""
        found, query = [], {}
        while True:
            page = self.client.read("/sweeps", **query)
            found += page["sweeps"]
            if page["next"] is None:
                return found
            query = {"after": page["next"]}

    def run_folder(self, run_id):
        # Ids are opaque to users; tests may know how they are made, so that this works while the daemon is dead.
        sweep_id, _, number = run_id.rpartition("_")
        return os.path.join(self.state, "runs", sweep_id, str(int(number) // 1000), number)

    def monitors(self, run_id):
        """Process ids of the monitors of a child (one, unless something is wrong)."""
        folder = self.run_folder(run_id)
        return [pid for pid in processes_with(folder) if command_line(pid)[1:2] == [folder]]

    def _cancel_all(self):
        for sweep in self.sweeps():
            if sweep["status"] not in ENDED:
                self.client.post("/sweeps/%s/cancel" % sweep["run_id"])
        wait_until(lambda: all(sweep["status"] in ENDED for sweep in self.sweeps()), "the end of all cancelled sweeps")

    def close(self):
        """Cancels what still runs, stops the daemon, and returns what is wrong then, as a list of sentences."""
        faults = []
        if self.process is not None and self.process.poll() is not None:
            faults.append("the daemon ended by itself with %d" % self._reap())
        if self.process is not None:
            try:
                if not self.preset:
                    self._cancel_all()
                self.stop()
            except (AssertionError, OSError, http.client.HTTPException) as fault:
                faults.append("stopping: %s" % fault)
                if self.process is not None:
                    self.kill()
            left = processes_with(self.state)
            if left:
                faults.append("processes are left: " + ", ".join(map(describe_process, left)))
        self.kill_processes()
        faults += ["the log has: " + mark for mark in SANITIZER_MARKS if mark in self.log()]
        return faults

    def kill_processes(self):
        def none_left():
            left = processes_with(self.state)
            signal_all(left, signal.SIGKILL)
            return not left
        wait_until(none_left, "the end of all processes of " + self.state)


def clean_environment():
    """The test's environment without what would tie the daemon to somebody else's."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("HYPERDRIVE", "AZUREML_", "NOTIFY_", "WATCHDOG_", "LISTEN_", "JOURNAL_", "CUDA_", "ROCR_", "HIP_"))}


# --- Gates: children that wait for the test -------------------------------------------------------------------------------------------

# A child writes its id into `started`, keeps its environment, and then waits at a FIFO of its own for a line with its exit code.
GATED = """#!/bin/sh
echo "$AZUREML_RUN_ID" >> "$GATES/started"
env > "$GATES/$AZUREML_RUN_ID.env"
mkfifo "$GATES/$AZUREML_RUN_ID"
read -r code < "$GATES/$AZUREML_RUN_ID"
exit "$code"
"""


class Gates:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "gates")
        os.mkdir(self.folder)

    def started(self):
        """Ids of the children that began, one for each time that a program was executed, in that order."""
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.folder, "started"), encoding="utf-8") as file:
                return file.read().split()
        return []

    def wait_started(self, count):
        return wait_until(lambda: len(self.started()) >= count and self.started(), "%d started children" % count)

    def environment(self, run_id):
        path = os.path.join(self.folder, run_id)
        wait_until(lambda: os.path.exists(path), "child %s at its gate" % run_id)
        with open(path + ".env", encoding="utf-8") as file:
            return dict(line.split("=", 1) for line in file.read().splitlines() if "=" in line)

    def release(self, run_id, code=0):
        """Lets a child go on when it stands at its gate (or will soon), to end with `code`."""
        path = os.path.join(self.folder, run_id)

        def opened():
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ENXIO):
                    return None
                raise
        gate = wait_until(opened, "child %s at its gate" % run_id)
        os.write(gate, b"%d\n" % code)
        os.close(gate)


# --- Test cases -------------------------------------------------------------------------------------------------------------------------

class DaemonTest(unittest.TestCase):
    """A test with daemons of its own. `self.daemon` is the first one, started unless `autostart` is false."""

    autostart = True
    daemon_options = {}

    def setUp(self):
        # A short path: it must fit the address of a Unix socket.
        self.folder = tempfile.mkdtemp(prefix="hd-")
        self.addCleanup(remove_folder, self.folder)
        self.gates = Gates(self.folder)
        self.daemons = []
        self.addCleanup(self._close_daemons)
        self.daemon = self.new_daemon(**self.daemon_options)
        if self.autostart:
            self.daemon.start()

    def new_daemon(self, folder=None, **options):
        daemon = Daemon(folder or self.folder, **options)
        self.daemons.append(daemon)
        return daemon

    def _close_daemons(self):
        faults = [fault for daemon in self.daemons for fault in daemon.close()]
        result = self._outcome.result
        failed = any(test is self or getattr(test, "test_case", None) is self for test, _ in result.failures + result.errors)
        if faults or failed:
            for daemon in self.daemons:
                sys.stderr.write("--- log of the daemon in %s (%s)\n%s---\n" % (self.id(), daemon.state, daemon.log()[-20000:]))
        if faults:
            self.fail("; ".join(faults))

    @property
    def client(self):
        return self.daemon.client

    # Programs.

    def source(self, files, name="source"):
        """A source folder with these files (name -> text; executable when it begins with #!)."""
        folder = os.path.join(self.folder, name)
        for path, text in files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o755 if text.startswith("#!") else 0o644)
        return folder

    def gated(self, program=GATED):
        """run_config of children that wait at their gates."""
        return {"command": ["/bin/sh", "-c", program], "environment_variables": {"GATES": self.gates.folder}}

    # Sweeps.

    def specification(self, **fields):
        """A valid sweep of two children that do nothing; `fields` replace members, and those that are None are left out."""
        result = {
            "hyperparameter_sampling": {"type": "random", "seed": 42, "parameter_space": {"x": ["uniform", [0, 1]]}},
            "primary_metric_name": "Accuracy", "primary_metric_goal": "maximize",
            "max_total_runs": 2,
            "run_config": {"command": ["/bin/true"]},
        }
        result.update(fields)
        return {name: value for name, value in result.items() if value is not None}

    def submit(self, **fields):
        """Creates a sweep and returns its resource."""
        response = self.client.post("/sweeps", self.specification(**fields))
        self.assertEqual(response.status, 201, response.body)
        return response.json

    def grid(self, count, name="x"):
        """A sampling with `count` configurations: 0, 1, ..."""
        return {"type": "grid", "parameter_space": {name: {"type": "choice", "values": list(range(count))}}}

    def sweep(self, sweep_id):
        return self.client.read("/sweeps/" + sweep_id)

    def run_of(self, run_id):
        return self.client.read("/runs/" + run_id)

    def wait_for_sweep(self, sweep_id, *statuses, deadline=None):
        """The resource once it has one of `statuses` (default: any end). Another end than those asked for fails at once."""
        statuses = statuses or ENDED

        def arrived():
            sweep = self.sweep(sweep_id)
            if sweep["status"] in statuses:
                return sweep
            if sweep["status"] in ENDED:
                self.fail("sweep %s ended %s (%s), not %s" % (sweep_id, sweep["status"], sweep["status_reason"], statuses))
            return None
        return wait_until(arrived, "sweep %s to be %s" % (sweep_id, " or ".join(statuses)), deadline)

    def wait_for_run(self, run_id, *statuses, deadline=None):
        statuses = statuses or ENDED

        def arrived():
            response = self.client.get("/runs/" + run_id)
            if response.status == 404:
                return None
            self.assertEqual(response.status, 200, response.body)
            run = response.json
            if run["status"] in statuses:
                return run
            if run["status"] in ENDED:
                self.fail("run %s ended %s (%s), not %s" % (run_id, run["status"], run.get("error"), statuses))
            return None
        return wait_until(arrived, "run %s to be %s" % (run_id, " or ".join(statuses)), deadline)

    def children(self, sweep_id):
        """All children in the order of their index."""
        found, query = [], {}
        while True:
            page = self.client.read("/sweeps/%s/children" % sweep_id, **query)
            found += page["children"]
            if page["next"] is None:
                return found
            query = {"after": page["next"]}

    def running_sweep(self, count=1, **fields):
        """A sweep whose `count` children all run and wait at their gates: (sweep id, run ids)."""
        fields.setdefault("run_config", self.gated())
        fields.setdefault("max_total_runs", count)
        fields.setdefault("max_concurrent_runs", count)
        sweep_id = self.submit(**fields)["run_id"]
        runs = ["%s_%d" % (sweep_id, number) for number in range(count)]
        for run_id in runs:
            self.wait_for_run(run_id, "Running")
            self.gates.environment(run_id)
        return sweep_id, runs

    def finished_sweep(self, deadline=None, **fields):
        """A sweep that ran to its end: its resource."""
        return self.wait_for_sweep(self.submit(**fields)["run_id"], deadline=deadline)

    # Reports.

    def report(self, run_id, name, value, client=None, **fields):
        """Reports one point (with the owner's token unless a client is given): the answer."""
        response = (client or self.client).post("/runs/%s/metrics" % run_id, {"name": name, "value": value, **fields})
        self.assertEqual(response.status, 200, response.body)
        return response.json

    def child_client(self, run_id):
        """A client with the child's own token."""
        environment = self.gates.environment(run_id)
        return Client(environment["HYPERDRIVE_URL"], environment["HYPERDRIVE_TOKEN"])

    # Assertions.

    def assertSame(self, actual, expected, message=None):
        """Equal with the same number kinds and the same order of members."""
        if not same(actual, expected):
            self.fail("%s%r is not the same as %r" % (message + ": " if message else "", actual, expected))

    def assertError(self, response, status, message=None, target=None):
        """A refusal with this status and message (a text, or a compiled regular expression that must match all of it)."""
        self.assertEqual(response.status, status, response.body)
        self.assertText(response.error["message"], message)
        if target is not None:
            self.assertEqual(response.error["target"], target)

    def assertText(self, actual, expected):
        if expected is None:
            return
        if hasattr(expected, "fullmatch"):
            self.assertIsNotNone(expected.fullmatch(actual), "%r does not match %r" % (actual, expected.pattern))
        else:
            self.assertEqual(actual, expected)


class SharedDaemonTest(DaemonTest):
    """Tests that only ask and leave nothing behind share one daemon per class."""

    @classmethod
    def setUpClass(cls):
        cls.shared_folder = tempfile.mkdtemp(prefix="hd-")
        cls.shared = Daemon(cls.shared_folder, **cls.daemon_options)
        try:
            cls.shared.start()
            cls.shared_gates = Gates(cls.shared_folder)
        except BaseException:
            cls.shared.close()
            remove_folder(cls.shared_folder)
            raise

    @classmethod
    def tearDownClass(cls):
        faults = cls.shared.close()
        if faults:
            sys.stderr.write("--- log of the daemon of %s\n%s---\n" % (cls.__name__, cls.shared.log()[-20000:]))
        remove_folder(cls.shared_folder)
        if faults:
            raise AssertionError("; ".join(faults))

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="hd-")
        self.addCleanup(remove_folder, self.folder)
        self.gates = Gates(self.folder)
        self.daemons = []
        self.daemon = self.shared
        self.addCleanup(self._show_log)
        self.log_begin = len(self.shared.log())

    def _show_log(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            sys.stderr.write("--- log of the daemon in %s\n%s---\n" % (self.id(), self.shared.log()[self.log_begin:][-20000:]))


def main():
    unittest.main(module="__main__", verbosity=2)
