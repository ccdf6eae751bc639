"""The life of an installed service, in the box: from the installation of the packages to their purge. The tests build on each other.

Arguments: the folder of the packages, and the folder of the same packages with a higher version.
"""

import contextlib
import glob
import http.client
import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
import unittest

DEADLINE = 180      # seconds that any awaited event may take
RESTARTS = 20
REQUESTERS = 8
UNIT = "hyperdrived.service"
STATE = "/var/lib/hyperdrive"
GATES = "/tmp/gates"  # children write there: the service has no /tmp of its own
PACKAGES, NEWER = sys.argv[1:3]

# Notes that it runs, reports, and waits for the test.
CHILD = r"""#!/bin/sh
echo "$AZUREML_RUN_ID $$" >> /tmp/gates/ran
hyperdrive report accuracy="$AZUREML_SWEEP_x" || exit 3
while [ ! -e "/tmp/gates/go-$HYPERDRIVE_SWEEP_ID" ]; do sleep 0.05; done
"""


def run(*command, check=True, **options):
    """What it printed; without `check` its exit code, and all that it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, **options)
    if not check:
        return done.returncode, done.stdout + done.stderr
    if done.returncode != 0:
        raise AssertionError("%s: exit code %d\n%s%s" % (" ".join(command), done.returncode, done.stdout, done.stderr))
    return done.stdout.strip()


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("waited in vain for %s\n%s" % (what, run("journalctl", "-n", "40", "--no-pager", "-u", UNIT)))
        time.sleep(0.05)


def prop(name, unit=UNIT):
    return run("systemctl", "show", "--value", "-p", name, unit)


def main_pid():
    return int(prop("MainPID"))


def is_ready():
    return prop("ActiveState") == "active" and main_pid() > 0


def lives(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


def command(*arguments, **options):
    return run("hyperdrive", *arguments, **options)


def ask(*arguments):
    return json.loads(command(*arguments, "--json"))


def debs(folder):
    return sorted(path for path in glob.glob(os.path.join(folder, "*.deb")) if "-dbgsym_" not in path)


def installed_version():
    return run("dpkg-query", "-W", "-f", "${Version}", "hyperdrived")


def installed_files():
    listed = [run("dpkg", "-L", package).splitlines() for package in ("hyperdrived", "libhyperdrive0", "libhyperdrive-dev")]
    return {path for paths in listed for path in paths if not os.path.isdir(path)}


def traces():
    """What has the name where services and their managers keep something."""
    found = set()
    for top in ("/etc", "/run", "/var/lib", "/lib/systemd", "/usr/lib/systemd", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d"):
        for folder, folders, files in os.walk(top):
            found.update(os.path.join(folder, name) for name in folders + files if "hyperdrive" in name)
    return found


class Sweep:
    """A grid of `count` children that wait at their gate, as the service runs it."""

    def __init__(self, count, ask_as=ask):
        self.count, self.slots, self.ask = count, 3, ask_as
        with open("/tmp/sweep.json", "w", encoding="utf-8") as file:
            json.dump({
                "hyperparameter_sampling": {"type": "grid", "parameter_space": {"x": {"type": "choice", "values": list(range(count))}}},
                "primary_metric_name": "accuracy", "primary_metric_goal": "maximize",
                "max_total_runs": count, "max_concurrent_runs": self.slots,
                "run_config": {"command": ["/tmp/gates/child"]}}, file)
        self.id = ask_as("submit", "/tmp/sweep.json")["run_id"]

    def ran(self):
        """Run ids and process ids of its children, one for each time that one began."""
        with open(GATES + "/ran", encoding="utf-8") as file:
            return [(run_id, int(pid)) for run_id, pid in map(str.split, file) if run_id.startswith(self.id)]

    def wait_running(self):
        """Process ids of the first children, which all have reported."""
        wait_until(lambda: self.show()["children"].get("Running") == self.slots == len(self.ran()), "running children")
        return [pid for _, pid in self.ran()]

    def show(self):
        return self.ask("show", self.id)

    def release(self):
        with open(GATES + "/go-" + self.id, "w", encoding="utf-8"):
            pass

    def end(self):
        """Lets all end, and sees that each point ran once."""
        self.release()
        wait_until(lambda: self.show()["status"] not in ("NotStarted", "Preparing", "Running"), "the end of the sweep")
        sweep = self.show()
        assert sweep["status"] == "Completed", sweep
        assert sweep["children"] == {"total": self.count, "Completed": self.count}, sweep
        ran = [run_id for run_id, _ in self.ran()]
        assert sorted(ran) == sorted("%s_%d" % (self.id, number) for number in range(self.count)), ran
        best = self.ask("best", self.id)["run"]
        assert best["best_primary_metric"] == self.count - 1, best


class Requester(threading.Thread):
    """Reports points to a run, again and again, and counts what was acknowledged; any fault ends it. One with `keeps` keeps its connection,
    and makes a new one when the idle one was closed; the others make one per request."""

    def __init__(self, run_id, token, number):
        super().__init__(daemon=True)
        self.run_id, self.token, self.name, self.keeps = run_id, token, "r%d" % number, number % 2 == 1
        self.connection, self.acknowledged, self.fault, self.enough = None, 0, None, threading.Event()

    def exchange(self):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", 8700, timeout=DEADLINE)
        body = json.dumps({"name": self.name, "value": self.acknowledged, "reporter": self.name, "sequence": self.acknowledged + 1})
        self.connection.request("POST", "/api/v1/runs/%s/metrics" % self.run_id, body=body, headers={
            "Content-Type": "application/json", "Authorization": "Bearer " + self.token})
        answer = self.connection.getresponse()
        text = answer.read()
        if not self.keeps or answer.will_close:
            self.hang_up()
        if answer.status != 200:
            raise AssertionError("%d %r" % (answer.status, text))

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def report(self):
        was_idle = self.connection is not None
        try:
            self.exchange()
        except (ConnectionError, http.client.RemoteDisconnected):
            if not was_idle:
                raise
            self.hang_up()
            self.exchange()
        self.acknowledged += 1

    def run(self):
        try:
            while not self.enough.is_set():
                self.report()
        except (AssertionError, OSError, http.client.HTTPException) as fault:
            self.fault = fault
        self.hang_up()


class Load:
    """Requesters on one running child; at the end nobody was refused, and what was acknowledged is stored once."""

    def __init__(self, run_id):
        with open(STATE + "/token", encoding="utf-8") as file:
            token = file.read().strip()
        self.run_id = run_id
        self.requesters = [Requester(run_id, token, number) for number in range(REQUESTERS)]

    def __enter__(self):
        for requester in self.requesters:
            requester.start()
        self.more("the first reports")
        return self

    def more(self, what):
        """Waits for some more reports of each."""
        goals = [requester.acknowledged + 3 for requester in self.requesters]
        wait_until(lambda: any(requester.fault for requester in self.requesters) or
                   all(requester.acknowledged >= goal for requester, goal in zip(self.requesters, goals)), what)

    def __exit__(self, kind, *_):
        for requester in self.requesters:
            requester.enough.set()
        for requester in self.requesters:
            requester.join(DEADLINE)
        if kind is not None:
            return
        faults = ["%s: %r" % (requester.name, requester.fault) for requester in self.requesters if requester.fault]
        assert not faults, faults
        stored = ask("metrics", self.run_id)["metrics"]
        for requester in self.requesters:
            assert stored[requester.name] == list(map(float, range(requester.acknowledged))), requester.name


class Scenario(unittest.TestCase):
    before = None

    # test_00 to test_99: in this order.

    def test_00_installs(self):
        type(self).before = traces()
        run("dpkg", "-i", *debs(PACKAGES))
        self.assertEqual(prop("ActiveState"), "active")
        self.assertEqual(run("systemctl", "is-enabled", UNIT), "enabled")
        self.assertEqual(run("systemctl", "is-enabled", "hyperdrived.socket", check=False), (1, "disabled\n"))
        self.assertEqual(run("systemctl", "--global", "is-enabled", UNIT, check=False), (1, "disabled\n"))
        user = pwd.getpwnam("hyperdrive")
        self.assertEqual((user.pw_dir, user.pw_shell), (STATE, "/usr/sbin/nologin"))
        for path, mode in ((STATE, 0o40750), (STATE + "/token", 0o100640), (STATE + "/secret", 0o100600), (STATE + "/url", 0o100644)):
            status = os.stat(path)
            self.assertEqual((oct(status.st_mode), status.st_uid, status.st_gid), (oct(mode), user.pw_uid, user.pw_gid), path)
        with open(STATE + "/url", encoding="utf-8") as file:
            self.assertEqual(file.read(), "http://127.0.0.1:8700\n")
        self.assertIn("hyperdrived 0.1.0 listens on", run("journalctl", "--no-pager", "-p", "info", "-u", UNIT))

    def test_01_is_closed(self):
        with open("/proc/%d/status" % main_pid(), encoding="utf-8") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"], status["CapBnd"]), ("1", "2", "0" * 16))
        # GPUs have device numbers that no list names.
        self.assertEqual((prop("DevicePolicy"), prop("DeviceAllow")), ("auto", ""))

    def test_02_doctor(self):
        run("useradd", "--create-home", "ada")
        run("useradd", "--groups", "hyperdrive", "bob")
        found = {check["check"]: (check["result"], check["message"]) for check in ask("doctor")["checks"]}
        self.assertEqual([check for check in found.items() if check[1][0] == "fault"], [])
        self.assertEqual(found["systemd"], ("ok", UNIT + " is active"))
        self.assertIn("/etc/hyperdrive/hyperdrived.conf", found["configuration"][1])
        # Who is in the group may use it, who is not learns why not.
        code, said = run("runuser", "-u", "bob", "--", "hyperdrive", "doctor", "--json", check=False)
        self.assertEqual((code, json.loads(said)["faults"]), (0, 0), said)
        code, said = run("runuser", "-u", "ada", "--", "hyperdrive", "list", check=False)
        self.assertEqual(code, 5, said)
        self.assertIn("cannot read /var/lib/hyperdrive/url: Permission denied", said)

    def test_03_library(self):
        with open("/tmp/train.c", "w", encoding="utf-8") as file:
            file.write("#include <hyperdrive/hyperdrive.h>\nint main(void) { return hd_open() != 0; }\n")
        run("sh", "-c", "gcc -o /tmp/train /tmp/train.c $(pkg-config --cflags --libs hyperdrive)")
        run("/tmp/train")

    def test_04_reload(self):
        before = main_pid()
        with open("/etc/hyperdrive/hyperdrived.conf", "a", encoding="utf-8") as file:
            file.write("slots = 3\n")
        run("systemctl", "reload", UNIT)
        wait_until(lambda: ask("devices")["slots"]["total"] == 3, "three slots")
        self.assertEqual(main_pid(), before)

    def test_10_sweep(self):
        os.mkdir(GATES)
        os.chmod(GATES, 0o777)
        with open(GATES + "/child", "w", encoding="utf-8") as file:
            file.write(CHILD)
        os.chmod(GATES + "/child", 0o755)
        with open(GATES + "/ran", "w", encoding="utf-8"):
            pass
        os.chmod(GATES + "/ran", 0o666)
        Sweep(5).end()

    def outlives(self, what):
        """`what` ends the daemon in the middle of a sweep, and a next one comes: no child ends, none runs twice."""
        sweep = Sweep(6)
        children = sweep.wait_running()
        before = main_pid()
        what(sweep)
        wait_until(lambda: is_ready() and main_pid() != before, "the next daemon")
        self.assertEqual([pid for pid in children if not lives(pid)], [])
        sweep.end()

    def test_20_restart(self):
        self.outlives(lambda sweep: run("systemctl", "restart", UNIT))

    def test_21_kill(self):
        restarts = int(prop("NRestarts"))
        self.outlives(lambda sweep: os.kill(main_pid(), signal.SIGKILL))
        self.assertGreater(int(prop("NRestarts")), restarts)

    def test_22_watchdog(self):
        os.mkdir("/run/systemd/system/%s.d" % UNIT)
        with open("/run/systemd/system/%s.d/watchdog.conf" % UNIT, "w", encoding="utf-8") as file:
            file.write("[Service]\nWatchdogSec=5s\n")
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", UNIT)
        self.outlives(lambda sweep: os.kill(main_pid(), signal.SIGSTOP))
        self.assertIn("Watchdog timeout", run("journalctl", "--no-pager", "-u", UNIT))
        os.remove("/run/systemd/system/%s.d/watchdog.conf" % UNIT)
        os.rmdir("/run/systemd/system/%s.d" % UNIT)
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", UNIT)

    def restart_under_load(self, sweep, count):
        with Load(sweep.id + "_0") as load:
            for number in range(count):
                run("systemctl", "restart", UNIT)
                load.more("reports after restart %d" % number)

    def test_30_restarts_refuse_nobody(self):
        self.outlives(lambda sweep: self.restart_under_load(sweep, RESTARTS))

    def test_31_socket_unit(self):
        def switch(sweep):
            run("systemctl", "stop", UNIT)
            run("systemctl", "start", "hyperdrived.socket")
            command("list")  # starts the service
            self.restart_under_load(sweep, 3)
        self.outlives(switch)
        run("systemctl", "stop", UNIT, "hyperdrived.socket")
        run("systemctl", "start", UNIT)

    def test_40_upgrade(self):
        def upgrade(sweep):
            with Load(sweep.id + "_0") as load:
                run("dpkg", "-i", *debs(NEWER))
                load.more("reports after the upgrade")
        before = installed_version()
        self.outlives(upgrade)
        run("dpkg", "--compare-versions", installed_version(), "gt", before)
        self.assertEqual(os.readlink("/proc/%d/exe" % main_pid()), "/usr/sbin/hyperdrived")
        self.assertGreaterEqual(len(ask("list")["sweeps"]), 6)

    def test_50_stop(self):
        def stop_and_start(sweep):
            run("systemctl", "stop", UNIT)
            self.assertEqual((prop("ActiveState"), prop("Result")), ("inactive", "success"))
            code, said = run("hyperdrive", "list", check=False)
            self.assertEqual(code, 6, said)
            run("systemctl", "start", UNIT)
        self.outlives(stop_and_start)

    def test_60_user_unit(self):
        uid = pwd.getpwnam("ada").pw_uid

        def as_ada(*words, **options):
            return run("runuser", "-u", "ada", "--", "env", "XDG_RUNTIME_DIR=/run/user/%d" % uid, "HOME=/home/ada", *words, **options)
        run("systemctl", "start", "user@%d.service" % uid)
        as_ada("sh", "-c", "mkdir -p ~/.config/hyperdrive && echo slots = 3 > ~/.config/hyperdrive/hyperdrived.conf")
        as_ada("systemctl", "--user", "start", UNIT)
        sweep = Sweep(6, ask_as=lambda *words: json.loads(as_ada("hyperdrive", *words, "--json")))
        children = sweep.wait_running()
        self.assertEqual([os.stat("/proc/%d" % pid).st_uid for pid in children], [uid] * 3)
        as_ada("systemctl", "--user", "restart", UNIT)
        self.assertEqual([pid for pid in children if not lives(pid)], [])
        sweep.end()

        def doctor():
            _, said = as_ada("hyperdrive", "doctor", "--json", check=False)
            return json.loads(said)["faults"], next(check for check in json.loads(said)["checks"] if check["check"] == "systemd")
        self.assertEqual(doctor(), (0, {
            "check": "systemd", "result": "warning",
            "message": "this user's hyperdrived.service does not start with the machine; systemctl --user enable hyperdrived.service"}))
        as_ada("systemctl", "--user", "enable", UNIT)
        self.assertEqual(doctor(), (0, {"check": "systemd", "result": "ok", "message": "this user's hyperdrived.service is active"}))
        as_ada("systemctl", "--user", "stop", UNIT)
        self.assertEqual(doctor()[1], {
            "check": "systemd", "result": "warning",
            "message": "this user's hyperdrived.service is not active; systemctl --user enable --now hyperdrived.service"})
        run("systemctl", "stop", "user@%d.service" % uid)
        run("userdel", "--remove", "ada", check=False)

    def test_90_removal(self):
        files = installed_files()
        self.assertIn("/usr/sbin/hyperdrived", files)
        sweep = Sweep(3)
        children = sweep.wait_running()
        run("dpkg", "-r", "hyperdrived")
        self.assertEqual([pid for pid in children if not lives(pid)], [], "a removal is a stop: children go on")
        self.assertTrue(os.path.exists(STATE + "/hyperdrive.db"))
        run("dpkg", "-P", "hyperdrived", "libhyperdrive-dev", "libhyperdrive0")
        self.assertEqual([pid for pid in children if lives(pid)], [])
        for name in ("passwd", "group"):
            self.assertNotIn("hyperdrive", run("getent", name))
        self.assertEqual(sorted(traces() - self.before) + sorted(filter(os.path.lexists, files)), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)
