"""hyperdrived --check-config: whatever a start refuses because of the settings it refuses too, with file and line, and in the same words."""

import os
import subprocess
import unittest

import harness
from harness import DaemonTest
from test_tls import openssl

MISTAKE, DEPENDS = 2, 1


class CheckConfig(DaemonTest):
    autostart = False

    def at(self, name):
        return os.path.join(self.folder, name)

    def write(self, *lines):
        with open(self.at("conf"), "w", encoding="utf-8") as file:
            file.write("# settings\n\n" + "".join(line + "\n" for line in lines))

    def check(self, program=(harness.HYPERDRIVED,), **options):
        return subprocess.run([*program, "--config", self.at("conf"), "--check-config"], capture_output=True, text=True,
                              timeout=harness.DEADLINE, check=False, env=harness.clean_environment(), **options)

    def assertRefused(self, line, sentence, *lines, code=MISTAKE, started=MISTAKE):
        """By the check and by the start, in line `line` of the settings' own ones."""
        self.write(*lines, "monitor = " + harness.MONITOR, "state_dir = " + self.daemon.state)
        said = self.check()
        self.assertEqual((said.returncode, said.stdout), (code, ""), said)
        self.assertTrue(said.stderr.startswith("hyperdrived: %s:%d: " % (self.at("conf"), 2 + line)), said.stderr)
        self.assertIn(sentence, said.stderr)
        process = subprocess.run([harness.HYPERDRIVED, "--config", self.at("conf")], capture_output=True, text=True,
                                 timeout=harness.DEADLINE, check=False, env=harness.clean_environment())
        self.assertEqual(process.returncode, started, process)
        self.assertIn(sentence, process.stderr)

    def certificate(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.at(name + ".key"),
                "-out", self.at(name + ".pem"), "-days", "30", "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1")
        return self.at(name + ".pem"), self.at(name + ".key")

    def test_what_is_right(self):
        certificate, key = self.certificate("own")
        self.write("tls_certificate = " + certificate, "tls_key = " + key, "tls_ca = " + certificate, "listen = 0.0.0.0:8700",
                   "socket_access = root:admin @root:read *:read", "state_dir = " + self.at("a/b/c"), "monitor = " + harness.MONITOR)
        said = self.check()
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, self.at("conf") + ": the configuration is right\n", ""))
        self.assertFalse(os.path.exists(self.at("a")), "a check must not leave anything behind")

    def test_certificates(self):
        certificate, key = self.certificate("own")
        _, other = self.certificate("other")
        for line, sentence, lines in (
                (1, "cannot read %s (setting 'tls_certificate'): No such file" % self.at("none"),
                 ("tls_certificate = " + self.at("none"), "tls_key = " + key)),
                (2, "cannot read %s (setting 'tls_key'): No such file" % self.at("none"),
                 ("tls_certificate = " + certificate, "tls_key = " + self.at("none"))),
                (1, "the private key in %s does not belong to the first certificate" % other,
                 ("tls_certificate = " + certificate, "tls_key = " + other)),
                (1, "'tls_key' is missing", ("tls_certificate = " + certificate,)),
                (2, "'tls_certificate' is missing", ("slots = 3", "tls_key = " + key)),
                (1, "'tls_ca' is of no use", ("tls_ca = " + certificate,)),
                (3, "(setting 'tls_ca') is no PEM file of certificates",
                 ("tls_certificate = " + certificate, "tls_key = " + key, "tls_ca = " + key))):
            with self.subTest(sentence):
                self.assertRefused(line, sentence, *lines)

    def test_certificate_that_cannot_be_read_now(self):
        """That may pass, as a disk or a network that does not answer: a service manager is to start the daemon again."""
        _, key = self.certificate("own")
        self.assertRefused(1, "cannot read /proc/self/mem (setting 'tls_certificate'): Input/output error",
                           "tls_certificate = /proc/self/mem", "tls_key = " + key, code=DEPENDS, started=DEPENDS)

    def test_addresses(self):
        os.mkdir(self.at("open"))
        os.chmod(self.at("open"), 0o777)
        for address, sentence in (("0.0.0.0:8700", "where others can reach it"), ("[::]:0", "where others can reach it"),
                                  ("unix:/" + "x" * 120, "at most 107 bytes"), ("unix:" + self.at("none/socket"), "No such file"),
                                  ("unix:" + self.at("open/socket"), "others may change what lies in"),
                                  ("unix:" + self.at("conf"), "something else than a socket"),
                                  ("localhost:8700", "'listen' must be ADDRESS:PORT in numbers")):
            with self.subTest(address):
                self.assertRefused(2, sentence, "slots = 1", "listen = " + address)

    def test_names(self):
        self.assertRefused(1, "'socket_access': this machine has no user 'nobody-of-this-name'", "socket_access = nobody-of-this-name:read")
        self.assertRefused(1, "'socket_access': this machine has no group 'no-such-group'", "socket_access = *:read @no-such-group:read")
        if os.geteuid() == 0:
            sentence = "'run_as_users': there is no user 'nobody-of-this-name' on this machine"
            self.write("run_as_users = root nobody-of-this-name", "monitor = " + harness.MONITOR)
            said = self.check()
            self.assertEqual((said.returncode, said.stderr), (MISTAKE, "hyperdrived: %s:3: %s\n" % (self.at("conf"), sentence)))
            self.daemon.start(options=["--config", self.at("conf")])  # the account of one is no reason to leave the sweeps of others alone
            self.assertIn("warning: %s: sweeps that are to run as this user are refused" % sentence, self.daemon.log())
        else:
            self.assertRefused(1, "'run_as_users' needs a daemon that runs as root", "run_as_users = root", code=DEPENDS)

    def test_places(self):
        self.write()
        self.assertRefused(1, "cannot make control groups below '%s' (setting 'cgroup')" % self.folder, "cgroup = " + self.folder)
        self.assertRefused(1, "cannot make control groups below '/sys/fs/cgroup/none' (setting 'cgroup')", "cgroup = /sys/fs/cgroup/none")
        self.daemon.state = self.at("conf/state")
        self.assertRefused(2, "%s is no folder, and so the state folder cannot be there" % self.at("conf"))
        self.daemon.state = self.at("conf")
        self.assertRefused(2, "%s is no folder, and so the state folder cannot be there" % self.at("conf"))

    def test_a_monitor_that_is_not_there(self):
        """As in the middle of an upgrade: the start is tried again."""
        self.write("monitor = " + self.at("none"), "state_dir = " + self.daemon.state)
        said = self.check()
        self.assertEqual(said.returncode, DEPENDS, said)
        self.assertIn("%s:3: cannot execute the monitor %s" % (self.at("conf"), self.at("none")), said.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_by_another_user(self):
        """What he may not see need not be wrong."""
        certificate, key = self.certificate("own")
        os.chmod(self.folder, 0o755)
        os.chmod(key, 0o600)
        program = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", harness.HYPERDRIVED)
        self.write("run_as_users = root", "state_dir = " + self.daemon.state)
        if self.check(program).returncode == 126:
            self.skipTest("the build is not to be reached by another user")
        for lines, sentence in ((("run_as_users = root",), "needs a daemon that runs as root"),
                                (("tls_certificate = " + certificate, "tls_key = " + key), "Permission denied"),
                                ((), "cannot make a folder in %s: Permission denied" % self.folder)):
            with self.subTest(sentence):
                self.write(*lines, "state_dir = " + self.daemon.state)
                said = self.check(program)
                self.assertEqual(said.returncode, DEPENDS, said)
                self.assertIn(sentence, said.stderr)


if __name__ == "__main__":
    harness.main()
