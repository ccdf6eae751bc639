/* A new sweep: its specification is checked and its source copied on the pool, then it is stored, then it lives. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/number.h"
#include "core/sweep_job.h"
#include "earlier.h"
#include "launch/snapshot.h"
#include "launch/user.h"
#include "live.h"
#include "log.h"

struct submit {
    struct store_create_sweep request; /* first: the write comes back as this */
    struct lane_job work;
    struct sweeps *sweeps;
    struct sweeps_submission submission;
    char id[64];
    struct hd_machine machine; /* as it is known now */
    char *snapshot;            /* path; NULL: none is taken */
    int64_t snapshot_limit;    /* as it was when the sweep came */
    char *config, *warnings_json;
    struct hd_specification specification;
    struct live_sweep *live; /* what it becomes, with the specification; before it is stored */
    struct hd_problems errors, warnings;
    struct earlier earlier;
    struct hd_error error; /* when it failed for other reasons than its content */
};

static void free_submit(struct submit *submit)
{
    struct sweeps *sweeps = submit->sweeps;

    cJSON_Delete(submit->submission.body);
    if (submit->live != NULL)
        live_sweep_free(submit->live);
    hd_specification_clear(&submit->specification);
    hd_problems_clear(&submit->errors);
    hd_problems_clear(&submit->warnings);
    earlier_clear(&submit->earlier);
    free(submit->snapshot);
    free(submit->config);
    free(submit->warnings_json);
    free(submit);
    sweeps->submissions--;
    close_when_quiet(sweeps);
}

/* `HD_` and a random UUID (version 4). */
static void make_id(char id[64])
{
    unsigned char b[16];

    randombytes_buf(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(id, 64, "HD_%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
             b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int64_t random_seed(void)
{
    uint64_t bits;

    randombytes_buf(&bits, sizeof bits);
    return (int64_t)(bits & (uint64_t)HD_INTEGER_MAX);
}

static bool is_directory(void *context, const char *path)
{
    struct stat status;

    (void)context;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && access(path, R_OK | X_OK) == 0;
}

static bool exists(void *context, const char *path)
{
    (void)context;
    return access(path, R_OK) == 0;
}

/* Where nobody is named, a root daemon serves itself alone; where users are, nobody runs as root by having named none. */
static bool may_run_as(void *context, const char *name, char *reason, size_t size)
{
    const struct submit *submit = (struct submit *)((char *)context - offsetof(struct submit, earlier));
    char *const *allowed = submit->sweeps->settings.run_as_users;
    bool any = allowed != NULL && allowed[0] != NULL;
    struct user user;
    struct hd_error error = {0};

    if (name == NULL) {
        snprintf(reason, size, "say as whom the children run: this daemon serves several users");
        return !any || geteuid() != 0;
    }
    if (geteuid() != 0) {
        snprintf(reason, size, "the daemon does not run as root, so its children can run as its own user only");
        return false;
    }
    while (any && *allowed != NULL && strcmp(*allowed, name) != 0)
        allowed++;
    if (!any || *allowed == NULL) {
        snprintf(reason, size, "children may not run as '%.64s' here (setting 'run_as_users')", name);
        return false;
    }
    if (user_find(name, &user, &error) != 0) {
        snprintf(reason, size, "%.200s", error.message);
        return false;
    }
    user_clear(&user);
    return true;
}

static char *warnings_text(const struct hd_problems *warnings)
{
    struct hd_text text = {0};

    hd_text_add_char(&text, '[');
    for (size_t i = 0; i < warnings->count; i++) {
        hd_text_format(&text, "%s{\"code\":\"%s\",\"message\":", i > 0 ? "," : "", warnings->list[i].code);
        hd_json_print_string(&text, warnings->list[i].message);
        hd_text_add_char(&text, '}');
    }
    hd_text_add_char(&text, ']');
    return hd_text_take(&text);
}

static void take_snapshot(struct submit *submit)
{
    const struct hd_run_config *run = &submit->specification.run;
    struct hd_text path = {0};
    struct hd_error error = {0};
    struct user user = {0};
    int result;

    if (run->source_directory == NULL || !run->snapshot || run->launcher == HD_LAUNCHER_CLIENT)
        return;
    hd_text_format(&path, "%s/snapshots/%s", submit->sweeps->settings.state_dir, submit->id);
    submit->snapshot = hd_text_take(&path);
    if (submit->snapshot == NULL) {
        hd_error_set(&submit->error, HD_UNAVAILABLE, "out of memory");
        return;
    }
    if (run->run_as != NULL && user_find(run->run_as, &user, &submit->error) != 0)
        return;
    result = snapshot_take(run->source_directory, submit->snapshot, submit->snapshot_limit, run->run_as != NULL ? &user : NULL, &error);
    user_clear(&user);
    if (result == 0)
        return;
    if (error.code == HD_INVALID)
        hd_problems_add(&submit->errors, "OutOfRange", hd_sweep_job_field(submit->submission.body, "run_config.source_directory"), "%s",
                        error.message);
    else
        submit->error = error;
}

static void print_texts(struct submit *submit)
{
    struct hd_text config = {0};

    hd_json_print(&config, submit->specification.config, HD_JSON_COMPACT);
    submit->config = hd_text_take(&config);
    submit->warnings_json = warnings_text(&submit->warnings);
    if (submit->config == NULL || submit->warnings_json == NULL)
        hd_error_set(&submit->error, HD_UNAVAILABLE, "out of memory");
}

/* On the pool. */
static void prepare(uv_work_t *work)
{
    struct submit *submit = work->data;
    const struct hd_specification_options options = {
        .seed = random_seed(),
        .is_directory = is_directory,
        .exists = exists,
        .find_earlier = earlier_find,
        .may_run_as = may_run_as,
        .context = &submit->earlier,
        .machine = &submit->machine,
    };
    int result;

    submit->earlier.store = submit->sweeps->store;
    result = hd_specification_parse(submit->submission.body, &options, &submit->errors, &submit->warnings, &submit->specification);
    if (result == 0 && submit->earlier.error.code == HD_NO_ERROR)
        earlier_warn(&submit->earlier, &submit->specification, &submit->warnings);
    if (submit->earlier.error.code != HD_NO_ERROR) {
        submit->error = submit->earlier.error;
    } else if (result == 0) {
        take_snapshot(submit);
        print_texts(submit);
    }
    earlier_end(&submit->earlier);
}

/* --- A snapshot whose sweep was not stored is removed, on the pool
 * ------------------------------------------------------------------------ */

static void remove_snapshot(uv_work_t *work)
{
    struct submit *submit = work->data;
    struct hd_error error = {0};

    if (snapshot_remove(submit->snapshot, &error) != 0)
        log_line(LOG_LEVEL_WARNING, "%s", error.message);
}

static void on_removed(uv_work_t *work, int status)
{
    (void)status;
    free_submit(work->data);
}

static void discard(struct submit *submit)
{
    if (submit->snapshot == NULL || lane_queue(&submit->sweeps->removals, &submit->work, remove_snapshot, on_removed) != 0)
        free_submit(submit);
}

static void fail(struct submit *submit, const struct hd_error *error)
{
    submit->submission.failed(&submit->submission, error);
    discard(submit);
}

/* The same submission came in twice at once: the other one is the sweep. */
static void withdraw(struct submit *submit)
{
    submit->submission.created(&submit->submission, submit->request.ret_key, true);
    discard(submit);
}

static void on_stored(struct store_write *write)
{
    struct submit *submit = (struct submit *)write;
    struct sweeps *sweeps = submit->sweeps;
    struct live_sweep *sweep = submit->live;

    if (write->result != 0) {
        fail(submit, &write->error);
        return;
    }
    if (submit->request.ret_repeated) {
        withdraw(submit);
        return;
    }
    log_line(LOG_LEVEL_INFO, "sweep %s created, experiment %s", submit->id, sweep->specification.experiment);
    submit->live = NULL;
    live_sweep_add(sweep, submit->request.ret_key);
    judge_open(sweep, submit->earlier.inherited.count == 0);
    submit->submission.created(&submit->submission, submit->request.ret_key, false);
    free_submit(submit);
    judges_play(sweeps);
    schedule(sweeps);
}

static void store(struct submit *submit)
{
    submit->live = live_sweep_new(submit->sweeps, submit->id, &submit->specification);
    if (submit->live == NULL) {
        hd_error_set(&submit->error, HD_UNAVAILABLE, "out of memory");
        fail(submit, &submit->error);
        return;
    }
    submit->request.id = submit->id;
    submit->request.specification = &submit->live->specification;
    submit->request.config = submit->config;
    submit->request.warnings = submit->warnings_json;
    submit->request.inherited = submit->earlier.inherited.list;
    submit->request.resumed = submit->earlier.resumed.list;
    submit->request.submission = submit->submission.name;
    submit->request.write.done = on_stored;
    if (store_create_sweep(submit->sweeps->store, &submit->request, &submit->error) != 0)
        fail(submit, &submit->error);
}

static void on_prepared(uv_work_t *work, int status)
{
    struct submit *submit = work->data;

    if (status != 0)
        hd_error_set(&submit->error, HD_UNAVAILABLE, "the daemon is stopping");
    if (submit->error.code == HD_NO_ERROR && (submit->errors.out_of_memory || submit->warnings.out_of_memory))
        hd_error_set(&submit->error, HD_UNAVAILABLE, "out of memory");
    if (submit->error.code != HD_NO_ERROR) {
        fail(submit, &submit->error);
    } else if (submit->errors.count > 0) {
        submit->submission.refused(&submit->submission, &submit->errors);
        free_submit(submit);
    } else {
        store(submit);
    }
}

/* The devices are known: it is checked against what there is. */
static void begin(void *data)
{
    struct submit *submit = data;
    struct hd_error error = {0};

    submit->machine = allocation_machine(&submit->sweeps->allocation);
    submit->machine.no_limits = launch_no_limits(submit->sweeps->launch);
    if (lane_queue(&submit->sweeps->snapshots, &submit->work, prepare, on_prepared) == 0)
        return;
    hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    fail(submit, &error);
}

void sweeps_submit(struct sweeps *sweeps, const struct sweeps_submission *submission)
{
    struct submit *submit = calloc(1, sizeof *submit);
    struct sweeps_submission refused = *submission;
    struct hd_error error = {0};

    if (submit != NULL) {
        submit->sweeps = sweeps;
        submit->submission = *submission;
        submit->work.work.data = submit;
        submit->snapshot_limit = sweeps->settings.snapshot_limit;
        make_id(submit->id);
        sweeps->submissions++;
        if (sweeps_when_devices_known(sweeps, begin, submit))
            return;
        sweeps->submissions--;
    }
    free(submit);
    hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    refused.failed(&refused, &error);
    cJSON_Delete(refused.body);
}
