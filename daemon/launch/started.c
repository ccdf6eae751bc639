#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/utf8.h"
#include "durable.h"

enum { NAME_SIZE = 32, FILE_LIMIT = 16384 };

static void file_name(char name[NAME_SIZE], int attempt)
{
    snprintf(name, NAME_SIZE, "started.%d", attempt);
}

/* A path that is no UTF-8 is none that systemd or we have made. */
static void print_claim(struct hd_text *line, const struct launch_identity *monitor, const char *cgroup)
{
    hd_text_format(line, "{\"pid\":%" PRId64 ",\"start_ticks\":%" PRId64 ",\"boot_id\":\"%s\"", monitor->pid, monitor->start_ticks,
                   monitor->boot_id);
    if (cgroup != NULL && hd_utf8_valid(cgroup)) {
        hd_text_add_string(line, ",\"cgroup\":");
        hd_json_print_string(line, cgroup);
    }
    hd_text_add_string(line, "}\n");
}

static int write_new(int folder, const char *name, const struct hd_text *line)
{
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    int result = durable_write_all(file, line->data, line->length);
    if (close(file) < 0 && result == 0)
        result = -errno;
    if (result < 0)
        unlinkat(folder, name, 0);
    return result;
}

int started_write(int folder, int attempt, const struct launch_identity *monitor, const char *cgroup)
{
    char name[NAME_SIZE];
    struct hd_text line = {0};
    file_name(name, attempt);
    print_claim(&line, monitor, cgroup);
    int result = line.failed ? -ENOMEM : write_new(folder, name, &line);
    hd_text_clear(&line);
    return result < 0 ? result : durable_sync_folder(folder, ".");
}

int started_add_running(int folder, int attempt, int64_t running_us)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    char line[64];
    int size = snprintf(line, sizeof line, "{\"running_us\":%" PRId64 "}\n", running_us);
    int file = openat(folder, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return -errno;
    struct stat info;
    bool own = fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid();
    int result = own ? durable_write_all(file, line, (size_t)size) : -EPROTO;
    close(file);
    return result;
}

/* The first line as an object, which the caller deletes. */
static int parse_claim(const char *line, cJSON **ret_object)
{
    struct hd_problems problems = {0};
    cJSON *object = hd_json_parse(line, strlen(line), &problems);
    bool out_of_memory = problems.out_of_memory;
    hd_problems_clear(&problems);
    if (object == NULL)
        return out_of_memory ? -ENOMEM : -EPROTO;
    *ret_object = object;
    return 0;
}

static int parse_monitor(const char *line, struct launch_identity *ret_monitor)
{
    struct launch_identity monitor;
    cJSON *object;
    int result = parse_claim(line, &object);
    if (result < 0)
        return result;
    const cJSON *boot_id = cJSON_GetObjectItemCaseSensitive(object, "boot_id");
    bool good = hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "pid"), &monitor.pid) &&
                hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "start_ticks"), &monitor.start_ticks) && cJSON_IsString(boot_id) &&
                strlen(boot_id->valuestring) < sizeof monitor.boot_id;
    if (good) {
        memcpy(monitor.boot_id, boot_id->valuestring, strlen(boot_id->valuestring) + 1);
        *ret_monitor = monitor;
    }
    cJSON_Delete(object);
    return good ? 0 : -EPROTO;
}

static int parse_cgroup(const char *line, char **ret_cgroup)
{
    cJSON *object;
    int result = parse_claim(line, &object);
    if (result < 0)
        return result;
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, "cgroup");
    char *cgroup = cJSON_IsString(found) ? strdup(found->valuestring) : NULL;
    result = cJSON_IsString(found) && cgroup == NULL ? -ENOMEM : 0;
    cJSON_Delete(object);
    if (result == 0)
        *ret_cgroup = cgroup;
    return result;
}

static int64_t parse_running(const char *line)
{
    int64_t running_us = 0;
    cJSON *object = hd_json_parse_own(line);
    if (!hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "running_us"), &running_us))
        running_us = 0;
    cJSON_Delete(object);
    return running_us;
}

/* Reads the file; `ret_second` is what stands behind its first line, which ends there. */
static int read_lines(int folder, int attempt, struct hd_text *text, char **ret_second)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    int result = durable_read_own(folder, name, FILE_LIMIT, text);
    if (result == -EFBIG || result == -EINVAL || result == -ELOOP)
        result = -EPROTO;
    char *end = result == 0 ? strchr(text->data, '\n') : NULL;
    if (end != NULL)
        *end = '\0';
    *ret_second = end != NULL ? end + 1 : NULL;
    return result;
}

int started_read(int folder, int attempt, struct started *ret_started)
{
    struct hd_text text = {0};
    char *second;
    int result = read_lines(folder, attempt, &text, &second);
    struct started started = {.running_us = 0};
    if (result == 0)
        result = parse_monitor(text.data, &started.monitor);
    /* A second line without its end is still being written. */
    char *last = result == 0 && second != NULL ? strchr(second, '\n') : NULL;
    if (last != NULL) {
        *last = '\0';
        started.running_us = parse_running(second);
    }
    hd_text_clear(&text);
    if (result == 0)
        *ret_started = started;
    return result;
}

int started_read_cgroup(int folder, int attempt, char **ret_cgroup)
{
    struct hd_text text = {0};
    char *second;
    int result = read_lines(folder, attempt, &text, &second);
    if (result == 0)
        result = parse_cgroup(text.data, ret_cgroup);
    hd_text_clear(&text);
    return result;
}
