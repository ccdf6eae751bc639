"""Start and stop: options, address and token, who may ask, folders and ports that are taken, databases that cannot be used."""

import fcntl
import http.client
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import threading
import unittest

import harness
from harness import Client, DaemonTest, processes_with


class Program(unittest.TestCase):
    def run_daemon(self, *options):
        return subprocess.run([harness.HYPERDRIVED, *options], capture_output=True, text=True, timeout=harness.DEADLINE, check=False)

    def test_version(self):
        result = self.run_daemon("--version")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\Ahyperdrived \d+\.\d+\.\d+\n")

    def test_help_names_every_option_used_here(self):
        result = self.run_daemon("--help")
        self.assertEqual(result.returncode, 0, result.stderr)
        for option in ("--state-dir", "--listen", "--slots", "--monitor", "--stop-grace", "--stop-children", "--check-config", "--check-database"):
            self.assertIn(option, result.stdout)

    def test_unknown_option(self):
        result = self.run_daemon("--stat-dir", "/tmp")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--stat-dir", result.stderr)


class Address(DaemonTest):
    def test_port_0_is_the_same_port_after_a_restart(self):
        first = self.daemon.url
        self.assertRegex(first, r"\Ahttp://127\.0\.0\.1:[1-9]\d*\Z")
        self.daemon.restart()
        self.assertEqual(self.daemon.url, first)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.daemon.url, first)

    def test_another_address_than_running_children_know(self):
        """What they were given in their environment stays what it was."""
        first = self.daemon.url
        _, runs = self.running_sweep(2)
        begin = len(self.daemon.log())
        self.daemon.restart(listen="127.0.0.2:0")
        self.assertEqual(self.client.read("/version")["asked_by"], "owner")
        self.assertRegex(self.daemon.log()[begin:], r"warning: the daemon listened on %s before, which 2 running children still report to: they "
                                                    r"cannot reach it on %s" % (re.escape(first), re.escape(self.daemon.url)))
        begin = len(self.daemon.log())
        self.daemon.restart(listen="127.0.0.2:0")
        self.assertNotIn("before, which", self.daemon.log()[begin:])
        for run_id in runs:
            self.gates.release(run_id)
            self.wait_for_run(run_id, "Completed")
        begin = len(self.daemon.log())
        self.daemon.restart(listen="127.0.0.1:0")
        self.assertNotIn("before, which", self.daemon.log()[begin:], "nobody reports to it")

    def test_recorded_port_that_is_taken_is_refused(self):
        port = int(self.daemon.url.rpartition(":")[2])
        self.daemon.stop()
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
            code, said = self.daemon.refused()
        self.assertGreater(code, 0, said)
        self.assertIn(str(port), said)
        self.assertRegex(said, r"in use|taken")
        self.daemon.start()  # and nothing was spoilt by it

    def test_port_in_use_is_refused(self):
        port = self.daemon.url.rpartition(":")[2]
        other = self.new_daemon(folder=os.path.join(self.folder, "other"))
        os.mkdir(other.folder)
        code, said = other.refused(listen="127.0.0.1:" + port)
        self.assertGreater(code, 0, said)
        self.assertIn(port, said)
        self.assertRegex(said, r"in use|taken")

    def test_files_and_their_modes(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.daemon.state).st_mode) & 0o077, 0)
        for name in ("token", "secret"):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.daemon.state, name)).st_mode), 0o600, name)
        for name in ("url", "lock", "hyperdrive.db"):
            self.assertTrue(os.path.exists(os.path.join(self.daemon.state, name)), name)
        self.assertGreaterEqual(len(self.daemon.token), 32)

    def test_a_group_that_may_read_the_token(self):
        paths = {name: os.path.join(self.daemon.state, name) for name in ("token", "secret", "url")}

        def modes():
            return {name: os.stat(path).st_mode & 0o777 for name, path in paths.items()}
        self.daemon.stop()
        os.chmod(paths["token"], 0o400)
        umask = os.umask(0o077)
        try:
            self.daemon.start(options=["--group-token", "yes"])
        finally:
            os.umask(umask)
        self.assertEqual(modes(), {"token": 0o640, "secret": 0o600, "url": 0o644})
        self.assertEqual(os.stat(paths["token"]).st_gid, os.getegid())
        self.daemon.stop()
        for name in ("token", "url"):
            os.unlink(paths[name])
            with open(paths[name] + ".tmp", "w", encoding="ascii") as file:  # as a daemon that was killed, or somebody else, has left it
                file.write("half a line")
            os.chmod(paths[name] + ".tmp", 0o666)
        self.daemon.start()
        self.assertEqual([name for name in os.listdir(self.daemon.state) if name.endswith(".tmp")], [])
        self.assertEqual(modes(), {"token": 0o600, "secret": 0o600, "url": 0o644})

    def test_secrets_that_others_could_read(self):
        """As after a copy, or a restored backup; and of a group that may not read the token any more."""
        self.daemon.stop()
        for name in ("token", "secret"):
            path = os.path.join(self.daemon.state, name)
            for options, mode in (((), 0o644), (("--group-token", "yes"), 0o644), ((), 0o640)):
                with self.subTest(name, options=options, mode=oct(mode)):
                    os.chmod(path, mode)
                    begin = len(self.daemon.log())
                    self.daemon.start(options=options)
                    left = 0o640 if options and name == "token" else 0o600
                    self.assertEqual(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(left))
                    self.assertIn("warning: others could read %s until now: if somebody may have" % path, self.daemon.log()[begin:])
                    self.daemon.stop()
            os.chmod(path, 0o600)
        begin = len(self.daemon.log())
        for _ in range(2):
            self.daemon.start(options=["--group-token", "yes"])
            self.daemon.stop()
        self.assertNotIn("others could read", self.daemon.log()[begin:])
        self.daemon.start()

    def test_secrets_that_are_none(self):
        self.daemon.stop()
        for name, text, sentence in (("token", "", "token is too short for a secret: remove it"), ("secret", "ab" * 10, "too short for a secret"),
                                     ("secret", "no hex" * 20, "secret is not the hex line that this program writes: remove it")):
            path = os.path.join(self.daemon.state, name)
            os.rename(path, path + "-kept")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o600)
            code, said = self.daemon.refused()
            self.assertEqual(code, 2, said)
            self.assertIn(sentence, said)
            os.replace(path + "-kept", path)
        self.daemon.start()

    def test_a_new_secret_while_children_run(self):
        """Their tokens were signed with the old one."""
        _, (run_id,) = self.running_sweep(1)
        child = self.child_client(run_id)
        self.assertEqual(child.post("/runs/%s/metrics" % run_id, {"name": "Accuracy", "value": 1}).status, 200)
        self.daemon.kill()
        os.unlink(os.path.join(self.daemon.state, "secret"))
        begin = len(self.daemon.log())
        self.daemon.start()
        self.assertIn("warning: %s/secret was missing and was made anew: 1 running child cannot report, since its token was signed with the old one"
                      % self.daemon.state, self.daemon.log()[begin:])
        self.assertError(child.post("/runs/%s/metrics" % run_id, {"name": "Accuracy", "value": 2}), 401)
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")
        begin = len(self.daemon.log())
        self.daemon.restart()
        self.assertNotIn("made anew", self.daemon.log()[begin:])

    def test_secrets_that_are_no_files_of_ours(self):
        self.daemon.stop()
        for name in ("token", "secret"):
            path = os.path.join(self.daemon.state, name)
            os.rename(path, path + "-kept")
            os.mkfifo(path)
            self.assertIn("%s is no regular file: remove it, and a new one is made" % path, self.daemon.refused()[1])
            os.unlink(path)
            if os.geteuid() == 0:
                shutil.copy(path + "-kept", path)
                os.chown(path, 65534, -1)
                self.assertIn("%s belongs to another user (uid 65534), who knows it" % path, self.daemon.refused()[1])
            os.replace(path + "-kept", path)
        self.daemon.start()

    def test_a_state_folder_into_which_others_could_write(self):
        """They would put a token there before the daemon makes one, or a database with one in it."""
        for mode in (0o777, 0o1777, 0o770):
            self.daemon.stop()
            os.chmod(self.daemon.state, mode)
            begin = len(self.daemon.log())
            self.daemon.start()
            self.assertEqual(os.stat(self.daemon.state).st_mode & 0o022, 0)
            self.assertIn("warning: others could write into the state folder %s until now" % self.daemon.state, self.daemon.log()[begin:])

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_what_belongs_to_another_user(self):
        self.daemon.stop()
        os.chown(self.daemon.state, 65534, -1)
        self.assertIn("the state folder %s belongs to another user (uid 65534)" % self.daemon.state, self.daemon.refused()[1])
        os.chown(self.daemon.state, 0, -1)
        database = os.path.join(self.daemon.state, "hyperdrive.db")
        os.chown(database, 65534, -1)
        self.assertIn("%s belongs to another user (uid 65534): remove it, or give it" % database, self.daemon.refused()[1])
        os.chown(database, 0, -1)
        self.daemon.start()

    def test_the_token_survives_a_restart(self):
        token = self.daemon.token
        self.daemon.restart()
        self.assertEqual(self.daemon.token, token)


class ServiceManager(DaemonTest):
    autostart = False

    def test_watchdog_and_stopping(self):
        self.daemon.start(environment={"WATCHDOG_USEC": "200000"})
        for _ in range(3):
            self.daemon.await_notice("WATCHDOG=1")
        self.daemon.process.terminate()
        self.daemon.await_notice("STOPPING=1")
        self.assertEqual(self.daemon.wait(), 0)

    def test_configuration_file(self):
        path = os.path.join(self.folder, "hyperdrived.conf")
        for text, line in (("slots = 3\nstop_grace = 5 s\n", None), ("slots = 3\nstop_grace = 5\n", 2), ("# comment\n\nslot = 3\n", 3)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            result = subprocess.run([harness.HYPERDRIVED, "--config", path, "--check-config", "--state-dir", self.daemon.state],
                                    capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
            self.assertEqual(result.returncode, 0 if line is None else 2, result.stderr)
            if line is not None:
                self.assertIn("%s:%d" % (path, line), result.stderr)
        self.assertFalse(os.path.exists(self.daemon.state), "a check must not leave anything behind")


class Access(DaemonTest):
    # Method, path, and what it answers to the owner when there is no such sweep or run.
    ROUTES = [
        ("GET", "/version", 200), ("GET", "/sweeps", 200), ("POST", "/sweeps", 400), ("GET", "/sweeps/none", 404),
        ("POST", "/sweeps/none/cancel", 404), ("POST", "/sweeps/none/fail", (404, 501)), ("GET", "/sweeps/none/best", 404),
        ("GET", "/sweeps/none/children", 404), ("GET", "/sweeps/none/children/sorted", 404),
        ("GET", "/sweeps/none/diagnostics", (404, 501)), ("GET", "/sweeps/none/hyperparameters", 404),
        ("GET", "/sweeps/none/metrics", 404), ("GET", "/sweeps/none/config", 404), ("GET", "/sweeps/none/log", 404),
        ("GET", "/runs/none", 404), ("GET", "/runs/none/metrics", 404), ("POST", "/runs/none/metrics", 404),
        ("POST", "/runs/none/cancel", 404), ("GET", "/runs/none/logs", 404), ("GET", "/runs/none/logs/user_logs/std_log.txt", 404),
    ]

    def body(self, path):
        if path == "/sweeps":
            return {}
        return {"name": "m", "value": 1} if path.endswith("metrics") else None

    def test_health_needs_no_token(self):
        nobody = Client(self.daemon.url, None)
        for path in ("//healthz", "//readyz"):
            self.assertEqual(nobody.get(path).status, 200, path)

    def test_every_other_route_needs_the_token(self):
        strangers = {
            "no token": {}, "a wrong token": {"Authorization": "Bearer " + "0" * len(self.daemon.token)},
            "a part of the token": {"Authorization": "Bearer " + self.daemon.token[:-1]},
            "the token and more": {"Authorization": "Bearer " + self.daemon.token + "0"},
            "an empty token": {"Authorization": "Bearer "}, "another scheme": {"Authorization": "Basic " + self.daemon.token},
            "a child's token that nobody made": {"Authorization": "Bearer r.none." + "0" * 64},
        }
        nobody = Client(self.daemon.url, None)
        for method, path, _ in self.ROUTES:
            for who, headers in strangers.items():
                with self.subTest(method=method, path=path, who=who):
                    body = self.body(path) if method == "POST" else None
                    self.assertEqual(nobody.request(method, path, body=body, headers=headers).status, 401)

    def test_the_owner_may_use_every_route(self):
        for method, path, expected in self.ROUTES:
            with self.subTest(method=method, path=path):
                status = self.client.request(method, path, body=self.body(path) if method == "POST" else None).status
                self.assertIn(status, expected if isinstance(expected, tuple) else (expected,))

    def test_the_scheme_in_any_case(self):
        nobody = Client(self.daemon.url, None)
        self.assertEqual(nobody.request("GET", "/version", headers={"Authorization": "bearer " + self.daemon.token}).status, 200)

    def test_version(self):
        said = subprocess.run([harness.HYPERDRIVED, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        self.assertEqual(self.client.read("/version")["version"], said)

    def test_unknown_route_and_wrong_method(self):
        self.assertError(self.client.get("/nothing"), 404)
        self.assertError(self.client.get("//nothing"), 404)
        response = self.client.request("DELETE", "/sweeps")
        self.assertError(response, 405)
        allowed = {method.strip() for method in response.headers["Allow"].split(",")}
        self.assertLessEqual({"GET", "POST"}, allowed)


class StateFolder(DaemonTest):
    def test_folder_in_use_is_refused(self):
        other = self.new_daemon()
        other.log_path += ".other"
        code, said = other.refused()
        self.assertGreater(code, 0, said)
        self.assertIn(self.daemon.state, said)
        self.assertRegex(said, r"in use|another")
        self.assertEqual(self.client.get("/version").status, 200)  # the first one is not disturbed

    def test_folder_in_use_without_its_lock_file(self):
        """Somebody took it for a stale one."""
        os.unlink(os.path.join(self.daemon.state, "lock"))
        other = self.new_daemon()
        other.log_path += ".other"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.assertIn("the state folder %s is in use by another hyperdrived" % self.daemon.state,
                      other.refused(listen="127.0.0.1:%d" % port)[1])

    def test_lock_and_port_that_are_let_go_in_a_moment(self):
        """A process between fork and exec holds what a daemon had open that was just killed: the next start waits for it."""
        self.daemon.stop()
        lock = os.open(os.path.join(self.daemon.state, "lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.3, os.close, [lock]).start()
        self.daemon.start()
        port = int(self.daemon.url.rpartition(":")[2])
        self.daemon.stop()
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        threading.Timer(0.3, taken.close).start()
        self.daemon.start()

    def test_after_kill_the_folder_is_free(self):
        sweep_id = self.finished_sweep()["run_id"]
        self.daemon.restart()
        self.assertEqual(self.sweep(sweep_id)["status"], "Completed")

    def test_newer_database_is_refused_and_left_alone(self):
        self.daemon.stop()
        path = os.path.join(self.daemon.state, "hyperdrive.db")
        connection = sqlite3.connect(path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        self.assertGreater(version, 0)
        connection.execute("PRAGMA user_version = 9999")
        connection.close()
        code, said = self.daemon.refused()
        self.assertGreater(code, 0, said)
        self.assertRegex(said, r"newer")
        connection = sqlite3.connect(path)
        self.assertEqual(connection.execute("PRAGMA user_version").fetchone()[0], 9999)
        connection.execute("PRAGMA user_version = %d" % version)
        connection.close()
        self.daemon.start()

    def test_what_is_no_database_is_refused_and_left_alone(self):
        self.daemon.stop()
        path = os.path.join(self.daemon.state, "hyperdrive.db")
        for leftover in ("-wal", "-shm"):
            if os.path.exists(path + leftover):
                os.unlink(path + leftover)
        garbage = b"this is no database" * 1000
        with open(path, "wb") as file:
            file.write(garbage)
        code, said = self.daemon.refused()
        self.assertGreater(code, 0, said)
        self.assertIn("hyperdrive.db", said)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), garbage)

    def test_read_only_database_is_refused(self):
        self.daemon.stop()
        path = os.path.join(self.daemon.state, "hyperdrive.db")
        if os.geteuid() == 0:
            # Modes do not bind root; a database that is a folder's only read-only bind mount needs privileges that
            # not every machine gives, so the immutable attribute stands in for it.
            if subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode != 0:
                self.skipTest("this file system knows no immutable files")
            self.addCleanup(subprocess.run, ["chattr", "-i", path], check=False)
        else:
            os.chmod(path, 0o400)
        code, said = self.daemon.refused()
        subprocess.run(["chattr", "-i", path], capture_output=True, check=False)
        self.assertGreater(code, 0, said)
        self.assertIn("hyperdrive.db", said)
        self.assertRegex(said, r"(?i)read-?only|written|not permitted|permission")

    def test_state_dir_that_is_a_file_is_refused(self):
        other = self.new_daemon(folder=os.path.join(self.folder, "other"))
        os.mkdir(other.folder)
        with open(other.state, "w", encoding="utf-8"):
            pass
        code, said = other.refused()
        self.assertGreater(code, 0, said)
        self.assertIn(other.state, said)

    def test_monitor_that_is_missing_is_refused(self):
        self.daemon.stop()
        code, said = self.daemon.refused(options=["--monitor", "/nonexistent/hyperdrive-monitor"])
        self.assertGreater(code, 0, said)
        self.assertIn("/nonexistent/hyperdrive-monitor", said)


class Stop(DaemonTest):
    def test_children_go_on_and_are_adopted(self):
        sweep_id, runs = self.running_sweep(2)
        self.daemon.stop()
        self.assertTrue(processes_with(runs[0]))
        self.assertTrue(processes_with(runs[1]))
        self.daemon.start()
        self.assertEqual(self.run_of(runs[0])["status"], "Running")
        for run_id in runs:
            self.gates.release(run_id)
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(sweep["children"], {"total": 2, "Completed": 2})
        self.assertEqual(sorted(self.gates.started()), sorted(runs))

    def test_stop_children_ends_them(self):
        sweep_id, runs = self.running_sweep(2)
        self.daemon.stop()
        self.daemon.start(options=["--stop-children", "yes"])
        self.daemon.stop()
        for run_id in runs:
            self.assertEqual(processes_with(run_id), [])
        self.daemon.start()
        self.assertEqual(self.sweep(sweep_id)["run_id"], sweep_id)  # still known, whatever it does now

    def test_url_answers_until_the_end_and_not_after(self):
        url = self.daemon.url
        self.daemon.stop()
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=harness.DEADLINE)
        with self.assertRaises(ConnectionRefusedError):
            connection.request("GET", "/healthz")

    def test_an_idle_connection_does_not_hold_the_stop_back(self):
        connection = http.client.HTTPConnection(self.daemon.url.removeprefix("http://"), timeout=harness.DEADLINE)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        self.daemon.stop()
        connection.close()

    def test_sigint_stops_too(self):
        os.kill(self.daemon.process.pid, 2)
        self.assertEqual(self.daemon.wait(), 0)

    def test_started_and_stopped_are_logged(self):
        self.daemon.stop()
        log = self.daemon.log()
        self.assertIn(self.daemon.url, log)
        self.assertIsNone(re.search(r"Bearer|" + re.escape(self.daemon.token), log), "the token stands in the log")


if __name__ == "__main__":
    harness.main()
