"""The record of who did what: every request that may change something, before the change, without what was in it."""

import os
import signal
import sqlite3
import subprocess
import time

import harness
from harness import Client, wait_until
from test_tokens import TokensTest


class AuditTest(TokensTest):
    def entries(self, **query):
        return self.client.read("/audit", **query)["entries"]

    def answered(self, count):
        """The newest `count` entries, oldest first, once all have their status."""
        def arrived():
            entries = self.entries(limit=count)
            return entries if len(entries) == count and all(entry["status"] for entry in entries) else None
        return wait_until(arrived, "%d answered entries" % count)[::-1]

    def assertNewest(self, *expected):
        """The newest entries, oldest first, as (who, request, target, status)."""
        entries = self.answered(len(expected))
        self.assertEqual([(entry["who"], entry["request"].replace("/api/v1", ""), entry["target"], entry["status"]) for entry in entries],
                         list(expected))


class Recorded(AuditTest):
    def test_what_is_recorded(self):
        self.assertEqual(self.entries(), [])
        submit = self.create("ci", "submit")
        self.assertNewest(("owner", "POST /tokens", "ci", 201))
        sweep_id = submit.post("/sweeps", self.specification(run_config={"launcher": "client"}, max_total_runs=1)).json["run_id"]
        self.assertNewest(("token ci", "POST /sweeps", sweep_id, 201))
        child = submit.post("/sweeps/%s/ask" % sweep_id).json
        run_id = child["run_id"]
        self.assertNewest(("token ci", "POST /sweeps/{id}/ask", run_id, 201))
        own = Client(self.daemon.url, child["token"])
        self.report(run_id, "Accuracy", 0.5, client=own)  # not recorded
        self.assertEqual(own.post("/runs/%s/complete" % run_id).status, 200)
        self.assertNewest(("run " + run_id, "POST /runs/{id}/complete", run_id, 200))
        self.wait_for_sweep(sweep_id)
        self.assertEqual(submit.post("/sweeps/%s/cancel" % sweep_id).json["canceled"], False)
        self.assertError(submit.request("PATCH", "/sweeps/" + sweep_id, body={"max_total_runs": 5}), 409)
        self.assertError(submit.post("/sweeps/none/cancel"), 404)
        self.assertError(self.client.post("/sweeps", {}), 400)
        self.client.request("PATCH", "/devices/cpu", body={"state": "drained"})
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
        self.client.request("DELETE", "/tokens/ci")
        self.assertNewest(
            ("token ci", "POST /sweeps/{id}/cancel", sweep_id, 200), ("token ci", "PATCH /sweeps/{id}", sweep_id, 409),
            ("token ci", "POST /sweeps/{id}/cancel", "none", 404), ("owner", "POST /sweeps", None, 400),
            ("owner", "PATCH /devices/{id}", "cpu", 200), ("owner", "DELETE /sweeps/{id}", sweep_id, 200),
            ("owner", "DELETE /tokens/{token}", "ci", 200))
        entries = self.entries()
        self.assertEqual(len(entries), 11)
        self.assertEqual({entry["address"] for entry in entries}, {"127.0.0.1"})
        self.assertEqual([entry["id"] for entry in entries], list(range(11, 0, -1)))

    def test_what_is_refused_before_its_route_changes_nothing(self):
        reader = self.create("reader", "read")
        for client in (reader, Client(self.daemon.url, None), Client(self.daemon.url, "wrong")):
            self.assertIn(client.post("/sweeps", {}).status, (401, 403))
        self.assertEqual(len(self.entries()), 1)

    def test_questions_without_a_child_leave_nothing(self):
        sweep_id = self.submit(run_config={"launcher": "client"}, max_total_runs=2, max_concurrent_runs=1)["run_id"]
        self.client.post("/sweeps/%s/ask" % sweep_id)
        for _ in range(3):
            self.assertEqual(self.client.post("/sweeps/%s/ask" % sweep_id).status, 204)
        self.client.post("/sweeps/last/cancel")  # its row is written behind all that was done with theirs
        wait_until(lambda: self.entries(limit=1)[0]["target"] == "last", "the row of the last request")
        self.assertEqual(len(self.entries()), 3)

    def test_pages(self):
        for number in range(5):
            self.client.post("/sweeps/none%d/cancel" % number)
        self.answered(5)
        found, after = [], None
        for _ in range(3):
            page = self.client.read("/audit", limit=2, **({"after": after} if after else {}))
            found += [entry["target"] for entry in page["entries"]]
            after = page["next"]
        self.assertEqual((found, after), (["none4", "none3", "none2", "none1", "none0"], None))
        for query in ({"limit": 0}, {"limit": 1001}, {"after": 0}, {"after": "x"}):
            self.assertError(self.client.get("/audit", **query), 400)

    def test_strange_targets(self):
        for target in ("x" * 5000, "\u00e9" * 100, "a%00b", "%0a%1b[31m", "<script>", "'; DROP TABLE audit; --"):
            address = target.encode("utf-8", "surrogateescape").hex(" ").replace(" ", "%") if not target.startswith(("a%", "%")) else None
            address = "%" + address if address else target
            self.assertIn(self.client.post("/sweeps/%s/cancel" % address).status, (400, 404))
        self.client.post("/sweeps/last/cancel")
        wait_until(lambda: self.entries(limit=1)[0]["target"] == "last", "the row of the last request")
        targets = [entry["target"] for entry in self.entries()]
        for target in ("<script>", "'; DROP TABLE audit; --", "x" * 127, "\u00e9" * 63):
            self.assertIn(target, targets)

    def test_nothing_of_a_body(self):
        secret = "e5b5cb0f8d3b"
        self.submit(run_config={"command": ["/bin/true"], "environment_variables": {"PASSWORD": secret}})
        self.create("ci", "read")
        self.answered(2)
        self.daemon.stop()
        with sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db")) as database:
            rows = repr(database.execute("SELECT * FROM audit").fetchall())
        self.assertNotIn(secret, rows)
        self.assertNotIn("t.ci.", rows)


class Kept(AuditTest):
    def test_no_change_without_its_row(self):
        """A daemon that is killed while clients ask: every sweep that is there has been asked for by somebody in the record."""
        for _ in range(4):
            made = []
            sender = subprocess.Popen(["/usr/bin/python3", "-c", SENDER, self.daemon.url, self.daemon.token], stdout=subprocess.PIPE)
            for _ in range(3):
                made.append(sender.stdout.readline())
            self.daemon.process.send_signal(signal.SIGKILL)
            sender.wait(harness.DEADLINE)
            sender.stdout.close()
            self.daemon.wait()
            self.daemon.start()
            self.assertTrue(all(made))
            sweeps = {sweep["run_id"] for sweep in self.daemon.sweeps()}
            entries = self.client.read("/audit", limit=1000)["entries"]
            named = {entry["target"] for entry in entries}
            unnamed = sum(entry["target"] is None and entry["status"] is None for entry in entries)
            self.assertLessEqual(len(sweeps - named), unnamed)

    def test_days(self):
        """Old rows go, a few with each new one."""
        for _ in range(20):
            self.client.post("/sweeps/none/cancel")
        self.answered(20)
        self.daemon.stop()
        with sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db")) as database:
            database.execute("UPDATE audit SET at_us = ?", (int((time.time() - 400 * 86400) * 1e6),))
        self.daemon.start(options=["--audit-days", "401"])
        self.client.post("/sweeps/none/cancel")
        wait_until(lambda: len(self.entries()) == 21, "the row of the newest request, and no other one to go")
        self.daemon.stop()
        self.daemon.start()
        for _ in range(3):
            self.client.post("/sweeps/none/cancel")
        wait_until(lambda: len(self.entries()) == 4, "the old rows to go")

    def test_command(self):
        self.create("ci", "read")
        self.client.post("/sweeps/none/cancel")
        self.answered(2)
        done = subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, "audit"], capture_output=True, text=True, check=False,
                              timeout=harness.DEADLINE, env=harness.clean_environment())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(lines[0], ["TIME", "WHO", "FROM", "STATUS", "REQUEST", "TARGET"])
        self.assertEqual([line[2:] for line in lines[1:]], [["owner", "127.0.0.1", "404", "POST", "/api/v1/sweeps/{id}/cancel", "none"],
                                                             ["owner", "127.0.0.1", "201", "POST", "/api/v1/tokens", "ci"]])


# Submits sweeps, one after the other, until nobody answers; says a line for each.
SENDER = """
import json, sys, urllib.request
body = json.dumps({"hyperparameter_sampling": {"type": "random", "parameter_space": {"x": ["uniform", [0, 1]]}}, "primary_metric_name": "m",
                   "primary_metric_goal": "maximize", "max_total_runs": 1, "run_config": {"launcher": "client"}}).encode()
while True:
    request = urllib.request.Request(sys.argv[1] + "/api/v1/sweeps", body,
                                     {"Authorization": "Bearer " + sys.argv[2], "Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request).read()
    except Exception:  # whatever a killed daemon leaves of its answer
        break
    print("made", flush=True)
"""

if __name__ == "__main__":
    harness.main()
