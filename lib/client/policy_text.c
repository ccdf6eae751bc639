#include "policy_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

/* A number, true, false or null as JSON has it; anything else is a string. */
static cJSON *read_value(const char *text)
{
    cJSON *value = hd_json_parse_own(text);

    if (value != NULL && !cJSON_IsObject(value) && !cJSON_IsArray(value)) {
        return value;
    }
    cJSON_Delete(value);
    return cJSON_CreateString(text);
}

/* `name=value`; the first word may be the type alone. */
static bool read_word(cJSON *policy, char *word, struct hd_problems *problems)
{
    char *equals = strchr(word, '=');
    const char *name = equals != NULL ? word : "type";
    cJSON *value;

    if (equals == word || (equals == NULL && policy->child != NULL)) {
        hd_problems_add(problems, "WrongType", "policy", "'policy' must be TYPE,NAME=VALUE,..., got '%s' where NAME=VALUE is wanted", word);
        return false;
    }
    if (equals != NULL) {
        *equals = '\0';
    }
    if (cJSON_HasObjectItem(policy, name)) {
        hd_problems_add(problems, "Duplicate", "policy", "'policy.%s' is given twice", name);
        return false;
    }
    value = equals != NULL ? read_value(equals + 1) : cJSON_CreateString(word);
    if (value != NULL && cJSON_AddItemToObject(policy, name, value)) {
        return true;
    }
    cJSON_Delete(value);
    problems->out_of_memory = true;
    return false;
}

cJSON *policy_text_read(const char *text, struct hd_problems *problems)
{
    char *copy = NULL, *rest, *word;
    cJSON *policy;
    bool right = true;

    if (text[strspn(text, " \t\n")] == '{') {
        return hd_json_parse(text, strlen(text), problems);
    }
    policy = cJSON_CreateObject();
    rest = copy = strdup(text);
    if (policy == NULL || copy == NULL) {
        problems->out_of_memory = true;
        right = false;
    }
    while (right && (word = strsep(&rest, ",")) != NULL) {
        right = read_word(policy, word, problems);
    }
    free(copy);
    if (!right) {
        cJSON_Delete(policy);
        policy = NULL;
    }
    return policy;
}
