"""Every row of the reference's section 4.2 that this daemon can meet: status, code, target and message; and that nothing is stored."""

import copy
import json
import os
import re
import socket

import harness
from harness import SharedDaemonTest

SAMPLING = "hyperparameter_sampling"
SPACE = SAMPLING + ".parameter_space"
INTEGER_LIMIT = 9007199254740991


class Any:
    """A text that must match a pattern wholly: for messages whose exact words the reference leaves open."""

    def __init__(self, pattern):
        self.pattern = re.compile(pattern, re.DOTALL)

    def __eq__(self, other):
        return isinstance(other, str) and self.pattern.fullmatch(other) is not None

    def __repr__(self):
        return "Any(%r)" % self.pattern.pattern


def wrong_type(path, kind, got):
    return [("WrongType", "'%s' must be %s, got %s" % (path, kind, got), path)]


def out_of_range(path, range_text, got):
    return [("OutOfRange", "'%s' must be %s, got %s" % (path, range_text, got), path)]


def required(path):
    return [("Required", "'%s' is required" % path, path)]


def unknown(path):
    return [("UnknownField", "'%s' is not a known field" % path, path)]


def expression(value, expected_code, message, target=SPACE + ".x", sampling="random"):
    """A row about one expression, that of parameter x."""
    return {SAMPLING: {"type": sampling, "parameter_space": {"x": value}}}, [(expected_code, message, target)]


def sampling(**members):
    return {SAMPLING: {"type": "random", "parameter_space": {"x": ["uniform", [0, 1]]}, **members}}


def named(name):
    return {SAMPLING: {"type": "random", "parameter_space": {name: ["uniform", [0, 1]]}}}


def run_config(**members):
    return {"run_config": {"command": ["/bin/true"], **members}}


X = SPACE + ".x"
TYPES = "choice, randint, uniform, quniform, loguniform, qloguniform, normal, qnormal, lognormal, qlognormal"
SEED_RANGE = "between -9007199254740991 and 9007199254740991"

# name -> (members that replace those of a valid sweep; None takes one away, expected details in order)
ROWS = {
    # General forms.
    "no sampling": ({SAMPLING: None}, required(SAMPLING)),
    "no sampling type": ({SAMPLING: {"parameter_space": {"x": ["uniform", [0, 1]]}}}, required(SAMPLING + ".type")),
    "no parameter space": ({SAMPLING: {"type": "random"}}, required(SPACE)),
    "no run_config": ({"run_config": None}, required("run_config")),
    "unknown field": ({"max_totl_runs": 4}, unknown("max_totl_runs")),
    "unknown field of the sampling": (sampling(sed=1), unknown(SAMPLING + ".sed")),
    "unknown field of run_config": (run_config(comand="x"), unknown("run_config.comand")),
    "unknown field of an expression": expression(
        {"type": "uniform", "min_value": 0, "max_value": 1, "mean": 3}, "UnknownField", "'%s.mean' is not a known field" % X, X + ".mean"),
    "experiment is a number": ({"experiment": 3}, wrong_type("experiment", "a string", "3")),
    "name is a list": ({"name": ["a"]}, wrong_type("name", "a string", '["a"]')),
    "tags is a list": ({"tags": []}, wrong_type("tags", "an object", "[]")),
    "a tag is a number": ({"tags": {"a": 1}}, wrong_type("tags.a", "a string", "1")),
    "sampling is a string": ({SAMPLING: "random"}, wrong_type(SAMPLING, "an object", '"random"')),
    "space is a list": ({SAMPLING: {"type": "random", "parameter_space": []}}, wrong_type(SPACE, "an object", "[]")),
    "total is a string": ({"max_total_runs": "4"}, wrong_type("max_total_runs", "an integer", '"4"')),
    "total is a boolean": ({"max_total_runs": True}, wrong_type("max_total_runs", "an integer", "true")),
    "total is a fraction": ({"max_total_runs": 4.5}, wrong_type("max_total_runs", "an integer", "4.5")),
    "minutes is a string": ({"max_duration_minutes": "5"}, wrong_type("max_duration_minutes", "a number", '"5"')),
    "arguments is a string": (
        run_config(command=None, script="a.py", arguments="-v", source_directory="/tmp"),
        wrong_type("run_config.arguments", "an array", '"-v"')),
    "snapshot is a string": (run_config(snapshot="no"), wrong_type("run_config.snapshot", "true or false", '"no"')),
    "an environment variable is a number": (
        run_config(environment_variables={"A": 1}), wrong_type("run_config.environment_variables.A", "a string", "1")),

    # Sampling.
    "unknown sampling": (
        {SAMPLING: {"type": "gird", "parameter_space": {"x": ["choice", [[1]]]}}},
        [("NotAllowed", "'%s.type' must be one of random, sobol, grid, bayesian, got \"gird\"" % SAMPLING, SAMPLING + ".type")]),
    "empty space": (
        {SAMPLING: {"type": "random", "parameter_space": {}}}, out_of_range(SPACE, "an object with 1 to 256 parameters", "0")),
    "257 parameters": (
        {SAMPLING: {"type": "random", "parameter_space": {"p%d" % i: ["uniform", [0, 1]] for i in range(257)}}},
        out_of_range(SPACE, "an object with 1 to 256 parameters", "257")),
    "two names with one variable": (
        {SAMPLING: {"type": "random", "parameter_space": {"--lr": ["uniform", [0, 1]], "lr": ["uniform", [0, 1]]}}},
        [("Duplicate", "parameters '--lr' and 'lr' have the same environment variable AZUREML_SWEEP_lr", Any(re.escape(SPACE) + ".*"))]),
    "grid with another expression": expression(
        ["uniform", [0, 1]], "NotAllowed", "'%s': grid sampling allows only choice, got uniform" % X, sampling="grid"),
    "seed too large": (sampling(seed=INTEGER_LIMIT + 1), out_of_range(SAMPLING + ".seed", SEED_RANGE, "9007199254740992")),
    "seed too small": (sampling(seed=-INTEGER_LIMIT - 1), out_of_range(SAMPLING + ".seed", SEED_RANGE, "-9007199254740992")),
    "seed is a fraction": (sampling(seed=0.5), wrong_type(SAMPLING + ".seed", "an integer", "0.5")),
    "rule with grid": (
        {SAMPLING: {"type": "grid", "rule": "random", "parameter_space": {"x": ["choice", [[1]]]}}},
        [("NotAllowed", "'%s.rule' is only allowed with random sampling" % SAMPLING, SAMPLING + ".rule")]),
    "logbase with grid": (
        {SAMPLING: {"type": "grid", "logbase": 10, "parameter_space": {"x": ["choice", [[1]]]}}},
        [("NotAllowed", "'%s.logbase' is only allowed with random sampling" % SAMPLING, SAMPLING + ".logbase")]),
    "seed with grid": (
        {SAMPLING: {"type": "grid", "seed": 1, "parameter_space": {"x": ["choice", [[1]]]}}},
        [("NotAllowed", "'%s.seed' is not allowed with grid sampling" % SAMPLING, SAMPLING + ".seed")]),
    **{"logbase %s" % json.dumps(base): (
        sampling(logbase=base), out_of_range(SAMPLING + ".logbase", '"e" or a number greater than 0 and not 1', json.dumps(base)))
       for base in (0, 1, -2, "ten")},

    # Expressions (5.2).
    "unknown expression": expression(
        {"type": "unifrom", "min_value": 0, "max_value": 1}, "NotAllowed",
        "'%s.type' must be one of %s, got \"unifrom\"" % (X, TYPES), X + ".type"),
    "unknown expression in list form": expression(
        ["unifrom", [0, 1]], "NotAllowed", Any("'%s.*' must be one of %s, got \"unifrom\"" % (re.escape(X), TYPES)),
        Any(re.escape(X) + ".*")),
    "a bare number": expression(3, "WrongType", "'%s' must be an expression; for a constant use choice with one value" % X),
    "a bare string": expression("abc", "WrongType", "'%s' must be an expression; for a constant use choice with one value" % X),
    "min above max": expression(
        {"type": "uniform", "min_value": 2, "max_value": 1}, "OutOfRange", "'%s.min_value' must be at most 'max_value' (1), got 2" % X,
        X + ".min_value"),
    "min above max, quniform list": expression(
        ["quniform", [2, 1, 1]], "OutOfRange", "'%s.min_value' must be at most 'max_value' (1), got 2" % X, X + ".min_value"),
    "min above max, loguniform": expression(
        ["loguniform", [0, -1]], "OutOfRange", "'%s.min_value' must be at most 'max_value' (-1), got 0" % X, X + ".min_value"),
    "no max": expression({"type": "uniform", "min_value": 2}, "Required", "'%s.max_value' is required" % X, X + ".max_value"),
    "min is a string": expression(
        {"type": "uniform", "min_value": "0", "max_value": 1}, "WrongType", "'%s.min_value' must be a number, got \"0\"" % X, X + ".min_value"),
    "min is not finite": expression(
        {"type": "uniform", "min_value": "-Infinity", "max_value": 1}, Any("WrongType|OutOfRange"), Any("'%s.min_value' must be .*" % X),
        X + ".min_value"),
    "q is 0": expression(["quniform", [0, 1, 0]], "OutOfRange", Any(r"'%s\.q' must be .*0.*, got 0" % re.escape(X)), X + ".q"),
    "q is negative": expression(["qnormal", [0, 1, -1]], "OutOfRange", Any(r"'%s\.q' must be .*, got -1" % re.escape(X)), X + ".q"),
    "loguniform overflows": expression(
        ["loguniform", [0, 1000]], "OutOfRange", Any(r"'%s\.max_value' must be .*, got 1000" % re.escape(X)), X + ".max_value"),
    "sigma negative": expression(["normal", [0, -1]], "OutOfRange", "'%s.sigma' must be 0 or more, got -1" % X, X + ".sigma"),
    "sigma negative, qlognormal": expression(
        ["qlognormal", [0, -1, 1]], "OutOfRange", "'%s.sigma' must be 0 or more, got -1" % X, X + ".sigma"),
    "randint 0": expression(
        ["randint", [0]], "OutOfRange", "'%s.upper' must be between 1 and 9007199254740991, got 0" % X, X + ".upper"),
    "randint of a fraction": expression(["randint", [1.5]], "WrongType", "'%s.upper' must be an integer, got 1.5" % X, X + ".upper"),
    "too few arguments": expression(["uniform", [0]], "Required", "'%s.max_value' is required" % X, X + ".max_value"),
    "too many arguments": expression(["uniform", [0, 1, 2]], Any(".*"), Any(".*%s.*" % re.escape(X)), Any(re.escape(X) + ".*")),
    "choice without values": expression({"type": "choice"}, "Required", "'%s.values' is required" % X, X + ".values"),
    "choice of no value": expression(
        ["choice", [[]]], "OutOfRange", Any(r"'%s\.values' must .*1 .*100000.*, got 0" % re.escape(X)), X + ".values"),
    "choice of too many values": expression(
        ["choice", [list(range(100001))]], "OutOfRange", Any(r"'%s\.values' must .*1 .*100000.*, got 100001" % re.escape(X)), X + ".values"),
    "choice with a NUL": expression(["choice", [["a\0b"]]], "InvalidJson", Any("the body is not valid JSON: .* at byte .*"), None),
    "a fault inside a branch": expression(
        {"type": "choice", "values": [{"lr": {"type": "uniform", "min_value": 1, "max_value": 0}}]}, "OutOfRange",
        Any(r"'%s\.values.*\.lr\.min_value' must be at most 'max_value' \(0\), got 1" % re.escape(X)),
        Any(re.escape(X) + r"\.values.*\.lr\.min_value")),

    # The rest of the sweep.
    "a goal without a metric": ({"primary_metric_name": None}, required("primary_metric_name")),
    "a metric without a goal": ({"primary_metric_goal": None}, required("primary_metric_goal")),
    "unknown goal": (
        {"primary_metric_goal": "max"},
        [("NotAllowed", "'primary_metric_goal' must be one of maximize, minimize, got \"max\"", "primary_metric_goal")]),
    "no total": ({"max_total_runs": None}, required("max_total_runs")),
    "total 0": ({"max_total_runs": 0}, out_of_range("max_total_runs", "between 1 and 1000000", "0")),
    "total too large": ({"max_total_runs": 1000001}, out_of_range("max_total_runs", "between 1 and 1000000", "1000001")),
    "grid too large to run whole": (
        {"max_total_runs": None, SAMPLING: {"type": "grid", "parameter_space": {
            "a": ["choice", [list(range(1001))]], "b": ["choice", [list(range(1000))]]}}},
        [("OutOfRange", "the grid has 1001000 combinations; give 'max_total_runs'", "max_total_runs")]),
    "concurrency 0": ({"max_concurrent_runs": 0}, out_of_range("max_concurrent_runs", "between 1 and 1000000", "0")),
    "concurrency too large": ({"max_concurrent_runs": 1000001}, out_of_range("max_concurrent_runs", "between 1 and 1000000", "1000001")),
    "no minutes": ({"max_duration_minutes": 0}, out_of_range("max_duration_minutes", "greater than 0", "0")),
    "negative minutes": ({"max_duration_minutes": -0.5}, out_of_range("max_duration_minutes", "greater than 0", "-0.5")),
    "no seconds": (
        {"max_duration_seconds": 0}, [("OutOfRange", Any(r"'max_duration_seconds' must be .*1.*, got 0"), "max_duration_seconds")]),
    "minutes and seconds differ": (
        {"max_duration_minutes": 1, "max_duration_seconds": 61},
        [("Conflict", "'max_duration_minutes' and 'max_duration_seconds' differ; give one of them", Any("max_duration_.*"))]),
    "trial timeout 0": (
        {"trial_timeout_seconds": 0}, [("OutOfRange", Any(r"'trial_timeout_seconds' must be .*1.*, got 0"), "trial_timeout_seconds")]),
    "failure limit negative": (
        {"initial_failure_limit": -1}, out_of_range("initial_failure_limit", "between 0 and 1000000", "-1")),
    "unknown nested_arguments": (
        {"nested_arguments": "deep"},
        [("NotAllowed", "'nested_arguments' must be one of json, flat, got \"deep\"", "nested_arguments")]),
    "unknown policy": (
        {"policy": {"type": "bandid"}},
        [("NotAllowed", "'policy.type' must be one of none, bandit, median_stopping, truncation_selection, got \"bandid\"",
          "policy.type")]),

    # The program.
    "neither script nor command": (
        {"run_config": {"source_directory": "/tmp"}},
        [("Conflict", "give exactly one of 'run_config.script', 'run_config.command'", Any("run_config.*"))]),
    "script and command": (
        run_config(script="a.py", source_directory="/tmp"),
        [("Conflict", "give exactly one of 'run_config.script', 'run_config.command'", Any("run_config.*"))]),
    "script without a source directory": (
        {"run_config": {"script": "a.py"}}, required("run_config.source_directory")),
    "source directory that is missing": (
        run_config(source_directory="/nonexistent/source"),
        [("NotFound", "'run_config.source_directory': no such directory: /nonexistent/source", "run_config.source_directory")]),
    "source directory that is a file": (
        run_config(source_directory="/etc/passwd"),
        [("NotFound", "'run_config.source_directory': no such directory: /etc/passwd", "run_config.source_directory")]),
    "source directory that is relative": (
        run_config(source_directory="source"), [(Any(".*"), Any("'run_config.source_directory'.*"), "run_config.source_directory")]),
    "placeholder that is not defined": (
        run_config(command="train ${{inputs.x1}}"),
        [("Undefined", "'run_config.command' refers to ${{inputs.x1}}, which is not defined", "run_config.command")]),
    "placeholder in an array": (
        run_config(command=["train", "${{search_space.y}}"]),
        [("Undefined", Any(r"'run_config\.command.*' refers to \$\{\{search_space\.y\}\}, which is not defined"),
          Any(r"run_config\.command.*"))]),
    "placeholder in the environment": (
        run_config(environment_variables={"A": "${{outputs.model}}"}),
        [("Undefined", "'run_config.environment_variables.A' refers to ${{outputs.model}}, which is not defined",
          "run_config.environment_variables.A")]),
    "placeholder of another root": (
        run_config(command="train ${{parent.x}}"), [(Any(".*"), Any(r".*\$\{\{parent\.x\}\}.*"), "run_config.command")]),
    "empty command": (run_config(command=[]), [(Any(".*"), Any("'run_config.command'.*"), "run_config.command")]),
}

UNSUPPORTED = {
    "estimator": ({"estimator": {"entry_script": "a.py"}}, "estimator"),
    "pipeline": ({"pipeline": {"steps": []}}, "pipeline"),
    "launcher": (run_config(launcher="slurm"), "run_config.launcher"),
}

# Bodies that are no JSON, and the byte at which that is seen (None: the reference leaves it open).
NOT_JSON = {
    "empty": (b"", 0), "blank": (b"  \n", None), "cut off": (b'{"a": ', 6), "cut off in a string": (b'{"a": "b', None),
    "something behind": (b"{} x", 3), "two values": (b"{}{}", 2), "single quotes": (b"{'a': 1}", 1), "NaN": (b'{"a": NaN}', 6),
    "Infinity": (b'{"a": -Infinity}', None), "leading zero": (b'{"a": 01}', None), "bare point": (b'{"a": 1.}', None),
    "plus": (b'{"a": +1}', 6), "comma at the end": (b'{"a": 1,}', None), "no colon": (b'{"a" 1}', 5), "comment": (b'{"a": /* */ 1}', 6),
    "invalid UTF-8": (b'{"a": "\xff"}', 7), "overlong UTF-8": (b'{"a": "\xc0\xaf"}', 7), "surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', 7),
    "lone surrogate": (b'{"a": "\\ud800"}', None), "unknown escape": (b'{"a": "\\x"}', None), "control character": (b'{"a": "\n"}', 7),
    "NUL byte": (b'{"a": "\0"}', 7), "NUL behind": (b"{}\0", 2), "byte order mark": (b"\xef\xbb\xbf{}", 0),
    "number too large": (b'{"a": 1e999}', None), "too deep": (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", None),
    "very deep": (b"[" * 100000, None), "word": (b"nothing", 0),
}


class Refused(SharedDaemonTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.daemon.sweeps(), [])

    def tearDown(self):
        self.assertEqual(self.daemon.sweeps(), [], "something was stored")
        for name in ("snapshots", "runs"):
            path = os.path.join(self.daemon.state, name)
            self.assertEqual(os.listdir(path) if os.path.exists(path) else [], [], name)

    def refuse(self, body):
        response = self.client.post("/sweeps", body)
        self.assertEqual(response.status, 400, response.body[:2000])
        error = response.error
        self.assertGreaterEqual(len(error["details"]), 1, error)
        self.assertEqual(error["message"], error["details"][0]["message"])
        self.assertEqual(error["target"], error["details"][0]["target"])
        return [(detail["code"], detail["message"], detail["target"]) for detail in error["details"]]

    def test_rows(self):
        for name, (change, expected) in ROWS.items():
            with self.subTest(name):
                body = self.specification(**change)
                if "run_config" in body:
                    body["run_config"] = {key: value for key, value in body["run_config"].items() if value is not None}
                details = self.refuse(body)
                self.assertEqual(len(details), len(expected), details)
                for detail, wanted in zip(details, expected):
                    self.assertEqual(list(wanted), list(detail), details)

    def test_what_came_is_cut_after_80_characters(self):
        for letter in ("n", "\u00e4", "\U0001d49c"):
            details = self.refuse(self.specification(max_total_runs=letter * 200))
            got = details[0][1].partition("got ")[2]
            self.assertTrue(got.startswith('"' + letter * 70), got)
            self.assertLessEqual(len(got), 84, got)

    def test_null_is_not_left_out(self):
        body = self.specification()
        for path in ("run_config", SAMPLING, "max_total_runs"):
            with self.subTest(path):
                details = self.refuse({**body, path: None})
                self.assertEqual([detail[2] for detail in details], [path])
                self.assertIn(details[0][0], ("Required", "WrongType"))

    def test_names(self):
        """Rule 5.1, one fault at a time."""
        names = ["", "9a", "-9a", "--", "a b", "a\tb", "a\nb", "a\x7fb", "a=b", 'a"b', "a'b", "a$b", "a{b", "a}b", "n" * 129]
        for name in names:
            with self.subTest(name):
                details = self.refuse(self.specification(**named(name)))
                self.assertEqual(len(details), 1, details)
                code, message, target = details[0]
                self.assertEqual(code, "InvalidName")
                self.assertRegex(message, r"(?s)\Aparameter name '.*' is not valid: .+")
                self.assertTrue(target.startswith(SPACE), target)

    def test_unsupported(self):
        for name, (change, target) in UNSUPPORTED.items():
            with self.subTest(name):
                found = [detail for detail in self.refuse(self.specification(**change)) if detail[0] == "Unsupported"]
                self.assertEqual(len(found), 1, found)
                self.assertRegex(found[0][1], r"\A'%s[^']*'.* is not supported here; .+" % re.escape(target))
                self.assertTrue(found[0][2].startswith(target), found)

    def test_several_errors_in_order(self):
        body = self.specification(
            max_duration_minutes=0, max_concurrent_runs=0, max_total_runs=0, primary_metric_goal="up",
            hyperparameter_sampling={"type": "random", "seed": INTEGER_LIMIT + 1, "parameter_space": {
                "b": {"type": "uniform", "min_value": 1, "max_value": 0}, "9": ["uniform", [0, 1]]}},
            run_config={"command": "x", "source_directory": "/nonexistent"})
        details = self.refuse(body)
        self.assertEqual(
            [(code, target) for code, _, target in details if code != "InvalidName"],
            [("OutOfRange", SPACE + ".b.min_value"), ("OutOfRange", SAMPLING + ".seed"), ("NotAllowed", "primary_metric_goal"),
             ("OutOfRange", "max_total_runs"), ("OutOfRange", "max_concurrent_runs"), ("OutOfRange", "max_duration_minutes"),
             ("NotFound", "run_config.source_directory")])
        self.assertEqual([code for code, _, _ in details].index("InvalidName"), 0)
        body = self.specification(max_total_runs=0, run_config={"command": "x ${{inputs.q}}", "source_directory": "/nonexistent"})
        self.assertEqual([(code, target) for code, _, target in self.refuse(body)], [
            ("OutOfRange", "max_total_runs"), ("NotFound", "run_config.source_directory"), ("Undefined", "run_config.command")])

    def test_a_body_that_is_no_object(self):
        for body in ([], 3, "sweep", None, True):
            with self.subTest(repr(body)):
                response = self.client.post("/sweeps", raw=json.dumps(body).encode())
                self.assertEqual(response.status, 400, response.body)
                self.assertEqual(response.error["details"][0]["code"], "WrongType")

    def test_not_json(self):
        for name, (raw, offset) in NOT_JSON.items():
            with self.subTest(name):
                response = self.client.post("/sweeps", raw=raw)
                self.assertEqual(response.status, 400, response.body)
                detail = response.error["details"][0]
                self.assertEqual(detail["code"], "InvalidJson", response.error)
                match = re.fullmatch(r"the body is not valid JSON: (.+) at byte (\d+)", detail["message"])
                self.assertIsNotNone(match, detail["message"])
                self.assertEqual(response.error["message"], detail["message"])
                self.assertLessEqual(int(match[2]), len(raw))
                if offset is not None:
                    self.assertEqual(int(match[2]), offset, detail["message"])

    def test_keys_given_twice(self):
        text = json.dumps(self.specification())
        cases = {
            "max_total_runs": text[:-1] + ', "max_total_runs": 3}',
            "run_config.command": text.replace('"command": ["/bin/true"]', '"command": ["/bin/true"], "command": ["/bin/false"]'),
            SPACE + ".x": text.replace('"x": ["uniform", [0, 1]]', '"x": ["uniform", [0, 1]], "x": ["uniform", [0, 2]]'),
            # An escape is only another way to write the same key.
            "name": text[:-1] + ', "name": "a", "n\\u0061me": "b"}',
        }
        for path, body in cases.items():
            with self.subTest(path):
                response = self.client.post("/sweeps", raw=body.encode())
                self.assertEqual(response.status, 400, response.body)
                self.assertEqual(response.error["details"],
                                 [{"code": "Duplicate", "message": "'%s' is given twice" % path, "target": path}])

    def test_content_types(self):
        raw = json.dumps(self.specification(max_total_runs=0)).encode()
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data; boundary=x"):
            with self.subTest(kind):
                self.assertEqual(self.client.post("/sweeps", raw=raw, headers={"Content-Type": kind}).status, 415)
        for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"):
            with self.subTest(kind):
                self.assertEqual(self.client.post("/sweeps", raw=raw, headers={"Content-Type": kind}).status, 400)

    def test_unknown_query_parameters(self):
        self.assertError(self.client.post("/sweeps", self.specification(), query={"dry": "true"}), 400, target="dry")

    def test_body_over_the_limit(self):
        """Said by Content-Length, it is refused before the body is sent; a body in chunks is refused on its way."""
        host, _, port = self.client.address.partition(":")
        head = ("POST /api/v1/sweeps HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                % (self.client.address, self.client.token))
        with socket.create_connection((host, int(port)), timeout=harness.DEADLINE) as connection:
            connection.sendall((head + "Content-Length: %d\r\n\r\n" % (16 * 1024 * 1024 + 1)).encode())
            self.assertRegex(connection.recv(4096), rb"\AHTTP/1\.1 413 ")
        with socket.create_connection((host, int(port)), timeout=harness.DEADLINE) as connection:
            connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
            chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
            try:
                for _ in range(17):
                    connection.sendall(chunk)
                connection.sendall(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # it did not wait for the rest
            try:
                answer = connection.recv(4096)
            except ConnectionResetError:
                answer = b""
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 413 "), answer[:200])
        self.assertEqual(self.client.get("/version").status, 200)

    def test_a_client_that_goes_away_in_the_middle(self):
        host, _, port = self.client.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=harness.DEADLINE) as connection:
            connection.sendall(("POST /api/v1/sweeps HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                                "Content-Length: 1000\r\n\r\n{\"max" % (self.client.address, self.client.token)).encode())
        self.assertEqual(self.client.get("/version").status, 200)


class Accepted(harness.DaemonTest):
    """The other side of some rows: what looks wrong and is right."""

    CASES = {
        "integral floats": {"max_total_runs": 2.0, "max_concurrent_runs": 1.0},
        "goal in capitals": {"primary_metric_goal": "MAXIMIZE"},
        "sampling in capitals": {SAMPLING: {"type": "Random", "parameter_space": {"x": ["uniform", [0, 1]]}}},
        "no metric at all": {"primary_metric_name": None, "primary_metric_goal": None},
        "no policy": {"policy": {"type": "none"}},
        "debug_flag": {"debug_flag": True},
        "both durations, equal": {"max_duration_minutes": 1.5, "max_duration_seconds": 90},
        "minutes as a fraction": {"max_duration_minutes": 0.5},
        "more at once than in all": {"max_concurrent_runs": 1000000},
        "name of 128 bytes": named("n" * 128),
        "names with dashes and dots": named("--learning-rate.0"),
        "the largest seed": sampling(seed=INTEGER_LIMIT),
        "logbase 10": sampling(logbase=10),
        "equal bounds": {SAMPLING: {"type": "random", "parameter_space": {"x": ["uniform", [1, 1]]}}},
        "null where null has a meaning": {"name": "a"},
    }

    def test_accepted(self):
        for name, change in self.CASES.items():
            with self.subTest(name):
                body = copy.deepcopy(self.specification(**change))
                if name == "null where null has a meaning":
                    body.update(dict.fromkeys(("policy", "max_concurrent_runs", "trial_timeout_seconds", "display_name", "resume_from",
                                               "resume_child_runs")))
                response = self.client.post("/sweeps", body)
                self.assertEqual(response.status, 201, response.body)
                self.wait_for_sweep(response.json["run_id"])

    def test_integral_floats_are_shown_as_integers(self):
        sweep = self.submit(max_total_runs=2.0)
        self.assertSame(self.client.read("/sweeps/%s/config" % sweep["run_id"])["max_total_runs"], 2)


if __name__ == "__main__":
    harness.main()
