"""A tree with the files in which the daemon looks for GPUs: /proc/driver/nvidia, /sys/class/kfd, /sys/bus/pci, and an nvidia-smi."""

import os
import shutil


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
