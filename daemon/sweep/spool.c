/* Takes in what a child could not report while the daemon was away: RUN/spool/<reporter>.<sequence>.json, each a request's body.
 *
 * It happens when no process of the attempt is left and before its end is stored, so that the points are there when the run's status is
 * final. A file is removed after the commit of its points: a crash in between makes it a duplicate, which the store knows by its number. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "launch/user.h"
#include "live.h"
#include "log.h"
#include "report_body.h"
#include "spool_folder.h"

struct spool {
    struct store_report request; /* first: the write comes back as this */
    uv_work_t work;
    struct live_run *run;
    void (*finished)(struct live_run *run);
    char *folder, *run_folder;
    char *run_id; /* a copy: the pool must not touch live state */
    struct hd_spool_files files;
    size_t next;           /* index of the file that comes next */
    bool listed, stored;   /* stored: the file before `next` is in the store and can go */
    struct hd_error error; /* why the pool could not go on; without a code: it did */
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
    hd_spool_files_clear(&spool->files);
    free(spool->folder);
    free(spool->run_folder);
    free(spool->run_id);
    free(spool);
    run->spool = NULL;
}

/* --- On the pool
 * --------------------------------------------------------------------------------------------------------------------------- */

static int short_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

/* 0 or -HD_UNAVAILABLE. */
static int list_files(struct spool *spool, int run)
{
    int result = spool_folder_list(run, &spool->files, &spool->error);

    spool->listed = result != -HD_UNAVAILABLE;
    if (result == 0 || !spool->listed)
        return result;
    log_line(LOG_LEVEL_WARNING, "run %s: %s cannot be looked at: %s", spool->run_id, spool->folder, spool->error.message);
    return 0;
}

static int parse(struct spool *spool, const char *content, size_t length, struct hd_error *error)
{
    struct hd_problems *problems = &spool->report.problems;

    spool->body = hd_json_parse(content, length, problems);
    if (cJSON_IsObject(spool->body))
        report_body_read(&spool->report, spool->body);
    if (cJSON_IsObject(spool->body) && hd_problems_none(problems))
        return 0;
    if (problems->out_of_memory)
        return short_of_memory(error);
    return hd_error_set(error, HD_INVALID, "%s", problems->count > 0 ? problems->list[0].message : "it is no report");
}

/* The body of the file that comes next, if it has one. 0 or -HD_UNAVAILABLE. */
static int read_next(struct spool *spool, int run)
{
    const char *name = spool->files.list[spool->next].name;
    char *content = NULL;
    size_t length = 0;
    int result = spool_folder_read(run, name, &content, &length, &spool->error);

    if (result == 0)
        result = parse(spool, content, length, &spool->error);
    free(content);
    if (result != 0)
        forget_body(spool);
    if (result != -HD_UNAVAILABLE) {
        if (result != 0)
            log_line(LOG_LEVEL_WARNING, "run %s: %s/%s is left where it is: %s", spool->run_id, spool->folder, name, spool->error.message);
        spool->next++;
        result = 0;
    }
    return result;
}

/* One that stays comes out as a duplicate. */
static void remove_stored(struct spool *spool, int run)
{
    const char *name = spool->files.list[spool->next - 1].name;
    int number = spool_folder_remove(run, name);

    if (number != 0)
        log_line(LOG_LEVEL_WARNING, "run %s: %s/%s was taken in and cannot be removed: %s", spool->run_id, spool->folder, name,
                 strerror(number));
    spool->stored = false;
}

/* Removes the file that was stored and reads the next good one. 0 or -HD_UNAVAILABLE. */
static int take_step(struct spool *spool, int run)
{
    int result = spool->listed ? 0 : list_files(spool, run);

    if (spool->stored)
        remove_stored(spool, run);
    while (result == 0 && spool->body == NULL && spool->next < spool->files.count)
        result = read_next(spool, run);
    return result;
}

/* With the rights of whose run it is. */
static void step(uv_work_t *work)
{
    struct spool *spool = work->data;
    struct user_stay stay = {0};
    int run = open(spool->run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), number = run < 0 ? -errno : user_enter_owner(run, &stay),
        result = number != 0 ? spool_folder_failed(-number, &spool->error) : take_step(spool, run);

    user_leave(&stay);
    if (run >= 0)
        (void)close(run);
    if (number != 0 && result != -HD_UNAVAILABLE)
        log_line(LOG_LEVEL_WARNING, "run %s: %s cannot be looked at: %s", spool->run_id, spool->folder, spool->error.message);
    if (result != -HD_UNAVAILABLE)
        spool->error = (struct hd_error){0};
}

/* --- On the loop
 * --------------------------------------------------------------------------------------------------------------------------- */

static void go_on(struct spool *spool);

static void try_later(struct spool *spool, const struct hd_error *error)
{
    struct live_run *run = spool->run;

    log_line(LOG_LEVEL_WARNING, "run %s: what it could not report is taken in later: %s", run->id, error->message);
    deadline_set_again(&run->sweep->sweeps->deadlines, &run->timeout);
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
    log_line(LOG_LEVEL_WARNING, "run %s: %s/%s is left where it is: %s", spool->run_id, spool->folder,
             spool->files.list[spool->next - 1].name, write->error.message);
    spool->stored = false;
    forget_body(spool);
    go_on(spool);
}

/* Stores the body that was read. */
static void store_body(struct spool *spool)
{
    struct live_run *run = spool->run;
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
    if (spool->error.code == HD_UNAVAILABLE) {
        try_later(spool, &spool->error);
    } else if (spool->body != NULL) {
        store_body(spool);
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

void spool_go_on(struct live_run *run)
{
    if (run->spool->body != NULL)
        store_body(run->spool);
    else
        go_on(run->spool);
}

int spool_take_in(struct live_run *run, const char *run_folder, void (*finished)(struct live_run *run))
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
        return -1;
    }
    spool->work.data = spool;
    spool->run = run;
    spool->finished = finished;
    go_on(spool);
    return 0;
}
