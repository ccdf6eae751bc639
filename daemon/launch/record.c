#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/utf8.h"
#include "durable.h"

enum { NAME_SIZE = 32, FILE_LIMIT = 16384 };

static const char *const kind_names[] = {
    [RECORD_EXITED] = "exited",
    [RECORD_SIGNALED] = "signaled",
    [RECORD_NOT_STARTED] = "not_started",
    [RECORD_STOPPED_EARLY] = "stopped_early",
};

static const char *const oom_names[] = {[OOM_NO] = "no", [OOM_PROBABLY] = "probably", [OOM_YES] = "yes"};

static void file_name(char name[NAME_SIZE], int attempt)
{
    snprintf(name, NAME_SIZE, "exit.%d", attempt);
}

int record_prepare(int folder, int attempt)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    return durable_create(folder, name);
}

/* The program could remove, replace or rename what lies in its folder. */
static bool has_name(int folder, const char *name, int file)
{
    struct stat named, opened;
    return fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(file, &opened) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev;
}

/* A text that was cut anywhere is no whole JSON object: so a torn record is seen, and what an earlier try left must go. */
static int fill(int file, const struct hd_text *text)
{
    if (ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
        return -errno;
    int result = durable_write_all(file, text->data, text->length);
    return result == 0 && fsync(file) < 0 ? -errno : result;
}

int record_write(int folder, int attempt, int file, const struct record *record)
{
    struct hd_text reason = {0}, text = {0};
    hd_utf8_add_clean(&reason, record->reason, strnlen(record->reason, sizeof record->reason));
    hd_text_format(&text, "{\"kind\":\"%s\",\"exit_code\":%d,\"signal\":%d,", kind_names[record->kind], record->exit_code, record->signal);
    hd_text_format(&text, "\"started_us\":%" PRId64 ",\"ended_us\":%" PRId64 ",", record->started_us, record->ended_us);
    hd_text_format(&text, "\"peak_memory\":%" PRId64 ",\"cpu_us\":%" PRId64 ",", record->peak_memory, record->cpu_us);
    hd_text_format(&text, "\"out_of_memory\":\"%s\",\"reason\":", oom_names[record->oom]);
    hd_json_print_string(&text, reason.data != NULL ? reason.data : "");
    hd_text_add_string(&text, "}\n");
    char name[NAME_SIZE];
    file_name(name, attempt);
    int result = text.failed || reason.failed ? -ENOMEM : 0;
    if (result == 0)
        result = has_name(folder, name, file) ? fill(file, &text) : durable_write(folder, name, text.data, text.length, 0600, true);
    hd_text_clear(&text);
    hd_text_clear(&reason);
    return result;
}

static bool read_kind(const cJSON *item, enum record_kind *ret_kind)
{
    for (size_t i = 0; cJSON_IsString(item) && i < sizeof kind_names / sizeof *kind_names; i++) {
        if (strcmp(item->valuestring, kind_names[i]) == 0) {
            *ret_kind = (enum record_kind)i;
            return true;
        }
    }
    return false;
}

/* An earlier monitor did not write this. */
static enum oom read_oom(const cJSON *item)
{
    for (size_t i = 0; cJSON_IsString(item) && i < sizeof oom_names / sizeof *oom_names; i++) {
        if (strcmp(item->valuestring, oom_names[i]) == 0)
            return (enum oom)i;
    }
    return OOM_NO;
}

static bool read_integer(const cJSON *object, const char *name, int64_t *ret_value)
{
    return hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, name), ret_value);
}

static int parse(const struct hd_text *text, struct record *ret_record)
{
    struct hd_problems problems = {0};
    cJSON *object = hd_json_parse(text->data, text->length, &problems);
    bool out_of_memory = problems.out_of_memory;
    hd_problems_clear(&problems);
    if (out_of_memory)
        return -ENOMEM; /* not to be taken for a torn one: the attempt would be lost */
    struct record record = {.kind = RECORD_EXITED};
    int64_t exit_code = 0, signal = 0;
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(object, "reason");
    bool good = read_kind(cJSON_GetObjectItemCaseSensitive(object, "kind"), &record.kind) &&
                read_integer(object, "exit_code", &exit_code) && read_integer(object, "signal", &signal) &&
                read_integer(object, "started_us", &record.started_us) && read_integer(object, "ended_us", &record.ended_us) &&
                read_integer(object, "peak_memory", &record.peak_memory) && read_integer(object, "cpu_us", &record.cpu_us) &&
                cJSON_IsString(reason);
    if (good) {
        record.exit_code = (int)exit_code;
        record.signal = (int)signal;
        record.oom = read_oom(cJSON_GetObjectItemCaseSensitive(object, "out_of_memory"));
        struct hd_error cut = {0}; /* at a whole character, where it is too long */
        hd_error_set(&cut, HD_UNAVAILABLE, "%s", reason->valuestring);
        memcpy(record.reason, cut.message, sizeof record.reason);
        *ret_record = record;
    }
    cJSON_Delete(object);
    return good ? 0 : -EPROTO;
}

int record_read(int folder, int attempt, struct record *ret_record)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    struct hd_text text = {0};
    int result = durable_read_own(folder, name, FILE_LIMIT, &text);
    if (result == 0)
        result = parse(&text, ret_record);
    else if (result == -EFBIG || result == -EINVAL || result == -ELOOP)
        result = -EPROTO;
    hd_text_clear(&text);
    return result;
}

int record_remove(int folder, int attempt)
{
    char name[NAME_SIZE];
    file_name(name, attempt);
    return unlinkat(folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
