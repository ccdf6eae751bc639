#include "writer.h"

#include <time.h>

#include "fault.h"
#include "migration.h"

/* A group is bounded so that the first of many waiters is not kept for long. */
enum { GROUP_MAX = 4096 };
/* So many are handed over before the turn ends: the thread is not to sit idle while the loop reads the requests of a hundred connections.
 */
enum { GATHER_MAX = 16 };
static const uint64_t LOOK_AGAIN_NS = 1000000000;

static const char READ_ORDINAL[] = "SELECT ordinal FROM clock";
static const char WRITE_ORDINAL[] = "UPDATE clock SET ordinal = ?1";
static const char BEGIN[] = "BEGIN IMMEDIATE";
static const char COMMIT[] = "COMMIT";
static const char ROLLBACK[] = "ROLLBACK";
static const char SAVEPOINT[] = "SAVEPOINT request";
static const char RELEASE[] = "RELEASE request";
static const char UNDO[] = "ROLLBACK TO request";

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int begin(struct database *database, struct hd_error *error)
{
    sqlite3_stmt *statement;
    int result = database_run(database, error, BEGIN, "");

    if (result != 0)
        return result;
    database->now_us = now_us();
    database->has_events = false;
    statement = database_query(database, error, READ_ORDINAL, "");
    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result != 1)
        return result < 0 ? result : hd_error_set(error, HD_INTERNAL, "the database has no clock");
    database->ordinal = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}

/* Executes one write. With `guarded` in a savepoint of its own; without, a write that fails after it has changed something says so by
 * `ret_spoiled`: then the whole group is executed again, guarded. A savepoint keeps a copy of every page that its write touches, which
 * costs a third of a report, and writes are almost never refused once they have changed something. Negative only when the transaction is
 * lost. */
static int execute(struct database *database, struct store_write *write, bool guarded, bool *ret_spoiled, struct hd_error *error)
{
    int64_t ordinal = database->ordinal, changes = sqlite3_total_changes64(database->handle);
    int result = guarded ? database_run(database, error, SAVEPOINT, "") : 0;

    if (result != 0)
        return result;
    write->points = 0;
    write->error.code = HD_NO_ERROR;
    write->result = write->execute(database, write);
    if (sqlite3_get_autocommit(database->handle)) {
        /* SQLite itself rolled everything back: a full disk, an I/O error, no memory. */
        *error = write->error;
        return write->result < 0 ? write->result : hd_error_set(error, HD_UNAVAILABLE, "the transaction was lost");
    }
    if (write->result != 0) {
        database->ordinal = ordinal;
        if (guarded)
            result = database_run(database, error, UNDO, "");
        else
            *ret_spoiled = sqlite3_total_changes64(database->handle) != changes;
    }
    return result != 0 || !guarded ? result : database_run(database, error, RELEASE, "");
}

/* Begins a transaction and executes all writes in it, or those before the one that spoiled it. */
static int execute_group(struct database *database, struct store_write *group, bool guarded, bool *ret_spoiled, struct hd_error *error)
{
    int result = begin(database, error);

    *ret_spoiled = false;
    for (struct store_write *write = group; write != NULL && result == 0 && !*ret_spoiled; write = write->next)
        result = execute(database, write, guarded, ret_spoiled, error);
    return result;
}

static int commit_group(struct database *database, struct store_write *group, struct hd_error *error)
{
    bool spoiled;
    int result = execute_group(database, group, false, &spoiled, error);

    if (result == 0 && spoiled) {
        result = database_run(database, error, ROLLBACK, "");
        if (result == 0)
            result = execute_group(database, group, true, &spoiled, error);
    }
    if (result == 0)
        result = database_run(database, error, WRITE_ORDINAL, "i", database->ordinal);
    if (result == 0 && group != NULL)
        fault_point("before_commit");
    if (result == 0)
        result = database_run(database, error, COMMIT, "");
    if (result == 0 && group != NULL)
        fault_point("after_commit");
    if (result != 0 && !sqlite3_get_autocommit(database->handle)) {
        struct hd_error ignored = {0}; /* the first failure is the one to tell */

        (void)database_run(database, &ignored, ROLLBACK, "");
    }
    return result;
}

/* Takes at most GROUP_MAX writes off the queue; the mutex is held. */
static struct store_write *take_group(struct writer *writer, struct store_write **ret_last)
{
    struct store_write *first = writer->waiting, *last = first;
    int64_t bytes = last->bytes;

    for (int count = 1; last->next != NULL && count < GROUP_MAX; count++) {
        last = last->next;
        bytes += last->bytes;
    }
    atomic_fetch_sub(&writer->waiting_bytes, bytes);
    writer->waiting = last->next;
    if (writer->waiting == NULL)
        writer->waiting_tail = &writer->waiting;
    last->next = NULL;
    *ret_last = last;
    return first;
}

/* Waits for writes; while the last group failed, at most until it is time to look whether an empty one succeeds. */
static void await_writes(struct writer *writer)
{
    while (writer->waiting == NULL && !writer->closing) {
        if (writer->trouble.code == HD_NO_ERROR)
            uv_cond_wait(&writer->wake, &writer->mutex);
        else if (uv_cond_timedwait(&writer->wake, &writer->mutex, LOOK_AGAIN_NS) == UV_ETIMEDOUT)
            return;
    }
}

static void work(void *data)
{
    struct writer *writer = data;

    uv_mutex_lock(&writer->mutex);
    for (;;) {
        struct store_write *group = NULL, *last = NULL;
        struct store_counters done = {0};
        struct hd_error error = {0};
        int result;

        await_writes(writer);
        if (writer->waiting == NULL && writer->closing)
            break;
        if (writer->waiting != NULL) {
            group = take_group(writer, &last);
            done.commits = 1;
        }
        uv_mutex_unlock(&writer->mutex);

        result = files_check(&writer->files, &error);
        if (result == 0)
            result = commit_group(&writer->database, group, &error);
        for (struct store_write *write = group; write != NULL; write = write->next) {
            if (result != 0) {
                write->result = result;
                write->error = error;
            }
            done.writes++;
            done.points += write->points;
        }

        uv_mutex_lock(&writer->mutex);
        if (result == 0) {
            writer->has_events |= writer->database.has_events;
            writer->counters.commits += done.commits;
            writer->counters.writes += done.writes;
            writer->counters.points += done.points;
        }
        writer->trouble = error;
        if (group == NULL)
            continue;
        *writer->finished_tail = group;
        writer->finished_tail = &last->next;
        (void)uv_async_send(&writer->notice);
    }
    uv_mutex_unlock(&writer->mutex);
}

static void deliver(struct writer *writer)
{
    struct store_write *write;
    bool has_events;

    uv_mutex_lock(&writer->mutex);
    write = writer->finished;
    writer->finished = NULL;
    writer->finished_tail = &writer->finished;
    has_events = writer->has_events;
    writer->has_events = false;
    uv_mutex_unlock(&writer->mutex);
    while (write != NULL) {
        struct store_write *next = write->next;

        if (write->result == 0 && write->points > 0 && writer->news.points != NULL)
            writer->news.points(writer->news.data, write->points_sweep, write->points_run);
        write->done(write); /* which may free it */
        write = next;
    }
    if (has_events && writer->news.events != NULL)
        writer->news.events(writer->news.data);
}

static void on_notice(uv_async_t *notice)
{
    deliver(notice->data);
}

/* Hands over what was gathered. */
static void hand_over(struct writer *writer)
{
    if (writer->gathered == NULL)
        return;
    uv_mutex_lock(&writer->mutex);
    *writer->waiting_tail = writer->gathered;
    writer->waiting_tail = writer->gathered_tail;
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->mutex);
    writer->gathered = NULL;
    writer->gathered_tail = &writer->gathered;
    writer->gathered_count = 0;
}

static void on_turn(uv_prepare_t *turn)
{
    hand_over(turn->data);
}

int writer_open(struct writer *writer, uv_loop_t *loop, const struct store_settings *settings, struct hd_error *error)
{
    int result = database_open(&writer->database, settings->path, settings->vfs, DATABASE_WRITER, error);

    if (result != 0)
        return result;
    result = migration_apply(&writer->database, settings->expected, error);
    if (result != 0)
        goto err_after_database;
    files_note(&writer->files, &writer->database);
    writer->gathered_tail = &writer->gathered;
    writer->waiting_tail = &writer->waiting;
    writer->finished_tail = &writer->finished;
    writer->queue_limit = settings->queue_limit;
    if (uv_mutex_init(&writer->mutex) != 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "cannot make a mutex");
        goto err_after_database;
    }
    if (uv_cond_init(&writer->wake) != 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "cannot make a condition variable");
        goto err_after_mutex;
    }
    if (uv_thread_create(&writer->thread, work, writer) != 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "cannot start the writer thread");
        goto err_after_condition;
    }
    /* The thread sleeps until the first write, so the notice may be made last: from here on nothing can fail and leave a handle behind. */
    if (uv_async_init(loop, &writer->notice, on_notice) != 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "cannot make a notice for the loop");
        goto err_after_thread;
    }
    /* Neither fails: they only refuse a missing callback. It must not keep the loop alive. */
    uv_prepare_init(loop, &writer->turn);
    uv_prepare_start(&writer->turn, on_turn);
    uv_unref((uv_handle_t *)&writer->turn);
    writer->notice.data = writer->turn.data = writer;
    writer->handles = 2;
    return 0;
err_after_thread:
    uv_mutex_lock(&writer->mutex);
    writer->closing = true;
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->mutex);
    uv_thread_join(&writer->thread);
err_after_condition:
    uv_cond_destroy(&writer->wake);
err_after_mutex:
    uv_mutex_destroy(&writer->mutex);
err_after_database:
    database_close(&writer->database);
    return result;
}

int writer_submit(struct writer *writer, struct store_write *write, struct hd_error *error)
{
    int64_t waiting = atomic_load(&writer->waiting_bytes);

    if (writer->closing)
        return hd_error_set(error, HD_UNAVAILABLE, "the daemon is stopping");
    if (waiting > 0 && waiting + write->bytes > writer->queue_limit)
        return hd_error_set(error, HD_UNAVAILABLE, "too many writes wait for the disk; try again in a moment");
    write->next = NULL;
    *writer->gathered_tail = write;
    writer->gathered_tail = &write->next;
    atomic_fetch_add(&writer->waiting_bytes, write->bytes);
    if (++writer->gathered_count == GATHER_MAX)
        hand_over(writer);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct writer *writer = handle->data;

    if (--writer->handles == 0 && writer->closed != NULL)
        writer->closed(writer->closed_data);
}

void writer_finish(struct writer *writer)
{
    hand_over(writer);
    uv_mutex_lock(&writer->mutex);
    writer->closing = true;
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->mutex);
    uv_thread_join(&writer->thread);
    deliver(writer);
}

void writer_close(struct writer *writer, void (*closed)(void *data), void *data)
{
    uv_cond_destroy(&writer->wake);
    uv_mutex_destroy(&writer->mutex);
    database_close(&writer->database);
    writer->closed = closed;
    writer->closed_data = data;
    uv_close((uv_handle_t *)&writer->turn, on_closed);
    uv_close((uv_handle_t *)&writer->notice, on_closed);
}
