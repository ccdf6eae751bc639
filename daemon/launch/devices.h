/* Which GPUs and CPUs this machine has, and which of them the daemon may hand out.
 *
 * NVIDIA GPUs are read from /proc/driver/nvidia; where that is silent (some containers) nvidia-smi is asked, as a child with a time limit,
 * and where that is silent too, the list of PCI devices. AMD GPUs are read from the topology of the kernel's compute driver. Nothing here
 * trusts what it reads: files may be missing, or hold anything. */
#ifndef HYPERDRIVED_DEVICES_H
#define HYPERDRIVED_DEVICES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/program.h"

enum gpu_vendor { GPU_NVIDIA, GPU_AMD };

struct gpu {
    enum gpu_vendor vendor;
    char id[80];      /* the UUID, else VENDOR-PCI: what the API and the store call it */
    char uuid[80];    /* "": unknown */
    char pci[32];     /* "0000:01:00.0"; "": unknown */
    char name[128];   /* printable ASCII */
    char visible[80]; /* what names it in its vendor's variable of the environment */
    int64_t memory;   /* bytes; 0: unknown */
    int index;        /* among the GPUs of its vendor, as that variable counts */
};

struct devices_settings {
    const char *root;         /* in front of /proc, /sys and /dev; "/" but in tests */
    const char *nvidia_smi;   /* path of the program */
    const char *gpus;         /* "auto", "none", or a list of positions (NVIDIA first), UUIDs and ids */
    const char *cuda_visible; /* the daemon's own CUDA_VISIBLE_DEVICES, which limits what it hands out; NULL: not set */
    const char *rocr_visible; /* the same, ROCR_VISIBLE_DEVICES */
    const char *hip_visible;  /* the same, HIP_VISIBLE_DEVICES */
};

enum { DEVICES_MAX = 128 };

struct devices_found {
    struct gpu gpus[DEVICES_MAX];
    int count;
    struct hd_strings notes; /* sentences about what is not handed out, and why */
};

/* Blocking, for seconds when nvidia-smi hangs: for the thread pool. Ends early once `stop` is set. `ret_found` is overwritten. */
void devices_find(const struct devices_settings *settings, const atomic_bool *stop, struct devices_found *ret_found);
void devices_found_clear(struct devices_found *found);

const char *gpu_vendor_name(enum gpu_vendor vendor); /* "nvidia", "amd" */
/* False if there is no such vendor. */
bool gpu_vendor_parse(const char *name, enum gpu_vendor *ret_vendor);

/* CPUs that this process may use. */
int64_t devices_cpus(void);

#endif
