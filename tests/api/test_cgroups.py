"""Control groups: each run in one of its own, by which it is ended; limits; kills for want of memory.

Membership is tested with real control groups, and real limits where the machine has the controllers. Elsewhere limits are tested on a fake tree
of plain files."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import unittest

import harness
from harness import DaemonTest, processes_with, wait_until

STUBBORN = os.path.join(harness.FIXTURES, "stubborn")
MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
NAMES = itertools.count()
# Puts itself into the cgroup $1 and executes the rest.
ENTER = 'echo 0 > "$1/cgroup.procs" || exit 1; shift; exec "$@"'
CONTROLLERS = ("cpu", "memory", "pids")


def skip(reason):
    print("skipped: " + reason, file=sys.stderr)
    raise unittest.SkipTest(reason)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def remove_cgroup(path):
    """With what the test has left below it. Its processes have been killed: that they leave takes a moment."""
    for folder, _, _ in os.walk(path, topdown=False):
        def removed(folder=folder):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            return not os.path.exists(folder)
        wait_until(removed, "the end of the processes in " + folder)


def make_cgroup(test, *controllers):
    """A real cgroup; skips the test where none can be made."""
    mount = next((mount for mount in MOUNTS if os.path.exists(os.path.join(mount, "cgroup.procs")) and
                  os.path.exists(os.path.join(mount, "cgroup.controllers"))), None)
    if mount is None:
        skip("control groups of version 2 are not mounted")
    missing = set(controllers) - set(read(os.path.join(mount, "cgroup.controllers")).split())
    if missing:
        skip("%s has no controller for %s" % (mount, ", ".join(sorted(missing))))
    path = os.path.join(mount, "hd-test-%d-%d" % (os.getpid(), next(NAMES)))
    try:
        os.mkdir(path)
        test.addCleanup(remove_cgroup, path)
        os.setxattr(path, "user.delegate", b"1")
        if controllers:
            write(os.path.join(mount, "cgroup.subtree_control"), " ".join("+" + name for name in controllers))
            write(os.path.join(path, "cgroup.subtree_control"), " ".join("+" + name for name in controllers))
    except OSError as error:
        skip("no control group can be made: %s" % error)
    return path


class CgroupTest(DaemonTest):
    autostart = False
    daemon_options = {"grace": 0.3}

    def cgroup_of(self, run_id, attempt=1):
        return os.path.join(self.cgroup, "run-%s.%d" % (run_id, attempt))

    def members(self, path):
        return sorted(int(pid) for pid in read(os.path.join(path, "cgroup.procs")).split())


class Delegated(CgroupTest):
    """A cgroup as systemd delegates it, which the daemon is started in."""

    def setUp(self):
        self.cgroup = make_cgroup(self)
        super().setUp()
        self.daemon.program = ["/bin/sh", "-c", ENTER, "sh", self.cgroup, harness.HYPERDRIVED]
        self.daemon.start()

    def stranger(self, path):
        """A process that is neither the monitor's nor marked: only its cgroup leads to it."""
        process = subprocess.Popen(["/bin/sh", "-c", ENTER, "sh", path, "/bin/sleep", "1000"], env={})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: process.pid in self.members(path), "the stranger in its cgroup")
        return process

    def test_each_run_has_one_of_its_own(self):
        sweep_id, runs = self.running_sweep(2)
        self.assertEqual(self.members(self.cgroup), [])
        self.assertIn(self.daemon.process.pid, self.members(os.path.join(self.cgroup, "daemon")))
        self.assertIn("each child gets a control group of its own below " + self.cgroup, self.daemon.log())
        for run_id in runs:
            self.assertEqual(self.members(self.cgroup_of(run_id)), sorted(processes_with("HYPERDRIVE_RUN_ID=" + run_id)))
            self.assertNotIn(self.daemon.monitors(run_id)[0], self.members(self.cgroup_of(run_id)))
        for run_id in runs:
            self.gates.release(run_id)
        self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual([name for name in os.listdir(self.cgroup) if name.startswith("run-")], [])

    def test_found_again_after_a_crash(self):
        """What somebody else has put there ends as well, before the run does."""
        _, (run_id,) = self.running_sweep(1)
        stranger = self.stranger(self.cgroup_of(run_id))
        self.daemon.restart()
        self.assertEqual(self.members(self.cgroup), [])
        self.client.post("/runs/%s/cancel" % run_id)
        self.wait_for_run(run_id, "Canceled")
        self.assertEqual(stranger.wait(harness.DEADLINE), -signal.SIGKILL)
        self.assertFalse(os.path.exists(self.cgroup_of(run_id)))

    def test_monitor_killed(self):
        for daemon_is_dead in (False, True):
            with self.subTest(daemon_is_dead=daemon_is_dead):
                _, (run_id,) = self.running_sweep(1)
                stranger = self.stranger(self.cgroup_of(run_id))
                monitors = self.daemon.monitors(run_id)
                if daemon_is_dead:
                    self.daemon.kill()
                for pid in monitors:
                    os.kill(pid, signal.SIGKILL)
                if daemon_is_dead:
                    self.daemon.start()
                self.assertEqual(self.wait_for_run(run_id, "Failed")["error"]["code"], "Lost")
                self.assertEqual(stranger.wait(harness.DEADLINE), -signal.SIGKILL)
                self.assertFalse(os.path.exists(self.cgroup_of(run_id)))

    @unittest.skipUnless(os.access(STUBBORN, os.X_OK), "the fixture 'stubborn' is not built")
    def test_stop_policies(self):
        run_id = self.submit(max_total_runs=1, run_config={"command": [STUBBORN]})["run_id"] + "_0"
        wait_until(lambda: b"ready" in self.client.get("/runs/%s/logs/user_logs/std_log.txt" % run_id).body, "the tree of processes")
        self.wait_for_run(run_id, "Running")
        self.daemon.stop()
        self.assertGreaterEqual(len(self.members(self.cgroup_of(run_id))), 6)
        self.daemon.start(options=["--stop-children", "yes"])
        self.daemon.stop()
        self.assertFalse(os.path.exists(self.cgroup_of(run_id)))
        self.assertEqual(processes_with(self.daemon.run_folder(run_id)), [])
        self.daemon.start()
        self.wait_for_run(run_id, "Canceled")

    def test_not_wanted(self):
        self.daemon.stop()
        self.daemon.start(options=["--cgroup", "no"])
        _, (run_id,) = self.running_sweep(1)
        self.assertFalse(os.path.exists(self.cgroup_of(run_id)))
        self.assertEqual(self.members(self.cgroup), sorted([self.daemon.process.pid, *processes_with("HYPERDRIVE_RUN_ID=" + run_id),
                                                           *self.daemon.monitors(run_id)]))
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")


class Fake(CgroupTest):
    """A tree of plain files in the place of a cgroup with controllers."""

    LIMITS = {"memory_limit_mb": 64, "process_limit": 9, "cpu_limit": True, "cpus_per_run": 0.5}

    def start(self, controllers="cpuset cpu io memory pids"):
        self.cgroup = os.path.join(self.folder, "cgroup")
        os.mkdir(self.cgroup)
        write(os.path.join(self.cgroup, "cgroup.procs"), "")
        write(os.path.join(self.cgroup, "cgroup.subtree_control"), controllers + "\n")
        # A machine on which systemd does not run.
        self.daemon.start(options=["--cgroup", self.cgroup, "--device-root", self.folder])

    def test_limits(self):
        self.start()
        sweep_id, (run_id,) = self.running_sweep(1, run_config={**self.gated(), **self.LIMITS})
        path = self.cgroup_of(run_id)
        self.assertEqual({name: read(os.path.join(path, name)) for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max")},
                         {"memory.max": str(64 << 20), "memory.swap.max": "0", "pids.max": "9", "cpu.max": "50000 100000"})
        config = self.client.read("/sweeps/%s/config" % sweep_id)["run_config"]
        self.assertEqual({name: config[name] for name in self.LIMITS}, self.LIMITS)
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")

    def test_none_unless_asked_for(self):
        self.start()
        _, (run_id,) = self.running_sweep(1)
        self.assertEqual(os.listdir(self.cgroup_of(run_id)), ["cgroup.procs"])
        self.gates.release(run_id)
        self.wait_for_run(run_id, "Completed")

    def out_of_memory(self, end, **fields):
        """A child whose cgroup tells of a kill, and which ends so."""
        program = 'echo "$HYPERDRIVE_ATTEMPT" >> "$GATES/started"\n' \
                  'printf "max 3\\noom 1\\noom_kill 1\\n" > "$TREE/run-$HYPERDRIVE_RUN_ID.$HYPERDRIVE_ATTEMPT/memory.events"\n' + end
        return self.submit(max_total_runs=1, run_config={
            "command": ["/bin/sh", "-c", program], "memory_limit_mb": 64, **fields,
            "environment_variables": {"GATES": self.gates.folder, "TREE": self.cgroup}})["run_id"] + "_0"

    def test_a_kill_for_want_of_memory_is_named(self):
        self.start()
        run_id = self.out_of_memory("kill -9 $$", max_retries=1, retry_on=["out_of_memory"])
        error = self.wait_for_run(run_id, "Failed")["error"]
        self.assertEqual((error["code"], error["cause"], error["signal"]), ("Signal", "OutOfMemory", 9))
        self.assertEqual(error["message"], "the program was killed by signal 9 (Killed): by the kernel for want of memory, at its limit of 64 MiB")
        self.assertEqual(self.gates.started(), ["1", "2"])

    def test_a_program_whose_worker_was_killed(self):
        self.start()
        run_id = self.out_of_memory("exit 3")
        error = self.wait_for_run(run_id, "Failed")["error"]
        self.assertEqual((error["code"], error["cause"], error["exit_code"]), ("NonZeroExit", "OutOfMemory", 3))
        self.assertEqual(error["message"], "the program ended with exit code 3: the kernel has killed processes of it for want of memory, "
                                           "at its limit of 64 MiB")

    def test_limits_that_cannot_be_held_are_refused(self):
        self.start("cpu memory")
        for name, value in (("memory_limit_mb", 5), ("process_limit", 5), ("cpu_limit", True)):
            response = self.client.post("/sweeps", self.specification(run_config={"command": ["/bin/true"], name: value}))
            self.assertError(response, 400, "'run_config.%s': children cannot be held to limits here, since the daemon has no control group with "
                                            "the controllers memory, pids and cpu, and systemd is not running" % name, "run_config." + name)
            self.assertEqual(response.error["details"][0]["code"], "Unsupported")

    def test_cgroup_that_is_none(self):
        code, said = self.daemon.refused(options=["--cgroup", self.folder])
        self.assertNotEqual(code, 0)
        self.assertIn("cannot make control groups below '%s' (setting 'cgroup')" % self.folder, said)


class Held(CgroupTest):
    """Real limits, where the machine has the controllers."""

    def setUp(self):
        self.cgroup = make_cgroup(self, *CONTROLLERS)
        super().setUp()
        self.daemon.start(options=["--cgroup", self.cgroup])

    def test_memory(self):
        run_id = self.submit(max_total_runs=1, run_config={
            "command": [sys.executable, "-c", "b'x' * (1 << 28)"], "memory_limit_mb": 64})["run_id"] + "_0"
        error = self.wait_for_run(run_id, "Failed")["error"]
        self.assertEqual((error["code"], error["cause"], error["signal"]), ("Signal", "OutOfMemory", 9))
        self.assertIn("at its limit of 64 MiB", error["message"])

    def test_processes(self):
        run_id = self.submit(max_total_runs=1, run_config={
            "command": "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; exit 3", "process_limit": 5})["run_id"] + "_0"
        self.assertIn("fork", self.wait_for_run(run_id, "Failed")["error"]["output"])


class Probably(DaemonTest):
    """Without a cgroup (version 2) of its own: a child that the kernel kills for the limit of somebody else's, here of version 1."""

    def test_a_kill_for_want_of_memory_is_named(self):
        path = "/sys/fs/cgroup/memory/hd-test-%d" % os.getpid()
        try:
            os.mkdir(path)
        except OSError as error:
            skip("there is no memory controller of version 1 to let the kernel kill: %s" % error)
        self.addCleanup(remove_cgroup, path)
        write(os.path.join(path, "memory.limit_in_bytes"), str(32 << 20))
        run_id = self.submit(max_total_runs=1, run_config={
            "command": ["/bin/sh", "-c", ENTER, "sh", path, sys.executable, "-c", "b'x' * (1 << 28)"]})["run_id"] + "_0"
        error = self.wait_for_run(run_id, "Failed")["error"]
        self.assertEqual((error["code"], error.get("cause"), error["signal"]), ("Signal", "OutOfMemory", 9))
        self.assertEqual(error["message"], "the program was killed by signal 9 (Killed): probably by the kernel for want of memory, for which it "
                                           "has killed processes meanwhile")

    def test_another_kill_is_not(self):
        run_id = self.submit(max_total_runs=1, run_config={"command": "kill -9 $$"})["run_id"] + "_0"
        error = self.wait_for_run(run_id, "Failed")["error"]
        self.assertEqual((error["code"], error["signal"]), ("Signal", 9))
        if "cause" in error:  # another test lets the kernel kill at this moment
            self.assertIn("probably", error["message"])


if __name__ == "__main__":
    harness.main()
