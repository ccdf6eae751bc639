/* Live sweeps: the only room that decides. Draws children when slots are free, has them launched, ends them, and keeps time.
 *
 * Everything here belongs to the loop thread. Live state is a shadow of the store: it changes only when the result of a commit comes back,
 * and a restart builds it anew from the store (there is no other resume). */
#ifndef HYPERDRIVED_SWEEP_H
#define HYPERDRIVED_SWEEP_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/error.h"
#include "core/problems.h"
#include "launch/devices.h"
#include "store/store.h"

struct sweeps;

struct sweeps_settings {
    const char *state_dir;
    const char *monitor;              /* path of hyperdrive-monitor */
    const char *cgroup, *systemd_run; /* as launch.h has them */
    int64_t grace_us;
    int64_t log_limit; /* bytes of a child's log that are kept; 0: all */
    int64_t slots;     /* children at once; 0: one per GPU, or per CPU if there are none */
    struct devices_settings devices;
    int64_t snapshot_limit;    /* bytes */
    int64_t policy_memory;     /* bytes for all early termination together */
    char *const *environment;  /* NAME=VALUE that every child gets from the daemon's own environment; ends in NULL */
    const char *url;           /* what children report to */
    const char *authorities;   /* PEM file by which they verify it; NULL: none */
    char *const *run_as_users; /* users as whom children may run, where the daemon is root; ends in NULL */
    /* The token of one attempt of a run; written to `buffer`. */
    void (*run_token)(void *context, const char *run_id, int attempt, char *buffer, size_t size);
    void *context;
};

/* Takes up all live sweeps and their children from the store. The settings' strings must outlive the room. */
int sweeps_open(struct sweeps **ret_sweeps, uv_loop_t *loop, struct store *store, const struct sweeps_settings *settings,
                struct hd_error *error);
/* Children that an earlier daemon has started and that went on: how many there were when the room was opened. */
int64_t sweeps_adopted(const struct sweeps *sweeps);
/* Leaves the children running. Writes may still be on their way then: close the store next, and free the room when that is done. */
void sweeps_close(struct sweeps *sweeps, void (*closed)(void *data), void *data);
void sweeps_free(struct sweeps *sweeps);
/* Starts nothing any more and ends all children; `ended` is called when none is left and all ends are committed. */
void sweeps_end_children(struct sweeps *sweeps, void (*ended)(void *data), void *data);

/* Takes grace_us, log_limit, slots, snapshot_limit, policy_memory and environment, which may change at any time: free slots are filled at
 * once, and what runs goes on where there are fewer now. */
void sweeps_change_settings(struct sweeps *sweeps, const struct sweeps_settings *settings);

/* A new sweep: checked and its source copied on the pool, then stored. Exactly one of the outcomes comes. */
struct sweeps_submission {
    cJSON *body;                         /* taken over */
    const struct store_submission *name; /* lives until an outcome comes; NULL: it has none */
    void *data;                          /* the caller's */
    /* created: `key` of the new sweep, or of the one that the same submission has made before (`repeated`). refused: `problems` (400).
     * failed: `error`. One is called, on the loop. */
    void (*created)(struct sweeps_submission *submission, int64_t key, bool repeated);
    void (*refused)(struct sweeps_submission *submission, const struct hd_problems *problems);
    void (*failed)(struct sweeps_submission *submission, const struct hd_error *error);
};
void sweeps_submit(struct sweeps *sweeps, const struct sweeps_submission *submission);

/* `answer` is called on the loop: with `error` NULL and whether it was cancelled, or with what went wrong. */
typedef void sweeps_cancel_answer(void *data, bool canceled, enum hd_status status, const struct hd_error *error);
void sweeps_cancel(struct sweeps *sweeps, int64_t sweep, sweeps_cancel_answer *answer, void *data);
void sweeps_cancel_run(struct sweeps *sweeps, int64_t run, sweeps_cancel_answer *answer, void *data);

/* Judges the reports of a run that were just stored; to be called for every report that was stored, from its `done`. `judged` is called
 * when they can be answered: at once, or when the stop of the run is stored to which they led. The report's ret_status and ret_stop_reason
 * say so then. */
typedef void sweeps_judged(struct store_report *report);
void sweeps_judge(struct sweeps *sweeps, struct store_report *report, sweeps_judged *judged);

/* Sweeps with the client launcher: a client asks for a child, and tells its end. All answers come on the loop, with `error` NULL or what
 * went wrong. */
struct sweeps_asked {
    enum { SWEEPS_ASKED_GIVEN, SWEEPS_ASKED_LATER /* none may start now */, SWEEPS_ASKED_NO_MORE } kind;
    int64_t run;
    bool repeated; /* the same question was answered with this run before */
};
typedef void sweeps_ask_answer(void *data, const struct sweeps_asked *asked, const struct hd_error *error);
struct sweeps_question {
    const char *asker; /* who asks, with a rising sequence, so that an answer that got lost is given again; NULL: not numbered */
    int64_t sequence;
    sweeps_ask_answer *answer;
    void *data;
};
void sweeps_ask(struct sweeps *sweeps, int64_t key, const struct sweeps_question *given);

/* `status` is that of the run then: Canceled when that was asked for meanwhile. */
typedef void sweeps_tell_answer(void *data, enum hd_status status, const struct hd_error *error);
void sweeps_tell_completed(struct sweeps *sweeps, int64_t run, sweeps_tell_answer *answer, void *data);
void sweeps_tell_failed(struct sweeps *sweeps, int64_t run, const char *message, sweeps_tell_answer *answer, void *data);
/* The token of one attempt of a run, as its program would have it. */
void sweeps_run_token(const struct sweeps *sweeps, const char *run_id, int attempt, char *buffer, size_t size);

/* New limits for a sweep that has not ended; what is not given stays. `answer` is called on the loop, with `error` NULL when it is stored.
 */
struct sweeps_change {
    bool has_max_total, has_max_concurrent;
    int64_t max_total;
    int64_t max_concurrent; /* 0: as many as there are free slots */
};
typedef void sweeps_change_answer(void *data, const struct hd_error *error);
void sweeps_change(struct sweeps *sweeps, int64_t key, const struct sweeps_change *wanted, sweeps_change_answer *answer, void *data);

/* Devices. They are looked for when the room is opened; what is asked before that is known waits. False when memory is short. */
bool sweeps_when_devices_known(struct sweeps *sweeps, void (*known)(void *data), void *data);
/* Ends a look that takes long: the daemon stops. */
void sweeps_stop_looking(struct sweeps *sweeps);

struct sweeps_machine {
    double slots, slots_in_use;
    double cpus, cpus_in_use; /* to be handed out: at least as many as slots */
    int64_t real_cpus;        /* that the daemon may use */
    char *const *notes;       /* sentences about what is not handed out; ends in NULL; NULL: none */
    const char *no_limits;    /* end of a sentence: why children cannot be held to limits; NULL: they can */
};
struct sweeps_device {
    const char *id;
    const char *kind;                       /* "gpu", or "cpu" for all CPUs together */
    const char *vendor, *uuid, *pci, *name; /* NULL: unknown, or there is none */
    const char *state;                      /* "active", "drained", "missing" */
    int64_t memory;                         /* bytes; 0: unknown */
    double capacity, in_use;
};
/* Strings live during the call. */
struct sweeps_device_reader {
    void (*device)(void *context, const struct sweeps_device *device);
    void (*run)(void *context, const char *run_id, const char *sweep_id, double share); /* each that holds a share of it */
    void (*end)(void *context);                                                         /* of the device */
    void *context;
};
/* Only once the devices are known. */
void sweeps_read_machine(const struct sweeps *sweeps, struct sweeps_machine *ret_machine);
void sweeps_read_devices(const struct sweeps *sweeps, const struct sweeps_device_reader *reader);
bool sweeps_read_device(const struct sweeps *sweeps, const char *id, const struct sweeps_device_reader *reader);
/* A drained device gets no new child; those that have it go on. Stored when `answer` comes without an error. */
void sweeps_set_device(struct sweeps *sweeps, const char *id, bool drained, sweeps_change_answer *answer, void *data);

/* Deletes a sweep that has ended, with its runs and all their files. `answer` comes when nobody sees it any more; its rows and files go
 * behind that, also across restarts. */
void sweeps_delete(struct sweeps *sweeps, int64_t sweep, const char *id, sweeps_change_answer *answer, void *data);

/* Absolute folder of a run: STATE/runs/<sweep>/<n/1000>/<n>. Owned by the caller; NULL when memory is short. */
char *sweeps_run_folder(const char *state_dir, const char *sweep_id, int64_t number);
/* Absolute folder in which a run finds the outputs of the run that it runs again. Owned by the caller; NULL when memory is short. */
char *sweeps_resumed_folder(const char *state_dir, const char *sweep_id, int64_t number);

#endif
