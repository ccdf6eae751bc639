/* A copy of the whole database as it is at one moment, while it is written to. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "reader.h"

/* The copy is not worth keeping unless it is whole: whoever wants it durable syncs it. */
static const char SETUP[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;";

static int copy_failed(sqlite3 *copy, struct hd_error *error)
{
    int code = sqlite3_errcode(copy);

    if ((code & 0xff) == SQLITE_FULL)
        return hd_error_set(error, HD_STORAGE_FULL, "the backup cannot be written: the disk is full");
    return hd_error_set(error, HD_UNAVAILABLE, "the backup cannot be written: %s (%d)", sqlite3_errmsg(copy), code);
}

static int copy_into(sqlite3 *copy, struct store_reader *reader, struct hd_error *error)
{
    sqlite3_backup *backup;
    int result = SQLITE_OK;

    if (sqlite3_exec(copy, SETUP, NULL, NULL, NULL) != SQLITE_OK)
        return copy_failed(copy, error);
    backup = sqlite3_backup_init(copy, "main", reader->database.handle, "main");
    if (backup == NULL)
        return copy_failed(copy, error);
    /* All at once, which makes it one state: the writer is not kept waiting, but its log is not begun anew meanwhile. */
    result = sqlite3_backup_step(backup, -1);
    if (sqlite3_backup_finish(backup) == SQLITE_OK && result == SQLITE_DONE)
        return 0;
    return copy_failed(copy, error);
}

/* By SQLite's file format: 1 where no write-ahead log belongs to the file, 2 in every database that a daemon has opened. So whoever puts
 * the copy beside the log of another database can be told, before SQLite plays that log over it. */
static int mark_as_copy(const char *path, struct hd_error *error)
{
    enum { VERSIONS_AT = 18 };
    static const char without_log[] = {1, 1};
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool marked = file >= 0 && pwrite(file, without_log, sizeof without_log, VERSIONS_AT) == (ssize_t)sizeof without_log;
    int number = errno;

    if (file >= 0)
        (void)close(file);
    return marked ? 0 : hd_error_system(error, HD_UNAVAILABLE, number, "the backup cannot be written");
}

int store_backup(struct store_reader *reader, const char *path, struct hd_error *error)
{
    sqlite3 *copy = NULL;
    int result;

    if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        result = copy != NULL ? copy_failed(copy, error) : hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    else
        result = copy_into(copy, reader, error);
    if (sqlite3_close(copy) != SQLITE_OK && result == 0)
        result = hd_error_set(error, HD_UNAVAILABLE, "the backup cannot be closed");
    return result == 0 ? mark_as_copy(path, error) : result;
}
