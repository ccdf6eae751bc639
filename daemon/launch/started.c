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
#include "durable.h"

enum { NAME_SIZE = 32, FILE_LIMIT = 4096 };

static void file_name(char name[NAME_SIZE], int attempt)
{
    snprintf(name, NAME_SIZE, "started.%d", attempt);
}

int started_write(int folder, int attempt, const struct launch_identity *monitor)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    char line[256];
    int size = snprintf(line, sizeof line, "{\"pid\":%" PRId64 ",\"start_ticks\":%" PRId64 ",\"boot_id\":\"%s\"}\n", monitor->pid,
                        monitor->start_ticks, monitor->boot_id);
    if (size < 0 || (size_t)size >= sizeof line)
        return -EOVERFLOW;
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    int result = durable_write_all(file, line, (size_t)size);
    if (close(file) < 0 && result == 0)
        result = -errno;
    if (result < 0) {
        unlinkat(folder, name, 0);
        return result;
    }
    return durable_sync_folder(folder, ".");
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

static int parse_monitor(const char *line, struct launch_identity *ret_monitor)
{
    struct launch_identity monitor;
    struct hd_problems problems = {0};
    cJSON *object = hd_json_parse(line, strlen(line), &problems);
    bool out_of_memory = problems.out_of_memory;
    hd_problems_clear(&problems);
    if (out_of_memory)
        return -ENOMEM;
    const cJSON *boot_id = cJSON_GetObjectItemCaseSensitive(object, "boot_id");
    bool good = hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "pid"), &monitor.pid) &&
                hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "start_ticks"), &monitor.start_ticks) && cJSON_IsString(boot_id) &&
                strlen(boot_id->valuestring) < sizeof monitor.boot_id;
    if (good) {
        strcpy(monitor.boot_id, boot_id->valuestring);
        *ret_monitor = monitor;
    }
    cJSON_Delete(object);
    return good ? 0 : -EPROTO;
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

int started_read(int folder, int attempt, struct started *ret_started)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    struct hd_text text = {0};
    int result = durable_read_own(folder, name, FILE_LIMIT, &text);
    if (result == -EFBIG || result == -EINVAL || result == -ELOOP)
        result = -EPROTO;
    struct started started = {.running_us = 0};
    char *end = result == 0 ? strchr(text.data, '\n') : NULL;
    if (end != NULL)
        *end = '\0';
    if (result == 0)
        result = parse_monitor(text.data, &started.monitor);
    /* A second line without its end is still being written. */
    char *last = end != NULL ? strchr(end + 1, '\n') : NULL;
    if (result == 0 && last != NULL) {
        *last = '\0';
        started.running_us = parse_running(end + 1);
    }
    hd_text_clear(&text);
    if (result == 0)
        *ret_started = started;
    return result;
}
