"""Children as other Unix users, where the daemon is root: who they are, what they may not reach, and what they may try against the daemon.

Two users of the system's own stand for two people. Without root there is nobody to become, and only the refusals are tested.
"""

import contextlib
import os
import pwd
import resource
import signal
import stat
import subprocess

import harness
from harness import DaemonTest, wait_until

ROOT = os.geteuid() == 0
SKIPPED = "only root can run programs as others"


def two_users():
    """Names of two users of this machine that are not root, have different groups, and can be anybody."""
    found = [entry for entry in pwd.getpwall() if entry.pw_uid not in (0, os.getuid()) and entry.pw_gid != 0]
    first = found[0]
    return first.pw_name, next(entry.pw_name for entry in found[1:] if entry.pw_gid != first.pw_gid and entry.pw_uid != first.pw_uid)


class RunAs(DaemonTest):
    autostart = False

    def setUp(self):
        if not ROOT:
            self.skipTest(SKIPPED)
        super().setUp()
        self.first, self.second = two_users()
        os.chmod(self.folder, 0o711)  # the test's folder is one that users may go through, as /var/lib is
        os.chmod(self.gates.folder, 0o1777)
        self.daemon.options += ["--run-as-users", "%s %s" % (self.first, self.second)]

    def command(self, text, user=None, **fields):
        fields = {"command": ["/bin/sh", "-c", text], "environment_variables": {"GATES": self.gates.folder}, "run_as": user or self.first, **fields}
        return {"run_config": fields, "max_total_runs": 1}

    def output(self, run_id):
        return self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id).body.decode()

    def ended(self, text, user=None, **fields):
        """What a program has said that ran as `user`; it must have gone well."""
        sweep = self.finished_sweep(**self.command(text, user, **fields))
        run_id = sweep["run_id"] + "_0"
        self.assertEqual(sweep["status"], "Completed", (self.run_of(run_id), self.output(run_id)))
        return self.output(run_id)

    def folder_of(self, sweep_id):
        return self.daemon.run_folder(sweep_id + "_0")


class Identity(RunAs):
    def test_programs_are_the_user_with_all_that_he_is(self):
        self.daemon.start()
        entry = pwd.getpwnam(self.first)
        said = dict(line.split("=", 1) for line in self.ended(
            'echo "uid=$(id -ru) $(id -u)"; echo "gid=$(id -rg) $(id -g)"; echo "groups=$(id -G)"; echo "home=$HOME"; echo "user=$USER $LOGNAME"; '
            'echo "shell=$SHELL"; echo "caps=$(grep CapEff /proc/self/status | cut -f2)"; echo x > outputs/model; echo y > here; mkdir own; '
            'echo z > logs/own.txt', environment_variables={}).splitlines())
        self.assertEqual(said["uid"], "%d %d" % (entry.pw_uid, entry.pw_uid))
        self.assertEqual(said["gid"], "%d %d" % (entry.pw_gid, entry.pw_gid))
        self.assertEqual(set(map(int, said["groups"].split())), set(os.getgrouplist(self.first, entry.pw_gid)))
        self.assertEqual((said["home"], said["user"], said["shell"]), (entry.pw_dir, "%s %s" % (self.first, self.first), entry.pw_shell))
        self.assertEqual(int(said["caps"], 16), 0)

    def test_a_user_who_may_have_no_more_processes(self):
        """It is waited for, since it would fail one run after the other, and ends with a cancel."""
        self.daemon.start()
        other = subprocess.Popen(["/bin/sleep", "1000"], user=self.first)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NPROC, (0, hard))
        for end in ("Completed", "Canceled"):
            sweep_id = self.submit(**self.command("exit 0"))["run_id"]
            run_id = sweep_id + "_0"
            wait_until(lambda: "trying again" in self.output(run_id), "the monitor's line in the log")
            wait_until(lambda: b"WaitingForProcesses" in self.client.get("/sweeps/%s/log" % sweep_id).body, "the line in the sweep's log")
            self.assertEqual(self.run_of(run_id)["status"], "Preparing")
            if end == "Completed":
                for monitor in self.daemon.monitors(run_id):
                    resource.prlimit(monitor, resource.RLIMIT_NPROC, (hard, hard))
            else:
                self.client.post("/runs/%s/cancel" % run_id)
            self.wait_for_run(run_id, end)

    def test_his_folder_is_his_alone(self):
        self.daemon.start()
        source = self.source({"train.sh": "#!/bin/sh\ncat data/text\necho new > data/text\nstat -c %U . outputs logs user_logs data train.sh\n", "data/text": "text\n"})
        sweep = self.finished_sweep(max_total_runs=1, run_config={"source_directory": source, "script": "train.sh", "interpreter": "/bin/sh", "run_as": self.first})
        run_id, folder = sweep["run_id"] + "_0", self.folder_of(sweep["run_id"])
        self.assertEqual(sweep["status"], "Completed", self.output(run_id))
        self.assertEqual(self.output(run_id).splitlines(), ["text"] + [self.first] * 6)
        status = os.stat(folder)
        self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (pwd.getpwnam(self.first).pw_uid, 0o700))
        snapshot = os.stat(os.path.join(self.daemon.state, "snapshots", sweep["run_id"]))
        self.assertEqual((snapshot.st_uid, stat.S_IMODE(snapshot.st_mode)), (pwd.getpwnam(self.first).pw_uid, 0o500))
        self.assertFalse(os.path.exists(os.path.join(folder, "train.sh")), "what is as it was in the snapshot is tidied away")
        with open(os.path.join(folder, "data", "text"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "new\n")
        for name in ("hyperdrive.db", "hyperdrive.db-wal", "token", "secret", "lock"):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.daemon.state, name)).st_mode) & 0o077, 0, name)
        for name in ("", "runs", "snapshots", "runs/" + sweep["run_id"], "runs/%s/0" % sweep["run_id"]):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.daemon.state, name)).st_mode) & 0o066, 0, name)

    def test_two_users_at_once_and_a_cancel(self):
        """The monitor stays root: it ends a tree that does not want to end, and writes the record."""
        self.daemon.start()
        program = 'trap "" TERM; (setsid sh -c \'trap "" TERM; touch "$GATES/$0.deep"; while :; do sleep 1; done\' "$AZUREML_RUN_ID" &); ' + harness.GATED
        runs = []
        for user in (self.first, self.second):
            sweep_id = self.submit(**self.command(program, user))["run_id"]
            runs.append(sweep_id + "_0")
            self.wait_for_run(runs[-1], "Running")
            self.gates.environment(runs[-1])
            harness.wait_until(lambda: os.path.exists(os.path.join(self.gates.folder, runs[-1] + ".deep")), "the deep process")
        owners = {os.stat("/proc/%d" % pid).st_uid for run in runs for pid in harness.processes_with("AZUREML_RUN_ID=" + run)}
        self.assertEqual(owners, {pwd.getpwnam(self.first).pw_uid, pwd.getpwnam(self.second).pw_uid})
        self.daemon.restart()
        for run in runs:
            self.client.post("/sweeps/%s/cancel" % run.rpartition("_")[0])
            self.wait_for_run(run, "Canceled")
            self.assertEqual(harness.processes_with("AZUREML_RUN_ID=" + run), [])


class Lost(RunAs):
    """The monitor, which is root's, is killed: nothing of the run is left, though it is another user's, before the run has ended."""

    # Beside the program one that has left its session, and one that has cleared its environment, all deaf to TERM.
    PROGRAM = 'trap "" TERM; (setsid sh -c \'trap "" TERM; echo $$ >> "$GATES/pids"; while :; do sleep 1; done\' &); ' \
              'env -i /bin/sh -c \'trap "" TERM; echo $$ >> "$0/pids"; while :; do /bin/sleep 1; done\' "$GATES" & ' \
              'echo $$ >> "$GATES/pids"; while :; do sleep 1; done'

    def lost(self, daemon_is_dead, **fields):
        """Kills the monitor of a run of the second user, waits for the run's end, and returns it."""
        pids = os.path.join(self.gates.folder, "pids")
        bystander = self.submit(**self.command(harness.GATED, self.first))["run_id"] + "_0"
        run_id = self.submit(**self.command(self.PROGRAM, self.second, **fields))["run_id"] + "_0"
        self.gates.wait_started(1)
        for run in (bystander, run_id):
            self.wait_for_run(run, "Running")

        def processes():
            with contextlib.suppress(FileNotFoundError), open(pids, encoding="utf-8") as file:
                return [int(line) for line in file]
            return []
        harness.wait_until(lambda: len(processes()) == 3, "all processes of the run")
        found = processes()
        self.assertEqual({os.stat("/proc/%d" % pid).st_uid for pid in found}, {pwd.getpwnam(self.second).pw_uid})
        monitor, = self.daemon.monitors(run_id)
        self.assertEqual(os.stat("/proc/%d" % monitor).st_uid, 0)
        if daemon_is_dead:
            self.daemon.kill()
        os.kill(monitor, signal.SIGKILL)
        if daemon_is_dead:
            self.daemon.start()
        run = self.wait_for_run(run_id, "Failed")
        self.assertEqual([pid for pid in found if os.path.exists("/proc/%d" % pid) and harness.command_line(pid)], [])
        self.assertEqual(harness.processes_with("HYPERDRIVE_RUN_ID=" + run_id), [])
        # Nobody else's run is touched.
        self.assertEqual(self.run_of(bystander)["status"], "Running")
        self.gates.release(bystander)
        self.wait_for_run(bystander, "Completed")
        return run

    def test_a_monitor_is_killed(self):
        self.daemon.start()
        self.assertEqual(self.lost(False)["error"]["code"], "Lost")

    def test_monitor_and_daemon_are_killed(self):
        self.daemon.start()
        self.assertEqual(self.lost(True)["error"]["code"], "Lost")


class Refusals(DaemonTest):
    autostart = False

    def refused(self, message, **run_config):
        config = {name: value for name, value in {"command": ["/bin/true"], **run_config}.items() if value is not None}
        self.assertError(self.client.post("/sweeps", self.specification(run_config=config)), 400, message, "run_config.run_as")

    def test_users_that_are_not_allowed(self):
        if not ROOT:
            self.skipTest(SKIPPED)
        first, second = two_users()
        self.daemon.start(options=["--run-as-users", "%s no-such-user" % first])
        self.refused("'run_config.run_as': children may not run as '%s' here (setting 'run_as_users')" % second, run_as=second)
        self.refused("'run_config.run_as': children may not run as 'root' here (setting 'run_as_users')", run_as="root")
        self.refused("'run_config.run_as': there is no user 'no-such-user' on this machine", run_as="no-such-user")
        self.refused("'run_config.run_as': say as whom the children run: this daemon serves several users")
        self.refused("'run_config.run_as': say as whom the children run: this daemon serves several users", run_as=None)
        self.refused("'run_config.run_as' must be a string, got 0", run_as=0)
        # Clients run their children themselves.
        config = {"launcher": "client"}
        self.assertEqual(self.client.post("/sweeps", self.specification(run_config=config)).status, 201)

    def test_a_daemon_without_users(self):
        self.daemon.start()
        reason = "children may not run as 'nobody' here (setting 'run_as_users')" if ROOT else \
            "the daemon does not run as root, so its children can run as its own user only"
        self.refused("'run_config.run_as': " + reason, run_as="nobody")
        self.assertEqual(self.finished_sweep()["status"], "Completed")

    def test_a_daemon_that_is_not_root(self):
        user = two_users()[0]
        if ROOT:  # as somebody else then, in a folder of his
            entry = pwd.getpwnam(user)
            os.chmod(self.folder, 0o711)
            os.mkdir(self.daemon.state)
            os.chown(self.daemon.state, entry.pw_uid, entry.pw_gid)
            self.daemon.program = ["setpriv", "--reuid=%d" % entry.pw_uid, "--regid=%d" % entry.pw_gid, "--clear-groups", *self.daemon.program]
        code, said = self.daemon.refused(options=["--run-as-users", user], environment={"HOME": self.daemon.state, "XDG_CONFIG_HOME": ""})
        self.assertEqual(code, 2, said)
        self.assertIn("'run_as_users' needs a daemon that runs as root", said)


class Attack(RunAs):
    """Each of these is a program of the first user that wants what is not his."""

    def victim(self):
        """A running child of the second user, with a secret in its folder and its snapshot: its sweep's id."""
        source = self.source({"secret.txt": "snapshot secret\n", "train.sh": harness.GATED}, "victim")
        sweep_id = self.submit(max_total_runs=1, run_config={
            "command": ["/bin/sh", "train.sh"], "source_directory": source, "run_as": self.second,
            "environment_variables": {"GATES": self.gates.folder}})["run_id"]
        run_id = sweep_id + "_0"
        self.wait_for_run(run_id, "Running")
        self.gates.environment(run_id)
        return sweep_id

    def test_nothing_of_others_can_be_read_or_changed(self):
        self.daemon.start()
        sweep_id = self.victim()
        folder, state = self.folder_of(sweep_id), self.daemon.state
        pids = [pid for pid in harness.processes_with("HYPERDRIVE_RUN_ID=" + sweep_id + "_0") if os.stat("/proc/%d" % pid).st_uid != 0]
        self.assertTrue(pids)
        monitor, = self.daemon.monitors(sweep_id + "_0")
        wanted = ["%s/%s" % (state, name) for name in ("token", "secret", "hyperdrive.db", "hyperdrive.db-wal", "lock")]
        wanted += ["%s/%s" % (folder, name) for name in ("launch.json", "started.1", "user_logs/std_log.txt", "secret.txt", "exit.1")]
        wanted += ["%s/snapshots/%s/secret.txt" % (state, sweep_id), "/proc/%d/environ" % pids[0], "/proc/%d/environ" % monitor,
                   "/proc/%d/environ" % self.daemon.process.pid]
        program = "; ".join("(cat '%s' && echo REACHED '%s') 2>/dev/null; (echo x >> '%s' && echo REACHED '%s') 2>/dev/null" % (path, path, path, path)
                            for path in wanted)
        program += "; for path in '%s' '%s/runs' '%s/snapshots' '%s'; do ls \"$path\" 2>/dev/null && echo REACHED $path; done" % (state, state, state, folder)
        program += "; for pid in %d %d %d; do kill -0 $pid 2>/dev/null && echo REACHED $pid; done" % (pids[0], monitor, self.daemon.process.pid)
        program += "; (cat launch.json && echo REACHED launch.json) 2>/dev/null; true"
        self.assertEqual(self.ended(program), "")
        self.gates.release(sweep_id + "_0")
        self.assertEqual(self.wait_for_sweep(sweep_id)["status"], "Completed")

    def test_a_source_that_he_may_not_read(self):
        self.daemon.start()
        source = self.source({"train.sh": "#!/bin/sh\n"})
        os.chmod(source, 0o700)
        response = self.client.post("/sweeps", self.specification(run_config={"source_directory": source, "script": "train.sh", "run_as": self.first}))
        self.assertError(response, 400, target="run_config.source_directory")
        os.chmod(source, 0o755)
        os.chmod(os.path.join(source, "train.sh"), 0o600)
        response = self.client.post("/sweeps", self.specification(run_config={"source_directory": source, "script": "train.sh", "run_as": self.first}))
        self.assertError(response, 400, target="run_config.source_directory")
        self.assertIn("cannot be read", response.error["message"])
        self.assertEqual(os.listdir(os.path.join(self.daemon.state, "snapshots")), [])

    # What an attempt leaves for the next one. %s is a folder that only root may enter, with files of all these names.
    LEFT = [
        "rm -r user_logs; ln -s %s user_logs", "rm user_logs/std_log.txt; ln -s %s/std_log.txt user_logs/std_log.txt",
        "rm user_logs/std_log.txt; mkfifo user_logs/std_log.txt", "rm -rf logs; ln -s %s logs", "rm -rf outputs; ln -s %s outputs", "ln -s %s spool",
        "mkdir spool; ln -s %s/x.1.json spool/x.1.json", "rm -f lock; ln -s %s/lock lock", "rm -f lock; mkfifo lock",
        "rm -f launch.json; ln -s %s/launch.json launch.json", "ln -s %s/launch.json launch.json.tmp", "mkdir launch.json.tmp",
        "ln -s %s/started.2 started.2", "mkfifo started.2", "ln -s %s/exit.2 exit.2", "mkfifo exit.2", "rm -rf data; ln -s %s data",
        "rm -f started.1; mkfifo started.1", "mv logs l; ln -s /proc/self/root logs",
    ]

    def test_links_in_the_place_of_what_the_daemon_reads_and_writes(self):
        self.daemon.start()
        secret = os.path.join(self.folder, "root-only")
        os.mkdir(secret, 0o700)
        names = ("std_log.txt", "launch.json", "x.1.json", "lock", "started.2", "exit.2", "text")
        content = '{"name": "Accuracy", "value": 7.25e11, "reporter": "x", "sequence": 1, "kind": "exited", "pid": 1}\n'
        for name in names:
            with open(os.path.join(secret, name), "w", encoding="utf-8") as file:
                file.write(content)
        source = self.source({"data/text": "text\n"})
        sweeps = []
        for left in self.LEFT:
            program = 'if [ "$HYPERDRIVE_ATTEMPT" = 1 ]; then %s; exit 7; fi; exit 0' % (left % secret if "%s" in left else left)
            sweeps.append((left, self.submit(**self.command(program, source_directory=source, max_retries=1, retry_on=[{"exit_code": [7]}]))["run_id"]))
        for left, sweep_id in sweeps:
            with self.subTest(left):
                if left == "rm -f lock; mkfifo lock":  # it can hold up itself for as long as it likes
                    self.wait_for_run(sweep_id + "_0", *harness.ENDED, "Queued", "Starting")
                    self.client.post("/sweeps/%s/cancel" % sweep_id)
                self.wait_for_sweep(sweep_id)
                run = self.run_of(sweep_id + "_0")
                self.assertIsNone(run["best_primary_metric"], "a report from a file that he may not read")
                self.assertNotIn("7.25e11", str(run))
                for name in ["user_logs/" + name for name in names] + ["logs/" + name for name in names] + ["logs" + secret + "/text"]:
                    response = self.client.get("/runs/%s_0/logs/%s" % (sweep_id, name))
                    self.assertNotIn(b"7.25e11", response.body, name)
                self.assertEqual(self.client.request("DELETE", "/sweeps/" + sweep_id).status, 200)
        self.assertEqual(sorted(os.listdir(secret)), sorted(names))
        for name in names:
            with open(os.path.join(secret, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), content, name)

    def test_a_forged_claim_reaches_no_process_of_others(self):
        """Who could make the daemon believe that a process is his monitor could have it signalled by root."""
        self.daemon.start()
        victim = self.victim()
        monitor, = self.daemon.monitors(victim + "_0")
        with open("/proc/%d/stat" % monitor, encoding="utf-8") as file:
            ticks = file.read().rpartition(")")[2].split()[19]
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read().strip()
        claim = '{"pid":%d,"start_ticks":%s,"boot_id":"%s"}' % (monitor, ticks, boot)
        program = "if [ \"$HYPERDRIVE_ATTEMPT\" = 1 ]; then printf '%%s\\n{\"running_us\":1}\\n' '%s' > started.2; exit 7; fi" % claim
        sweep_id = self.submit(**self.command(program, max_retries=1, retry_on=[{"exit_code": [7]}]))["run_id"]
        sweep = self.wait_for_sweep(sweep_id)
        self.assertIn(sweep["status"], ("Completed", "Failed"), "it only harms himself")
        self.assertEqual(self.run_of(victim + "_0")["status"], "Running")
        self.assertEqual(self.daemon.monitors(victim + "_0"), [monitor])
        self.gates.release(victim + "_0")
        self.assertEqual(self.wait_for_sweep(victim)["status"], "Completed")

    def test_the_spool_of_another_is_left_alone(self):
        self.daemon.start()
        sweep_id = self.victim()
        spool = os.path.join(self.folder_of(sweep_id), "spool")
        entry = pwd.getpwnam(self.second)
        os.mkdir(spool, 0o700)
        with open(os.path.join(spool, "r.1.json"), "w", encoding="utf-8") as file:
            file.write('{"name": "Accuracy", "value": 0.5, "reporter": "r", "sequence": 1}')
        for path in (spool, os.path.join(spool, "r.1.json")):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        thief = self.finished_sweep(**self.command("ln -s '%s' spool" % spool))
        self.assertEqual(thief["status"], "Completed")
        self.assertIsNone(self.children(thief["run_id"])[0]["best_primary_metric"])
        self.assertEqual(os.listdir(spool), ["r.1.json"])
        self.gates.release(sweep_id + "_0")
        self.assertEqual(self.wait_for_sweep(sweep_id)["status"], "Completed")
        self.assertEqual(self.children(sweep_id)[0]["best_primary_metric"], 0.5, "its owner's report counts for him")

    def test_outputs_of_another_are_not_handed_over(self):
        self.daemon.start()
        theirs = self.finished_sweep(**self.command("echo weights > outputs/model", self.second))
        config = self.command("ls resumed_outputs 2>/dev/null; true")
        response = self.client.post("/sweeps", self.specification(**config, resume_child_runs=[theirs["run_id"] + "_0"]))
        self.assertEqual(response.status, 201, response.body)
        sweep = self.wait_for_sweep(response.json["run_id"])
        run = self.run_of(sweep["run_id"] + "_0")
        self.assertEqual(run["status"], "Failed", run)
        self.assertIn("Permission denied", str(run))


if __name__ == "__main__":
    harness.main()
