/* Takes in what a child could not report while the daemon was away: RUN/spool/<reporter>.<sequence>.json, each a request's body.
 *
 * It happens when no process of the attempt is left and before its end is stored, so that the points are there when the run's status is
 * final. A file is removed after the commit of its points: a crash in between makes it a duplicate, which the store knows by its number. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/program.h"
#include "launch/user.h"
#include "live.h"
#include "log.h"
#include "report_body.h"

enum { FILE_MAX = 16 << 20, RETRY_US = 1000000 };

struct spool {
    struct store_report request; /* first: the write comes back as this */
    uv_work_t work;
    struct live_run *run;
    void (*finished)(struct live_run *run);
    char *folder, *run_folder;
    char *run_id;            /* a copy: the pool must not touch live state */
    struct hd_strings names; /* of files, in the order in which they are taken in */
    int next;                /* index of the one that comes next */
    bool listed, stored;     /* stored: the file before `next` is in the store and can go */
    cJSON *body;
    struct report_body report;
};

static void forget_body(struct spool *spool)
{
    free(spool->request.ret_stop_reason);
    spool->request.ret_stop_reason = NULL;
    report_body_clear(&spool->report);
    cJSON_Delete(spool->body);
    spool->body = NULL;
}

void spool_free(struct live_run *run)
{
    struct spool *spool = run->spool;

    if (spool == NULL)
        return;
    forget_body(spool);
    hd_strings_clear(&spool->names);
    free(spool->folder);
    free(spool->run_folder);
    free(spool->run_id);
    free(spool);
    run->spool = NULL;
}

/* --- On the pool
 * --------------------------------------------------------------------------------------------------------------------------- */

/* `<reporter>.<sequence>.json` -> the length of the reporter and the sequence; false for other names. */
static bool read_name(const char *name, size_t *ret_reporter, long long *ret_sequence)
{
    const char *dot = strchr(name, '.');
    int used = 0;

    if (dot == NULL || dot == name || sscanf(dot, ".%lld.json%n", ret_sequence, &used) != 1 || used == 0 || dot[used] != '\0')
        return false;
    *ret_reporter = (size_t)(dot - name);
    return true;
}

/* By reporter, then by sequence as a number: a higher one taken first would make the lower ones duplicates. */
static int compare(const void *a, const void *b)
{
    const char *first = *(char *const *)a, *second = *(char *const *)b;
    size_t first_length = 0, second_length = 0;
    long long first_sequence = 0, second_sequence = 0;
    int order;

    (void)read_name(first, &first_length, &first_sequence);
    (void)read_name(second, &second_length, &second_sequence);
    order = strncmp(first, second, first_length < second_length ? first_length : second_length);
    if (order != 0)
        return order;
    if (first_length != second_length)
        return first_length < second_length ? -1 : 1;
    return (first_sequence > second_sequence) - (first_sequence < second_sequence);
}

static void list_files(struct spool *spool)
{
    DIR *folder = opendir(spool->folder);
    struct dirent *entry;

    spool->listed = true;
    if (folder == NULL)
        return; /* nearly always: nothing was left over */
    while ((entry = readdir(folder)) != NULL) {
        size_t reporter;
        long long sequence;

        if (read_name(entry->d_name, &reporter, &sequence) && hd_strings_add(&spool->names, entry->d_name) != 0)
            log_line(LOG_LEVEL_ERROR, "run %s: no memory to take in %s/%s", spool->run_id, spool->folder, entry->d_name);
    }
    (void)closedir(folder);
    if (spool->names.count > 1)
        qsort(spool->names.list, (size_t)spool->names.count, sizeof *spool->names.list, compare);
}

static bool file_path(const struct spool *spool, int index, char path[4096])
{
    return snprintf(path, 4096, "%s/%s", spool->folder, spool->names.list[index]) < 4096;
}

/* The file's content; NULL when it is no regular file of a size that a request may have. */
static char *read_file(const char *path, size_t *ret_length)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    char *content = NULL;
    size_t length = 0;

    if (file < 0)
        return NULL;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_MAX)
        content = malloc((size_t)status.st_size + 1);
    while (content != NULL && length < (size_t)status.st_size) {
        ssize_t got = read(file, content + length, (size_t)status.st_size - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    (void)close(file);
    if (content != NULL)
        content[length] = '\0';
    *ret_length = length;
    return content;
}

static void read_body(struct spool *spool, const char *path)
{
    size_t length = 0;
    char *content = read_file(path, &length);

    if (content != NULL)
        spool->body = hd_json_parse(content, length, &spool->report.problems);
    free(content);
    if (cJSON_IsObject(spool->body))
        report_body_read(&spool->report, spool->body);
    if (cJSON_IsObject(spool->body) && hd_problems_none(&spool->report.problems))
        return;
    log_line(LOG_LEVEL_WARNING, "run %s: %s is left where it is: %s", spool->run_id, path,
             spool->report.problems.count > 0 ? spool->report.problems.list[0].message : "it cannot be read");
    forget_body(spool);
}

/* Removes the file that was stored and reads the next good one. */
static void take_step(struct spool *spool)
{
    char path[4096];

    if (!spool->listed)
        list_files(spool);
    if (spool->stored && file_path(spool, spool->next - 1, path) && unlink(path) != 0)
        log_line(LOG_LEVEL_WARNING, "run %s: %s was taken in and cannot be removed: %s", spool->run_id, path, strerror(errno));
    spool->stored = false;
    while (spool->body == NULL && spool->next < spool->names.count)
        if (file_path(spool, spool->next++, path))
            read_body(spool, path);
}

/* With the rights of whose run it is: he may have made `spool` a link to somebody else's. */
static void step(uv_work_t *work)
{
    struct spool *spool = work->data;
    struct user_stay stay = {0};
    int run = open(spool->run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = run < 0 ? -errno : user_enter_owner(run, &stay);

    if (result == 0)
        take_step(spool);
    else
        log_line(LOG_LEVEL_WARNING, "run %s: %s cannot be looked at: %s", spool->run_id, spool->folder, strerror(-result));
    user_leave(&stay);
    if (run >= 0)
        (void)close(run);
}

/* --- On the loop
 * --------------------------------------------------------------------------------------------------------------------------- */

static void go_on(struct spool *spool);

static void try_later(struct spool *spool, const struct hd_error *error)
{
    struct live_run *run = spool->run;

    log_line(LOG_LEVEL_WARNING, "run %s: what it could not report is taken in later: %s", run->id, error->message);
    (void)deadline_set(&run->sweep->sweeps->deadlines, &run->timeout, deadline_now_us() + RETRY_US);
}

/* It was judged: its points count for others, but a run whose process has ended is not stopped. */
static void on_judged(struct store_report *report)
{
    struct spool *spool = (struct spool *)report;

    spool->stored = true;
    forget_body(spool);
    go_on(spool);
}

static void on_stored(struct store_write *write)
{
    struct spool *spool = (struct spool *)write;
    struct live_sweep *sweep = spool->run->sweep;

    sweep->writes--;
    if (sweep->sweeps->closing)
        return;
    if (write->result != 0 && hd_code_status(write->error.code) >= 500) {
        try_later(spool, &write->error);
        return;
    }
    if (write->result == 0) {
        sweeps_judge(sweep->sweeps, &spool->request, on_judged);
        return;
    }
    log_line(LOG_LEVEL_WARNING, "run %s: %s/%s is left where it is: %s", spool->run_id, spool->folder, spool->names.list[spool->next - 1],
             write->error.message);
    spool->stored = false;
    forget_body(spool);
    go_on(spool);
}

/* Stores the body that was read. */
void spool_store(struct live_run *run)
{
    struct spool *spool = run->spool;
    struct hd_error error = {0};

    spool->request = (struct store_report){
        .run_id = run->id,
        .reporter = spool->report.reporter,
        .sequence = spool->report.sequence,
        .points = spool->report.points,
        .count = spool->report.count,
        .spooled = true,
        .write = {.done = on_stored},
    };
    if (store_report(run->sweep->sweeps->store, &spool->request, &error) != 0)
        try_later(spool, &error);
    else
        run->sweep->writes++;
}

static void after_step(uv_work_t *work, int status)
{
    struct spool *spool = work->data;
    struct live_run *run = spool->run;
    struct sweeps *sweeps = run->sweep->sweeps;

    (void)status;
    sweeps->submissions--;
    close_when_quiet(sweeps);
    if (sweeps->closing)
        return; /* the next start takes the end and the spool up again */
    if (spool->body != NULL) {
        spool_store(run);
    } else {
        void (*finished)(struct live_run *) = spool->finished;

        spool_free(run);
        finished(run);
    }
}

static void go_on(struct spool *spool)
{
    struct sweeps *sweeps = spool->run->sweep->sweeps;

    if (uv_queue_work(sweeps->loop, &spool->work, step, after_step) == 0)
        sweeps->submissions++;
    else
        log_line(LOG_LEVEL_ERROR, "run %s: its end is taken in when the daemon is started again: the pool takes no work", spool->run_id);
}

void spool_take_in(struct live_run *run, const char *run_folder, void (*finished)(struct live_run *run))
{
    struct spool *spool = calloc(1, sizeof *spool);
    struct hd_text folder = {0};

    hd_text_format(&folder, "%s/spool", run_folder);
    run->spool = spool;
    if (spool != NULL) {
        spool->folder = hd_text_take(&folder);
        spool->run_folder = strdup(run_folder);
        spool->run_id = strdup(run->id);
    }
    if (spool == NULL || spool->folder == NULL || spool->run_folder == NULL || spool->run_id == NULL) {
        hd_text_clear(&folder);
        spool_free(run);
        log_line(LOG_LEVEL_ERROR, "run %s: no memory to take in what it could not report", run->id);
        finished(run);
        return;
    }
    spool->work.data = spool;
    spool->run = run;
    spool->finished = finished;
    go_on(spool);
}
