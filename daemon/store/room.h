/* What the files of the store share: its parts, and the steps that several writes are made of. Internal to the store. */
#ifndef HYPERDRIVED_STORE_ROOM_H
#define HYPERDRIVED_STORE_ROOM_H

#include <cjson/cJSON.h>

#include "store.h"
#include "writer.h"

struct store {
    struct writer writer;
    struct store_reader *loop_reader;
    uv_mutex_t mutex; /* guards the next two */
    struct store_reader *idle_readers;
    struct hd_error read_trouble; /* why the last read on the pool failed; no error: it did not */
    char *path;
    const char *vfs;
    bool closing;
    void (*closed)(void *data);
    void *closed_data;
};

/* Sets up a write and queues it. `bytes` is what it holds besides its own struct. */
int store_submit(struct store *store, struct store_write *write, int (*execute)(struct database *, struct store_write *), int64_t bytes,
                 struct hd_error *error);

/* The key of a metric name, made if it is new; negative on failure. */
int64_t store_name_key(struct database *database, const char *text, struct hd_error *error);

/* Appends an event with the next ordinal. `run` 0: of the sweep itself. */
int store_add_event(struct database *database, int64_t sweep, int64_t run, enum store_event_kind kind, enum hd_status status,
                    const char *detail, struct hd_error *error);
/* The same at an ordinal that was taken before. */
int store_add_event_at(struct database *database, int64_t ordinal, int64_t sweep, int64_t run, enum store_event_kind kind,
                       enum hd_status status, const char *detail, struct hd_error *error);

/* --- A run's row in a transaction --- */
struct run_row {
    int64_t key, sweep, number;
    enum hd_status status;
    int attempt;
    int64_t reports;
    int64_t started_us;
    char *stop_reason; /* owned; NULL: none */
};
/* The row on which a statement stands whose first columns are RUN_COLUMNS. */
#define RUN_COLUMNS "run.run, run.sweep, run.number, run.status, run.attempt, run.reports, run.started_us, run.stop_reason"
enum { RUN_COLUMN_COUNT = 8 };
int run_read(sqlite3_stmt *statement, struct run_row *ret_row, struct hd_error *error);
/* 0, or negative: HD_NOT_FOUND when there is none. */
int run_load(struct database *database, int64_t key, struct run_row *ret_row, struct hd_error *error);
void run_clear(struct run_row *row);
/* Moves the run along the table of legal moves, adjusts the sweep's counts and adds the event. */
int run_move(struct database *database, struct run_row *row, enum hd_status to, const char *detail, struct hd_error *error);
/* Writes the reason of a stop, if the run has none yet. `limit`: of a kind that has one, in seconds, or the number
 * of failures; 0: none. */
int run_set_stop_reason(struct database *database, struct run_row *row, const char *kind, double limit, struct hd_error *error);
/* What a cancel does to a live run: without an attempt it is Canceled, Running it becomes CancelRequested, while it is being launched the
 * reason is noted and takes effect when its launch is known. */
int run_cancel(struct database *database, struct run_row *row, const char *kind, double limit, struct hd_error *error);

/* Makes a run whose attempt failed Queued for its next one, which is intended with that; write_retry.c. */
int run_retry(struct database *database, struct run_row *row, const char *failure_json, const char *devices, struct hd_error *error);

/* --- A sweep's row in a transaction --- */
struct sweep_row {
    int64_t key;
    enum hd_status status;
    enum hd_generation generation;
    int64_t generated, draws, scan;
    int64_t max_total, max_concurrent;
    int64_t completed, failed, canceled, canceled_well, canceled_user;
    struct hd_failure_watch watch;
    int64_t started_us;
    int64_t metric; /* key of its name; 0: none */
    bool metric_warned;
};
int sweep_load(struct database *database, int64_t key, struct sweep_row *ret_row, struct hd_error *error);
int sweep_move(struct database *database, struct sweep_row *row, enum hd_status to, const char *code, const char *message,
               struct hd_error *error);
int sweep_stop_generation(struct database *database, struct sweep_row *row, enum hd_generation generation, struct hd_error *error);
/* Takes a generation up again that had ended for want of budget. */
int sweep_resume_generation(struct database *database, struct sweep_row *row, struct hd_error *error);
/* Cancels every live run of the sweep. */
int sweep_cancel_runs(struct database *database, int64_t sweep, const char *kind, double limit, struct hd_error *error);
/* Ends the sweep if its children's ends say so. */
int sweep_settle(struct database *database, struct sweep_row *row, struct hd_error *error);
/* What the end of `run` (just moved to a terminal status) means for its sweep: failure limit, warning, end. Fills the state to tell. */
int sweep_run_ended(struct database *database, const struct run_row *run, bool lost, struct store_sweep_state *ret_state,
                    struct hd_error *error);
void sweep_state(const struct sweep_row *row, struct store_sweep_state *ret_state);

/* The sweep of a submission, 0 when there is none yet; submission.c. HD_CONFLICT when another submission has its key. */
int submission_find(struct database *database, const struct store_submission *submission, int64_t *ret_sweep, struct hd_error *error);

/* --- Questions of clients; write_ask.c --- */
/* Finds out which of them were asked before; request->count becomes the number of children that the others want. */
int asks_find(struct database *database, struct store_generate *request);
/* Gives the generated children to them. */
int asks_answer(struct database *database, struct store_generate *request);

/* --- What a sweep builds on; write_earlier.c --- */
enum earlier_kind { EARLIER_INHERITED = 1, EARLIER_RESUMED = 2 }; /* stored in databases: never renumber */

/* `ids` of sweeps, ends in NULL; or NULL. HD_INVALID when one of them is gone. */
int earlier_add(struct database *database, int64_t sweep, enum earlier_kind kind, char *const *ids, struct hd_error *error);
/* HD_CONFLICT when a sweep that has not ended builds on this one. */
int earlier_check_unneeded(struct database *database, int64_t sweep, struct hd_error *error);
int earlier_forget(struct database *database, int64_t sweep, struct hd_error *error);
/* The configuration of a run that is to be run again; the caller frees it. */
int earlier_configuration(struct database *database, const char *run_id, cJSON **ret_configuration, struct hd_error *error);

#endif
