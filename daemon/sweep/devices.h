/* The machine's devices in live state. Internal to the sweep room. */
#ifndef HYPERDRIVED_SWEEP_DEVICES_H
#define HYPERDRIVED_SWEEP_DEVICES_H

#include "core/error.h"
#include "core/program.h"

struct live_run;
struct sweeps;

/* devices.c */
/* Before the sweeps are taken up: what is drained. */
int devices_open(struct sweeps *sweeps, struct hd_error *error);
/* Starts to look, on the pool. No child is given anything before the result. */
int devices_look(struct sweeps *sweeps, struct hd_error *error);
void devices_close(struct sweeps *sweeps);
/* Gives a run that is to start again other devices where it has some that are drained or missing, if there are others free. */
void devices_renew(struct live_run *run);

/* device_variables.c: takes out what hands out GPUs and puts in what the run was given. -1 when memory is short. */
int device_variables(const struct live_run *run, struct hd_strings *environment);

#endif
