#include "specification_check.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/number.h"
#include "output.h"
#include "specification_file.h"

static bool is_directory(void *context, const char *path)
{
    struct stat status;

    (void)context;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && access(path, R_OK | X_OK) == 0;
}

static bool exists(void *context, const char *path)
{
    (void)context;
    return access(path, R_OK) == 0;
}

static int draw_seed(int64_t *ret_seed, struct hd_error *error)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        return hd_error_set(error, HD_UNAVAILABLE, "the system gives no random numbers");
    }
    *ret_seed = (int64_t)(bits & (uint64_t)HD_INTEGER_MAX);
    return 0;
}

static int check_body(const cJSON *body, struct specification_check *check, struct hd_error *error)
{
    struct hd_specification_options options = {.is_directory = is_directory, .exists = exists};
    int result = draw_seed(&options.seed, error);

    if (result < 0) {
        return result;
    }
    if (hd_specification_parse(body, &options, &check->errors, &check->warnings, &check->specification) == 0) {
        /* A seed of the file's own is the same once in 2^53 times. */
        check->seed_drawn = check->specification.sampling.type != HD_GRID && check->specification.sampling.seed == options.seed;
    }
    return check->errors.out_of_memory ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : 0;
}

int specification_check(const char *path, struct specification_check *ret_check, struct hd_error *error)
{
    struct specification_check check = {0};
    struct hd_error fault = {0};
    cJSON *body = specification_file_read(path, &check.source, &fault);
    int result = 0;

    if (body != NULL) {
        result = check_body(body, &check, error);
        cJSON_Delete(body);
    } else if (fault.code == HD_UNAVAILABLE) {
        result = hd_error_set(error, HD_UNAVAILABLE, "%s", fault.message);
    } else {
        hd_problems_add(&check.errors, "InvalidFile", NULL, "%s", fault.message);
    }
    if (result < 0) {
        specification_check_clear(&check);
        return result;
    }
    *ret_check = check;
    return 0;
}

void specification_check_say(const struct specification_check *check)
{
    say_problems(&check->errors, &check->source);
    for (size_t i = 0; i < check->warnings.count; i++) {
        say("warning: %s (%s)", check->warnings.list[i].message, check->warnings.list[i].code);
    }
}

void specification_check_clear(struct specification_check *check)
{
    hd_problems_clear(&check->errors);
    hd_problems_clear(&check->warnings);
    hd_text_clear(&check->source);
    hd_specification_clear(&check->specification);
    *check = (struct specification_check){0};
}
