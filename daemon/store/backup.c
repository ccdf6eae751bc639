/* A copy of the whole database as it is at one moment, while it is written to. */
#include <sqlite3.h>

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
    return result;
}
