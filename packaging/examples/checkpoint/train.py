#!/usr/bin/env python3
"""Trains a small neural network to tell two spirals apart, and goes on from a checkpoint; plain Python, nothing to install.

After every epoch the weights are saved to outputs/checkpoint.json, whole or not at all. When this program runs again what an earlier child
has run (`resume_child_runs`), hyperdrived gives it the outputs of that child:

    train.py --learning_rate 0.5 --hidden 8 --resume-from DIRECTORY

It then begins behind the last epoch that was saved there. By hand: python3 train.py --epochs 30, then
cp -r outputs before && python3 train.py --epochs 60 --resume-from before.
"""

import argparse
import http.client
import json
import math
import os
import pathlib
import random
import socket
import ssl
import sys
import urllib.parse
import urllib.request
import uuid

CHECKPOINT = "checkpoint.json"
POINTS = 120  # of each spiral


class SocketConnection(http.client.HTTPConnection):
    """To a daemon that listens on a Unix socket, whose path stands in the address: http+unix://%2Frun%2Fhyperdrive%2Fsocket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(urllib.parse.unquote(self.host))


class SocketHandler(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(SocketConnection, request)


class Reporter:
    """Reports to the daemon that has started this program; to nobody when it runs by hand. examples/digits has one that tries again."""

    def __init__(self, environment):
        self.url = None
        if "HYPERDRIVE_RUN_ID" in environment:
            self.url = f"{environment['HYPERDRIVE_URL']}/api/v1/runs/{environment['HYPERDRIVE_RUN_ID']}/metrics"
            self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {environment['HYPERDRIVE_TOKEN']}"}
        self.reporter = uuid.uuid4().hex
        # A daemon is never behind a proxy, and where it speaks HTTPS it may say by what to verify it.
        context = ssl.create_default_context(cafile=environment.get("HYPERDRIVE_CA_FILE"))
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
        if self.url is not None and self.url.startswith("http+unix://"):
            self.url = self.url.replace("http+unix://", "http://", 1)
            self.headers["Host"] = "localhost"
            handlers.append(SocketHandler())
        self.opener = urllib.request.build_opener(*handlers)

    def log(self, step, **metrics):
        """Returns whether the training is to stop."""
        if self.url is None:
            return False
        points = [{"name": name, "value": value, "step": step} for name, value in metrics.items()]
        report = {"reporter": self.reporter, "sequence": step, "metrics": points}
        request = urllib.request.Request(self.url, json.dumps(report).encode(), self.headers, method="POST")
        try:
            with self.opener.open(request, timeout=10) as answer:
                return json.load(answer)["stop"]
        except OSError as error:
            print(f"epoch {step} could not be reported: {error}", file=sys.stderr)
            return False


def spirals():
    """Points of the plane, each with its spiral: 0 or 1."""
    noise = random.Random(1)
    points = []
    for i in range(POINTS):
        for label in (0, 1):
            angle = 0.5 + 5.0 * i / POINTS
            radius = angle / 5.5
            turn = angle + math.pi * label
            points.append((radius * math.cos(turn) + noise.gauss(0, 0.02), radius * math.sin(turn) + noise.gauss(0, 0.02), label))
    return points


def new_network(hidden):
    draw = random.Random(hidden)
    inner = [[draw.gauss(0, 1.5) for _ in range(3)] for _ in range(hidden)]
    return {"inner": inner, "outer": [draw.gauss(0, 0.5) for _ in range(hidden + 1)]}


def activate(network, x, y):
    """The hidden units, and the probability of spiral 1."""
    hidden = [math.tanh(a * x + b * y + c) for a, b, c in network["inner"]]
    score = network["outer"][-1] + sum(weight * unit for weight, unit in zip(network["outer"], hidden))
    return hidden, 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))


def train_epoch(network, points, rate, order):
    """One pass of stochastic gradient descent; returns accuracy and mean loss on the way."""
    right, loss = 0, 0.0
    for x, y, label in order.sample(points, len(points)):
        hidden, guess = activate(network, x, y)
        right += (guess > 0.5) == label
        loss -= math.log(max(guess if label else 1 - guess, 1e-12))
        error = guess - label
        for unit, weights in enumerate(network["inner"]):
            back = error * network["outer"][unit] * (1 - hidden[unit] ** 2)
            network["outer"][unit] -= rate * error * hidden[unit]
            network["inner"][unit] = [weights[0] - rate * back * x, weights[1] - rate * back * y, weights[2] - rate * back]
        network["outer"][-1] -= rate * error
    return right / len(points), loss / len(points)


def save(epoch, network):
    """A file beside it and a rename: a training that is killed in the middle leaves the checkpoint of the epoch before."""
    folder = pathlib.Path("outputs")
    folder.mkdir(exist_ok=True)
    beside = folder / (CHECKPOINT + ".new")
    beside.write_text(json.dumps({"epoch": epoch, "network": network}) + "\n", encoding="utf-8")
    beside.replace(folder / CHECKPOINT)


def load(folder, hidden):
    """The last epoch that was saved in `folder` and its network; epoch 0 and a new network when there is none."""
    path = folder / CHECKPOINT if folder else None
    if path is None or not path.exists():
        return 0, new_network(hidden)
    checkpoint = json.loads(path.read_text(encoding="utf-8"))
    return checkpoint["epoch"], checkpoint["network"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--hidden", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=30, help="in all, those before the checkpoint included")
    parser.add_argument("--resume-from", type=pathlib.Path, help="folder with the checkpoint to go on from; it is only read")
    options = parser.parse_args()
    reporter = Reporter(os.environ)
    done, network = load(options.resume_from, options.hidden)
    if done > 0:
        print(f"going on behind epoch {done}")
    points = spirals()
    for epoch in range(done + 1, options.epochs + 1):
        accuracy, loss = train_epoch(network, points, options.learning_rate, random.Random(epoch))
        save(epoch, network)
        print(f"epoch {epoch}: accuracy {accuracy:.4f}, loss {loss:.4f}", flush=True)
        if reporter.log(epoch, accuracy=accuracy, loss=loss):
            break


if __name__ == "__main__":
    main()
