"""The daemon on a Unix socket: who connects is known by the kernel's word, and needs no token if the settings say so."""

import contextlib
import grp
import importlib.util
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness
from harness import Client, DaemonTest
from streams import Stream

def as_user(user, group, groups, work):
    """What `work` returns (a text) in a process of this user; a failure is told as its name."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            said = work()
        except BaseException as error:  # pylint: disable=broad-except
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def digits_example():
    path = os.path.join(harness.HERE, "..", "..", "packaging", "examples", "digits", "train.py")
    specification = importlib.util.spec_from_file_location("digits_train", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class SocketTest(DaemonTest):
    autostart = False

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="hd-")
        self.addCleanup(shutil.rmtree, self.place)  # behind the end of the daemon
        super().setUp()
        os.chmod(self.place, 0o755)
        self.path = os.path.join(self.place, "socket")

    def listen(self, *options, path=None):
        return self.daemon.start(listen="unix:" + (path or self.path), options=options)

    def ask(self, user, method="GET", target="/version", token=None, headers=None, group=None, groups=()):
        """As this user (a number): status and JSON."""
        def work():
            with contextlib.closing(Client(self.daemon.url, None).connection()) as connection:
                sent = {} if token is None else {"Authorization": "Bearer " + token}
                connection.request(method, "/api/v1" + target, headers={**sent, **(headers or {})})
                answer = connection.getresponse()
                return "%d %s" % (answer.status, answer.read().decode())
        status, _, body = as_user(user, user if group is None else group, groups, work).partition(" ")
        self.assertRegex(status, "[0-9]+")
        return int(status), json.loads(body)


class Daemon(SocketTest):
    def test_a_sweep_over_the_socket(self):
        self.listen()
        self.assertEqual(self.daemon.url, "http+unix://" + self.path.replace("/", "%2F"))
        self.assertEqual(oct(os.stat(self.path).st_mode & 0o777), "0o666")
        _, (run_id,) = self.running_sweep()
        child = self.child_client(run_id)
        self.assertEqual(child.url, self.daemon.url)
        self.report(run_id, "Accuracy", 0.5, client=child)
        reporter = digits_example().Reporter(self.gates.environment(run_id))
        reporter.log(1, Accuracy=0.75)
        self.assertTrue(reporter.deliver())
        # A token counts before the user, or every child would be the owner.
        self.assertError(child.get("/sweeps"), 403)
        self.assertError(Client(self.daemon.url, "wrong").get("/sweeps"), 401)
        self.gates.release(run_id)
        self.assertEqual(self.wait_for_run(run_id)["best_primary_metric"], 0.75)

    def test_own_user_needs_no_token(self):
        self.listen()
        own = Client(self.daemon.url, None)
        said = own.read("/version")
        self.assertEqual((said["asked_by"], said["role"]), ("uid %d" % os.geteuid(), "owner"))
        with Stream(own, "/events").opened() as stream:
            own.request("PATCH", "/devices/cpu", body={"state": "drained"})
            self.assertEqual(next(stream.events()).kind, "device")
        self.assertEqual({entry["address"] for entry in own.read("/audit")["entries"]}, {"unix"})

    def test_who_speaks_for_others_needs_one(self):
        """A browser behind a forwarded port, and a proxy that says what it is, are not their user."""
        self.listen()
        own = Client(self.daemon.url, None)
        for header in ({"Origin": "http://localhost"}, {"X-Forwarded-For": "10.1.2.3"}, {"Via": "1.1 proxy"}, {"Forwarded": "for=10.1.2.3"},
                       {"Sec-Fetch-Site": "none"}, {"X-Real-IP": "10.1.2.3"}):
            self.assertError(own.request("GET", "/version", headers=header), 401)
        self.assertError(own.request("GET", "/version", headers={"Host": "evil.example"}), 403)
        self.assertEqual(own.request("GET", "/version", headers={"Host": "localhost:8700"}).status, 200)

    def test_restart_takes_what_was_left(self):
        self.listen()
        self.daemon.kill()
        self.assertTrue(os.path.exists(self.path))
        self.listen()
        self.assertEqual(self.client.get("/version").status, 200)

    def test_socket_of_another_program(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen()
            code, said = self.daemon.refused(listen="unix:" + self.path)
        self.assertEqual(code, 1)
        self.assertIn("another program serves it", said)

    def test_places_where_no_socket_may_be(self):
        os.mkdir(os.path.join(self.place, "open"))
        os.chmod(os.path.join(self.place, "open"), 0o777)
        with open(os.path.join(self.place, "file"), "w", encoding="utf-8") as file:
            file.write("kept")
        for name, sentence in (("file", "something else than a socket"), ("open/socket", "others may change what lies in"),
                               ("none/socket", "No such file"), ("x" * 200, "at most 107 bytes")):
            with self.subTest(name):
                code, said = self.daemon.refused(listen="unix:" + os.path.join(self.place, name))
                self.assertEqual(code, 2)
                self.assertIn(sentence, said)
        with open(os.path.join(self.place, "file"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept")

    def test_unknown_names_are_told_at_the_start(self):
        code, said = self.daemon.refused(listen="unix:" + self.path, options=["--socket-access", "nobody-of-this-name:read"])
        self.assertEqual(code, 2)
        self.assertIn("this machine has no user 'nobody-of-this-name'", said)

    def test_a_socket_unit(self):
        """A listening socket that is handed over."""
        with socket.socket(socket.AF_UNIX) as given:
            given.bind(self.path)
            given.listen()
            self.daemon.program = ["/bin/sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&%d' % given.fileno(), "sh",
                                   harness.HYPERDRIVED]
            self.daemon.inherited = (given.fileno(),)
            self.listen()
        self.assertEqual(Client(self.daemon.url, None).get("/version").status, 200)

    def test_command(self):
        self.listen()
        environment = {**harness.clean_environment(), "HOME": self.folder, "LC_ALL": "C.UTF-8"}

        def hyperdrive(*words, **more):
            return subprocess.run([harness.COMMAND, *words], capture_output=True, text=True, check=False, timeout=harness.DEADLINE,
                                  env={**environment, **more})
        for words, more in ((["--state-dir", self.daemon.state], {}), (["--url", self.daemon.url], {}), ([], {"HYPERDRIVE_URL": self.daemon.url})):
            done = hyperdrive(*words, "list", **more)
            self.assertEqual((done.returncode, done.stderr), (0, "hyperdrive: there are no sweeps yet; submit one with: hyperdrive submit FILE\n"))
        said = hyperdrive("--state-dir", self.daemon.state, "doctor").stdout
        self.assertRegex(said, r"address +http\+unix://")
        self.assertRegex(said, r"daemon +answers")
        for url in ("http+unix://", "http+unix://socket", "http+unix://%2", "http+unix://%00", "http+unix://" + "%2Fx" * 100):
            done = hyperdrive("--url", url, "list")
            self.assertEqual((done.returncode, done.stdout), (2, ""), url)
        self.daemon.stop()
        done = hyperdrive("--url", self.daemon.url, "list")
        self.assertEqual(done.returncode, 6)
        self.assertIn("no daemon answers at http+unix://", done.stderr)

    def test_children_report_by_the_command_and_the_library(self):
        self.listen()
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": [harness.COMMAND, "report", "Accuracy=0.25"]})
        self.assertEqual((sweep["status"], sweep["best_primary_metric"]), ("Completed", 0.25))


@unittest.skipUnless(os.geteuid() == 0, "only root can ask as other users")
class Others(SocketTest):
    ALICE, BOB, STAFF = 34567, 34568, 34569

    def roles(self, *options):
        self.listen("--socket-access", " ".join(options))

    def test_without_a_rule_a_token_is_needed(self):
        self.listen()
        self.assertEqual(self.ask(self.ALICE)[0], 401)
        self.assertEqual(self.ask(self.ALICE, token=self.daemon.token)[1]["asked_by"], "owner")
        self.assertEqual(self.ask(0)[1]["role"], "owner")

    def test_users_groups_and_everybody(self):
        self.roles("%d:submit" % self.ALICE, "@%d:admin" % self.STAFF, "*:read")
        self.assertEqual([(said["asked_by"], said["role"]) for _, said in (self.ask(self.ALICE), self.ask(self.BOB))],
                         [("uid %d" % self.ALICE, "submit"), ("uid %d" % self.BOB, "read")])
        for how in ({"group": self.STAFF}, {"groups": [self.STAFF]}, {"groups": list(range(40000, 40100)) + [self.STAFF]}):
            self.assertEqual(self.ask(self.ALICE, **how)[1]["role"], "admin", how)
        self.assertEqual(self.ask(self.BOB, "POST", "/sweeps/none/cancel")[0], 403)
        self.assertEqual(self.ask(self.ALICE, "POST", "/sweeps/none/cancel")[0], 404)
        self.assertEqual(self.ask(self.ALICE, "GET", "/tokens")[0], 403)
        # What a token says holds, not who sends it.
        self.assertEqual(self.ask(self.ALICE, token="wrong")[0], 401)
        self.assertEqual(self.ask(self.ALICE, headers={"Origin": "http://localhost"})[0], 401)

    def test_names(self):
        nobody, group = pwd.getpwnam("nobody"), grp.getgrgid(pwd.getpwnam("nobody").pw_gid)
        self.roles("nobody:read", "@%s:submit" % group.gr_name)
        self.assertEqual(self.ask(nobody.pw_uid, group=self.BOB)[1]["role"], "read")
        self.assertEqual(self.ask(nobody.pw_uid, group=group.gr_gid)[1]["role"], "submit")

    def test_the_folder_keeps_out_who_is_not_even_to_connect(self):
        self.listen()
        os.chmod(self.place, 0o700)
        with socket.socket(socket.AF_UNIX) as tried:
            self.assertEqual(as_user(self.ALICE, self.ALICE, [], lambda: tried.connect(self.path) or "connected"), "PermissionError")


if __name__ == "__main__":
    harness.main()
