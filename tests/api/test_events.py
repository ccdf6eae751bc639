"""Server-Sent Events: order, what a client that comes back gets, what is merged, who may listen, and when a stream ends."""

import sqlite3
import time

import harness
from harness import DaemonTest, SharedDaemonTest, wait_until
from streams import line_of, past_events, Stream

STREAMS = 256  # at once


class Past(SharedDaemonTest):
    def setUp(self):
        super().setUp()
        self.sweep_id = self.finished_sweep(max_total_runs=5)["run_id"]
        self.path = "/sweeps/%s/events" % self.sweep_id

    def test_all_in_order_and_the_end(self):
        with Stream(self.client, self.path, **{"from": "start"}) as stream:
            self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
            self.assertEqual(stream.headers["Cache-Control"], "no-store")
            events = list(stream.events())
        ids = [event.id for event in events]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual("".join(map(line_of, events)), self.client.get("/sweeps/%s/log" % self.sweep_id).body.decode())
        self.assertEqual({event.data["sweep_id"] for event in events}, {self.sweep_id})
        self.assertEqual([event.data["status"] for event in events if event.kind == "sweep"], ["Starting", "Running", "Completed"])
        self.assertEqual((events[0].kind, events[-1].kind), ("sweep", "sweep"))
        for number in range(5):
            run_id = "%s_%d" % (self.sweep_id, number)
            statuses = [event.data["status"] for event in events if event.data["run_id"] == run_id]
            self.assertTrue(set(statuses) >= {"Starting", "Completed"}, statuses)
            self.assertEqual(statuses[-1], "Completed")
            self.assertEqual({event.kind for event in events if event.data["run_id"] == run_id}, {"run"})
        generated = [event for event in events if event.kind == "log" and event.data["detail"].get("count")]
        self.assertEqual(sum(event.data["detail"]["count"] for event in generated), 5)

    def test_coming_back_at_every_event(self):
        events = past_events(self.client, self.path)
        for at, event in enumerate(events[:-1]):
            rest = [later.id for later in events[at + 1:]]
            with Stream(self.client, self.path, {"Last-Event-ID": str(event.id)}) as stream:
                self.assertEqual([later.id for later in stream.events()], rest)
            # The header goes before the query, and the id before the beginning.
            with Stream(self.client, self.path, {"Last-Event-ID": str(event.id)}, last_event_id=1, **{"from": "start"}) as stream:
                self.assertEqual([later.id for later in stream.events()], rest)
            with Stream(self.client, self.path, last_event_id=event.id) as stream:
                self.assertEqual([later.id for later in stream.events()], rest)

    def test_an_ended_sweep_has_no_more(self):
        for query in ({}, {"from": "now"}, {"last_event_id": past_events(self.client, self.path)[-1].id}):
            with Stream(self.client, self.path, **query) as stream:
                self.assertEqual((stream.status, stream.response.body), (204, b""))
        with Stream(self.client, self.path, follow="false") as stream:
            self.assertEqual((stream.status, list(stream.messages())), (200, []))

    def test_of_one_sweep_and_of_all(self):
        other = self.finished_sweep()["run_id"]
        events = past_events(self.client)
        for sweep_id in (self.sweep_id, other):
            own = past_events(self.client, "/sweeps/%s/events" % sweep_id)
            self.assertEqual([event.data for event in own], [event.data for event in events if event.data["sweep_id"] == sweep_id])
        self.assertEqual([event.id for event in events], sorted(event.id for event in events))

    def test_an_id_that_cannot_be(self):
        for path in ("/events", self.path):
            with Stream(self.client, path, last_event_id=10 ** 17) as stream:
                first = next(stream.messages()) if stream.status == 200 else None
                if path == "/events":
                    self.assertEqual(first.kind, "reset")
                    self.assertLess(first.id, 10 ** 17)
                    self.assertEqual(stream.last_id, first.id)
                else:  # nothing will come, so there is nothing to take up again either
                    self.assertEqual(stream.status, 204)

    def test_bad_questions(self):
        for path in ("/events", self.path):
            for query in ({"last_event_id": "x"}, {"last_event_id": "-1"}, {"last_event_id": "1" * 19}, {"from": "then"}, {"follow": "yes"},
                          {"frm": "start"}):
                with self.subTest((path, query)):
                    self.assertError(self.client.get(path, **query), 400, target=None)
            for value in ("x", "", "1 2", "9" * 30):
                with self.subTest((path, value)):
                    self.assertError(self.client.request("GET", path, headers={"Last-Event-ID": value}), 400,
                                     "'Last-Event-ID' must be the id of an event, a number")
        self.assertError(self.client.get("/sweeps/nowhere/events"), 404)
        self.assertError(self.client.get("/sweeps/%s_0/events" % self.sweep_id), 404)
        response = self.client.request("HEAD", "/events")
        self.assertEqual((response.status, response.body), (200, b""))


class Live(DaemonTest):
    def test_what_comes_comes_at_once(self):
        with Stream(self.client, "/events").opened() as stream, Stream(self.client, "/events").opened() as second:
            before = self.finished_sweep()["run_id"]
            sweep_id, (run_id,) = self.running_sweep(1)
            own = Stream(self.client, "/sweeps/%s/events" % sweep_id, last_event_id=0)
            self.gates.release(run_id, 3)
            ended = []
            for event in stream.events():
                ended.append(event)
                if event.kind == "sweep" and event.data["sweep_id"] == sweep_id and event.data["status"] == "Failed":
                    break
            self.assertEqual([event.data for event in ended], [event.data for event in past_events(self.client)])
            self.assertEqual({event.data["sweep_id"] for event in ended}, {before, sweep_id})
            failed = next(event for event in ended if event.data["run_id"] == run_id and event.data["status"] == "Failed")
            self.assertEqual(failed.data["level"], "ERROR")
            self.assertEqual(failed.data["detail"]["code"], self.run_of(run_id)["error"]["code"])
            self.assertEqual([event.id for _, event in zip(ended, second.events())], [event.id for event in ended])
            # And the stream of the one sweep ends by itself.
            self.assertEqual([event.id for event in own.events()], [event.id for event in ended if event.data["sweep_id"] == sweep_id])
            own.close()

    def test_metrics_are_merged(self):
        sweep_id, runs = self.running_sweep(2)
        with Stream(self.client, "/sweeps/%s/events" % sweep_id).opened() as stream, \
                Stream(self.client, "/sweeps/%s/events" % sweep_id, **{"from": "start"}) as whole:
            begin = time.monotonic()
            for step in range(100):
                self.report(runs[0], "Accuracy", step / 100, step=step)
            self.report(runs[1], "note", "a text")
            self.report(runs[1], "bad", "NaN", kind="value")
            self.report(runs[0], "ready", True)
            spent = time.monotonic() - begin
            for run_id in runs:
                self.gates.release(run_id)
            news = [message for message in stream.messages() if message.kind == "metrics"]
            self.assertTrue(all(message.id is None for message in news))
            first = [message.data for message in news if message.data["run_id"] == runs[0]]
            self.assertLessEqual(len(first), spent / 0.25 + 3)
            self.assertLess(len(first), 100)
            self.assertEqual(first[-1]["metrics"], [{"name": "Accuracy", "value": 0.99, "step": 99, "sequence": 99},
                                                    {"name": "ready", "value": True, "step": None, "sequence": 0}])
            self.assertEqual((first[-1]["reports"], first[-1]["best_primary_metric"]), (100, 0.99))
            second = [message.data for message in news if message.data["run_id"] == runs[1]]
            self.assertEqual(second[-1]["metrics"], [{"name": "bad", "value": "NaN", "step": None, "sequence": 0}])
            self.assertEqual((second[-1]["reports"], second[-1]["best_primary_metric"]), (0, None))
            kinds = {message.kind for message in whole.messages()}
            self.assertEqual(kinds, {"sweep", "run", "log", "metrics"})
        # They are not replayed.
        with Stream(self.client, "/sweeps/%s/events" % sweep_id, **{"from": "start"}) as stream:
            self.assertNotIn("metrics", {message.kind for message in stream.messages()})

    def test_events_too_old(self):
        old = self.finished_sweep()["run_id"]
        last = past_events(self.client)[-1].id
        self.finished_sweep()
        with Stream(self.client, "/events", last_event_id=1) as stream:
            self.assertEqual(next(stream.messages()).id, 2)
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + old).status, 200)
        # Its events are gone for everybody at once, and for good a little later.
        (event,) = [event for event in past_events(self.client) if event.data["sweep_id"] == old]
        self.assertEqual(event.data["detail"], {"id": old, "state": "deleted"})

        def purged():
            with sqlite3.connect("file:%s/hyperdrive.db?mode=ro" % self.daemon.state, uri=True) as database:
                return database.execute("SELECT min(ordinal) FROM event").fetchone()[0] > last
        wait_until(purged, "the old events to be gone")
        oldest = past_events(self.client)[0].id
        with Stream(self.client, "/events", last_event_id=1) as stream:
            messages = stream.messages()
            reset = next(messages)
            self.assertEqual(reset.kind, "reset")
            self.finished_sweep(max_total_runs=1)
            self.assertGreater(next(messages).id, reset.id)
        # With the id that came with the reset all goes on, and with what is just before the oldest nothing is lost.
        for number in (reset.id, oldest - 1):
            with Stream(self.client, "/events", last_event_id=number) as stream:
                first = next(stream.messages())
                self.assertEqual((first.kind, first.id), ("sweep", min(event.id for event in past_events(self.client) if event.id > number)))

    def test_a_deletion_is_told(self):
        sweep_id = self.finished_sweep()["run_id"]
        with Stream(self.client, "/events").opened() as stream:
            self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
            event = next(stream.events())
            self.assertEqual((event.kind, event.data["sweep_id"], event.data["run_id"], event.data["status"]), ("sweep", sweep_id, None, None))
            self.assertEqual(event.data["message"], "sweep %s was deleted" % sweep_id)
        self.daemon.kill()
        self.daemon.restart()
        self.assertEqual([told.data for told in past_events(self.client) if told.id == event.id], [event.data])

    def test_devices(self):
        with Stream(self.client, "/events").opened() as stream:
            for state in ("drained", "active"):
                self.assertEqual(self.client.request("PATCH", "/devices/cpu", body={"state": state}).status, 200)
                event = next(stream.events())
                self.assertEqual((event.kind, event.data["message"]), ("device", "device cpu is " + state))
                self.assertEqual((event.data["sweep_id"], event.data["run_id"], event.data["detail"]), (None, None, {"id": "cpu", "state": state}))
        self.assertEqual([event.kind for event in past_events(self.client)], ["device", "device"])

    def test_tokens_of_children(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        child = self.child_client(run_id)
        for path in ("/events", "/sweeps/%s/events" % sweep_id, "/sweeps/%s/log" % sweep_id):
            self.assertError(child.get(path, follow="true"), 403)

    def test_stop_ends_streams(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        streams = [Stream(self.client, path, **query) for path, query in (
            ("/events", {}), ("/sweeps/%s/events" % sweep_id, {"from": "start"}), ("/sweeps/%s/log" % sweep_id, {"follow": "true"}),
            ("/runs/%s/logs/user_logs/std_log.txt" % run_id, {"follow": "true"}))]
        self.daemon.stop()
        # Each ends whole: http.client would tell of a chunk that is missing.
        bodies = [stream.rest() for stream in streams]
        self.assertRegex(bodies[0], r"\Aretry: 1000\nid: \d+\n\n\Z")
        self.daemon.start()
        self.assertIn(bodies[2], self.client.get("/sweeps/%s/log" % sweep_id).body.decode())
        self.gates.release(run_id)
        for stream in streams:
            stream.close()

    def test_kill_9_loses_and_doubles_nothing(self):
        sweep_id = self.submit(max_total_runs=12, max_concurrent_runs=2, run_config=self.gated())["run_id"]
        got, last = [], None
        for killed in range(4):
            for run_id in self.gates.wait_started(2 * killed + 2)[2 * killed:]:
                self.gates.release(run_id)
            query = {"from": "start"} if last is None else {"last_event_id": last}
            with Stream(self.client, "/sweeps/%s/events" % sweep_id, **query) as stream:
                for event in stream.events():
                    got.append(event)
                    last = event.id
                    if event.data["status"] == "Completed":
                        break
            self.daemon.restart()
        for number in range(8, 12):
            self.gates.release(self.gates.wait_started(number + 1)[number])
        with Stream(self.client, "/sweeps/%s/events" % sweep_id, {"Last-Event-ID": str(last)}) as stream:
            got += stream.events()
        self.assertEqual([(event.id, event.data) for event in got],
                         [(event.id, event.data) for event in past_events(self.client, "/sweeps/%s/events" % sweep_id)])

    def test_too_many_streams(self):
        streams = [Stream(self.client, "/events").opened() for _ in range(STREAMS)]
        response = self.client.get("/events")
        self.assertError(response, 503, "%d streams are open already; try again when one of them has ended" % STREAMS)
        self.assertEqual(response.headers["Retry-After"], "1")
        sweep_id = self.finished_sweep()["run_id"]  # which all of them hear of
        for stream in streams:
            self.assertEqual(next(stream.events()).data["sweep_id"], sweep_id)
            stream.close()


class Slow(DaemonTest):
    def test_a_reader_that_does_not_read(self):
        """More events than sockets hold while nobody reads them: then they come, all of them, once and in order."""
        count = 8000
        with Stream(self.client, "/events").opened() as stream:
            sweep_id = self.submit(max_total_runs=count, max_concurrent_runs=count, run_config=self.gated())["run_id"]
            wait_until(lambda: self.sweep(sweep_id)["children"]["total"] == count, "all children")
            self.client.post("/sweeps/%s/cancel" % sweep_id)
            self.wait_for_sweep(sweep_id, "Canceled")
            expected = [event.id for event in past_events(self.client)]
            self.assertGreater(len(expected), 3 * count)
            got = [int(fields["id"]) for _, fields in zip(expected, stream.blocks())]
            self.assertEqual(got, expected)


if __name__ == "__main__":
    harness.main()
