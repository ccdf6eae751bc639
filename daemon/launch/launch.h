/* Starts, adopts and stops child processes. Every child runs under a `hyperdrive-monitor` of its own, which outlives the daemon.
 *
 * Guarantees
 * - The monitor decides whether an attempt runs: it holds `flock` on RUN/lock for life, refuses when RUN/started.<attempt> exists, writes
 *   that file durably, and only then executes the program. So launch_start() may be called again for the same attempt at any time, after
 *   any crash: the program runs at most once, and a monitor that already runs (or ran) is adopted instead.
 * - One code path: a child just started and one found after a restart are both watched by the pidfd of their monitor, whose identity is
 *   (boot id, pid, start time). When the pidfd becomes readable the exit record RUN/exit.<attempt> is read; without one the child is lost,
 *   and what carries its run id in its environment (HYPERDRIVE_RUN_ID, which the caller puts there) is killed, with what descends from
 *   that, before `ended` is called. While some of it hangs in the kernel and does not die, `ended` waits.
 * - A full disk is waited for: a run that cannot be prepared for want of space is prepared when there is some, or ends by launch_stop().
 * - LAUNCH_NOT_STARTED means that the program did not run and will not: what a monitor of an earlier daemon would need for it is removed.
 * - Where a control group was delegated to the daemon, each run is in one of its own below that, by which all its processes are ended.
 * - No call blocks: folders, spawns and file reads happen on libuv's thread pool. All functions and callbacks belong to the loop thread.
 *
 * The process must not ignore SIGCHLD, and standard input, output and error must be open.
 */
#ifndef HYPERDRIVED_LAUNCH_H
#define HYPERDRIVED_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/error.h"
#include "launch/identity.h"
#include "launch/oom.h"
#include "launch/run_limits.h"

struct launch;       /* a launcher: one per daemon */
struct launch_ahead; /* folders for runs to come: ahead.h */
struct launch_child; /* one attempt of one run, from launch_start() or launch_adopt() to its `ended` or launch_close() */

/* Folder in the run folder with what an earlier run has left (launch_order.resumed). */
#define LAUNCH_RESUMED "resumed_outputs"

struct launch_settings {
    const char *monitor; /* path of the hyperdrive-monitor program */
    int64_t grace_us;    /* between TERM and KILL */
    int64_t log_limit;   /* bytes of a run's log that are kept; 0: all */
    /* Below which control group (version 2) each run gets one of its own: "auto" for the one that was delegated to this process, "no", or
     * the path of one. Where there is none, runs have none. */
    const char *cgroup;
    const char *systemd_run; /* path of the program that makes transient units, for runs with limits; kept by the caller */
    const char *root;        /* folder whose /run and /sys tell of the service manager: "/" */
};

/* What to run. Copied by launch_start(): everything may be freed when it returns. */
struct launch_order {
    const char *run_id;
    const char *folder;                    /* absolute: STATE/runs/<sweep>/<n/1000>/<n>; made (0700) if it is missing */
    int attempt;                           /* from 1 */
    const char *user;                      /* as whom it runs, and whose the folder is; NULL: the daemon's own */
    const char *working_directory;         /* NULL: the run folder */
    const char *snapshot;                  /* folder whose content is put into the run folder; NULL: none */
    const char *resumed;                   /* folder whose content is handed over in LAUNCH_RESUMED, read-only; NULL: none */
    const char *const *output_directories; /* further folders to make below outputs/, ends in NULL; or NULL */
    struct launch_limits limits;           /* what it may use; only where launch_no_limits() is NULL */
    struct launch_ahead *ahead;            /* has perhaps prepared a folder for it; NULL: none (ahead.h) */
    char *const *argv;                     /* ends in NULL */
    char *const *environment;              /* NAME=VALUE, whole and final, ends in NULL */
};

/* How an attempt ended, as its exit record says. */
struct launch_end {
    enum {
        LAUNCH_EXITED,        /* exit_code */
        LAUNCH_SIGNALED,      /* signal */
        LAUNCH_NOT_STARTED,   /* the program could not be executed, or folders could not be made: `error` says why */
        LAUNCH_STOPPED_EARLY, /* launch_stop() came before the program was executed */
        LAUNCH_LOST,          /* the monitor is gone and left no record */
    } kind;
    int exit_code;
    int signal;
    int64_t started_us;      /* when the program was executed; 0 if it never was */
    int64_t ended_us;        /* when the program ended (lost: when that was noticed) */
    int64_t peak_memory;     /* bytes: largest resident set of any process of the child */
    int64_t cpu_us;          /* user and system time of all its processes */
    enum oom oom;            /* whether the kernel killed processes of it for want of memory */
    const char *last_output; /* last 4096 bytes at most, valid UTF-8 (broken bytes replaced), never NULL; valid in the callback */
    struct hd_error error;   /* with LAUNCH_NOT_STARTED */
};

struct launch_events {
    /* The attempt cannot be prepared until there is space on the disk (HD_STORAGE_FULL), or its monitor or program cannot be started for
     * want of something (HD_UNAVAILABLE); it is tried again. Called at most once, before `running`. May be NULL. */
    void (*waiting)(struct launch_child *child, void *data, const struct hd_error *error);
    /* The program was executed successfully. Called at most once, before `ended`, also for an attempt that an earlier daemon started. */
    void (*running)(struct launch_child *child, void *data, const struct launch_identity *identity, int64_t started_us);
    /* The attempt is lost or to end, but some of its processes do not die; that is tried again until none is left. Called at most once,
     * before `ended`. May be NULL. */
    void (*lingering)(struct launch_child *child, void *data);
    /* The attempt is over and no process of it is left. The last callback; `child` is freed when it returns. */
    void (*ended)(struct launch_child *child, void *data, const struct launch_end *end);
};

int launch_open(struct launch **ret_launch, uv_loop_t *loop, const struct launch_settings *settings, const struct launch_events *events,
                struct hd_error *error);
/* Why no child can be held to limits, as the end of a sentence; NULL: it can. */
const char *launch_no_limits(const struct launch *launch);
/* The control group below which each run gets its own; NULL: none. */
const char *launch_cgroup(const struct launch *launch);
/* For children that are started from now on. */
void launch_set_grace(struct launch *launch, int64_t grace_us);
void launch_set_log_limit(struct launch *launch, int64_t bytes);
/* Forgets all children (they go on running) and calls `closed` when nothing of the launcher is left on the loop. */
void launch_close(struct launch *launch, void (*closed)(void *data), void *data);

/* Prepares the folder, starts the monitor. Failures come as `ended` with LAUNCH_NOT_STARTED, never before this returns.
 * NULL only when memory is short. */
struct launch_child *launch_start(struct launch *launch, const struct launch_order *order, void *data);

/* Takes up an attempt that is recorded as running. `identity` is what `running` told. An attempt whose monitor is gone ends by its record
 * or as lost. `running` is not called again. NULL only when memory is short. */
struct launch_child *launch_adopt(struct launch *launch, const char *run_id, const char *folder, int attempt,
                                  const struct launch_identity *identity, void *data);

/* Asks for the end of the whole process tree: TERM and CONT, grace, KILL. May be called at any time, more than once. A monitor that was
 * stopped is continued; one that does not do it within some seconds of the grace is killed, after its tree: then the attempt is lost. */
void launch_stop(struct launch_child *child);

/* On the pool, removes the attempt's exit record, launch.json, files of the snapshot that nobody changed (same bytes, mode and time), links
 * into it, what was handed over, and empty folders that came with the snapshot or lie in outputs/ and logs/. Keeps lock, started.<attempt>
 * (without it the attempt could run again), the log, and all that the program wrote or changed. While a later attempt is prepared or runs,
 * only the exit record is removed. To be called when the end is committed. What cannot be removed stays. */
void launch_tidy(struct launch *launch, const char *folder, int attempt, const char *snapshot);

#endif
