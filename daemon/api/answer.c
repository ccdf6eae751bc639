#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "big_answer.h"
#include "job.h"

enum {
    IN_MEMORY = 1 << 20,
    GZIP_LEAST = 64 << 10, /* bytes: below that there is nothing to win */
};

struct answer_work {
    struct lane_job work;
    struct http_request *request;
    struct api *api;
    answer_producer *producer;
    struct answer_question question;
    struct answer answer;
    struct hd_error error;
    int result;
};

static int open_file(struct answer *answer)
{
    struct api *api = answer->api;

    if (big_answer_begin(api, answer->error) != 0)
        return -(int)answer->error->code;
    answer->file = open(api->state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (answer->file >= 0)
        return 0;
    big_answer_end(api);
    return hd_error_system(answer->error, HD_UNAVAILABLE, errno, "cannot make a temporary file in %s", api->state_dir);
}

/* Compresses what is in the text, in its place. */
static int pack(struct answer *answer, bool last)
{
    struct hd_text packed = {0};

    if (!gzip_add(&answer->gzip, answer->text.data, answer->text.length, last, &packed)) {
        hd_text_clear(&packed);
        return hd_error_set(answer->error, HD_UNAVAILABLE, "out of memory");
    }
    hd_text_clear(&answer->text);
    answer->text = packed;
    answer->gzipped = true;
    return 0;
}

static int write_out(struct answer *answer, bool last)
{
    const char *bytes;
    size_t left;

    if (answer->file < 0 && open_file(answer) != 0)
        return -(int)answer->error->code;
    if (answer->prefers_gzip && pack(answer, last) != 0)
        return -(int)answer->error->code;
    bytes = answer->text.data;
    left = answer->text.length;
    while (left > 0) {
        ssize_t written = write(answer->file, bytes, left);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return hd_error_system(answer->error, errno == ENOSPC ? HD_STORAGE_FULL : HD_UNAVAILABLE, errno,
                                   "cannot write the answer to a temporary file");
        bytes += written;
        left -= (size_t)written;
        answer->file_length += written;
    }
    answer->text.length = 0;
    return 0;
}

int answer_flush(struct answer *answer)
{
    if (answer->text.failed)
        return hd_error_set(answer->error, HD_UNAVAILABLE, "out of memory");
    return answer->text.length < IN_MEMORY ? 0 : write_out(answer, false);
}

void answer_end_page(struct answer *answer, bool more, int64_t last)
{
    if (more)
        hd_text_format(&answer->text, "\"next\":%" PRId64 "}", last);
    else
        hd_text_add_string(&answer->text, "\"next\":null}");
}

static void name_by_bytes(struct answer *answer)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];

    _Static_assert(2 * sizeof digest < ANSWER_TAG_SIZE, "a tag holds a digest in hexadecimal digits");
    (void)crypto_generichash(digest, sizeof digest, (const unsigned char *)answer->text.data, answer->text.length, NULL, 0);
    (void)sodium_bin2hex(answer->tag, sizeof answer->tag, digest, sizeof digest);
}

static int produce_from_store(struct answer_work *work)
{
    struct store_reader *reader = store_take_reader(work->api->store, &work->error);
    int result;

    if (reader == NULL)
        return -1;
    result = store_begin_reads(reader, &work->error);
    if (result == 0) {
        result = work->producer(&work->answer, reader);
        store_end_reads(reader);
    }
    store_give_reader(work->api->store, reader);
    return result;
}

static void work(uv_work_t *handle)
{
    struct answer_work *work = handle->data;
    struct answer *answer = &work->answer;

    work->result = answer->question->without_store ? work->producer(answer, NULL) : produce_from_store(work);
    if (work->result == 0 && answer->text.failed)
        work->result = hd_error_set(&work->error, HD_UNAVAILABLE, "out of memory");
    if (work->result == 0 && answer->file >= 0)
        work->result = write_out(answer, true);
    if (work->result == 0 && answer->file < 0 && answer->question->tagged)
        name_by_bytes(answer);
    if (work->result == 0 && answer->file < 0 && answer->prefers_gzip && answer->text.length >= GZIP_LEAST)
        work->result = pack(answer, true);
    gzip_close(&answer->gzip);
}

static void reply(struct answer_work *work)
{
    struct answer *answer = &work->answer;

    if (answer->gzipped)
        http_encoded_gzip(work->request);
    if (answer->file >= 0)
        http_reply_file(work->request, answer->content_type, answer->file, 0, answer->file_length, false, answer->file_length);
    else
        http_reply_text(work->request, 200, answer->content_type, &answer->text);
}

static void after(uv_work_t *handle, int status)
{
    struct answer_work *work = handle->data;
    struct answer *answer = &work->answer;
    struct api *api = work->api;

    if (status != 0)
        work->result = hd_error_set(&work->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (work->result != 0) {
        http_reply_error(work->request, &work->error);
        if (answer->file >= 0)
            (void)close(answer->file);
    } else if (answer->tag[0] != '\0' && http_unchanged(work->request, answer->tag)) {
        /* The client has it. */
    } else {
        reply(work);
    }
    if (answer->file >= 0)
        big_answer_end(api);
    hd_text_clear(&answer->text);
    free(work);
    job_done(api);
}

void answer_start(struct http_request *request, struct api *api, answer_producer *producer, const struct answer_question *question)
{
    struct answer_work *job = calloc(1, sizeof *job);
    struct hd_error error = {0};

    if (job != NULL) {
        job->request = request;
        job->api = api;
        job->producer = producer;
        job->question = *question;
        job->answer =
            (struct answer){.question = &job->question, .content_type = "application/json", .api = api, .file = -1, .error = &job->error};
        job->answer.prefers_gzip = http_prefers_gzip(request);
        job->work.work.data = job;
        if (job_start(api, &job->work, work, after) == 0)
            return;
    }
    free(job);
    hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    http_reply_error(request, &error);
}
