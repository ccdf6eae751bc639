#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "specification_parts.h"

/* run_config.retry_on: the causes for which a failed attempt is followed by another one. */

#define CAUSES "signal, lost, out_of_memory, {\"exit_code\": [...]}, {\"pattern\": \"...\"}"

enum { NAME_SIZE = 64, PATTERN_MAX = 200 };

static const char *member_name(char name[NAME_SIZE], const struct hd_field *field, int index, const char *member)
{
    snprintf(name, NAME_SIZE, "%s[%d]%s%s", field->name, index, *member == '\0' ? "" : ".", member);
    return name;
}

static cJSON *read_codes(const struct hd_fields *fields, const char *name, const cJSON *codes)
{
    bool good = cJSON_IsArray(codes) && codes->child != NULL;
    const cJSON *code;

    cJSON_ArrayForEach(code, codes)
    {
        int64_t value;
        good = good && hd_json_integer(code, &value) && value >= 1 && value <= 255;
    }
    if (!good) {
        hd_fields_out_of_range(fields, name, "an array of integers between 1 and 255", codes);
        return json_new(cJSON_NULL);
    }
    cJSON *list = json_new(cJSON_Array);
    cJSON_ArrayForEach(code, codes)
    {
        int64_t value = 0;
        cJSON *item = hd_json_integer(code, &value) && list != NULL ? hd_json_new_integer(value) : NULL;
        if (item == NULL) {
            cJSON_Delete(list);
            return NULL;
        }
        json_append(list, item);
    }
    return list;
}

/* References back and counted repetitions can take the system's matcher beyond all bounds of time and memory. */
static bool is_bounded(const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '{') {
            return false;
        }
        if (*pattern == '\\' && pattern[1] != '\0') {
            pattern++;
            if (*pattern >= '1' && *pattern <= '9') {
                return false;
            }
        }
    }
    return true;
}

static cJSON *read_pattern(const struct hd_fields *fields, const char *name, const cJSON *pattern)
{
    regex_t compiled;
    char reason[128];

    if (!cJSON_IsString(pattern)) {
        hd_fields_wrong_type(fields, name, "a string", pattern);
    } else if (pattern->valuestring[0] == '\0' || strlen(pattern->valuestring) > PATTERN_MAX) {
        hd_fields_out_of_range(fields, name, "1 to 200 bytes long", pattern);
    } else if (!is_bounded(pattern->valuestring)) {
        hd_fields_problem(fields, fields->errors, "NotAllowed", name,
                          " must be an extended regular expression without references (\\1) and counted repetitions ({2})");
    } else {
        int result = regcomp(&compiled, pattern->valuestring, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
        if (result == 0) {
            regfree(&compiled);
            return json_copy(pattern);
        }
        (void)regerror(result, &compiled, reason, sizeof reason);
        hd_fields_problem(fields, fields->errors, "NotAllowed", name, " must be an extended regular expression: %s", reason);
    }
    return json_new(cJSON_NULL);
}

/* One cause as the output has it; NULL when memory is short. What is wrong becomes null. */
static cJSON *read_cause(const struct hd_fields *fields, const struct hd_field *field, int index, const cJSON *cause)
{
    const cJSON *member = cJSON_IsObject(cause) && cJSON_GetArraySize(cause) == 1 ? cause->child : NULL;
    char name[NAME_SIZE], choice[16];

    if (cJSON_IsString(cause) && hd_field_choice("signal, lost, out_of_memory", cause->valuestring, choice, sizeof choice)) {
        return json_new_string(choice);
    }
    bool codes = member != NULL && strcmp(member->string, "exit_code") == 0;
    if (!codes && (member == NULL || strcmp(member->string, "pattern") != 0)) {
        hd_fields_not_allowed(fields, member_name(name, field, index, ""), CAUSES, cause);
        return json_new(cJSON_NULL);
    }
    member_name(name, field, index, member->string);
    cJSON *value = codes ? read_codes(fields, name, member) : read_pattern(fields, name, member);
    cJSON *object = json_new(cJSON_Object);
    if (object == NULL) {
        cJSON_Delete(value);
        return NULL;
    }
    if (!json_append_member(object, member->string, value)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

/* Causes that lead to nothing: whoever gives some wants retries. The default may have come from another sweep's configuration. */
static void warn_without_retries(const struct hd_fields *fields, const struct hd_field *field, const cJSON *causes)
{
    const cJSON *retries = cJSON_GetObjectItemCaseSensitive(fields->output, "max_retries");
    cJSON *usual = hd_json_parse_own(field->absent);

    fields->errors->out_of_memory |= usual == NULL;
    if (!hd_run_is_client(fields) && cJSON_IsNumber(retries) && retries->valuedouble == 0 && causes->child != NULL && usual != NULL &&
        !hd_json_equal(causes, usual)) {
        hd_fields_problem(fields, fields->warnings, "Ignored", field->name,
                          " has no effect while 'run_config.max_retries' is 0; say there how often a child may be started again");
    }
    cJSON_Delete(usual);
}

void hd_read_retry_on(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = hd_field_check(fields, field), *cause;
    int index = 0;

    if (given == NULL) {
        hd_fields_put(fields, field->name, hd_json_parse_own(field->absent));
        return;
    }
    cJSON *list = json_new(cJSON_Array);
    cJSON_ArrayForEach(cause, given)
    {
        cJSON *read = list == NULL ? NULL : read_cause(fields, field, index++, cause);
        if (read == NULL) {
            cJSON_Delete(list);
            fields->errors->out_of_memory = true;
            return;
        }
        json_append(list, read);
    }
    warn_without_retries(fields, field, given);
    hd_fields_put(fields, field->name, list);
}
