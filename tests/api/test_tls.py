"""HTTPS: who verifies what, what is refused at the start, what an attacker finds on the socket, and a new certificate at SIGHUP."""

import os
import signal
import socket
import ssl
import subprocess

import harness
from harness import DaemonTest, wait_until

REPORT_POINT = os.path.join(harness.FIXTURES, "report_point")


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Certified(DaemonTest):
    autostart = False

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, names="IP:127.0.0.1", days=30):
        """A certificate that vouches for itself: (its file, the file of its key)."""
        certificate, key = self.path(name + ".pem"), self.path(name + ".key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                "-days", str(days), "-subj", "/CN=" + name, "-addext", "subjectAltName=" + names)
        os.chmod(key, 0o600)
        return certificate, key

    def options(self, certificate, key, authorities=None):
        return ["--tls-certificate", certificate, "--tls-key", key, *(["--tls-ca", authorities] if authorities else [])]

    def start_certified(self, **options):
        certificate, key = self.make("own")
        self.daemon.start(options=self.options(certificate, key, certificate), **options)
        return certificate

    def shown(self, address=None):
        """The certificate that a new connection is shown."""
        host, _, port = (address or self.client.address).rpartition(":")
        return ssl.get_server_certificate((host, int(port)))

    def command(self, *arguments, **environment):
        return subprocess.run([harness.COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=harness.DEADLINE, check=False, env={**harness.clean_environment(), **environment})


class Use(Certified):
    def test_address_command_and_children(self):
        certificate = self.start_certified()
        self.assertRegex(self.daemon.url, r"^https://127\.0\.0\.1:\d+$")
        self.assertNotIn("warning", self.daemon.log())
        with open(os.path.join(self.daemon.state, "ca.pem"), encoding="utf-8") as copy, open(certificate, encoding="utf-8") as original:
            self.assertEqual(copy.read(), original.read())
        said = self.command("list", "--state-dir", self.daemon.state)
        self.assertIn("no sweeps yet", said.stdout + said.stderr)
        said = self.command("list", HYPERDRIVE_URL=self.daemon.url, HYPERDRIVE_TOKEN=self.daemon.token)
        self.assertEqual(said.returncode, 6, "a certificate that nobody has vouched for")
        self.assertIn("does not prove to be that daemon", said.stderr)
        self.assertIn("HYPERDRIVE_CA_FILE", said.stderr)
        said = self.command("list", HYPERDRIVE_URL=self.daemon.url, HYPERDRIVE_TOKEN=self.daemon.token, HYPERDRIVE_CA_FILE=certificate)
        self.assertIn("no sweeps yet", said.stdout + said.stderr)
        program = ('test "$HYPERDRIVE_CA_FILE" = "%s/ca.pem" && "%s" report Accuracy=0.25 && "%s" 0.75'
                   % (self.daemon.state, harness.COMMAND, REPORT_POINT))
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": ["/bin/sh", "-c", program]})
        self.assertEqual(sweep["status"], "Completed", self.children(sweep["run_id"]))
        self.assertEqual(self.children(sweep["run_id"])[0]["best_primary_metric"], 0.75)

    def test_large_bodies_answers_and_streams(self):
        self.start_certified()
        sweep_id, (run_id,) = self.running_sweep()
        points = [{"name": "Accuracy", "value": number + 0.123456789, "step": number} for number in range(10000)]
        for batch in range(3):
            response = self.client.post("/runs/%s/metrics" % run_id, {"metrics": points, "reporter": "r", "sequence": batch + 1})
            self.assertEqual(response.status, 200, response.body)
        answer = self.client.get("/runs/%s/metrics" % run_id, form="points")
        self.assertEqual(answer.status, 200)
        self.assertGreater(len(answer.body), 1 << 20, "one that comes from a file")
        follower = subprocess.Popen([harness.COMMAND, "events", "-f", sweep_id, "--state-dir", self.daemon.state], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, text=True, env=harness.clean_environment())
        with follower:
            first = follower.stdout.readline()
            self.assertTrue(first, "the stream has begun")
            self.gates.release(run_id)
            rest = follower.stdout.read()
        self.assertEqual(follower.wait(), 0)
        self.assertIn("Completed", rest)

    def test_children_of_a_daemon_that_they_cannot_verify_keep_their_reports(self):
        """Nothing is sent to whoever that is; the daemon takes in what lies in the run's own folder."""
        certificate, key = self.make("other", "DNS:gpu1.lab.example")
        self.daemon.start(options=self.options(certificate, key, certificate))
        self.assertIn("warning: the certificate is not made out to 127.0.0.1", self.daemon.log())
        command = ["/bin/sh", "-c", '"%s" report Accuracy=0.25 2>"$HYPERDRIVE_RUN_DIR/logs/said"; echo $?; ls "$HYPERDRIVE_RUN_DIR/spool"' % harness.COMMAND]
        self.daemon.client = harness.Client(self.daemon.url, self.daemon.token, certificate, "gpu1.lab.example")
        sweep = self.finished_sweep(max_total_runs=1, run_config={"command": command})
        run_id = sweep["run_id"] + "_0"
        said = self.client.get("/runs/%s/logs/logs/said" % run_id).body.decode()
        self.assertIn("127.0.0.1", said)
        self.assertIn("kept", said)
        log = self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id).body.decode()
        self.assertRegex(log, r"^0\nreport-[0-9a-f]{32}\.1\.json\n$")
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], 0.25)

    def test_the_address_has_a_name_that_the_certificate_has(self):
        certificate, key = self.make("named", "DNS:localhost")
        self.daemon.start(options=[*self.options(certificate, key, certificate), "--allowed-hosts", "gpu1.lab.example localhost"])
        self.assertRegex(self.daemon.url, r"^https://localhost:\d+$")
        self.assertNotIn("warning", self.daemon.log())
        said = self.command("list", "--state-dir", self.daemon.state)
        self.assertIn("no sweeps yet", said.stdout + said.stderr)

    def test_others_may_be_served(self):
        certificate, key = self.make("own")
        code, said = self.daemon.refused(listen="0.0.0.0:0")
        self.assertEqual(code, 2)
        self.assertIn("the daemon is to listen where others can reach it, and read tokens on the way: give 'tls_certificate'", said)
        self.daemon.start(listen="0.0.0.0:0", options=self.options(certificate, key, certificate))
        self.assertRegex(self.daemon.url, r"^https://127\.0\.0\.1:\d+$")
        self.assertEqual(self.client.get("//readyz").status, 200)
        self.daemon.stop()
        self.daemon.start(listen="0.0.0.0:0", options=["--allow-plaintext", "yes"])
        self.assertRegex(self.daemon.url, r"^http://127\.0\.0\.1:\d+$")
        self.assertFalse(os.path.exists(os.path.join(self.daemon.state, "ca.pem")), "it would be of no use any more")
        self.assertEqual(self.client.get("//readyz").status, 200)


class Start(Certified):
    def assertRefused(self, certificate, key, sentence, authorities=None):
        code, said = self.daemon.refused(options=self.options(certificate, key, authorities))
        self.assertEqual(code, 2, said)
        self.assertIn("error: " + sentence, said)

    def test_files_that_are_none(self):
        certificate, key = self.make("own")
        _, other_key = self.make("other")
        missing, text = self.path("missing"), self.path("text")
        with open(text, "w", encoding="utf-8") as file:
            file.write("no certificate\n")
        self.assertRefused(missing, key, "cannot read %s (setting 'tls_certificate'): No such file or directory" % missing)
        self.assertRefused(certificate, missing, "cannot read %s (setting 'tls_key'): No such file or directory" % missing)
        self.assertRefused(certificate, self.folder, "cannot read %s (setting 'tls_key'): Is a directory" % self.folder)
        self.assertRefused(text, key, "%s (setting 'tls_certificate') is no PEM file of at most 16 certificates: " % text)
        os.chmod(text, 0o600)
        self.assertRefused(certificate, text, "%s (setting 'tls_key') is no PEM file of a private key without a password: " % text)
        self.assertRefused(certificate, other_key, "the private key in %s does not belong to the first certificate in %s" % (other_key, certificate))
        self.assertRefused(certificate, key, "%s (setting 'tls_ca') is no PEM file of certificates: " % text, text)
        os.chmod(key, 0o604)
        self.assertRefused(certificate, key, "everybody can read %s (setting 'tls_key'), which is a secret: chmod o= %s" % (key, key))
        os.chmod(key, 0o640)
        self.daemon.start(options=self.options(certificate, key, certificate))

    def test_a_key_with_a_password(self):
        certificate, key = self.make("own")
        locked = self.path("locked.key")
        openssl("ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked)
        self.assertRefused(certificate, locked, "%s (setting 'tls_key') is no PEM file of a private key without a password: " % locked)

    def test_settings_that_need_each_other(self):
        certificate, key = self.make("own")
        for options, sentence in ((["--tls-certificate", certificate], "'tls_certificate' and 'tls_key' need each other: 'tls_key' is missing"),
                                  (["--tls-key", key], "'tls_certificate' and 'tls_key' need each other: 'tls_certificate' is missing"),
                                  (["--tls-ca", certificate], "'tls_ca' is of no use without 'tls_certificate' and 'tls_key'")):
            code, said = self.daemon.refused(options=options)
            self.assertEqual(code, 2)
            self.assertIn(sentence, said)

    def test_out_of_date(self):
        certificate, key = self.make("old")
        request = self.path("old.request")
        openssl("req", "-new", "-key", key, "-out", request, "-subj", "/CN=old")
        openssl("x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", certificate)
        self.daemon.start(options=self.options(certificate, key))
        self.assertRegex(self.daemon.log(), r"warning: the certificate is out of date since \d{4}-\d\d-\d\d: clients will refuse it")
        self.daemon.preset = True  # it cannot be asked to cancel what runs, and nothing does

    def test_soon_out_of_date(self):
        certificate, key = self.make("brief", days=3)
        self.daemon.start(options=self.options(certificate, key, certificate))
        self.assertRegex(self.daemon.log(), r"warning: the certificate is valid until \d{4}-\d\d-\d\d; a new one is taken at SIGHUP")


class Attack(Certified):
    def connect(self):
        host, _, port = self.client.address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=harness.DEADLINE)

    def ended(self, peer):
        """What still comes until the daemon has closed."""
        said = b""
        try:
            while True:
                piece = peer.recv(4096)
                if not piece:
                    return said
                said += piece
        except ConnectionResetError:
            return said

    def test_plain_requests_get_no_answer(self):
        self.start_certified()
        with self.connect() as peer:
            peer.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertNotIn(b"HTTP/", self.ended(peer))
        self.assertEqual(self.client.get("//readyz").status, 200)

    def test_broken_protocols_are_refused(self):
        self.start_certified()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with self.connect() as peer, self.assertRaises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(peer)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.minimum_version = context.maximum_version = version
            with self.connect() as peer, context.wrap_socket(peer) as secure:
                secure.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                self.assertIn(b" 200 ", secure.recv(4096))

    def test_who_is_late_is_closed_without_a_word(self):
        """Before the handshake, in it, and behind it: what is written past TLS would look like an attack to the client."""
        certificate = self.start_certified_in_haste()
        with self.connect() as silent, self.connect() as halfway, self.connect() as late:
            halfway.sendall(bytes.fromhex("16030100c8010000c40303"))  # the beginning of a ClientHello
            secure = ssl.create_default_context(cafile=certificate).wrap_socket(late, server_hostname="127.0.0.1")
            secure.sendall(b"GET /readyz HTTP/1.1\r\nHost: loc")
            self.assertEqual(self.ended(silent), b"")
            self.assertNotIn(b"HTTP/", self.ended(halfway))
            with secure:
                try:
                    said = secure.recv(4096)
                except (ssl.SSLEOFError, ConnectionResetError):
                    said = b""
                self.assertEqual(said, b"")
        self.assertEqual(self.client.get("//readyz").status, 200)

    def start_certified_in_haste(self):
        certificate, key = self.make("own")
        self.daemon.start(options=[*self.options(certificate, key, certificate), "--header-timeout", "1 s"])
        return certificate

    def test_many_that_break_off_leave_nothing(self):
        self.start_certified()
        descriptors = "/proc/%d/fd" % self.daemon.process.pid
        before = len(os.listdir(descriptors))
        for number in range(60):
            with self.connect() as peer:
                peer.sendall((b"", b"\x16\x03\x01", bytes.fromhex("16030100c8010000c40303"), b"\x80" * 300)[number % 4])
        wait_until(lambda: len(os.listdir(descriptors)) <= before, "the end of all connections")
        self.assertEqual(self.client.get("//readyz").status, 200)


class Reload(Certified):
    def setUp(self):
        super().setUp()
        self.configuration = self.path("hyperdrived.conf")
        self.daemon.options += ["--config", self.configuration]

    def configure(self, text):
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(text)

    def reload(self, text=None):
        if text is not None:
            self.configure(text)
        begin = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.await_notice("RELOADING=1")
        self.daemon.await_notice("READY=1")
        return self.daemon.log()[begin:]

    def test_a_new_certificate_under_the_same_name(self):
        certificate, key = self.make("own")
        self.configure("tls_certificate = %s\ntls_key = %s\ntls_ca = %s\n" % (certificate, key, certificate))
        self.daemon.start()
        first = self.shown()
        context = ssl.create_default_context(cafile=certificate)
        host, _, port = self.client.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=harness.DEADLINE) as peer, \
                context.wrap_socket(peer, server_hostname=host) as kept:
            self.make("own")
            self.assertEqual(self.shown(), first, "it is read at SIGHUP, not by chance")
            self.assertNotIn("error", self.reload())
            self.assertNotEqual(self.shown(), first)
            self.assertEqual(self.client.get("//readyz").status, 200, "verified by the new ca.pem")
            kept.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b" 200 ", kept.recv(4096), "a connection goes on as it has begun")

    def test_a_faulty_one_changes_nothing(self):
        certificate, key = self.make("own")
        _, other_key = self.make("other")
        text = "tls_certificate = %s\ntls_key = %s\ntls_ca = %s\n" % (certificate, key, certificate)
        self.configure(text)
        self.daemon.start()
        first = self.shown()
        said = self.reload("tls_certificate = %s\ntls_key = %s\ntls_ca = %s\nbody_limit = 1 MiB\n" % (certificate, other_key, certificate))
        self.assertIn("the settings stay as they were: the private key in %s does not belong" % other_key, said)
        self.assertEqual(self.shown(), first)
        said = self.reload("body_limit = 1 MiB\n")
        self.assertIn("whether there is a 'tls_certificate' cannot change while the daemon runs", said)
        self.assertNotIn("taken", said)
        said = self.reload(text + "body_limit = 1 MiB\n")
        self.assertIn("taken: body_limit", said)
        self.assertEqual(self.client.get("//readyz").status, 200)


if __name__ == "__main__":
    harness.main()
