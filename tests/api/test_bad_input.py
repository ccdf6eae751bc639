"""Input that nobody should send: never a crash, a hang or a 500, and always the one shape of errors.

What is random here comes from fixed seeds, so that a failure can be had again.
"""

import http.client
import json
import random
import re
import select
import socket
import time

import harness
from harness import Client, DaemonTest, check_error_shape, wait_until


def mutate(data, chance):
    """A few of: a byte changed, a piece cut out, doubled, moved, or replaced by something that parsers dislike."""
    pieces = [b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\"", b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"-", b"00", b"NaN",
              b"null", b"{}", b"9007199254740993", b"1e-400", b"\r\n", b" " * 300, b"%", b"${{", b"\xef\xbb\xbf", b"a" * 2000, b"[" * 70, b"-1", b"1.0"]
    data = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at, other = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        other = min(other, at + 40)
        kind = chance.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at:other]
        elif kind == 2:
            data[at:at] = data[at:other]
        elif kind == 3:
            data[at:other] = chance.choice(pieces)
        else:
            piece = bytes(data[at:other])
            del data[at:other]
            where = chance.randrange(len(data) + 1)
            data[where:where] = piece
    return bytes(data)


class BadInput(DaemonTest):
    def connection(self):
        connection = http.client.HTTPConnection(self.client.address, timeout=harness.DEADLINE)
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection, method, path, raw=None, token=None, **headers):
        sent = {"Authorization": "Bearer " + (token or self.client.token), **headers}
        if raw is not None:
            sent["Content-Type"] = "application/json"
        connection.request(method, path, body=raw, headers=sent)
        answer = connection.getresponse()
        response = harness.Response(answer.status, answer.headers, answer.read())
        if not 200 <= response.status < 300 and method != "HEAD":
            check_error_shape(response, "%s %s %r" % (method, path, (raw or b"")[:2000]))
        return response

    def assertAlive(self):
        self.assertEqual(self.client.request("GET", "//healthz").status, 200)


class Bodies(BadInput):
    def test_damaged_specifications(self):
        chance = random.Random(1)
        whole = json.dumps(self.specification(
            display_name="d\u00e4", tags={"a": "b"}, max_concurrent_runs=1, trial_timeout_seconds=5, max_duration_minutes=1.5,
            hyperparameter_sampling={"type": "random", "seed": 7, "parameter_space": {
                "--lr": {"type": "loguniform", "min_value": -5, "max_value": 0.5}, "n": ["qnormal", [1, 2, 0.5]],
                "net": {"type": "choice", "values": [{"k": ["randint", [5]]}, "x", 1.0, None]}}},
            run_config={"command": ["/bin/true", "${{search_space.n}}"], "environment_variables": {"A": "{inputs.n}"}}), ensure_ascii=False).encode()
        connection = self.connection()
        statuses = {self.ask(connection, "POST", "/api/v1/sweeps", mutate(whole, chance)).status for _ in range(600)}
        self.assertEqual(statuses, {201, 400})
        for sweep in self.daemon.sweeps():
            self.assertSame(self.client.read("/sweeps/%s/config" % sweep["run_id"]), self.sweep(sweep["run_id"])["config"])

    def test_damaged_reports(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        chance = random.Random(2)
        whole = json.dumps({"reporter": "r", "sequence": 1, "metrics": [
            {"name": "Accuracy", "value": 0.5, "step": 3, "time": "2026-02-07T06:39:33.034036Z"}, {"name": "l", "value": [1, 2.5, "NaN", None]},
            {"name": "t", "value": {"a": [1, 2], "b": ["x", True]}, "kind": "table"}, {"name": "i", "value": "outputs/a.png", "kind": "image"}]}).encode()
        connection = self.connection()
        path = "/api/v1/runs/%s/metrics" % run_id
        statuses = {self.ask(connection, "POST", path, mutate(whole, chance)).status for _ in range(600)}
        self.assertLessEqual(statuses, {200, 400, 409})
        self.assertLessEqual({200, 400}, statuses)
        for form in ("", "?form=list", "?form=points"):
            self.assertIsInstance(self.ask(connection, "GET", path + form).json, dict)
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)

    def test_nobody_waits_while_a_large_body_is_read(self):
        body = b'{"x":[' + b"0," * (1 << 21) + b"0]}"
        connection, other = self.connection(), self.connection()
        began = time.monotonic()
        connection.request("POST", "/api/v1/sweeps", body=body,
                           headers={"Authorization": "Bearer " + self.client.token, "Content-Type": "application/json"})
        longest = 0
        while not select.select([connection.sock], [], [], 0)[0]:
            asked = time.monotonic()
            self.assertEqual(self.ask(other, "GET", "/healthz").status, 200)
            longest = max(longest, time.monotonic() - asked)
        self.assertEqual(connection.getresponse().status, 400)
        whole = time.monotonic() - began
        self.assertGreater(longest, 0, "nobody asked")
        self.assertLess(longest, whole / 2, "one question waited for %.3f of %.3f seconds" % (longest, whole))

    def test_rows_with_very_many_columns(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        row = {"c%d" % column: column for column in range(100000)}
        for _ in range(2):
            self.assertEqual(self.report(run_id, "wide", row)["accepted"], 1)
        metrics = self.client.read("/runs/%s/metrics" % run_id)["metrics"]
        self.assertEqual(metrics["wide"], {name: [value, value] for name, value in row.items()})
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)

    def test_a_run_with_very_many_names(self):
        """Its reports keep the writer, and with it everybody who writes: new names must not cost more and more."""
        sweep_id, (run_id,) = self.running_sweep(1)
        names = ["n%d" % number for number in range(20000)]

        def seconds(part):
            began = time.monotonic()
            response = self.client.post("/runs/%s/metrics" % run_id, {"metrics": [{"name": name, "value": 1} for name in part]})
            self.assertEqual(response.status, 200, response.body)
            return time.monotonic() - began
        seconds(names[:10000])
        new = seconds(names[10000:])
        again = seconds(names[10000:])
        self.assertLess(new, 5 * again + 1, "10,000 new names against 10,000 known ones")
        metrics = self.client.read("/runs/%s/metrics" % run_id)["metrics"]
        self.assertEqual(list(metrics), names)
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)

    def test_names_with_every_character(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        names = [chr(code) for code in (*range(1, 256), 0x2028, 0xd7ff, 0xe000, 0xfffe, 0xffff, 0x10000, 0x10ffff)]
        self.assertEqual(self.client.post("/runs/%s/metrics" % run_id, {"metrics": [{"name": name, "value": name} for name in names]}).status, 200)
        self.assertSame(self.client.read("/runs/%s/metrics" % run_id)["metrics"], {name: name for name in names})
        self.assertError(self.client.post("/runs/%s/metrics" % run_id, {"name": "a\0b", "value": 1}), 400)
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id)


class Addresses(BadInput):
    def test_ids(self):
        connection = self.connection()
        ids = ["%2f", "..", ".", "%2e%2e", "%20", "x" * 5000, "%f0%9f%92%a5", "'", "%27%20OR%201=1--", "%22", "HD_", "_", "_0", "-1", "NULL", "*", "%25s%25n",
               "x%0d%0aSet-Cookie:%20a", "HD_%e2%80%ae"]
        for path in ("/api/v1/sweeps/%s", "/api/v1/sweeps/%s/best", "/api/v1/sweeps/%s/log", "/api/v1/runs/%s", "/api/v1/runs/%s/metrics",
                     "/api/v1/runs/%s/logs/user_logs/std_log.txt"):
            for name in ids:
                with self.subTest(path=path, id=name[:40]):
                    response = self.ask(connection, "GET", path % name)
                    self.assertEqual(response.status, 404)
                    self.assertIsNone(response.headers.get("Set-Cookie"))
            for name in ("%00", "a%00b", "%", "%zz", "%ff", "%c3", "%ed%a0%80"):
                with self.subTest(path=path, id=name):
                    self.assertEqual(self.ask(connection, "GET", path % name).status, 400)
            self.assertEqual(self.ask(connection, "GET", path % "").status, 404)

    def test_tokens(self):
        sweep_id, (first, second) = self.running_sweep(2)
        good = self.child_client(first).token
        mac = good.rpartition(".")[2]
        for token in ("r", "r.", "r..", "r...", ".", "r." + first, "r.%s." % first, "r..%s" % mac, "r.%s" % mac, good + ".", "." + good, good + good,
                      "r.r.%s.%s" % (first, mac), "r.%s..%s" % (first, mac), "r.%s.%s" % (second, mac), "r.%s.%s" % (sweep_id, mac), good[:-2],
                      "r." + "x" * 63 + "." + mac, "r." + "x" * 64 + "." + mac, "r." + "x" * 9000 + "." + mac, self.client.token[:-1],
                      self.client.token + "x", "R" + good[1:]):
            with self.subTest(token[:60]):
                self.assertEqual(Client(self.daemon.url, token).get("/runs/" + first).status, 401)
        child = Client(self.daemon.url, good)
        self.assertEqual(child.get("/runs/" + first).status, 200)
        self.gates.release(first)
        self.wait_for_run(first, "Completed")
        for path in ("", "/metrics", "/logs", "/logs/user_logs/std_log.txt"):
            self.assertEqual(child.get("/runs/%s%s" % (first, path)).status, 401, "the token outlives its run")
        self.gates.release(second)
        self.wait_for_sweep(sweep_id)

    def test_damaged_requests(self):
        chance = random.Random(3)
        whole = (b"POST /api/v1/sweeps?limit=5 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}" % (self.client.address.encode(), self.client.token.encode()))
        host, _, port = self.client.address.rpartition(":")
        for number in range(300):
            data = mutate(whole, chance)
            with socket.create_connection((host, int(port)), timeout=harness.DEADLINE) as peer:
                answer = b""
                try:
                    peer.sendall(data)
                    peer.shutdown(socket.SHUT_WR)
                    # Not up to the end: behind an answer the connection may stay open for the idle time.
                    while re.search(rb"^HTTP/1\.[01] [2-5]", answer, re.MULTILINE) is None and (piece := peer.recv(65536)):
                        answer += piece
                except (ConnectionResetError, BrokenPipeError):
                    pass
                for status in re.findall(rb"^HTTP/1\.[01] (\d+)", answer, re.MULTILINE):
                    self.assertNotIn(status, (b"500", b"503"), "request %d: %r" % (number, data))
        self.assertAlive()

    def test_many_slow_connections(self):
        host, _, port = self.client.address.rpartition(":")
        peers = []
        try:
            for number in range(400):
                peer = socket.create_connection((host, int(port)), timeout=harness.DEADLINE)
                peers.append(peer)
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: %s\r\n" % self.client.address.encode() + (b"\r\n" if number % 2 else b"X-Slow: "))
            for peer in peers[1::2]:
                self.assertIn(b" 200 ", peer.recv(4096))
            self.assertAlive()
        finally:
            for peer in peers:
                peer.close()
        self.assertAlive()


class Logs(BadInput):
    PROGRAM = """#!/bin/sh
printf 'before \\377\\376 \\033[31mred\\033[0m\\r\\n\\000 after'
ln -s ../launch.json logs/inside; ln -s /etc logs/outside; ln -s std_log.txt user_logs/alias; mkfifo logs/fifo; mkdir logs/folder
echo x > 'logs/with space'; echo y > logs/folder/deep
exit 3
"""

    def ended_run(self):
        source = self.source({"train.sh": self.PROGRAM})
        return self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "script": "train.sh", "interpreter": "/bin/sh"})["run_id"]

    def test_names(self):
        connection = self.connection()
        path = "/api/v1/runs/%s_0/logs/" % self.ended_run()
        for name, body in (("logs/with%20space", b"x\n"), ("logs/folder/deep", b"y\n"), ("logs/../logs/folder/deep", None), ("user_logs/alias", ...),
                           ("logs/inside", None), ("logs/outside/passwd", None), ("logs/fifo", None), ("logs/folder", None), ("logs/../launch.json", None),
                           ("user_logs/../lock", None), ("logs//folder/deep", ...), ("logs/./folder/deep", ...), ("logs/" + "x/" * 20 + "y", None),
                           ("logs/" + "x" * 5000, None), ("log", None), ("logsx/a", None)):
            with self.subTest(name[:60]):
                response = self.ask(connection, "GET", path + name)
                self.assertIn(response.status, (200, 404))
                self.assertNotIn(b"HYPERDRIVE", response.body)
                if body is not ...:
                    self.assertEqual(response.body if response.status == 200 else None, body)

    def test_ranges(self):
        connection = self.connection()
        path = "/api/v1/runs/%s_0/logs/user_logs/std_log.txt" % self.ended_run()
        text = self.ask(connection, "GET", path).body
        chance = random.Random(4)
        numbers = ["", "0", "1", str(len(text) - 1), str(len(text)), str(len(text) + 1), "007", "+1", " 1", "-1", "9" * 18, "9" * 19, "9" * 400, "x", "1x", "0x1"]
        for _ in range(300):
            first, last = chance.choice(numbers), chance.choice(numbers)
            header = "%s%s-%s" % (chance.choice(("bytes=", "BYTES=", "bytes=", "bytes =", "octets=")), first, last)
            expected = self.expected_range(header, len(text))
            with self.subTest(header[:80]):
                response = self.ask(connection, "GET", path, Range=header)
                if expected is None:
                    self.assertEqual((response.status, response.body), (200, text))
                elif expected[0] >= expected[1]:
                    self.assertEqual((response.status, response.headers["Content-Range"]), (416, "bytes */%d" % len(text)))
                else:
                    self.assertEqual((response.status, response.body), (206, text[expected[0]:expected[1]]))

    @staticmethod
    def expected_range(header, length):
        match = re.fullmatch(r"(?i:bytes)=(\d*)-(\d*)", header)
        if match is None or match[0].endswith("=-"):
            return None
        first, last = (int(number) if number else None for number in match.groups())
        if first is None:
            return max(length - last, 0), length
        if last is None:
            return first, length
        return None if last < first else (first, min(last + 1, length))

    def test_what_a_program_printed_breaks_no_line(self):
        sweep_id = self.ended_run()
        run = self.run_of(sweep_id + "_0")
        self.assertEqual((run["status"], run["exit_code"]), ("Failed", 3))
        self.assertIn("after", json.dumps(run["error"]))
        log = self.client.get("/sweeps/%s/log" % sweep_id).body
        for line in log.decode("utf-8").split("\n")[:-1]:
            self.assertRegex(line, r"^\[\d{4}-[^]]*Z\]\[[A-Z]+\]\[[A-Z]+\]\S")
        self.assertNotRegex(log, rb"[\x00-\x09\x0b-\x1f\x7f]")

    def test_a_line_with_very_many_children(self):
        sweep_id = self.submit(hyperparameter_sampling=self.grid(256), max_total_runs=256, max_concurrent_runs=256, run_config=self.gated())["run_id"]
        wait_until(lambda: self.sweep(sweep_id)["children"]["total"] == 256, "256 children")
        text = self.client.get("/sweeps/%s/log" % sweep_id).body.decode()
        sampled = re.findall(r"\[GENERATOR\]\[INFO\](\d+) configurations? sampled:((?: \S+)+)\n", text)
        self.assertEqual([run_id for _, ids in sampled for run_id in ids.split()], ["%s_%d" % (sweep_id, number) for number in range(256)])
        self.assertEqual([int(count) for count, _ in sampled], [len(ids.split()) for _, ids in sampled])
        for number in (0, 1, 255):
            mentions = re.findall(r"(?m)^\S+ ?.*\b%s_%d\b.*$" % (sweep_id, number), text)
            self.assertIn(" sampled:", mentions[0], "that a child was sampled is told before what happens to it")


if __name__ == "__main__":
    harness.main()
