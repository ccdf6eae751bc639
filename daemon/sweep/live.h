/* The live state that the files of the sweep room share. Internal to it. */
#ifndef HYPERDRIVED_LIVE_H
#define HYPERDRIVED_LIVE_H

#include <stdatomic.h>

#include "allocation.h"
#include "core/specification.h"
#include "deadline.h"
#include "devices.h"
#include "lane.h"
#include "launch/launch.h"
#include "sweep.h"

struct device_waiter;
struct hd_strings;
struct running;
struct ending;
struct spool;
struct judge;
struct proposer;

struct live_run {
    struct live_sweep *sweep;
    struct live_run *next, **link; /* in the sweep's list, by creation */
    int64_t key, number;
    char id[96];
    char *configuration;                           /* owned JSON; NULL once launched */
    int attempt;                                   /* 0: waits for a slot */
    struct grant *grant;                           /* its slot and devices; NULL: none */
    struct live_run *waiting_next, **waiting_link; /* in the list of those that wait for a slot; link NULL: it is not there */
    struct live_run **intending;                   /* where the intent under way keeps it; NULL: none is */
    bool stopping;                                 /* its end is wanted */
    bool writing_end;                              /* its end is being committed */
    struct launch_child *child;
    struct deadline timeout; /* trial_timeout; after a failure: when to try again */
    struct running *start; /* memory for telling the store that it runs; while that cannot be committed, what is tried again; children.c */
    struct spool *spool;   /* what it could not report is being taken in; spool.c */
    struct ending *end;    /* the end that is to be committed; children.c */
    int64_t started_us;
};

struct live_sweep {
    struct sweeps *sweeps;
    struct live_sweep *next, **link; /* oldest first */
    int64_t key;
    char id[64];
    struct hd_specification specification;
    enum hd_status status;
    enum hd_generation generation;
    int64_t generated;
    int64_t live;        /* children not ended, those whose end is being committed left out */
    int64_t slots;       /* children that have one, or will have it by the generation under way */
    int64_t passed_over; /* the last round of the scheduler in which nothing was free that fits */
    struct live_run *runs, **runs_tail;
    struct live_run *waiting, **waiting_tail;     /* children that wait for a slot, oldest first */
    bool generating;                              /* a generation command is in flight */
    bool resting;                                 /* the last generation gave nothing: wait for a child's end */
    bool told_of_waiting;                         /* its log says that children wait for space, or processes; until one of them runs */
    int writes;                                   /* in flight that point here */
    struct question *questions, **questions_tail; /* of clients, that wait for a child; client.c */
    struct launch_ahead *ahead;                   /* folders prepared for children to come; NULL: none; folders.c */
    struct deadline duration;                     /* max_duration */
    struct deadline retry;                        /* after a failed generation */
    struct judge *judge;                          /* NULL: no policy */
    struct proposer *proposer;                    /* of a sampling that learns; NULL: nothing was proposed yet; proposals.c */
};

struct sweeps {
    uv_loop_t *loop;
    struct store *store;
    struct launch *launch;
    struct deadlines deadlines;
    struct sweeps_settings settings;
    struct live_sweep *first, **tail;
    struct allocation allocation;
    struct live_sweep *kept_for; /* what is free of what its next child needs is kept for it; NULL: nothing is kept */
    int64_t round;               /* of the scheduler */
    bool devices_known;          /* before that no child is given anything */
    atomic_bool stop_looking;
    struct deadline look_again;
    struct device_waiter *device_waiters;
    struct hd_strings device_notes;
    struct judge *judges; /* of the sweeps that have a policy */
    struct hd_memory policy_memory;
    atomic_bool judges_stop;         /* the pool is to leave off playing logs */
    int64_t adopted;                 /* children of earlier daemons at the start */
    int submissions;                 /* and looks for devices: under way on the pool or in the store */
    struct lane snapshots, removals; /* submissions with what they copy; folders of sweeps that go */
    bool closing;
    bool quiet;                /* closing, and launcher and deadlines are gone */
    bool ending;               /* children are being ended, nothing is started */
    struct deadline end_again; /* a cancel of those could not be stored */
    void (*ended)(void *data);
    void *ended_data;
    void (*closed)(void *data);
    void *closed_data;
};

/* sweeps.c: tells `closed` when the pool has let go too. */
void close_when_quiet(struct sweeps *sweeps);

/* live.c */
/* Takes over `specification`, unless memory is short: then NULL. What a commit brings to life is made before it. */
struct live_sweep *live_sweep_new(struct sweeps *sweeps, const char *id, struct hd_specification *specification);
void live_sweep_add(struct live_sweep *sweep, int64_t key);
struct live_sweep *live_sweep_find(struct sweeps *sweeps, int64_t key);
/* Frees the sweep when it has ended and nothing points to it any more. */
void live_sweep_release(struct live_sweep *sweep);
void live_sweep_free(struct live_sweep *sweep);
/* NULL when memory is short. free() while it is not added. */
struct live_run *live_run_new(void);
/* Takes over `configuration`. */
void live_run_add(struct live_run *run, struct live_sweep *sweep, int64_t key, int64_t number, char *configuration);
/* The run waits for a slot, behind all others or before them; it does not any more (maybe it did not). */
void live_run_wait(struct live_run *run);
void live_run_wait_first(struct live_run *run);
void live_run_wait_no_more(struct live_run *run);
struct live_run *live_run_find(struct sweeps *sweeps, int64_t key);
void live_run_free(struct live_run *run);

/* schedule.c: gives free slots to sweeps that want them. */
void schedule(struct sweeps *sweeps);
/* Leaves the sweep alone for a second. */
void schedule_rest(struct live_sweep *sweep);
void slot_take(struct live_run *run, struct grant *grant);
void slot_release(struct live_run *run);

/* note.c: a line for the log of the sweep and that of the daemon. */
void sweep_note(struct live_sweep *sweep, bool warning, const char *code, const char *message);

/* control.c: what commits come back with. */
void control_apply(struct live_sweep *sweep, const struct store_sweep_state *state);
/* The end of a run was stored: all that follows for its sweep. Neither is there afterwards, for all the caller knows. */
void control_run_ended(struct live_run *run, const struct store_sweep_state *state);
void control_watch_duration(struct live_sweep *sweep, int64_t started_us);
void control_watch_timeout(struct live_run *run);
void control_stop_run(struct live_run *run);
void control_check_ended(struct sweeps *sweeps);
/* cancel.c */
void cancel_sweep(struct sweeps *sweeps, int64_t key, const char *code, double limit, sweeps_cancel_answer *answer, void *data);
void cancel_run(struct sweeps *sweeps, int64_t key, const char *kind, double limit, sweeps_cancel_answer *answer, void *data);

/* children.c: between launcher and store. */
extern const struct launch_events children_events;
void children_launch(struct live_run *run); /* without memory again in a second */
void children_launch_again(struct live_run *run);
void children_adopt(struct live_run *run, const struct launch_identity *identity);
void children_free_start(struct live_run *run);
void children_free_end(struct live_run *run);
/* Commits run->end; when that fails, again after a second. */
void children_write_end(struct live_run *run);
/* Of a run whose end is being committed: will it be Failed? */
bool children_end_failed(const struct live_run *run);

/* client.c: sweeps whose children are run by clients. */
struct client_batch {
    struct store_ask *asks; /* owned */
    int64_t count;
    struct question *first;
};
bool client_is_launcher(const struct live_sweep *sweep);
/* How many questions wait, `most` at most. */
int64_t client_count_questions(const struct live_sweep *sweep, int64_t most);
/* Takes the questions that wait, for one command. False when memory is short. */
bool client_take_questions(struct live_sweep *sweep, int64_t most, struct client_batch *ret_batch);
/* Answers all that wait. */
void client_refuse_waiting(struct live_sweep *sweep, const struct hd_error *error);
/* Answers them when the command has come back, and empties the batch. */
void client_settle(struct live_sweep *sweep, struct client_batch *batch, const struct hd_error *error);
void client_take_child(struct live_run *run, int64_t started_us);
void client_recover(struct live_run *run);
/* A cancel was stored: waits for the client to tell the end, but not for long. */
void client_stop(struct live_run *run);
void client_give_up(struct live_run *run);

/* resumed.c: the outputs of the run that this one runs again; *ret_folder stays NULL if it is none of those, and is the caller's. 0 or
 * negative. */
int resumed_outputs(const struct live_run *run, char **ret_folder);

/* spool.c: takes in what the run has left in its spool, then calls `finished`. 0, or -1 when memory is short. */
int spool_take_in(struct live_run *run, const char *run_folder, void (*finished)(struct live_run *run));
void spool_go_on(struct live_run *run); /* again, after a failure */
void spool_free(struct live_run *run);

/* judge.c: early termination. */
void judge_run_ended(struct live_sweep *sweep, int64_t run);
/* judge_play.c: for a sweep with a policy. NULL when memory is short. */
struct judge *judge_new(struct live_sweep *sweep);
/* `fresh` when no report can be in the store; else the log is played first, by judges_play(). */
void judge_open(struct live_sweep *sweep, bool fresh);
void judge_close(struct live_sweep *sweep);
void judges_play(struct sweeps *sweeps);
void judges_change_memory(struct sweeps *sweeps, int64_t limit);

/* folders.c */
#define FOLDERS_AHEAD "ahead" /* folder in the state folder */
int folders_output_names(const struct hd_specification *specification, struct hd_strings *names);
/* Path of the sweep's snapshot, owned by the caller; NULL: it has none. 0, or negative when memory is short. */
int folders_snapshot(const struct live_sweep *sweep, char **ret_path);
/* A child runs now: prepares folders for those that come next. */
void folders_prepare(struct live_sweep *sweep);
/* Removes what was prepared, unless the sweep will need it. */
void folders_settle(struct live_sweep *sweep);
void folders_forget(struct live_sweep *sweep);

/* leftovers.c: at start, removes snapshots that no stored sweep has, on the pool. */
void leftovers_remove(struct sweeps *sweeps);

/* delete.c: at start, takes up deletions that a stop cut off. */
int delete_take_up(struct sweeps *sweeps, struct hd_error *error);

/* recover.c: at start. */
int recover(struct sweeps *sweeps, struct hd_error *error);

#endif
