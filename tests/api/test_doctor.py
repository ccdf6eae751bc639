"""hyperdrive doctor: a healthy installation, and broken ones: what is said of each, and that nothing else is."""

import http.server
import json
import os
import shutil
import subprocess
import threading
import unittest

import harness
from fake_machine import FakeMachine, uuid
from harness import DaemonTest, wait_until
from test_tls import openssl

NAMES = ["address", "daemon", "token", "version", "database", "clock", "state folder", "secrets", "file system", "free space", "lock",
         "monitor", "configuration", "python3", "systemd", "limits", "leftovers", "devices", "run limits"]


def doctor(*options, environment=None):
    """Exit code, and name -> (result, message)."""
    done = subprocess.run([harness.COMMAND, "doctor", "--json", "--min-free", "0", *options], capture_output=True, text=True,
                          timeout=harness.DEADLINE, check=False, env={**harness.clean_environment(), **(environment or {})})
    assert done.stderr == "", done.stderr
    told = harness.read_json(done.stdout)
    found = {check["check"]: (check["result"], check["message"]) for check in told["checks"]}
    for result, member in (("fault", "faults"), ("warning", "warnings"), ("unknown", "unknown")):
        assert told[member] == sum(of == result for of, _ in found.values()), told
    assert done.returncode == (1 if told["faults"] else 0), (done.returncode, told)
    return done.returncode, found


class Doctor(DaemonTest):
    daemon_options = {"slots": 2}

    def examine(self, *options, **further):
        return doctor("--state-dir", self.daemon.state, *options, **further)

    def assertOnlyFault(self, name, message, *options, **further):
        code, found = self.examine(*options, **further)
        self.assertEqual(code, 1)
        self.assertEqual([check for check, (result, _) in found.items() if result == "fault"], [name], found)
        self.assertRegex(found[name][1], message)

    def test_a_healthy_installation(self):
        code, found = self.examine()
        self.assertEqual(code, 0, found)
        self.assertEqual(list(found), NAMES)
        # What the machine of the test is like is not the test's to say.
        for name in set(NAMES) - {"file system", "systemd", "limits", "configuration", "devices", "python3"}:
            self.assertEqual(found[name][0], "ok", (name, found[name]))
        self.assertIn(self.daemon.url, found["address"][1])

    def test_for_people(self):
        done = subprocess.run([harness.COMMAND, "doctor", "--min-free", "0", "--state-dir", self.daemon.state], capture_output=True, text=True,
                              timeout=harness.DEADLINE, check=False, env=harness.clean_environment())
        self.assertEqual(done.returncode, 0, done.stdout)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), len(NAMES))
        for name, line in zip(NAMES, lines):
            self.assertRegex(line, r"\A(ok|warning|unknown) +%s +\S" % name)

    def test_others_may_read(self):
        for path, mode, name, right in ((".", 0o755, "state folder", "chmod 0700"), ("token", 0o644, "secrets", "chmod 0600"),
                                        ("secret", 0o640, "secrets", "chmod 0600")):
            with self.subTest(path):
                path = os.path.join(self.daemon.state, path)
                before = os.stat(path).st_mode & 0o777
                os.chmod(path, mode)
                self.assertOnlyFault(name, r"mode %04o.*%s" % (mode, right))
                os.chmod(path, before)
        os.chmod(os.path.join(self.daemon.state, "token"), 0o640)  # a group that may use the daemon of the system
        self.assertEqual(self.examine()[0], 0)

    def test_a_folder_through_which_users_of_run_as_may_go(self):
        os.chmod(self.daemon.state, 0o711)
        self.assertEqual(self.examine()[1]["state folder"], ("ok", self.daemon.state + ", mode 0711"))

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_a_folder_that_was_given_away(self):
        os.chown(self.daemon.state, 65534, -1)
        self.assertOnlyFault("state folder", r"belongs to another user \(uid 65534\) than the daemon's \(uid 0\), which refuses it at its next "
                                             r"start; chown 0 ")

    def test_a_database_that_is_gone(self):
        self.finished_sweep()
        self.daemon.stop()
        path = os.path.join(self.daemon.state, "hyperdrive.db")
        aside = os.path.join(self.folder, "aside.db")
        os.rename(path, aside)
        found = self.examine()[1]
        self.assertEqual(found["database"], ("fault", "%s is missing, and runs are there: put it back, or a backup of it, before hyperdrived is "
                                                      "started" % path))
        os.rename(aside, path)
        self.daemon.start()

    def test_certificates_that_end(self):
        for days, result, sentence in ((3, "warning", "the certificate is valid until"), (60, "ok", "the configuration is right")):
            certificate, key = os.path.join(self.folder, "own.pem"), os.path.join(self.folder, "own.key")
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", str(days), "-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1")
            path = os.path.join(self.folder, "hyperdrived.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write("tls_certificate = %s\ntls_key = %s\ntls_ca = %s\n" % (certificate, key, certificate))
            self.daemon.restart(options=["--config", path])
            code, found = self.examine()
            self.assertEqual((code, found["configuration"][0]), (0, result), found)
            self.assertIn(sentence, found["configuration"][1])

    @unittest.skipUnless(os.geteuid() == 0, "only root makes mounts of its own, and is somebody else")
    def test_units_of_a_user(self):
        """On a machine that systemd runs, played by programs of our own."""
        programs, own = os.path.join(self.folder, "programs"), os.path.join(self.folder, "home", "hyperdrive")
        os.chmod(self.folder, 0o755)
        for folder in (programs, own):
            os.makedirs(folder)
        command = shutil.copy(harness.COMMAND, programs)
        for unit, linger, result, sentence in (
                (("loaded", "active", "enabled"), "yes", "ok", "this user's hyperdrived.service is active"),
                (("loaded", "active", "enabled"), "no", "warning", "ends with its children when you log out; loginctl enable-linger"),
                (("loaded", "active", "disabled"), "yes", "warning", "does not start with the machine; systemctl --user enable hyperdrived.service"),
                (("loaded", "active", "disabled\nTriggeredBy=hyperdrived.socket"), "yes", "ok", "is active"),
                (("loaded", "inactive", "disabled"), "yes", "warning", "is not active; systemctl --user enable --now"),
                (("loaded", "failed", "enabled"), "yes", "fault", "has failed; see: journalctl --user"),
                (("not-found", "inactive", ""), "yes", "ok", "there is no unit")):
            with self.subTest(unit=unit, linger=linger):
                for name, text in (("systemctl", "LoadState=%s\nActiveState=%s\nUnitFileState=%s" % unit), ("loginctl", "Linger=" + linger)):
                    path = os.path.join(programs, name)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write("#!/bin/sh\ncat <<END\n%s\nEND\n" % text)
                    os.chmod(path, 0o755)
                script = 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec setpriv --reuid 65534 --clear-groups "$@"'
                done = subprocess.run(["unshare", "--mount", "/bin/sh", "-c", script, "sh", command, "doctor", "--json", "--state-dir", own],
                                      capture_output=True, text=True, timeout=harness.DEADLINE, check=False, env={
                                          **harness.clean_environment(), "PATH": programs + ":" + os.environ["PATH"],
                                          "XDG_STATE_HOME": os.path.dirname(own)})
                if "unshare" in done.stderr or "mount" in done.stderr:
                    self.skipTest("no mounts of one's own here: " + done.stderr)
                told = {check["check"]: check for check in harness.read_json(done.stdout)["checks"]}["systemd"]
                self.assertEqual(told["result"], result, told)
                self.assertIn(sentence, told["message"])

    def test_a_dead_daemon_with_its_old_address(self):
        self.daemon.kill()
        code, found = self.examine()
        self.assertEqual(code, 1)
        self.assertEqual(found["daemon"][0], "fault")
        self.assertIn("no daemon answers at " + self.daemon.url, found["daemon"][1])
        self.assertEqual(found["lock"][0], "fault")
        self.assertIn("is of an earlier one; start hyperdrived", found["lock"][1])
        for name in ("token", "version", "database", "clock", "monitor", "limits", "leftovers", "devices", "run limits"):
            self.assertEqual(found[name][0], "unknown", name)
        self.daemon.start()
        self.assertEqual(self.examine()[0], 0)

    def test_a_wrong_token(self):
        with open(os.path.join(self.daemon.state, "token"), "w", encoding="utf-8") as file:
            file.write("x" * 64 + "\n")
        code, found = self.examine()
        self.assertEqual(code, 1)
        self.assertEqual(found["daemon"][0], "ok", "it answers")
        self.assertEqual(found["token"][0], "fault")
        self.assertIn("refuses the token of %s/token" % self.daemon.state, found["token"][1])

    def test_a_missing_token(self):
        os.rename(os.path.join(self.daemon.state, "token"), os.path.join(self.folder, "token"))
        code, found = self.examine()
        self.assertEqual(code, 1)
        self.assertRegex(found["address"][1], r"cannot read .*/token")
        self.assertRegex(found["secrets"][1], r"token is missing")

    def test_no_installation_at_all(self):
        code, found = doctor("--state-dir", os.path.join(self.folder, "nothing"))
        self.assertEqual(code, 1)
        self.assertEqual(found["address"][0], "fault")
        self.assertRegex(found["state folder"][1], "there is no folder")

    def test_little_space(self):
        self.assertOnlyFault("free space", r"MiB are free .*; delete ended sweeps", "--min-free", str(1 << 30))

    def test_a_missing_monitor(self):
        self.daemon.stop()
        monitor = os.path.join(self.folder, "monitor")
        shutil.copy(harness.MONITOR, monitor)
        self.daemon.start(options=["--monitor", monitor])
        self.assertEqual(self.examine()[0], 0)
        os.chmod(monitor, 0o644)
        self.assertOnlyFault("monitor", r"cannot be executed.*chmod 0755")
        os.unlink(monitor)
        self.assertOnlyFault("monitor", r"No such file.*no child can start")

    def test_a_faulty_configuration(self):
        self.daemon.stop()
        path = os.path.join(self.folder, "hyperdrived.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("slots = 2\n")
        self.daemon.start(options=["--config", path])
        self.assertEqual(self.examine()[1]["configuration"], ("ok", path + ": the configuration is right"))
        with open(path, "a", encoding="utf-8") as file:
            file.write("slot = 3\n")
        self.assertOnlyFault("configuration", r"hyperdrived.conf:2: there is no setting 'slot'; did you mean 'slots'\?")
        with open(path, "wb") as file:
            file.write(b"\xff = 3\n")
        self.assertOnlyFault("configuration", "hyperdrived.conf:1: there is no setting '\ufffd'")

    def test_python(self):
        """What children find is what the daemon's PATH has, whatever that of the command has."""
        programs = os.path.join(self.folder, "programs")
        os.mkdir(programs)

        def install(name):
            path = os.path.join(programs, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\necho Python 3.99\n")
            os.chmod(path, 0o755)

        self.daemon.restart(environment={"PATH": "/no/such:" + programs})
        os.mkdir(os.path.join(programs, "python"))  # no program
        code, found = self.examine()
        self.assertEqual((code, found["python3"]), (0, ("warning", "python3 is not found in the daemon's PATH, or does not run; "
                                                        "run_config.script needs it (a command does not)")))
        install("python3")
        self.assertEqual(self.examine()[1]["python3"], (
            "warning", "Python 3.99; but the daemon's PATH has no python, which the commands of many jobs call (they fail with exit code "
            "127): install python-is-python3, or write python3 in the command"))
        os.rmdir(os.path.join(programs, "python"))
        install("python")
        self.assertEqual(self.examine(environment={"PATH": "/no/such"})[1]["python3"], ("ok", "Python 3.99"))
        self.daemon.stop()
        self.assertRegex(self.examine(environment={"PATH": "/no/such"})[1]["python3"][1], "not found in PATH")

    def test_devices(self):
        machine = FakeMachine(self.folder)
        machine.nvidia(3)
        self.daemon.stop()
        self.daemon.start(options=machine.options)
        self.assertEqual(self.examine()[1]["devices"], ("ok", "3 GPUs, of which 0 are drained; 2 places for children"))
        self.assertEqual(self.client.request("PATCH", "/devices/" + uuid(1), {"state": "drained"}).status, 200)
        self.assertIn("of which 1 are drained", self.examine()[1]["devices"][1])
        machine.remove_nvidia(1)
        self.daemon.restart(options=[*machine.options, "--gpus", "0 7"])
        code, found = self.examine()
        self.assertEqual((code, found["devices"][0]), (0, "warning"), found["devices"])
        self.assertRegex(found["devices"][1], r"\b1 GPUs that were there before are not found any more")
        self.assertEqual(self.client.request("PATCH", "/devices/" + uuid(1), {"state": "active"}).status, 200)
        self.daemon.restart(options=[*machine.options, "--gpus", "0 7"])
        self.assertRegex(self.examine()[1]["devices"][1], r"7.*\(setting gpus; see: hyperdrive devices\)")

    def leftover(self, run_id, folder):
        process = subprocess.Popen(["/bin/sleep", "1000"], env={"HYPERDRIVE_RUN_ID": run_id, "HYPERDRIVE_RUN_DIR": folder})

        def end():
            process.kill()
            process.wait()
        self.addCleanup(end)
        wait_until(lambda: harness.command_line(process.pid)[:1] == ["/bin/sleep"], "the process")
        return process

    def test_limits_of_children(self):
        self.daemon.stop()
        self.daemon.start(options=["--cgroup", "no"])
        self.assertEqual(self.examine()[1]["run limits"],
                         ("ok", "none to be had: sweeps with memory_limit_mb, process_limit or cpu_limit are refused, since the setting 'cgroup' "
                                "of the daemon is 'no'"))
        tree = os.path.join(self.folder, "tree")  # as a delegated one looks from here
        os.mkdir(tree)
        for name, text in (("cgroup.controllers", "cpu memory pids"), ("cgroup.subtree_control", "cpu memory pids"), ("cgroup.procs", "")):
            with open(os.path.join(tree, name), "w", encoding="ascii") as file:
                file.write(text)
        self.daemon.stop()
        self.daemon.start(options=["--cgroup", tree])
        self.assertEqual(self.examine()[1]["run limits"], ("ok", "children can be held to memory_limit_mb, process_limit and cpu_limit"))

    def test_leftover_processes(self):
        sweep_id, runs = self.running_sweep()
        self.assertEqual(self.examine()[0], 0, "what runs is right to run")
        ended = self.finished_sweep(max_total_runs=1)["run_id"] + "_0"
        left = self.leftover(ended, self.daemon.run_folder(ended))
        self.assertOnlyFault("leftovers", r"1 process is left .*: %d of run %s, which has ended" % (left.pid, ended))
        unknown = self.leftover("nobody_0", os.path.join(self.daemon.state, "runs/nobody/0/0"))
        self.assertOnlyFault("leftovers", r"2 processes are left .*%d of run nobody_0, which the daemon does not know" % unknown.pid)
        left.kill()
        left.wait()
        unknown.kill()
        unknown.wait()
        self.leftover("nobody_0", "/elsewhere/runs/nobody/0/0")  # of another daemon
        self.assertEqual(self.examine()[0], 0)
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id)


class Elsewhere(unittest.TestCase):
    """A daemon of another machine, played by a server of our own: another version, another time."""

    def serve(self, version):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                body = json.dumps(version if self.path == "/api/v1/version" else {"sweeps": [], "next": None}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return "http://127.0.0.1:%d" % server.server_address[1]

    def test_another_version_and_another_time(self):
        url = self.serve({"name": "hyperdrived", "version": "99.0.0", "time_utc": "2001-02-03T04:05:06.000000Z", "state_dir": "/no/such",
                          "monitor": "/no/such", "configuration_file": None, "pid": 1, "store": {"schema": 9}})
        code, found = doctor("--url", url)
        self.assertEqual(code, 0, found)
        self.assertEqual(found["version"][0], "warning")
        self.assertRegex(found["version"][1], r"the daemon is 99\.0\.0, this command ")
        self.assertEqual(found["clock"][0], "warning")
        self.assertRegex(found["clock"][1], r"\d+ s behind")
        for name in ("state folder", "secrets", "file system", "free space", "lock", "monitor", "limits", "leftovers"):
            self.assertEqual(found[name][0], "unknown", name)

    def test_another_program(self):
        code, found = doctor("--url", self.serve({"name": "something"}))
        self.assertEqual((code, found["daemon"][0]), (1, "fault"))
        self.assertIn("does not answer as hyperdrived does", found["daemon"][1])


if __name__ == "__main__":
    harness.main()
