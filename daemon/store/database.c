#include "database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Readers never wait for the writer in WAL mode; this is for other programs (a backup, the sqlite3 shell). */
enum { BUSY_TIMEOUT_MS = 10000, FIRST_CAPACITY = 64 };

static int storage_failed(struct database *database, int code, struct hd_error *error)
{
    /* SQLite keeps it for most failures, but not for those of a commit (seen in 3.40.1); 0: not known. */
    int kept = sqlite3_system_errno(database->handle), number = kept != 0 ? kept : errno;
    const char *reason = number != 0 ? strerror(number) : sqlite3_errmsg(database->handle);

    switch (code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_FSTAT:
        return hd_error_set(error, HD_UNAVAILABLE, "the database does not answer: %s (%d)", reason, code);
    default:
        if (number == ENOSPC || number == EDQUOT)
            return hd_error_set(error, HD_STORAGE_FULL, "the database cannot be written: the disk is full");
        if (number == EROFS)
            return hd_error_set(error, HD_UNAVAILABLE, "the database cannot be written: its file system may only be read");
        return hd_error_set(error, HD_UNAVAILABLE, "the database cannot be written: %s (%d)", reason, code);
    }
}

static int tell_failure(struct database *database, struct hd_error *error)
{
    int code = sqlite3_extended_errcode(database->handle);
    const char *reason = sqlite3_errmsg(database->handle);

    switch (code & 0xff) {
    case SQLITE_FULL:
        return hd_error_set(error, HD_STORAGE_FULL, "the database cannot be written: the disk is full");
    case SQLITE_READONLY:
        return hd_error_set(error, HD_UNAVAILABLE, "the database cannot be written: it is read-only");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        /* SQLite tells a page that the disk could not read (EIO) as a damaged one. */
        return hd_error_set(error, HD_UNAVAILABLE, "the database is damaged, or its disk cannot be read: %s", reason);
    case SQLITE_IOERR:
        return storage_failed(database, code, error);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
        return hd_error_set(error, HD_UNAVAILABLE, "the database does not answer: %s (%d)", reason, code);
    default:
        return hd_error_set(error, HD_INTERNAL, "database: %s (%d)", reason, code);
    }
}

static int tell_no_memory(struct database *database, struct hd_error *error)
{
    int result = hd_error_set(&database->trouble, HD_UNAVAILABLE, "the database does not answer: out of memory");

    if (error != NULL)
        *error = database->trouble;
    return result;
}

int database_failed(struct database *database, struct hd_error *error)
{
    int result = tell_failure(database, &database->trouble);

    if (error != NULL)
        *error = database->trouble;
    return result;
}

static const char WRITER_SETUP[] = "PRAGMA synchronous = FULL;"
                                   "PRAGMA foreign_keys = OFF;"
                                   "PRAGMA journal_size_limit = 16777216;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -16384;";
static const char READER_SETUP[] = "PRAGMA query_only = ON;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -4096;";

/* SQLite may put a text together only when it is asked for, and has no way then to tell that there was no memory: it is asked here. */
static bool has_its_texts(sqlite3_stmt *statement)
{
    int count = sqlite3_data_count(statement);

    for (int column = 0; column < count; column++)
        if (sqlite3_column_type(statement, column) == SQLITE_TEXT && sqlite3_column_text(statement, column) == NULL)
            return false;
    return true;
}

/* Where the file system cannot share memory SQLite stays with another mode, in which readers wait, and says so only in its answer. */
static int use_write_ahead_log(struct database *database, struct hd_error *error)
{
    sqlite3_stmt *statement;
    int result;

    /* Before the first page is written; it does nothing to a database that is there. */
    result = database_execute(database, "PRAGMA auto_vacuum = INCREMENTAL", error);
    if (result != 0)
        return result;
    if (sqlite3_prepare_v2(database->handle, "PRAGMA journal_mode = WAL", -1, &statement, NULL) != SQLITE_OK)
        return database_failed(database, error);
    if (sqlite3_step(statement) != SQLITE_ROW)
        result = database_failed(database, error);
    else if (!has_its_texts(statement))
        result = tell_no_memory(database, error);
    else if (strcmp(database_text(statement, 0), "wal") != 0)
        result = hd_error_set(error, HD_UNAVAILABLE, "its file system has no shared memory for a write-ahead log: it must be a local one");
    sqlite3_finalize(statement);
    return result;
}

int database_open(struct database *database, const char *path, const char *vfs, enum database_mode mode, struct hd_error *error)
{
    int flags = SQLITE_OPEN_NOMUTEX | (mode == DATABASE_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    int result;

    memset(database, 0, sizeof *database);
    database->capacity = FIRST_CAPACITY;
    database->statements = calloc(database->capacity, sizeof *database->statements);
    if (database->statements == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "open %s: out of memory", path);
    if (sqlite3_open_v2(path, &database->handle, flags, vfs) != SQLITE_OK) {
        result = database->handle != NULL ? database_failed(database, error) : hd_error_set(error, HD_UNAVAILABLE, "out of memory");
        goto failed;
    }
    /* SQLite opens a file that it may not write for reading only, and would tell at the first write. */
    if (mode == DATABASE_WRITER && sqlite3_db_readonly(database->handle, "main") == 1) {
        result = hd_error_set(error, HD_UNAVAILABLE, "the database is read-only: give it to the user that runs the daemon");
        goto failed;
    }
    sqlite3_extended_result_codes(database->handle, 1);
    sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    result = mode == DATABASE_WRITER ? use_write_ahead_log(database, error) : 0;
    if (result == 0)
        result = database_execute(database, mode == DATABASE_WRITER ? WRITER_SETUP : READER_SETUP, error);
    if (result != 0)
        goto failed;
    return 0;
failed:
    database_close(database);
    hd_error_wrap(error, "open %s", path);
    return result;
}

void database_close(struct database *database)
{
    for (size_t i = 0; i < database->capacity && database->statements != NULL; i++)
        sqlite3_finalize(database->statements[i].handle);
    free(database->statements);
    sqlite3_close(database->handle);
    memset(database, 0, sizeof *database);
}

int database_execute(struct database *database, const char *sql, struct hd_error *error)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_failed(database, error);
    return 0;
}

/* The place of this constant's statement, or the free place where it belongs. */
static struct database_statement *find_statement(struct database_statement *statements, size_t capacity, const char *sql)
{
    size_t place = ((uintptr_t)sql >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32;

    for (;; place++) {
        struct database_statement *statement = &statements[place & (capacity - 1)];

        if (statement->sql == sql || statement->sql == NULL)
            return statement;
    }
}

static int grow(struct database *database, struct hd_error *error)
{
    size_t capacity = database->capacity * 2;
    struct database_statement *statements = calloc(capacity, sizeof *statements);

    if (statements == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    for (size_t i = 0; i < database->capacity; i++)
        if (database->statements[i].sql != NULL)
            *find_statement(statements, capacity, database->statements[i].sql) = database->statements[i];
    free(database->statements);
    database->statements = statements;
    database->capacity = capacity;
    return 0;
}

static sqlite3_stmt *prepared(struct database *database, const char *sql, struct hd_error *error)
{
    struct database_statement *statement = find_statement(database->statements, database->capacity, sql);

    if (statement->sql != NULL)
        return statement->handle;
    if ((database->count + 1) * 2 > database->capacity) {
        if (grow(database, error) != 0)
            return NULL;
        statement = find_statement(database->statements, database->capacity, sql);
    }
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL) != SQLITE_OK) {
        database_failed(database, error);
        return NULL;
    }
    statement->sql = sql;
    database->count++;
    return statement->handle;
}

static int bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
    int result = SQLITE_OK;

    for (int i = 1; *types != '\0' && result == SQLITE_OK; types++, i++) {
        switch (*types) {
        case 'i':
            result = sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
            break;
        case 'd':
            result = sqlite3_bind_double(statement, i, va_arg(arguments, double));
            break;
        case 't':
            result = sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1, SQLITE_STATIC);
            break;
        case 'b': {
            const void *bytes = va_arg(arguments, const void *);

            result = sqlite3_bind_blob(statement, i, bytes, va_arg(arguments, int), SQLITE_STATIC);
            break;
        }
        case 'n':
            result = sqlite3_bind_null(statement, i);
            break;
        default:
            result = SQLITE_MISUSE;
        }
    }
    return result;
}

static sqlite3_stmt *query(struct database *database, struct hd_error *error, const char *sql, const char *types, va_list arguments)
{
    sqlite3_stmt *statement = prepared(database, sql, error);

    if (statement == NULL)
        return NULL;
    if (bind(statement, types, arguments) != SQLITE_OK) {
        database_failed(database, error);
        database_reset(statement);
        return NULL;
    }
    return statement;
}

sqlite3_stmt *database_query(struct database *database, struct hd_error *error, const char *sql, const char *types, ...)
{
    va_list arguments;
    sqlite3_stmt *statement;

    va_start(arguments, types);
    statement = query(database, error, sql, types, arguments);
    va_end(arguments);
    return statement;
}

int database_step(struct database *database, sqlite3_stmt *statement, struct hd_error *error)
{
    int result;

    errno = 0;
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW && !has_its_texts(statement)) {
        database_reset(statement);
        return tell_no_memory(database, error);
    }
    if (result == SQLITE_ROW || result == SQLITE_DONE)
        database->trouble.code = HD_NO_ERROR;
    if (result == SQLITE_ROW)
        return 1;
    if (result == SQLITE_DONE) {
        database_reset(statement);
        return 0;
    }
    result = database_failed(database, error);
    database_reset(statement);
    return result;
}

void database_reset(sqlite3_stmt *statement)
{
    /* sqlite3_reset repeats the failure of the last step, which was handled there. */
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

int database_run(struct database *database, struct hd_error *error, const char *sql, const char *types, ...)
{
    va_list arguments;
    sqlite3_stmt *statement;
    int result;

    va_start(arguments, types);
    statement = query(database, error, sql, types, arguments);
    va_end(arguments);
    if (statement == NULL)
        return error != NULL && error->code != HD_NO_ERROR ? -(int)error->code : -(int)HD_INTERNAL;
    do
        result = database_step(database, statement, error);
    while (result > 0);
    return result;
}

const char *database_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return text != NULL ? text : "";
}

const char *database_text_or_null(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}
