#include "check_database.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lost_database.h"
#include "store/check.h"
#include "store/store.h"

static void print_fault(void *context, const char *sentence)
{
    int *faults = context;

    ++*faults;
    puts(sentence);
}

static void print_summary(const char *path, const struct store_checked *checked, int faults)
{
    if (checked->skipped)
        printf("%s: it is a database of version %d and this program's are of version %d, so only the file was looked through: %s\n", path,
               checked->version, store_schema(), faults == 0 ? "it is whole" : "see above");
    else if (faults == 0)
        printf("%s is whole: %" PRId64 " sweeps, %" PRId64 " runs, %" PRId64 " points\n", path, checked->sweeps, checked->runs,
               checked->points);
    else
        printf("%s has %d fault%s: stop the daemon and restore a backup, or go on with what is there\n", path, faults,
               faults == 1 ? "" : "s");
}

int check_database(const struct settings *settings)
{
    struct store_checked checked;
    struct hd_error error = {0};
    char path[4096];
    int faults = 0, result = 0;
    bool expected;

    if (snprintf(path, sizeof path, "%s/hyperdrive.db", settings->state_dir) >= (int)sizeof path)
        result = hd_error_set(&error, HD_INVALID, "the path of the state folder is too long: %s", settings->state_dir);
    else if (access(path, F_OK) != 0)
        result = hd_error_system(&error, HD_NOT_FOUND, errno, "cannot open %s", path);
    if (result == 0)
        result = lost_database_check(settings->state_dir, path, &expected, &error);
    if (result == 0)
        result = store_check(path, print_fault, &faults, &checked, &error);
    if (result == 0)
        print_summary(path, &checked, faults);
    else
        fprintf(stderr, "hyperdrived: %s\n", error.message);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "hyperdrived: standard output cannot be written: %s\n", strerror(errno));
        return 1;
    }
    return result != 0 || faults > 0;
}
