/* Logs: the sweep's, rendered from its events (reference 3.4), and the files that a child has written. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answer.h"
#include "core/instant.h"
#include "core/json.h"
#include "handlers.h"
#include "job.h"
#include "resource.h"

/* --- The sweep's log ---------------------------------------------------------------------------------------------------------------------
 */

static const char *member_text(const cJSON *detail, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(detail, name));

    return text != NULL ? text : "";
}

static int64_t member_integer(const cJSON *detail, const char *name)
{
    int64_t value = 0;

    (void)hd_json_integer(cJSON_GetObjectItemCaseSensitive(detail, name), &value);
    return value;
}

static void say_created(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id)
{
    (void)event;
    hd_text_format(text, "sweep %s created", sweep_id);
    for (const cJSON *warning = detail != NULL ? detail->child : NULL; warning != NULL; warning = warning->next)
        hd_text_format(text, "; %s: %s", member_text(warning, "code"), member_text(warning, "message"));
}

static void say_sweep(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id)
{
    hd_text_format(text, "sweep %s is %s", sweep_id, hd_status_name(event->status));
    if (detail != NULL)
        hd_text_format(text, " (%s): %s", member_text(detail, "code"), member_text(detail, "message"));
}

static void say_generated(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id)
{
    int64_t first = member_integer(detail, "first"), count = member_integer(detail, "count");

    (void)event;
    hd_text_format(text, "%" PRId64 " configuration%s sampled:", count, count == 1 ? "" : "s");
    for (int64_t i = 0; i < count; i++)
        hd_text_format(text, " %s_%" PRId64, sweep_id, first + i);
}

static void say_generation(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id)
{
    (void)event, (void)sweep_id;
    hd_text_format(text, "no more configurations are sampled: %s", member_text(detail, "code"));
}

static void say_run(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id)
{
    (void)sweep_id;
    hd_text_format(text, "%s is %s", event->run_id != NULL ? event->run_id : "a run", hd_status_name(event->status));
    if (detail == NULL)
        return;
    hd_text_format(text, " (%s): %s", event->status == HD_FAILED ? member_text(detail, "code") : member_text(detail, "kind"),
                   member_text(detail, "message"));
}

static void say_warning(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id)
{
    (void)event, (void)sweep_id;
    hd_text_format(text, "%s: %s", member_text(detail, "code"), member_text(detail, "message"));
}

static const struct line {
    const char *component, *level;
    void (*say)(struct hd_text *text, const struct store_event *event, const cJSON *detail, const char *sweep_id);
} LINES[] = {
    [STORE_EVENT_CREATED] = {"API", "INFO", say_created},
    [STORE_EVENT_SWEEP] = {"CONTROLLER", "INFO", say_sweep},
    [STORE_EVENT_GENERATED] = {"GENERATOR", "INFO", say_generated},
    [STORE_EVENT_GENERATION] = {"GENERATOR", "INFO", say_generation},
    [STORE_EVENT_RUN] = {"SCHEDULER", "INFO", say_run},
    [STORE_EVENT_WARNING] = {"CONTROLLER", "WARNING", say_warning},
};

/* One event is one line, whatever a program has printed, and a terminal that shows it is told nothing. */
static void add_one_line(struct hd_text *text, const char *line)
{
    for (; *line != '\0'; line++)
        hd_text_add_char(text, (unsigned char)*line < ' ' || *line == 0x7f ? ' ' : *line);
}

static int print_event(void *context, const struct store_event *event)
{
    struct answer *answer = context;
    struct hd_text *text = &answer->text, sentence = {0};
    const struct line *line;
    char at[HD_INSTANT_SIZE];
    cJSON *detail;

    if ((size_t)event->kind >= sizeof LINES / sizeof LINES[0] || LINES[event->kind].say == NULL)
        return 0;
    line = &LINES[event->kind];
    detail = event->detail != NULL ? hd_json_parse_own(event->detail) : NULL;
    line->say(&sentence, event, detail, answer->question->id);
    cJSON_Delete(detail);
    hd_instant_text(event->at_us, at);
    hd_text_format(text, "[%s][%s][%s]", at, line->component, event->status == HD_FAILED ? "ERROR" : line->level);
    add_one_line(text, sentence.data != NULL ? sentence.data : "");
    hd_text_add_char(text, '\n');
    text->failed |= sentence.failed;
    hd_text_clear(&sentence);
    return answer_flush(answer);
}

static int produce_log(struct answer *answer, struct store_reader *reader)
{
    answer->content_type = "text/plain; charset=utf-8";
    return store_read_events(reader, answer->question->sweep, 0, print_event, answer, answer->error);
}

void api_sweep_log(struct http_request *request, void *context)
{
    struct api *api = context;
    struct store_found found;
    struct answer_question question = {0};

    if (!resource_find_sweep(request, api, &found))
        return;
    question.sweep = found.sweep;
    question.id = http_part(request, 0);
    answer_start(request, api, produce_log, &question);
}

/* --- A child's files --------------------------------------------------------------------------------------------------------------------
 */

/* The folders that hold logs. Files are named by their path from the run folder. */
static const char *const LOG_FOLDERS[] = {"user_logs", "logs"};

struct file_work {
    uv_work_t work;
    struct http_request *request;
    struct api *api;
    char *folder; /* of the run */
    char *name;   /* NULL: the list is wanted */
    struct hd_text text;
    struct hd_error error;
    int result;
    int file;
    int64_t offset, length, total;
    bool partial;
};

static void free_file_work(struct file_work *job)
{
    hd_text_clear(&job->text);
    free(job->folder);
    free(job->name);
    free(job);
}

/* Opens below the folder only: no link and no `..` leads out of it. */
static int open_beneath(int folder, const char *name, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int file = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);

    if (file < 0 && errno == ENOSYS && strchr(name, '/') == NULL) /* a kernel before 5.6 */
        file = openat(folder, name, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    return file;
}

/* One of the run's log folders, which must not be a link itself. */
static int open_log_folder(const struct file_work *job, const char *name)
{
    int run = open(job->folder, O_PATH | O_DIRECTORY | O_CLOEXEC), folder;

    if (run < 0)
        return -1;
    folder = openat(run, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    (void)close(run);
    return folder;
}

static void list_folder(struct file_work *job, const char *folder_name, bool *first)
{
    int file = open_log_folder(job, folder_name);
    DIR *folder = file >= 0 ? fdopendir(file) : NULL;
    struct dirent *entry;

    if (folder == NULL) {
        if (file >= 0)
            (void)close(file);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        struct stat status;
        struct hd_text name = {0};

        if (fstatat(file, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
            continue;
        hd_text_format(&name, "%s/%s", folder_name, entry->d_name);
        hd_text_add_string(&job->text, *first ? "{\"name\":" : ",{\"name\":");
        hd_json_print_string(&job->text, name.failed ? "" : name.data);
        hd_text_format(&job->text, ",\"size\":%" PRId64 "}", (int64_t)status.st_size);
        hd_text_clear(&name);
        *first = false;
    }
    (void)closedir(folder);
}

static void list_files(uv_work_t *work)
{
    struct file_work *job = work->data;
    bool first = true;

    hd_text_add_string(&job->text, "{\"logs\":[");
    for (size_t i = 0; i < sizeof LOG_FOLDERS / sizeof LOG_FOLDERS[0]; i++)
        list_folder(job, LOG_FOLDERS[i], &first);
    hd_text_add_string(&job->text, "]}");
}

/* The file behind the name `FOLDER/PATH`; -1: there is none. */
static int open_log(const struct file_work *job)
{
    for (size_t i = 0; i < sizeof LOG_FOLDERS / sizeof LOG_FOLDERS[0]; i++) {
        size_t length = strlen(LOG_FOLDERS[i]);
        int folder, file;

        if (strncmp(job->name, LOG_FOLDERS[i], length) != 0 || job->name[length] != '/')
            continue;
        folder = open_log_folder(job, LOG_FOLDERS[i]);
        if (folder < 0)
            return -1;
        file = open_beneath(folder, job->name + length + 1, 0);
        (void)close(folder);
        return file;
    }
    return -1;
}

static void open_file(uv_work_t *work)
{
    struct file_work *job = work->data;
    struct stat status;

    job->file = open_log(job);
    if (job->file >= 0 && (fstat(job->file, &status) != 0 || !S_ISREG(status.st_mode))) {
        (void)close(job->file);
        job->file = -1;
    }
    if (job->file < 0)
        job->result = hd_error_set(&job->error, HD_NOT_FOUND, "the run has no log '%s'", job->name);
    else
        job->total = status.st_size;
}

/* Reads digits and moves behind them; -1 when there are none. What no file is long enough for becomes INT64_MAX. */
static int64_t read_position(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    int64_t value = 0;

    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (*text)[i] - '0', &value)) {
            value = INT64_MAX;
            break;
        }
    *text += digits;
    return digits > 0 ? value : -1;
}

/* Reads `bytes=FROM-`, `bytes=FROM-TO`, `bytes=-LAST`. 1: a range, 0: none that we know (all is sent), -1: not satisfiable. */
static int read_range(const char *header, int64_t total, int64_t *ret_offset, int64_t *ret_length)
{
    static const char UNIT[] = "bytes=";
    int64_t first, last;

    if (header == NULL || strncasecmp(header, UNIT, sizeof UNIT - 1) != 0)
        return 0;
    header += sizeof UNIT - 1;
    first = read_position(&header);
    if (*header++ != '-')
        return 0;
    last = read_position(&header);
    if (*header != '\0' || (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
        return 0;
    if (first < 0) { /* the last so many bytes */
        first = last < total ? total - last : 0;
        last = -1;
    }
    if (first >= total)
        return -1;
    *ret_offset = first;
    *ret_length = (last < 0 || last >= total ? total : last + 1) - first;
    return 1;
}

static void reply_file(struct file_work *job)
{
    int range = read_range(http_header(job->request, "Range"), job->total, &job->offset, &job->length);
    char content_range[64];

    if (range < 0) {
        snprintf(content_range, sizeof content_range, "bytes */%" PRId64, job->total);
        http_reply_header(job->request, "Content-Range", content_range);
        hd_error_set(&job->error, HD_RANGE, "the log has %" PRId64 " bytes", job->total);
        http_reply_error(job->request, &job->error);
        (void)close(job->file);
        return;
    }
    if (range == 0)
        job->length = job->total;
    http_reply_header(job->request, "Accept-Ranges", "bytes");
    http_reply_file(job->request, "text/plain; charset=utf-8", job->file, job->offset, job->length, range == 1, job->total);
}

static void after_file(uv_work_t *work, int status)
{
    struct file_work *job = work->data;
    struct api *api = job->api;

    if (status != 0)
        job->result = hd_error_set(&job->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (job->result != 0)
        http_reply_error(job->request, &job->error);
    else if (job->name != NULL)
        reply_file(job);
    else
        http_reply_json(job->request, 200, &job->text);
    free_file_work(job);
    job_done(api);
}

static int take_folder(void *context, const struct store_run *run)
{
    struct file_work *job = context;
    char *state_dir = job->folder;

    job->folder = sweeps_run_folder(state_dir, run->sweep_id, run->number);
    free(state_dir);
    return job->folder != NULL ? 0 : hd_error_set(&job->error, HD_UNAVAILABLE, "out of memory");
}

static void start(struct http_request *request, struct api *api, const char *name)
{
    struct store_found found;
    struct file_work *job;
    struct hd_error error = {0};
    int result;

    if (!resource_find_run(request, api, &found))
        return;
    job = calloc(1, sizeof *job);
    if (job == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        http_reply_error(request, &error);
        return;
    }
    job->request = request;
    job->api = api;
    job->work.data = job;
    job->folder = strdup(api->state_dir);
    job->name = name != NULL ? strdup(name) : NULL;
    if (job->folder == NULL || (name != NULL && job->name == NULL))
        result = hd_error_set(&job->error, HD_UNAVAILABLE, "out of memory");
    else
        result = store_read_run(store_loop_reader(api->store), found.run, take_folder, job, &job->error);
    if (result == 0 && job_start(api, &job->work, name != NULL ? open_file : list_files, after_file) == 0)
        return;
    if (job->error.code == HD_NO_ERROR)
        hd_error_set(&job->error, HD_UNAVAILABLE, "out of memory");
    http_reply_error(request, &job->error);
    free_file_work(job);
}

void api_list_logs(struct http_request *request, void *context)
{
    start(request, context, NULL);
}

void api_get_log(struct http_request *request, void *context)
{
    start(request, context, http_part(request, 1));
}
