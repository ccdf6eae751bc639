"""Named tokens and their roles: made, used, listed, revoked; and what whoever holds one cannot do."""

import http.client
import json
import os
import re
import sqlite3
import subprocess

import harness
from harness import Client, DaemonTest, SharedDaemonTest
from streams import Stream

ROLES = ("read", "submit", "admin")

# What a role needs at least, by the table in schema/openapi.yaml's words. Every route of the document must be here.
NEEDS = {
    "read": {("GET", path) for path in (
        "/version", "/openapi.yaml", "/sweeps", "/sweeps/{id}", "/sweeps/{id}/diagnostics", "/sweeps/{id}/config", "/sweeps/{id}/best",
        "/sweeps/{id}/children", "/sweeps/{id}/children/sorted", "/sweeps/{id}/hyperparameters", "/sweeps/{id}/metrics", "/sweeps/{id}/log",
        "/sweeps/{id}/events", "/devices", "/runs/{id}", "/runs/{id}/metrics", "/runs/{id}/logs", "/runs/{id}/logs/{name}", "/events")},
    "submit": {
        ("POST", "/sweeps"), ("PATCH", "/sweeps/{id}"), ("POST", "/sweeps/{id}/cancel"), ("POST", "/sweeps/{id}/ask"),
        ("POST", "/sweeps/{id}/fail"), ("POST", "/runs/{id}/cancel"), ("POST", "/runs/{id}/complete"), ("POST", "/runs/{id}/fail"),
        ("POST", "/runs/{id}/metrics")},
    "admin": {
        ("DELETE", "/sweeps/{id}"), ("PATCH", "/devices/{id}"), ("GET", "/tokens"), ("GET", "/audit"), ("POST", "/tokens"), ("DELETE", "/tokens/{token}"),
        ("POST", "/backup")},
}


class TokensTest(DaemonTest):
    def create(self, name, role, client=None):
        """Makes a token: a client that asks with it."""
        response = (client or self.client).post("/tokens", {"name": name, "role": role})
        self.assertEqual(response.status, 201, response.body)
        return Client(self.daemon.url, response.json["token"])

    def names(self):
        return [token["name"] for token in self.client.read("/tokens")["tokens"]]


class Roles(SharedDaemonTest):
    create = TokensTest.create

    def ask(self, client, method, path):
        path = path.replace("{id}", "none").replace("{name}", "none").replace("{token}", "none")
        if path.endswith("/events"):
            return client.get(path, follow="false")
        return client.request(method, path, body={} if method in ("POST", "PATCH") else None)

    def test_every_route_is_in_the_table(self):
        known = {(method, path.removeprefix("/api/v1")) for path, method in harness.CONTRACT.operations if path.startswith("/api/")}
        self.assertEqual(set().union(*NEEDS.values()), known)

    def test_what_each_role_may_do(self):
        clients = {role: self.create("may-" + role, role) for role in ROLES}
        for needed, routes in NEEDS.items():
            for method, path in sorted(routes):
                for role, client in clients.items():
                    with self.subTest(method=method, path=path, role=role):
                        response = self.ask(client, method, path)
                        if ROLES.index(role) >= ROLES.index(needed):
                            self.assertNotIn(response.status, (401, 403))
                        else:
                            self.assertError(response, 403, "this needs the role %s; token may-%s has the role %s" % (needed, role, role))

    def test_no_role_makes_what_it_could_not_do(self):
        submit = self.create("submit-only", "submit")
        for body in ({"name": "x", "role": "admin"}, {"name": "x", "role": "read"}):
            self.assertError(submit.post("/tokens", body), 403)
        self.assertError(submit.request("DELETE", "/tokens/submit-only"), 403)

    def test_version_says_who_asks(self):
        reader = self.create("curious", "read")
        self.assertEqual([(said["asked_by"], said["role"]) for said in (reader.read("/version"), self.client.read("/version"))],
                         [("token curious", "read"), ("owner", "owner")])

    def test_bad_bodies(self):
        for body, target in (
                ({}, "name"), ({"name": "x"}, "role"), ({"role": "read"}, "name"), ({"name": 1, "role": "read"}, "name"),
                ({"name": "x", "role": 1}, "role"), ({"name": "x", "role": "owner"}, "role"), ({"name": "x", "role": "run"}, "role"),
                ({"name": "x", "role": "nobody"}, "role"), ({"name": "x", "role": "Read"}, "role"), ({"name": "x", "role": ""}, "role"),
                ({"name": "", "role": "read"}, "name"), ({"name": "-x", "role": "read"}, "name"), ({"name": "a.b", "role": "read"}, "name"),
                ({"name": "a b", "role": "read"}, "name"), ({"name": "a/b", "role": "read"}, "name"), ({"name": "a\u0000b", "role": "read"}, None),
                ({"name": "\u00e9", "role": "read"}, "name"), ({"name": "x" * 65, "role": "read"}, "name"),
                ({"name": "x", "role": "read", "token": "t.x.1"}, "token")):
            with self.subTest(body=body):
                self.assertError(self.client.post("/tokens", body), 400, target=target)
        self.assertEqual(self.create("x" * 64, "read").get("/version").status, 200)

    def test_what_was_not_given_out_is_good_for_nothing(self):
        token = self.create("real", "read").token
        nobody = "t.nobody." + token.rpartition(".")[2]
        for forged in (token[:-1], token + "0", token.upper(), "t.real." + "0" * 64, "t.real.", "t.real", "t..", "t.", nobody, "t.real'--." + "0" * 64,
                       "t." + "x" * 1000 + "." + "0" * 64, token.replace("real", "REAL"), "r.real." + token.rpartition(".")[2]):
            with self.subTest(forged=forged[:80]):
                self.assertError(Client(self.daemon.url, forged).get("/version"), 401, "the token is not valid, or no longer")


class Life(TokensTest):
    def test_created_listed_revoked(self):
        self.assertEqual(self.client.read("/tokens"), {"tokens": []})
        boss = self.create("boss", "admin")
        reader = self.create("ci_2-x", "read", boss)
        tokens = self.client.read("/tokens")["tokens"]
        self.assertEqual([(token["name"], token["role"], token["created_by"]) for token in tokens],
                         [("boss", "admin", "owner"), ("ci_2-x", "read", "token boss")])
        self.assertError(boss.post("/tokens", {"name": "boss", "role": "read"}), 409)
        self.assertEqual(reader.get("/sweeps").status, 200)
        self.assertEqual(boss.request("DELETE", "/tokens/ci_2-x").json, {"name": "ci_2-x", "revoked": True})
        self.assertError(reader.get("/sweeps"), 401)
        self.assertError(boss.request("DELETE", "/tokens/ci_2-x"), 404, "there is no token 'ci_2-x'")
        # A new one of the same name is another one.
        again = self.create("ci_2-x", "read")
        self.assertError(reader.get("/sweeps"), 401)
        self.assertEqual(again.get("/sweeps").status, 200)
        # A token can revoke itself, and was good until then.
        self.assertEqual(boss.request("DELETE", "/tokens/boss").status, 200)
        self.assertError(boss.get("/tokens"), 401)

    def test_a_restart_keeps_them(self):
        kept, gone = self.create("kept", "submit"), self.create("gone", "submit")
        self.client.request("DELETE", "/tokens/gone")
        self.daemon.restart()
        self.assertEqual(Client(self.daemon.url, kept.token).read("/version")["asked_by"], "token kept")
        self.assertError(Client(self.daemon.url, gone.token).get("/version"), 401)

    def test_only_a_hash_is_kept(self):
        token = self.create("hidden", "admin").token
        secret = token.rpartition(".")[2].encode()
        self.daemon.stop()
        files = [os.path.join(folder, name) for folder, _, names in os.walk(self.daemon.state) for name in names]
        self.assertGreater(len(files), 3)
        for path in [*files, self.daemon.log_path]:
            with open(path, "rb") as file:
                content = file.read()
            self.assertNotIn(secret, content, path)
            self.assertNotIn(bytes.fromhex(secret.decode()), content, path)
        with sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db")) as database:
            (stored,), = database.execute("SELECT hash FROM token")
        self.assertEqual(len(stored), 32)

    def test_the_hash_is_no_token(self):
        """Who reads the database of another daemon cannot ask with what is there."""
        self.create("hidden", "admin")
        self.daemon.stop()
        with sqlite3.connect(os.path.join(self.daemon.state, "hyperdrive.db")) as database:
            (stored,), = database.execute("SELECT hash FROM token")
        self.daemon.start()
        self.assertError(Client(self.daemon.url, "t.hidden." + stored.hex()).get("/version"), 401)

    def test_a_revoked_token_breaks_its_streams(self):
        reader, other = self.create("reader", "read"), self.create("other", "read")
        with Stream(reader, "/events").opened() as broken, Stream(other, "/events").opened() as whole:
            self.client.request("DELETE", "/tokens/reader")
            with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                broken.rest()
            self.client.request("PATCH", "/devices/cpu", body={"state": "drained"})
            self.assertEqual(next(whole.events()).kind, "device")

    def test_a_revoked_token_ends_no_request_that_it_began(self):
        """The body comes after the token is revoked: nothing is submitted."""
        token = self.create("slow", "submit").token
        body = json.dumps(self.specification()).encode()
        connection = http.client.HTTPConnection(self.client.address, timeout=harness.DEADLINE)
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/api/v1/sweeps")
        for name, value in (("Authorization", "Bearer " + token), ("Content-Type", "application/json"), ("Content-Length", len(body))):
            connection.putheader(name, value)
        connection.endheaders(body[:10])
        # The daemon looks at requests in the order in which they come; that of the other connection was admitted behind this one.
        self.assertEqual(Client(self.daemon.url, token).get("/version").status, 200)
        self.client.request("DELETE", "/tokens/slow")
        connection.send(body[10:])
        self.assertEqual(connection.getresponse().status, 401)
        self.assertEqual(self.daemon.sweeps(), [])

    def test_a_runs_token_does_nothing_else(self):
        _, (run_id,) = self.running_sweep()
        child = self.child_client(run_id)
        self.assertError(child.post("/tokens", {"name": "x", "role": "admin"}), 403,
                         "a run's token is not enough here: one with the role admin, or the owner's, is needed")
        self.assertError(child.get("/version"), 403)
        self.assertError(child.request("PATCH", "/devices/cpu", body={"state": "drained"}), 403)
        self.assertEqual(child.post("/runs/%s/metrics" % run_id, {"name": "m", "value": 1}).status, 200)
        self.assertEqual(self.names(), [])
        self.gates.release(run_id)

    def test_submit_runs_a_sweep_to_its_end(self):
        submit, reader = self.create("worker", "submit"), self.create("watcher", "read")
        sweep_id = submit.post("/sweeps", self.specification(run_config={"launcher": "client"}, max_total_runs=1)).json["run_id"]
        child = submit.post("/sweeps/%s/ask" % sweep_id).json
        self.assertNotIn(child["token"], repr(reader.read("/runs/" + child["run_id"])))
        self.assertError(reader.post("/runs/%s/metrics" % child["run_id"], {"name": "Accuracy", "value": 1}), 403)
        self.report(child["run_id"], "Accuracy", 0.5, client=submit)
        self.assertEqual(submit.post("/runs/%s/complete" % child["run_id"]).status, 200)
        self.assertEqual(self.wait_for_sweep(sweep_id)["status"], "Completed")
        self.assertError(submit.request("DELETE", "/sweeps/" + sweep_id), 403)


class Command(TokensTest):
    def hyperdrive(self, *words, environment=None):
        done = subprocess.run([harness.COMMAND, *words], capture_output=True, text=True, timeout=harness.DEADLINE, check=False,
                              env={**harness.clean_environment(), **(environment or {"XDG_STATE_HOME": "/nowhere"})})
        return done.returncode, done.stdout, done.stderr

    def own(self, *words):
        return self.hyperdrive("--state-dir", self.daemon.state, *words)

    def test_create_use_list_revoke(self):
        code, token, said = self.own("token", "create", "ci", "--role", "submit")
        self.assertEqual((code, re.fullmatch(r"t\.ci\.[0-9a-f]{64}\n", token) is not None), (0, True), token)
        self.assertIn("only time", said)
        place = {"HYPERDRIVE_URL": self.daemon.url, "HYPERDRIVE_TOKEN": token.strip()}
        self.assertEqual(self.hyperdrive("list", environment=place)[0], 0)
        code, _, said = self.hyperdrive("token", "list", environment=place)
        self.assertEqual((code, said), (5, "hyperdrive: this needs the role admin; token ci has the role submit\n"))
        code, said, _ = self.hyperdrive("doctor", environment=place)
        self.assertRegex(said, r"token +token ci, with the role submit")
        code, said, _ = self.own("token", "list")
        self.assertEqual((code, said.split()[:6]), (0, ["TOKEN", "ROLE", "CREATED", "BY", "ci", "submit"]))
        self.assertEqual(self.own("token", "revoke", "ci")[:2], (0, "ci is revoked\n"))
        self.assertEqual(self.hyperdrive("list", environment=place)[0], 5)
        self.assertEqual(self.own("token", "revoke", "ci")[0], 3)

    def test_usage(self):
        for words in (["token"], ["token", "make"], ["token", "create"], ["token", "create", "x"], ["token", "create", "x", "--role", "root"],
                      ["token", "list", "x"], ["token", "revoke"], ["token", "revoke", "x", "--role", "read"]):
            code, out, said = self.own(*words)
            self.assertEqual((code, out), (2, ""), words)
            self.assertTrue(said, words)


if __name__ == "__main__":
    harness.main()
