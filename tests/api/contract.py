"""Holds every answer against schema/openapi.yaml, and remembers which answers a run of the tests has seen.

The document leaves objects open for new members, as clients must. Here they are closed: a member that it does not describe is a fault, and
so is a status. HD_COVERAGE is a folder: each test program leaves a file there with the answers that it saw (test_coverage.py reads them).
"""

import json
import os
import re
import sys
import threading

try:
    import jsonschema
    import yaml
except ImportError as missing:
    sys.exit("%s: the tests of the API need the Debian packages python3-yaml and python3-jsonschema (%s)" % (sys.argv[0], missing))

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schema", "openapi.yaml")
METHODS = ("get", "post", "put", "patch", "delete")
LONG = 200        # of a list or an object with more members than this, the first and the last hundred are looked at


def read_document():
    with open(DOCUMENT, encoding="utf-8") as file:
        return yaml.load(file, yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)


def close(node):
    """Objects with known members get no others."""
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for child in node.values():
            close(child)
    elif isinstance(node, list):
        for child in node:
            close(child)


def thin(value):
    """The value with long lists and objects shortened: they are long because they have many members of one kind."""
    if isinstance(value, dict):
        if len(value) > LONG:
            names = list(value)
            value = {name: value[name] for name in names[:100] + names[-100:]}
        return {name: thin(member) for name, member in value.items()}
    if isinstance(value, list):
        return [thin(member) for member in (value[:100] + value[-100:] if len(value) > LONG else value)]
    return value


def is_integer(_, value):
    return isinstance(value, int) and not isinstance(value, bool)


# The kind of a number must survive: in an answer 5.0 is no integer, and a double has a point or an exponent.
STRICT = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer))
FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("double")(lambda value: not is_integer(None, value))


class Contract:
    def __init__(self, document):
        self.operations = {}  # (path, method) -> operation
        self.paths = []       # (pattern, path), the most literal first
        self.seen = set()
        self.lock = threading.Lock()
        self.validators = {}
        close(document)
        self.document = document
        for path, item in document["paths"].items():
            pattern = re.sub(r"\\\{[^/]*\\\}$", "[^?]+", re.escape(path)) if path.endswith("{name}") else re.escape(path)
            self.paths.append((re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", pattern)), path))
            for method in METHODS:
                if method in item:
                    self.operations[path, method.upper()] = item[method]
        self.paths.sort(key=lambda entry: entry[1].count("{"))
        self.coverage = self._open_coverage()

    @staticmethod
    def _open_coverage():
        folder = os.environ.get("HD_COVERAGE")
        if not folder:
            return None
        os.makedirs(folder, exist_ok=True)
        return open(os.path.join(folder, os.path.basename(sys.argv[0])), "w", encoding="utf-8", buffering=1)

    def resolve(self, node):
        while "$ref" in node:
            found = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def path_of(self, target):
        """The documented path of a request's target; None if there is none."""
        target = target.partition("?")[0]
        for pattern, path in self.paths:
            if pattern.fullmatch(target):
                return path
        return None

    def methods_of(self, path):
        return sorted(method for known, method in self.operations if known == path)

    def fault(self, schema, value, validator=STRICT):
        """What is wrong with `value`, as a sentence; None if nothing is."""
        key = id(schema), validator
        if key not in self.validators:
            whole = {"components": self.document["components"], "allOf": [schema]}
            self.validators[key] = validator(whole, format_checker=FORMATS)
        error = jsonschema.exceptions.best_match(self.validators[key].iter_errors(thin(value)))
        return error and "at %s: %s" % ("/".join(map(str, error.absolute_path)) or "the top", error.message[:1000])

    def note(self, path, method, status):
        with self.lock:
            if (path, method, status) in self.seen:
                return
            self.seen.add((path, method, status))
            if self.coverage is not None:
                self.coverage.write("%s %s %d\n" % (method, path, status))

    # --- One answer ---

    def check(self, method, target, response, sent=None):
        """Asserts that `response` (status, headers, body) is an answer that the document has for this request. `sent` is its body as JSON."""
        fault = self._look(method, target, response, sent)
        if fault:
            raise AssertionError("%s %s: %d is not as schema/openapi.yaml says: %s" % (method, target, response.status, fault))

    def _look(self, method, target, response, sent):
        path = self.path_of(target)
        if path is None or method == "OPTIONS" or response.status == 405:
            return self._look_without_route(path, method, response)
        operation = self.operations.get((path, "GET" if method == "HEAD" else method))
        if operation is None:
            return "the document does not have this method" if response.status not in (400, 401, 403) else None
        documented = operation["responses"].get(str(response.status), operation["responses"]["default"])
        if response.status < 400 and str(response.status) not in operation["responses"]:
            return "the document does not have this status"
        if method != "HEAD":
            self.note(path, method, response.status)
        documented = self.resolve(documented)
        return self._look_at_headers(documented, response) or (
            self._look_at_body(documented, response) if method != "HEAD" else None) or self._look_at_sent(operation, response, sent)

    def _look_without_route(self, path, method, response):
        if path is None:
            return None if response.status in (400, 401, 403, 404, 503) else "the document does not have this address"
        if response.status in (204, 405):
            methods = {name.strip() for name in (response.headers.get("Allow") or "").split(",")}
            expected = set(self.methods_of(path)) | {"OPTIONS"}
            expected |= {"HEAD"} if "GET" in expected else set()
            return None if methods == expected else "Allow has %s, not %s" % (sorted(methods), sorted(expected))
        return None if response.status in (400, 401, 403) else "%s of a known address" % method

    def _look_at_headers(self, documented, response):
        for name, header in documented.get("headers", {}).items():
            value = response.headers.get(name)
            if value is None and header.get("required"):
                return "the header %s is missing" % name
            fault = value is not None and self.fault(header["schema"], value)
            if fault:
                return "header %s: %s" % (name, fault)
        return None

    def _look_at_body(self, documented, response):
        content = documented.get("content")
        kind = (response.headers.get("Content-Type") or "").partition(";")[0]
        if content is None:
            return "there is a body" if response.body else None
        if kind not in content:
            return "the content type is %r" % kind
        if kind != "application/json" or response.body is None:
            return None
        return self.fault(content[kind]["schema"], json.loads(response.body))

    def _look_at_sent(self, operation, response, sent):
        """A body that the daemon took must be one that the document allows."""
        if sent is None or not 200 <= response.status < 300 or "requestBody" not in operation:
            return None
        fault = self.fault(operation["requestBody"]["content"]["application/json"]["schema"], sent, jsonschema.Draft202012Validator)
        return fault and "the body that was sent and taken: " + fault


CONTRACT = Contract(read_document())
