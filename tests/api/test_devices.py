"""Devices: who gets what, what a kill leaves, drain and put back. All GPUs are fake ones."""

import os
import signal
import subprocess

import harness
from fake_machine import DevicesTest, amd_uuid, uuid
from harness import wait_until

THIRD = 1 / 3


class Given(DevicesTest):
    """Who gets what."""

    def test_whole_gpus(self):
        self.machine.nvidia(2)
        self.start()
        sweep_id, runs = self.sweep_with(2, grid=3, gpus=1)
        self.assertEqual({tuple(self.seen(run)) for run in runs}, {(uuid(0),), (uuid(1),)})
        for run in runs:
            environment = self.gates.environment(run)
            self.assertEqual(self.held(run), {self.seen(run)[0]: 1.0})
            self.assertEqual((environment["CUDA_DEVICE_ORDER"], environment["ROCR_VISIBLE_DEVICES"]), ("PCI_BUS_ID", ""))
        # A freed GPU goes to the next child at once.
        self.gates.release(runs[0])
        self.assertEqual(self.seen("%s_2" % sweep_id), self.seen(runs[0]))
        self.assertEqual(self.held(runs[0]), {self.seen(runs[0])[0]: 1.0})  # what it had is told for ever

    def test_several_in_one_child(self):
        self.machine.nvidia(4)
        self.start()
        _, (run,) = self.sweep_with(1, gpus=3)
        self.assertEqual(self.seen(run), [uuid(0), uuid(1), uuid(2)])
        _, (other,) = self.sweep_with(1, gpus=1)
        self.assertEqual(self.seen(other), [uuid(3)])

    def test_fractions_fill_the_fullest_that_fits(self):
        self.machine.nvidia(2)
        self.start()
        _, (half,) = self.sweep_with(1, gpus=0.5)
        _, (quarter,) = self.sweep_with(1, gpus=0.25)
        self.assertEqual(self.seen(half), self.seen(quarter))
        _, (whole,) = self.sweep_with(1, gpus=1)
        self.assertNotEqual(self.seen(half), self.seen(whole))
        self.assertEqual(self.holders(self.seen(half)[0]), {half: 0.5, quarter: 0.25})
        self.assertEqual(self.gpu(self.seen(half)[0])["in_use"], 0.75)

    def test_three_thirds_are_one(self):
        self.machine.nvidia(1)
        self.start()
        _, runs = self.sweep_with(3, grid=4, gpus=THIRD)
        self.assertEqual({tuple(self.seen(run)) for run in runs}, {(uuid(0),)})
        self.assertEqual(len(self.gates.started()), 3)

    def test_slots_by_the_machine_count_fractions(self):
        self.machine.nvidia(2)
        self.start("--slots", "auto")
        _, runs = self.sweep_with(4, grid=6, gpus=0.5, cpus=0.5)
        self.assertEqual(sorted(self.seen(run)[0] for run in runs), [uuid(0), uuid(0), uuid(1), uuid(1)])
        self.assertEqual(self.devices()["slots"], {"total": 2.0, "in_use": 2.0, "free": 0.0})

    def test_without_gpus_none_are_seen(self):
        self.machine.nvidia(1)
        self.start(CUDA_VISIBLE_DEVICES="0", HIP_VISIBLE_DEVICES="0", CUDA_DEVICE_ORDER="FASTEST_FIRST")
        _, (run,) = self.sweep_with(1)
        environment = self.gates.environment(run)
        self.assertEqual((environment["CUDA_VISIBLE_DEVICES"], environment["ROCR_VISIBLE_DEVICES"]), ("", ""))
        self.assertNotIn("HIP_VISIBLE_DEVICES", environment)
        self.assertEqual(self.held(run), {})

    def test_amd_gets_its_own_variable_alone(self):
        self.machine.amd(1)
        self.start("--environment-keep", "*", CUDA_VISIBLE_DEVICES="0", HIP_VISIBLE_DEVICES="0")
        _, (run,) = self.sweep_with(1, gpus=1)
        environment = self.gates.environment(run)
        self.assertEqual(environment["ROCR_VISIBLE_DEVICES"], amd_uuid(1))
        for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
            self.assertNotIn(name, environment)

    def test_a_child_gets_gpus_of_one_vendor(self):
        self.machine.nvidia(1)
        self.machine.amd(2)
        self.start()
        _, (run,) = self.sweep_with(1, gpus=2)
        self.assertEqual(self.held(run), {amd_uuid(1): 1.0, amd_uuid(2): 1.0})

    def test_cpus(self):
        self.start("--slots", "4")
        _, runs = self.sweep_with(2, grid=3, cpus=2)
        self.assertEqual({self.gates.environment(run)["OMP_NUM_THREADS"] for run in runs}, {"2"})
        self.assertEqual(len(self.gates.started()), 2)  # 4 slots, but 2 children have all 4 CPUs
        self.assertEqual(self.devices()["cpus"]["free"], 0.0)
        self.assertEqual(self.gpu("cpu")["runs"], [{"run_id": run, "sweep_id": run.rpartition("_")[0], "share": 2.0}
                                                   for run in reversed(runs)])
        _, (free,) = self.sweep_with(1, cpus=0)
        self.assertEqual(self.gates.environment(free)["OMP_NUM_THREADS"], "1")

    def test_what_a_sweep_sets_is_there_once(self):
        self.start(TZ="UTC")
        sweep = self.finished_sweep(max_total_runs=1, run_config={
            "command": ["/usr/bin/env"], "environment_variables": {"TZ": "Mars/Olympus"}})
        said = self.client.get("/runs/%s_0/logs/user_logs/std_log.txt" % sweep["run_id"]).body.decode()
        self.assertEqual([line for line in said.splitlines() if line.startswith("TZ=")], ["TZ=Mars/Olympus"])

    def test_threads_of_its_own(self):
        self.start(OMP_NUM_THREADS="9")
        sweep_id = self.submit(max_total_runs=1, run_config={**self.gated(), "environment_variables": {
            "GATES": self.gates.folder, "OMP_NUM_THREADS": "7"}})["run_id"]
        self.assertEqual(self.gates.environment(sweep_id + "_0")["OMP_NUM_THREADS"], "7")

    def test_more_than_there_is(self):
        self.machine.nvidia(2)
        self.machine.amd(1)
        self.start()
        cpus = len(os.sched_getaffinity(0))
        for fields, message in (
            ({"gpus_per_run": 3}, "'run_config.gpus_per_run' must be at most 2, the number of GPUs that there are, got 3"),
            ({"cpus_per_run": cpus + 0.5},
             "'run_config.cpus_per_run' must be at most %d, the number of CPUs that there are, got %s" % (cpus, cpus + 0.5)),
            ({"gpus_per_run": 1e15},
             "'run_config.gpus_per_run' must be at most 2, the number of GPUs that there are, got 1000000000000000"),
            ({"gpus_per_run": 1.5}, "'run_config.gpus_per_run' must be 0, a fraction below 1, or a whole number, got 1.5"),
        ):
            response = self.client.post("/sweeps", self.specification(run_config={"command": ["/bin/true"], **fields}))
            self.assertError(response, 400, message)
            self.assertEqual(response.error["details"][0]["code"], "OutOfRange")
        self.daemon.stop()
        self.start("--gpus", "none")
        self.assertError(self.client.post("/sweeps", self.specification(run_config={"command": ["/bin/true"], "gpus_per_run": 0.5})), 400,
                         "'run_config.gpus_per_run' must be 0, since there are no GPUs to hand out, got 0.5")


class Fair(DevicesTest):
    def test_the_sweep_with_the_fewest_children_is_next(self):
        self.machine.nvidia(2)
        self.start()
        first, (zero, one) = self.sweep_with(2, grid=6, gpus=1)
        second = self.submit(hyperparameter_sampling=self.grid(2), max_total_runs=2,
                             run_config=self.gated_with(gpus_per_run=1))["run_id"]
        self.gates.release(zero)
        self.gates.environment(second + "_0")
        self.assertEqual(len(self.live_children(first)), 1)

    def test_a_large_child_is_not_starved_by_small_ones(self):
        self.machine.nvidia(2)
        self.start()
        small, (zero, one) = self.sweep_with(2, grid=20, gpus=1)
        large = self.submit(hyperparameter_sampling=self.grid(1), max_total_runs=1, run_config=self.gated_with(gpus_per_run=2))["run_id"]
        self.gates.release(zero)
        self.wait_for_run(zero, "Completed")
        # One GPU is free and kept for the large one; what needs no GPU is not held up by that.
        _, (idle,) = self.sweep_with(1)
        self.assertEqual(len(self.gates.started()), 3)
        later = self.submit(hyperparameter_sampling=self.grid(1), max_total_runs=1, run_config=self.gated_with(gpus_per_run=0.5))["run_id"]
        self.gates.release(idle)
        self.wait_for_run(idle, "Completed")
        self.assertEqual(len(self.gates.started()), 3)
        self.gates.release(one)
        self.assertEqual(self.seen(large + "_0"), [uuid(0), uuid(1)])
        self.assertEqual(len(self.gates.started()), 4)
        self.gates.release(large + "_0")
        self.gates.environment(later + "_0")  # and then the small ones go on
        self.gates.environment(small + "_2")

    def test_what_can_never_be_met_holds_nobody_up(self):
        self.machine.nvidia(2)
        self.start()
        self.set_state(uuid(1), "drained")
        self.submit(hyperparameter_sampling=self.grid(1), max_total_runs=1, run_config=self.gated_with(gpus_per_run=2))
        small, runs = self.sweep_with(1, grid=3, gpus=1)
        self.gates.release(runs[0])
        self.gates.environment(small + "_1")

    def test_queued_children_wait_in_order(self):
        self.machine.nvidia(1)
        self.start()
        sweep_id, (zero,) = self.sweep_with(1, grid=5, gpus=1, max_concurrent_runs=5)
        self.assertEqual([run["devices"] for run in self.children(sweep_id)[1:]], [[]] * 4)
        self.assertEqual(self.client.post("/runs/%s_1/cancel" % sweep_id).json["status"], "Canceled")
        self.gates.release(zero)
        self.assertEqual(self.seen(sweep_id + "_2"), [uuid(0)])


class Kept(DevicesTest):
    """What a restart finds again."""

    def test_no_gpu_is_given_twice_after_a_kill(self):
        self.machine.nvidia(3)
        self.start()
        sweep_id, runs = self.sweep_with(2, grid=8, gpus=1, max_concurrent_runs=2)
        other, (half,) = self.sweep_with(1, grid=2, gpus=0.75, max_concurrent_runs=1)
        before = {run: self.held(run) for run in (*runs, half)}
        self.daemon.restart()
        self.assertEqual({run: self.held(run) for run in (*runs, half)}, before)
        for run, devices in before.items():
            for id, share in devices.items():
                self.assertEqual(self.holders(id), {run: share})
        # A sweep that wants one gets none as long as they live.
        third = self.submit(hyperparameter_sampling=self.grid(1), max_total_runs=1, run_config=self.gated_with(gpus_per_run=1))["run_id"]
        _, (proof,) = self.sweep_with(1)
        self.assertEqual(len(self.gates.started()), 4)
        self.gates.release(half)
        self.assertEqual(self.seen(third + "_0"), list(before[half]))

    def test_an_intent_that_a_kill_cut_off_starts_on_its_own_device(self):
        self.machine.nvidia(2)
        self.start(HYPERDRIVED_FAULT="after_intent")
        self.client.post("/sweeps", self.specification(hyperparameter_sampling=self.grid(2), run_config=self.gated_with(gpus_per_run=1)))
        self.assertLess(self.daemon.wait(), 0)
        self.start()
        runs = self.gates.wait_started(2)
        for run in runs:
            self.gates.environment(run)
        self.assertEqual(sorted(self.seen(run)[0] for run in runs), [uuid(0), uuid(1)])
        for run in runs:
            self.assertEqual(list(self.held(run)), self.seen(run))

    def test_kills_again_and_again(self):
        self.machine.nvidia(2)
        self.start()
        sweep_id, _ = self.sweep_with(2, grid=12, gpus=1)
        for number in range(4):
            running = self.live_children(sweep_id)
            self.gates.release(running[0])
            self.daemon.restart()
            self.gates.wait_started(3 + number)
            wait_until(lambda: len([run for run in self.live_children(sweep_id) if self.run_of(run)["status"] == "Running"]) == 2,
                       "two running children")
            self.assertEqual(sorted(id for run in self.live_children(sweep_id) for id in self.held(run)), [uuid(0), uuid(1)])

    def test_a_device_that_has_gone(self):
        self.machine.nvidia(2)
        self.start()
        sweep_id, (zero, one) = self.sweep_with(2, grid=5, gpus=1)
        self.daemon.kill()
        gone = self.seen(zero)[0]
        self.machine.remove_nvidia(0 if gone == uuid(0) else 1)
        self.start()
        device = self.gpu(gone)
        self.assertEqual((device["state"], [run["run_id"] for run in device["runs"]]), ("missing", [zero]))
        self.assertEqual(device["name"], self.run_of(zero)["devices"][0]["name"])
        self.assertEqual(self.run_of(zero)["status"], "Running")
        self.gates.release(zero)
        self.wait_for_run(zero, "Completed")
        self.gates.release(one)
        self.assertNotEqual(self.seen(sweep_id + "_2"), [gone])
        self.assertError(self.client.post("/sweeps", self.specification(run_config={"command": ["/bin/true"], "gpus_per_run": 2})), 400,
                         "'run_config.gpus_per_run' must be at most 1, the number of GPUs that there are, got 2")

    def test_drain(self):
        self.machine.nvidia(2)
        self.start()
        sweep_id, (zero, one) = self.sweep_with(2, grid=9, gpus=1)
        drained, other = self.seen(zero)[0], self.seen(one)[0]
        answer = self.set_state(drained, "drained")
        self.assertEqual((answer["id"], answer["state"], [run["run_id"] for run in answer["runs"]]), (drained, "drained", [zero]))
        self.assertEqual(self.run_of(zero)["status"], "Running")
        self.gates.release(zero)
        self.wait_for_run(zero, "Completed")
        self.daemon.restart()
        self.assertEqual(self.gpu(drained)["state"], "drained")
        self.gates.release(one)
        self.assertEqual(self.seen(sweep_id + "_2"), [other])
        self.assertEqual(len(self.gates.started()), 3)
        self.set_state(drained, "active")
        self.assertEqual(self.seen(sweep_id + "_3"), [drained])
        self.daemon.restart()
        self.assertEqual(self.gpu(drained)["state"], "active")

    def failing(self, count, max_retries=1, **fields):
        """A sweep whose children ask at their gate how to end, in each attempt anew."""
        program = harness.GATED.replace("mkfifo", "rm -f \"$GATES/$AZUREML_RUN_ID\"; mkfifo").replace(
            "env >", "env > \"$GATES/new\"; mv \"$GATES/new\"")
        return self.submit(hyperparameter_sampling=self.grid(count), max_total_runs=count, run_config={
            **self.gated(program), "gpus_per_run": 1, "max_retries": max_retries, "retry_on": ["lost", {"exit_code": [3]}]},
            **fields)["run_id"]

    def test_the_next_attempt_keeps_its_gpu(self):
        self.machine.nvidia(2)
        self.start()
        run = self.failing(1) + "_0"
        before = self.seen(run)
        self.gates.release(run, 3)
        self.gates.wait_started(2)
        self.assertEqual(self.seen(run), before)
        self.assertEqual(list(self.held(run)), before)

    def test_the_next_attempt_leaves_a_drained_gpu(self):
        self.machine.nvidia(2)
        self.start()
        run = self.failing(1) + "_0"
        before = self.seen(run)[0]
        self.set_state(before, "drained")
        self.gates.release(run, 3)
        self.gates.wait_started(2)
        other = uuid(1) if before == uuid(0) else uuid(0)
        wait_until(lambda: self.seen(run) == [other], "the next attempt on the other GPU")
        self.assertEqual(self.held(run), {other: 1.0})
        self.daemon.restart()
        self.assertEqual(self.holders(other), {run: 1.0})
        self.assertEqual(self.gpu(before)["runs"], [])

    def test_the_next_attempt_of_a_lost_one_leaves_a_missing_gpu(self):
        self.machine.nvidia(2)
        self.start()
        run = self.failing(1) + "_0"
        before = self.seen(run)[0]
        self.daemon.kill()
        harness.signal_all(harness.processes_with(self.daemon.run_folder(run)), signal.SIGKILL)
        self.machine.remove_nvidia(0 if before == uuid(0) else 1)
        self.start()
        self.gates.wait_started(2)
        other = uuid(1) if before == uuid(0) else uuid(0)
        wait_until(lambda: self.seen(run) == [other], "the next attempt on the other GPU")
        self.assertEqual(self.held(run), {other: 1.0})

    def test_a_gpu_is_given_on_when_nothing_of_the_lost_one_is_left(self):
        """The first instructions of the next child look for processes of the one before, whose monitor was killed."""
        self.machine.nvidia(1)
        self.start()
        stubborn = self.submit(max_total_runs=1, run_config={"command": [os.path.join(harness.FIXTURES, "stubborn")], "gpus_per_run": 1})
        lost = stubborn["run_id"] + "_0"
        wait_until(lambda: b"ready" in self.client.get("/runs/%s/logs/user_logs/std_log.txt" % lost).body, "the tree of processes")
        look = "grep -la \"RUN_ID=$BEFORE\" /proc/[0-9]*/environ > \"$GATES/left\" 2> /dev/null\n" + harness.GATED
        after = self.submit(max_total_runs=1, run_config={
            **self.gated(look), "gpus_per_run": 1,
            "environment_variables": {"GATES": self.gates.folder, "BEFORE": lost}})["run_id"] + "_0"
        self.assertEqual(list(self.held(lost)), [uuid(0)])
        harness.signal_all(self.daemon.monitors(lost), signal.SIGKILL)
        self.assertEqual(self.seen(after), [uuid(0)])
        with open(os.path.join(self.gates.folder, "left"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "")
        self.assertEqual(self.wait_for_run(lost, "Failed")["error"]["code"], "Lost")

    def test_drain_of_the_cpus_stops_all_starts(self):
        self.start()
        sweep_id, (zero,) = self.sweep_with(1, grid=3, max_concurrent_runs=1)
        self.set_state("cpu", "drained")
        self.gates.release(zero)
        self.wait_for_run(zero, "Completed")
        self.assertEqual(len(self.gates.started()), 1)
        self.set_state("cpu", "active")
        self.gates.environment(sweep_id + "_1")

    def test_bad_changes(self):
        self.machine.nvidia(1)
        self.start()

        def change(id, body):
            return self.client.request("PATCH", "/devices/" + id, body=body)
        self.assertError(change(uuid(7), {"state": "drained"}), 404, "no device with id '%s'" % uuid(7))
        for body, message, target in (
            ({}, "'state' is required: drained or active", "state"),
            ({"state": "missing"}, "'state' must be drained or active, got \"missing\"", "state"),
            ({"state": None}, "'state' must be drained or active, got null", "state"),
            ({"state": "active", "name": "x"}, "'name' is not a known field; a device's 'state' can be changed", "name"),
        ):
            self.assertError(change(uuid(0), body), 400, message, target)
        self.assertEqual(change(uuid(0), []).status, 400)


# A child that holds a lock for each GPU that it sees, and fails when somebody else has one of them.
LOCKING = """
number=5
for gpu in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do
  eval "exec $number>\\"$GATES/$gpu.lock\\""
  flock -n $number || exit 99
  number=$((number + 1))
done
[ $number -gt 5 ] || exit 98
sleep 0.0$(($(od -An -N1 -tu1 /dev/urandom) % 10))
"""


class Chaos(DevicesTest):
    def test_no_two_children_ever_have_one_gpu(self):
        self.machine.nvidia(3)
        self.start()
        config = {"command": ["/bin/sh", "-c", LOCKING], "environment_variables": {"GATES": self.gates.folder}}
        sweeps = [self.submit(hyperparameter_sampling=self.grid(count), max_total_runs=count, initial_failure_limit=0,
                              run_config={**config, "gpus_per_run": gpus}, **fields)["run_id"]
                  for count, gpus, fields in ((24, 1, {}), (8, 2, {}), (5, 3, {}), (12, 1, {"max_concurrent_runs": 10}))]

        def ended():
            return sum(self.sweep(id)["children"].get("Completed", 0) for id in sweeps)
        for kill in range(5):
            wait_until(lambda: ended() >= 6 * kill, "%d ended children" % (6 * kill))
            self.daemon.restart()
        for id, count in zip(sweeps, (24, 8, 5, 12)):
            self.assertEqual(self.wait_for_sweep(id, "Completed")["children"], {"total": count, "Completed": count})
        self.assertEqual([(gpu["in_use"], gpu["runs"]) for gpu in self.gpus()], [(0.0, [])] * 3)


class Command(DevicesTest):
    """`hyperdrive devices`, and what `hyperdrive show` says of a run."""

    def command(self, *arguments, code=0):
        done = subprocess.run([harness.COMMAND, "--state-dir", self.daemon.state, *arguments], capture_output=True, text=True,
                              env={**harness.clean_environment(), "LC_ALL": "C.UTF-8"}, timeout=harness.DEADLINE, check=False)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done.stdout if code == 0 else done.stderr

    def test_table(self):
        self.machine.nvidia(2)
        self.machine.amd(1)
        self.machine.write("proc/driver/nvidia/capabilities/gpu1/mig/gi1/access", "")
        self.start()
        _, (half,) = self.sweep_with(1, gpus=0.5)
        lines = [line.split() for line in self.command("devices").splitlines()]
        self.assertEqual(lines[0], ["DEVICE", "NAME", "MEMORY", "STATE", "IN", "USE", "RUNS"])
        rows = {line[0]: line for line in lines[1:]}
        self.assertEqual(rows["cpu"], ["cpu", "CPUs", "-", "active", "1/16", "1", "run"])
        self.assertEqual(rows[uuid(0)], [uuid(0), "NVIDIA", "Test", "0", "-", "active", "0.5/1", half, "(0.5)"])
        self.assertEqual(rows[amd_uuid(1)][1:], ["gfx90a", "16.0", "GiB", "active", "0/1"])
        self.assertEqual(lines[-2], "1 of 16 slots are in use".split())
        self.assertIn("MIG", lines[-1])
        self.assertEqual(harness.read_json(self.command("devices", "--json")), self.devices())
        self.assertRegex(self.command("show", half), r"(?m)^device +0\.5 of %s, NVIDIA Test 0$" % uuid(0))

    def test_drain_and_activate(self):
        self.machine.nvidia(1)
        self.start()
        self.assertEqual(self.command("devices", "drain", uuid(0)), "%s is drained\n" % uuid(0))
        self.assertEqual(self.gpu(uuid(0))["state"], "drained")
        self.assertEqual(harness.read_json(self.command("devices", "--json", "activate", uuid(0))), self.gpu(uuid(0)))
        self.assertEqual(self.gpu(uuid(0))["state"], "active")

    def test_faults(self):
        self.start()
        self.assertIn("no device with id 'GPU/1'", self.command("devices", "drain", "GPU/1", code=3))
        self.assertIn("drain or activate, not 'stop'", self.command("devices", "stop", "cpu", code=2))
        self.assertIn("needs the id of a device", self.command("devices", "drain", code=2))


if __name__ == "__main__":
    harness.main()
