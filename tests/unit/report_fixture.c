#include "report_fixture.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/json.h"
#include "core/text.h"
#include "report_server.h"

static char folder[64];
static int saved_stderr, stderr_file;

/* --- Around each test --------------------------------------------------------------------------------------------------------------------
 */

void set_up(void)
{
    strcpy(folder, "/tmp/hd-reporter-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("HYPERDRIVE_RUN_DIR", folder, 1);
    /* What is printed goes to an unlinked file. */
    saved_stderr = dup(STDERR_FILENO);
    stderr_file = open(folder, O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_ge(stderr_file, 0);
    ck_assert_int_ge(dup2(stderr_file, STDERR_FILENO), 0);
}

void tear_down(void)
{
    char command[128];

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(stderr_file);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

int count_printed(const char *words)
{
    char text[8192];
    ssize_t length = pread(stderr_file, text, sizeof(text) - 1, 0);
    int count = 0;

    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++) {
        count++;
    }
    return count;
}

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Bodies ------------------------------------------------------------------------------------------------------------------------------
 */

cJSON *parse(const char *body)
{
    struct hd_problems problems = {0};
    cJSON *json = hd_json_parse(body, strlen(body), &problems);

    ck_assert_msg(json != NULL, "no JSON: %.200s", body);
    hd_problems_clear(&problems);
    return json;
}

const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

int64_t integer(const cJSON *object, const char *name)
{
    int64_t value;

    ck_assert_msg(hd_json_integer(member(object, name), &value), "%s is no integer", name);
    return value;
}

/* Checks a batch of points that were reported with steps 0, 1, 2...: `next` is the step that comes. Returns the rows. */
int check_steps(const char *body, int64_t sequence, int64_t *next)
{
    cJSON *json = parse(body);
    const cJSON *point;
    int rows = 0;

    ck_assert_int_eq(integer(json, "sequence"), sequence);
    ck_assert_uint_eq(strlen(cJSON_GetStringValue(member(json, "reporter"))), 32);
    cJSON_ArrayForEach(point, member(json, "metrics"))
    {
        ck_assert_int_eq(integer(point, "step"), *next);
        (*next)++;
        rows++;
    }
    cJSON_Delete(json);
    return rows;
}

void report_steps(struct hd_reporter *reporter, int64_t from, int64_t to)
{
    for (int64_t step = from; step < to; step++) {
        ck_assert_int_eq(hd_report(reporter, "loss", 0.5, step), 0);
    }
}

/* --- The spool ---------------------------------------------------------------------------------------------------------------------------
 */

int count_kept(void)
{
    char path[96];
    DIR *spool;
    int count = 0;

    snprintf(path, sizeof(path), "%s/spool", folder);
    spool = opendir(path);
    if (spool == NULL) {
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(spool)) != NULL;) {
        size_t length = strlen(entry->d_name);

        count += length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
    }
    closedir(spool);
    return count;
}

void wait_kept(bool some)
{
    int64_t deadline = now_ms() + DEADLINE_MS;

    while ((count_kept() > 0) != some) {
        ck_assert_msg(now_ms() < deadline, "the spool still has %d files", count_kept());
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

/* Text of the file of a reporter with this sequence, whose name and content must agree; owned by the caller. */
char *read_kept(int64_t sequence)
{
    char path[160], end[32], expected[384];
    struct hd_text text = {0};
    DIR *spool;
    cJSON *json;

    snprintf(path, sizeof(path), "%s/spool", folder);
    snprintf(end, sizeof(end), ".%" PRId64 ".json", sequence);
    spool = opendir(path);
    ck_assert_ptr_nonnull(spool);
    for (const struct dirent *entry; (entry = readdir(spool)) != NULL;) {
        const char *found = strstr(entry->d_name, end);
        char bytes[4096];
        int file;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        ck_assert_msg(entry->d_name[0] != '.', "%s is left", entry->d_name);
        if (found == NULL) {
            continue;
        }
        file = openat(dirfd(spool), entry->d_name, O_RDONLY);
        for (ssize_t got; (got = read(file, bytes, sizeof(bytes))) > 0;) {
            hd_text_add(&text, bytes, (size_t)got);
        }
        close(file);
        json = parse(text.data);
        snprintf(expected, sizeof(expected), "%s%s", cJSON_GetStringValue(member(json, "reporter")), end);
        ck_assert_str_eq(entry->d_name, expected);
        cJSON_Delete(json);
    }
    closedir(spool);
    ck_assert_msg(text.data != NULL, "nothing is kept with sequence %" PRId64, sequence);
    return hd_text_take(&text);
}
