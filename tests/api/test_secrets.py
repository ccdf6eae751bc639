"""No token is where somebody else could read it: not in logs, streams, answers or command lines, while a sweep runs."""

import os
import stat
import subprocess

import harness
from harness import Client, processes_with
from streams import past_events
from test_tokens import TokensTest


class Secrets(TokensTest):
    daemon_options = {"options": ["--log-level", "debug"]}

    def collect(self):
        """Starts everything that has a token; returns name -> the part of it that nobody else may see."""
        reader = self.create("reader", "read")
        self.boss = self.create("boss", "admin")
        self.sweep_id, self.runs = self.running_sweep(2)
        asked = self.submit(run_config={"launcher": "client"}, max_total_runs=1)["run_id"]
        given = self.boss.post("/sweeps/%s/ask" % asked).json
        own = [self.gates.environment(run)["HYPERDRIVE_TOKEN"] for run in self.runs]
        for run, token in [*zip(self.runs, own), (given["run_id"], given["token"])]:
            self.report(run, "Accuracy", 0.5, client=Client(self.daemon.url, token))
        self.runs.append(given["run_id"])
        self.sweeps = [self.sweep_id, asked]
        with open(os.path.join(self.daemon.state, "secret"), encoding="utf-8") as file:
            secrets = {"secret": file.read().strip()}
        tokens = {"owner": self.daemon.token, "reader": reader.token, "boss": self.boss.token, "asked": given["token"],
                  **{"run%d" % number: token for number, token in enumerate(own)}}
        secrets.update({name: token.rpartition(".")[2] for name, token in tokens.items()})
        self.assertEqual(len(set(secrets.values())), 7)
        self.assertTrue(all(len(secret) >= 64 for secret in secrets.values()))
        # What is asked with a wrong one, and what is broken, ends in no log either.
        for token in tokens.values():
            self.assertEqual(Client(self.daemon.url, token + "0").get("/version").status, 401)
            self.assertEqual(Client(self.daemon.url, token).request("GET", "/version", headers={"Transfer-Encoding": "x"}).status, 400)
            self.assertIn(Client(self.daemon.url, token).request("GET", "/nothing").status, (403, 404))
        return secrets

    def assertClean(self, secrets, what, text):
        for name, secret in secrets.items():
            self.assertNotIn(secret, text, "%s has the token %s" % (what, name))

    def everything_that_is_answered(self):
        """To an admin, who sees most."""
        paths = ["/version", "/sweeps", "/devices", "/tokens", "/audit"]
        for sweep in self.sweeps:
            paths += ["/sweeps/" + sweep + rest for rest in ("", "/config", "/best", "/children", "/children/sorted", "/hyperparameters",
                                                             "/metrics", "/log")]
        for run in self.runs:
            paths += ["/runs/" + run + rest for rest in ("", "/metrics", "/logs", "/logs/user_logs/std_log.txt")]
        for path in paths:
            yield path, self.boss.get(path)

    def test_during_a_sweep(self):
        secrets = self.collect()
        for path, response in self.everything_that_is_answered():
            self.assertIn(response.status, (200, 404), path)
            self.assertClean(secrets, path, response.body.decode())
        events = past_events(self.client)
        self.assertGreater(len(events), 5)
        self.assertClean(secrets, "the event stream", repr(events))
        self.assertGreater(len(self.daemon.log()), 0)
        self.assertClean(secrets, "the daemon's log", self.daemon.log())
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
        self.assertGreaterEqual(len(processes_with(self.daemon.state)), 5)  # the daemon, two monitors and their children
        for pid in pids:
            self.assertClean(secrets, "a command line", " ".join(harness.command_line(pid)))
        for run in self.runs[:2]:
            self.gates.release(run)
        self.wait_for_sweep(self.sweep_id)
        self.assertClean(secrets, "the daemon's log", self.daemon.log())

    def test_files_that_have_them_are_for_their_owner(self):
        """STATE/token, STATE/secret, and what a monitor is told: the environment of its child."""
        secrets = self.collect()
        holders = set()
        for folder, _, names in os.walk(self.daemon.state):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    content = file.read()
                if any(secret.encode() in content for secret in secrets.values()):
                    holders.add(name)
                    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
        self.assertEqual(holders, {"token", "secret", "launch.json"})
        self.assertEqual(stat.S_IMODE(os.stat(self.daemon.state).st_mode), 0o700)
        for name in ("launch.json", "../launch.json", "user_logs/../launch.json", "..%2flaunch.json", "user_logs/..%2f..%2flaunch.json",
                     "../../../../token", "lock", "spool/x", "exit.1", "started.1"):
            response = self.client.request("GET", "/runs/%s/logs/%s" % (self.runs[0], name))
            self.assertIn(response.status, (400, 404), name)
        for run in self.runs[:2]:
            self.gates.release(run)

    def test_commands_have_no_token_in_their_command_line(self):
        secrets = self.collect()
        follower = subprocess.Popen([harness.COMMAND, "--url", self.daemon.url, "events", "-f", self.sweep_id], stdout=subprocess.PIPE,
                                    env={**harness.clean_environment(), "HYPERDRIVE_TOKEN": self.boss.token})
        try:
            self.assertIn(self.sweep_id.encode(), follower.stdout.readline())
            self.assertClean(secrets, "a command line", " ".join(harness.command_line(follower.pid)))
        finally:
            follower.kill()
            follower.wait()
            follower.stdout.close()
        for run in self.runs[:2]:
            self.gates.release(run)


if __name__ == "__main__":
    harness.main()
