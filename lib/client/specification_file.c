#include "specification_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/json.h"
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
    fclose(file);
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

/* The folder that relative paths in the file begin at. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder, *absolute;

    if (strcmp(path, "-") == 0 || slash == NULL) {
        return realpath(".", NULL);
    }
    folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    absolute = folder != NULL ? realpath(folder, NULL) : NULL;
    free(folder);
    return absolute;
}

static int make_absolute(cJSON *specification, const char *path, struct hd_error *error)
{
    cJSON *run_config = cJSON_GetObjectItemCaseSensitive(specification, "run_config");
    cJSON *directory = cJSON_GetObjectItemCaseSensitive(run_config, "source_directory"), *replacement;
    struct hd_text joined = {0};
    char *folder, *resolved;

    if (!cJSON_IsString(directory) || directory->valuestring[0] == '/' || directory->valuestring[0] == '\0') {
        return 0;
    }
    folder = folder_of(path);
    if (folder == NULL) {
        return hd_error_system(error, HD_INVALID, errno, "cannot find the folder of %s", path);
    }
    hd_text_format(&joined, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, directory->valuestring);
    free(folder);
    /* One that does not exist is sent as it is: the daemon's answer says which it was. */
    resolved = joined.failed ? NULL : realpath(joined.data, NULL);
    replacement = joined.failed ? NULL : cJSON_CreateString(resolved != NULL ? resolved : joined.data);
    free(resolved);
    hd_text_clear(&joined);
    if (replacement == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(run_config, "source_directory", replacement)) {
        cJSON_Delete(replacement);
        return out_of_memory(error);
    }
    return 0;
}

cJSON *specification_file_read(const char *path, struct hd_error *error)
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
    hd_text_clear(&text);
    if (json != NULL && !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        hd_error_set(error, HD_INVALID, "%s must hold an object: the fields of a sweep, as hyperparameter_sampling and run_config", name);
        return NULL;
    }
    if (json != NULL && make_absolute(json, path, error) < 0) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}
