/* Cancels: the commit decides, then the processes are stopped. */
#include <stdlib.h>

#include "live.h"

struct cancel {
    union {
        struct store_write write;
        struct store_cancel_sweep sweep;
        struct store_cancel_run run;
    };
    struct sweeps *sweeps;
    sweeps_cancel_answer *answer;
    void *data;
};

static void refuse(struct cancel *cancel, const struct hd_error *error)
{
    cancel->answer(cancel->data, false, HD_STATUS_NONE, error);
    free(cancel);
}

/* NULL after answering that memory is short. */
static struct cancel *make_cancel(struct sweeps *sweeps, sweeps_cancel_answer *answer, void *data)
{
    struct cancel *cancel = calloc(1, sizeof *cancel);
    struct hd_error error = {0};

    if (cancel == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        answer(data, false, HD_STATUS_NONE, &error);
        return NULL;
    }
    cancel->sweeps = sweeps;
    cancel->answer = answer;
    cancel->data = data;
    return cancel;
}

static void on_sweep_canceled(struct store_write *write)
{
    struct cancel *cancel = (struct cancel *)write;
    struct sweeps *sweeps = cancel->sweeps;
    struct live_sweep *sweep;

    if (write->result != 0) {
        refuse(cancel, &write->error);
        return;
    }
    sweep = live_sweep_find(sweeps, cancel->sweep.sweep);
    if (sweep != NULL && !sweeps->closing) {
        control_apply(sweep, &cancel->sweep.ret_sweep);
        live_sweep_release(sweep);
    }
    cancel->answer(cancel->data, cancel->sweep.ret_canceled, cancel->sweep.ret_sweep.status, NULL);
    free(cancel);
    schedule(sweeps);
}

void cancel_sweep(struct sweeps *sweeps, int64_t key, const char *code, double limit, sweeps_cancel_answer *answer, void *data)
{
    struct cancel *cancel = make_cancel(sweeps, answer, data);
    struct hd_error error = {0};

    if (cancel == NULL)
        return;
    cancel->sweep.sweep = key;
    cancel->sweep.code = code;
    cancel->sweep.limit = limit;
    cancel->write.done = on_sweep_canceled;
    if (store_cancel_sweep(sweeps->store, &cancel->sweep, &error) != 0)
        refuse(cancel, &error);
}

void sweeps_cancel(struct sweeps *sweeps, int64_t sweep, sweeps_cancel_answer *answer, void *data)
{
    cancel_sweep(sweeps, sweep, "user", 0, answer, data);
}

static void on_run_canceled(struct store_write *write)
{
    struct cancel *cancel = (struct cancel *)write;
    struct sweeps *sweeps = cancel->sweeps;
    struct live_run *run;

    if (write->result != 0) {
        refuse(cancel, &write->error);
        return;
    }
    run = live_run_find(sweeps, cancel->run.run);
    if (run != NULL && !sweeps->closing && cancel->run.ret_canceled) {
        struct live_sweep *sweep = run->sweep;

        if (hd_status_ended(cancel->run.ret_status) && run->attempt == 0)
            live_run_free(run);
        else
            control_stop_run(run);
        sweep->resting = false;
        control_apply(sweep, &cancel->run.ret_sweep);
        live_sweep_release(sweep);
    }
    cancel->answer(cancel->data, cancel->run.ret_canceled, cancel->run.ret_status, NULL);
    free(cancel);
    schedule(sweeps);
}

void cancel_run(struct sweeps *sweeps, int64_t key, const char *kind, double limit, sweeps_cancel_answer *answer, void *data)
{
    struct cancel *cancel = make_cancel(sweeps, answer, data);
    struct hd_error error = {0};

    if (cancel == NULL)
        return;
    cancel->run.run = key;
    cancel->run.kind = kind;
    cancel->run.limit = limit;
    cancel->write.done = on_run_canceled;
    if (store_cancel_run(sweeps->store, &cancel->run, &error) != 0)
        refuse(cancel, &error);
}

void sweeps_cancel_run(struct sweeps *sweeps, int64_t run, sweeps_cancel_answer *answer, void *data)
{
    cancel_run(sweeps, run, "user", 0, answer, data);
}
