#include "retry.h"

#include <regex.h>
#include <string.h>

#include "json.h"

static bool has_code(const cJSON *codes, int code)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, codes)
    {
        if (item->valuedouble == code) {
            return true;
        }
    }
    return false;
}

/* A pattern that was checked; without memory for it nothing matches. */
static bool matches(const char *pattern, const char *output)
{
    regex_t compiled;

    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0) {
        return false;
    }
    bool found = regexec(&compiled, output, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static bool is_cause(const cJSON *cause, const struct hd_failure *failure)
{
    static const char *const names[] = {[HD_FAILED_SIGNAL] = "signal", [HD_FAILED_LOST] = "lost"};

    if (cJSON_IsString(cause) && strcmp(cause->valuestring, "out_of_memory") == 0) {
        return failure->out_of_memory;
    }
    if (cJSON_IsString(cause)) {
        return failure->kind != HD_FAILED_EXIT && strcmp(cause->valuestring, names[failure->kind]) == 0;
    }
    const cJSON *codes = cJSON_GetObjectItemCaseSensitive(cause, "exit_code");
    if (codes != NULL) {
        return failure->kind == HD_FAILED_EXIT && has_code(codes, failure->exit_code);
    }
    return matches(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cause, "pattern")), failure->output);
}

bool hd_retry_wanted(const struct hd_run_config *run, int attempt, const struct hd_failure *failure)
{
    const cJSON *cause;

    if (attempt > run->max_retries) {
        return false;
    }
    cJSON_ArrayForEach(cause, run->retry_on)
    {
        if (is_cause(cause, failure)) {
            return true;
        }
    }
    return false;
}
