#include "specification_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/json.h"
#include "specification_paths.h"
#include "yaml_json.h"

static int out_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

static int read_all(FILE *file, const char *name, struct hd_text *text, struct hd_error *error)
{
    char bytes[65536];
    size_t length;

    while ((length = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        hd_text_add(text, bytes, length);
        if (text->failed) {
            return out_of_memory(error);
        }
        if (text->length > YAML_JSON_SIZE) {
            return hd_error_set(error, HD_TOO_LARGE, "%s is larger than %d MiB", name, YAML_JSON_SIZE / (1024 * 1024));
        }
    }
    if (ferror(file)) {
        return hd_error_system(error, HD_INVALID, errno, "cannot read %s", name);
    }
    return 0;
}

static int read_path(const char *path, const char *name, struct hd_text *text, struct hd_error *error)
{
    FILE *file;
    int result;

    if (strcmp(path, "-") == 0) {
        return read_all(stdin, name, text, error);
    }
    file = fopen(path, "re");
    if (file == NULL) {
        return hd_error_system(error, HD_INVALID, errno, "cannot open %s", name);
    }
    result = read_all(file, name, text, error);
    (void)fclose(file);
    return result;
}

static bool is_json(const char *path, const struct hd_text *text)
{
    const char *extension = strrchr(path, '.');

    if (extension != NULL && strcasecmp(extension, ".json") == 0) {
        return true;
    }
    if (extension != NULL && (strcasecmp(extension, ".yaml") == 0 || strcasecmp(extension, ".yml") == 0)) {
        return false;
    }
    return text->data != NULL && text->data[strspn(text->data, " \t\r\n")] == '{';
}

static cJSON *parse_json(const struct hd_text *text, const char *name, struct hd_error *error)
{
    static const char general[] = "the body";
    struct hd_problems problems = {0};
    cJSON *json = hd_json_parse(text->data != NULL ? text->data : "", text->length, &problems);

    if (json == NULL && problems.count > 0) {
        const char *message = problems.list[0].message;
        bool body = strncmp(message, general, sizeof(general) - 1) == 0;

        /* What the daemon calls the body is a file here. */
        hd_error_set(error, HD_INVALID, body ? "%s%s" : "%s: %s", name, body ? message + sizeof(general) - 1 : message);
    } else if (json == NULL) {
        out_of_memory(error);
    }
    hd_problems_clear(&problems);
    return json;
}

cJSON *specification_file_read(const char *path, struct hd_text *ret_text, struct hd_error *error)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct hd_text text = {0};
    cJSON *json = NULL;
    int result = read_path(path, name, &text, error);

    if (result == 0 && is_json(path, &text)) {
        json = parse_json(&text, name, error);
    } else if (result == 0) {
        json = yaml_json_parse(text.data != NULL ? text.data : "", text.length, error);
        if (json == NULL) {
            hd_error_wrap(error, "%s", name);
        }
    }
    *ret_text = text;
    if (json != NULL && !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        hd_error_set(error, HD_INVALID,
                     "%s must hold an object: the fields of a sweep, as hyperparameter_sampling and run_config, or a sweep job", name);
        return NULL;
    }
    if (json != NULL && specification_paths_resolve(json, path, error) < 0) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}
