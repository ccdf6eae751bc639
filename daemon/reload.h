/* SIGHUP: reads the settings again, takes what may change at run time, and says what needs a restart. Loop thread only. */
#ifndef HYPERDRIVED_RELOAD_H
#define HYPERDRIVED_RELOAD_H

#include <stdbool.h>
#include <uv.h>

#include "core/error.h"
#include "settings.h"

/* On the pool, before they are given: what of the new settings takes time, or is a fault that no table finds. */
typedef int reload_prepare(void *data, const struct settings *fresh, struct hd_error *error);
/* Gives the rooms what may change: all of it, or with an error nothing. */
typedef int reload_apply(void *data, const struct settings *fresh, struct hd_error *error);

struct reload {
    uv_work_t work;
    struct settings *settings; /* in force; changed here only */
    struct settings fresh;
    struct hd_error error;
    int result;
    bool busy;    /* the file is being read, on the pool */
    bool again;   /* another signal came meanwhile */
    bool stopped; /* the daemon stops: nothing is taken any more */
    reload_prepare *prepare;
    reload_apply *apply;
    void *data;
};

/* A zeroed reload with `settings`, `prepare`, `apply` and `data` is ready. The service manager hears RELOADING=1 now and READY=1 when all
 * is done. */
void reload_start(struct reload *reload, uv_loop_t *loop);

#endif
