"""Entity tags: what cannot change any more is not sent twice, and what can change is never taken for what it was."""

import harness
from harness import DaemonTest


class Caches(DaemonTest):
    def tag(self, path, expected=200):
        response = self.client.get(path)
        self.assertEqual(response.status, expected)
        return response.headers.get("ETag")

    def with_tag(self, path, tag, method="GET"):
        return self.client.request(method, path, headers={"If-None-Match": tag})

    def paths(self, sweep_id):
        run_id = sweep_id + "_0"
        return ["/sweeps/" + sweep_id, "/sweeps/%s/children/sorted?top=1" % sweep_id, "/sweeps/%s/hyperparameters" % sweep_id,
                "/sweeps/%s/metrics?form=list" % sweep_id, "/runs/" + run_id, "/runs/%s/metrics?form=points" % run_id]

    def test_what_has_ended(self):
        sweep_id = self.finished_sweep()["run_id"]
        for path in [*self.paths(sweep_id), "/sweeps/%s/config" % sweep_id, "/openapi.yaml"]:
            with self.subTest(path):
                response = self.client.get(path)
                tag = response.headers["ETag"]
                self.assertRegex(tag, r'\A"[\w.-]+"\Z')
                self.assertEqual(response.headers["Cache-Control"], "private, no-cache")
                for known in (tag, "W/" + tag, '"other", %s' % tag, "%s,\"other\"" % tag, "*"):
                    for method in ("GET", "HEAD"):
                        again = self.with_tag(path, known, method)
                        self.assertEqual((again.status, again.body), (304, b""), known)
                        self.assertEqual(again.headers["ETag"], tag)
                        self.assertEqual(again.headers["Cache-Control"], "private, no-cache")
                for unknown in ('"other"', tag.strip('"'), '"other" ' + tag[:-1], "", '"'):
                    again = self.with_tag(path, unknown)
                    self.assertEqual((again.status, again.body), (200, response.body), unknown)

    def test_what_may_change_has_no_tag(self):
        sweep_id, runs = self.running_sweep(2)
        for path in self.paths(sweep_id):
            response = self.with_tag(path, "*")
            self.assertEqual(response.status, 200, path)
            self.assertNotIn("ETag", response.headers, path)
            self.assertEqual(response.headers["Cache-Control"], "no-store", path)
        # A child that has ended in a sweep that goes on.
        self.gates.release(runs[0])
        self.wait_for_run(runs[0], "Completed")
        self.assertIsNotNone(self.tag("/runs/" + runs[0]))
        self.assertIsNone(self.tag("/sweeps/" + sweep_id))
        self.gates.release(runs[1])
        self.wait_for_sweep(sweep_id)

    def test_the_configuration_of_a_running_sweep(self):
        sweep_id, runs = self.running_sweep()
        path = "/sweeps/%s/config" % sweep_id
        first = self.tag(path)
        self.assertEqual(self.with_tag(path, first).status, 304)
        self.assertEqual(self.client.request("PATCH", "/sweeps/" + sweep_id, {"max_concurrent_runs": 7}).status, 200)
        second = self.with_tag(path, first)
        self.assertEqual((second.status, second.json["max_concurrent_runs"]), (200, 7))
        self.assertNotEqual(second.headers["ETag"], first)
        self.assertEqual(self.with_tag(path, second.headers["ETag"]).status, 304)
        self.gates.release(runs[0])
        self.wait_for_sweep(sweep_id)

    def test_only_who_may_ask_is_answered(self):
        sweep_id = self.finished_sweep()["run_id"]
        tag = self.tag("/sweeps/" + sweep_id)
        for path, token, status in (("/sweeps/" + sweep_id, None, 401), ("/sweeps/%s?x=1" % sweep_id, self.daemon.token, 400)):
            client = harness.Client(self.daemon.url, token)
            self.assertEqual(client.request("GET", path, headers={"If-None-Match": tag}).status, status)
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
        self.assertEqual(self.with_tag("/sweeps/" + sweep_id, tag).status, 404)

    def test_a_tag_ends_with_its_daemon(self):
        """Another start may be another program, which prints the same state in another way."""
        sweep_id = self.finished_sweep()["run_id"]
        tag = self.tag("/sweeps/" + sweep_id)
        self.daemon.restart()
        self.assertEqual(self.with_tag("/sweeps/" + sweep_id, tag).status, 200)


if __name__ == "__main__":
    harness.main()
