"""The machine is started again: a new boot id, all processes gone, and process ids handed out from the beginning.

Each boot is a process namespace with a boot id of its own, whose end is as sudden as a power failure.
"""

import os
import subprocess
import sys
import unittest

import harness
from harness import DaemonTest, wait_until

BOOT_ID = "/proc/sys/kernel/random/boot_id"
# Mounts the boot id ($1), starts as many strangers as $2 says, and the daemon; the namespace ends with this shell.
BOOT = """mount --bind "$1" %s || exit 1
strangers=$2
shift 2
while [ "$strangers" -gt 0 ]; do sleep 100000 & strangers=$((strangers - 1)); done
"$@" &
wait
""" % BOOT_ID
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def why_not():
    """None if this machine can do it."""
    try:
        tried = subprocess.run([*NAMESPACES, "mount", "--bind", "/dev/null", BOOT_ID], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no unshare program"
    return None if tried.returncode == 0 else "process namespaces are refused: " + tried.stderr.strip()


REFUSED = why_not()


class Reboot(DaemonTest):
    autostart = False

    def setUp(self):
        if REFUSED is not None:
            print("skipped: " + REFUSED, file=sys.stderr)
            self.skipTest(REFUSED)
        super().setUp()

    def boot(self, boot_id, strangers=0):
        path = os.path.join(self.folder, "boot_id")
        with open(path, "w", encoding="utf-8") as file:
            file.write(boot_id + "\n")
        self.daemon.program = [*NAMESPACES, "sh", "-c", BOOT, "sh", path, str(strangers), harness.HYPERDRIVED]
        self.daemon.start()

    def cut_power(self):
        self.daemon.kill()
        wait_until(lambda: not harness.processes_with(self.folder), "the end of all processes")
        self.daemon.program = [harness.HYPERDRIVED]

    def monitor_pid(self, run_id):
        """By its own namespace."""
        (monitor,) = self.daemon.monitors(run_id)
        with open("/proc/%d/status" % monitor, encoding="utf-8") as file:
            return next(int(line.split()[-1]) for line in file if line.startswith("NSpid:"))

    def strangers(self):
        """Their process ids, by their own namespace."""
        found = []
        for process in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % process, "rb") as file:
                    command = file.read()
                with open("/proc/%s/status" % process, encoding="utf-8") as file:
                    ids = next((line.split()[1:] for line in file if line.startswith("NSpid:")), [])
                with open("/proc/%s/environ" % process, "rb") as file:
                    is_ours = self.folder.encode() in file.read()
            except OSError:
                continue
            if command == b"sleep\x00100000\x00" and len(ids) > 1 and is_ours:
                found.append(int(ids[-1]))
        return sorted(found)

    def check(self, first, second):
        """Runs from before the boot are lost, are retried where that was asked for, and the owner of their monitor's id is left alone."""
        self.boot(first)
        _, (lost,) = self.running_sweep(1)
        _, (retried,) = self.running_sweep(1, run_config={**self.gated(harness.GATED.replace("mkfifo", 'rm -f "$GATES/$AZUREML_RUN_ID"; mkfifo')),
                                                          "max_retries": 1})
        before = self.monitor_pid(lost)
        self.cut_power()
        self.boot(second, strangers=before + 10)
        strangers = self.strangers()
        self.assertIn(before, strangers)
        run = self.wait_for_run(lost, "Failed")
        self.assertEqual((run["error"]["code"], run["attempt"]), ("Lost", 1))
        self.gates.wait_started(3)
        self.gates.release(retried)
        self.assertEqual(self.wait_for_run(retried, "Completed")["attempt"], 2)
        self.assertEqual(self.gates.started(), [lost, retried, retried])
        self.assertEqual(self.strangers(), strangers)
        self.cut_power()
        self.daemon.start()  # the machine's own boot
        self.assertEqual(self.run_of(retried)["status"], "Completed")

    def test_another_boot(self):
        self.check("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")

    def test_the_same_boot_in_a_new_process_namespace(self):
        """As when a container is started again: only start times tell processes apart."""
        self.check("11111111-1111-4111-8111-111111111111", "11111111-1111-4111-8111-111111111111")

    def test_a_sweep_goes_on(self):
        self.boot("11111111-1111-4111-8111-111111111111")
        sweep_id, runs = self.running_sweep(1, max_total_runs=3)
        self.cut_power()
        self.boot("22222222-2222-4222-8222-222222222222")
        for number in (1, 2):
            self.gates.release("%s_%d" % (sweep_id, number))
        sweep = self.wait_for_sweep(sweep_id, "Completed")
        self.assertEqual(sweep["children"], {"total": 3, "Completed": 2, "Failed": 1})
        self.assertEqual(self.run_of(runs[0])["error"]["code"], "Lost")
        self.cut_power()
        self.daemon.start()


if __name__ == "__main__":
    harness.main()
