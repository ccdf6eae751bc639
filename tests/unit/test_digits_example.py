"""The training program of packaging/examples/digits: it learns, and its reports arrive once each, whatever the daemon does."""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "examples" / "digits"
EPOCHS = 4

# What the daemon does with one request after the other.
STORE, REFUSE, BREAK_OFF, STORE_AND_HANG_UP, STORE_AND_BREAK_OFF, STOP = range(6)


class Daemon(http.server.ThreadingHTTPServer):
    """As much of hyperdrived as a report needs, with mishaps on request."""

    def __init__(self, mishaps):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mishaps = list(mishaps)
        self.last_sequence = {}
        self.rows = []
        self.faults = []
        self.duplicates = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def store(self, report):
        """True if it was stored now, False if it is a duplicate."""
        if report["sequence"] <= self.last_sequence.get(report["reporter"], 0):
            self.duplicates += 1
            return False
        self.last_sequence[report["reporter"]] = report["sequence"]
        self.rows += [(point["name"], point["step"]) for point in report["metrics"]]
        return True


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen = (self.path, self.headers["Authorization"], self.headers["Content-Type"])
        if seen != ("/api/v1/runs/HD_x_3/metrics", "Bearer r.HD_x_3.secret", "application/json"):
            self.server.faults.append(seen)
        mishap = self.server.mishaps.pop(0) if self.server.mishaps else STORE
        self.close_connection = True
        if mishap == REFUSE:
            self.send_error(503)
            return
        stored = mishap != BREAK_OFF and self.server.store(report)
        if mishap == STORE_AND_HANG_UP:
            return
        answer = {"accepted": len(report["metrics"]) if stored else 0, "duplicate": not stored, "stop": mishap == STOP}
        answer["stop_reason"] = {"kind": "user", "message": "no longer needed"} if mishap == STOP else None
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:5] if mishap in (BREAK_OFF, STORE_AND_BREAK_OFF) else body)


class DigitsExample(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def train(self, url=None, *options):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HYPERDRIVE_")}
        environment["http_proxy"] = "http://127.0.0.1:9"  # must not be asked
        if url:
            environment.update(HYPERDRIVE_URL=url, HYPERDRIVE_RUN_ID="HD_x_3", HYPERDRIVE_TOKEN="r.HD_x_3.secret")
        command = [sys.executable, str(EXAMPLE / "train.py"), "--epochs", str(EPOCHS), "--learning_rate", "0.5", "--momentum", "0.8", *options]
        return subprocess.run(command, cwd=self.folder.name, env=environment, capture_output=True, text=True, timeout=120)

    def train_with(self, mishaps):
        daemon = Daemon(mishaps)
        self.addCleanup(daemon.server_close)
        self.addCleanup(daemon.shutdown)
        result = self.train(f"http://127.0.0.1:{daemon.server_port}")
        self.assertEqual((result.returncode, result.stderr, daemon.faults), (0, "", []))
        return daemon, result

    def assert_once_each(self, daemon, epochs=EPOCHS):
        names = ("validation_accuracy", "validation_loss", "training_loss")
        self.assertEqual(daemon.rows, [(name, step) for step in range(1, epochs + 1) for name in names])

    def test_learns_without_a_daemon(self):
        result = self.train()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        model = json.loads((pathlib.Path(self.folder.name) / "outputs" / "model.json").read_text(encoding="utf-8"))
        self.assertGreater(model["validation_accuracy"], 0.93)
        self.assertEqual((len(model["weights"]), len(model["weights"][0])), (10, 65))

    def test_reports_every_epoch(self):
        daemon, _ = self.train_with([])
        self.assert_once_each(daemon)
        self.assertEqual(daemon.duplicates, 0)

    def test_no_report_is_lost_or_doubled(self):
        mishaps = [REFUSE, STORE_AND_HANG_UP, STORE_AND_BREAK_OFF, STORE, BREAK_OFF, REFUSE, STORE_AND_HANG_UP]
        daemon, _ = self.train_with(mishaps)
        self.assert_once_each(daemon)
        self.assertGreater(daemon.duplicates, 0)

    def test_stops_when_asked(self):
        daemon, result = self.train_with([STORE, STOP])
        self.assert_once_each(daemon, epochs=2)
        self.assertIn("stopped: no longer needed", result.stdout)

    def test_a_daemon_that_is_gone_does_not_end_the_training(self):
        result = self.train("http://127.0.0.1:9", "--patience", "0")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, f"{EPOCHS} reports could not be delivered within 0.0 s\n")
        self.assertTrue((pathlib.Path(self.folder.name) / "outputs" / "model.json").is_file())

    def test_the_data_is_whole(self):
        sys.path.insert(0, str(EXAMPLE))
        self.addCleanup(sys.path.remove, str(EXAMPLE))
        sys.dont_write_bytecode = True
        import train

        images = train.load(EXAMPLE / "digits.csv.gz")
        self.assertEqual(len(images), 1797)
        self.assertEqual({digit for _, digit in images}, set(range(10)))
        self.assertEqual({len(image) for image, _ in images}, {65})


if __name__ == "__main__":
    unittest.main()
