/* One SQLite connection with its prepared statements, and every step on it checked. Internal to the store. */
#ifndef HYPERDRIVED_STORE_DATABASE_H
#define HYPERDRIVED_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

struct database {
    sqlite3 *handle;
    struct database_statement {
        const char *sql; /* address of the constant, which is the key */
        sqlite3_stmt *handle;
    } * statements; /* open addressing, a power of two */
    size_t capacity;
    size_t count;
    int64_t now_us;          /* of the transaction under way */
    int64_t ordinal;         /* the last one given out in it */
    bool has_events;         /* some were added in it */
    struct hd_error trouble; /* why the last step failed; no error: it did not */
};

enum database_mode { DATABASE_WRITER, DATABASE_READER };

int database_open(struct database *database, const char *path, const char *vfs, enum database_mode mode, struct hd_error *error);
void database_close(struct database *database);

/* Runs statements that give no rows and take no parameters; not cached. */
int database_execute(struct database *database, const char *sql, struct hd_error *error);

/* Prepares (once) and binds. `types` has a letter per parameter: i int64_t, d double, t const char * (NULL becomes null), b const void *
 * and int length, n null without an argument. NULL on failure. Reset it with database_reset when done. Text and blobs are not copied: they
 * must live until then. */
sqlite3_stmt *database_query(struct database *database, struct hd_error *error, const char *sql, const char *types, ...);
/* 1: a row, 0: no more (the statement is reset), negative: failed (reset too). */
int database_step(struct database *database, sqlite3_stmt *statement, struct hd_error *error);
void database_reset(sqlite3_stmt *statement);
/* Query, step to the end, reset: 0 or negative. */
int database_run(struct database *database, struct hd_error *error, const char *sql, const char *types, ...);

/* Turns the connection's last failure into an error; returns its negative code. */
int database_failed(struct database *database, struct hd_error *error);

/* Text of a column, never NULL: "" for null. */
const char *database_text(sqlite3_stmt *statement, int column);
/* Text of a column, NULL for null. */
const char *database_text_or_null(sqlite3_stmt *statement, int column);

#endif
