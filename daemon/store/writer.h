/* The writer thread: takes all writes that wait into one transaction and tells the loop when it is synced. Internal to the store.
 *
 * What is submitted in one turn of the loop is handed over together before the loop waits: so an end and what follows from it share a
 * commit, as do the reports that came at once, and the thread is woken once. */
#ifndef HYPERDRIVED_STORE_WRITER_H
#define HYPERDRIVED_STORE_WRITER_H

#include <stdatomic.h>
#include <uv.h>

#include "database.h"
#include "files.h"
#include "store.h"

struct writer {
    struct database database; /* the writer thread's alone once it runs */
    struct files files;       /* of it; never changes */
    uv_thread_t thread;
    struct store_write *gathered, **gathered_tail; /* in this turn; the loop's alone */
    int gathered_count;
    uv_prepare_t turn;
    atomic_llong waiting_bytes; /* gathered ones included */
    uv_mutex_t mutex;           /* guards what follows */
    uv_cond_t wake;
    struct store_write *waiting, **waiting_tail;
    struct store_write *finished, **finished_tail;
    bool closing;            /* set by the loop */
    bool has_events;         /* the finished writes brought some */
    struct hd_error trouble; /* why the last group failed; no error: it did not */
    struct store_counters counters;
    int64_t queue_limit;
    uv_async_t notice;      /* finished is not empty */
    int handles;            /* of libuv, that are open */
    struct store_news news; /* the loop's */
    void (*closed)(void *data);
    void *closed_data;
};

int writer_open(struct writer *writer, uv_loop_t *loop, const struct store_settings *settings, struct hd_error *error);
int writer_submit(struct writer *writer, struct store_write *write, struct hd_error *error);
/* Does all writes that wait and calls their `done`; none is taken from then on. */
void writer_finish(struct writer *writer);
/* After writer_finish(). */
void writer_close(struct writer *writer, void (*closed)(void *data), void *data);

#endif
