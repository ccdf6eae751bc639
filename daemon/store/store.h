/* The store: everything durable, behind named functions. The only room that speaks SQL.
 *
 * Writes are objects: fill in the inputs, call the function, and `done` is called on the loop thread when the group that the write shared
 * is committed and synced (result 0), or when it was refused or failed (negative, with `error`). One writer thread takes all that waits
 * into one transaction; a refused one leaves no trace there and harms no other. Conditions are checked in that transaction, never on the
 * loop. Writes are done in the order in which they were submitted, and `done` comes in that order. They are handed over before the loop
 * waits: submitted in one turn of it, they mostly share a commit.
 *
 * Reads take a reader: a read-only connection. The loop has one of its own for O(log n) questions; the pool takes and gives back others. */
#ifndef HYPERDRIVED_STORE_H
#define HYPERDRIVED_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/error.h"
#include "core/outcome.h"
#include "core/policy.h"
#include "core/specification.h"
#include "core/status.h"
#include "core/text.h"

struct store;
struct store_reader;

struct store_settings {
    const char *path;    /* of the database file */
    bool expected;       /* there was one: a file without our tables is refused, not filled */
    const char *vfs;     /* SQLite file system layer; NULL: the default one */
    int64_t queue_limit; /* bytes of writes that may wait */
};

int store_open(struct store **ret_store, uv_loop_t *loop, const struct store_settings *settings, struct hd_error *error);
/* Waits for all submitted writes, calls their `done`, then closes. `closed` is called when the loop has let go. */
/* Number of the newest migration, at which every open database is. */
int store_schema(void);
/* Of writes that come from now on. */
void store_set_queue_limit(struct store *store, int64_t bytes);
void store_close(struct store *store, void (*closed)(void *data), void *data);

struct store_counters {
    int64_t commits; /* groups committed and synced */
    int64_t writes;  /* writes in them */
    int64_t points;  /* metric points in them */
};
struct store_counters store_counters(const struct store *store);
/* 0, or negative with the reason why the last group could not be committed. While that is so the writer looks every second whether it
 * is over. */
int store_health(struct store *store, struct hd_error *error);
/* 0, or negative with the reason why the last read failed. Loop thread. It is over with the next read that succeeds. */
int store_read_health(struct store *store, struct hd_error *error);
/* Reads something that no connection has in memory, so that store_read_health() is about now. Pool threads. */
void store_look_again(struct store *store);

/* --- Writes ------------------------------------------------------------------------------------------------------------------------- */

struct database;
struct store_write {
    int (*execute)(struct database *database, struct store_write *write); /* writer thread; again after a rollback: it begins afresh */
    void (*done)(struct store_write *write);                              /* loop thread */
    struct store *store;
    struct store_write *next;
    int64_t bytes;                    /* that it holds while it waits */
    int result;                       /* 0: committed */
    int64_t points;                   /* points it stored */
    int64_t points_sweep, points_run; /* whose they are */
    struct hd_error error;
};

/* All of these return 0, or negative with `error` when the queue is full (HD_UNAVAILABLE): then `done` is not called. */

/* What a client calls its submission, so that one which it sends again, since the answer was lost, makes no second sweep. */
enum { STORE_SUBMISSION_DIGEST = 32 };
struct store_submission {
    const char *key;
    unsigned char digest[STORE_SUBMISSION_DIGEST]; /* of what was submitted */
};

struct store_create_sweep {
    struct store_write write;
    const char *id; /* inputs live until done */
    const struct hd_specification *specification;
    const char *config;                        /* its config, printed */
    const char *warnings;                      /* JSON array, printed */
    char *const *inherited;                    /* ids of sweeps of resume_from; ends in NULL, or NULL */
    char *const *resumed;                      /* ids of the sweeps whose children resume_child_runs names */
    const struct store_submission *submission; /* NULL: it has no name. HD_CONFLICT when another one has the same */
    bool ret_repeated;                         /* ret_key is the sweep that it made before */
    int64_t ret_key;
    int64_t ret_created_us;
};
int store_create_sweep(struct store *store, struct store_create_sweep *request, struct hd_error *error);

/* What the loop must know of a sweep after a write that touched it. */
struct store_sweep_state {
    int64_t key;
    enum hd_status status;
    enum hd_generation generation;
    int64_t generated;
    int64_t ended;      /* children in a terminal status */
    int64_t started_us; /* 0: not running yet */
    bool failed_start;  /* with this write the failure limit was reached: all live children are being cancelled */
};

/* A client's question for a child. */
struct store_ask {
    const char *asker; /* NULL: not numbered */
    int64_t sequence;
    enum {
        STORE_ASK_NOTHING,  /* no child may start now, or none is left */
        STORE_ASK_NEW,      /* ret_run */
        STORE_ASK_REPEATED, /* ret_run: the question was answered with this one before */
        STORE_ASK_OLD,      /* the asker has asked with a higher sequence since */
    } ret_answer;
    int64_t ret_run;
};

/* Draws up to `count` children, those of resume_child_runs before all others; the first `slots` of them get an intent at once (status
 * Preparing, attempt 1), the others are Queued. Fewer come when the budget, the concurrency or the space allow no more. For a sweep of
 * clients `asks` stand for the count: each gets a child, which is Running at once. */
struct store_generate {
    struct store_write write;
    int64_t sweep;
    const char *sweep_id;
    const struct hd_specification *specification;
    cJSON *const *proposals; /* taken before anything is drawn; NULL: none */
    int64_t proposal_count;
    int64_t proposals_tried;
    int64_t count;
    int64_t slots;
    const char *const *devices; /* `slots` of them: the GPUs of each child that gets an intent, JSON, NULL for none. NULL: none at all */
    struct store_ask *asks;     /* NULL: none */
    int64_t ask_count;
    struct store_generated {
        int64_t key;
        int64_t number;
        char *configuration; /* JSON, owned by the request */
        bool intended;
        int64_t started_us; /* of a client's child */
    } * ret_children;       /* owned by the request; free with store_generate_clear */
    int64_t ret_count;
    struct store_sweep_state ret_sweep;
};
int store_generate(struct store *store, struct store_generate *request, struct hd_error *error);
void store_generate_clear(struct store_generate *request);

/* Intent: the child gets a slot; it will be launched as this attempt. Refused (HD_CONFLICT) when it has ended or has an attempt. */
struct store_intend {
    struct store_write write;
    int64_t run;
    const char *devices; /* its GPUs, JSON; NULL: none. Lives until done */
    int ret_attempt;
};
int store_intend(struct store *store, struct store_intend *request, struct hd_error *error);

/* The program was executed. */
struct store_running {
    struct store_write write;
    int64_t run;
    int64_t started_us;
    int64_t monitor_pid;
    int64_t monitor_ticks;
    const char *boot_id;
    enum hd_status ret_status;
};
int store_running(struct store *store, struct store_running *request, struct hd_error *error);

/* The attempt is over and no process of it is left. With `retry` a run that failed is not Failed but Queued for its next attempt, which is
 * intended with that, unless it or its sweep is being cancelled. */
struct store_end {
    struct store_write write;
    int64_t run;
    int attempt; /* the one that is over; 0: whichever it is */
    bool retry;
    const char *devices; /* with `retry`: the GPUs of the next attempt, JSON; NULL: none. Lives until done */
    enum store_end_kind { STORE_EXITED, STORE_SIGNALED, STORE_NOT_STARTED, STORE_STOPPED_EARLY, STORE_LOST } kind;
    int exit_code;
    int signal;
    int64_t started_us; /* 0: never executed */
    int64_t ended_us;
    int64_t peak_memory;
    int64_t cpu_us;
    const char *message;     /* with STORE_NOT_STARTED: why */
    const char *last_output; /* never NULL */
    const char *memory;      /* the kernel has killed processes of it for want of memory: end of a sentence; NULL: it has not */
    enum hd_status ret_status;
    int ret_attempt; /* the next one, when the status is Queued */
    struct store_sweep_state ret_sweep;
};
int store_end(struct store *store, struct store_end *request, struct hd_error *error);

/* Cancels one child. `ret_canceled` is the answer of reference 2.2. */
struct store_cancel_run {
    struct store_write write;
    int64_t run;
    const char *kind; /* of the stop reason: "user", "trial_timeout" */
    double limit;     /* in seconds; 0: the kind has none */
    bool ret_canceled;
    enum hd_status ret_status;
    struct store_sweep_state ret_sweep;
};
int store_cancel_run(struct store *store, struct store_cancel_run *request, struct hd_error *error);

/* What a client tells of the end of its child; HD_CONFLICT when it has ended otherwise, or is no client's. A run that was to be cancelled
 * is Canceled whatever is told. */
struct store_tell {
    struct store_write write;
    int64_t run;
    enum store_told { STORE_TOLD_COMPLETED, STORE_TOLD_FAILED, STORE_TOLD_NOTHING /* in time after a cancel */ } what;
    const char *message; /* with STORE_TOLD_FAILED */
    enum hd_status ret_status;
    struct store_sweep_state ret_sweep;
};
int store_tell(struct store *store, struct store_tell *request, struct hd_error *error);

struct store_cancel_sweep {
    struct store_write write;
    int64_t sweep;
    const char *code; /* of the sweep's reason: "user", "max_duration" */
    double limit;     /* in seconds, with max_duration */
    bool ret_canceled;
    struct store_sweep_state ret_sweep;
};
int store_cancel_sweep(struct store *store, struct store_cancel_sweep *request, struct hd_error *error);

/* Changes the budget and the concurrency of a sweep that has not ended. HD_CONFLICT when it has, or when there are more children already.
 */
struct store_change_sweep {
    struct store_write write;
    int64_t sweep;
    int64_t max_total;
    int64_t max_concurrent; /* 0: as many as there are free slots */
    const char *config;     /* the specification with the new values, printed; lives until done */
    struct store_sweep_state ret_sweep;
};
int store_change_sweep(struct store *store, struct store_change_sweep *request, struct hd_error *error);

/* Hides a sweep that has ended (HD_CONFLICT if it has not, or if one that has not builds on it): no read finds it any more. Its own events
 * go with it; that it was deleted is an event that stays. */
struct store_delete_sweep {
    struct store_write write;
    int64_t sweep;
    const char *id; /* the sweep's; lives until done */
};
int store_delete_sweep(struct store *store, struct store_delete_sweep *request, struct hd_error *error);

/* Deletes some rows of a hidden sweep; to be called again until it is done. */
struct store_purge {
    struct store_write write;
    int64_t sweep;
    bool ret_done;
};
int store_purge(struct store *store, struct store_purge *request, struct hd_error *error);

/* Gives some of the pages that nobody uses any more back to the file system; to be called again until it is done. A database that was made
 * before this was possible keeps them for what comes. */
struct store_give_back {
    struct store_write write;
    bool ret_done;
};
int store_give_back(struct store *store, struct store_give_back *request, struct hd_error *error);

enum { STORE_LOGS_REMOVED = -1 };
/* The logs of a run that has ended. */
struct store_run_log {
    int64_t run, ended_us;
    int64_t bytes; /* that they take on the disk; STORE_LOGS_REMOVED: they were removed */
    int64_t number;
    char sweep_id[64];
};
/* Notes what the logs of some runs have come to. A run that is not there any more is passed over. */
struct store_note_logs {
    struct store_write write;
    const struct store_run_log *logs; /* live until done */
    int64_t count;
};
int store_note_logs(struct store *store, struct store_note_logs *request, struct hd_error *error);

/* A device gets nothing new any more, or again; with an event when that is a change. */
struct store_set_device {
    struct store_write write;
    const char *id; /* lives until done */
    bool drained;
};
int store_set_device(struct store *store, struct store_set_device *request, struct hd_error *error);

enum { STORE_TOKENS = 1000 /* at most */, STORE_TOKEN_HASH = 32 /* bytes */ };

/* A token for somebody beside the owner. HD_CONFLICT when there is one of this name, or too many. */
struct store_create_token {
    struct store_write write;
    const char *name, *role, *created_by; /* live until done */
    unsigned char hash[STORE_TOKEN_HASH]; /* of the token, which is not stored */
    int64_t ret_created_us;
};
int store_create_token(struct store *store, struct store_create_token *request, struct hd_error *error);

/* HD_NOT_FOUND when there is none of this name. */
struct store_revoke_token {
    struct store_write write;
    const char *name; /* lives until done */
};
int store_revoke_token(struct store *store, struct store_revoke_token *request, struct hd_error *error);

/* A row of the record of who asked for which change: written when the request comes (status 0), and once more with the status when it is
 * answered. All strings live until done. */
struct store_audit {
    struct store_write write;
    int64_t key;       /* above those of all rows before */
    int64_t at_us;     /* when the request came */
    int64_t oldest_us; /* with status 0: rows from before this go, a few at a time */
    const char *who, *address, *request;
    const char *target; /* NULL: none */
    int status;
    bool forget; /* the row goes instead */
};
int store_keep_audit(struct store *store, struct store_audit *request, struct hd_error *error);

/* Ends a sweep that cannot go on (its source is gone). Live children must be none. */
struct store_fail_sweep {
    struct store_write write;
    int64_t sweep;
    const char *message;
    struct store_sweep_state ret_sweep;
};
int store_fail_sweep(struct store *store, struct store_fail_sweep *request, struct hd_error *error);

/* Stored in databases: never renumber. */
enum store_point_kind {
    STORE_INTEGER = 1,
    STORE_FLOAT = 2,
    STORE_NAN = 3,
    STORE_INFINITY = 4,
    STORE_MINUS_INFINITY = 5,
    STORE_STRING = 6,
    STORE_BOOLEAN = 7,
    STORE_NULL = 8,
    STORE_ROW = 9,    /* text: JSON object, column -> scalar */
    STORE_TABLE = 10, /* text: JSON object, column -> array, all of one length */
    STORE_IMAGE = 11, /* text: path below the run folder */
};

struct store_point {
    const char *name;
    enum store_point_kind kind;
    bool listed;     /* an element of a list */
    int64_t integer; /* STORE_INTEGER, STORE_BOOLEAN */
    double number;   /* STORE_FLOAT */
    const char *text;
    bool has_step;
    int64_t step;
    int64_t at_us; /* 0: the time of the commit */
};

struct store_report {
    struct store_write write;
    const char *run_id;
    int attempt;          /* that reports; 0: whichever it is */
    const char *reporter; /* NULL: not numbered */
    int64_t sequence;
    const struct store_point *points;
    int64_t count;
    bool spooled; /* left over by a process that has ended: a run in Running is Finalizing from here on */
    int64_t ret_run, ret_sweep_key;
    int64_t ret_ordinal; /* of the last point */
    int64_t ret_accepted;
    int64_t ret_reports; /* of the primary metric, by now */
    bool ret_duplicate;
    bool ret_started; /* it overtook the Running row */
    enum hd_status ret_status;
    char *ret_stop_reason; /* JSON; NULL: go on. Owned by the request: free() */
};
int store_report(struct store *store, struct store_report *request, struct hd_error *error);

/* Stops a run in Running for what its policy has decided. Nothing is done to a run in another status, or that is being stopped. */
struct store_stop {
    struct store_write write;
    struct hd_decision decision;
    const char *metric; /* name; lives until done */
    bool ret_stopped;
    enum hd_status ret_status;
    char *ret_stop_reason; /* JSON; NULL: it goes on. Owned by the request: free() */
};
int store_stop(struct store *store, struct store_stop *request, struct hd_error *error);

/* Adds an event that a policy could not be applied to a run, for want of a metric (reference 3.4): it says what the run has logged. */
struct store_unjudged {
    struct store_write write;
    struct hd_decision decision;
    const char *metric; /* name; lives until done */
};
int store_unjudged(struct store *store, struct store_unjudged *request, struct hd_error *error);

/* Adds an event about the policy of a sweep as a whole; `message` lives until done. */
struct store_note {
    struct store_write write;
    int64_t sweep;
    bool warning;
    const char *code;
    const char *message;
};
int store_note(struct store *store, struct store_note *request, struct hd_error *error);

/* --- Reads -------------------------------------------------------------------------------------------------------------------------- */

/* The loop's own reader. */
struct store_reader *store_loop_reader(struct store *store);
/* A reader for a pool thread; NULL with `error` when none can be opened. */
struct store_reader *store_take_reader(struct store *store, struct hd_error *error);
void store_give_reader(struct store *store, struct store_reader *reader);
/* One snapshot for all reads until store_end_reads. */
int store_begin_reads(struct store_reader *reader, struct hd_error *error);
void store_end_reads(struct store_reader *reader);

/* Copies the database as it is at one moment into an empty file, which is not synced. Pool threads; it may take long. */
int store_backup(struct store_reader *reader, const char *path, struct hd_error *error);

struct store_found {
    enum { STORE_NOTHING, STORE_SWEEP, STORE_RUN } what;
    int64_t sweep; /* key of the sweep, or of the run's sweep */
    int64_t run;
    int attempt; /* of the run */
    enum hd_status status;
    int64_t generated; /* children of the sweep */
    char sweep_id[64];
};
/* Which resource has this id. 0 or negative; unknown ids are STORE_NOTHING. */
int store_find(struct store_reader *reader, const char *id, struct store_found *ret_found, struct hd_error *error);
/* The sweep that this submission made, 0 when there is none. HD_CONFLICT when another submission has its key. */
int store_find_submission(struct store_reader *reader, const struct store_submission *submission, int64_t *ret_sweep,
                          struct hd_error *error);

/* Rows: their strings live during the callback only. A callback returns 0 to go on, anything else to stop (it is returned). */
struct store_sweep {
    int64_t key;
    const char *id, *experiment, *config, *warnings, *reason;
    enum hd_status status;
    enum hd_goal goal;
    const char *metric; /* NULL: none */
    int64_t seed;
    int64_t created_us, started_us, ended_us; /* 0: not yet */
    enum hd_generation generation;
    int64_t generated;
    int64_t by_status[HD_STATUS_COUNT];
    int64_t max_total;
};
typedef int store_sweep_row(void *context, const struct store_sweep *sweep);
int store_read_sweep(struct store_reader *reader, int64_t key, store_sweep_row *row, void *context, struct hd_error *error);
/* Newest first; `experiment` NULL and `status` HD_STATUS_NONE are no filters; `before` is the key to go on below (0: from the newest). */
int store_read_sweeps(struct store_reader *reader, const char *experiment, enum hd_status status, int64_t before, int64_t limit,
                      store_sweep_row *row, void *context, struct hd_error *error);
/* Sweeps that have not ended, oldest first. */
int store_read_live_sweeps(struct store_reader *reader, store_sweep_row *row, void *context, struct hd_error *error);
/* The sweeps that a sweep inherits and that were not deleted since, in the order of resume_from. One level deep. */
int store_read_inherited(struct store_reader *reader, int64_t sweep, store_sweep_row *row, void *context, struct hd_error *error);
/* Sweeps that have ended before a time; oldest first, from the key `after` on. Looks at all sweeps. */
int store_read_old_sweeps(struct store_reader *reader, int64_t before_us, int64_t after, int64_t limit, store_sweep_row *row, void *context,
                          struct hd_error *error);
/* Hidden sweeps that are not purged yet. */
int store_read_deleting_sweeps(struct store_reader *reader, store_sweep_row *row, void *context, struct hd_error *error);

struct store_run {
    int64_t key, sweep, number;
    const char *id, *sweep_id, *configuration, *stop_reason, *error;
    enum hd_status status;
    enum hd_goal goal;
    bool has_metric;
    double best; /* the primary metric's best, when has_metric */
    int64_t reports;
    int attempt;
    int64_t created_us, started_us, ended_us; /* 0: not yet */
    bool has_exit_code, has_signal;
    int exit_code, signal;
    int64_t peak_memory, cpu_us;
    int64_t monitor_pid, monitor_ticks;
    const char *boot_id;
    const char *resumed_from; /* id of the run that this one runs again; NULL: none */
    const char *devices;      /* JSON: its GPUs; NULL: none */
    bool logs_removed;        /* by store_note_logs() */
};
typedef int store_run_row(void *context, const struct store_run *run);
int store_read_run(struct store_reader *reader, int64_t key, store_run_row *row, void *context, struct hd_error *error);
/* By ascending number, from `after` + 1 on (-1: all); `limit` 0: no limit. */
int store_read_runs(struct store_reader *reader, int64_t sweep, int64_t after, int64_t limit, store_run_row *row, void *context,
                    struct hd_error *error);
int store_read_live_runs(struct store_reader *reader, int64_t sweep, store_run_row *row, void *context, struct hd_error *error);
/* Reference 2.5; `top` 0: all. */
int store_read_sorted(struct store_reader *reader, int64_t sweep, bool reverse, bool discard_no_metric, int64_t top, store_run_row *row,
                      void *context, struct hd_error *error);
/* The sweep's own best by reference 2.4; the callback is called once or never. */
int store_read_best(struct store_reader *reader, int64_t sweep, bool include_failed, bool include_canceled, store_run_row *row,
                    void *context, struct hd_error *error);

/* Of ended runs whose logs nobody has looked at, or (`measured`) has found some of; those first that ended longest ago. The callback may
 * end the walk by a positive number. */
typedef int store_log_row(void *context, const struct store_run_log *log);
int store_read_logs(struct store_reader *reader, bool measured, int64_t limit, store_log_row *row, void *context, struct hd_error *error);
/* Bytes of all that were measured and not removed. Walks an index of them: for the pool. */
int store_read_log_bytes(struct store_reader *reader, int64_t *ret_bytes, struct hd_error *error);

/* Devices that are drained. */
typedef int store_drained_row(void *context, const char *id);
int store_read_drained(struct store_reader *reader, store_drained_row *row, void *context, struct hd_error *error);

struct store_token_key {
    char role[16];
    unsigned char hash[STORE_TOKEN_HASH];
};
/* 1: found, 0: there is none of this name, negative: failed. */
int store_find_token(struct store_reader *reader, const char *name, struct store_token_key *ret_key, struct hd_error *error);
struct store_token {
    const char *name, *role, *created_by;
    int64_t created_us;
};
/* By name. */
typedef int store_token_row(void *context, const struct store_token *token);
int store_read_tokens(struct store_reader *reader, store_token_row *row, void *context, struct hd_error *error);

/* Key of the newest row; 0: there is none. */
int store_read_newest_audit(struct store_reader *reader, int64_t *ret_key, struct hd_error *error);
struct store_audit_entry {
    int64_t key, at_us;
    const char *who, *address, *request;
    const char *target; /* NULL: none */
    int status;         /* 0: it was never answered */
};
/* Newest first; `before` is the key to go on below (0: from the newest). */
typedef int store_audit_row(void *context, const struct store_audit_entry *entry);
int store_read_audit(struct store_reader *reader, int64_t before, int64_t limit, store_audit_row *row, void *context,
                     struct hd_error *error);

/* One name of one child, and then its points; runs by ascending number, names by first report. */
struct store_series {
    int64_t run;
    const char *run_id, *name;
    bool table;
    bool listed;
    int64_t points;
};
struct store_stored_point {
    int64_t sequence;
    int64_t ordinal;
    enum store_point_kind kind;
    int64_t integer;
    double number;
    const char *text;
    bool has_step;
    int64_t step;
    int64_t at_us;
    int attempt; /* of the run, that has reported it */
};
struct store_metrics_reader {
    int (*series)(void *context, const struct store_series *series);
    int (*point)(void *context, const struct store_stored_point *point);
    void *context;
    int64_t from; /* of each series only the points from this sequence on */
};
/* Of one child (`run`), or of all children of a sweep (`run` 0). */
int store_read_metrics(struct store_reader *reader, int64_t sweep, int64_t run, const struct store_metrics_reader *callbacks,
                       struct hd_error *error);

/* The newest point of each of a run's first `names` names, if it is a number or a boolean; names by first report. */
typedef int store_newest_point(void *context, const char *name, const struct store_stored_point *point);
int store_read_newest_points(struct store_reader *reader, int64_t run, int64_t names, store_newest_point *row, void *context,
                             struct hd_error *error);

/* The reports of one run, whether it counts as such or not: points of the sweep's primary metric from a sequence on. */
typedef int store_point_row(void *context, const struct store_stored_point *point);
int store_read_reports(struct store_reader *reader, int64_t run, int64_t from, int64_t limit, store_point_row *row, void *context,
                       struct hd_error *error);
/* True for what counts as a report of a primary metric: numbers, finite or not (reference, section 1). */
bool store_is_report(enum store_point_kind kind, int64_t integer, double number, double *ret_value);

/* Stored in databases: never renumber. */
enum store_event_kind {
    STORE_EVENT_CREATED = 1,    /* a sweep was accepted */
    STORE_EVENT_SWEEP = 2,      /* a sweep's status changed */
    STORE_EVENT_GENERATED = 3,  /* children were sampled: detail {"first","count"} */
    STORE_EVENT_GENERATION = 4, /* no more will be: detail {"code"} */
    STORE_EVENT_RUN = 5,        /* a run's status changed */
    STORE_EVENT_WARNING = 6,    /* detail {"code","message"} */
    STORE_EVENT_DEVICE = 7,     /* a device was drained or put back: sweep 0, detail {"id","state"} */
    STORE_EVENT_POLICY = 8,     /* what a policy could not do, or can again: detail {"code","message"} */
    STORE_EVENT_DELETED = 9,    /* a sweep was deleted: sweep 0, but its id; detail {"id","state"} */
};
struct store_event {
    int64_t ordinal, at_us;
    enum store_event_kind kind;
    int64_t sweep;        /* key; 0: of the daemon itself */
    const char *sweep_id; /* NULL: of the daemon itself */
    int64_t run;          /* key; 0: of the sweep itself */
    const char *run_id;   /* NULL: of the sweep itself */
    enum hd_status status;
    const char *detail; /* JSON or NULL */
};
typedef int store_event_row(void *context, const struct store_event *event);
struct store_event_range {
    int64_t sweep;        /* key of the one sweep; 0: of all, and of the daemon itself */
    int64_t after, until; /* ordinals: from after + 1 on */
    int64_t limit;        /* rows to be looked at; 0: no limit */
};
/* In the order of the ordinals; those of hidden sweeps are left out. `ret_last` (may be NULL) is how far it came: the ordinal of the last
 * row within the limit, or `until` when there were no more. */
int store_read_events(struct store_reader *reader, const struct store_event_range *range, store_event_row *row, void *context,
                      int64_t *ret_last, struct hd_error *error);
/* The ordinal of the oldest event that is kept (0: there is none), and the last ordinal that was given out, to a point or an event. */
int store_read_event_bounds(struct store_reader *reader, int64_t *ret_oldest, int64_t *ret_now, struct hd_error *error);

/* --- News --------------------------------------------------------------------------------------------------------------------------- */

/* Tells on the loop what was committed. */
struct store_news {
    void (*events)(void *data);                             /* there are new events; behind the `done` of all that brought them */
    void (*points)(void *data, int64_t sweep, int64_t run); /* a run has new points; before the `done` of the write */
    void *data;
};
/* One listener; NULL: none any more. */
void store_listen(struct store *store, const struct store_news *news);

#endif
