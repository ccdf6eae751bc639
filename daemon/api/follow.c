#include "follow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job.h"
#include "log_file.h"

enum {
    PERIOD_MS = 250,
    PIECE = 32 * 1024, /* read at once */
};

struct follower {
    struct followers *followers;
    struct http_stream *stream; /* NULL: gone */
    struct follower *previous, *next;
    struct follow_wish wish;
    int64_t offset;
    struct lane_job work;
    char *piece;    /* what the job has read; owned */
    ssize_t length; /* of it; negative: it cannot be read */
    bool busy;      /* the job is on the pool */
    bool more;      /* the last piece was a full one */
    bool run_ended; /* before the job read */
    bool placed;    /* the reader knows where what comes next stands in the log */
    bool gap;       /* what stands there is gone */
};

struct followers {
    struct api *api;
    uv_timer_t timer; /* runs while there is somebody to look for */
    struct follower *first;
};

static void free_follower(struct follower *follower)
{
    struct followers *followers = follower->followers;

    if (follower->previous != NULL)
        follower->previous->next = follower->next;
    else
        followers->first = follower->next;
    if (follower->next != NULL)
        follower->next->previous = follower->previous;
    if (followers->first == NULL)
        uv_timer_stop(&followers->timer);
    if (follower->wish.file >= 0)
        (void)close(follower->wish.file);
    free(follower->wish.folder);
    free(follower->wish.name);
    free(follower->piece);
    free(follower);
}

/* --- Reading ----------------------------------------------------------------------------------------------------------------------------
 */

static void skip_gone(struct follower *follower, int64_t size)
{
    struct follow_wish *wish = &follower->wish;

    wish->kept_from = log_file_kept_from(wish->name, wish->file, size);
    if (follower->offset < wish->kept_from)
        follower->offset = wish->kept_from;
}

/* On the pool. A file that has become shorter was begun anew: so does its follower. */
static void read_piece(uv_work_t *work)
{
    struct follower *follower = work->data;
    struct follow_wish *wish = &follower->wish;
    struct stat status;

    follower->length = 0;
    if (wish->file < 0)
        wish->file = log_file_open(wish->folder, wish->name, &wish->size, &wish->kept_from);
    if (wish->file < 0)
        return;
    if (fstat(wish->file, &status) != 0) {
        follower->length = -1;
        return;
    }
    if (status.st_size < follower->offset)
        follower->offset = 0;
    if (!follower->placed)
        skip_gone(follower, status.st_size);
    if (follower->piece == NULL)
        follower->piece = malloc(PIECE);
    follower->length = follower->piece != NULL ? pread(wish->file, follower->piece, PIECE, follower->offset) : -1;
    if (follower->length < 0 && errno == EINTR)
        follower->length = 0;
    /* After the reading: what goes meanwhile reads as zeros. */
    follower->gap = follower->length > 0 && follower->offset < log_file_kept_from(wish->name, wish->file, status.st_size);
}

static int note_end(void *context, const struct store_run *run)
{
    bool *ended = context;

    *ended = hd_status_ended(run->status);
    return 0;
}

/* A run that is not found was deleted, and so it had ended. */
static bool run_has_ended(const struct api *api, int64_t run)
{
    struct hd_error error = {0};
    bool ended = true;

    return store_read_run(store_loop_reader(api->store), run, note_end, &ended, &error) == 0 && ended;
}

static void look(struct follower *follower);

static void after_reading(uv_work_t *work, int status)
{
    struct follower *follower = work->data;
    struct api *api = follower->followers->api;

    follower->busy = false;
    if (follower->stream == NULL) {
        free_follower(follower);
        job_done(api);
        return;
    }
    if (status != 0 || follower->length < 0) {
        http_stream_cut(follower->stream);
    } else if (follower->gap) { /* the reader is too slow, and the log grows beyond its limit: he may ask for what is left */
        follower->more = false;
        http_stream_break(follower->stream);
    } else {
        http_stream_append(follower->stream, follower->piece, (size_t)follower->length);
        follower->offset += follower->length;
        follower->placed = follower->placed || follower->length > 0;
        follower->more = follower->length == PIECE;
        if (follower->more)
            look(follower);
        else if (follower->run_ended)
            http_stream_end(follower->stream);
    }
    if (!follower->more) {
        free(follower->piece);
        follower->piece = NULL;
    }
    job_done(api);
}

/* Has the file read where it was left, if there is room for more. The run is asked about first: what is read when it has ended is all. */
static void look(struct follower *follower)
{
    struct api *api = follower->followers->api;

    if (follower->busy || follower->gap || http_stream_full(follower->stream))
        return;
    follower->run_ended = run_has_ended(api, follower->wish.run);
    follower->busy = true;
    if (job_start(api, &follower->work, read_piece, after_reading) != 0) {
        follower->busy = false;
        http_stream_cut(follower->stream);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct followers *followers = timer->data;

    for (struct follower *follower = followers->first; follower != NULL; follower = follower->next)
        if (follower->stream != NULL)
            look(follower);
}

/* --- The stream -------------------------------------------------------------------------------------------------------------------------
 */

static void on_wanted(void *data)
{
    struct follower *follower = data;

    if (follower->more)
        look(follower);
}

static void on_closed(void *data)
{
    struct follower *follower = data;

    follower->stream = NULL;
    if (!follower->busy)
        free_follower(follower);
}

/* 200 for all of the log, 206 for what is behind an offset, 0 when that is beyond the end. */
static int choose_begin(struct http_request *request, struct follower *follower)
{
    int range = log_range_read_begin(http_header(request, "Range"), follower->wish.size, &follower->offset);
    struct hd_error error = {0};
    char field[64];

    if (range >= 0 && follower->offset < follower->wish.kept_from)
        follower->offset = follower->wish.kept_from;
    if (range == 0)
        return 200;
    if (range > 0) {
        follower->placed = true;
        /* Where it ends is not known yet: RFC 8673 has this number for that. */
        snprintf(field, sizeof field, "bytes %" PRId64 "-9007199254740991/*", follower->offset);
        http_reply_header(request, "Content-Range", field);
        return 206;
    }
    snprintf(field, sizeof field, "bytes */%" PRId64, follower->wish.size);
    http_reply_header(request, "Content-Range", field);
    hd_error_set(&error, HD_RANGE, "the log has %" PRId64 " bytes", follower->wish.size);
    http_reply_error(request, &error);
    return 0;
}

static void refuse(struct http_request *request, const struct follow_wish *wish)
{
    struct hd_error error = {0};

    hd_error_set(&error, HD_NOT_FOUND, "the run has no log '%s'", wish->name);
    http_reply_error(request, &error);
}

/* Negative when it has answered otherwise. */
static int open_stream(struct http_request *request, struct follower *follower)
{
    const struct http_stream_settings settings = {
        .content_type = "text/plain; charset=utf-8",
        .wanted = on_wanted,
        .closed = on_closed,
        .data = follower,
    };
    int status;

    if (follower->wish.file < 0 && run_has_ended(follower->followers->api, follower->wish.run)) {
        refuse(request, &follower->wish);
        return -1;
    }
    status = choose_begin(request, follower);
    if (status == 0)
        return -1;
    follower->stream = http_stream_open(request, status, &settings);
    return follower->stream != NULL ? 0 : -1;
}

void followers_serve(struct followers *followers, struct http_request *request, const struct follow_wish *wish)
{
    struct follower *follower = calloc(1, sizeof *follower);
    struct hd_error error = {0};

    if (follower == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        if (wish->file >= 0)
            (void)close(wish->file);
        free(wish->folder);
        free(wish->name);
        return;
    }
    follower->followers = followers;
    follower->wish = *wish;
    follower->work.work.data = follower;
    follower->next = followers->first;
    if (follower->next != NULL)
        follower->next->previous = follower;
    followers->first = follower;
    if (open_stream(request, follower) != 0) {
        free_follower(follower);
        return;
    }
    if (!uv_is_active((uv_handle_t *)&followers->timer))
        uv_timer_start(&followers->timer, on_timer, PERIOD_MS, PERIOD_MS);
    look(follower);
}

/* --- All of them ------------------------------------------------------------------------------------------------------------------------
 */

int followers_open(struct followers **ret_followers, struct api *api, struct hd_error *error)
{
    struct followers *followers = calloc(1, sizeof *followers);

    if (followers == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    followers->api = api;
    (void)uv_timer_init(api->loop, &followers->timer); /* cannot fail: it only enters the handle into the loop */
    followers->timer.data = followers;
    *ret_followers = followers;
    return 0;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void followers_close(struct followers *followers)
{
    if (followers != NULL)
        uv_close((uv_handle_t *)&followers->timer, on_timer_closed);
}
