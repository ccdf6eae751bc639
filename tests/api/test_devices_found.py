"""Devices: what the daemon finds on a machine, and what of that it may hand out. All GPUs are fake ones."""

import os
import threading

import harness
from fake_machine import DevicesTest, amd_uuid, uuid
from harness import wait_until


class Found(DevicesTest):
    """What is read from a machine."""

    def assertNotes(self, *expected):
        notes = self.devices()["notes"]
        self.assertEqual(len(notes), len(expected), notes)
        for note, text in zip(notes, expected):
            self.assertIn(text, note)

    def test_none(self):
        self.start("--slots", "auto")
        answer = self.devices()
        self.assertEqual([device["id"] for device in answer["devices"]], ["cpu"])
        cpus = len(os.sched_getaffinity(0))
        self.assertEqual(answer["cpus"], {"total": float(cpus), "in_use": 0.0, "free": float(cpus), "machine": cpus})
        self.assertEqual(answer["slots"], {"total": float(cpus), "in_use": 0.0, "free": float(cpus)})
        self.assertNotes()

    def test_nvidia(self):
        self.machine.nvidia(3)
        self.start("--slots", "auto")
        self.assertEqual(self.devices()["slots"]["total"], 3.0)
        self.assertSame(self.gpus()[1], {
            "id": uuid(1), "kind": "gpu", "vendor": "nvidia", "uuid": uuid(1), "pci": "0000:11:00.0", "name": "NVIDIA Test 1",
            "memory_bytes": None, "state": "active", "capacity": 1.0, "in_use": 0.0, "runs": []})

    def test_amd(self):
        self.machine.amd(2)
        self.start("--slots", "auto")
        self.assertEqual(self.devices()["slots"]["total"], 2.0)
        self.assertSame(self.gpus()[0], {
            "id": amd_uuid(1), "kind": "gpu", "vendor": "amd", "uuid": amd_uuid(1), "pci": "0000:41:00.0", "name": "gfx90a",
            "memory_bytes": 16 << 30, "state": "active", "capacity": 1.0, "in_use": 0.0, "runs": []})

    def test_both(self):
        self.machine.nvidia(1)
        self.machine.amd(1)
        self.start()
        self.assertEqual(self.ids(), [uuid(0), amd_uuid(1)])

    def test_amd_without_unique_ids_goes_by_position(self):
        self.machine.amd(2, unique=False)
        self.start()
        self.assertEqual(self.ids(), ["amd-0000:41:00.0", "amd-0000:42:00.0"])
        _, (first, second) = self.sweep_with(2, gpus=1)
        self.assertEqual({self.gates.environment(run)["ROCR_VISIBLE_DEVICES"] for run in (first, second)}, {"0", "1"})

    def test_a_missing_file_asks_nvidia_smi(self):
        self.machine.nvidia(2)
        os.unlink(os.path.join(self.machine.root, "proc/driver/nvidia/gpus/0000:11:00.0/information"))
        self.machine.program("echo '0, %s, NVIDIA Test, A, 40960, 00000000:10:00.0'\necho '1, %s, NVIDIA Test, B, 81920, 00000000:11:00.0'"
                             % (uuid(0), uuid(1)))
        self.start()
        self.assertEqual(self.ids(), [uuid(0), uuid(1)])
        self.assertEqual([(gpu["name"], gpu["memory_bytes"]) for gpu in self.gpus()],
                         [("NVIDIA Test, A", 40960 << 20), ("NVIDIA Test, B", 81920 << 20)])

    def test_a_missing_file_and_no_nvidia_smi_goes_by_position(self):
        self.machine.nvidia(2)
        os.unlink(os.path.join(self.machine.root, "proc/driver/nvidia/gpus/0000:11:00.0/information"))
        self.start()
        self.assertEqual(self.ids(), [uuid(0), "nvidia-0000:11:00.0"])
        _, runs = self.sweep_with(2, gpus=1)
        self.assertEqual(sorted(self.seen(run)[0] for run in runs), ["0", "1"])

    def test_a_driver_that_does_not_know_its_uuid_yet(self):
        self.machine.nvidia(1, **{"GPU UUID": "GPU-????????-????-????-????-????????????"})
        self.start()
        self.assertEqual(self.ids(), ["nvidia-0000:10:00.0"])

    def test_pci_devices_are_the_last_resort(self):
        for number, (vendor, driver) in enumerate((("0x10de", "nvidia"), ("0x10de", "nouveau"), ("0x8086", "nvidia"))):
            folder = "sys/bus/pci/devices/0000:2%d:00.0/" % number
            self.machine.write(folder + "vendor", vendor + "\n")
            self.machine.write(folder + "class", "0x030000\n")
            os.symlink("../../../bus/pci/drivers/" + driver, os.path.join(self.machine.root, folder, "driver"))
        self.machine.write("dev/nvidiactl", "")
        self.start()
        self.assertEqual(self.ids(), ["nvidia-0000:20:00.0"])
        self.assertNotes("PCI devices only")

    def test_garbage(self):
        gpus = "proc/driver/nvidia/gpus/"
        self.machine.write(gpus + "0000:01:00.0/information", os.urandom(100000))
        self.machine.write(gpus + "0000:02:00.0/information", "GPU UUID: GPU-\"};evil\nModel:\n" * 1000)
        self.machine.write(gpus + "not an address/information", "GPU UUID: " + uuid(7))
        self.machine.write(gpus + "0000:03:00.0/information", b"GPU UUID: " + uuid(3).encode() + b"\nModel: A\xff\x00\x1b[2JB\n")
        nodes = "sys/class/kfd/kfd/topology/nodes/"
        self.machine.write(nodes + "1/properties", os.urandom(50000))
        self.machine.write(nodes + "2\"x/properties", "simd_count 4\n")
        self.machine.write(nodes + "3/properties", "simd_count 99999999999999999999999\nunique_id 1\n")
        self.machine.write(nodes + "4/properties/simd_count", "4")
        self.machine.program("head -c 200000 /dev/urandom")
        self.start()
        self.assertEqual(self.ids(), ["nvidia-0000:01:00.0", "nvidia-0000:02:00.0", uuid(3)])
        self.assertNotIn("\x1b", self.gpu(uuid(3))["name"])
        self.sweep_with(1, gpus=1)

    def test_mig_and_excluded_ones_are_left_alone(self):
        self.machine.nvidia(2)
        self.machine.nvidia(1, first=2, **{"GPU Excluded": "Yes"})
        self.machine.write("proc/driver/nvidia/capabilities/gpu0/mig/gi1/access", "")
        self.start()
        self.assertEqual(self.ids(), [uuid(1)])
        self.assertNotes("0000:10:00.0 is divided into MIG instances, which are not handed out", "0000:12:00.0 is excluded")

    def test_two_of_one_name(self):
        self.machine.nvidia(1)
        self.machine.nvidia(1, first=1, **{"GPU UUID": uuid(0)})
        self.start()
        self.assertEqual(self.ids(), [uuid(0)])
        self.assertNotes("two GPUs call themselves " + uuid(0))

    def test_a_program_that_fails(self):
        self.machine.program("exit 9")
        self.start()
        self.assertEqual(self.ids(), [])
        self.assertNotes("finds no GPU (exit code 9)")

    def test_a_program_that_hangs_delays_neither_start_nor_stop(self):
        fifo = os.path.join(self.folder, "hang")
        os.mkfifo(fifo)
        self.machine.program("echo $$ > %s/pid\nread -r line < %s\necho \"$line\"" % (self.folder, fifo))
        self.start()  # is ready although the program hangs
        wait_until(lambda: os.path.exists(os.path.join(self.folder, "pid")), "nvidia-smi")
        self.assertEqual(self.client.get("//readyz").status, 200)
        self.assertEqual(self.client.read("/sweeps")["sweeps"], [])
        self.daemon.stop()
        self.machine.program("echo '0, %s, Slow, 1024, 0:10:00.0'" % uuid(0))
        self.start()
        self.assertEqual(self.ids(), [uuid(0)])

    def test_what_is_asked_early_waits_for_the_look(self):
        fifo = os.path.join(self.folder, "hang")
        os.mkfifo(fifo)
        self.machine.program("echo '0, %s, Slow, 1024, 0:10:00.0' > %s.answer\nread -r line < %s\ncat %s.answer"
                             % (uuid(0), fifo, fifo, fifo))
        self.start()
        wait_until(lambda: os.path.exists(fifo + ".answer"), "nvidia-smi")
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.client.post("/sweeps", self.specification(
            run_config={"command": ["/bin/true"], "gpus_per_run": 1}))))
        asking.start()
        with open(fifo, "w", encoding="utf-8") as file:
            file.write("go\n")
        asking.join(harness.DEADLINE)
        self.assertEqual(answers[0].status, 201, answers[0].body)
        self.assertEqual(self.wait_for_sweep(answers[0].json["run_id"])["status"], "Completed")


class Chosen(DevicesTest):
    """What the daemon's environment and its settings leave."""

    def check(self, expected, *options, notes=0, **environment):
        self.start(*options, **environment)
        self.assertEqual([[uuid(i) for i in range(9)].index(id) for id in self.ids()], expected)
        self.assertEqual(len(self.devices()["notes"]), notes, self.devices()["notes"])
        self.daemon.stop()

    def test_inherited_variable(self):
        self.machine.nvidia(4)
        self.check([1, 3], CUDA_VISIBLE_DEVICES="3,1")
        self.check([2], CUDA_VISIBLE_DEVICES=uuid(2))
        self.check([0, 2], CUDA_VISIBLE_DEVICES=" %s, %s" % (uuid(2)[:12], uuid(0)[:12]))
        self.check([0, 2], CUDA_VISIBLE_DEVICES="0,2,-1,1", notes=1)  # what is invalid hides what stands behind it
        self.check([0], CUDA_VISIBLE_DEVICES="0,9,1", notes=1)
        self.check([], CUDA_VISIBLE_DEVICES="GPU-5ab3", notes=1)  # the beginning of several
        self.check([1], CUDA_VISIBLE_DEVICES="1,MIG-1234,2", notes=1)
        self.check([], CUDA_VISIBLE_DEVICES="")
        self.check([0, 1, 2, 3], ROCR_VISIBLE_DEVICES="0")

    def test_inherited_variable_of_amd(self):
        self.machine.amd(3)
        self.start(ROCR_VISIBLE_DEVICES="2," + amd_uuid(1))
        self.assertEqual(self.ids(), [amd_uuid(1), amd_uuid(3)])

    def test_inherited_variable_of_hip(self):
        """It counts within what ROCR_VISIBLE_DEVICES leaves, in its order; HIP programs read CUDA_VISIBLE_DEVICES too."""
        self.machine.amd(3)
        for expected, notes, environment in (
                ([2], 0, {"HIP_VISIBLE_DEVICES": "1"}), ([2], 0, {"CUDA_VISIBLE_DEVICES": "1"}),
                ([3], 0, {"HIP_VISIBLE_DEVICES": "2", "CUDA_VISIBLE_DEVICES": "0"}),
                ([2], 0, {"ROCR_VISIBLE_DEVICES": "2,1", "HIP_VISIBLE_DEVICES": "1"}),
                ([1, 3], 0, {"HIP_VISIBLE_DEVICES": "2," + amd_uuid(1)}), ([2], 1, {"HIP_VISIBLE_DEVICES": "1,-1,2"}),
                ([], 1, {"ROCR_VISIBLE_DEVICES": "2", "HIP_VISIBLE_DEVICES": "2"}), ([1, 2, 3], 0, {"HIP_VISIBLE_DEVICES": ""})):
            with self.subTest(environment):
                self.start(**environment)
                self.assertEqual(self.ids(), [amd_uuid(number) for number in expected])
                self.assertEqual(len(self.devices()["notes"]), notes, self.devices()["notes"])
                self.daemon.stop()

    def test_each_variable_is_of_its_vendor(self):
        self.machine.nvidia(2)
        self.machine.amd(2)
        self.start(CUDA_VISIBLE_DEVICES="1")
        self.assertEqual(self.ids(), [uuid(1), amd_uuid(1), amd_uuid(2)])

    def test_setting(self):
        self.machine.nvidia(3)
        self.check([], "--gpus", "none")
        self.check([0, 2], "--gpus", "2 0")
        self.check([1], "--gpus", "%s,%s" % (uuid(1), "0000:11:00.0"))
        self.check([1], "--gpus", "1,7", notes=1)
        self.check([2], "--gpus", "0,2", CUDA_VISIBLE_DEVICES="1,2")
        self.check([0, 1, 2], "--gpus", "AUTO")

    def test_bad_setting(self):
        for value in ("", "all", "0,x", "MIG-1-2-3", "GPU-zzz"):
            code, said = self.daemon.refused(options=["--gpus", value])
            self.assertEqual(code, 2)
            self.assertIn("--gpus", said)


if __name__ == "__main__":
    harness.main()
