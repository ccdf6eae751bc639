#include "specification_paths.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/sweep_job.h"
#include "core/text.h"

enum { EXPERIMENT_MAX = 256 };

/* Where paths stand: the object at `objects` has them under `name`, or, with `each`, every object that is a member of it. */
static const struct {
    const char *objects[2];
    bool each;
    const char *name;
} places[] = {
    {{"run_config", NULL}, false, "source_directory"},
    {{"run_config", "inputs"}, true, "path"},
    {{"trial", NULL}, false, "code"},
    {{"trial", "inputs"}, true, "path"},
    {{"inputs", NULL}, true, "path"},
};

static int out_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
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

static bool is_relative(const char *path)
{
    return path[0] != '/' && path[0] != '\0' && strstr(path, "://") == NULL && strncasecmp(path, "azureml:", 8) != 0 &&
           strncmp(path, "git@", 4) != 0;
}

static int resolve_member(cJSON *object, const char *name, const char *folder, struct hd_error *error)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(object, name);
    struct hd_text joined = {0};
    cJSON *replacement;
    char *resolved;

    if (!cJSON_IsString(given) || !is_relative(given->valuestring)) {
        return 0;
    }
    hd_text_format(&joined, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, given->valuestring);
    /* One that does not exist is sent as it is: the daemon's answer says which it was. */
    resolved = joined.failed ? NULL : realpath(joined.data, NULL);
    replacement = joined.failed ? NULL : cJSON_CreateString(resolved != NULL ? resolved : joined.data);
    free(resolved);
    hd_text_clear(&joined);
    if (replacement == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(object, name, replacement)) {
        cJSON_Delete(replacement);
        return out_of_memory(error);
    }
    return 0;
}

static int resolve_paths(cJSON *specification, const char *folder, struct hd_error *error)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(places) / sizeof(places[0]); i++) {
        cJSON *object = cJSON_GetObjectItemCaseSensitive(specification, places[i].objects[0]);

        if (places[i].objects[1] != NULL) {
            object = cJSON_GetObjectItemCaseSensitive(object, places[i].objects[1]);
        }
        if (!places[i].each) {
            result = resolve_member(object, places[i].name, folder, error);
            continue;
        }
        for (cJSON *member = object != NULL ? object->child : NULL; result == 0 && member != NULL; member = member->next) {
            result = resolve_member(member, places[i].name, folder, error);
        }
    }
    return result;
}

static bool has_control_character(const char *name)
{
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7F) {
            return true;
        }
    }
    return false;
}

/* A folder whose name cannot be one of an experiment gives none. */
static int name_experiment(cJSON *job, const char *folder, struct hd_error *error)
{
    const char *name = strrchr(folder, '/') + 1;

    if (!hd_sweep_job_is(job) || cJSON_GetObjectItemCaseSensitive(job, "experiment_name") != NULL || name[0] == '\0' ||
        strlen(name) > EXPERIMENT_MAX || has_control_character(name)) {
        return 0;
    }
    return cJSON_AddStringToObject(job, "experiment_name", name) != NULL ? 0 : out_of_memory(error);
}

int specification_paths_resolve(cJSON *specification, const char *path, struct hd_error *error)
{
    char *folder = folder_of(path);
    int result;

    if (folder == NULL) {
        return hd_error_system(error, HD_INVALID, errno, "cannot find the folder of %s", path);
    }
    result = resolve_paths(specification, folder, error);
    if (result == 0) {
        result = name_experiment(specification, folder, error);
    }
    free(folder);
    return result;
}
