/* A copy of the database for who asks for it. It is made in a file of the daemon's choosing, which has no name when it is sent. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "big_answer.h"
#include "handlers.h"
#include "job.h"

struct backup {
    struct lane_job work;
    struct http_request *request;
    struct api *api;
    int file; /* -1: none */
    int64_t length;
    struct hd_error error;
};

/* Not one that somebody would give to a backup of his own. */
#define NAME_BEGIN ".unfinished-backup-"
#define NAME_END   "XXXXXX"

void api_backup_clear(const char *state_dir)
{
    DIR *folder = opendir(state_dir);
    struct dirent *entry;

    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, NAME_BEGIN, strlen(NAME_BEGIN)) == 0 && strlen(entry->d_name) == strlen(NAME_BEGIN NAME_END))
            (void)unlinkat(dirfd(folder), entry->d_name, 0); /* one that stays takes space, and does no other harm */
    (void)closedir(folder);
}

static int make_file(struct backup *backup, char path[4096])
{
    if (snprintf(path, 4096, "%s/" NAME_BEGIN NAME_END, backup->api->state_dir) >= 4096)
        return hd_error_set(&backup->error, HD_INTERNAL, "the path of the state folder is too long");
    backup->file = mkostemp(path, O_CLOEXEC);
    if (backup->file < 0)
        return hd_error_system(&backup->error, errno == ENOSPC ? HD_STORAGE_FULL : HD_UNAVAILABLE, errno, "cannot make a file in %s",
                               backup->api->state_dir);
    return 0;
}

static int copy(struct backup *backup, const char *path)
{
    struct store_reader *reader = store_take_reader(backup->api->store, &backup->error);
    struct stat status;
    int result;

    if (reader == NULL)
        return -(int)backup->error.code;
    result = store_backup(reader, path, &backup->error);
    store_give_reader(backup->api->store, reader);
    if (result == 0 && fstat(backup->file, &status) != 0)
        result = hd_error_system(&backup->error, HD_UNAVAILABLE, errno, "cannot look at the backup");
    if (result == 0)
        backup->length = status.st_size;
    return result;
}

static void make(uv_work_t *work)
{
    struct backup *backup = work->data;
    char path[4096];

    if (make_file(backup, path) != 0)
        return;
    (void)copy(backup, path);
    (void)unlink(path);
}

static void after(uv_work_t *work, int status)
{
    struct backup *backup = work->data;
    struct api *api = backup->api;

    if (status != 0)
        hd_error_set(&backup->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (backup->error.code == HD_NO_ERROR) {
        http_reply_file(backup->request, "application/vnd.sqlite3", backup->file, 0, backup->length, false, backup->length);
    } else {
        http_reply_error(backup->request, &backup->error);
        if (backup->file >= 0)
            (void)close(backup->file);
    }
    big_answer_end(api);
    free(backup);
    job_done(api);
}

void api_backup(struct http_request *request, void *context)
{
    struct api *api = context;
    struct hd_error error = {0};
    struct backup *backup;

    if (!api_expect_no_body(request))
        return;
    if (big_answer_begin(api, &error) != 0) {
        http_reply_error(request, &error);
        return;
    }
    backup = calloc(1, sizeof *backup);
    if (backup != NULL) {
        *backup = (struct backup){.request = request, .api = api, .file = -1, .work.work.data = backup};
        if (job_start(api, &backup->work, make, after) == 0)
            return;
    }
    free(backup);
    big_answer_end(api);
    hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    http_reply_error(request, &error);
}
