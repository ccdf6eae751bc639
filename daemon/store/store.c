/* Opening and closing of the whole store, and its readers. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "migration.h"
#include "reader.h"
#include "room.h"

/* SQLite counts its memory under one lock for the whole process: the loop's reader and the writer would wait for each other at every
 * allocation. Refused, and left as it is, when SQLite is in use already. */
static void let_memory_be(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int store_open(struct store **ret_store, uv_loop_t *loop, const struct store_settings *settings, struct hd_error *error)
{
    struct store *store = calloc(1, sizeof *store);
    int result;

    let_memory_be();
    if (store == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    store->path = strdup(settings->path);
    store->vfs = settings->vfs;
    if (store->path == NULL) {
        result = hd_error_set(error, HD_UNAVAILABLE, "out of memory");
        goto err_after_memory;
    }
    if (uv_mutex_init(&store->mutex) != 0) {
        result = hd_error_set(error, HD_UNAVAILABLE, "cannot make a mutex");
        goto err_after_memory;
    }
    result = writer_open(&store->writer, loop, settings, error);
    if (result != 0)
        goto err_after_mutex;
    result = reader_open(&store->loop_reader, store->path, store->vfs, error);
    if (result != 0) {
        /* The writer's handle leaves the loop asynchronously: the store is freed then. */
        store_close(store, NULL, NULL);
        return result;
    }
    *ret_store = store;
    return 0;
err_after_mutex:
    uv_mutex_destroy(&store->mutex);
err_after_memory:
    free(store->path);
    free(store);
    return result;
}

static void on_writer_closed(void *data)
{
    struct store *store = data;
    void (*closed)(void *) = store->closed;
    void *closed_data = store->closed_data;

    uv_mutex_destroy(&store->mutex);
    free(store->path);
    free(store);
    if (closed != NULL)
        closed(closed_data);
}

void store_close(struct store *store, void (*closed)(void *data), void *data)
{
    store->closed = closed;
    store->closed_data = data;
    store->closing = true;
    writer_finish(&store->writer);
    /* Readers close behind it, as whoever is told what became of a write may read; and before the writer, which as the last connection
     * takes the write-ahead log in. */
    reader_close(store->loop_reader);
    while (store->idle_readers != NULL) {
        struct store_reader *reader = store->idle_readers;

        store->idle_readers = reader->next;
        reader_close(reader);
    }
    writer_close(&store->writer, on_writer_closed, store);
}

int store_schema(void)
{
    return store_migration_count;
}

void store_set_queue_limit(struct store *store, int64_t bytes)
{
    uv_mutex_lock(&store->writer.mutex);
    store->writer.queue_limit = bytes;
    uv_mutex_unlock(&store->writer.mutex);
}

struct store_counters store_counters(const struct store *store)
{
    struct writer *writer = (struct writer *)&store->writer;
    struct store_counters counters;

    uv_mutex_lock(&writer->mutex);
    counters = writer->counters;
    uv_mutex_unlock(&writer->mutex);
    return counters;
}

int store_health(struct store *store, struct hd_error *error)
{
    struct writer *writer = &store->writer;

    uv_mutex_lock(&writer->mutex);
    *error = writer->trouble;
    uv_mutex_unlock(&writer->mutex);
    return -(int)error->code;
}

static void note_read(struct store *store, const struct hd_error *error)
{
    uv_mutex_lock(&store->mutex);
    store->read_trouble = *error;
    uv_mutex_unlock(&store->mutex);
}

int store_read_health(struct store *store, struct hd_error *error)
{
    *error = store->loop_reader->database.trouble;
    if (error->code == HD_NO_ERROR) {
        uv_mutex_lock(&store->mutex);
        *error = store->read_trouble;
        uv_mutex_unlock(&store->mutex);
    }
    return -(int)error->code;
}

void store_look_again(struct store *store)
{
    struct store_reader *reader;
    struct hd_error error = {0};

    if (reader_open(&reader, store->path, store->vfs, &error) == 0) {
        (void)reader_probe(reader, &error);
        reader_close(reader);
    }
    note_read(store, &error);
}

struct store_reader *store_loop_reader(struct store *store)
{
    return store->loop_reader;
}

struct store_reader *store_take_reader(struct store *store, struct hd_error *error)
{
    struct store_reader *reader;

    uv_mutex_lock(&store->mutex);
    reader = store->idle_readers;
    if (reader != NULL)
        store->idle_readers = reader->next;
    uv_mutex_unlock(&store->mutex);
    if (reader != NULL)
        return reader;
    if (reader_open(&reader, store->path, store->vfs, error) == 0)
        return reader;
    note_read(store, error);
    return NULL;
}

void store_give_reader(struct store *store, struct store_reader *reader)
{
    uv_mutex_lock(&store->mutex);
    store->read_trouble = reader->database.trouble;
    reader->next = store->idle_readers;
    store->idle_readers = reader;
    uv_mutex_unlock(&store->mutex);
}

void store_listen(struct store *store, const struct store_news *news)
{
    store->writer.news = news != NULL ? *news : (struct store_news){0};
}
