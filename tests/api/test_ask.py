"""Ask and tell: sweeps whose children are run by clients."""

import concurrent.futures
import http.client
import time
import uuid

import harness
from harness import Client, DaemonTest, wait_until

OTHER_TYPES = {"Content-Type": "text/plain"}


class Asking:
    def setUp(self):
        super().setUp()
        self.taken = []
        self.addCleanup(self.free)

    def free(self):
        """Tells the end of all that was taken, so that nobody waits for vanished clients."""
        for run_id in set(self.taken):
            if self.client.get("/runs/" + run_id).status == 200:
                self.tell(run_id)

    def client_sweep(self, count=3, **fields):
        """A sweep of clients over the grid 0, 1, ...: its id."""
        fields = {"hyperparameter_sampling": self.grid(count), "max_total_runs": count, **fields}
        fields.setdefault("run_config", {"launcher": "client"})
        return self.submit(**fields)["run_id"]

    def ask(self, sweep_id, body=None):
        response = self.client.post("/sweeps/%s/ask" % sweep_id, body)
        if response.status in (200, 201):
            self.taken.append(response.json["run_id"])
        return response

    def take(self, sweep_id, body=None):
        response = self.ask(sweep_id, body)
        self.assertEqual(response.status, 201, response.body)
        return response.json

    def tell(self, run_id, end="complete", body=None, client=None):
        return (client or self.client).post("/runs/%s/%s" % (run_id, end), body)

    def end(self, run_id, end="complete", status="Completed", body=None):
        response = self.tell(run_id, end, body)
        self.assertEqual((response.status, response.json), (200, {"run_id": run_id, "status": status}))


class AskAndTell(Asking, DaemonTest):
    daemon_options = {"grace": 60}  # no client is given up here

    def test_a_client_that_vanishes_is_warned_of(self):
        """Nothing but a limit in time frees what it holds."""
        sampling = {"hyperparameter_sampling": self.grid(1), "max_total_runs": 1, "max_concurrent_runs": 1}
        for fields, codes in (({}, ["NoTrialTimeout"]), ({"trial_timeout_seconds": 60}, [])):
            sweep = self.submit(**sampling, **fields, run_config={"launcher": "client"})
            self.assertEqual([warning["code"] for warning in sweep["warnings"]], codes)
            self.end(self.take(sweep["run_id"])["run_id"])
        self.assertNotIn("NoTrialTimeout", [warning["code"] for warning in self.submit(max_total_runs=1)["warnings"]])

    def test_from_the_first_question_to_the_end(self):
        sweep_id = self.client_sweep(2)
        self.assertEqual(self.sweep(sweep_id)["status"], "Starting")
        first = self.take(sweep_id)
        self.assertEqual((first["run_id"], first["number"], first["status"], first["attempt"]), (sweep_id + "_0", 0, "Running", 1))
        self.assertEqual(first["hyperparameters"], {"x": 0})
        self.assertEqual(first["start_utc"], first["created_utc"])
        self.assertEqual(self.sweep(sweep_id)["status"], "Running")
        second = self.take(sweep_id, {})
        self.assertEqual(second["hyperparameters"], {"x": 1})
        self.assertError(self.ask(sweep_id), 410, "the sweep has no more configurations to give")
        own = Client(self.daemon.url, first["token"])
        answer = self.report(first["run_id"], "Accuracy", 0.5, own)
        self.assertEqual((answer["reports"], answer["status"], answer["stop"]), (1, "Running", False))
        self.assertEqual(own.post("/runs/%s/metrics" % second["run_id"], {"name": "a", "value": 1}).status, 403)
        self.assertEqual(self.tell(second["run_id"], client=own).status, 403)
        self.assertEqual(self.tell(first["run_id"], client=own).json, {"run_id": first["run_id"], "status": "Completed"})
        self.end(second["run_id"], "fail", "Failed", {"message": "no \"luck\""})
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual((sweep["children"], sweep["status_reason"]["code"]), ({"total": 2, "Completed": 1, "Failed": 1}, "search_space_exhausted"))
        self.assertEqual(sweep["best_child_run_id"], first["run_id"])
        self.assertError(self.ask(sweep_id), 410)
        run = self.run_of(second["run_id"])
        self.assertEqual(run["error"], {"code": "ClientFailed", "message": "no \"luck\""})
        self.assertEqual((run["exit_code"], run["runDefinition"]["arguments"]), (None, ["--x", "1"]))
        self.assertEqual(self.client.read("/runs/%s/logs" % second["run_id"])["logs"], [])
        self.assertEqual(harness.processes_with(sweep_id), [])

    def test_not_more_than_max_concurrent_runs(self):
        sweep_id = self.client_sweep(4, max_concurrent_runs=2)
        runs = [self.take(sweep_id)["run_id"] for _ in range(2)]
        for body in (None, {"asker": "a", "sequence": 1}):
            response = self.ask(sweep_id, body)
            self.assertEqual((response.status, response.body, response.headers["Retry-After"]), (204, b"", "1"))
        self.end(runs[0])
        self.assertEqual(self.take(sweep_id)["number"], 2)
        self.assertEqual(self.ask(sweep_id).status, 204)

    def test_a_question_that_is_asked_again(self):
        sweep_id = self.client_sweep(4)
        first = self.take(sweep_id, {"asker": "a", "sequence": 1})
        again = self.ask(sweep_id, {"asker": "a", "sequence": 1})
        self.assertEqual((again.status, again.json), (200, first))
        self.assertEqual(self.take(sweep_id, {"asker": "b", "sequence": 1})["number"], 1)
        self.assertEqual(self.take(sweep_id, {"asker": "a", "sequence": 7})["number"], 2)
        self.assertError(self.ask(sweep_id, {"asker": "a", "sequence": 1}), 409, "'a' has asked with a higher sequence than 1 already")
        self.daemon.restart()
        again = self.ask(sweep_id, {"asker": "a", "sequence": 7})
        self.assertEqual((again.status, again.json["number"]), (200, 2))
        self.assertEqual(self.take(sweep_id)["number"], 3)
        # Also behind the last one, as long as the sweep lives.
        self.assertEqual(self.ask(sweep_id, {"asker": "b", "sequence": 1}).json["number"], 1)
        self.assertEqual(self.ask(sweep_id, {"asker": "b", "sequence": 2}).status, 410)
        self.assertEqual(self.sweep(sweep_id)["children"]["total"], 4)

    def test_many_at_once_get_each_configuration_once(self):
        count, clients = 200, 16
        sweep_id = self.client_sweep(count)

        def work(number):
            taken, sequence, name = [], 0, uuid.uuid4().hex
            while True:
                # Every question twice at once: the second one must not cost a configuration.
                sequence += 1
                body = {"asker": name, "sequence": sequence} if number % 2 else None
                response = self.ask(sweep_id, body)
                if response.status == 410:
                    return taken
                if body is not None:
                    self.assertEqual(self.ask(sweep_id, body).json["run_id"], response.json["run_id"])
                taken.append(response.json["hyperparameters"]["x"])
                self.end(response.json["run_id"])

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            taken = sum(pool.map(work, range(clients)), [])
        self.assertEqual(sorted(taken), list(range(count)))
        self.wait_for_sweep(sweep_id, "Completed")

    def test_the_same_question_twice_at_once(self):
        sweep_id = self.client_sweep(50)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.ask(sweep_id, {"asker": "a", "sequence": 1}), range(24)))
        self.assertEqual({answer.json["run_id"] for answer in answers}, {sweep_id + "_0"})
        self.assertEqual(sorted(answer.status for answer in answers), [200] * 23 + [201])

    def test_ends_that_are_told_again(self):
        sweep_id = self.client_sweep(3)
        runs = [self.take(sweep_id)["run_id"] for _ in range(3)]
        for _ in range(2):
            self.end(runs[0])
            self.end(runs[1], "fail", "Failed")
        self.assertError(self.tell(runs[0], "fail"), 409, "the run has ended already: it is Completed")
        self.assertError(self.tell(runs[1]), 409, "the run has ended already: it is Failed")
        self.assertEqual(self.run_of(runs[1])["error"]["message"], "the client told that it failed")
        response = self.client.post("/runs/%s/metrics" % runs[0], {"name": "Accuracy", "value": 1})
        self.assertEqual(response.status, 409)

    def test_a_cancel_is_told_by_the_next_answer(self):
        sweep_id = self.client_sweep(2)
        run_id = self.take(sweep_id)["run_id"]
        self.assertEqual(self.client.post("/runs/%s/cancel" % run_id).json, {"run_id": run_id, "canceled": True, "status": "CancelRequested"})
        answer = self.report(run_id, "Accuracy", 0.5)
        self.assertEqual((answer["stop"], answer["stop_reason"]["kind"], answer["accepted"]), (True, "user", 1))
        self.end(run_id, status="Canceled")
        self.end(run_id, "fail", "Canceled")  # whatever it tells
        self.assertEqual(self.take(sweep_id)["number"], 1)

    def test_the_end_of_the_sweep(self):
        sweep_id = self.client_sweep(5)
        runs = [self.take(sweep_id)["run_id"] for _ in range(2)]
        self.assertTrue(self.client.post("/sweeps/%s/cancel" % sweep_id).json["canceled"])
        self.assertError(self.ask(sweep_id), 410)
        for run_id in runs:
            self.assertEqual(self.report(run_id, "Accuracy", 1)["stop_reason"]["kind"], "sweep_canceled")
            self.end(run_id, status="Canceled")
        self.wait_for_sweep(sweep_id, "Canceled")
        self.assertEqual(self.ask(sweep_id, {"asker": "a", "sequence": 1}).status, 410)
        never = self.client_sweep(5)
        self.client.post("/sweeps/%s/cancel" % never)
        self.assertEqual(self.wait_for_sweep(never, "Canceled")["children"], {"total": 0})

    def test_the_failure_limit_stops_the_others(self):
        sweep_id = self.client_sweep(9, initial_failure_limit=2)
        runs = [self.take(sweep_id)["run_id"] for _ in range(3)]
        for run_id in runs[:2]:
            self.end(run_id, "fail", "Failed")
        self.assertEqual(self.report(runs[2], "Accuracy", 1)["stop_reason"]["kind"], "initial_failures")
        self.end(runs[2], status="Canceled")
        self.assertEqual(self.wait_for_sweep(sweep_id, "Failed")["children"], {"total": 3, "Failed": 2, "Canceled": 1})

    def test_a_policy_tells_its_stop_in_the_answer(self):
        sweep_id = self.client_sweep(3, policy={"type": "bandit", "slack_amount": 0.1})
        good, bad = (self.take(sweep_id)["run_id"] for _ in range(2))
        self.assertFalse(self.report(good, "Accuracy", 0.9)["stop"])
        answer = self.report(bad, "Accuracy", 0.7)
        self.assertEqual((answer["stop"], answer["status"], answer["stop_reason"]["kind"]), (True, "CancelRequested", "policy"))
        self.end(bad, status="Canceled")
        self.end(good)
        self.assertEqual(self.best_of(sweep_id), good)

    def best_of(self, sweep_id):
        return self.client.read("/sweeps/%s/best" % sweep_id)["run"]["run_id"]

    def test_more_budget_brings_more(self):
        sweep_id = self.client_sweep(3, max_total_runs=1)
        self.take(sweep_id)
        self.assertEqual(self.ask(sweep_id).status, 410)
        self.client.request("PATCH", "/sweeps/" + sweep_id, body={"max_total_runs": 2})
        self.assertEqual(self.take(sweep_id)["number"], 1)
        self.assertEqual(self.ask(sweep_id).status, 410)

    def test_a_kill_keeps_what_was_given(self):
        sweep_id = self.client_sweep(6)
        given = [self.take(sweep_id)["run_id"] for _ in range(3)]
        self.report(given[1], "Accuracy", 0.25)
        self.daemon.restart()
        self.assertEqual([run["status"] for run in self.children(sweep_id)], ["Running"] * 3)
        self.report(given[1], "Accuracy", 0.75)
        for run_id in given:
            self.end(run_id)
        given += [self.take(sweep_id)["run_id"] for _ in range(3)]
        for run_id in given[3:]:
            self.end(run_id)
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(given, ["%s_%d" % (sweep_id, number) for number in range(6)])
        self.assertEqual(sweep["best_primary_metric"], 0.75)

    def test_kills_while_clients_ask(self):
        """Clients that ask and tell again until they are answered get each configuration once, whenever the daemon dies."""
        count, kills = 150, 5
        sweep_id = self.client_sweep(count)

        def insist(path, body=None):
            while True:
                try:
                    response = self.client.post(path, body)
                    if response.status != 503:
                        return response
                except (OSError, http.client.HTTPException):
                    pass
                time.sleep(0.01)

        def work(name):
            taken = []
            while True:
                response = insist("/sweeps/%s/ask" % sweep_id, {"asker": name, "sequence": len(taken) + 1})
                if response.status == 410:
                    return taken
                run = response.json
                taken.append(run["hyperparameters"]["x"])
                point = {"name": "Accuracy", "value": taken[-1], "reporter": name, "sequence": 1}
                self.assertEqual(insist("/runs/%s/metrics" % run["run_id"], point).status, 200)
                self.assertEqual(insist("/runs/%s/complete" % run["run_id"]).status, 200)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(work, "client-%d" % number) for number in range(8)]
            for kill in range(1, kills + 1):
                wait_until(lambda: self.generated(sweep_id) >= kill * count // (kills + 1), "more children")
                self.daemon.restart()
            taken = sum((client.result() for client in clients), [])
        self.assertEqual(sorted(taken), list(range(count)))
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual((sweep["children"], sweep["best_primary_metric"]), ({"total": count, "Completed": count}, count - 1.0))

    def generated(self, sweep_id):
        return self.sweep(sweep_id)["children"]["total"]

    def test_children_that_run_again_come_first(self):
        earlier = self.finished_sweep(hyperparameter_sampling=self.grid(2))["run_id"]
        sweep_id = self.client_sweep(2, resume_child_runs=[earlier + "_1"])
        run = self.take(sweep_id)
        self.assertEqual((run["hyperparameters"], run["resumed_from"]), ({"x": 1}, earlier + "_1"))
        self.assertEqual(self.run_of(run["run_id"])["runDefinition"]["arguments"], ["--x", "1"])

    def test_it_takes_no_slot(self):
        """More children at once than the machine has slots, and programs run beside them."""
        sweep_id = self.client_sweep(20)
        for _ in range(20):
            self.take(sweep_id)
        self.assertEqual(self.finished_sweep()["status"], "Completed")

    def test_other_sweeps_are_not_asked(self):
        sweep_id, (run_id,) = self.running_sweep(1)
        self.assertError(self.ask(sweep_id), 409,
                         "the sweep starts its children itself: only a sweep with the client launcher is asked for them")
        for end in ("complete", "fail"):
            self.assertError(self.tell(run_id, end), 409,
                             "the run ends with its program: only runs of a sweep with the client launcher are told to end")
        self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertError(self.tell(run_id), 409)

    def test_bad_input(self):
        sweep_id = self.client_sweep(2)
        run_id = self.take(sweep_id)["run_id"]
        for body, message in (([], "'body' must be an object, got []"), ({"a": 1}, "'a' is not a known field"),
                              ({"asker": "a"}, "'sequence' is required"), ({"sequence": 1}, "'asker' is required"),
                              ({"asker": 5, "sequence": 1}, "'asker' must be a string, got 5"),
                              ({"asker": "", "sequence": 1}, "'asker' must be between 1 and 128 bytes long, got 0"),
                              ({"asker": "a" * 129, "sequence": 1}, "'asker' must be between 1 and 128 bytes long, got 129"),
                              ({"asker": "a", "sequence": 1.5}, "'sequence' must be an integer")):
            self.assertError(self.ask(sweep_id, body), 400, message)
        self.assertError(self.tell(run_id, "complete", {"a": 1}), 400, "'a' is not a known field")
        self.assertError(self.tell(run_id, "fail", {"a": 1}), 400, "'a' is not a known field")
        self.assertError(self.tell(run_id, "fail", {"message": 5}), 400, "'message' must be a string, got 5")
        self.assertError(self.tell(run_id, "fail", {"message": "a" * 4097}), 400,
                         "'message' must be between 0 and 4096 bytes long, got 4097")
        for path in ("/sweeps/%s/ask" % sweep_id, "/runs/%s/complete" % run_id, "/runs/%s/fail" % run_id):
            self.assertEqual(self.client.request("POST", path, raw=b"{}", headers=OTHER_TYPES).status, 415)
            self.assertEqual(self.client.request("POST", path, raw=b" " * ((16 << 20) + 1)).status, 413)
            self.assertEqual(Client(self.daemon.url, None).post(path).status, 401)
        self.assertError(self.ask("nobody"), 404, "no sweep with id 'nobody'")
        self.assertError(self.ask(run_id), 404)
        for end in ("complete", "fail"):
            self.assertError(self.tell("nobody", end), 404, "no run with id 'nobody'")
        own = Client(self.daemon.url, self.take(sweep_id)["token"])
        self.assertEqual(own.post("/sweeps/%s/ask" % sweep_id).status, 403)
        self.assertEqual(self.tell(run_id, "fail", client=own).status, 403)
        self.assertEqual(self.sweep(sweep_id)["children"], {"total": 2, "Running": 2})

    def test_delete(self):
        sweep_id = self.client_sweep(1)
        self.end(self.take(sweep_id, {"asker": "a", "sequence": 1})["run_id"])
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
        wait_until(lambda: self.client.get("/sweeps/" + sweep_id).status == 404, "the sweep to be gone")


class Vanished(Asking, DaemonTest):
    daemon_options = {"grace": 0.1}

    def test_a_client_that_has_vanished(self):
        sweep_id = self.client_sweep(3, trial_timeout_seconds=1, max_concurrent_runs=1)
        runs = [self.take(sweep_id)["run_id"]]
        self.assertEqual(self.ask(sweep_id).status, 204)
        run = self.wait_for_run(runs[0], "Canceled")
        self.assertEqual(run["stop_reason"]["kind"], "trial_timeout")
        # Without the timeout a cancel frees it, also across a restart.
        runs.append(self.take(sweep_id)["run_id"])
        self.client.post("/runs/%s/cancel" % runs[1])
        self.daemon.restart()
        self.assertEqual(self.wait_for_run(runs[1], "Canceled")["stop_reason"]["kind"], "user")
        self.assertEqual(self.tell(runs[1]).json["status"], "Canceled")
        self.assertEqual(self.take(sweep_id)["number"], 2)

    def test_all_of_a_cancelled_sweep(self):
        sweep_id = self.client_sweep(5)
        for _ in range(2):
            self.take(sweep_id)
        self.client.post("/sweeps/%s/cancel" % sweep_id)
        self.assertEqual(self.wait_for_sweep(sweep_id, "Canceled")["children"], {"total": 2, "Canceled": 2})


if __name__ == "__main__":
    harness.main()
