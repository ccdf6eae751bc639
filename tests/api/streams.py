"""Answers without an end: read as they come, and held against schema/openapi.yaml."""

import urllib.parse

import harness
from contract import CONTRACT
from harness import read_json

SCHEMAS = {"sweep": "Event", "run": "Event", "log": "Event", "device": "Event", "metrics": "MetricsNews", "reset": "Reset"}


class Message:
    def __init__(self, kind, number, data):
        self.kind = kind
        self.id = number  # None: it has none of its own
        self.data = data

    def __repr__(self):
        return "%s %s %s" % (self.id, self.kind, self.data)


class Stream:
    """An open answer. `client` is a harness.Client."""

    def __init__(self, client, path, headers=None, **query):
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        self.connection = client.connection()
        sent = {} if client.token is None else {"Authorization": "Bearer " + client.token}
        self.connection.request("GET", target, headers={**sent, **(headers or {})})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.headers = self.answer.headers
        self.last_id = None  # as a browser keeps it
        # The body of a stream is looked at message by message.
        body = None if self.status in (200, 206) else self.answer.read()
        self.response = harness.Response(self.status, self.headers, body)
        CONTRACT.check("GET", target, self.response)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    # Bytes of logs.

    def read_until(self, text):
        """What comes, up to and with `text`."""
        got = b""
        while not got.endswith(text.encode()):
            byte = self.answer.read(1)
            assert byte, "the stream ended after %r" % got
            got += byte
        return got.decode()

    def rest(self):
        """All that comes until the daemon ends the stream; a connection that breaks is a fault."""
        return self.answer.read().decode()

    # Messages.

    def blocks(self):
        """The fields of each block; comments are left out."""
        fields = []
        while True:
            line = self.answer.readline()
            if not line:
                assert not fields, "the stream ended inside a message: %r" % fields
                return
            line = line.decode().removesuffix("\n")
            if line:
                name, _, value = line.partition(": ")
                fields += [(name, value)] if name else []
            elif fields:
                yield dict(fields)
                fields = []

    def messages(self):
        for fields in self.blocks():
            self.last_id = int(fields["id"]) if "id" in fields else self.last_id
            if "data" not in fields:
                continue
            data = read_json(fields["data"])
            fault = CONTRACT.fault(CONTRACT.document["components"]["schemas"][SCHEMAS[fields["event"]]], data)
            assert not fault, "message %s: %s" % (fields, fault)
            yield Message(fields["event"], int(fields["id"]) if "id" in fields else None, data)

    def events(self):
        """Those that are stored."""
        return (message for message in self.messages() if message.kind != "metrics")

    def opened(self):
        """Waits for the first block, which a stream that begins with now has at once."""
        fields = next(self.blocks())
        self.last_id = int(fields["id"])
        return self


def past_events(client, path="/events"):
    """All events that are kept."""
    with Stream(client, path, **{"from": "start", "follow": "false"}) as stream:
        return list(stream.events())


def line_of(message):
    """The line of the sweep's log that tells the same."""
    return "[%s][%s][%s]%s\n" % tuple(message.data[name] for name in ("time", "component", "level", "message"))
