/* Between the launcher and the store: what is launched, and what its events mean. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/program.h"
#include "core/retry.h"
#include "fault.h"
#include "live.h"
#include "log.h"

enum { TOKEN_SIZE = 256 };

struct running {
    struct store_running request; /* first: the write comes back as this */
    struct live_run *run;         /* lives on until its end is stored, which is written behind this */
    struct deadline retry;
    char boot_id[sizeof((struct launch_identity *)NULL)->boot_id];
};

/* --- Launch ------------------------------------------------------------------------------------------------------------------------------
 */

static int add_variable(struct hd_strings *environment, const char *name, const char *value)
{
    struct hd_text text = {0};
    char *string;
    int result;

    hd_text_format(&text, "%s=%s", name, value);
    string = hd_text_take(&text);
    if (string == NULL)
        return -1;
    result = hd_strings_add(environment, string);
    free(string);
    return result;
}

static bool has_variable(const struct hd_strings *environment, const char *variable)
{
    size_t length = strcspn(variable, "=");

    for (int i = 0; i < environment->count; i++)
        if (strncmp(environment->list[i], variable, length) == 0 && environment->list[i][length] == '=')
            return true;
    return false;
}

/* What is the daemon's own user's; the launcher tells of another one. */
static bool tells_user(const char *variable)
{
    static const char *const names[] = {"HOME=", "USER=", "LOGNAME=", "SHELL="};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The daemon's own variables, cleaned; the sweep's; ours (reference 8.4). */
static int build_environment(const struct live_run *run, const cJSON *configuration, const char *folder,
                             const struct hd_program_places *places, struct hd_strings *environment)
{
    const struct sweeps_settings *settings = &run->sweep->sweeps->settings;
    bool as_user = run->sweep->specification.run.run_as != NULL;
    struct hd_strings own = {0};
    char token[TOKEN_SIZE], attempt[16];
    int result = hd_program_environment(&run->sweep->specification, configuration, places, &own);

    /* Of two of one name, programs would take either. */
    for (char *const *variable = settings->environment; variable != NULL && *variable != NULL && result == 0; variable++)
        if (!has_variable(&own, *variable) && (!as_user || !tells_user(*variable)))
            result = hd_strings_add(environment, *variable);
    for (int i = 0; i < own.count && result == 0; i++)
        result = hd_strings_add(environment, own.list[i]);
    hd_strings_clear(&own);
    settings->run_token(settings->context, run->id, run->attempt, token, sizeof token);
    snprintf(attempt, sizeof attempt, "%d", run->attempt);
    if (result == 0)
        result = device_variables(run, environment);
    if (result == 0)
        result = add_variable(environment, "AZUREML_RUN_ID", run->id);
    if (result == 0)
        result = add_variable(environment, "HYPERDRIVE_URL", settings->url);
    if (result == 0 && settings->authorities != NULL)
        result = add_variable(environment, "HYPERDRIVE_CA_FILE", settings->authorities);
    if (result == 0)
        result = add_variable(environment, "HYPERDRIVE_RUN_ID", run->id);
    if (result == 0)
        result = add_variable(environment, "HYPERDRIVE_ATTEMPT", attempt);
    if (result == 0)
        result = add_variable(environment, "HYPERDRIVE_SWEEP_ID", run->sweep->id);
    if (result == 0)
        result = add_variable(environment, "HYPERDRIVE_RUN_DIR", folder);
    if (result == 0)
        result = add_variable(environment, "HYPERDRIVE_TOKEN", token);
    return result;
}

static char *join(const char *first, const char *second)
{
    struct hd_text text = {0};

    hd_text_format(&text, "%s/%s", first, second);
    return hd_text_take(&text);
}

static struct launch_limits limits_of(const struct hd_run_config *run)
{
    return (struct launch_limits){
        .memory = run->memory_limit_mb << 20, .processes = run->process_limit, .cpus = run->cpu_limit ? run->cpus_per_run : 0};
}

static struct launch_child *start(struct live_run *run, const char *folder, const char *snapshot, const char *resumed)
{
    const struct hd_specification *specification = &run->sweep->specification;
    struct hd_strings argv = {0}, environment = {0}, outputs = {0};
    struct launch_child *child = NULL;
    cJSON *configuration = hd_json_parse_own(run->configuration);
    char *output_folder = join(folder, "outputs"),
         *resumed_folder = sweeps_resumed_folder(run->sweep->sweeps->settings.state_dir, run->sweep->id, run->number);
    const struct hd_program_places places = {.outputs_directory = output_folder,
                                             .resume_directory = resumed != NULL ? resumed_folder : NULL};

    if (configuration != NULL && output_folder != NULL && resumed_folder != NULL &&
        hd_program_argv(specification, configuration, &places, &argv) == 0 &&
        build_environment(run, configuration, folder, &places, &environment) == 0 && folders_output_names(specification, &outputs) == 0) {
        struct launch_order order = {
            .run_id = run->id,
            .folder = folder,
            .attempt = run->attempt,
            .user = specification->run.run_as,
            .working_directory = specification->run.snapshot ? NULL : specification->run.source_directory,
            .snapshot = snapshot,
            .resumed = resumed,
            .output_directories = (const char *const *)outputs.list,
            .limits = limits_of(&specification->run),
            .ahead = run->sweep->ahead,
            .argv = argv.list,
            .environment = environment.list,
        };

        child = launch_start(run->sweep->sweeps->launch, &order, run);
    }
    cJSON_Delete(configuration);
    free(output_folder);
    free(resumed_folder);
    hd_strings_clear(&argv);
    hd_strings_clear(&environment);
    hd_strings_clear(&outputs);
    return child;
}

/* Whatever has become of it meanwhile: launching it again starts it, or finds its monitor, or the record of its end. */
static void launch_later(struct live_run *run, const char *for_what)
{
    log_line(LOG_LEVEL_ERROR, "run %s: no memory %s; tried again in a second", run->id, for_what);
    deadline_set_again(&run->sweep->sweeps->deadlines, &run->timeout);
}

/* Memory that is needed when it runs, when nobody can wait for it. */
static bool expect_start(struct live_run *run)
{
    if (run->start == NULL)
        run->start = calloc(1, sizeof *run->start);
    return run->start != NULL;
}

void children_launch(struct live_run *run)
{
    struct live_sweep *sweep = run->sweep;
    char *folder = sweeps_run_folder(sweep->sweeps->settings.state_dir, sweep->id, run->number);
    char *snapshot = NULL, *resumed = NULL;

    fault_point("after_intent");
    if (folder != NULL && expect_start(run) && folders_snapshot(sweep, &snapshot) == 0 && resumed_outputs(run, &resumed) == 0)
        run->child = start(run, folder, snapshot, resumed);
    if (run->child == NULL)
        launch_later(run, "to start it");
    else if (run->stopping)
        launch_stop(run->child);
    free(folder);
    free(snapshot);
    free(resumed);
}

/* While all children are ended none is started: this one's cancel is not stored yet. */
void children_launch_again(struct live_run *run)
{
    if (run->sweep->sweeps->ending && !run->stopping)
        deadline_set_again(&run->sweep->sweeps->deadlines, &run->timeout);
    else
        children_launch(run);
}

void children_adopt(struct live_run *run, const struct launch_identity *identity)
{
    struct live_sweep *sweep = run->sweep;
    char *folder = sweeps_run_folder(sweep->sweeps->settings.state_dir, sweep->id, run->number);

    fault_point("before_adoption");
    if (folder != NULL)
        run->child = launch_adopt(sweep->sweeps->launch, run->id, folder, run->attempt, identity, run);
    if (run->child == NULL)
        launch_later(run, "to watch it");
    else if (run->stopping)
        launch_stop(run->child);
    free(folder);
}

/* --- The program was executed ------------------------------------------------------------------------------------------------------------
 */

void children_free_start(struct live_run *run)
{
    if (run->start == NULL)
        return;
    deadline_clear(&run->sweep->sweeps->deadlines, &run->start->retry);
    free(run->start);
    run->start = NULL;
}

/* The end tells the start, too, and so does the next look for a run that is taken up: with these there is nothing to try again. */
static void try_start_later(struct running *running, const struct hd_error *error)
{
    struct live_run *run = running->run;
    struct sweeps *sweeps = run->sweep->sweeps;

    if (sweeps->closing || run->end != NULL || run->start != NULL) {
        free(running);
        return;
    }
    log_line(LOG_LEVEL_WARNING, "run %s: its start could not be stored, tried again in a second: %s", run->id, error->message);
    run->start = running;
    deadline_set_again(&sweeps->deadlines, &running->retry);
}

static void on_running_stored(struct store_write *write)
{
    struct running *running = (struct running *)write;

    if (write->result != 0) {
        try_start_later(running, &write->error);
        return;
    }
    if (running->request.ret_status == HD_CANCEL_REQUESTED)
        control_stop_run(running->run);
    free(running);
}

static void write_start(struct running *running)
{
    struct hd_error error = {0};

    if (store_running(running->run->sweep->sweeps->store, &running->request, &error) != 0)
        try_start_later(running, &error);
}

static void on_retry(struct deadline *deadline)
{
    struct running *running = (struct running *)((char *)deadline - offsetof(struct running, retry));

    running->run->start = NULL;
    write_start(running);
}

static void on_running(struct launch_child *child, void *data, const struct launch_identity *identity, int64_t started_us)
{
    struct live_run *run = data;
    struct running *running = run->start;

    (void)child;
    fault_point("after_spawn");
    run->started_us = started_us;
    run->sweep->told_of_waiting = false;
    control_watch_timeout(run);
    folders_prepare(run->sweep);
    run->start = NULL;
    running->run = run;
    running->retry.reached = on_retry;
    memcpy(running->boot_id, identity->boot_id, sizeof running->boot_id);
    running->request = (struct store_running){
        .run = run->key,
        .started_us = started_us,
        .monitor_pid = identity->pid,
        .monitor_ticks = identity->start_ticks,
        .boot_id = running->boot_id,
        .write = {.done = on_running_stored},
    };
    write_start(running);
}

/* --- The attempt is over -----------------------------------------------------------------------------------------------------------------
 */

static void tidy(const struct live_run *run)
{
    const struct live_sweep *sweep = run->sweep;
    char *folder = sweeps_run_folder(sweep->sweeps->settings.state_dir, sweep->id, run->number);
    char *snapshot;

    if (folders_snapshot(sweep, &snapshot) == 0 && folder != NULL)
        launch_tidy(sweep->sweeps->launch, folder, run->attempt, snapshot);
    free(folder);
    free(snapshot);
}

static enum store_end_kind end_kind(const struct launch_end *end)
{
    switch (end->kind) {
    case LAUNCH_EXITED:
        return STORE_EXITED;
    case LAUNCH_SIGNALED:
        return STORE_SIGNALED;
    case LAUNCH_NOT_STARTED:
        return STORE_NOT_STARTED;
    case LAUNCH_STOPPED_EARLY:
        return STORE_STOPPED_EARLY;
    case LAUNCH_LOST:
        break;
    }
    return STORE_LOST;
}

struct ending {
    struct store_end request; /* first: the write comes back as this */
    struct live_run *run;
};

void children_free_end(struct live_run *run)
{
    if (run->end == NULL)
        return;
    free((char *)run->end->request.message);
    free((char *)run->end->request.last_output);
    free((char *)run->end->request.memory);
    free(run->end);
    run->end = NULL;
}

static void try_end_later(struct live_run *run, const struct hd_error *error)
{
    log_line(LOG_LEVEL_ERROR, "run %s: its end could not be stored, tried again in a second: %s", run->id, error->message);
    deadline_set_again(&run->sweep->sweeps->deadlines, &run->timeout);
}

/* The next attempt keeps the run's slot, so that it starts with the commit that has ended the one before. */
static void launch_next_attempt(struct live_run *run, int attempt)
{
    fault_point("before_next_attempt");
    children_free_end(run);
    run->attempt = attempt;
    run->started_us = 0;
    if (!run->sweep->sweeps->closing && !run->sweep->sweeps->ending)
        children_launch(run);
}

static void on_end_stored(struct store_write *write)
{
    struct ending *ending = (struct ending *)write;
    struct live_run *run = ending->run;
    struct live_sweep *sweep = run->sweep;
    struct sweeps *sweeps = sweep->sweeps;
    struct store_sweep_state state = ending->request.ret_sweep;

    sweep->writes--;
    if (write->result != 0) {
        if (!sweeps->closing)
            try_end_later(run, &write->error);
        return;
    }
    if (ending->request.ret_status == HD_QUEUED) {
        launch_next_attempt(run, ending->request.ret_attempt);
        control_check_ended(sweeps);
        return;
    }
    fault_point("after_exit");
    log_line(LOG_LEVEL_DEBUG, "run %s ended: %s", run->id, hd_status_name(ending->request.ret_status));
    if (!sweeps->closing)
        tidy(run);
    control_run_ended(run, &state);
    schedule(sweeps);
    control_check_ended(sweeps);
}

void children_write_end(struct live_run *run)
{
    struct sweeps *sweeps = run->sweep->sweeps;
    struct hd_error error = {0};

    if (store_end(sweeps->store, &run->end->request, &error) != 0) {
        try_end_later(run, &error);
        return;
    }
    run->sweep->writes++;
}

bool children_end_failed(const struct live_run *run)
{
    const struct store_end *end = &run->end->request;

    return !run->stopping && !(end->kind == STORE_EXITED && end->exit_code == 0);
}

/* The next attempt has the devices of this one, unless they were taken out of service: then others, if there are some. */
static void end_with_retry(void *data)
{
    struct live_run *run = data;

    devices_renew(run);
    run->end->request.devices = run->grant != NULL ? run->grant->json : NULL;
    children_write_end(run);
}

/* Its place is free from here on: what is generated next stands behind the end in the writer's queue, mostly in the same commit. Where
 * another attempt is likely the commit decides. */
static void leave(struct live_run *run)
{
    struct live_sweep *sweep = run->sweep;

    if (run->end->request.retry) {
        if (!sweeps_when_devices_known(sweep->sweeps, end_with_retry, run))
            end_with_retry(run);
        return;
    }
    run->writing_end = true;
    sweep->live--;
    slot_release(run);
    sweep->resting = false;
    children_write_end(run);
    schedule(sweep->sweeps);
}

static bool is_retry_wanted(const struct live_run *run, const struct launch_end *end)
{
    struct hd_failure failure = {.exit_code = end->exit_code, .output = end->last_output};

    if (run->stopping || end->kind == LAUNCH_NOT_STARTED || end->kind == LAUNCH_STOPPED_EARLY ||
        (end->kind == LAUNCH_EXITED && end->exit_code == 0))
        return false;
    failure.out_of_memory = end->oom != OOM_NO;
    failure.kind = end->kind == LAUNCH_EXITED ? HD_FAILED_EXIT : end->kind == LAUNCH_SIGNALED ? HD_FAILED_SIGNAL : HD_FAILED_LOST;
    return hd_retry_wanted(&run->sweep->specification.run, run->attempt, &failure);
}

/* End of a sentence about a child whose processes the kernel has killed for want of memory. */
static int memory_message(const struct live_run *run, const struct launch_end *end, const char **ret_message)
{
    int64_t limit_mb = run->sweep->specification.run.memory_limit_mb;
    struct hd_text text = {0};

    if (end->oom == OOM_NO)
        return 0;
    if (end->oom == OOM_PROBABLY)
        hd_text_add_string(&text, "probably by the kernel for want of memory, for which it has killed processes meanwhile");
    else
        hd_text_add_string(&text, end->kind == LAUNCH_SIGNALED && end->signal == SIGKILL
                                      ? "by the kernel for want of memory"
                                      : "the kernel has killed processes of it for want of memory");
    if (end->oom == OOM_YES && limit_mb > 0)
        hd_text_format(&text, ", at its limit of %" PRId64 " MiB", limit_mb);
    *ret_message = hd_text_take(&text);
    return *ret_message != NULL ? 0 : -1;
}

static void leave_end(struct live_run *run)
{
    children_free_end(run);
    launch_later(run, "for its end");
}

static void take_in_spool(struct live_run *run)
{
    struct live_sweep *sweep = run->sweep;
    char *folder = sweeps_run_folder(sweep->sweeps->settings.state_dir, sweep->id, run->number);

    if (folder == NULL || spool_take_in(run, folder, leave) != 0)
        leave_end(run);
    free(folder);
}

static void on_ended(struct launch_child *child, void *data, const struct launch_end *end)
{
    struct live_run *run = data;
    struct live_sweep *sweep = run->sweep;
    struct ending *ending = calloc(1, sizeof *ending);

    (void)child;
    fault_point("at_exit");
    run->child = NULL;
    children_free_start(run);
    deadline_clear(&sweep->sweeps->deadlines, &run->timeout);
    if (ending != NULL) {
        ending->run = run;
        ending->request = (struct store_end){
            .run = run->key,
            .attempt = run->attempt,
            .retry = is_retry_wanted(run, end),
            .kind = end_kind(end),
            .exit_code = end->exit_code,
            .signal = end->signal,
            .started_us = end->started_us,
            .ended_us = end->ended_us,
            .peak_memory = end->peak_memory,
            .cpu_us = end->cpu_us,
            .message = strdup(end->error.message),
            .last_output = strdup(end->last_output),
            .write = {.done = on_end_stored},
        };
        run->end = ending;
    }
    if (ending == NULL || memory_message(run, end, &ending->request.memory) != 0 || ending->request.message == NULL ||
        ending->request.last_output == NULL) {
        leave_end(run);
        return;
    }
    if (end->started_us == 0)
        leave(run);
    else
        take_in_spool(run);
}

static void on_waiting(struct launch_child *child, void *data, const struct hd_error *error)
{
    struct live_run *run = data;
    bool space = error->code == HD_STORAGE_FULL;
    char message[HD_ERROR_MESSAGE_SIZE];

    (void)child;
    if (run->sweep->told_of_waiting)
        return;
    run->sweep->told_of_waiting = true;
    (void)snprintf(message, sizeof message, "children wait until %s: %.900s",
                   space ? "there is space on the disk" : "the daemon can start processes again", error->message);
    sweep_note(run->sweep, true, space ? "WaitingForSpace" : "WaitingForProcesses", message);
}

/* Its slot and devices stay taken. */
static void on_lingering(struct launch_child *child, void *data)
{
    struct live_run *run = data;
    char message[HD_ERROR_MESSAGE_SIZE];

    (void)child;
    (void)snprintf(message, sizeof message, "processes of run %s do not die; what it was given stays taken until they do", run->id);
    sweep_note(run->sweep, true, "ProcessesLeft", message);
}

const struct launch_events children_events = {.waiting = on_waiting, .running = on_running, .lingering = on_lingering, .ended = on_ended};
