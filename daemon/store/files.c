#include "files.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

static struct file_place find(const char *path)
{
    struct file_place place = {.path = path};
    struct stat status;

    if (path != NULL && stat(path, &status) == 0) {
        place.device = status.st_dev;
        place.inode = status.st_ino;
    }
    return place;
}

void files_note(struct files *files, struct database *database)
{
    const char *path = sqlite3_db_filename(database->handle, "main");

    files->main = find(path);
    files->log = find(path != NULL ? sqlite3_filename_wal(path) : NULL);
}

/* A file that cannot be looked at for another reason is SQLite's to complain about. */
static bool is_gone(const struct file_place *place)
{
    struct stat status;

    if (place->inode == 0)
        return false;
    if (stat(place->path, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR;
    return status.st_dev != place->device || status.st_ino != place->inode;
}

int files_check(const struct files *files, struct hd_error *error)
{
    const struct file_place *gone = is_gone(&files->main) ? &files->main : is_gone(&files->log) ? &files->log : NULL;

    if (gone == NULL)
        return 0;
    return hd_error_set(error, HD_UNAVAILABLE,
                        "the database cannot be written: %s was removed or replaced under the daemon; put it back where it was, or restart "
                        "the daemon on what is there now",
                        gone->path);
}
