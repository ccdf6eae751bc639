/* hyperdrived: a daemon that runs hyperparameter sweeps. */
#include <malloc.h>
#include <stdio.h>

#include "check_database.h"
#include "check_settings.h"
#include "daemon.h"
#include "exit_codes.h"
#include "log.h"
#include "settings.h"

enum { LARGE_BLOCK = 128 << 10 };

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct hd_error error = {0};
    int result;

    /* glibc raises this limit by itself when a large block is freed; then every thread of the pool keeps megabytes for its next answer. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    result = settings_load(&settings, argc, argv, &error);

    if (result < 0) {
        fprintf(stderr, "hyperdrived: %s\n", error.message);
        return EXIT_MISTAKE;
    }
    if (result > 0)
        return EXIT_DONE;
    if (settings.check_only || settings.check_database) {
        result = settings.check_only ? check_settings_and_tell(&settings) : check_database(&settings);
        settings_clear(&settings);
        return result;
    }
    log_open(settings.log_level);
    result = daemon_run(&settings, &error);
    if (result != 0)
        log_line(LOG_LEVEL_ERROR, "%s", error.message);
    settings_clear(&settings);
    if (result != 0)
        return error.code == HD_INVALID || error.code == HD_FORBIDDEN ? EXIT_MISTAKE : EXIT_FAILED;
    return EXIT_DONE;
}
