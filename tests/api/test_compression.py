"""gzip: long answers come compressed to who asks for it, and are the same; short ones, logs and refusals never do."""

import gzip
import http.client
import http.server
import subprocess
import threading
import unittest

import harness
from harness import DaemonTest, read_json

POINTS = 10000  # of a batch


class Compression(DaemonTest):
    def fetch(self, path, accepts, method="GET", **headers):
        """An answer as it came; the client of the other tests reads only what is not compressed."""
        connection = http.client.HTTPConnection(self.client.address, timeout=harness.DEADLINE)
        self.addCleanup(connection.close)
        headers["Authorization"] = "Bearer " + self.daemon.token
        if accepts is not None:
            headers["Accept-Encoding"] = accepts
        connection.request(method, "/api/v1" + path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        self.assertEqual(int(answer.headers.get("Content-Length", 0)), len(body) if method == "GET" else int(answer.headers["Content-Length"]))
        return harness.Response(answer.status, answer.headers, body)

    def reported(self, batches):
        sweep_id, runs = self.running_sweep()
        for batch in range(batches):
            points = [{"name": "Accuracy", "value": 1 / (1 + batch * POINTS + i), "step": i} for i in range(POINTS)]
            self.assertEqual(self.client.post("/runs/%s/metrics" % runs[0], {"metrics": points}).status, 200)
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id)
        return sweep_id, runs[0]

    def assertCompressed(self, response, plain):
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        self.assertEqual(response.headers["Vary"], "Accept-Encoding")
        self.assertLess(len(response.body), len(plain) / 2)
        self.assertEqual(gzip.decompress(response.body), plain)

    def test_long_answers(self):
        """One that is held in memory, and one that goes through a file."""
        _, run_id = self.reported(4)
        for path in ("/runs/%s/metrics" % run_id, "/runs/%s/metrics?form=points" % run_id):
            with self.subTest(path):
                plain = self.fetch(path, None)
                self.assertNotIn("Content-Encoding", plain.headers)
                self.assertEqual(plain.headers["Vary"], "Accept-Encoding")
                self.assertEqual(len(next(iter(read_json(plain.body).values()))["Accuracy"]), 4 * POINTS)
                packed = self.fetch(path, "gzip")
                self.assertCompressed(packed, plain.body)
                head = self.fetch(path, "gzip", "HEAD")
                self.assertEqual((head.headers["Content-Encoding"], head.headers["Content-Length"]), ("gzip", str(len(packed.body))))
        self.assertGreater(len(plain.body), 1 << 20)

    def test_the_description_of_all_answers(self):
        plain, packed = (self.fetch("/openapi.yaml", accepts) for accepts in (None, "gzip"))
        self.assertCompressed(packed, plain.body)
        self.assertEqual(packed.headers["Content-Type"], "application/yaml")

    def test_who_asks_for_it(self):
        _, run_id = self.reported(1)
        path = "/runs/%s/metrics" % run_id
        for accepts, compressed in (
                (None, False), ("", False), ("identity", False), ("br, deflate", False), ("gzip", True), ("GZIP", True), ("x-gzip", True),
                ("deflate, gzip;q=1.0, *;q=0.5", True), ("*", True), ("*;q=0", False), ("gzip;q=0", False), ("gzip;q=0, *", False),
                ("gzip;q=0.000", False), ("gzip;q=0.001", True), ("gzip;q=0.5, identity", False), ("gzip;q=0.5, identity;q=0.5", True),
                ("identity;q=0.9, gzip ; q=1", True), ("identity;q=0, gzip;q=0.1", True), ("gzip;q=", False), ("gzip;q=x", False),
                ("gzipped", False), (";q=1", False), (",,, ,", False), ("br;q=1,gzip;q=0.8", True)):
            with self.subTest(accepts):
                response = self.fetch(path, accepts)
                self.assertEqual(response.headers.get("Content-Encoding"), "gzip" if compressed else None)
                self.assertEqual(response.headers["Vary"], "Accept-Encoding")

    def test_tags(self):
        _, run_id = self.reported(1)
        path = "/runs/%s/metrics" % run_id
        plain, packed = self.fetch(path, None), self.fetch(path, "gzip")
        self.assertEqual(packed.headers["ETag"], plain.headers["ETag"][:-1] + '-gzip"', "other bytes have another strong tag")
        for known in (plain, packed):
            for accepts in (None, "gzip"):
                response = self.fetch(path, accepts, **{"If-None-Match": known.headers["ETag"]})
                self.assertEqual((response.status, response.body), (304, b""))
                self.assertEqual(response.headers["ETag"], known.headers["ETag"])
                self.assertEqual(response.headers["Vary"], "Accept-Encoding")

    def test_what_is_never_compressed(self):
        sweep_id, run_id = self.reported(1)
        for path, status in (("/sweeps/" + sweep_id, 200), ("/runs/" + run_id, 200), ("/sweeps/nobody/metrics", 404)):
            response = self.fetch(path, "gzip")
            self.assertEqual((response.status, response.headers.get("Content-Encoding")), (status, None))
        sweep_id = self.finished_sweep(run_config={"command": ["/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"]},
                                       max_total_runs=1)["run_id"]
        path = "/runs/%s_0/logs/user_logs/std_log.txt" % sweep_id
        whole = self.fetch(path, "gzip")
        self.assertEqual((whole.headers.get("Content-Encoding"), len(whole.body)), (None, 300000))
        part = self.fetch(path, "gzip", Range="bytes=1000-1999")
        self.assertEqual((part.status, part.headers.get("Content-Encoding"), len(part.body)), (206, None, 1000))


class Command(unittest.TestCase):
    """The hyperdrive command asks for it where the daemon is on another machine."""

    def serve(self):
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                asked.append(self.headers.get("Accept-Encoding"))
                body = b'{"a":"%s"}' % (b"x" * 100000)
                packed = asked[-1] is not None
                body = gzip.compress(body) if packed else body
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if packed:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server.server_address[1], asked

    def test_only_from_far_away(self):
        port, asked = self.serve()
        for host in ("127.0.0.1", "0.0.0.0"):  # the second reaches this machine too, but does not look so
            done = subprocess.run([harness.COMMAND, "--url", "http://%s:%d" % (host, port), "config", "--json", "HD_1"], capture_output=True,
                                  text=True, timeout=harness.DEADLINE, check=False, env=harness.clean_environment())
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(read_json(done.stdout), {"a": "x" * 100000})
        self.assertEqual(asked, [None, "gzip"])


if __name__ == "__main__":
    harness.main()
