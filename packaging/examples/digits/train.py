#!/usr/bin/env python3
"""Trains a softmax regression on the UCI handwritten digits; plain Python, nothing to install.

Mini-batch stochastic gradient descent with momentum and L2 regularisation. After every epoch the validation accuracy is printed and,
when hyperdrived has started this program, reported to it. By hand:

    python3 train.py --learning_rate 0.1 --epochs 5
"""

import argparse
import csv
import gzip
import http.client
import json
import math
import operator
import os
import pathlib
import random
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

CLASSES = 10
HERE = pathlib.Path(__file__).resolve().parent


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
    """Sends metrics to the daemon in order, each of them once.

    A report that cannot be delivered now is kept and sent again, with the same sequence number, before the next one: the daemon knows a
    number that it has already stored, so nothing is doubled; and training neither waits for a daemon that is away nor dies of it.
    """

    TRY_SECONDS = 5.0

    def __init__(self, environment):
        self.url = None
        if "HYPERDRIVE_URL" in environment and "HYPERDRIVE_RUN_ID" in environment:
            self.url = f"{environment['HYPERDRIVE_URL']}/api/v1/runs/{environment['HYPERDRIVE_RUN_ID']}/metrics"
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {environment.get('HYPERDRIVE_TOKEN', '')}"}
        self.reporter = uuid.uuid4().hex
        self.sequence = 0
        self.unsent = []
        self.stop_reason = None
        # A daemon is never behind a proxy, and where it speaks HTTPS it may say by what to verify it.
        context = ssl.create_default_context(cafile=environment.get("HYPERDRIVE_CA_FILE"))
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
        if self.url is not None and self.url.startswith("http+unix://"):
            self.url = self.url.replace("http+unix://", "http://", 1)
            self.headers["Host"] = "localhost"
            handlers.append(SocketHandler())
        self.opener = urllib.request.build_opener(*handlers)

    def log(self, step, **metrics):
        """Takes metrics of one step and tries to deliver what is there."""
        if self.url is None:
            return
        self.sequence += 1
        points = [{"name": name, "value": number(value), "step": step} for name, value in metrics.items()]
        self.unsent.append({"reporter": self.reporter, "sequence": self.sequence, "metrics": points})
        self.deliver()

    def deliver(self):
        """Sends what is kept, oldest first; returns whether nothing is left."""
        while self.unsent and self.send(self.unsent[0]):
            self.unsent.pop(0)
        return not self.unsent

    def send(self, report):
        """Returns whether this report is dealt with: stored, or refused for good."""
        request = urllib.request.Request(self.url, json.dumps(report).encode(), self.headers, method="POST")
        try:
            with self.opener.open(request, timeout=self.TRY_SECONDS) as answer:
                said = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code in (408, 429) or error.code >= 500:
                return False
            print(f"report {report['sequence']} was refused: HTTP status {error.code}, {error.reason}", file=sys.stderr)
            return True
        except (OSError, ValueError, http.client.HTTPException):  # no connection, no answer in time, or one that was cut off
            return False
        if said.get("stop"):
            self.stop_reason = said.get("stop_reason") or {"message": "the daemon asks for it"}
        return True

    def finish(self, seconds):
        """Keeps trying for so long to deliver what is left."""
        deadline = time.monotonic() + seconds
        pause = 0.1
        while not self.deliver():
            if time.monotonic() + pause > deadline:
                print(f"{len(self.unsent)} reports could not be delivered within {seconds} s", file=sys.stderr)
                return
            time.sleep(pause)
            pause = min(2 * pause, 2.0)


def number(value):
    """JSON has no words for these three; the daemon takes them as strings."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def load(path):
    """Images as lists of 64 brightnesses from 0 to 1 and a last 1 for the bias, with their digits."""
    with gzip.open(path, "rt", newline="") as lines:
        rows = [[int(cell) for cell in row] for row in csv.reader(lines)]
    return [([pixel / 16 for pixel in row[:-1]] + [1.0], row[-1]) for row in rows]


def probabilities(weights, image):
    """The model: softmax of one linear function per digit."""
    scores = [sum(map(operator.mul, row, image)) for row in weights]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def train_epoch(weights, velocity, images, options):
    """One pass over `images` in mini-batches; returns the mean loss on the way."""
    loss = 0.0
    for start in range(0, len(images), options.batch_size):
        batch = images[start : start + options.batch_size]
        gradient = [[0.0] * len(weights[0]) for _ in range(CLASSES)]
        for image, digit in batch:
            errors = probabilities(weights, image)
            loss -= math.log(max(errors[digit], 1e-300))
            errors[digit] -= 1.0
            for label, error in enumerate(errors):
                if abs(error) > 1e-4:  # what is smaller moves nothing, and costs most of the time
                    gradient[label] = [g + error * pixel for g, pixel in zip(gradient[label], image)]
        for label in range(CLASSES):
            velocity[label] = [
                options.momentum * v - options.learning_rate * (g / len(batch) + options.l2 * w)
                for v, g, w in zip(velocity[label], gradient[label], weights[label])
            ]
            weights[label] = [w + v for w, v in zip(weights[label], velocity[label])]
    return loss / len(images)


def evaluate(weights, images):
    """Accuracy and mean loss."""
    right, loss = 0, 0.0
    for image, digit in images:
        guess = probabilities(weights, image)
        right += guess.index(max(guess)) == digit
        loss -= math.log(max(guess[digit], 1e-300))
    return right / len(images), loss / len(images)


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
        return value

    return convert


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learning_rate", type=positive(float), default=0.1)
    parser.add_argument("--momentum", type=float, default=0.0, help="0: none; must be below 1")
    parser.add_argument("--batch_size", type=positive(int), default=32)
    parser.add_argument("--l2", type=float, default=0.0, help="strength of the L2 regularisation")
    parser.add_argument("--epochs", type=positive(int), default=8)
    parser.add_argument("--seed", type=int, default=1, help="of the split into training and validation images, and of their order")
    parser.add_argument("--data", type=pathlib.Path, default=HERE / "digits.csv.gz")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds to wait at the end for a daemon that is away")
    return parser.parse_args()


def save(weights, accuracy, options):
    folder = pathlib.Path("outputs")
    folder.mkdir(exist_ok=True)
    hyperparameters = {name: getattr(options, name) for name in ("learning_rate", "momentum", "batch_size", "l2", "epochs", "seed")}
    model = {"validation_accuracy": accuracy, "hyperparameters": hyperparameters, "weights": weights}
    (folder / "model.json").write_text(json.dumps(model) + "\n", encoding="utf-8")


def main():
    options = parse_options()
    order = random.Random(options.seed)
    images = load(options.data)
    order.shuffle(images)
    held_back = len(images) // 4
    validation, training = images[:held_back], images[held_back:]
    weights = [[0.0] * len(images[0][0]) for _ in range(CLASSES)]
    velocity = [[0.0] * len(images[0][0]) for _ in range(CLASSES)]
    reporter = Reporter(os.environ)
    accuracy = 0.0
    for epoch in range(1, options.epochs + 1):
        order.shuffle(training)
        training_loss = train_epoch(weights, velocity, training, options)
        accuracy, loss = evaluate(weights, validation)
        print(f"epoch {epoch}: validation accuracy {accuracy:.4f}, loss {loss:.4f}, training loss {training_loss:.4f}", flush=True)
        reporter.log(epoch, validation_accuracy=accuracy, validation_loss=loss, training_loss=training_loss)
        if reporter.stop_reason:
            print(f"stopped: {reporter.stop_reason.get('message', reporter.stop_reason)}")
            break
    save(weights, accuracy, options)
    reporter.finish(options.patience)


if __name__ == "__main__":
    main()
