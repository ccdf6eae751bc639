"""Reports: kinds, batches, limits, who may send them, and that each is stored exactly once whatever dies in between."""

import json
import select
import socket

import harness
from harness import Client, DaemonTest

STUBBORN_AT_GATE = "trap '' TERM\n" + harness.GATED


class ReportTest(DaemonTest):
    daemon_options = {"grace": 60}

    def send(self, run_id, body, client=None):
        return (client or self.client).post("/runs/%s/metrics" % run_id, body)

    def metrics(self, run_id):
        return self.client.read("/runs/%s/metrics" % run_id)["metrics"]

    def points(self, run_id, **query):
        return self.client.read("/runs/%s/metrics" % run_id, form="points", **query)

    def finish(self, sweep_id, *runs):
        for run_id in runs:
            self.gates.release(run_id)
        return self.wait_for_sweep(sweep_id)


class Kinds(ReportTest):
    def test_answer(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.assertSame(self.report(run_id, "Accuracy", 0.5), {
            "accepted": 1, "duplicate": False, "reports": 1, "status": "Running", "stop": False, "stop_reason": None})
        answer = self.send(run_id, {"metrics": [{"name": "Accuracy", "value": 0.25}, {"name": "loss", "value": 1}]}).json
        self.assertEqual((answer["accepted"], answer["reports"]), (2, 2))
        self.finish(sweep_id, run_id)

    def test_kinds_by_the_value_and_by_name(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        for body in ({"name": "a", "value": [1, 2.5]}, {"name": "b", "value": {"x": 1}}, {"name": "b", "value": {"y": "t"}, "kind": "row"},
                     {"name": "c", "value": "text"}, {"name": "d", "value": True}, {"name": "e", "value": [0.5], "kind": "list"},
                     {"name": "f", "value": {"x": [1, 2], "y": [3, 4]}, "kind": "table"}, {"name": "g", "value": "outputs/p.png", "kind": "image"},
                     {"name": "h", "value": 7, "kind": "value"}, {"name": "\u00e4 / %", "value": 1}, {"name": "i", "value": []}):
            response = self.send(run_id, body)
            self.assertEqual(response.status, 200, response.body)
            self.assertEqual(response.json["reports"], 0)
        self.assertSame(self.metrics(run_id), {
            "a": [1, 2.5], "b": {"x": [1, None], "y": [None, "t"]}, "c": "text", "d": True, "e": [0.5], "f": {"x": [1, 2], "y": [3, 4]},
            "g": "artifact://%s/outputs/p.png" % run_id, "h": 7, "\u00e4 / %": 1})
        self.finish(sweep_id, run_id)

    def test_refused(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.report(run_id, "series", 1)
        self.report(run_id, "table", {"x": 1})
        for body in ({"name": "series", "value": {"x": 1}}, {"name": "series", "value": {"x": [1]}, "kind": "table"}, {"name": "table", "value": 1},
                     {"name": "table", "value": [1]}, {"metrics": [{"name": "new", "value": 1}, {"name": "new", "value": {"x": 1}}]}):
            with self.subTest(body):
                self.assertEqual(self.send(run_id, body).status, 409)
        for body, target in (
                ({}, None), ([], None), ({"name": "m"}, "value"), ({"value": 1}, "name"), ({"name": 3, "value": 1}, "name"),
                ({"name": "m", "value": 1, "kind": "number"}, "kind"), ({"name": "m", "value": 1, "x": 1}, "x"),
                ({"name": "m", "value": [[1]]}, None), ({"name": "m", "value": {"x": [1]}, "kind": "row"}, None),
                ({"name": "m", "value": {"x": 1}, "kind": "table"}, None), ({"name": "m", "value": {"x": [1], "y": [1, 2]}, "kind": "table"}, None),
                ({"name": "m", "value": 1, "kind": "list"}, None), ({"name": "m", "value": 1, "kind": "image"}, None),
                ({"name": "m", "value": "../../token", "kind": "image"}, None), ({"name": "m", "value": "/etc/passwd", "kind": "image"}, None),
                ({"name": "m", "value": 1, "step": 1.5}, "step"), ({"name": "m", "value": 1, "step": "1"}, "step"),
                ({"name": "m", "value": 1, "time": "yesterday"}, "time"), ({"name": "m", "value": 1, "reporter": "r"}, "sequence"),
                ({"name": "m", "value": 1, "sequence": 1}, "reporter"), ({"name": "m", "value": 1, "reporter": "r", "sequence": "1"}, "sequence"), ({"name": "m", "value": 1, "reporter": "r", "sequence": 1.5}, "sequence"),
                ({"name": "m", "value": 1, "reporter": "r", "sequence": -1}, "sequence"),
                ({"name": "m", "value": 1, "reporter": "", "sequence": 1}, "reporter"), ({"metrics": {}}, "metrics"), ({"metrics": [1]}, None),
                ({"metrics": [{"name": "m", "value": 1}], "name": "m"}, None), ({"name": "m\0n", "value": 1}, None),
                ({"name": "m", "value": 9007199254740992}, None)):
            with self.subTest(body):
                response = self.send(run_id, body)
                self.assertEqual(response.status, 400, response.body)
                if target is not None:
                    self.assertEqual(response.error["target"], target)
        self.assertSame(self.metrics(run_id), {"series": 1, "table": {"x": 1}})
        self.finish(sweep_id, run_id)

    def test_numbers_that_are_not_finite(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        for number, value in enumerate(("NaN", "-Infinity", 0.0, "Infinity", -0.0, 5e-324, 1.7976931348623157e308)):
            self.assertEqual(self.report(run_id, "Accuracy", value)["reports"], number + 1)
        self.assertSame(self.metrics(run_id)["Accuracy"][:4], ["NaN", "-Infinity", 0.0, "Infinity"])
        self.assertSame(self.metrics(run_id)["Accuracy"][5:], [5e-324, 1.7976931348623157e308])
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], "Infinity")
        self.report(run_id, "list", ["NaN", 1, "nan"])
        self.assertSame(self.metrics(run_id)["list"], ["NaN", 1, "nan"])
        self.finish(sweep_id, run_id)

    def test_kinds_of_numbers_survive(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        raw = b'{"name": "m", "value": [65, 65.0, 1e2, 0.30000000000000004, 9007199254740991, -9007199254740991, 1e-05, 0.1]}'
        self.assertEqual(self.client.post("/runs/%s/metrics" % run_id, raw=raw).status, 200)
        self.assertSame(self.metrics(run_id)["m"], [65, 65.0, 100.0, 0.30000000000000004, 9007199254740991, -9007199254740991, 1e-05, 0.1])
        self.finish(sweep_id, run_id)

    def test_points_with_step_and_time(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.send(run_id, {"metrics": [{"name": "Accuracy", "value": 0.5, "step": 10, "time": "2025-02-07T06:39:33.034036Z"},
                                       {"name": "Accuracy", "value": 0.25, "step": 5}]})
        points = self.points(run_id)["points"]["Accuracy"]
        self.assertEqual([(point["value"], point["step"]) for point in points], [(0.5, 10), (0.25, 5)])  # in the order of arrival
        self.assertEqual(points[0]["time"], "2025-02-07T06:39:33.034036Z")
        self.assertRegex(points[1]["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
        self.assertEqual([point["value"] for point in self.points(run_id, **{"from": 1})["points"]["Accuracy"]], [0.25])
        response = self.client.get("/runs/%s/metrics" % run_id, **{"from": 1})
        self.assertError(response, 400, "'from' must be left out, unless 'form' is points, got \"1\"", "from")
        self.finish(sweep_id, run_id)


class Limits(ReportTest):
    def test_batch(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        point = {"name": "Accuracy", "value": 0.5}
        answer = self.send(run_id, {"metrics": [point] * 10000})
        self.assertEqual((answer.status, answer.json["accepted"], answer.json["reports"]), (200, 10000, 10000))
        self.assertEqual(self.send(run_id, {"metrics": [point] * 10001}).status, 400)
        self.assertEqual(self.send(run_id, {"name": "Accuracy", "value": [0.5] * 10001}).status, 400)
        self.assertEqual(self.run_of(run_id)["reports"], 10000)
        self.assertEqual(len(self.metrics(run_id)["Accuracy"]), 10000)
        self.finish(sweep_id, run_id)

    def test_answers_that_do_not_fit_in_memory(self):
        """Above 1 MiB an answer goes through a file."""
        sweep_id, (run_id,) = self.running_sweep(1)
        values = [number / 60013 for number in range(60000)]
        for begin in range(0, len(values), 10000):
            self.report(run_id, "Accuracy", values[begin:begin + 10000])
        response = self.client.get("/sweeps/%s/metrics" % sweep_id)
        self.assertGreater(len(response.body), 1 << 20)
        self.assertSame(response.json, {"metrics": {run_id: {"Accuracy": values}}})
        points = self.points(run_id)["points"]["Accuracy"]
        self.assertEqual([point["value"] for point in points], values)
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], values[-1])
        self.finish(sweep_id, run_id)

    def test_names_and_strings(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        longest, largest = "n" * 254 + "\u00e4", "s" * 65536
        self.report(run_id, longest, largest)
        for body in ({"name": longest + "n", "value": 1}, {"name": "", "value": 1}, {"name": "s", "value": largest + "s"},
                     {"name": "s", "value": [largest + "s"]}, {"name": "r", "value": {"x": largest + "s"}}):
            response = self.send(run_id, body)
            self.assertEqual(response.status, 400, response.body[:200])
            self.assertLess(len(response.body), 2000)
        self.assertSame(self.metrics(run_id), {longest: largest})
        self.finish(sweep_id, run_id)

    def test_all_or_nothing(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.report(run_id, "series", 1)
        good = [{"name": "Accuracy", "value": number} for number in range(100)]
        for bad, status in (({"name": "n" * 300, "value": 1}, 400), ({"name": "series", "value": {"x": 1}}, 409), ({"name": "m"}, 400)):
            for batch in (good + [bad], [bad] + good):
                body = {"metrics": batch, "reporter": "r", "sequence": 1}
                self.assertEqual(self.send(run_id, body).status, status)
        self.assertSame(self.metrics(run_id), {"series": 1})
        self.assertEqual(self.run_of(run_id)["reports"], 0)
        # What was refused did not use its number up.
        answer = self.send(run_id, {"metrics": good, "reporter": "r", "sequence": 1}).json
        self.assertEqual((answer["accepted"], answer["duplicate"]), (100, False))
        self.finish(sweep_id, run_id)

    def test_an_error_in_a_batch_names_its_place(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        response = self.send(run_id, {"metrics": [{"name": "m", "value": 1}, {"name": "m", "value": 1, "kind": "x"}]})
        self.assertError(response, 400)
        self.assertRegex(response.error["target"], r"metrics\W1\W*kind")
        self.finish(sweep_id, run_id)


class Tokens(ReportTest):
    def test_own_run_only(self):
        sweep_id, (first, second) = self.running_sweep(2)
        child = self.child_client(first)
        self.assertEqual(self.send(first, {"name": "m", "value": 1}, child).status, 200)
        self.assertEqual(self.send(second, {"name": "m", "value": 1}, child).status, 403)
        for method, path in (("GET", "/sweeps"), ("GET", "/sweeps/" + sweep_id), ("POST", "/sweeps/%s/cancel" % sweep_id),
                             ("POST", "/runs/%s/cancel" % second), ("GET", "/runs/%s/logs" % second), ("GET", "/runs/" + second)):
            with self.subTest(method=method, path=path):
                self.assertEqual(child.request(method, path).status, 403)
        self.assertEqual(child.post("/sweeps", self.specification()).status, 403)
        # A token with a bit changed, or put together from another's parts, is good for nothing.
        token = child.token
        other = self.child_client(second).token
        for forged in (token[:-1] + ("0" if token[-1] != "0" else "1"), token.rpartition(".")[0] + "." + other.rpartition(".")[2], token[:-1],
                       token.rpartition(".")[0] + ".", token.upper()):
            with self.subTest(forged):
                self.assertEqual(self.send(first, {"name": "m", "value": 1}, Client(self.daemon.url, forged)).status, 401)
        self.assertEqual(self.metrics(second), {})
        self.finish(sweep_id, first, second)

    def test_after_a_restart(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        child = self.child_client(run_id)
        self.daemon.restart()
        self.assertEqual(self.send(run_id, {"name": "Accuracy", "value": 1}, child).status, 200)
        self.finish(sweep_id, run_id)

    def test_after_the_end(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        child = self.child_client(run_id)
        body = {"name": "Accuracy", "value": 1, "reporter": "a", "sequence": 1}
        self.assertEqual(self.send(run_id, body, child).status, 200)
        self.finish(sweep_id, run_id)
        again = self.send(run_id, body, child)
        self.assertEqual((again.status, again.json["duplicate"], again.json["status"]), (200, True, "Completed"))
        self.assertIn(self.send(run_id, {**body, "sequence": 2}, child).status, (401, 403, 409))
        self.assertSame(self.metrics(run_id), {"Accuracy": 1})


class ExactlyOnce(ReportTest):
    def raw_request(self, run_id, body):
        """A request on a socket whose answer nobody reads."""
        host, _, port = self.client.address.partition(":")
        connection = socket.create_connection((host, int(port)), timeout=harness.DEADLINE)
        body = json.dumps(body).encode()
        connection.sendall(("POST /api/v1/runs/%s/metrics HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                            "Content-Length: %d\r\n\r\n" % (run_id, self.client.address, self.client.token, len(body))).encode() + body)
        return connection

    def test_answer_lost(self):
        """kill -9 when the answer is on its way, and at once after the request was sent; then the same request again."""
        sweep_id, (run_id,) = self.running_sweep(1)
        for number in range(1, 7):
            body = {"metrics": [{"name": "Accuracy", "value": number}, {"name": "loss", "value": -number}], "reporter": "rank0", "sequence": number}
            with self.raw_request(run_id, body) as connection:
                committed = number % 2 == 0
                if committed:
                    self.assertTrue(select.select([connection], [], [], harness.DEADLINE)[0], "no answer came")
                self.daemon.restart()
            answer = self.send(run_id, body)
            self.assertEqual(answer.status, 200, answer.body)
            if committed:
                self.assertTrue(answer.json["duplicate"], "a 2xx was sent for what is not stored")
                self.assertEqual(answer.json["accepted"], 0)
            self.assertEqual(answer.json["reports"], number)
        self.assertSame(self.metrics(run_id), {"Accuracy": [1, 2, 3, 4, 5, 6], "loss": [-1, -2, -3, -4, -5, -6]})
        self.assertEqual(len(self.points(run_id)["points"]["Accuracy"]), 6)
        self.finish(sweep_id, run_id)

    def test_sequences(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        expected = []
        for reporter, sequence, duplicate in (("a", 5, False), ("a", 5, True), ("a", 4, True), ("a", 9, False), ("b", 1, False), ("b", 1, True),
                                              ("a", 9, True), ("a", 10, False), ("b", 9, False)):
            value = len(expected) + 0.5
            answer = self.report(run_id, "Accuracy", value, reporter=reporter, sequence=sequence)
            self.assertEqual((answer["duplicate"], answer["accepted"]), (duplicate, 0 if duplicate else 1), (reporter, sequence))
            expected += [] if duplicate else [value]
            self.assertEqual(answer["reports"], len(expected))
        self.assertSame(self.metrics(run_id)["Accuracy"], expected)
        # Without a number each request counts.
        self.assertEqual(self.report(run_id, "Accuracy", 1)["reports"], len(expected) + 1)
        self.assertEqual(self.report(run_id, "Accuracy", 1)["reports"], len(expected) + 2)
        self.finish(sweep_id, run_id)

    def test_reporters_belong_to_their_run(self):
        sweep_id, (first, second) = self.running_sweep(2)
        for run_id in (first, second):
            self.assertFalse(self.report(run_id, "Accuracy", 1, reporter="a", sequence=1)["duplicate"])
        self.finish(sweep_id, first, second)

    def test_after_the_child_has_ended(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        body = {"name": "Accuracy", "value": 1, "reporter": "a", "sequence": 3}
        with self.raw_request(run_id, body) as connection:
            self.assertTrue(select.select([connection], [], [], harness.DEADLINE)[0])
            self.daemon.kill()
        self.gates.release(run_id)
        self.daemon.start()
        self.wait_for_sweep(sweep_id, "Completed")
        answer = self.send(run_id, body)
        self.assertEqual((answer.status, answer.json["duplicate"], answer.json["reports"]), (200, True, 1))
        self.assertEqual(self.send(run_id, {**body, "sequence": 4}).status, 409)
        self.assertEqual(self.send(run_id, {"name": "Accuracy", "value": 2}).status, 409)
        self.assertEqual(self.send(run_id, {**body, "reporter": "b"}).status, 409)
        self.assertSame(self.metrics(run_id), {"Accuracy": 1})

    def test_many_reporters_at_once(self):
        """Group commit must lose nothing and double nothing."""
        sweep_id, runs = self.running_sweep(4)
        connections = {}
        for number in range(1, 26):
            for run_id in runs:
                for reporter in ("a", "b"):
                    key = (run_id, reporter)
                    if key in connections:
                        with connections.pop(key) as connection:
                            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200"))
                    connections[key] = self.raw_request(run_id, {"name": "Accuracy", "value": number, "reporter": reporter, "sequence": number})
        for connection in connections.values():
            with connection:
                self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200"))
        self.daemon.restart()
        for run_id in runs:
            self.assertEqual(sorted(self.metrics(run_id)["Accuracy"]), sorted(list(range(1, 26)) * 2))
        self.finish(sweep_id, *runs)


class Statuses(ReportTest):
    def test_cancel_requested_child_is_told_to_stop_and_its_reports_are_stored(self):
        sweep_id, (run_id,) = self.running_sweep(1, run_config=self.gated(STUBBORN_AT_GATE))
        self.client.post("/runs/%s/cancel" % run_id)
        answer = self.report(run_id, "Accuracy", 0.5)
        self.assertEqual((answer["status"], answer["stop"], answer["stop_reason"]["kind"]), ("CancelRequested", True, "user"))
        self.finish(sweep_id, run_id)
        self.assertSame(self.metrics(run_id), {"Accuracy": 0.5})
        self.assertEqual(self.run_of(run_id)["best_primary_metric"], 0.5)

    def test_ended_child(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.finish(sweep_id, run_id)
        response = self.send(run_id, {"name": "Accuracy", "value": 1})
        self.assertError(response, 409)
        self.assertIn("Completed", response.error["message"])
        self.assertEqual(self.metrics(run_id), {})

    def test_unknown_child_and_sweep(self):
        sweep_id = self.finished_sweep()["run_id"]
        self.assertError(self.send("none_0", {"name": "m", "value": 1}), 404)
        self.assertError(self.send(sweep_id, {"name": "m", "value": 1}), 404)


class Overtaking(ReportTest):
    daemon_options = {"slots": 1}

    def test_a_report_makes_a_started_child_running(self):
        """A child that reports first thing never sees another status than Running."""
        report = '{"name": "Accuracy", "value": 0.5}'
        program = "curl -s -H \"Authorization: Bearer $HYPERDRIVE_TOKEN\" -H 'Content-Type: application/json' -d '%s' " \
                  "\"$HYPERDRIVE_URL/api/v1/runs/$HYPERDRIVE_RUN_ID/metrics\" > outputs/answer" % report
        sweep = self.finished_sweep(max_total_runs=8, run_config={"command": ["/bin/sh", "-c", program]})
        self.assertEqual(sweep["children"], {"total": 8, "Completed": 8})
        for child in self.children(sweep["run_id"]):
            with open(self.daemon.run_folder(child["run_id"]) + "/outputs/answer", "rb") as file:
                answer = harness.read_json(file.read())
            self.assertEqual((answer["status"], answer["accepted"], answer["reports"]), ("Running", 1, 1))
            self.assertEqual(child["reports"], 1)

    def test_a_child_that_waits_for_its_slot_takes_no_reports(self):
        """Only a child with an intent can have a process: nobody can truly report for this one."""
        sweep_id = self.submit(max_concurrent_runs=2, run_config=self.gated())["run_id"]
        first, second = sweep_id + "_0", sweep_id + "_1"
        self.gates.environment(first)
        self.wait_for_run(second, "Queued")
        self.assertError(self.send(second, {"name": "Accuracy", "value": 1}), 409)
        self.assertEqual(self.run_of(second)["status"], "Queued")
        for run_id in (first, second):
            self.gates.release(run_id)
        self.assertEqual(self.wait_for_sweep(sweep_id)["children"], {"total": 2, "Completed": 2})
        self.assertEqual(self.gates.started(), [first, second])


if __name__ == "__main__":
    harness.main()
