#include "report_delivery.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/spool_files.h"
#include "spool.h"

enum {
    ATTEMPT_MS = 10000,
    PAUSE_FIRST_MS = 100,
    PAUSE_MOST_MS = 2000,
};

static int send_until(const struct report_delivery *delivery, const char *body, struct rest_answer *ret_answer, struct hd_error *error)
{
    const struct rest_request request = {.method = "POST", .path = delivery->path, .body = body, .timeout_ms = ATTEMPT_MS};
    struct rest *rest = delivery->client->rest;
    long pause_ms = PAUSE_FIRST_MS;

    for (;;) {
        int result = rest_call(rest, &request, ret_answer, error);

        if (result == 0 || !rest_may_pass(rest) || client_now_ms() + pause_ms > delivery->deadline_ms) {
            return result;
        }
        client_pause(pause_ms);
        pause_ms = 2 * pause_ms < PAUSE_MOST_MS ? 2 * pause_ms : PAUSE_MOST_MS;
    }
}

/* --- What earlier calls have kept ------------------------------------------------------------------------------------------------------
 */

/* What cannot be seen now is taken in at the end of the run. */
static void list_kept(const char *spool, struct hd_spool_files *files)
{
    DIR *folder = opendir(spool);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat status;

        if (strncmp(entry->d_name, REPORT_PREFIX, strlen(REPORT_PREFIX)) == 0 &&
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            (void)hd_spool_files_add(files, entry->d_name, (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    hd_spool_files_order(files);
}

/* One that the daemon refuses stays where it is: at the end of the run the daemon's log says why. */
static int send_kept(const struct report_delivery *delivery, const struct hd_spool_file *file, struct hd_error *error)
{
    char *reporter = strndup(file->name, file->reporter_length);
    struct rest_answer answer = {0};
    struct hd_text body = {0};
    int result = 0;

    /* What is gone was sent by another call. */
    if (reporter != NULL && hd_spool_read(delivery->spool, reporter, file->sequence, &body) == 0 && body.length > 0) {
        result = send_until(delivery, body.data, &answer, error);
        if (result == 0) {
            (void)hd_spool_remove(delivery->spool, reporter, file->sequence); /* one that stays comes out as a duplicate */
        } else if (!rest_may_pass(delivery->client->rest)) {
            result = 0;
        }
    }
    rest_answer_clear(&answer);
    hd_text_clear(&body);
    free(reporter);
    return result;
}

static int send_all_kept(const struct report_delivery *delivery, struct hd_error *error)
{
    struct hd_spool_files files = {0};
    int result = 0;

    if (delivery->spool != NULL) {
        list_kept(delivery->spool, &files);
    }
    for (size_t i = 0; i < files.count && result == 0; i++) {
        result = send_kept(delivery, &files.list[i], error);
    }
    hd_spool_files_clear(&files);
    return result;
}

/* --- This one ----------------------------------------------------------------------------------------------------------------------------
 */

static int keep(const char *spool, const char *reporter, const struct hd_text *body, struct hd_error *error)
{
    int result = hd_spool_keep(spool, reporter, REPORT_SEQUENCE, body->data, body->length);

    if (result < 0) {
        return hd_error_wrap(error, "it could not be kept in %s either (%s)", spool, strerror(-result));
    }
    say("the report is kept in %s and stored when the daemon is back: %s", spool, error->message);
    return 0;
}

int report_deliver(const struct report_delivery *delivery, const char *reporter, const struct hd_text *body, struct rest_answer *ret_answer,
                   struct hd_error *error)
{
    int result = send_all_kept(delivery, error);

    if (result == 0) {
        result = send_until(delivery, body->data, ret_answer, error);
    }
    if (result != 0 && rest_may_pass(delivery->client->rest) && delivery->spool != NULL) {
        result = keep(delivery->spool, reporter, body, error);
    }
    return result;
}
