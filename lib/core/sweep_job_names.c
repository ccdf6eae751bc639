#include <stdlib.h>
#include <string.h>

#include "sweep_job.h"
#include "sweep_job_parts.h"
#include "text.h"

struct job_name {
    char *theirs, *ours; /* owned */
};

/* Fields of a job, and what each becomes. A field of section 4 that stands here twice has the name of its first row in findings. */
static const struct {
    const char *theirs, *ours;
} NAMES[] = {
    {"name", "name"},
    {"display_name", "display_name"},
    {"description", "description"},
    {"tags", "tags"},
    {"experiment_name", "experiment"},
    {"sampling_algorithm", "hyperparameter_sampling.type"},
    {"sampling_algorithm.type", "hyperparameter_sampling.type"},
    {"sampling_algorithm.seed", "hyperparameter_sampling.seed"},
    {"sampling_algorithm.rule", "hyperparameter_sampling.rule"},
    {"sampling_algorithm.logbase", "hyperparameter_sampling.logbase"},
    {"search_space", "hyperparameter_sampling.parameter_space"},
    {"objective.primary_metric", "primary_metric_name"},
    {"objective.goal", "primary_metric_goal"},
    {"early_termination", "policy"},
    {"limits.max_total_trials", "max_total_runs"},
    {"limits.max_concurrent_trials", "max_concurrent_runs"},
    {"limits.timeout", "max_duration_seconds"},
    {"limits.trial_timeout", "trial_timeout_seconds"},
    {"trial.limits.timeout", "trial_timeout_seconds"},
    {"compute", "run_config.compute_target"},
    {"trial.command", "run_config.command"},
    {"trial.code", "run_config.source_directory"},
    {"trial.environment_variables", "run_config.environment_variables"},
    {"inputs", "run_config.inputs"},
    {"outputs", "run_config.outputs"},
    {"trial.inputs", "run_config.inputs"},
    {"trial.outputs", "run_config.outputs"},
    {"trial", "run_config"},
    {"hyperdrived.initial_failure_limit", "initial_failure_limit"},
    {"hyperdrived.nested_arguments", "nested_arguments"},
    {"hyperdrived.resume_from", "resume_from"},
    {"hyperdrived.resume_child_runs", "resume_child_runs"},
    {"hyperdrived.gpus_per_run", "run_config.gpus_per_run"},
    {"hyperdrived.cpus_per_run", "run_config.cpus_per_run"},
    {"hyperdrived.memory_limit_mb", "run_config.memory_limit_mb"},
    {"hyperdrived.process_limit", "run_config.process_limit"},
    {"hyperdrived.cpu_limit", "run_config.cpu_limit"},
    {"hyperdrived.max_retries", "run_config.max_retries"},
    {"hyperdrived.retry_on", "run_config.retry_on"},
    {"hyperdrived.run_as", "run_config.run_as"},
    {"hyperdrived.launcher", "run_config.launcher"},
    {"hyperdrived.snapshot", "run_config.snapshot"},
};
enum { NAME_COUNT = sizeof NAMES / sizeof *NAMES };

const char *job_name_of(const char *theirs)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(NAMES[i].theirs, theirs) == 0) {
            return NAMES[i].ours;
        }
    }
    return NULL;
}

const char *hd_sweep_job_field(const cJSON *body, const char *path)
{
    for (size_t i = 0; hd_sweep_job_is(body) && i < NAME_COUNT; i++) {
        if (strcmp(NAMES[i].ours, path) == 0) {
            return NAMES[i].theirs;
        }
    }
    return path;
}

void job_note_name(const struct hd_fields *fields, const char *ours, const char *theirs)
{
    struct job *job = fields->context;
    struct job_name *names = reallocarray(job->names, job->name_count + 1, sizeof *names);

    if (names != NULL) {
        job->names = names;
        names[job->name_count] = (struct job_name){strdup(theirs), strdup(ours)};
        if (names[job->name_count].theirs != NULL && names[job->name_count].ours != NULL) {
            job->name_count++;
            return;
        }
        free(names[job->name_count].theirs);
        free(names[job->name_count].ours);
    }
    fields->errors->out_of_memory = true;
}

void job_names_clear(struct job *job)
{
    for (size_t i = 0; i < job->name_count; i++) {
        free(job->names[i].theirs);
        free(job->names[i].ours);
    }
    free(job->names);
    job->names = NULL;
    job->name_count = 0;
}

/* Length of `name` if the path at `text` is it or goes on below it, else 0. */
static size_t matches(const char *text, const char *name)
{
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && strchr("'.[", text[length]) != NULL ? length : 0;
}

/* The job's name for the longest beginning of the path at `text` that has one; *ret_length is that of the beginning, 0 if there is none. */
static const char *longest_name(const struct job *job, const char *text, size_t *ret_length)
{
    const char *found = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < job->name_count; i++) {
        size_t length = matches(text, job->names[i].ours);
        if (length > longest) {
            longest = length;
            found = job->names[i].theirs;
        }
    }
    for (size_t i = 0; i < NAME_COUNT; i++) {
        size_t length = matches(text, NAMES[i].ours);
        if (length > longest) {
            longest = length;
            found = NAMES[i].theirs;
        }
    }
    *ret_length = longest;
    return found;
}

/* A parameter may be named as a field is. Sentences that speak of parameters have a target inside of an object: there, what is quoted
 * without a dot is a field only if the target is in it. */
static bool may_be_field(const char *quoted, size_t length, const char *target)
{
    if (quoted[length] != '\'' || memchr(quoted, '.', length) != NULL || target == NULL || strchr(target, '.') == NULL) {
        return true;
    }
    return strncmp(quoted, target, length) == 0 && target[length] == '.';
}

/* A sentence with every quoted path in it renamed, up to the value that came, which is the user's own. */
static char *translate_sentence(const struct job *job, const char *sentence, const char *target)
{
    const char *got = strstr(sentence, ", got "), *end = got != NULL ? got : sentence + strlen(sentence);
    struct hd_text text = {0};

    for (const char *at = sentence; *at != '\0';) {
        size_t length = 0;
        const char *name = at < end && *at == '\'' ? longest_name(job, at + 1, &length) : NULL;
        hd_text_add_char(&text, *at++);
        if (name != NULL && may_be_field(at, length, target)) {
            hd_text_add_string(&text, name);
            at += length;
        }
    }
    return hd_text_take(&text);
}

static char *translate_target(const struct job *job, const char *target)
{
    struct hd_text quoted = {0}, text = {0};
    size_t length = 0;

    hd_text_format(&quoted, "%s'", target); /* matches() wants to see where a path ends */
    const char *name = quoted.failed ? NULL : longest_name(job, quoted.data, &length);
    hd_text_add_string(&text, name == NULL ? "" : name);
    hd_text_add_string(&text, target + length);
    text.failed = text.failed || quoted.failed;
    hd_text_clear(&quoted);
    return hd_text_take(&text);
}

/* Is one of two fields the other, or inside of it? */
static bool related(const char *a, const char *b)
{
    size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

    return strncmp(a, b, length) == 0 && (a[length] == '\0' || strchr(".[", a[length]) != NULL) &&
           (b[length] == '\0' || strchr(".[", b[length]) != NULL);
}

static bool is_known(const struct hd_problems *errors, size_t count, const char *target)
{
    for (size_t i = 0; i < count; i++) {
        if (errors->list[i].target != NULL && related(errors->list[i].target, target)) {
            return true;
        }
    }
    return false;
}

void job_translate_problems(const struct hd_fields *fields, const struct hd_problems *found, struct hd_problems *ret_problems)
{
    const struct job *job = fields->context;
    size_t before = fields->errors->count; /* of those that are added here none hides another */

    for (size_t i = 0; i < found->count; i++) {
        const struct hd_problem *problem = &found->list[i];
        char *target = problem->target == NULL ? NULL : translate_target(job, problem->target);
        char *message = translate_sentence(job, problem->message, problem->target);

        if (message == NULL || (target == NULL && problem->target != NULL)) {
            ret_problems->out_of_memory = true;
        } else if (target == NULL || !is_known(fields->errors, before, target)) {
            hd_problems_add(ret_problems, problem->code, target, "%s", message);
        }
        free(target);
        free(message);
    }
    ret_problems->dropped += found->dropped;
    ret_problems->out_of_memory |= found->out_of_memory;
}
