"""A tree with the files in which the daemon looks for GPUs: /proc/driver/nvidia, /sys/class/kfd, /sys/bus/pci, and an nvidia-smi; and what
tests of a daemon on such a machine share."""

import os
import shutil

import harness
from harness import ENDED, DaemonTest


def uuid(number):
    return "GPU-%08x-0000-4000-8000-%012x" % (0x5ab30000 + number, number)


def pci(number):
    return "0000:%02x:00.0" % (0x10 + number)


class FakeMachine:
    def __init__(self, folder):
        self.root = os.path.join(folder, "machine")
        os.makedirs(self.root)
        self.smi = os.path.join(self.root, "nvidia-smi")

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def remove(self, path):
        shutil.rmtree(os.path.join(self.root, path))

    def nvidia(self, count=1, first=0, **fields):
        """GPUs as the driver tells of them; fields replace lines of `information`."""
        for number in range(first, first + count):
            lines = {"Model": "NVIDIA Test %d" % number, "IRQ": "93", "GPU UUID": uuid(number), "Video BIOS": "94.02.42.00.01",
                     "Bus Type": "PCIe", "Bus Location": pci(number), "Device Minor": str(number), "GPU Excluded": "No", **fields}
            self.write("proc/driver/nvidia/gpus/%s/information" % pci(number),
                       "".join("%s: \t %s\n" % line for line in lines.items()))

    def remove_nvidia(self, number):
        self.remove("proc/driver/nvidia/gpus/" + pci(number))

    def amd(self, count=1, memory=16 << 30, unique=True):
        """Node 0 is the processor, as it is on real machines."""
        nodes = "sys/class/kfd/kfd/topology/nodes/"
        self.write(nodes + "0/gpu_id", "0\n")
        self.write(nodes + "0/properties", "cpu_cores_count 16\nsimd_count 0\n")
        for number in range(1, count + 1):
            self.write(nodes + "%d/gpu_id" % number, "%d\n" % (1000 + number))
            self.write(nodes + "%d/name" % number, "gfx90a\n")
            self.write(nodes + "%d/properties" % number,
                       "cpu_cores_count 0\nsimd_count 416\nvendor_id 4098\nlocation_id %d\ndomain 0\ndrm_render_minor %d\nunique_id %d\n"
                       % ((0x40 + number) << 8, 127 + number, 0xabcdef0000000000 + number if unique else 0))
            self.write("sys/class/drm/renderD%d/device/mem_info_vram_total" % (127 + number), "%d\n" % memory)

    def program(self, script):
        """The nvidia-smi of this machine."""
        self.write("nvidia-smi", "#!/bin/sh\n" + script)
        os.chmod(self.smi, 0o755)

    @property
    def options(self):
        return ["--device-root", self.root, "--nvidia-smi", self.smi]


def amd_uuid(number):
    return "GPU-%016x" % (0xabcdef0000000000 + number)


class DevicesTest(DaemonTest):
    autostart = False
    slots = 16

    def setUp(self):
        super().setUp()
        self.machine = FakeMachine(self.folder)
        self.daemon.options = ["--slots", str(self.slots), "--stop-grace", "2 s", "--monitor", harness.MONITOR, *self.machine.options]

    def start(self, *options, **environment):
        self.daemon.start(options=options, environment=environment)
        return self.daemon

    def devices(self):
        return self.client.read("/devices")

    def gpus(self):
        return [device for device in self.devices()["devices"] if device["kind"] == "gpu"]

    def gpu(self, id):
        return next(device for device in self.devices()["devices"] if device["id"] == id)

    def ids(self):
        return [gpu["id"] for gpu in self.gpus()]

    def gated_with(self, **fields):
        return {**self.gated(), **fields}

    def sweep_with(self, count, grid=None, gpus=0, cpus=1, **fields):
        """A sweep whose first `count` children stand at their gates."""
        grid = grid or count
        sweep_id = self.submit(hyperparameter_sampling=self.grid(grid), max_total_runs=grid,
                               run_config=self.gated_with(gpus_per_run=gpus, cpus_per_run=cpus), **fields)["run_id"]
        runs = ["%s_%d" % (sweep_id, number) for number in range(count)]
        for run_id in runs:
            self.gates.environment(run_id)
        return sweep_id, runs

    def held(self, run_id):
        """{device: share} by the run's own resource."""
        return {device["id"]: device["share"] for device in self.run_of(run_id)["devices"]}

    def holders(self, id):
        return {run["run_id"]: run["share"] for run in self.gpu(id)["runs"]}

    def seen(self, run_id):
        """UUIDs that a child sees."""
        value = self.gates.environment(run_id)["CUDA_VISIBLE_DEVICES"]
        return value.split(",") if value else []

    def set_state(self, id, state):
        response = self.client.request("PATCH", "/devices/" + id, body={"state": state})
        self.assertEqual(response.status, 200, response.body)
        return response.json

    def live_children(self, sweep_id):
        return [run["run_id"] for run in self.children(sweep_id) if run["status"] not in ENDED]
