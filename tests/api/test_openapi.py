"""The description of the API: it is served, it has every route, and every route answers as it says to what is wrong in the same way
everywhere (no token, another run's token, unknown ids, unknown query parameters, bodies that are too long or no JSON)."""

import http.client
import os
import re
import unittest

import contract
import harness
from contract import CONTRACT

ROUTES = os.path.join(harness.HERE, "..", "..", "daemon", "api", "routes.c")
NOWHERE = "HD_00000000-0000-4000-8000-000000000000"
TOO_LONG = 16 * 1024 * 1024 + 1


def routes_of_the_daemon():
    """(path, method, query parameters) of each row of the daemon's table."""
    with open(ROUTES, encoding="utf-8") as file:
        text = file.read()
    rows = re.findall(r'\{"([A-Z]+)",\s*(ROOT )?"([^"]+)",\s*(HTTP_\w+),\s*[\w |]+,\s*\w+,\s*(NULL|PARAMETERS\(([^)]*)\))\}', text)
    return {(("/api/v1" if root else "") + path.replace("...}", "}"), method, tuple(sorted(re.findall(r'"(\w+)"', parameters))))
            for method, root, path, _, _, parameters in rows}


def documented_routes():
    found = set()
    for (path, method), operation in CONTRACT.operations.items():
        names = (CONTRACT.resolve(parameter) for parameter in operation.get("parameters", []))
        found.add((path, method, tuple(sorted(parameter["name"] for parameter in names if parameter["in"] == "query"))))
    return found


def fill(path, run_id):
    """The address of a documented path."""
    return "/" + path.replace("{id}", run_id).replace("{name}", "user_logs/std_log.txt").replace("{token}", "none")


def is_open(operation):
    return operation.get("security") == []


class Document(unittest.TestCase):
    def test_has_every_route_and_no_other(self):
        routes = routes_of_the_daemon()
        with open(ROUTES, encoding="utf-8") as file:
            self.assertEqual(len(routes), len(re.findall(r"HTTP_\w+, [\w |]+, api_", file.read())), "a row of routes.c was not understood here")
        self.assertEqual(routes, documented_routes())

    def test_references_lead_somewhere(self):
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    self.assertIsInstance(CONTRACT.resolve(node), dict)
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)
        walk(CONTRACT.document)

    def test_schemas_are_schemas(self):
        for name, schema in CONTRACT.document["components"]["schemas"].items():
            with self.subTest(name):
                contract.jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_operation_tells_what_it_does(self):
        names = [operation.get("operationId") for operation in CONTRACT.operations.values()]
        self.assertEqual(len(names), len(set(names)))
        for key, operation in CONTRACT.operations.items():
            self.assertTrue(operation.get("summary") and operation.get("operationId") and operation.get("tags"), key)
            self.assertIn("default", operation["responses"], key)


class Strictness(unittest.TestCase):
    """The checks themselves would notice a wrong answer."""

    def fault(self, schema, value):
        return CONTRACT.fault(CONTRACT.document["components"]["schemas"][schema], value)

    def response(self, status, body, kind="application/json"):
        return harness.Response(status, {"Content-Type": kind}, body)

    def test_members(self):
        good = {"accepted": 1, "duplicate": False, "reports": 1, "status": "Running", "stop": False, "stop_reason": None}
        self.assertIsNone(self.fault("Reported", good))
        self.assertIn("accepted", self.fault("Reported", {name: value for name, value in good.items() if name != "accepted"}))
        self.assertIn("more", self.fault("Reported", {**good, "more": 1}))
        self.assertIn("running", self.fault("Reported", {**good, "status": "running"}))
        self.assertIn("1.0", self.fault("Reported", {**good, "accepted": 1.0}))

    def test_numbers(self):
        for value in (0.5, 5.0, "Infinity", "-Infinity", None):
            self.assertIsNone(self.fault("PrimaryMetric", value), value)
        for value in (5, "NaN", "0.5", True, []):
            self.assertIsNotNone(self.fault("PrimaryMetric", value), value)

    def test_statuses_and_types(self):
        good = b'{"status":"ok"}'
        CONTRACT.check("HEAD", "/healthz", self.response(200, b""))
        for status, body, kind in ((200, b'{"status":"no"}', "application/json"), (200, good, "text/plain"), (204, b"", ""),
                                   (202, good, "application/json")):
            with self.subTest((status, body, kind)), self.assertRaises(AssertionError):
                CONTRACT.check("GET", "/healthz", self.response(status, body, kind))
        conflict = b'{"error":{"code":"Conflict","message":"no","target":null,"details":[]}}'
        with self.assertRaises(AssertionError):
            CONTRACT.check("GET", "/healthz", self.response(409, conflict))
        with self.assertRaises(AssertionError):
            CONTRACT.check("GET", "/api/v1/nothing", self.response(200, good))


class EveryRoute(harness.SharedDaemonTest):
    def test_document_is_served(self):
        with open(contract.DOCUMENT, "rb") as file:
            expected = file.read()
        response = self.client.get("/openapi.yaml")
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "application/yaml")
        self.assertEqual(response.body, expected)

    def each(self):
        for (path, method), operation in sorted(CONTRACT.operations.items()):
            yield path, method, operation, fill(path, NOWHERE)

    def assertStatus(self, response, status, *what):
        self.assertEqual(response.status, status, "%s: %r" % (" ".join(what), response.body[:300]))

    def test_without_a_token(self):
        stranger = harness.Client(self.daemon.url, None)
        for path, method, operation, address in self.each():
            if not is_open(operation):
                self.assertStatus(stranger.request(method, address), 401, method, path)
                self.assertStatus(harness.Client(self.daemon.url, "wrong").request(method, address), 401, method, path)

    def test_open_without_a_token(self):
        stranger = harness.Client(self.daemon.url, None)
        opened = [path for path, _, operation, _ in self.each() if is_open(operation)]
        self.assertEqual(opened, ["/healthz", "/readyz"])
        for path in opened:
            self.assertStatus(stranger.request("GET", "/" + path), 200, path)

    def test_with_the_token_of_a_run(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        child = self.child_client(run_id)
        for path, method, operation, address in self.each():
            if not is_open(operation):
                self.assertStatus(child.request(method, address), 403, method, path)
        self.client.post("/sweeps/%s/cancel" % sweep_id)

    def test_unknown_query_parameter(self):
        for path, method, _, address in self.each():
            response = self.client.request(method, address, query={"unheard_of": "1"})
            self.assertStatus(response, 400, method, path)
            self.assertEqual(response.error["details"][0]["code"], "UnknownField")

    def test_unknown_id(self):
        for path, method, operation, address in self.each():
            if "{id}" in path:
                body = {"PATCH": {"state": "active"} if "devices" in path else {"max_total_runs": 5},
                        "POST": {"name": "a", "value": 1} if "requestBody" in operation else None}.get(method)
                self.assertStatus(self.client.request(method, address, body), 404, method, path)

    def test_other_methods(self):
        for path in CONTRACT.document["paths"]:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                if (path, method) not in CONTRACT.operations:
                    self.assertStatus(self.client.request(method, fill(path, NOWHERE)), 405, method, path)

    def test_options(self):
        for path in CONTRACT.document["paths"]:
            response = self.client.request("OPTIONS", fill(path, NOWHERE))
            self.assertStatus(response, 204, path)
            self.assertEqual(response.body, b"")

    def test_body_of_another_type(self):
        for path, method, operation, address in self.each():
            if method != "GET":
                response = self.client.request(method, address, raw=b"a=b", headers={"Content-Type": "text/plain"})
                self.assertStatus(response, 415, method, path)

    def test_body_that_is_too_long(self):
        for path, method, operation, address in self.each():
            if method == "GET":
                continue
            connection = http.client.HTTPConnection(self.client.address, timeout=harness.DEADLINE)
            self.addCleanup(connection.close)
            connection.putrequest(method, address[1:])
            connection.putheader("Authorization", "Bearer " + self.daemon.token)
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(TOO_LONG))
            connection.endheaders()
            answer = connection.getresponse()
            response = harness.Response(answer.status, answer.headers, answer.read())
            self.assertStatus(response, 413, method, path)
            CONTRACT.check(method, address[1:], response)


if __name__ == "__main__":
    harness.main()
