#!/usr/bin/env python3
"""Tunes a function of its own with a sweep of hyperdrived: the daemon chooses, stores and judges, and starts no program.

With `run_config.launcher` = `client` clients ask for children, report, and tell how they ended: from notebooks, other schedulers or other
machines. Here eight threads do so. Plain Python, nothing to install:

    python3 tune.py --state-dir /tmp/sweeps --runs 40
"""

import argparse
import concurrent.futures
import http.client
import json
import math
import os
import pathlib
import socket
import ssl
import sys
import time
import urllib.parse
import uuid

SWEEP = {
    "experiment": "valley",
    "display_name": "Gradient descent in a narrow valley",
    "hyperparameter_sampling": {"type": "random", "seed": 11, "parameter_space": {
        "learning_rate": {"type": "loguniform", "min_value": -9, "max_value": -5},
        "momentum": {"type": "uniform", "min_value": 0, "max_value": 0.98},
    }},
    "primary_metric_name": "height", "primary_metric_goal": "minimize",
    "initial_failure_limit": 0,  # a rate that is too high fails in its first step, and so before any good one ends
    "trial_timeout_seconds": 600,  # frees what a client has held that vanished
    "run_config": {"launcher": "client"},
}


class SocketConnection(http.client.HTTPConnection):
    """To a daemon that listens on a Unix socket, whose path stands in the address: http+unix://%2Frun%2Fhyperdrive%2Fsocket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(urllib.parse.unquote(self.host))


class Daemon:
    """Requests to the daemon: JSON in and out, each with the token that may make it."""

    def __init__(self, url, token, authorities=None):
        self.url = urllib.parse.urlsplit(url)
        self.token = token
        self.authorities = authorities  # file by which one that speaks HTTPS is verified; None: by what the system trusts

    def connection(self):
        if self.url.scheme == "http+unix":
            return SocketConnection(self.url.netloc, timeout=30)
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(self.url.netloc, timeout=30, context=ssl.create_default_context(cafile=self.authorities))
        return http.client.HTTPConnection(self.url.netloc, timeout=30)

    def post(self, path, body=None, token=None, patiences=(0.1, 0.5, 1, 2, 5, 10, None)):
        """(status, answer). A request without an answer is sent again: all of these count once, but a submission."""
        headers = {"Authorization": "Bearer " + (token or self.token), "Content-Type": "application/json"}
        if self.url.scheme == "http+unix":
            headers["Host"] = "localhost"
        for patience in patiences:
            connection = self.connection()
            try:
                connection.request("POST", "/api/v1" + path, json.dumps(body or {}), headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 503 or patience is None:
                    return answer.status, json.loads(text) if text else None
            except (OSError, http.client.HTTPException):
                if patience is None:
                    raise
            finally:
                connection.close()
            time.sleep(patience)  # the daemon is busy, or is started again


def descend(run, report):
    """The training: gradient descent on Rosenbrock's valley. `report` says whether to stop."""
    x, y, speed_x, speed_y = -1.2, 1.0, 0.0, 0.0
    rate, momentum = run["hyperparameters"]["learning_rate"], run["hyperparameters"]["momentum"]
    for step in range(1, 11):
        for _ in range(50):
            speed_x = momentum * speed_x - rate * (-2 * (1 - x) - 400 * x * (y - x * x))
            speed_y = momentum * speed_y - rate * 200 * (y - x * x)
            x, y = x + speed_x, y + speed_y
            if not (abs(x) < 1e6 and abs(y) < 1e6):
                raise OverflowError("it has left the valley in step %d" % step)
        if report(step, (1 - x) ** 2 + 100 * (y - x * x) ** 2):
            return


class Client:
    """Takes one child after the other, until there are no more."""

    def __init__(self, daemon, sweep):
        self.daemon = daemon
        self.sweep = sweep
        self.name = uuid.uuid4().hex  # with a rising sequence: what is asked or reported again counts once
        self.asked = 0

    def ask(self):
        """The next child; None when the sweep has no more."""
        self.asked += 1
        while True:
            status, answer = self.daemon.post("/sweeps/%s/ask" % self.sweep, {"asker": self.name, "sequence": self.asked})
            if status in (200, 201):
                return answer
            if status == 410:
                return None
            if status != 204:
                sys.exit("ask: %d %s" % (status, answer["error"]["message"]))
            time.sleep(1)  # so many run already that none may start now

    def work(self):
        count = 0
        while (run := self.ask()) is not None:
            count += 1
            path = "/runs/" + run["run_id"]

            def report(step, height):
                point = {"name": "height", "value": height if math.isfinite(height) else "Infinity", "step": step,
                         "reporter": self.name, "sequence": step}
                status, answer = self.daemon.post(path + "/metrics", point, run["token"])
                return status != 200 or answer["stop"]  # refused: the child has ended, for instance by its timeout

            try:
                descend(run, report)
                self.daemon.post(path + "/complete", {}, run["token"])
            except OverflowError as error:
                self.daemon.post(path + "/fail", {"message": str(error)}, run["token"])
        return count


def find_daemon(options):
    if options.state_dir:
        authorities = options.state_dir / "ca.pem"
        return Daemon(*((options.state_dir / name).read_text(encoding="utf-8").strip() for name in ("url", "token")),
                      authorities if authorities.exists() else None)
    return Daemon(os.environ["HYPERDRIVE_URL"], os.environ["HYPERDRIVE_TOKEN"], os.environ.get("HYPERDRIVE_CA_FILE"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state-dir", type=pathlib.Path, help="of the daemon; HYPERDRIVE_URL and HYPERDRIVE_TOKEN say it, too")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    daemon = find_daemon(options)
    sweep = {**SWEEP, "max_total_runs": options.runs, "max_concurrent_runs": options.clients}
    status, sweep = daemon.post("/sweeps", sweep, patiences=(None,))
    if status != 201:
        sys.exit("submit: " + sweep["error"]["message"])
    with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
        counts = list(pool.map(lambda _: Client(daemon, sweep["run_id"]).work(), range(options.clients)))
    print("%s: %d runs by %d clients" % (sweep["run_id"], sum(counts), options.clients))


if __name__ == "__main__":
    main()
